# SPDX-License-Identifier: Apache-2.0
"""Required bindings: which codes a value set holds, as far as the package can tell."""


class Codes:
    """The codes of a value set: pairs (system, code). Open: there are more than these."""

    def __init__(self):
        self.pairs = set()
        self.systems = set()
        self.open = False


def concept_codes(concepts):
    found = []
    pending = list(concepts)
    while pending:
        concept = pending.pop()
        found.append(concept["code"])
        pending += concept.get("concept", [])
    return found


class Resolver:
    def __init__(self, package):
        self.value_sets = {v["url"]: v for v in package.get("ValueSet")}
        self.code_systems = {c["url"]: c for c in package.get("CodeSystem")}

    def resolve(self, url, depth=0):
        result = Codes()
        value_set = self.value_sets.get(url)
        if value_set is None or depth > 8:
            result.open = True
            return result
        compose = value_set.get("compose", {})
        for part in compose.get("include", []):
            included = self.resolve_part(part, depth)
            result.pairs |= included.pairs
            result.systems |= included.systems
            result.open |= included.open
        if not compose.get("include"):
            result.open = True
        for part in compose.get("exclude", []):
            excluded = self.resolve_part(part, depth)
            # Codes that cannot be told apart here stay allowed: better to accept than to refuse.
            if not excluded.open:
                result.pairs -= excluded.pairs
        return result

    def resolve_part(self, part, depth):
        """An include or exclude: its system's codes within all of its value sets."""
        result = None
        if "system" in part:
            result = self.resolve_system(part)
        for url in part.get("valueSet", []):
            other = self.resolve(url.split("|")[0], depth + 1)
            if result is None or result.open:
                open_both = other.open and (result is None or result.open)
                result, result.open = other, open_both
            elif not other.open:
                result.pairs &= other.pairs
        if result is None:
            result = Codes()
            result.open = True
        return result

    def resolve_system(self, part):
        result = Codes()
        system = part["system"]
        result.systems.add(system)
        if "concept" in part:
            result.pairs = {(system, c["code"]) for c in part["concept"]}
            return result
        definition = self.code_systems.get(system)
        if definition is None or definition["content"] != "complete" or part.get("filter"):
            result.open = True
            return result
        result.pairs = {(system, code) for code in concept_codes(definition.get("concept", []))}
        return result
