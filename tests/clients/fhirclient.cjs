// SPDX-License-Identifier: Apache-2.0
// The flow with npm's fhirclient, the SMART client: fhirclient.cjs BASE NODE_MODULES
const assert = require('node:assert/strict');
const path = require('node:path');

const [base, modules] = process.argv.slice(2);
const FHIR = require(path.join(modules, 'fhirclient'));

async function flow() {
  const client = FHIR({ url: '/', headers: {} }, { setHeader() {}, writeHead() {}, end() {} }, { get() {}, set() {}, unset() {} }).client(base);
  const mark = `smart-${Date.now()}`;
  const identifier = [{ system: 'http://clinic.example/smart', value: mark }];

  // create
  const made = await client.create({ resourceType: 'Patient', identifier, birthDate: '1970-01-01' });
  assert.equal(made.birthDate, '1970-01-01');

  // conditional create
  const again = await client.create(
    { resourceType: 'Patient', identifier },
    { headers: { 'If-None-Exist': `identifier=http://clinic.example/smart|${mark}` } },
  );
  assert.equal(again.id, made.id);

  // search, with pages by next
  for (let i = 0; i < 5; i++) {
    await client.create({ resourceType: 'Observation', status: 'final', code: { text: mark }, subject: { reference: `Patient/${made.id}` } });
  }
  let pages = 0;
  await client.request(`Observation?subject=Patient/${made.id}&_count=2`, { pageLimit: 0, onPage: () => { pages++; } });
  const all = await client.request(`Observation?subject=Patient/${made.id}&_count=2`, { pageLimit: 0, flat: true });
  assert.equal(pages, 3);
  assert.equal(new Set(all.map((each) => each.id)).size, 5);

  // references are followed
  const observation = await client.request(`Observation/${all[0].id}`, { resolveReferences: 'subject' });
  assert.equal(observation.subject.id, made.id);

  // update with If-Match
  const body = { ...made, active: true };
  const updated = await client.update(body, { headers: { 'If-Match': 'W/"1"' } });
  assert.equal(updated.meta.versionId, '2');
  await assert.rejects(client.update(body, { headers: { 'If-Match': 'W/"1"' } }), (error) => error.statusCode === 412 || error.status === 412);

  // patch
  const patched = await client.patch(`Patient/${made.id}`, [{ op: 'replace', path: '/active', value: false }]);
  assert.equal(patched.active, false);

  // transaction
  const result = await client.request({
    url: '/',
    method: 'POST',
    headers: { 'content-type': 'application/fhir+json' },
    body: JSON.stringify({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ resource: { ...patched, gender: 'other' }, request: { method: 'PUT', url: `Patient/${made.id}` } }],
    }),
  });
  assert.equal(result.entry[0].response.status.slice(0, 3), '200');

  // history
  const history = await client.request(`Patient/${made.id}/_history`);
  assert.equal(history.total, 4);

  // refused, and deleted
  await assert.rejects(client.create({ resourceType: 'Patient', gender: 5 }), (error) => error.statusCode === 400 || error.status === 400 || /400/.test(error.message));
  await client.delete(`Patient/${made.id}`);
  await assert.rejects(client.request(`Patient/${made.id}`), (error) => error.statusCode === 410 || error.status === 410 || /410/.test(error.message));
  console.log('flow complete');
}

flow().catch((error) => {
  console.error(error);
  process.exit(1);
});
