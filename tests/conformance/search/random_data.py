# SPDX-License-Identifier: Apache-2.0
"""Random resources: valid, and as odd as validity lets them be."""

from store import BASE, Verbatim
from values import UCUM

NAMES = ["Müller", "Mueller", "MULLER", "mu", "Straße", "STRASSE", "İpek", "ipek", "Ipek", "Zoë",
         "Zoe\u0308", "O'Neil", "de la Cruz", "Ångström", "Łukasz", "ﬁnch", "Ｆull", "Nguyễn", "Søren",
         "山田", "Иван", "ΣΊΣΥΦΟΣ", "σίσυφος", "a,b", "x|y", "c$d", "e\\f", "  Mary  Ann ", "Mary Ann",
         "100%", "a_b", "Ꝏle", "ﷺ", "𝔘nicode", "\U0001F600smile"]
CITIES = ["Köln", "Koln", "San José", "SAN JOSE", "Łódź", "New York", "Newark", "São Paulo", "Zürich"]
DATES = ["1970", "1969", "1970-05", "1970-05-01", "1970-05-31", "1970-06", "1969-12-31", "1972-02-29",
         "2000-02-29", "1970-01-01", "0001-01-01", "9999-12-31", "1971", "2016-12-31"]
TIMES = ["1970-05-01T00:00:00Z", "1970-05-01T10:00:00Z", "1970-05-01T10:00:00.5Z",
         "1970-05-01T10:00:00.5000001Z", "1970-05-01T10:00:00.50000012Z", "1970-05-01T10:00:01Z",
         "1970-05-01T23:30:00-02:00", "1970-05-01T00:00:00+14:00", "1970-04-30T23:59:59.9999999Z",
         "1970-05-01T12:00:00+02:00", "2016-12-31T23:59:60Z", "1969-12-31T23:59:59-12:00"]
NUMBERS = ["100", "100.0", "1e2", "1.00e2", "99.5", "100.5", "99.4999999999", "0", "0.0", "-3", "-2.5",
           "0.1", "0.10", "1e-3", "5.4", "5.40", "5.35", "5.45", "120", "123456789012345678901234567890",
           "123456789012345678901234567891", "0.000000000000000000000000000001", "1e30", "1E+30",
           "7e-30", "37", "98.6", "310.15"]
UNITS = ["mg/dL", "g/L", "mg/L", "kg/m3", "mm[Hg]", "kPa", "Cel", "[degF]", "K", "kg", "g", "mg",
         "[lb_av]", "cm", "[in_i]", "/min", "mmol/L", "%", "1"]
CODES = ["8480-6", "8462-4", "29463-7", "BP", "bp", "Bp", "a|b", "a,b", "x$y", "back\\slash", "é", "85354-9"]
# That of genders is known to be case-sensitive.
SYSTEMS = ["http://loinc.org", "urn:oid:1.2.3", "http://hl7.org/fhir/administrative-gender",
           "http://snomed.info/sct", "http://example.org/codes"]
URLS = ["http://acme.org/fhir", "http://acme.org/fhir/", "http://acme.org/fhir/ValueSet/1",
        "http://acme.org/fhir/ValueSet/12", "http://acme.org/fhirx", "http://acme.org", "urn:oid:1.2.3",
        "urn:oid:1.2.3.4", "urn:uuid:6dc3e1a2-1d4a-4fd0-9f38-3d3bb2d5b001",
        "http://acme.org/fhir/ValueSet/é", "HTTP://ACME.org/fhir"]
VERSIONS = ["1", "1.0", "2.0-beta", "2020"]
COMPARATORS = ["<", "<=", ">", ">="]

COUNTS = {"Organization": 14, "Practitioner": 20, "Location": 14, "Patient": 60, "Encounter": 60,
          "Condition": 50, "Observation": 120, "Procedure": 35, "MedicationRequest": 30,
          "DiagnosticReport": 35, "RiskAssessment": 30, "MolecularSequence": 20, "ValueSet": 24,
          "StructureDefinition": 16}


class Maker:
    """Resources from a seeded source of chance."""

    def __init__(self, chance):
        self.chance = chance

    def one_of(self, *makers):
        return self.chance.choice(makers)()

    def maybe(self, likelihood=0.6):
        return self.chance.random() < likelihood

    def some(self, maker, least=0, most=3):
        return [maker() for _ in range(self.chance.randint(least, most))]

    def pick(self, items):
        return self.chance.choice(items)

    # ---- data types ----

    def put(self, target, name, maker, likelihood=0.6):
        """Set an element now and then; an empty array is none."""
        if self.maybe(likelihood):
            value = maker()
            if value not in ([], {}):
                target[name] = value

    def date_time(self):
        return self.pick(DATES if self.maybe(0.5) else TIMES)

    def instant(self):
        return self.pick(TIMES)

    def period(self):
        """Ordered ends, or one that is open."""
        low = self.pick(["1960", "1969-12-31", "1970-04", "1970-05-01", "1970-05-01T09:00:00Z"])
        high = self.pick(["1970-05-01T23:00:00Z", "1970-05-02", "1970-05", "1970", "1980"])
        return self.pick([{"start": low}, {"end": high}, {"start": low, "end": high},
                          {"start": low, "end": high}])

    def number(self):
        return Verbatim(self.pick(NUMBERS))

    def coding(self):
        made = {}
        self.put(made, "system", lambda: self.pick(SYSTEMS), 0.8)
        self.put(made, "code", lambda: self.pick(CODES), 0.95)
        self.put(made, "display", lambda: self.pick(["Blood pressure", "blood Péssure", "Weight"]), 0.4)
        return made or {"code": "BP"}

    def concept(self):
        made = {}
        self.put(made, "coding", lambda: self.some(self.coding, 1, 2), 0.9)
        self.put(made, "text", lambda: self.pick(["Blood pressure", "Körpergewicht", "other"]), 0.3)
        return made or {"text": "only words"}

    def identifier(self):
        made = {"value": self.pick(["123", "A-1", "a-1", "x|y", "0", "ÄÖ"])}
        self.put(made, "system", lambda: self.pick(SYSTEMS), 0.7)
        self.put(made, "type", lambda: {"coding": [{"system": "http://example.org/types",
                                                    "code": self.pick(["MR", "mr", "SS"])}]}, 0.4)
        return made

    def quantity(self, plain=False):
        made = {"value": self.number()}
        unit = self.pick(UNITS)
        form = self.chance.randrange(10)
        if form < 7:
            made.update({"unit": unit, "system": UCUM, "code": unit})
        elif form == 7:
            made["unit"] = unit
        elif form == 8:
            made.update({"unit": "drops", "system": "http://example.org/units", "code": "gtt"})
        if not plain:
            self.put(made, "comparator", lambda: self.pick(COMPARATORS), 0.15)
        return made

    def range(self):
        low, high = sorted([self.chance.randint(0, 90), self.chance.randint(0, 120)])
        unit = self.pick(["kg", "g", "cm"])
        made = {"low": {"value": low, "system": UCUM, "code": unit},
                "high": {"value": high, "system": UCUM, "code": unit}}
        if self.maybe(0.3):
            made.pop(self.pick(["low", "high"]))
        return made

    def sampled(self):
        return {"origin": {"value": self.pick([0, 100]), "system": UCUM, "code": "mm[Hg]"},
                "period": 10, "dimensions": 1,
                "factor": Verbatim(self.pick(["1", "0.5", "2.0"])),
                "data": " ".join(self.pick(["E", "U", "L", "0", "1.5", "-7", "20", "120"])
                                 for _ in range(4))}

    def timing(self):
        made = {}
        self.put(made, "event", lambda: self.some(self.date_time, 1, 3), 0.7)
        self.put(made, "repeat", lambda: {"boundsPeriod": self.period()}, 0.4)
        return made or {"event": ["1970"]}

    def reference(self, *types):
        type_ = self.pick(types)
        local = f"{type_}/{type_[:2].lower()}{self.chance.randrange(COUNTS.get(type_, 5) + 2)}"
        form = self.chance.randrange(20)
        if form < 13:
            made = {"reference": local}
        elif form == 13:
            made = {"reference": f"{BASE}/{local}"}
        elif form == 14:
            made = {"reference": f"http://other.org/fhir/{local}"}
        elif form == 15:
            made = {"reference": f"{local}/_history/1"}
        elif form == 16:
            made = {"reference": "urn:uuid:6dc3e1a2-1d4a-4fd0-9f38-3d3bb2d5b001"}
        elif form == 17:
            made = {"identifier": {"system": self.pick(SYSTEMS), "value": self.pick(["123", "A-1"])}}
        elif form == 18:
            made = {"reference": local, "identifier": {"value": "123"}, "display": "Jané"}
        else:
            made = {"display": "someone"}
        return made

    def human_name(self):
        made = {}
        self.put(made, "family", lambda: self.pick(NAMES), 0.8)
        self.put(made, "given", lambda: self.some(lambda: self.pick(NAMES), 1, 2), 0.7)
        self.put(made, "prefix", lambda: ["Dr."], 0.1)
        self.put(made, "text", lambda: self.pick(NAMES), 0.2)
        return made or {"text": "X"}

    def address(self):
        made = {}
        self.put(made, "line", lambda: ["1 " + self.pick(CITIES)])
        self.put(made, "city", lambda: self.pick(CITIES), 0.8)
        self.put(made, "state", lambda: self.pick(["NY", "CA"]))
        self.put(made, "postalCode", lambda: self.pick(["10001", "1000", "95012"]))
        self.put(made, "country", lambda: self.pick(["US", "DE"]))
        self.put(made, "use", lambda: self.pick(["home", "work", "old"]))
        return made or {"city": "Köln"}

    def telecom(self):
        made = {"system": self.pick(["phone", "email", "fax"])}
        self.put(made, "value", lambda: self.pick(["555-1234", "a@b.org", "A@B.org"]), 0.9)
        return made

    def meta(self):
        made = {}
        self.put(made, "profile", lambda: self.some(
            lambda: self.pick(URLS) + self.pick(["", "", "|1", "|2.0-beta"]), 1, 2), 0.5)
        self.put(made, "tag", lambda: [self.coding() for _ in range(self.chance.randint(1, 2))], 0.5)
        self.put(made, "security", lambda: [self.coding()], 0.3)
        self.put(made, "source", lambda: self.pick(URLS), 0.4)
        return made

    # ---- resources ----

    def person(self, made):
        self.put(made, "identifier", lambda: self.some(self.identifier, 1, 2))
        self.put(made, "active", lambda: self.pick([True, False]))
        self.put(made, "name", lambda: self.some(self.human_name, 1, 2), 0.9)
        self.put(made, "telecom", lambda: self.some(self.telecom, 1, 2))
        self.put(made, "gender", lambda: self.pick(["male", "female", "other", "unknown"]), 0.8)
        self.put(made, "birthDate", lambda: self.pick(DATES), 0.8)
        self.put(made, "address", lambda: self.some(self.address, 1, 2))

    def make_patient(self, made):
        self.person(made)
        self.put(made, "deceasedDateTime", self.date_time, 0.2)
        self.put(made, "communication", lambda: [{"language": self.concept()}], 0.3)
        self.put(made, "generalPractitioner",
                 lambda: self.some(lambda: self.reference("Practitioner", "Organization"), 1, 2))
        self.put(made, "managingOrganization", lambda: self.reference("Organization"))
        self.put(made, "link", lambda: [{"other": self.reference("Patient"), "type": "seealso"}], 0.3)
        if self.maybe(0.15):
            made["contained"] = [{"resourceType": "Organization", "id": "inside", "name": "Hidden"}]
            made["managingOrganization"] = {"reference": "#inside"}

    def make_practitioner(self, made):
        self.person(made)
        self.put(made, "communication", lambda: self.some(self.concept, 1, 2), 0.4)

    def place(self, made):
        self.put(made, "identifier", lambda: self.some(self.identifier, 1, 2))
        self.put(made, "name", lambda: self.pick(NAMES + CITIES), 0.9)
        self.put(made, "alias", lambda: self.some(lambda: self.pick(NAMES), 1, 2), 0.4)

    def make_organization(self, made):
        self.place(made)
        made.setdefault("name", "Org")
        self.put(made, "active", lambda: self.pick([True, False]))
        self.put(made, "type", lambda: self.some(self.concept, 1, 2))
        self.put(made, "address", lambda: self.some(self.address, 1, 2))
        self.put(made, "partOf", lambda: self.reference("Organization"), 0.5)

    def make_location(self, made):
        self.place(made)
        self.put(made, "status", lambda: self.pick(["active", "suspended", "inactive"]))
        self.put(made, "type", lambda: self.some(self.concept, 1, 2))
        self.put(made, "address", self.address)
        self.put(made, "managingOrganization", lambda: self.reference("Organization"))
        self.put(made, "partOf", lambda: self.reference("Location"), 0.4)

    def make_encounter(self, made):
        made["status"] = self.pick(["planned", "finished", "in-progress"])
        made["class"] = self.coding()
        self.put(made, "identifier", lambda: [self.identifier()])
        self.put(made, "type", lambda: self.some(self.concept, 1, 2))
        self.put(made, "subject", lambda: self.reference("Patient", "Patient", "Group"), 0.9)
        self.put(made, "participant", lambda: [{
            "type": [self.concept()], "individual": self.reference("Practitioner", "RelatedPerson")}])
        self.put(made, "period", self.period, 0.8)
        self.put(made, "length", lambda: {"value": self.pick([30, 90, 1.5]), "unit": "min",
                                          "system": UCUM, "code": self.pick(["min", "h", "d"])}, 0.4)
        self.put(made, "reasonCode", lambda: [self.concept()], 0.3)
        self.put(made, "diagnosis", lambda: [{"condition": self.reference("Condition", "Procedure")}], 0.4)
        self.put(made, "location", lambda: [{"location": self.reference("Location"),
                                             "period": self.period()}])
        self.put(made, "serviceProvider", lambda: self.reference("Organization"), 0.5)
        self.put(made, "partOf", lambda: self.reference("Encounter"), 0.3)

    def make_condition(self, made):
        made["subject"] = self.reference("Patient", "Patient", "Group")
        self.put(made, "identifier", lambda: [self.identifier()], 0.3)
        self.put(made, "category", lambda: self.some(self.concept, 1, 2))
        self.put(made, "severity", self.concept, 0.4)
        self.put(made, "code", self.concept, 0.9)
        self.put(made, "bodySite", lambda: self.some(self.concept, 1, 2), 0.3)
        self.put(made, "encounter", lambda: self.reference("Encounter"))
        form = self.chance.randrange(6)
        if form == 0:
            made["onsetDateTime"] = self.date_time()
        elif form == 1:
            made["onsetPeriod"] = self.period()
        elif form == 2:
            made["onsetAge"] = {"value": self.chance.randint(1, 90), "system": UCUM, "code": "a"}
        elif form == 3:
            made["onsetRange"] = self.range()
        elif form == 4:
            made["onsetString"] = self.pick(NAMES)
        self.put(made, "abatementDateTime", self.date_time, 0.3)
        self.put(made, "recordedDate", self.date_time, 0.5)
        self.put(made, "asserter", lambda: self.reference("Practitioner", "Patient"), 0.4)
        self.put(made, "evidence", lambda: [{"code": [self.concept()]}], 0.3)

    def observed_value(self, made):
        form = self.chance.randrange(12)
        if form < 6:
            made["valueQuantity"] = self.quantity()
        elif form == 6:
            made["valueCodeableConcept"] = self.concept()
        elif form == 7:
            made["valueString"] = self.pick(NAMES)
        elif form == 8:
            made["valueDateTime"] = self.date_time()
        elif form == 9:
            made["valuePeriod"] = self.period()
        elif form == 10:
            made["valueSampledData"] = self.sampled()

    def make_observation(self, made):
        made["status"] = self.pick(["final", "amended", "preliminary"])
        made["code"] = self.concept()
        self.put(made, "identifier", lambda: self.some(self.identifier, 1, 2), 0.3)
        self.put(made, "category", lambda: self.some(self.concept, 1, 2), 0.5)
        self.put(made, "subject", lambda: self.reference("Patient", "Patient", "Patient", "Group", "Location"), 0.9)
        self.put(made, "encounter", lambda: self.reference("Encounter"), 0.5)
        self.put(made, "performer",
                 lambda: self.some(lambda: self.reference("Practitioner", "Organization", "Patient"), 1, 2), 0.5)
        form = self.chance.randrange(6)
        if form < 2:
            made["effectiveDateTime"] = self.date_time()
        elif form == 2:
            made["effectivePeriod"] = self.period()
        elif form == 3:
            made["effectiveInstant"] = self.instant()
        elif form == 4:
            made["effectiveTiming"] = self.timing()
        self.observed_value(made)
        if not any(name.startswith("value") for name in made):
            self.put(made, "dataAbsentReason", self.concept, 0.5)
        self.put(made, "method", self.concept, 0.2)
        self.put(made, "hasMember", lambda: [self.reference("Observation")], 0.3)

        def component():
            part = {"code": self.concept()}
            self.put(part, "valueQuantity", self.quantity, 0.8)
            return part
        self.put(made, "component", lambda: self.some(component, 1, 3), 0.3)

    def make_procedure(self, made):
        made["status"] = self.pick(["completed", "in-progress"])
        made["subject"] = self.reference("Patient", "Patient", "Group")
        self.put(made, "code", self.concept, 0.9)
        self.put(made, "category", self.concept, 0.3)
        self.put(made, "instantiatesUri", lambda: self.some(lambda: self.pick(URLS), 1, 2), 0.5)
        self.put(made, "encounter", lambda: self.reference("Encounter"))
        self.put(made, self.pick(["performedDateTime"]), self.date_time, 0.4)
        if "performedDateTime" not in made:
            self.put(made, "performedPeriod", self.period)
        self.put(made, "performer", lambda: [{"actor": self.reference("Practitioner", "Organization")}])
        self.put(made, "location", lambda: self.reference("Location"))
        self.put(made, "reasonCode", lambda: [self.concept()], 0.3)

    def make_medicationrequest(self, made):
        made.update({"status": self.pick(["active", "completed"]), "intent": self.pick(["order", "plan"]),
                     "medicationCodeableConcept": self.concept(), "subject": self.reference("Patient")})
        self.put(made, "encounter", lambda: self.reference("Encounter"))
        self.put(made, "authoredOn", self.date_time)
        self.put(made, "requester", lambda: self.reference("Practitioner", "Organization"))
        self.put(made, "dosageInstruction",
                 lambda: [{"timing": {"event": self.some(self.date_time, 1, 3)}}], 0.4)
        self.put(made, "identifier", lambda: [self.identifier()], 0.3)

    def make_diagnosticreport(self, made):
        made.update({"status": self.pick(["final", "partial"]), "code": self.concept()})
        self.put(made, "category", lambda: [self.concept()])
        self.put(made, "subject", lambda: self.reference("Patient", "Patient", "Location"), 0.9)
        self.put(made, "encounter", lambda: self.reference("Encounter"))
        if self.maybe():
            made["effectiveDateTime"] = self.date_time()
        else:
            made["effectivePeriod"] = self.period()
        self.put(made, "issued", self.instant)
        self.put(made, "performer", lambda: [self.reference("Practitioner", "Organization")])
        self.put(made, "result", lambda: self.some(lambda: self.reference("Observation"), 1, 3), 0.8)
        self.put(made, "conclusionCode", lambda: [self.concept()], 0.3)

    def make_riskassessment(self, made):
        def prediction():
            part = {}
            if self.maybe():
                part["probabilityDecimal"] = self.number()
            elif self.maybe():
                # A Range is a pair of quantities; the standard lets either end be absent.
                part["probabilityRange"] = self.range()
            self.put(part, "qualitativeRisk", self.concept, 0.4)
            return part or {"rationale": "none"}
        made.update({"status": "final", "subject": self.reference("Patient", "Patient", "Group")})
        self.put(made, "prediction", lambda: self.some(prediction, 1, 2), 0.9)
        self.put(made, "occurrenceDateTime", self.date_time)
        self.put(made, "condition", lambda: self.reference("Condition"))
        self.put(made, "method", self.concept, 0.3)

    def make_molecularsequence(self, made):
        made["coordinateSystem"] = self.pick([0, 1])
        self.put(made, "type", lambda: self.pick(["dna", "rna", "aa"]))
        self.put(made, "patient", lambda: self.reference("Patient"))
        self.put(made, "referenceSeq", lambda: {
            "chromosome": self.concept(), "referenceSeqId": self.concept(),
            "windowStart": self.chance.randint(0, 150), "windowEnd": self.chance.randint(150, 300)}, 0.8)
        self.put(made, "variant", lambda: self.some(
            lambda: {"start": self.pick([1, 99, 100, 101, 2147483647]), "end": self.pick([100, 105])}, 1, 2))

    def definition(self, made):
        self.put(made, "version", lambda: self.pick(VERSIONS))
        made["name"] = self.pick(["Codes", "codesÉ", "Weights"])
        made["status"] = self.pick(["draft", "active"])
        self.put(made, "title", lambda: self.pick(NAMES), 0.5)
        self.put(made, "date", lambda: self.pick(DATES))

    def make_valueset(self, made):
        self.put(made, "url", lambda: self.pick(URLS), 0.9)
        self.definition(made)
        self.put(made, "publisher", lambda: self.pick(NAMES))
        self.put(made, "identifier", lambda: [self.identifier()])
        self.put(made, "jurisdiction", lambda: [self.concept()])
        self.put(made, "compose", lambda: {"include": [{"system": self.pick(SYSTEMS)}]})
        self.put(made, "useContext", lambda: [{
            "code": {"system": "http://example.org/c", "code": "age"}, "valueRange": self.range()}], 0.4)

    def make_structuredefinition(self, made):
        made["url"] = self.pick(URLS)
        self.definition(made)
        made.update({"kind": "resource", "abstract": self.pick([True, False]), "type": "Patient"})
        if self.maybe(0.8):
            made["baseDefinition"] = (self.pick(URLS[:5])
                                      + self.pick(["", "", "|1", "|2.0-beta"]))
            made["derivation"] = "constraint"

    def resource(self, type_, number):
        made = {"resourceType": type_, "id": f"{type_[:2].lower()}{number}"}
        self.put(made, "meta", self.meta, 0.4)
        getattr(self, "make_" + type_.lower())(made)
        return made

    def all_resources(self, times=1):
        for type_, count in COUNTS.items():
            for number in range(count * times):
                yield self.resource(type_, number)
