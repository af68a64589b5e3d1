#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Searches whose results are known: the tables cases_*.json.

usage: cases_test.py COMMAND [FILE…]

A table has resources and rows [search, ids, note]. The ids are those of all matches, in any order;
in the order that is written when the search has a _sort. Each row is asked three ways: as one page,
in pages of two, and as a count. One TAP test a row.
"""
import json
import pathlib
import sys

from store import Store

FOLDER = pathlib.Path(__file__).parent



def read_table(path):
    """The table, and its resources as they stand in the file, byte for byte."""
    table = json.loads(path.read_text())
    table["texts"] = [line.strip().rstrip(",") for line in resource_lines(path)]
    return table


def resource_lines(path):
    """A resource a line: decimals must reach the store as they are written."""
    inside = False
    for line in path.read_text().splitlines():
        if line.strip() == '"resources": [':
            inside = True
        elif line.strip() == "],":
            inside = False
        elif inside:
            yield line


def load(store, table):
    for text in table["texts"]:
        resource = json.loads(text)
        place = f"{resource['resourceType']}/{resource['id']}"
        response = store.request("PUT", place, text)
        if response.status != 201:
            raise RuntimeError(f"{place}: {response.status} {response.diagnostics()}")
    for place in table.get("deleted", ()):
        store.request("DELETE", place)


def ids_of(entries, mode="match"):
    return [e["resource"]["id"] for e in entries if e["search"]["mode"] == mode]


def row_fault(store, search, want, included):
    is_ordered = "_sort=" in search
    joint = "&" if "?" in search else "?"
    for paging in ("_count=100", "_count=2"):
        entries, total, _ = store.search_all(f"{search}{joint}{paging}&_total=accurate")
        if not isinstance(entries, list):
            return f"status {entries.status}: {entries.diagnostics()}"
        got = ids_of(entries)
        if (got if is_ordered else sorted(got)) != (want if is_ordered else sorted(want)):
            return f"{paging}: found {' '.join(got) or 'nothing'}, not {' '.join(want) or 'nothing'}"
        if total != len(want):
            return f"{paging}: total {total}, not {len(want)}"
        if included is not None and paging == "_count=100":
            others = sorted(ids_of(entries, "include"))
            if others != sorted(included):
                return f"included {' '.join(others) or 'nothing'}, not {' '.join(included) or 'nothing'}"
    counted = store.get(f"{search}{joint}_summary=count")
    if counted.status != 200 or int(counted.body["total"]) != len(want):
        return f"_summary=count: {counted.status} {counted.body.get('total')}, not {len(want)}"
    return None


def split_want(text):
    """"a b + c d": matches, and what is included with them."""
    matches, plus, included = text.partition("+")
    return matches.split(), included.split() if plus else None


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: cases_test.py COMMAND [FILE…]")
    paths = [pathlib.Path(p) for p in sys.argv[2:]] or sorted(FOLDER.glob("cases_*.json"))
    tables = [(path, read_table(path)) for path in paths]
    print(f"1..{sum(len(table['rows']) for _, table in tables)}", flush=True)
    number = failed = 0
    for path, table in tables:
        store = Store(sys.argv[1])
        try:
            load(store, table)
            for search, want, *note in table["rows"]:
                number += 1
                fault = row_fault(store, search, *split_want(want))
                if fault:
                    failed += 1
                    print(f"# {fault}" + (f"\n# {note[0]}" if note else ""))
                title = f"{path.stem.removeprefix('cases_')}: {search}".replace("#", "%23")
                print(f"{'not ok' if fault else 'ok'} {number} - {title}")
        finally:
            store.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
