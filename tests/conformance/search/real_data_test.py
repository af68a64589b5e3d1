#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Searches for what stands in real data: Synthea's bundles, or any folder of them.

usage: real_data_test.py COMMAND [--data FOLDER] [--seed N] [--queries N]

The folder is that of FHIRSTORE_SYNTHEA, or ../shared/data/synthea-r4 beside the checkout; without
one the test is skipped. Values are drawn from the resources, so most searches find something.
"""
import argparse
import os
import pathlib
import random
import sys
import urllib.parse

import extract
import property_test
import query
from store import BASE, Store

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEFAULT = ROOT.parent / "shared" / "data" / "synthea-r4"


def strings_at(root, path):
    return [str(v) for v in extract.find(root, path) if isinstance(v, (str, int, float))]


def quote(text):
    return urllib.parse.quote(text, safe="|$,:/")


class Drawer:
    """Searches made of values that are there."""

    def __init__(self, chance, world):
        self.chance, self.world = chance, world

    def pick(self, items):
        return self.chance.choice(items)

    def token(self, entry):
        system, code = query.escape(entry.system or ""), query.escape(entry.code or "")
        return self.pick([code, f"{system}|{code}", f"{system}|{code}"])

    def date(self, resource, param):
        texts = []
        for path, _ in param.sources:
            texts += strings_at(resource.body, path)
            texts += strings_at(resource.body, path + ".start") + strings_at(resource.body, path + ".end")
        text = self.pick(texts)
        text = self.pick([text, text[:10], text[:7], text[:4]])
        return self.pick(["", "", "ge", "le", "gt", "lt", "sa", "eb", "ne", "ap"]) + text

    def quantity(self, resource, param):
        values = []
        for path, _ in param.sources:
            for node in extract.find(resource.body, path):
                if "value" in node:
                    values.append(node)
        if not values:
            return None
        node = self.pick(values)
        number = node["value"]
        if self.chance.random() < 0.4:
            number = number.split(".")[0]
        unit = self.pick(["", "|" + node.get("system", "") + "|" + node.get("code", ""),
                          "||" + node.get("unit", "")])
        return self.pick(["", "gt", "le", "ge", "lt", "ap", "ne"]) + number + query.escape(unit).replace("\\|", "|")

    def reference(self, entry):
        target = entry.target
        if target is None:
            return None
        if target.type is None:
            return query.escape(target.url)
        return self.pick([f"{target.type}/{target.id}", target.id, f"{BASE}/{target.type}/{target.id}"])

    def value(self, resource, code, param):
        """Text for code=…, drawn from the resource; None: it has nothing of use."""
        entry = self.pick(resource.entries(code))
        if param.kind == "token":
            return self.token(entry) if entry.code else None
        if param.kind == "string":
            return query.escape(entry[:self.pick([1, 3, 5, len(entry)])])
        if param.kind == "date":
            return self.date(resource, param)
        if param.kind == "reference":
            return self.reference(entry)
        if param.kind == "uri":
            return query.escape(entry)
        if param.kind == "quantity":
            return self.quantity(resource, param)
        return None

    def leaf(self, type_):
        """A condition that some resource of the type satisfies; None where chance found none."""
        resource = self.pick(self.world.by_type[type_])
        codes = [c for c in extract.PARAMETERS[type_] if resource.entries(c)]
        if not codes:
            return None
        code = self.pick(codes)
        param = extract.parameter(type_, code)
        values = [v for v in (self.value(resource, code, param) for _ in range(self.pick([1, 1, 2]))) if v]
        return f"{code}={quote(','.join(values))}" if values else None

    def condition(self, type_, depth=0):
        form = self.chance.random()
        links = [(c, t) for c, p in extract.PARAMETERS[type_].items() if p.kind == "reference"
                 for t in p.targets if t in self.world.by_type]
        if depth < 2 and form < 0.2 and links:
            code, target = self.pick(links)
            inner = self.condition(target, depth + 1)
            return f"{code}:{target}.{inner}" if inner else None
        sources = [(s, c) for s in self.world.by_type for c, p in extract.PARAMETERS[s].items()
                   if p.kind == "reference" and type_ in p.targets]
        if depth < 2 and form > 0.8 and sources:
            source, code = self.pick(sources)
            inner = self.condition(source, depth + 1)
            return f"_has:{source}:{code}:{inner}" if inner else None
        return self.leaf(type_)

    def search(self):
        while True:
            type_ = self.pick(list(self.world.by_type))
            conditions = [self.condition(type_) for _ in range(self.pick([1, 1, 2]))]
            if all(conditions):
                sort = None
                if self.chance.random() < 0.3:
                    codes = [c for c, p in extract.PARAMETERS[type_].items()
                             if p.kind in ("date", "string", "token")]
                    sort = self.pick(["", "-"]) + self.pick(codes)
                return type_, "&".join(conditions), sort, self.pick([50, 1000, 1000])


def load(store, folder):
    """What the store has of the types that the reference engine knows."""
    done = store.run("import", folder)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    bodies = []
    for type_ in extract.PARAMETERS:
        entries, total, _ = store.search_all(f"{type_}?_count=1000&_total=accurate")
        if not isinstance(entries, list):
            raise RuntimeError(entries.diagnostics())
        if total != len(entries):
            raise RuntimeError(f"{type_}: total {total}, but {len(entries)} came")
        bodies += [entry["resource"] for entry in entries]
    return bodies


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("command")
    parser.add_argument("--data", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("FHIRSTORE_SYNTHEA", DEFAULT)))
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--show", type=int, default=10)
    options = parser.parse_args()
    if not options.data.is_dir():
        print("1..0 # SKIP the folder of Synthea's bundles is not here")
        return 0
    print("1..1", flush=True)
    store = Store(options.command)
    faults, tally = 0, [0, 0]
    try:
        world = query.World(load(store, options.data))
        drawer = Drawer(random.Random(options.seed), world)
        for _ in range(options.queries):
            search = drawer.search()
            fault = property_test.compare(store, world, search, tally)
            if fault is not None:
                faults += 1
                if faults <= options.show:
                    print(f"# {property_test.url_of(*search)}\n#   {fault}")
    finally:
        store.close()
    verdict = f"not ok 1 - {faults} differ:" if faults else "ok 1 -"
    print(f"{verdict} {options.queries} searches of {len(world.resources)} resources, seed"
          f" {options.seed}, {tally[True]} find something")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
