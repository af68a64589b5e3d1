// SPDX-License-Identifier: Apache-2.0
// The behaviour that all bindings share, for Node's, in TAP: behaviour.mjs
// What is special to Node comes after the steps of tests/data/bindings.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const { Store, FhirStoreError, Response, functions, abi } = await import(pathToFileURL(path.join(root, 'bindings', 'node', 'index.mjs')));
const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
let number = 0;
let failed = 0;

async function report(title, test, ...parameters) {
  number += 1;
  try {
    await test(...parameters);
    console.log(`ok ${number} - ${title}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${number} - ${title}\n# ${String(error?.stack ?? error).replaceAll('\n', '\n# ')}`);
  }
}

async function within(test) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fhirstore-node-'));
  try {
    await test(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const withStore = (test, wanted = {}) => within(async (folder) => {
  const store = await Store.open(path.join(folder, 's'), { key: KEY, create: true, ...wanted });
  const session = await store.session({ principal: 'tester', everything: true });
  await test(store, session, folder);
  await store.close();
});

// ---- the shared steps ----

const fillIn = (value, kept) => JSON.parse(JSON.stringify(value).replace(/\{(\w+)\}/g, (all, name) => kept[name] ?? all));

async function perform(session, step) {
  switch (step.do) {
    case 'create': return session.create(step.resource, { ifNoneExist: step.ifNoneExist });
    case 'update': return session.update(step.resource, { ifMatch: step.ifMatch });
    case 'read': return session.read(step.type, step.id);
    case 'delete': return session.delete(step.type, step.id);
    case 'vread': return session.vread(step.type, step.id, step.version);
    case 'history': return session.history(step.type, step.id);
    case 'search': {
      const ids = [];
      for await (const resource of session.search(step.type, step.query)) {
        ids.push(resource.id);
      }
      return ids;
    }
    case 'count': return session.count(step.type, step.query);
    case 'page': return session.page(step.type, step.query);
    case 'patch': return session.patch(step.type, step.id, step.operations);
    case 'transaction': return session.transaction(step.entries);
    case 'shred': return session.shred(step.id, { later: step.later });
    case 'repair': return session.repair();
    default: return session.request(step.method, step.url, { body: step.body, headers: step.headers });
  }
}

function checkAnswer(got, want) {
  for (const name of ['http', 'version', 'id']) {
    if (name in want) {
      assert.equal(got[name], want[name], name);
    }
  }
  for (const [name, value] of Object.entries(want.headers ?? {})) {
    assert.equal(got.headers[name], value, name);
  }
  if (want.ids) {
    assert.deepEqual(got, want.ids);
  }
  if ('count' in want) {
    assert.equal(got, want.count);
  }
  if ('findings' in want) {
    assert.deepEqual(got, want.findings);
  }
  const body = got instanceof Response ? got.json() : got;
  for (const [name, value] of Object.entries(want.json ?? {})) {
    assert.deepEqual(body[name], value, name);
  }
}

async function runStep(session, given, kept) {
  const step = fillIn(given, kept);
  const want = step.expect;
  if (want.error) {
    await assert.rejects(perform(session, step), (error) => {
      assert.ok(error instanceof FhirStoreError, String(error));
      assert.equal(error.http, want.error.http);
      assert.equal(error.code, want.error.name ?? error.code);
      assert.equal(error.outcome.issue[0].code, want.error.code ?? error.outcome.issue[0].code);
      return true;
    });
    return;
  }
  const got = await perform(session, step);
  if (step.keep) {
    kept[step.keep] = got.id;
  }
  checkAnswer(got, want);
}

const data = path.join(root, 'tests', 'data', 'bindings');
for (const name of fs.readdirSync(data).filter((each) => each.endsWith('.json')).sort()) {
  const { steps, store: wanted } = JSON.parse(fs.readFileSync(path.join(data, name), 'utf8'));
  await withStore(async (store, session) => {
    const kept = {};
    for (const [place, step] of steps.entries()) {
      await report(`${path.basename(name, '.json')} ${place + 1}: ${step.do}`, runStep, session, step, kept);
    }
  }, wanted);
}

// ---- Node's own ----

const ownTests = {
  any_order: () => withStore(async (store, session) => {
    await session.update({ resourceType: 'Patient', id: 'a' });
    const cursor = await session.openSearch('Patient');
    await store.close();
    await store.close();
    await session.close();
    await cursor.close();
    await assert.rejects(session.read('Patient', 'a'), /closed/);
    await assert.rejects(store.stats(), /closed/);
    await assert.rejects(cursor.next(), /closed/);
  }),
  wrong_types: () => withStore(async (store, session, folder) => {
    await assert.rejects(session.read(5, 'a'), TypeError);
    await assert.rejects(session.create(5), TypeError);
    await assert.rejects(session.create(null), TypeError);
    await assert.rejects(session.count('Patient', 5), TypeError);
    await assert.rejects(session.request('GET', 5), TypeError);
    await assert.rejects(session.vread('Patient', 'a', 'one'), TypeError);
    await assert.rejects(Store.open(5), TypeError);
    await assert.rejects(Store.open(path.join(folder, 't'), { key: Buffer.alloc(5), create: true }), FhirStoreError);
    await assert.rejects(Store.open(path.join(folder, 'none'), { key: KEY }), FhirStoreError);
    await assert.rejects(Store.open(path.join(folder, 's'), { key: KEY }), FhirStoreError); // it is open already
  }),
  exceptions_in_callbacks: () => withStore(async (store, session) => {
    class Stop extends Error {}
    const refuse = () => { throw new Stop('no'); };
    await session.update({ resourceType: 'Patient', id: 'a', active: true });
    await store.setAuthorizer(refuse);
    const asked = await store.session({ principal: 'p' });
    await assert.rejects(asked.read('Patient', 'a'), Stop);
    await assert.rejects(asked.count('Patient'), Stop);
    await assert.rejects(asked.request('GET', 'Patient/a'), Stop);
    await store.setAuthorizer(() => 'yes');
    await assert.rejects(asked.read('Patient', 'a'), (error) => error.http === 403);
    await store.setAuditHook(refuse);
    await assert.rejects(session.update({ resourceType: 'Patient', id: 'a', active: false }), Stop);
    await store.setAuditHook(null);
    assert.equal((await session.read('Patient', 'a')).json().active, true);
  }),
  access_and_audit: () => withStore(async (store, session) => {
    await session.update({ resourceType: 'Patient', id: 'a', active: true, birthDate: '1980-01-01' });
    await session.update({ resourceType: 'Patient', id: 'b', active: false });
    const asked = [];
    const told = [];
    await store.setAuthorizer((request) => {
      asked.push(request);
      return { allow: true, within: ['active=true'], hide: ['birthDate'] };
    });
    await store.setAuditHook((event) => told.push(event));
    const reader = await store.session({ principal: 'Practitioner/7', purpose: 'TREAT' });
    assert.equal(await reader.count('Patient'), 1);
    await assert.rejects(reader.read('Patient', 'b'), (error) => error.http === 404);
    assert.equal('birthDate' in (await reader.read('Patient', 'a')).json(), false);
    assert.ok(asked.some((each) => each.principal === 'Practitioner/7' && each.type === 'Patient' && each.purpose === 'TREAT'));
    assert.deepEqual(told.filter((event) => event.id === 'a').at(-1).patients, ['a']);
  }),
  keys_by_callback: () => within(async (folder) => {
    const file = path.join(folder, 's');
    const asked = [];
    const keyCallback = (keyId) => {
      asked.push(keyId);
      return KEY;
    };
    const store = await Store.open(file, { keyCallback, keyId: 'vault/7', create: true });
    await store.close();
    await (await Store.open(file, { keyCallback })).close();
    assert.deepEqual([...new Set(asked)], ['vault/7']);
    await assert.rejects(Store.open(file, { keyCallback: () => { throw new RangeError('no key'); } }), RangeError);
  }),
  a_clock_of_ones_own: () => within(async (folder) => {
    const store = await Store.open(path.join(folder, 's'), { key: KEY, create: true, clock: () => 1_600_000_000_000_000 });
    const session = await store.session({ everything: true });
    assert.equal(Math.floor((await session.create({ resourceType: 'Patient' })).updatedUs / 1e6), 1_600_000_000);
    await store.close();
  }),
  many_at_once: () => withStore(async (store, session) => {
    for (let i = 0; i < 20; i++) {
      await session.update({ resourceType: 'Patient', id: `p${i}` });
    }
    const work = async () => {
      const own = await store.session({ everything: true });
      for (let i = 0; i < 20; i++) {
        const cursor = await own.openSearch('Patient');
        await cursor.next(); // half read; and the first is forgotten, until it is collected
        if (i > 0) {
          await cursor.close();
        }
        await own.read('Patient', `p${i}`);
        globalThis.gc?.();
      }
    };
    await Promise.all([work(), work(), work(), work()]);
    assert.equal(await session.count('Patient'), 20);
    assert.deepEqual(await store.verify(), []);
  }),
  what_is_damaged_is_mended: () => within(async (folder) => {
    const file = path.join(folder, 's');
    let store = await Store.open(file, { key: KEY, create: true });
    await (await store.session({ everything: true })).create({ resourceType: 'Patient' });
    await store.close();
    const bytes = fs.openSync(file, 'r+');
    fs.writeSync(bytes, Buffer.alloc(32), 0, 32, 4096 + 64); // the second copy of the header
    fs.closeSync(bytes);
    store = await Store.open(file, { key: KEY });
    assert.ok((await store.verify()).length > 0);
    const areas = (await (await store.session({ everything: true })).repair()).map((finding) => finding.area);
    assert.ok(areas.includes('repaired') && !areas.includes('left'), String(areas));
    assert.deepEqual(await store.verify(), []);
    const reader = await store.session({ claims: { id: 'p', scope: 'user/Patient.rs' } });
    await assert.rejects(reader.repair(), (error) => error.http === 403);
    await assert.rejects(reader.shred('a'), (error) => error.http === 403);
    await assert.rejects(reader.shred(5), TypeError);
    await store.close();
  }),
  all_functions_are_there: () => {
    const api = JSON.parse(fs.readFileSync(path.join(root, 'bindings', 'c-abi', 'api.json'), 'utf8'));
    for (const each of api.functions) {
      assert.equal(typeof functions[each.name.slice('fhirstore_'.length)], 'function', each.name);
    }
    for (const each of api.structs) {
      assert.ok(abi.structs[each.name], each.name);
    }
  },
};
for (const [title, test] of Object.entries(ownTests)) {
  await report(title, test);
}
console.log(`1..${number}`);
process.exitCode = failed > 0 ? 1 : 0;
