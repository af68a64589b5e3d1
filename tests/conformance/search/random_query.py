# SPDX-License-Identifier: Apache-2.0
"""Random searches over what random_data makes: every parameter, modifier, prefix, chain and _has."""

import urllib.parse

import extract
import query
import random_data as data
from store import BASE
from values import UCUM

SORTABLE = ("token", "string", "date", "number", "uri")
SAFE = "!$'()*,-._~:/|"


def quote(text):
    return urllib.parse.quote(text, safe=SAFE)


class Asker:
    def __init__(self, chance, hidden=()):
        self.chance = chance
        self.hidden = set(hidden)  # (type, code) pairs that are not asked for

    def pick(self, items):
        return self.chance.choice(items)

    def maybe(self, likelihood):
        return self.chance.random() < likelihood

    # ---- values, in the query's own escapes ----

    def token(self):
        system, code = query.escape(self.pick(data.SYSTEMS)), query.escape(self.pick(data.CODES))
        if self.maybe(0.2):
            code = code.swapcase()
        return self.pick([code, code, f"{system}|{code}", f"|{code}", f"{system}|"])

    def token_for(self, code):
        """What stands in such a parameter, so that something is found now and then."""
        known = {
            "gender": ["male", "female", "other", "Male", "http://hl7.org/fhir/administrative-gender|male",
                       "http://hl7.org/fhir/administrative-gender|", "|male"],
            "active": ["true", "false"],
            "abstract": ["true", "false"],
            "status": ["final", "active", "draft", "finished", "completed", "FINAL"],
            "intent": ["order", "plan"],
            "address-use": ["home", "work", "http://hl7.org/fhir/address-use|old"],
            "identifier": ["123", "A-1", "a-1", "http://loinc.org|123", "|123", "x\\|y", "urn:oid:1.2.3|"],
            "phone": ["555-1234"], "telecom": ["a@b.org", "555-1234", "A@B.ORG"], "email": ["a@b.org"],
            "type": ["dna", "Bp"], "version": ["1.0", "2.0-BETA", "1"],
        }
        return self.pick(known[code]) if code in known and self.maybe(0.8) else self.token()

    def label(self):
        return self.pick(["Blood", "blood pr", "PRESSURE", "pres", "körper", "gewicht", "weight", "ood", "Blood  péss",
                          "only w", "words", "o"])

    def words(self):
        text = self.pick(data.NAMES + data.CITIES)
        form = self.chance.randrange(6)
        if form == 0:
            text = text[:self.chance.randint(1, len(text))]
        elif form == 1:
            text = text.upper()
        elif form == 2:
            text = text[self.chance.randrange(len(text)):]
        return query.escape(text)

    def prefix(self):
        return self.pick(["", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"])

    def date(self):
        text = self.pick(data.DATES + data.TIMES + ["1970-05-01T10:00", "1970-05-01T10:00:00",
                                                    "1970-05-01T10:00:00.50Z", "1968", "1970-05-01T10:00Z"])
        return self.prefix() + text

    def decimal(self):
        return self.prefix() + self.pick(data.NUMBERS)

    def quantity(self):
        unit = self.pick(data.UNITS)
        return self.decimal() + self.pick(["", "", f"|{UCUM}|{unit}", f"|{UCUM}|{unit}", f"||{unit}",
                                           "||drops", "|http://example.org/units|gtt", f"|{UCUM}|"])

    def reference(self, param, typed=None):
        type_ = typed or self.pick(param.targets)
        number = self.chance.randrange(data.COUNTS.get(type_, 5) + 2)
        id_ = f"{type_[:2].lower()}{number}"
        local = f"{type_}/{id_}"
        if typed:
            return self.pick([id_, local, f"{BASE}/{local}"])
        return self.pick([id_, local, local, f"{BASE}/{local}", f"http://other.org/fhir/{local}",
                          f"{local}/_history/1", "urn:uuid:6dc3e1a2-1d4a-4fd0-9f38-3d3bb2d5b001"])

    def uri(self):
        return query.escape(self.pick(data.URLS))

    def value(self, kind, code, param):
        if kind == "token":
            return self.token_for(code)
        if kind == "string":
            return self.words()
        if kind == "date":
            return self.date()
        if kind == "number":
            return self.decimal()
        if kind == "quantity":
            return self.quantity()
        if kind == "uri":
            return self.uri()
        return self.reference(param)

    def values(self, maker):
        return ",".join(maker() for _ in range(self.pick([1, 1, 1, 2, 3])))

    # ---- one parameter ----

    def leaf(self, type_):
        codes = [c for c in (*extract.PARAMETERS[type_], *extract.COMMON)
                 if (type_, c) not in self.hidden]
        code = self.pick(codes)
        param = extract.parameter(type_, code)
        if code not in ("_id", "_lastUpdated") and self.maybe(0.08):
            return f"{code}:missing={self.pick(['true', 'false'])}"
        if code == "_id":
            return "_id=" + self.values(lambda: self.reference(
                extract.Parameter("reference", targets=(type_,)), type_).split("/")[-1])
        if code == "_lastUpdated":
            return "_lastUpdated=" + self.pick(["ge2000", "lt2000", "gt9998", "eq1970", "ne1970", "sa2001"])
        return self.valued(code, param)

    def valued(self, code, param):
        if param.kind == "composite":
            def composite():
                return "$".join(self.value(component[0], "code", None) for component in param.components)
            return f"{code}={quote(self.values(composite))}"
        modifier = ""
        if param.kind == "token":
            if code in extract.PARAMETERS["Observation"] and self.maybe(0.1):
                return f"{code}:{self.pick(['text', 'code-text'])}={quote(self.values(self.label))}"
            modifier = self.pick(["", "", "", "", ":not"])
        elif param.kind == "string":
            modifier = self.pick(["", "", ":exact", ":contains"])
        elif param.kind == "uri":
            modifier = self.pick(["", ":above", ":below"])
        elif param.kind == "reference":
            if self.maybe(0.15):
                return f"{code}:identifier={quote(self.values(lambda: self.token_for('identifier')))}"
            if self.maybe(0.25) and code != "base":
                typed = self.pick(param.targets)
                return f"{code}:{typed}={quote(self.values(lambda: self.reference(param, typed)))}"
        if code in ("base", "_profile"):
            def made():
                return self.uri() + self.pick(["", "|1", "|2.0-beta"])
        else:
            def made():
                return self.value(param.kind, code, param)
        return f"{code}{modifier}={quote(self.values(made))}"

    def condition(self, type_, depth=0):
        """A leaf, a chain or a _has."""
        form = self.chance.random()
        if depth < 3 and form < 0.2:
            chained = self.chain(type_, depth)
            if chained is not None:
                return chained
        if depth < 3 and form > 0.85:
            return self.has(type_, depth)
        return self.leaf(type_)

    def references(self, type_):
        return [(code, param) for code, param in extract.PARAMETERS[type_].items()
                if param.kind == "reference" and any(t in extract.PARAMETERS for t in param.targets)]

    def chain(self, type_, depth):
        found = self.references(type_)
        if not found:
            return None
        code, param = self.pick(found)
        target = self.pick([t for t in param.targets if t in extract.PARAMETERS])
        inner = self.condition(target, depth + 1)
        if self.maybe(0.1):
            inner = "_type=" + self.pick([target, "Patient", "Patient,Organization"])
        # Without a type all targets are asked, also some that only the definitions know.
        is_typed = len(param.targets) > 1 or self.maybe(0.3)
        return f"{code}{':' + target if is_typed else ''}.{inner}"

    def has(self, type_, depth):
        sources = [(source, code) for source in extract.PARAMETERS
                   for code, param in self.references(source) if type_ in param.targets]
        if not sources:
            return self.leaf(type_)
        source, code = self.pick(sources)
        return f"_has:{source}:{code}:{self.condition(source, depth + 1)}"

    # ---- a whole search ----

    def sort(self, type_):
        codes = [c for c, p in extract.PARAMETERS[type_].items() if p.kind in SORTABLE] + ["_id"]
        if self.maybe(0.15) and self.references(type_):
            code, param = self.pick(self.references(type_))
            target = self.pick([t for t in param.targets if t in extract.PARAMETERS])
            codes = [f"{code}:{target}." + self.pick([c for c, p in extract.PARAMETERS[target].items()
                                                      if p.kind in SORTABLE])]
        return ",".join(self.pick(["", "-"]) + code
                        for code in self.chance.sample(codes, min(len(codes), self.pick([1, 1, 2, 3]))))

    def search(self):
        """(type, conditions, sort keys or None, page size or None)"""
        type_ = self.pick(list(extract.PARAMETERS))
        if self.maybe(0.35):
            type_ = self.pick(["Patient", "Observation", "Encounter"])
        conditions = "&".join(self.condition(type_) for _ in range(self.pick([1, 1, 1, 2, 2, 3])))
        sort = self.sort(type_) if self.maybe(0.4) else None
        count = self.pick([3, 7, 20, 100]) if self.maybe(0.3) else 1000
        return type_, conditions, sort, count

    # ---- what comes along ----

    def include(self, type_):
        """A rule that leads from the type."""
        code, param = self.pick(self.references(type_))
        form = self.chance.randrange(6)
        if form == 0:
            return f"{type_}:*"
        if form == 1:
            return f"{type_}:{code}:{self.pick(param.targets)}"
        return f"{type_}:{code}"

    def revinclude(self, type_):
        """A rule that leads to the type."""
        sources = [(source, code) for source in extract.PARAMETERS
                   for code, param in self.references(source) if type_ in param.targets]
        source, code = self.pick(sources)
        return f"{source}:{code}" + self.pick(["", "", f":{type_}"])

    def includes(self, type_):
        """Some (name, value) of _include and _revinclude, and iterated ones that go on from there."""
        has_references = bool(self.references(type_))
        rules = []
        for _ in range(self.pick([1, 1, 2])):
            if has_references and self.maybe(0.6):
                rules.append(("_include", self.include(type_)))
            elif type_ in ("Patient", "Practitioner", "Organization", "Encounter", "Observation"):
                rules.append(("_revinclude", self.revinclude(type_)))
        if self.maybe(0.4):
            other = self.pick([t for t in extract.PARAMETERS if self.references(t)])
            rules.append(("_include:iterate", self.include(other)))
        if self.maybe(0.2):
            rules.append(("_revinclude:iterate", self.revinclude(self.pick(["Patient", "Encounter"]))))
        return rules or [("_include:iterate", "Patient:*")]
