// SPDX-License-Identifier: Apache-2.0
// The shared library: where it is, and its functions with their types (abi.json).
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const koffi = createRequire(process.env.FHIRSTORE_KOFFI ?? import.meta.url)('koffi');

/** Numbers, structs and functions, as generated from the headers. */
export const abi = JSON.parse(readFileSync(path.join(here, 'abi.json'), 'utf8'));
/** FHIRSTORE_…: all numbers that the headers name. */
export const numbers = abi.numbers;

function findLibrary() {
  if (process.env.FHIRSTORE_LIBRARY) {
    return process.env.FHIRSTORE_LIBRARY;
  }
  const inTree = path.join(here, '..', '..', 'build', 'lib', 'libfhirstore.so.0');
  return existsSync(inTree) ? inTree : 'libfhirstore.so.0';
}

const structs = {};

function kind(text) {
  const array = /^array\((\w+),(\d+)\)$/.exec(text);
  return array ? koffi.array(array[1], Number(array[2])) : structs[text] ?? text;
}

for (const [name, fields] of Object.entries(abi.structs)) {
  structs[name] = koffi.struct(name, Object.fromEntries(fields.map(([field, type]) => [field, kind(type)])));
}
const callbacks = Object.fromEntries(Object.entries(abi.callbacks).map(([name, [result, parameters]]) => [
  name, koffi.pointer(koffi.proto(`${result} ${name}(${parameters.map((type, i) => `${type} a${i}`).join(', ')})`)),
]));

const loaded = koffi.load(findLibrary());

/** Every function of the library by its name in C, without the prefix: functions.open, functions.read … */
export const functions = {};
for (const [name, [result, parameters]] of Object.entries(abi.functions)) {
  const list = parameters.map((type, i) => `${type} a${i}`).join(', ');
  // Bytes of a body are no text that ends in NUL.
  const given = name.endsWith('_body') ? 'void *' : result;
  try {
    functions[name.slice('fhirstore_'.length)] = loaded.func(`${given} ${name}(${list})`);
  } catch {
    // A library that was built without it.
  }
}

/** A struct with its size, and zero, which always means the default, for what is not said. */
export function options(name, members) {
  return { struct_size: koffi.sizeof(structs[name]), ...members };
}

/** A function of JavaScript's as one of C's; it lives until forget(). */
export function callback(name, call) {
  return koffi.register(call, callbacks[name]);
}

export function forget(registered) {
  koffi.unregister(registered);
}

/** What a pointer points to, as a struct. */
export function structAt(pointer, name) {
  return koffi.decode(pointer, structs[name]);
}

/** Bytes copied out of the library's memory. */
export function bytesAt(pointer, length) {
  return length === 0 ? Buffer.alloc(0) : Buffer.from(koffi.decode(pointer, koffi.array('uint8_t', length)));
}

export function textAt(pointer, length) {
  return bytesAt(pointer, Number(length)).toString('utf8');
}

/** Bytes written into memory of the library's. */
export function writeAt(pointer, bytes) {
  koffi.encode(pointer, koffi.array('uint8_t', bytes.length), bytes);
}

/** A struct's member written where it lies in memory. */
export function setMember(pointer, name, member, type, value) {
  koffi.encode(pointer, koffi.offsetof(structs[name], member), type, value);
}
