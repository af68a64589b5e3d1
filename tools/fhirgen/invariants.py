# SPDX-License-Identifier: Apache-2.0
"""Invariants of types and elements, and the types that references may point to.

A snapshot repeats at each element what the element's type demands, so only what a type or element
says for itself is kept: a key that the type above it, or the type of its values, has already is not
said again.
"""
from fhirgen.mend import INVARIANTS
from fhirgen.types import ancestors

BASE = "http://hl7.org/fhir/StructureDefinition/"
# What the walk over the structure decides by itself, for every element.
STRUCTURAL = ("ele-1", "ext-1", "dom-2", "txt-1", "txt-2")
# Profiles that elements of the base definitions name, listed as types of their own.
PROFILES = ("SimpleQuantity", "MoneyQuantity")
SEVERITIES = {"error": 0, "warning": 1}


def own_constraints(definition, above):
    return [c for c in definition.get("constraint", [])
            if c["key"] not in above and c["key"] not in STRUCTURAL]


def read_roots(types, definitions):
    """{type: [constraint]} of what each type says beyond its parent."""
    stated = {}
    for sd in definitions:
        name = sd["type"] if sd.get("derivation") != "constraint" else sd["id"]
        if name in types:
            root = sd["type"]
            for definition in sd["snapshot"]["element"]:
                path = definition["path"]
                where = name if path == root else path
                if where in types and (path == root or sd.get("derivation") != "constraint"):
                    stated.setdefault(where, definition)
    keys = {name: {c["key"] for c in d.get("constraint", [])} for name, d in stated.items()}
    return {name: own_constraints(d, set().union(*(keys.get(a, set())
                                                   for a in ancestors(types, name))))
            for name, d in stated.items()}


def keys_of(types, roots, name):
    return {c["key"] for t in [name] + ancestors(types, name) for c in roots.get(t, [])}


def element_constraints(types, roots, element):
    """What the element says beyond the types of its values, and what their profiles say."""
    definition = element.definition
    above = set().union(*(keys_of(types, roots, t) for t in element.types))
    found = own_constraints(definition, above)
    for given in definition.get("type", []):
        for profile in given.get("profile", []):
            name = profile.rsplit("/", 1)[1]
            if name in PROFILES:
                found += [c for c in roots[name] if c not in found]
    return found


def mended(label, found, where, constraint):
    """(severity, key, expression, human), or None for one that cannot be decided."""
    for versions, key, published, better in INVARIANTS:
        if label in versions.split() and key == constraint["key"] \
                and published == constraint["expression"]:
            found.add((versions, key, published))
            if better is None:
                return None
            constraint = {**constraint, "expression": better}
    if constraint["severity"] not in SEVERITIES:
        raise SystemExit(f"{where}: severity {constraint['severity']}")
    return (SEVERITIES[constraint["severity"]], constraint["key"], constraint["expression"],
            " ".join(constraint["human"].split()))


def read_invariants(label, types, definitions):
    """Rows (type, index of the element or None, severity, key, expression, human)."""
    roots = read_roots(types, definitions)
    rows = []
    used = set()
    for name in sorted(types):
        places = [(None, roots.get(name, []))]
        places += [(i, element_constraints(types, roots, e))
                   for i, e in enumerate(types[name].elements) if e.types[0] != e.path]
        for index, constraints in places:
            for constraint in constraints:
                row = mended(label, used, name, constraint)
                if row is not None:
                    rows.append((name, index) + row)
    wanted = {(v, k, p) for v, k, p, _ in INVARIANTS if label in v.split()}
    if wanted != used:
        raise SystemExit(f"{label}: invariants to mend that are not there: {wanted - used}")
    return rows


def read_targets(types):
    """Rows (type, index of the element, names of types) for references that may not point anywhere."""
    rows = []
    for name in sorted(types):
        for index, element in enumerate(types[name].elements):
            targets = set()
            for given in element.definition.get("type", []):
                if given["code"] in ("Reference", "CodeableReference"):
                    targets |= set(given.get("targetProfile", [BASE + "Resource"]))
            targets = {t.rsplit("/", 1)[1] for t in targets}
            if targets and not targets & {"Resource", "Any"}:
                unknown = targets - set(types)
                if unknown:
                    raise SystemExit(f"{element.path}: target {unknown}")
                rows.append((name, index, sorted(targets)))
    return rows
