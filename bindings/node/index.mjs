// SPDX-License-Identifier: Apache-2.0
// FHIR resources in one encrypted SQLite file. What can wait for a disk, a lock or a key is async.
import { abi, bytesAt, callback, forget, functions as lib, numbers, options, setMember, structAt, textAt, writeAt } from './library.mjs';

export { abi, lib as functions, numbers };

const VERSIONS = { R4: numbers.FHIRSTORE_FHIR_R4, R4B: numbers.FHIRSTORE_FHIR_R4B, R5: numbers.FHIRSTORE_FHIR_R5 };

// ---- errors ----

/** What went wrong: number and name of the status, the HTTP status, and the OperationOutcome. */
export class FhirStoreError extends Error {
  constructor(status, message, outcome) {
    super(message);
    this.name = 'FhirStoreError';
    this.status = status;
    this.code = lib.status_name(status);
    this.http = lib.status_http(status);
    this.outcome = outcome ?? {
      resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'exception', diagnostics: message }],
    };
  }
}

function takeBuffer(buffer) {
  const text = textAt(buffer.ptr, Number(buffer.len));
  lib.buf_clear(buffer);
  return text;
}

function takeError(status, error) {
  const message = (error && lib.error_message(error)) || lib.status_name(status);
  const buffer = {};
  const outcome = error && lib.error_outcome(error, buffer) === numbers.FHIRSTORE_OK ? JSON.parse(takeBuffer(buffer)) : undefined;
  lib.error_free(error);
  return new FhirStoreError(status, message, outcome);
}

function outcomeError(http, outcome) {
  const issue = outcome.issue?.[0] ?? {};
  const coding = issue.details?.coding?.find((each) => each.system === 'urn:libfhirstore:status');
  const status = numbers[`FHIRSTORE_${coding?.code}`] ?? numbers.FHIRSTORE_ERR_INTERNAL;
  const error = new FhirStoreError(status, issue.diagnostics ?? '', outcome);
  error.http = http;
  return error;
}

// ---- values ----

function text(value, what) {
  if (value === undefined || value === null) {
    return Buffer.alloc(0);
  }
  if (typeof value !== 'string') {
    throw new TypeError(`${what} is to be a string`);
  }
  return Buffer.from(value, 'utf8');
}

function bodyOf(resource) {
  if (Buffer.isBuffer(resource) || resource instanceof Uint8Array) {
    return Buffer.from(resource);
  }
  if (typeof resource === 'string') {
    return Buffer.from(resource, 'utf8');
  }
  if (resource === null || typeof resource !== 'object') {
    throw new TypeError('a resource is an object, a string or bytes');
  }
  return Buffer.from(JSON.stringify(resource), 'utf8');
}

function known(resource) {
  return Buffer.isBuffer(resource) || typeof resource === 'string' || resource instanceof Uint8Array
    ? JSON.parse(Buffer.from(resource).toString('utf8'))
    : resource;
}

// Whoever forgets to close has it closed when it is collected.
const forgotten = new FinalizationRegistry((release) => release());

/** What was answered: copied out of the library. */
export class Response {
  constructor(status, address) {
    const length = [0];
    this.status = status;
    this.http = lib.response_http(address);
    const body = lib.response_body(address, length);
    this.body = bytesAt(body, Number(length[0]));
    this.id = lib.response_id(address, length);
    this.version = Number(lib.response_version(address));
    this.updatedUs = Number(lib.response_updated_us(address));
    this.headers = {};
    for (let i = 0; i < lib.response_header_count(address); i++) {
      const name = [null];
      const value = [null];
      if (lib.response_header(address, i, name, value) === numbers.FHIRSTORE_OK) {
        this.headers[cString(name[0])] = cString(value[0]);
      }
    }
    lib.response_free(address);
  }

  /** The body as a value, read anew each time; undefined without one. */
  json() {
    return this.body.length === 0 ? undefined : JSON.parse(this.body.toString('utf8'));
  }
}

function cString(pointer) {
  let length = 64;
  for (;;) {
    const bytes = bytesAt(pointer, length);
    const end = bytes.indexOf(0);
    if (end >= 0) {
      return bytes.subarray(0, end).toString('utf8');
    }
    length *= 2;
  }
}

// ---- handles ----

class Handle {
  #address;
  #release;
  constructor(address, release) {
    this.#address = address;
    this.#release = release;
    forgotten.register(this, () => release(address), this);
  }

  get closed() {
    return this.#address === null;
  }

  _use() {
    if (this.#address === null) {
      throw new Error(`this ${this.constructor.name} is closed`);
    }
    return this.#address;
  }

  _close() {
    if (this.#address !== null) {
      const address = this.#address;
      this.#address = null;
      forgotten.unregister(this);
      this.#release(address);
    }
  }
}

function call(native, ...parameters) {
  return new Promise((resolve, reject) => {
    native.async(...parameters, (error, status) => (error ? reject(error) : resolve(status)));
  });
}

/** A store in one file. */
export class Store extends Handle {
  #kept = [];
  #pending = null;
  #sessions = new Set();

  /**
   * Open a store. Options: key (32 bytes) or passphrase or keyCallback(keyId), or plaintext; patientKeys, create,
   * readOnly, multiProcess, fhir ('R4', 'R4B', 'R5'), baseUrl, clock(), cacheBytes, maxReaders.
   */
  static async open(file, wanted = {}) {
    const name = text(file, 'the path');
    const kept = [];
    const state = { pending: null };
    const store = [null];
    const error = [null];
    const status = await call(lib.open, name, name.length, openOptions(wanted, kept, state), store, error);
    if (state.pending || status < numbers.FHIRSTORE_OK) {
      kept.forEach(forget);
      const failure = takeError(status, error[0]);
      if (store[0]) {
        lib.close(store[0]);
      }
      throw state.pending ?? failure;
    }
    const made = new Store(store[0], lib.close);
    made.#kept = kept;
    return made;
  }

  /** Somebody at work. Options: principal, everything, claims, purpose, requestId, searchMs. */
  async session(wanted = {}) {
    const texts = {
      principal: text(wanted.principal, 'principal'), purpose: text(wanted.purpose, 'purpose'),
      request_id: text(wanted.requestId, 'requestId'), claims: wanted.claims ? bodyOf(wanted.claims) : Buffer.alloc(0),
    };
    const given = options('fhirstore_session_options', {
      flags: wanted.everything ? numbers.FHIRSTORE_SESSION_ALLOW_EVERYTHING : 0, search_ms: wanted.searchMs ?? 0,
    });
    for (const [name, bytes] of Object.entries(texts)) {
      given[name] = bytes;
      given[`${name}_len`] = bytes.length;
    }
    const session = [null];
    const error = [null];
    const status = await call(lib.session_open, this._use(), given, session, error);
    if (status < numbers.FHIRSTORE_OK) {
      throw takeError(status, error[0]);
    }
    const made = new Session(this, session[0]);
    this.#sessions.add(new WeakRef(made));
    return made;
  }

  async setPolicy(document) {
    const bytes = document === undefined ? null : bodyOf(document);
    await this._check(lib.set_policy, bytes, bytes === null ? 0 : bytes.length);
  }

  /**
   * Be asked for each interaction and type; the answer is true, false, or {allow: true, within: ['active=true'],
   * besides: [], hide: [], keep: []}. Anything else, and an exception, denies; the exception comes out of the call.
   */
  async setAuthorizer(decide) {
    if (!decide) {
      await this._check(lib.set_authorizer, null);
      return;
    }
    const authorize = this._keep('fhirstore_authorize_fn', (_, request, decision) =>
      decided(this._guard(decide, accessRequest(request)), decision), numbers.FHIRSTORE_ERR_DENIED);
    await this._check(lib.set_authorizer, options('fhirstore_authorizer', { authorize }));
  }

  /** Be told of everything; an exception refuses or undoes what it is told of. */
  async setAuditHook(record, before) {
    if (!record) {
      await this._check(lib.set_audit_hook, null);
      return;
    }
    const told = (listener) => this._keep('fhirstore_audit_fn', (_, event) =>
      (this._guard(listener, auditEvent(event)) === FAILED ? numbers.FHIRSTORE_ERR_AUDIT_REFUSED : numbers.FHIRSTORE_OK),
    numbers.FHIRSTORE_ERR_AUDIT_REFUSED);
    const hook = options('fhirstore_audit_hook', { record: told(record) });
    if (before) {
      hook.before = told(before);
    }
    await this._check(lib.set_audit_hook, hook);
  }

  async stats() {
    const buffer = {};
    await this._check(lib.stats, buffer);
    return JSON.parse(takeBuffer(buffer));
  }

  /** The key slots: numbers, kinds and labels, never keys. */
  async keys() {
    const buffer = {};
    await this._check(lib.key_list, buffer);
    return JSON.parse(takeBuffer(buffer));
  }

  /** What is wrong: [{area, text}]; nothing if all is sound. */
  async verify() {
    const findings = [];
    const report = callback('fhirstore_finding_fn', (_, area, words) => {
      findings.push({ area: cString(area), text: cString(words) });
    });
    const error = [null];
    const status = await call(lib.verify, this._use(), report, null, null, error);
    forget(report);
    if (status < numbers.FHIRSTORE_OK && findings.length === 0) {
      throw takeError(status, error[0]);
    }
    lib.error_free(error[0]);
    return findings.filter((finding) => finding.area !== 'notice');
  }

  /** Close it, and its sessions. Again is no error. */
  async close() {
    if (this.closed) {
      return;
    }
    for (const each of this.#sessions) {
      await each.deref()?.close();
    }
    this._close();
    this.#kept.forEach(forget);
    this.#kept = [];
  }

  async [Symbol.asyncDispose ?? Symbol('asyncDispose')]() {
    await this.close();
  }

  _guard(listener, ...parameters) {
    try {
      return listener(...parameters);
    } catch (error) {
      this.#pending = error ?? new Error('a callback threw nothing');
      return FAILED;
    }
  }

  /** A callback that never lets an exception through C: whatever goes wrong is `otherwise`. */
  _keep(name, act, otherwise) {
    const registered = callback(name, (...parameters) => {
      try {
        return act(...parameters);
      } catch (error) {
        this.#pending ??= error;
        return otherwise;
      }
    });
    this.#kept.push(registered);
    return registered;
  }

  _takePending() {
    const pending = this.#pending;
    this.#pending = null;
    return pending;
  }

  async _check(native, ...parameters) {
    const error = [null];
    const status = await call(native, this._use(), ...parameters, error);
    if (status < numbers.FHIRSTORE_OK) {
      throw takeError(status, error[0]);
    }
    return status;
  }
}

const FAILED = Symbol('failed');

function openOptions(wanted, kept, state) {
  const guard = (listener, otherwise) => (...parameters) => {
    try {
      return listener(...parameters);
    } catch (error) {
      state.pending = error;
      return otherwise;
    }
  };
  const key = wanted.key === undefined ? null : Buffer.from(wanted.key);
  const passphrase = wanted.passphrase === undefined ? null : text(wanted.passphrase, 'passphrase');
  const baseUrl = text(wanted.baseUrl, 'baseUrl');
  const given = options('fhirstore_open_options', {
    flags: (wanted.create ? numbers.FHIRSTORE_OPEN_CREATE : 0) | (wanted.readOnly ? numbers.FHIRSTORE_OPEN_READ_ONLY : 0)
      | (wanted.plaintext ? numbers.FHIRSTORE_OPEN_PLAINTEXT : 0)
      | (wanted.patientKeys ? numbers.FHIRSTORE_OPEN_PATIENT_KEYS : 0)
      | (wanted.multiProcess ? numbers.FHIRSTORE_OPEN_MULTI_PROCESS : 0),
    fhir_version: wanted.fhir === undefined ? 0 : VERSIONS[wanted.fhir] ?? -1,
    cache_bytes: wanted.cacheBytes ?? 0,
    max_readers: wanted.maxReaders ?? 0,
    key,
    key_len: key?.length ?? 0,
    passphrase,
    passphrase_len: passphrase?.length ?? 0,
    base_url: baseUrl.length > 0 ? baseUrl : null,
    base_url_len: baseUrl.length,
  });
  if (wanted.clock) {
    kept.push(given.clock = callback('fhirstore_clock_fn', guard(() => wanted.clock(), 0)));
  }
  if (wanted.keyCallback) {
    const id = text(wanted.keyId, 'keyId');
    given.key_id = id.length > 0 ? id : null;
    given.key_id_len = id.length;
    kept.push(given.key_callback = callback('fhirstore_key_fn', guard((_, keyId, length, out) => {
      const bytes = Buffer.from(wanted.keyCallback(textAt(keyId, length)));
      if (bytes.length !== 32) {
        return numbers.FHIRSTORE_ERR_KEY_MISSING;
      }
      writeAt(out, bytes);
      return numbers.FHIRSTORE_OK;
    }, numbers.FHIRSTORE_ERR_KEY_MISSING)));
  }
  return given;
}

function texts(struct, names) {
  return Object.fromEntries(names.map((name) => [name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()),
    textAt(struct[name], struct[`${name}_len`])]));
}

function accessRequest(pointer) {
  const struct = structAt(pointer, 'fhirstore_access_request');
  return { action: struct.action, ...texts(struct, ['principal', 'purpose', 'type', 'id', 'query', 'claims']) };
}

function auditEvent(pointer) {
  const struct = structAt(pointer, 'fhirstore_audit_event');
  const event = texts(struct, ['principal', 'purpose', 'request_id', 'type', 'id', 'query', 'patients', 'resources']);
  return {
    ...event,
    phase: struct.phase,
    action: struct.action,
    outcome: struct.outcome,
    timeUs: Number(struct.time_us),
    count: Number(struct.count),
    versionBefore: Number(struct.version_before),
    versionAfter: Number(struct.version_after),
    patients: event.patients.split(' ').filter(Boolean),
    resources: event.resources.split(' ').filter(Boolean),
  };
}

function decided(answer, decision) {
  const allow = answer === true || answer?.allow === true;
  const lists = [['within', lib.access_restrict], ['besides', lib.access_except], ['hide', lib.access_hide], ['keep', lib.access_keep]];
  if (!allow) {
    return answer === FAILED ? numbers.FHIRSTORE_ERR_DENIED : numbers.FHIRSTORE_OK;
  }
  for (const [name, native] of lists) {
    for (const each of answer[name] ?? []) {
      const bytes = text(each, name);
      if (native(decision, bytes, bytes.length) !== numbers.FHIRSTORE_OK) {
        return numbers.FHIRSTORE_ERR_DENIED;
      }
    }
  }
  setMember(decision, 'fhirstore_access_decision', 'answer', 'int32_t',
    answer.within?.length > 0 ? numbers.FHIRSTORE_ACCESS_RESTRICT : numbers.FHIRSTORE_ACCESS_ALLOW);
  return numbers.FHIRSTORE_OK;
}

// ---- sessions ----

/** Who asks. Calls of one session wait for each other. */
export class Session extends Handle {
  #store;
  #last = Promise.resolve();
  #cursors = new Set();

  constructor(store, address) {
    super(address, lib.session_close);
    this.#store = store;
  }

  /** After all that was asked before; its failure is not ours. */
  _inTurn(act) {
    const mine = this.#last.then(act, act);
    this.#last = mine.catch(() => {});
    return mine;
  }

  async _status(native, ...parameters) {
    const error = [null];
    const status = await call(native, ...parameters, error);
    const pending = this.#store._takePending();
    if (pending) {
      lib.error_free(error[0]);
      throw pending;
    }
    if (status < numbers.FHIRSTORE_OK) {
      throw takeError(status, error[0]);
    }
    return status;
  }

  _answer(native, ...parameters) {
    return this._inTurn(async () => {
      const response = [null];
      try {
        const status = await this._status(native, this._use(), ...parameters, response);
        return new Response(status, response[0]);
      } catch (error) {
        lib.response_free(response[0]);
        throw error;
      }
    });
  }

  async create(resource, wanted = {}) {
    const body = bodyOf(resource);
    const type = text(known(resource).resourceType ?? '', 'resourceType');
    if (wanted.ifNoneExist === undefined) {
      return this._answer(lib.create, type, type.length, body, body.length);
    }
    const condition = text(wanted.ifNoneExist, 'ifNoneExist');
    return this._answer(lib.create_if_none, type, type.length, condition, condition.length, body, body.length);
  }

  async read(type, id) {
    const [kind, name] = [text(type, 'type'), text(id, 'id')];
    return this._answer(lib.read, kind, kind.length, name, name.length);
  }

  async vread(type, id, version) {
    const [kind, name] = [text(type, 'type'), text(id, 'id')];
    return this._answer(lib.vread, kind, kind.length, name, name.length, version);
  }

  /** Store a resource under its own id; with ifMatch only if that is the current version. */
  async update(resource, wanted = {}) {
    const body = bodyOf(resource);
    const { resourceType, id } = known(resource);
    const [kind, name] = [text(resourceType ?? '', 'resourceType'), text(id ?? '', 'id')];
    return this._answer(lib.update, kind, kind.length, name, name.length, body, body.length, writeOptions(wanted));
  }

  async delete(type, id, wanted = {}) {
    const [kind, name] = [text(type, 'type'), text(id, 'id')];
    return this._answer(lib.delete, kind, kind.length, name, name.length, writeOptions(wanted));
  }

  async history(type = '', id = '', query = '') {
    const [kind, name, rest] = [text(type, 'type'), text(id, 'id'), text(query, 'query')];
    return (await this._answer(lib.history, kind, kind.length, name, name.length, rest, rest.length)).json();
  }

  /** An async iterator over all matches, on one snapshot. */
  async* search(type, query = '') {
    const cursor = await this.openSearch(type, query);
    try {
      for (let resource = await cursor.next(); resource !== undefined; resource = await cursor.next()) {
        yield resource;
      }
    } finally {
      await cursor.close();
    }
  }

  /** A cursor, for who wants to step by hand. */
  async openSearch(type, query = '') {
    const [kind, rest] = [text(type, 'type'), text(query, 'query')];
    const cursor = [null];
    await this._inTurn(() => this._status(lib.search_open, this._use(), kind, kind.length, rest, rest.length, cursor));
    const made = new Search(this, cursor[0]);
    this.#cursors.add(new WeakRef(made));
    return made;
  }

  async count(type, query = '') {
    const [kind, rest] = [text(type, 'type'), text(query, 'query')];
    const count = [0];
    await this._inTurn(() => this._status(lib.search_count, this._use(), kind, kind.length, rest, rest.length, count));
    return Number(count[0]);
  }

  /** A searchset Bundle: one page. */
  async page(type, query = '') {
    const [kind, rest] = [text(type, 'type'), text(query, 'query')];
    return (await this._answer(lib.search_page, kind, kind.length, rest, rest.length)).json();
  }

  /** Any request of FHIR's REST API. With check an answer of 400 and above is an exception. */
  async request(method, url, { body, headers = {}, check = false } = {}) {
    const [verb, address] = [text(method, 'method'), text(url, 'url')];
    const data = body === undefined ? Buffer.alloc(0) : bodyOf(body);
    const list = Object.entries(headers).map(([name, value]) => {
      const [first, second] = [text(name, 'a header name'), text(value, 'a header value')];
      return { name: first, name_len: first.length, value: second, value_len: second.length };
    });
    const answer = await this._answer(lib.request, verb, verb.length, address, address.length, list.length > 0 ? list : null,
      list.length, data, data.length);
    if (check && answer.http >= 400) {
      throw outcomeError(answer.http, answer.json() ?? {});
    }
    return answer;
  }

  /** All or nothing. */
  async transaction(entry, type = 'transaction') {
    return (await this.request('POST', '', { body: { resourceType: 'Bundle', type, entry }, check: true })).json();
  }

  /** A JSON Patch (RFC 6902). */
  async patch(type, id, operations, wanted = {}) {
    const headers = { 'Content-Type': 'application/json-patch+json' };
    if (wanted.ifMatch !== undefined) {
      headers['If-Match'] = `W/"${wanted.ifMatch}"`;
    }
    return this.request('PATCH', `${type}/${id}`, { body: Buffer.from(JSON.stringify(operations)), headers, check: true });
  }

  /**
   * Destroy a patient's key and remove what belongs to that patient alone: {resources, versions, stillNamedBy, tidy}.
   * With later, writing the file anew is left to the next maintenance.
   */
  async shred(id, { later = false } = {}) {
    const name = text(id, 'id');
    const buffer = {};
    await this._inTurn(() => this._status(lib.shred_patient, this._use(), name, name.length,
      later ? numbers.FHIRSTORE_SHRED_LATER : 0, buffer));
    return JSON.parse(takeBuffer(buffer));
  }

  /**
   * Verify the store and make anew what can be made of what is stored: {area, text} of each finding, then with area
   * 'repaired' what was mended and with 'left' what was not. Nothing if all is sound.
   */
  async repair() {
    const findings = [];
    const report = callback('fhirstore_finding_fn', (_, area, words) => {
      findings.push({ area: cString(area), text: cString(words) });
    });
    try {
      await this._inTurn(() => this._status(lib.repair, this._use(), report, null, null));
    } catch (error) {
      if (error.status !== numbers.FHIRSTORE_ERR_CORRUPT) {
        throw error;
      }
    } finally {
      forget(report);
    }
    return findings.filter((finding) => finding.area !== 'notice');
  }

  /** Stop what the session does now. */
  cancel() {
    lib.session_cancel(this._use());
  }

  async close() {
    await this._inTurn(() => {
      for (const each of this.#cursors) {
        each.deref()?._close();
      }
      this._close();
    });
  }
}

function writeOptions(wanted) {
  return wanted.ifMatch === undefined ? null : options('fhirstore_write_options', { if_version: wanted.ifMatch });
}

/** A cursor on a snapshot. */
export class Search extends Handle {
  #session;

  constructor(session, address) {
    super(address, lib.search_close);
    this.#session = session;
  }

  /** The next resource; undefined at the end. */
  next() {
    return this.#session._inTurn(async () => {
      const status = await this.#session._status(lib.search_next, this._use());
      if (status === numbers.FHIRSTORE_DONE) {
        return undefined;
      }
      const length = [0];
      const body = lib.search_body(this._use(), length);
      return JSON.parse(textAt(body, length[0]));
    });
  }

  async close() {
    await this.#session._inTurn(() => this._close());
  }
}

/** The library's version. */
export function version() {
  return lib.version();
}
