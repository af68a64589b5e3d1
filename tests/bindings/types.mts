// SPDX-License-Identifier: Apache-2.0
// A program that is only compiled: what it says of the types holds, and what is marked is an error.
import {
  FhirStoreError, Response, Search, Session, Store, abi, functions, numbers, version,
  type AccessRequest, type AuditEvent, type Body, type Decision, type Finding, type OpenOptions, type Resource, type SessionOptions,
  type Shredded,
} from 'fhirstore';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
function holds<T extends true>(): T | void {}

const opening: OpenOptions = {
  key: new Uint8Array(32), create: true, patientKeys: true, fhir: 'R4B', clock: () => 1n, cacheBytes: 1 << 20,
  keyCallback: (keyId) => Buffer.from(keyId),
};
const asking: SessionOptions = { principal: 'Practitioner/7', claims: { scope: 'user/*.rs' }, searchMs: 1000 };

async function resources(session: Session): Promise<void> {
  const bodies: [Body, ...Body[]] = [{ resourceType: 'Patient' }, '{"resourceType":"Patient"}', Buffer.from('{}'), new Uint8Array(2)];
  const made = await session.create(bodies[0], { ifNoneExist: 'identifier=urn:s|1' });
  holds<Same<typeof made, Response>>();
  holds<Same<typeof made.body, Buffer>>();
  holds<Same<typeof made.headers, Record<string, string>>>();
  const [id, v, us, http]: [string, number, number, number] = [made.id, made.version, made.updatedUs, made.http + made.status];
  await session.read('Patient', id);
  await session.vread('Patient', id, v + us * 0 + http * 0);
  await session.update({ resourceType: 'Patient', id }, { ifMatch: v });
  await session.patch('Patient', id, [{ op: 'add', path: '/active', value: true }], { ifMatch: 2 });
  await session.delete('Patient', id, { ifMatch: 3 });
  await session.history();
  await session.request('POST', 'Patient/_search', { body: 'name=x', headers: { Accept: 'application/fhir+json' }, check: true });
  await session.transaction([{ request: { method: 'GET', url: 'Patient' } }], 'batch');
}

async function searches(session: Session): Promise<void> {
  for await (const each of session.search('Patient', 'name=x')) {
    holds<Same<typeof each, Resource>>();
    const type: string = each.resourceType;
    void [type, each.name?.[0]?.family];
  }
  const cursor: Search = await session.openSearch('Patient');
  const first = await cursor.next();
  holds<Same<typeof first, Resource | undefined>>();
  // @ts-expect-error: there may be none
  void first.resourceType;
  const count = await session.count('Patient');
  holds<Same<typeof count, number>>();
  await session.page('Patient', '_count=1');
  await cursor.close();
}

async function forGood(session: Session): Promise<void> {
  const gone: Shredded = await session.shred('a', { later: true });
  const names: string[] = gone.stillNamedBy;
  const findings: Finding[] = await session.repair();
  void [names, gone.tidy, findings[0]?.area];
  session.cancel();
}

async function decisions(store: Store): Promise<void> {
  await store.setAuthorizer((request: AccessRequest): Decision => ({ allow: request.type === 'Patient', hide: ['birthDate'] }));
  await store.setAuthorizer((request) => request.action === numbers.FHIRSTORE_ACTION_READ);
  await store.setAuthorizer(null);
  await store.setAuditHook((event: AuditEvent) => { event.patients.push(event.type); }, (event) => void event.timeUs);
  await store.setPolicy();
  // @ts-expect-error: a word is no decision
  await store.setAuthorizer(() => 'yes');
}

async function wrong(session: Session): Promise<void> {
  // @ts-expect-error: a type is a text
  await session.read(5, 'a');
  // @ts-expect-error: a version is a number
  await session.vread('Patient', 'a', '1');
  // @ts-expect-error: such a version of FHIR there is not
  await Store.open('s', { fhir: 'R3' });
  // @ts-expect-error: an option that is misspelled
  await Store.open('s', { plainText: true });
  // @ts-expect-error: handles are opened, not made
  new Store();
  // @ts-expect-error: what was answered stays
  (await session.read('Patient', 'a')).id = 'b';
}

export async function main(): Promise<void> {
  const store = await Store.open('clinic.fhirstore', opening);
  const session = await store.session(asking);
  try {
    await resources(session);
    await searches(session);
    await forGood(session);
    await decisions(store);
    await wrong(session);
  } catch (error) {
    if (error instanceof FhirStoreError) {
      const [status, code, issue]: [number, string, unknown] = [error.status, error.code, error.outcome.issue];
      console.error(status, code, issue, error.http, error.message);
    }
  } finally {
    const closed: boolean = store.closed && session.closed;
    await session.close();
    await store.close();
    console.log(version().length, closed, functions['version']?.(), abi.structs, await store.keys(), await store.stats(), await store.verify());
  }
}
