# SPDX-License-Identifier: Apache-2.0
"""Types and their elements out of StructureDefinitions."""
from fhirgen.mend import mend_element_type

SYSTEM = "http://hl7.org/fhirpath/System."
FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
KINDS = {"primitive-type": "PRIMITIVE", "complex-type": "COMPLEX", "resource": "RESOURCE",
         "logical": "LOGICAL"}
UNBOUNDED = 0xFFFF


class Element:
    """An element as the type that introduces it says."""

    def __init__(self, label, path, definition):
        self.path = path
        self.definition = definition
        last = path.rsplit(".", 1)[1]
        self.choice = last.endswith("[x]")
        self.name = last[:-3] if self.choice else last
        self.min = definition["min"]
        self.max = UNBOUNDED if definition["max"] == "*" else int(definition["max"])
        self.summary = definition.get("isSummary", False)
        self.modifier = definition.get("isModifier", False)
        self.attribute = "xmlAttr" in definition.get("representation", [])
        self.types = []
        self.binding = None
        binding = definition.get("binding", {})
        if binding.get("strength") == "required" and "valueSet" in binding:
            self.binding = binding["valueSet"].split("|")[0]
        for given in definition.get("type", []):
            code = given["code"]
            if code.startswith(SYSTEM):
                # A plain JSON value: no "_" sibling. The extension tells which FHIR type it is.
                self.attribute = True
                code = next(e.get("valueUrl") or e.get("valueUri") for e in given["extension"]
                            if e["url"] == FHIR_TYPE)
                code = mend_element_type(label, path, code)
            if code == "xhtml":
                self.attribute = True
            if code not in self.types:
                self.types.append(code)

    def properties(self):
        """The JSON members of the element: (name, type)."""
        if not self.choice:
            return [(self.name, self.types[0])]
        return [(self.name + t[0].upper() + t[1:], t) for t in self.types]


class Type:
    def __init__(self, name, kind, parent, abstract):
        self.name = name
        self.kind = kind
        self.parent = parent
        self.abstract = abstract
        self.elements = []


def base_name(definition):
    url = definition.get("baseDefinition")
    return url.rsplit("/", 1)[1] if url else None


def read_types(label, definitions):
    """All types by name, backbone elements under their paths."""
    types = {}
    bodies = []
    for sd in definitions:
        if sd.get("derivation") != "constraint":
            types[sd["type"]] = Type(sd["type"], KINDS[sd["kind"]], base_name(sd),
                                     sd.get("abstract", False))
            bodies.append(sd)
        elif sd["type"] == "Quantity" and sd["kind"] == "complex-type" and sd["id"][0].isupper():
            # SimpleQuantity and MoneyQuantity: profiles that the specification lists as types.
            types[sd["id"]] = Type(sd["id"], "COMPLEX", "Quantity", False)
    for sd in bodies:
        add_elements(label, types, sd)
    return types


def ancestors(types, name):
    found = []
    while types[name].parent is not None:
        name = types[name].parent
        found.append(name)
    return found


def add_elements(label, types, sd):
    root = sd["type"]
    snapshot = sd["snapshot"]["element"][1:]
    above = set(ancestors(types, root))
    parents = {e["path"].rsplit(".", 1)[0] for e in snapshot}
    references = {}
    for definition in snapshot:
        path = definition["path"]
        owner, last = path.rsplit(".", 1)
        origin = definition.get("base", {}).get("path", path).split(".")[0]
        if owner == root:
            if origin in above:
                continue  # inherited, described by the ancestor
            if types[root].kind == "PRIMITIVE" and last == "value":
                continue  # the value is the JSON value itself, not a member
        elif origin in ("Element", "BackboneElement"):
            continue
        element = Element(label, path, definition)
        if path in parents:
            # A backbone: its given type is the parent of a type of its own.
            types[path] = Type(path, "BACKBONE", element.types[0], False)
            element.types = [path]
        elif "contentReference" in definition:
            references[path] = element
            element.types = [definition["contentReference"].split("#", 1)[1]]
        types[owner].elements.append(element)
    for path, element in references.items():
        if element.types[0] not in types:
            raise SystemExit(f"{path}: content reference to unknown {element.types[0]}")


def flatten(types, name):
    """(owner, element) of @name and its ancestors, own first."""
    found = []
    for owner in [name] + ancestors(types, name):
        found += [(owner, e) for e in types[owner].elements]
    return found
