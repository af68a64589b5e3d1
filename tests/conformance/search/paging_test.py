#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pages while others write: what did not change since the first page comes exactly once.

usage: paging_test.py COMMAND [--seed N] [--walks N]

A walk follows the next links of a random search; between two pages resources are written anew,
deleted and created. Without writers, the pages hold what one large page holds, in its order; and
previous links lead back.
"""
import argparse
import random
import sys

from random_data import Maker
from random_query import Asker
from store import BASE, Store, write_json

TYPES = ("Patient", "Observation", "Encounter")


def link(response, relation):
    return next((l["url"].removeprefix(BASE + "/") for l in response.body.get("link", ())
                 if l["relation"] == relation), None)


def keys_of(response):
    return [e["resource"]["resourceType"] + "/" + e["resource"]["id"]
            for e in response.body.get("entry", ()) if e["search"]["mode"] == "match"]


class Walker:
    def __init__(self, store, chance):
        self.store, self.chance = store, chance
        self.maker, self.asker = Maker(chance), Asker(chance)
        self.created = 0

    def fill(self):
        for resource in self.maker.all_resources():
            place = f"{resource['resourceType']}/{resource['id']}"
            self.store.request("PUT", place, write_json(resource))

    def disturb(self, type_, touched):
        """A few writes; what they touch is nobody's business any more.

        They end after a while: who writes faster than another reads is read for ever.
        """
        if len(touched) > 60:
            return
        for _ in range(self.chance.randint(0, 4)):
            form = self.chance.randrange(4)
            if form == 0:
                self.created += 1
                id_ = f"new{self.created}"
            else:
                id_ = f"{type_[:2].lower()}{self.chance.randrange(60)}"
            touched.add(f"{type_}/{id_}")
            if form == 1:
                self.store.request("DELETE", f"{type_}/{id_}")
            else:
                made = self.maker.resource(type_, "0")
                made["id"] = id_
                self.store.request("PUT", f"{type_}/{id_}", write_json(made))

    def search(self):
        type_ = self.asker.pick(TYPES)
        conditions = [] if self.chance.random() < 0.4 else [self.asker.leaf(type_)]
        if self.chance.random() < 0.8:
            conditions.append("_sort=" + self.sort(type_))
        return type_, f"{type_}?" + "&".join(conditions)

    def sort(self, type_):
        return (self.asker.pick(["_lastUpdated", "-_lastUpdated"]) if self.chance.random() < 0.3
                else self.asker.sort(type_))

    def pages(self, url, between=lambda: None):
        """All pages from a search on; a failing response ends the walk."""
        found = []
        while url is not None:
            response = self.store.get(url)
            if response.status != 200:
                raise RuntimeError(f"{url}: {response.status} {response.diagnostics()}")
            found.append(response)
            if len(found) > 2000:
                raise RuntimeError(f"{url}: pages without end")
            url = link(response, "next")
            if url is not None:
                between()
        return found

    def quiet_walk(self, search):
        """Nobody writes: the same as one page, the total is right, previous leads back."""
        size = self.chance.randint(1, 9)
        whole = keys_of(self.store.get(search + "&_count=1000"))
        pages = self.pages(f"{search}&_count={size}&_total=accurate")
        got = [key for page in pages for key in keys_of(page)]
        if got != whole:
            return f"pages of {size} hold {len(got)} in another order or number than {len(whole)}"
        if {int(page.body["total"]) for page in pages} != {len(whole)}:
            return "a page tells another total"
        if any(len(keys_of(page)) != size for page in pages[:-1]):
            return "a page is not full"
        return self.way_back(pages)

    def way_back(self, pages):
        for before, page in zip(pages, pages[1:]):
            previous = link(page, "previous") or link(page, "prev")
            if previous is not None and keys_of(self.store.get(previous)) != keys_of(before):
                return "previous is not the page before"
        return None

    def busy_walk(self, type_, search):
        """Others write between the pages."""
        touched = set()
        wanted = keys_of(self.store.get(search + "&_count=1000"))
        size = self.chance.randint(1, 9)
        pages = self.pages(f"{search}&_count={size}&_total=accurate",
                           lambda: self.disturb(type_, touched))
        got = [key for page in pages for key in keys_of(page)]
        if {int(page.body["total"]) for page in pages} != {len(wanted)}:
            return "the total is not that of the first page"
        for key in touched:
            if "/new" in key:
                self.store.request("DELETE", key)
        steady = [key for key in wanted if key not in touched]
        calm = [key for key in got if key not in touched]
        if calm != steady:
            missing = [key for key in steady if key not in calm]
            return f"pages of {size}: missing {missing[:5]}, in all {len(calm)} for {len(steady)}"
        return None


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("command")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--walks", type=int, default=60)
    options = parser.parse_args()
    print("1..2", flush=True)
    store = Store(options.command)
    walker = Walker(store, random.Random(options.seed))
    quiet, busy = [], []
    try:
        walker.fill()
        for _ in range(options.walks):
            type_, search = walker.search()
            for faults, fault in ((quiet, walker.quiet_walk(search)),
                                  (busy, walker.busy_walk(type_, search))):
                if fault is not None:
                    faults.append(f"{search}: {fault}")
    finally:
        store.close()
    for number, (title, faults) in enumerate((("nobody writes", quiet), ("others write", busy)), 1):
        for fault in faults[:10]:
            print(f"# {fault}")
        print(f"{'not ok' if faults else 'ok'} {number} - {options.walks} walks while {title}, seed {options.seed}")
    return 1 if quiet or busy else 0


if __name__ == "__main__":
    sys.exit(main())
