#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random resources and random searches: the store answers as a naive scan does.

usage: property_test.py COMMAND [--seed N] [--queries N] [--times N] [--rounds N] [--show N] [--verbose]

One TAP test a round. A round has --times times the resources, some of them written twice and some
deleted, and asks --queries searches; of ten one asks what comes along with the matches, and two
are a _filter. A fifth as many are asked by principals who see a part of the resources: they find
what the scan of that part finds.
"""
import argparse
import json
import random
import sys

import filter
import include
import query
from random_data import Maker
from random_query import Asker, quote
from store import Store, write_json

# The order of these is told by other tests.
UNCHECKED_ORDER = ("reference", "quantity")


def fill(store, maker, times):
    """The current resources, as the store gives them back."""
    bodies = {}
    for resource in maker.all_resources(times):
        place = f"{resource['resourceType']}/{resource['id']}"
        versions = [resource]
        if maker.maybe(0.15):  # rows of an older version would show
            versions.insert(0, maker.resource(resource["resourceType"], resource["id"][2:]))
        for body in versions:
            response = store.request("PUT", place, write_json(body))
            if response.status not in (200, 201):
                raise RuntimeError(f"{place}: {response.line[:500]!r}")
        bodies[place] = response.body
        if maker.maybe(0.05):
            store.request("DELETE", place)
            del bodies[place]
    return list(bodies.values())


def url_of(type_, conditions, sort, count):
    return (f"{type_}?{conditions}" + (f"&_sort={sort}" if sort else "")
            + (f"&_count={count}" if count else "") + "&_total=accurate")


def compare(store, world, search, tally):
    """What the store says that the scan does not, in words; or None."""
    type_, conditions, sort, count = search
    entries, total, _ = store.search_all(url_of(*search))
    if not isinstance(entries, list):
        return f"status {entries.status}: {entries.diagnostics()}"
    got = [(e["resource"]["resourceType"], e["resource"]["id"]) for e in entries
           if e["search"]["mode"] == "match"]
    wanted = {(r.type, r.id) for r in world.search(type_, conditions)}
    tally[bool(wanted)] += 1
    if len(set(got)) != len(got):
        return "a resource comes twice"
    if set(got) != wanted:
        return (f"missing {sorted(wanted - set(got))[:5]}, too many {sorted(set(got) - wanted)[:5]}"
                f" ({len(got)} found, {len(wanted)} wanted)")
    if total != len(got):
        return f"total {total}, but {len(got)} came"
    if sum(tally) % 8 == 0:
        fault = compare_form(store, search, got)
        if fault is not None:
            return fault
    if sort:
        return query.order_fault(world, [world.by_key[key] for key in got], sort)
    return None


def compare_form(store, search, got):
    """The same search as a form: half of it behind the '?', the rest in the body."""
    type_, conditions, _, count = search
    conditions += f"&_count={count}"
    first, _, rest = conditions.partition("&")
    posted = store.request("POST", f"{type_}/_search?{first}", json.dumps(rest),
                           {"Content-Type": "application/x-www-form-urlencoded",
                            "Prefer": "handling=strict"})
    if posted.status != 200:
        return f"as a form: {posted.status} {posted.diagnostics()}"
    there = {(e["resource"]["resourceType"], e["resource"]["id"]) for e in posted.body.get("entry", ())}
    if len(there) != min(len(got), count) or not there <= set(got):
        return "a form finds something else"
    return None


def compare_includes(store, world, asker):
    """The same for the includes of a page."""
    type_, conditions, _, _ = asker.search()
    rules = asker.includes(type_)
    url = (f"{type_}?{conditions}&_count={asker.pick([3, 20, 1000])}&"
           + "&".join(f"{name}={value}" for name, value in rules))
    response = store.get(url)
    if response.status != 200:
        return url, f"status {response.status}: {response.diagnostics()}"
    entries = response.body.get("entry", ())
    keys = {mode: [(e["resource"]["resourceType"], e["resource"]["id"]) for e in entries
                   if e["search"]["mode"] == mode] for mode in ("match", "include")}
    matches = [world.by_key[key] for key in keys["match"]]
    try:
        wanted = set(include.included(world, matches, [
            include.Rule(value, "rev" in name, name.endswith(":iterate")) for name, value in rules]))
    except include.OldVersion:
        return url, None
    # A reference to a version brings that version, also of what is there already.
    got = set(keys["include"]) - set(keys["match"])
    if got != wanted:
        return url, f"missing {sorted(wanted - got)[:5]}, too many {sorted(got - wanted)[:5]}"
    return url, None


def compare_filter(store, world, asker):
    """The same for a _filter."""
    type_ = asker.pick(list(query.extract.PARAMETERS))
    text = filter.FilterMaker(asker).filter(type_)
    url = f"{type_}?_filter={quote(text)}&_count=1000"
    entries, _, _ = store.search_all(url)
    if not isinstance(entries, list):
        return text, f"status {entries.status}: {entries.diagnostics()}"
    test = filter.Parser(world, text).filter(type_)
    wanted = {r.id for r in world.by_type.get(type_, ()) if test(r)}
    got = {entry["resource"]["id"] for entry in entries}
    if got != wanted:
        return f"{type_}?_filter={text}", (f"missing {sorted(wanted - got)[:5]},"
                                           f" too many {sorted(got - wanted)[:5]}")
    return url, None


# ---- what may not be seen ----

def restrict(store, world, asker):
    """Go on as somebody who may see of each type what satisfies a random condition; that world."""
    seen = []
    allow = []
    for type_ in world.by_type:
        if asker.maybe(0.3):
            allow.append({"actions": ["read", "search"], "types": [type_]})
            seen += world.by_type[type_]
            continue
        where, resources = visible_part(world, asker, type_)
        allow.append({"actions": ["read", "search"], "types": [type_], "where": where})
        seen += resources
    folder = store.path.parent
    (folder / "policy.json").write_text(json.dumps({"roles": {"part": {"allow": allow}}}))
    (folder / "who.json").write_text(json.dumps({"id": "Practitioner/7", "roles": ["part"]}))
    store.stop()
    store.options = ("--as", str(folder / "who.json"), "--policy", str(folder / "policy.json"))
    return query.World([resource.body for resource in seen])


def visible_part(world, asker, type_):
    """A condition that lets something through and hides something, where chance finds one."""
    for _ in range(20):
        where = asker.leaf(type_)
        while "text=" in where:  # words are no restriction
            where = asker.leaf(type_)
        resources = world.search(type_, where)
        if 0 < len(resources) < len(world.by_type[type_]):
            break
    return where, resources


def compare_types(store, world, asker):
    """A search of several types, by what all types have."""
    types = asker.chance.sample(list(query.extract.PARAMETERS), asker.pick([1, 2, 4]))
    code = asker.pick(["_tag", "_security", "_profile", "_source", "_id"])
    condition = asker.valued(code, query.extract.COMMON[code])
    if code == "_id":
        condition = "_id=" + ",".join(asker.pick(world.resources).id for _ in range(3))
    url = f"?_type={','.join(types)}&{condition}&_count={asker.pick([4, 1000])}&_total=accurate"
    entries, total, _ = store.search_all(url)
    if not isinstance(entries, list):
        return url, f"status {entries.status}: {entries.diagnostics()}"
    got = sorted((e["resource"]["resourceType"], e["resource"]["id"]) for e in entries)
    wanted = sorted((r.type, r.id) for type_ in types for r in world.search(type_, condition))
    if got != wanted or total != len(wanted):
        return url, f"{len(got)} found, total {total}, {len(wanted)} wanted"
    return url, None


def ask(store, world, asker, count, options, tally):
    """The number of disagreements in @count searches; the first ones are shown."""
    faults = 0
    for number in range(count):
        if number % 10 == 0:
            url, fault = compare_includes(store, world, asker)
        elif number % 10 < 3:
            url, fault = compare_filter(store, world, asker)
        elif number % 40 == 3:
            url, fault = compare_types(store, world, asker)
        else:
            search = asker.search()
            url, fault = url_of(*search), compare(store, world, search, tally)
        if options.verbose:
            print(f"# {url}")
        if fault is None:
            continue
        faults += 1
        if faults <= options.show:
            print(f"# {url}\n#   {fault}")
    return faults


def run_round(command, seed, options):
    """The number of disagreements, and a share of searches that found something."""
    maker = Maker(random.Random(seed))
    asker = Asker(random.Random(seed + 1))
    store = Store(command)
    faults = 0
    tally = [0, 0]
    try:
        world = query.World(fill(store, maker, options.times))
        faults += ask(store, world, asker, options.queries, options, tally)
        for _ in range(options.queries // 500):
            seen = restrict(store, world, asker)
            faults += ask(store, seen, asker, 100, options, tally)
    finally:
        store.close()
    return faults, tally[True] / max(1, sum(tally))


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("command")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--queries", type=int, default=2500)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--show", type=int, default=10)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    print(f"1..{options.rounds}", flush=True)
    bad = 0
    for number in range(options.rounds):
        seed = options.seed + 1000 * number
        faults, share = run_round(options.command, seed, options)
        verdict = "not ok" if faults else "ok"
        print(f"{verdict} {number + 1} - {options.queries} random searches, seed {seed},"
              f" {share:.0%} find something"
              + (f": {faults} differ" if faults else ""), flush=True)
        bad += faults > 0
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
