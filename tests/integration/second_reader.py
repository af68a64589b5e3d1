#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""second_reader.py STORE KEY: list the pages of a store, in the format of docs/file-format.md.

A second reader of the format, written from that page alone, with cryptography from PyPI. KEY is a file of 32
bytes, or "passphrase:TEXT". With --database FILE the plain pages go there, which SQLite can open.
"""
import hashlib
import os
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

MAGIC = b"\x89FHIRSTORE\r\n\x1a\n\0\0"
PAGE, BODY, COPY, HOLE = 4096, 4048, 4096, 262145


class Bad(Exception):
    """The file is not what its format says."""


def blake(data, key=b"", **more):
    return hashlib.blake2b(data, digest_size=32, key=key, **more).digest()


def derive(key, context, number):
    return blake(b"", key, salt=number.to_bytes(8, "little") + bytes(8), person=context + bytes(8))


def hchacha(key, nonce):
    """HChaCha20: the subkey of XChaCha20."""
    x = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a, b, c, d):
        for into, other, target, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[into] = (x[into] + x[other]) & 0xFFFFFFFF
            value = x[target] ^ x[into]
            x[target] = (value << turn | value >> (32 - turn)) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *x[:4], *x[12:])


def unseal(key, nonce, aad, sealed, tag):
    try:
        return ChaCha20Poly1305(hchacha(key, nonce[:16])).decrypt(bytes(4) + nonce[16:], sealed + tag, aad)
    except InvalidTag:
        return None


def wrapping_key(slot, credential):
    """The key that opens this slot, or None where it is of another type."""
    if slot[0] == 1 and isinstance(credential, bytes):
        return credential
    if slot[0] == 2 and isinstance(credential, str):
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
        passes, memory = struct.unpack_from("<II", slot, 8)
        if passes > 10 or memory > 1 << 20:
            raise Bad("key derivation beyond its bounds")
        return Argon2id(salt=slot[16:32], length=32, iterations=passes, lanes=1,
                        memory_cost=memory).derive(credential.encode())
    return None


def data_key(copy, credential):
    """The data key of a slot that opens and fits the commitment, or None."""
    uuid = copy[32:48]
    for at in range(640, 3712, 128):
        slot = copy[at:at + 128]
        key = wrapping_key(slot, credential)
        found = key and unseal(key, slot[48:72], uuid + slot[:48], slot[72:104], slot[104:120])
        for epoch in range(128, 640, 128):
            record = copy[epoch:epoch + 128]
            commitment = blake(b"fhirstore data key commitment v1" + uuid + record[:1] + (found or b""))
            if found and record[0] == slot[1] and commitment == record[8:40]:
                return found
    return None


class Store:
    def __init__(self, path, credential):
        with open(path, "rb") as file:
            self.file = file.read()
        self.log = b""
        if os.path.exists(path + "-wal"):
            with open(path + "-wal", "rb") as file:
                self.log = file.read()
        copies = [self.file[:COPY], self.file[COPY:2 * COPY]]
        sound = [copy for copy in copies if copy[:16] == MAGIC and copy[16:18] == b"\1\0"
                 and blake(copy[:4032]) == copy[4032:4064]]
        for copy in sorted(sound, key=lambda one: -int.from_bytes(one[48:56], "little")):
            key = data_key(copy, credential)
            if key and blake(copy[:4064], derive(key, b"fhirhead", 1)) == copy[4064:]:
                self.header, self.key = copy, key
                break
        else:
            raise Bad("no key slot opens")
        self.uuid = self.header[32:48]
        self.stored = (len(self.file) - 2 * COPY) // PAGE
        self.generation = int.from_bytes(self.header[56:64], "little")
        self.page_key = derive(self.key, b"fhirpage", 1)
        self.log_key = derive(self.key, b"fhirwal_", 1)

    def open_page(self, number, record):
        meta = record[4088:4096]
        aad = b"fhs1\1" + self.uuid + b"P" + struct.pack("<I", number) + meta
        if int.from_bytes(meta[2:], "little") > self.generation:
            return None
        plain = unseal(self.page_key, record[BODY:4072], aad, record[:BODY], record[4072:4088])
        return plain and plain + bytes(48)

    def record(self, number):
        return self.file[2 * COPY + (number - 1) * PAGE:][:PAGE]

    def frames(self):
        """Pages that the log's committed frames hold, the newest of each, and the database's size."""
        held, committed, size = {}, {}, 0
        if len(self.log) < 128:
            return committed, size
        head = unseal(self.log_key, self.log[:24], self.uuid + b"H", self.log[24:56], self.log[56:72])
        if head is None:
            return committed, size
        words = ">" if head[3] & 1 else "<"
        sums = list(struct.unpack(">II", head[24:32]))
        for i in range((len(self.log) - 128) // 4160):
            frame = self.log[128 + i * 4160:][:4160]
            aad = self.uuid + b"W" + struct.pack("<I", i) + frame[64 + 4072:64 + 4088]
            header = unseal(self.log_key, frame[:24], aad, frame[24:48], frame[48:64])
            page = header and header[8:16] == head[16:24] and self.open_page(
                int.from_bytes(header[:4], "big"), frame[64:])
            if not page:
                break
            for one, two in struct.iter_unpack(words + "II", header[:8] + page):
                sums[0] = (sums[0] + one + sums[1]) & 0xFFFFFFFF
                sums[1] = (sums[1] + two + sums[0]) & 0xFFFFFFFF
            if struct.pack(">II", *sums) != header[16:24]:
                break
            number, size_then = struct.unpack(">II", header[:8])
            held[number] = page
            if size_then:
                committed.update(held)
                held, size = {}, size_then
        return committed, size

    def pages(self):
        """(number, plain page) for each page of the database, as the last commit left it."""
        logged, size = self.frames()
        for number in range(1, (size or self.stored) + 1):
            if number in logged:
                yield number, logged[number]
            elif number == HOLE:
                yield number, bytes(PAGE)
            else:
                page = self.open_page(number, self.record(number))
                if page is None:
                    raise Bad(f"page {number} is not authentic")
                yield number, page

    def sum_is_right(self):
        """The complete sum of the pages; None where the header has none."""
        if self.header[64] != 1:
            return None
        words = [0] * 4
        key = derive(self.key, b"fhirsums", 1)
        for number in range(1, self.stored + 1):
            if number != HOLE:
                term = blake(struct.pack("<I", number) + self.record(number)[BODY:], key)
                words = [(a + b) % (1 << 64) for a, b in zip(words, struct.unpack("<4Q", term))]
        return struct.pack("<4Q", *words) == self.header[88:120]


def main(arguments):
    credential = arguments[1][len("passphrase:"):]
    if not arguments[1].startswith("passphrase:"):
        with open(arguments[1], "rb") as file:
            credential = file.read(32)
    store = Store(arguments[0], credential)
    kinds, database = {2: "index", 5: "table", 10: "index leaf", 13: "table leaf"}, bytearray()
    for number, page in store.pages():
        print(number, kinds.get(page[100 if number == 1 else 0], "other"))
        database += page
    if len(arguments) == 4 and arguments[2] == "--database":
        with open(arguments[3], "wb") as file:
            file.write(database)
    if store.sum_is_right() is False:
        raise Bad("the pages are not all the newest: the sum differs")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Bad as problem:
        sys.exit(str(problem))
