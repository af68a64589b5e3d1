# SPDX-License-Identifier: Apache-2.0
"""The hash of lib/fhir/hash.h, and the search for seeds that make it perfect for a set of names.

Both sides must stay the same; the tests find every name again, which shows that they are.
"""
MASK = (1 << 64) - 1
K_HEAD = 0x9E3779B97F4A7C15
K_TAIL = 0xC2B2AE3D27D4EB4F
K_LEN = 0x165667B19E3779F9
K_SEED = 0xD6E8FEB86659FD93
K_SLOT = 0xFF51AFD7ED558CCD
EMPTY = 0xFFFF
MAX_SEED = 4000


def head_and_tail(name):
    data = name.encode()
    size = len(data)
    if size >= 8:
        return int.from_bytes(data[:8], "little"), int.from_bytes(data[-8:], "little")
    if size >= 4:
        return int.from_bytes(data[:4], "little"), int.from_bytes(data[-4:], "little")
    if size == 0:
        return 0, 0
    return data[0] | data[size // 2] << 8 | data[-1] << 16, 0


def hash_name(name):
    head, tail = head_and_tail(name)
    mixed = (tail * K_TAIL) & MASK
    mixed = (mixed << 32 | mixed >> 32) & MASK
    return ((head * K_HEAD) & MASK) ^ mixed ^ ((len(name.encode()) * K_LEN) & MASK)


def slot_of(hashed, seed, bits):
    return (((hashed ^ ((seed * K_SEED) & MASK)) * K_SLOT) & MASK) >> (64 - bits)


def perfect(names):
    """(seed, bits, slots): slots[slot_of(name)] is the name's index in @names."""
    hashes = [hash_name(n) for n in names]
    if len(set(hashes)) != len(hashes):
        raise SystemExit("two names have the same hash: change hash.h and hashing.py")
    bits = max(1, (max(1, len(names)) - 1).bit_length())
    while bits <= 16:
        for seed in range(MAX_SEED):
            slots = {}
            for index, hashed in enumerate(hashes):
                slot = slot_of(hashed, seed, bits)
                if slot in slots:
                    break
                slots[slot] = index
            else:
                return seed, bits, [slots.get(i, EMPTY) for i in range(1 << bits)]
        bits += 1
    raise SystemExit("no perfect seed found")


def open_table(names):
    """(bits, slots) for linear probing with seed 0, at most half full."""
    bits = (2 * len(names) - 1).bit_length()
    slots = [EMPTY] * (1 << bits)
    for index, name in enumerate(names):
        at = slot_of(hash_name(name), 0, bits)
        while slots[at] != EMPTY:
            at = (at + 1) % len(slots)
        slots[at] = index
    return bits, slots
