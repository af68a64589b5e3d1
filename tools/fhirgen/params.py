# SPDX-License-Identifier: Apache-2.0
"""Search parameters and compartments."""
from fhirgen.mend import PREFERRED, mend_parameters

COMPARTMENTS = ["Patient", "Encounter", "RelatedPerson", "Practitioner", "Device"]
# A compartment names its own type with this: the resource itself, not a parameter.
DEFINITION = "{def}"


def read_params(label, definitions):
    """The parameters, sorted by URL."""
    mend_parameters(label, definitions)
    return sorted(definitions, key=lambda p: p["url"])


def own_lists(params):
    """For each base: indexes of its parameters, sorted by code, each code once."""
    lists = {}
    for index, param in enumerate(params):
        for base in param.get("base", []):
            codes = lists.setdefault(base, {})
            code = param["code"]
            if code in codes:
                urls = {params[codes[code]]["url"], param["url"]}
                if PREFERRED.get((base, code)) not in urls:
                    raise SystemExit(f"{base} has two parameters {code}: {sorted(urls)}")
                if param["url"] != PREFERRED[base, code]:
                    continue
            codes[code] = index
    return {base: [codes[c] for c in sorted(codes)] for base, codes in lists.items()}


def list_of(params, own, name, above):
    """Own parameters of @name, then those of its ancestors that no nearer code hides."""
    found = list(own.get(name, []))
    codes = {params[i]["code"] for i in found}
    for ancestor in above:
        for index in own.get(ancestor, []):
            if params[index]["code"] not in codes:
                codes.add(params[index]["code"])
                found.append(index)
    return found


def read_compartments(definitions):
    """{(compartment number, type name): sorted parameter codes}"""
    by_code = {d["code"]: d for d in definitions}
    if sorted(by_code) != sorted(COMPARTMENTS) or len(definitions) != len(COMPARTMENTS):
        raise SystemExit(f"expected five compartments, found {sorted(by_code)}")
    rows = {}
    for number, name in enumerate(COMPARTMENTS):
        for resource in by_code[name]["resource"]:
            codes = sorted(c for c in resource.get("param", []) if c != DEFINITION)
            if codes:
                rows[number, resource["code"]] = codes
    return rows
