// SPDX-License-Identifier: Apache-2.0
// The flow with npm's fhir-kit-client: fhir_kit_client.mjs BASE NODE_MODULES
import assert from 'node:assert/strict';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [base, modules] = process.argv.slice(2);
const loaded = await import(pathToFileURL(path.join(modules, 'fhir-kit-client', 'dist', 'client.js')));
const Client = loaded.default ?? loaded.Client;
const client = new Client({ baseUrl: base });
const mark = `kit-${Date.now()}`;
const identifier = [{ system: 'http://clinic.example/kit', value: mark }];

// create
const made = await client.create({
  resourceType: 'Patient',
  body: { resourceType: 'Patient', identifier, name: [{ family: 'Kit' }] },
});
assert.equal(made.name[0].family, 'Kit');
assert.match(made.id, /^[A-Za-z0-9.-]{1,64}$/);

// conditional create: the one that is there
const again = await client.create({
  resourceType: 'Patient',
  body: { resourceType: 'Patient', identifier, name: [{ family: 'Second' }] },
  options: { headers: { 'If-None-Exist': `identifier=http://clinic.example/kit|${mark}` } },
});
assert.equal(again.id, made.id);
assert.equal(again.name[0].family, 'Kit');

// search, with pages by next
for (let i = 0; i < 5; i++) {
  await client.create({
    resourceType: 'Observation',
    body: { resourceType: 'Observation', status: 'final', code: { text: mark }, subject: { reference: `Patient/${made.id}` } },
  });
}
let page = await client.search({ resourceType: 'Observation', searchParams: { subject: `Patient/${made.id}`, _count: 2 } });
const seen = new Set();
let pages = 0;
while (page) {
  pages++;
  page.entry.forEach((entry) => seen.add(entry.resource.id));
  page = await client.nextPage({ bundle: page });
}
assert.equal(pages, 3);
assert.equal(seen.size, 5);

// update with If-Match: the right version, then one that is gone
const body = { ...made, active: true };
const updated = await client.update({ resourceType: 'Patient', id: made.id, body, options: { headers: { 'If-Match': 'W/"1"' } } });
assert.equal(updated.meta.versionId, '2');
await assert.rejects(
  client.update({ resourceType: 'Patient', id: made.id, body, options: { headers: { 'If-Match': 'W/"1"' } } }),
  (error) => error.response.status === 412 && error.response.data.resourceType === 'OperationOutcome',
);

// patch
const patched = await client.patch({ resourceType: 'Patient', id: made.id, jsonPatch: [{ op: 'replace', path: '/active', value: false }] });
assert.equal(patched.active, false);
assert.equal(patched.meta.versionId, '3');

// transaction
const result = await client.transaction({
  body: {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      { fullUrl: 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a', resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } },
      {
        resource: { resourceType: 'Observation', status: 'final', code: { text: mark }, subject: { reference: 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a' } },
        request: { method: 'POST', url: 'Observation' },
      },
    ],
  },
});
assert.equal(result.type, 'transaction-response');
assert.deepEqual(result.entry.map((entry) => entry.response.status.slice(0, 3)), ['201', '201']);

// history
const history = await client.history({ resourceType: 'Patient', id: made.id });
assert.deepEqual(history.entry.map((entry) => entry.resource.meta.versionId), ['3', '2', '1']);

// refused, and deleted
await assert.rejects(client.create({ resourceType: 'Patient', body: { resourceType: 'Patient', gender: 5 } }), (error) => error.response.status === 400);
await client.delete({ resourceType: 'Patient', id: made.id });
await assert.rejects(client.read({ resourceType: 'Patient', id: made.id }), (error) => error.response.status === 410);
const statement = await client.capabilityStatement();
assert.equal(statement.resourceType, 'CapabilityStatement');
console.log('flow complete');
