# SPDX-License-Identifier: Apache-2.0
"""The tables of one version, in the form that lib/fhir/tables.h declares."""
from fhirgen import emit
from fhirgen.bindings import Resolver
from fhirgen.emit import fits
from fhirgen.hashing import EMPTY, open_table, perfect
from fhirgen.invariants import read_invariants, read_targets
from fhirgen.mend import CASE_SENSITIVE
from fhirgen.params import list_of, own_lists, read_compartments, read_params
from fhirgen.pool import Texts, overlap_pool
from fhirgen.terms import Terms
from fhirgen.types import ancestors, flatten, read_types

NONE = 0xFFFF
NO_ELEMENT = 0xFF
SPARAM_TYPES = ["number", "date", "string", "token", "reference", "composite", "quantity", "uri",
                "special"]
CHOICE, SUMMARY, MODIFIER, LIST, REQUIRED, ATTRIBUTE = 1, 2, 4, 8, 16, 32


def flags_of(element):
    return ((CHOICE if element.choice else 0) | (SUMMARY if element.summary else 0)
            | (MODIFIER if element.modifier else 0) | (LIST if element.max > 1 else 0)
            | (REQUIRED if element.min >= 1 else 0) | (ATTRIBUTE if element.attribute else 0))


class Lists:
    """Runs of uint16 in one array; equal runs, and runs within others, are kept once."""

    def __init__(self):
        self.flat = []
        self.seen = {}

    def add(self, values):
        key = tuple(values)
        if key not in self.seen:
            if not key:
                return 0
            self.seen[key] = len(self.flat)
            self.flat += values
        return self.seen[key]


class Version:
    """Everything about one version, resolved to indexes."""

    def __init__(self, label, package):
        self.label = label
        self.package = package
        self.types = read_types(label, package.get("StructureDefinition"))
        self.params = read_params(label, package.get("SearchParameter"))
        self.compartments = read_compartments(package.get("CompartmentDefinition"))
        self.names = sorted(self.types)
        self.number = {name: i for i, name in enumerate(self.names)}
        self.param_number = {p["url"]: i for i, p in enumerate(self.params)}
        self.bindings = sorted({e.binding for t in self.types.values() for e in t.elements
                                if e.binding})
        self.binding_number = {url: i for i, url in enumerate(self.bindings)}
        resolver = Resolver(package)
        self.codes = {url: resolver.resolve(url) for url in self.bindings}
        self.systems = sorted({c["url"] for c in package.get("CodeSystem")
                               if c.get("caseSensitive")} | set(CASE_SENSITIVE))
        self.invariants = read_invariants(label, self.types, package.get("StructureDefinition"))
        self.terms = Terms(package)
        self.lists = Lists()
        self.collect_texts()

    def collect_texts(self):
        texts = Texts()
        for text in self.names + self.bindings + self.systems:
            texts.add(text)
        for param in self.params:
            for key in ("url", "code", "expression"):
                texts.add(param.get(key, ""))
            for component in param.get("component", []):
                texts.add(component["expression"])
        for _, _, _, *words in self.invariants:
            for text in words:
                texts.add(text)
        for codes in self.codes.values():
            for system, code in codes.pairs:
                texts.add(system)
                texts.add(code)
            for system in codes.systems:
                texts.add(system)
        texts.close()
        self.texts = texts
        members = {e.name for t in self.types.values() for e in t.elements}
        members |= {n for t in self.types.values() for e in t.elements for n, _ in e.properties()}
        self.member_pool, self.member_at = overlap_pool(members)
        fits(len(self.member_pool), 16, "member names")

    def member(self, name):
        return self.member_at[name], fits(len(name), 8, name)

    # ---- types, elements, properties ----

    def build_types(self):
        own = own_lists(self.params)
        self.element_rows = []
        self.property_rows = []
        self.property_at = {}
        self.first_element = first_element = {}
        for name in self.names:
            first_element[name] = len(self.element_rows)
            self.add_elements(name)
        self.slots = []
        self.param_lists = []
        self.type_rows = []
        for name in self.names:
            typ = self.types[name]
            seed, bits, slots = perfect([m for m, _ in self.members(name)])
            indexes = [p for _, p in self.members(name)]
            first_slot = len(self.slots)
            self.slots += [EMPTY if s == EMPTY else indexes[s] for s in slots]
            own_params = own.get(name, [])
            params = []
            if typ.kind == "RESOURCE":
                params = list_of(self.params, own, name, ancestors(self.types, name))
            elif own_params:
                raise SystemExit(f"{name} is a base of parameters but not a resource")
            required = sum(e.min > 0 for _, e in flatten(self.types, name))
            self.type_rows.append((
                fits(first_slot, 32, "slots"), seed, fits(self.texts.at(name), 16, "texts"),
                NONE if typ.parent is None else self.number[typ.parent],
                fits(first_element[name], 16, "elements"), fits(len(typ.elements), 16, name),
                fits(len(self.param_lists), 16, "parameter lists"), len(own_params), len(params),
                bits, "FHS_KIND_" + typ.kind, int(typ.abstract), fits(required, 8, name)))
            self.param_lists += params
        self.type_bits, self.type_slots = open_table(self.names)

    def add_elements(self, name):
        for index, element in enumerate(self.types[name].elements):
            types = [self.number[t] for t in element.types]
            binding = NONE if element.binding is None else self.binding_number[element.binding]
            at, size = self.member(element.name)
            self.element_rows.append((
                at, fits(element.max, 16, element.path), fits(self.lists.add(types), 16, "lists"),
                binding, size, flags_of(element), fits(element.min, 8, element.path),
                fits(len(types), 8, element.path)))
            given = [(m, self.number[t]) for m, t in element.properties()]
            if element.choice:
                # Found by fhs_element_find only: no JSON member has the bare name.
                given.append((element.name, NONE))
            for member, value in given:
                at, size = self.member(member)
                self.property_at[name, member] = fits(len(self.property_rows), 16, "properties")
                self.property_rows.append((at, self.number[name], value, size,
                                           fits(index, 8, element.path), flags_of(element)))

    def members(self, name):
        """Every member name of @name, inherited ones too, with its property row."""
        found = {}
        for owner, element in flatten(self.types, name):
            names = [m for m, _ in element.properties()] + [element.name]
            for member in sorted(set(names)):
                if member != element.name or not element.choice or member not in found:
                    if member in found and found[member] != self.property_at[owner, member]:
                        raise SystemExit(f"{name}.{member} is defined twice")
                    found[member] = self.property_at[owner, member]
        return sorted(found.items())

    # ---- parameters ----

    def build_params(self):
        self.param_rows = []
        self.components = []
        for param in self.params:
            bases = sorted(self.number[b] for b in param.get("base", []))
            targets = sorted(self.number[t] for t in param.get("target", []))
            first = len(self.components)
            for component in param.get("component", []):
                definition = component["definition"].split("|")[0]
                if definition not in self.param_number:
                    raise SystemExit(f"{param['id']}: no parameter {definition}")
                text = component["expression"]
                self.components.append((self.param_number[definition],
                                        f'{{"{emit.escape(text)}", {len(text)}}}'))
            self.param_rows.append((
                self.texts.at(param["code"]), self.texts.at(param["url"]),
                self.texts.at(param.get("expression", "")), self.lists.add(bases),
                self.lists.add(targets), first, fits(len(bases), 8, param["id"]),
                fits(len(targets), 8, param["id"]), len(self.components) - first,
                SPARAM_TYPES.index(param["type"])))

    # ---- bindings ----

    def build_bindings(self):
        self.binding_rows = []
        self.binding_codes = []
        self.binding_systems = []
        for url in self.bindings:
            codes = self.codes[url]
            systems = {}
            for system, code in codes.pairs:
                systems.setdefault(code, set()).add(system)
            first = len(self.binding_codes)
            every = sorted(codes.systems)
            single = self.texts.at(every[0]) if len(every) == 1 else 0
            systems_at = NONE if len(every) == 1 or codes.open and not codes.pairs \
                else fits(len(self.binding_systems), 16, "binding systems")
            for code in sorted(systems):
                self.binding_codes.append(self.texts.at(code))
                if systems_at != NONE:
                    one = systems[code]
                    self.binding_systems.append(self.texts.at(next(iter(one)))
                                                if len(one) == 1 else 0)
            self.binding_rows.append((
                self.texts.at(url), fits(first, 16, "binding codes"),
                len(self.binding_codes) - first, systems_at, single, int(codes.open)))

    # ---- invariants, targets of references ----

    def build_invariants(self):
        self.invariant_rows = [
            (self.number[name], *(self.texts.at(word) for word in words),
             NO_ELEMENT if index is None else fits(index, 8, name), severity)
            for name, index, severity, *words in self.invariants]

    def build_targets(self):
        self.target_rows = []
        for name, index, targets in read_targets(self.types):
            numbers = sorted(self.number[target] for target in targets)
            self.target_rows.append((self.first_element[name] + index, self.lists.add(numbers),
                                     fits(len(numbers), 8, name)))
        self.target_rows.sort()

    # ---- compartments ----

    def build_compartments(self):
        self.compartment_rows = []
        self.compartment_codes = []
        seen = {}
        ordered = sorted(self.compartments.items(),
                         key=lambda row: (row[0][0], self.number[row[0][1]]))
        for (compartment, name), codes in ordered:
            key = tuple(codes)
            if key not in seen:
                seen[key] = len(self.compartment_codes)
                self.compartment_codes += codes
            self.compartment_rows.append((self.number[name], fits(seen[key], 16, "codes"),
                                          compartment, fits(len(codes), 8, name)))

    def build(self):
        self.build_types()
        self.build_params()
        self.build_bindings()
        self.build_invariants()
        self.build_targets()
        self.build_compartments()
        fits(len(self.texts.ordered), 16, "texts")
        fits(len(self.lists.flat), 16, "type lists")
