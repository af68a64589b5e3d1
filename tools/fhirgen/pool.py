# SPDX-License-Identifier: Apache-2.0
"""String pools: each text once, as part of another where it can be."""


def overlap_pool(texts):
    """One string that holds every text, and the offset of each."""
    pool = ""
    offsets = {}
    for text in sorted(texts, key=lambda t: (-len(t.encode()), t)):
        at = pool.find(text)
        if at < 0:
            at = len(pool)
            pool += text
        offsets[text] = at
    if not pool.isascii():
        raise SystemExit("the pool expects ASCII; offsets would need to count bytes")
    return pool, offsets


class Texts:
    """Texts by index, sorted by bytes so that the order of indexes is the order of texts."""

    def __init__(self):
        self.seen = {""}
        self.index = None

    def add(self, text):
        if self.index is not None and text not in self.index:
            raise SystemExit(f"text added after the pool was closed: {text!r}")
        self.seen.add(text)
        return text

    def close(self):
        self.ordered = sorted(self.seen)
        self.index = {text: i for i, text in enumerate(self.ordered)}
        self.pool, self.offsets = overlap_pool(self.ordered)

    def at(self, text):
        return self.index[text]
