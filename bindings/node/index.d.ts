// SPDX-License-Identifier: Apache-2.0
/// <reference types="node" />

/** A resource: an object, its JSON as text, or its bytes. */
export type Body = object | string | Uint8Array;
export type Resource = { resourceType: string; id?: string; [element: string]: any };

/** What went wrong. */
export class FhirStoreError extends Error {
  /** The library's status, as a number and by name (`ERR_NOT_FOUND`). */
  readonly status: number;
  readonly code: string;
  readonly http: number;
  readonly outcome: Resource;
}

/** What was answered. */
export class Response {
  private constructor();
  readonly status: number;
  readonly http: number;
  readonly id: string;
  readonly version: number;
  /** Microseconds since 1970. */
  readonly updatedUs: number;
  readonly headers: Record<string, string>;
  /** The bytes as stored. */
  readonly body: Buffer;
  json(): any;
}

export interface OpenOptions {
  /** 32 bytes. */
  key?: Uint8Array;
  passphrase?: string;
  /** Called with a key id; returns 32 bytes. */
  keyCallback?: (keyId: string) => Uint8Array;
  keyId?: string;
  /** Not encrypted: for tests. */
  plaintext?: boolean;
  /** A new store gives each Patient a key of its own: see Session.shred(). */
  patientKeys?: boolean;
  create?: boolean;
  readOnly?: boolean;
  multiProcess?: boolean;
  fhir?: 'R4' | 'R4B' | 'R5';
  baseUrl?: string;
  /** Microseconds since 1970. */
  clock?: () => number | bigint;
  cacheBytes?: number;
  maxReaders?: number;
}

export interface SessionOptions {
  principal?: string;
  /** Skip the authorizer. */
  everything?: boolean;
  /** The principal's document: roles, scope, patient, attributes. */
  claims?: object | string;
  purpose?: string;
  requestId?: string;
  searchMs?: number;
}

export interface AccessRequest {
  action: number;
  principal: string;
  purpose: string;
  type: string;
  id: string;
  query: string;
  claims: string;
}

/** Searches of the type that must fit (one of them), that must not, elements that are hidden, or not to be changed. */
export interface Decision {
  allow: boolean;
  within?: string[];
  besides?: string[];
  hide?: string[];
  keep?: string[];
}

export interface AuditEvent {
  phase: number;
  action: number;
  outcome: number;
  timeUs: number;
  principal: string;
  purpose: string;
  requestId: string;
  type: string;
  id: string;
  query: string;
  count: number;
  versionBefore: number;
  versionAfter: number;
  patients: string[];
  resources: string[];
}

export interface Finding {
  area: string;
  text: string;
}

/** What went with a patient, who still names it, and whether the file was written anew. */
export interface Shredded {
  resources: number;
  versions: number;
  stillNamedBy: string[];
  tidy: boolean;
}

/** A store in one file. Safe to use from anywhere in the process. */
export class Store {
  private constructor();
  static open(file: string, options?: OpenOptions): Promise<Store>;
  readonly closed: boolean;
  session(options?: SessionOptions): Promise<Session>;
  setPolicy(document?: object | string): Promise<void>;
  setAuthorizer(decide: ((request: AccessRequest) => boolean | Decision) | null): Promise<void>;
  setAuditHook(record: ((event: AuditEvent) => void) | null, before?: (event: AuditEvent) => void): Promise<void>;
  stats(): Promise<any>;
  keys(): Promise<any>;
  verify(): Promise<Finding[]>;
  close(): Promise<void>;
}

/** Who asks. Calls of one session wait for each other. */
export class Session {
  private constructor();
  readonly closed: boolean;
  create(resource: Body, options?: { ifNoneExist?: string }): Promise<Response>;
  read(type: string, id: string): Promise<Response>;
  vread(type: string, id: string, version: number): Promise<Response>;
  update(resource: Body, options?: { ifMatch?: number }): Promise<Response>;
  delete(type: string, id: string, options?: { ifMatch?: number }): Promise<Response>;
  patch(type: string, id: string, operations: object[], options?: { ifMatch?: number }): Promise<Response>;
  history(type?: string, id?: string, query?: string): Promise<any>;
  search(type: string, query?: string): AsyncGenerator<Resource, void, void>;
  openSearch(type: string, query?: string): Promise<Search>;
  count(type: string, query?: string): Promise<number>;
  page(type: string, query?: string): Promise<any>;
  request(method: string, url: string, options?: { body?: Body; headers?: Record<string, string>; check?: boolean }): Promise<Response>;
  transaction(entry: object[], type?: 'transaction' | 'batch'): Promise<any>;
  shred(id: string, options?: { later?: boolean }): Promise<Shredded>;
  repair(): Promise<Finding[]>;
  cancel(): void;
  close(): Promise<void>;
}

/** A cursor on a snapshot. */
export class Search {
  private constructor();
  readonly closed: boolean;
  next(): Promise<Resource | undefined>;
  close(): Promise<void>;
}

/** The library's version. */
export function version(): string;
/** FHIRSTORE_…: all numbers that the headers name. */
export const numbers: Record<string, number>;
/** The C interface as it is. */
export const functions: Record<string, (...parameters: any[]) => any>;
export const abi: any;
