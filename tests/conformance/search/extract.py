# SPDX-License-Identifier: Apache-2.0
"""Which values a resource has for a search parameter: R4's definitions by hand, a path and a shape each."""

import values
from values import Reference, Span

# ---- shapes: from a JSON value to entries ----


class Token:
    """A code as searches see it; @texts are what stands beside it, @of_type an Identifier's types."""
    __slots__ = ("system", "code", "texts", "of_type")

    def __init__(self, system, code, texts=(), of_type=()):
        self.system, self.code, self.texts, self.of_type = system, code, texts, of_type


class Quantity:
    __slots__ = ("span", "system", "code", "unit")

    def __init__(self, span, system, code, unit):
        self.span, self.system, self.code, self.unit = span, system, code, unit


def texts_of(*candidates):
    return tuple(text for text in candidates if isinstance(text, str))


def concept(value):
    codings = [Token(c.get("system"), c.get("code"), texts_of(value.get("text"), c.get("display")))
               for c in value.get("coding", ())]
    if not codings and "text" in value:
        codings = [Token(None, None, texts_of(value["text"]))]
    return codings


def coding(value):
    return [Token(value.get("system"), value.get("code"), texts_of(value.get("display")))]


def identifier(value):
    type_ = value.get("type", {})
    of_type = tuple((c.get("system"), c.get("code")) for c in type_.get("coding", ()))
    texts = texts_of(type_.get("text"), *(c.get("display") for c in type_.get("coding", ())))
    return [Token(value.get("system"), value.get("value"), texts, of_type)]


def contact(value):
    return [Token(None, value["value"])] if "value" in value else []


def plain(value):
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return [Token(None, text)]


def code_of(system):
    def shape(value):
        return [Token(system, value)]
    return shape


def text(value):
    return [value]


def concept_texts(value):
    return [value["text"]] if "text" in value else []


def parts_of(*names):
    def shape(value):
        found = []
        for name in names:
            part = value.get(name, ())
            found.extend([part] if isinstance(part, str) else [p for p in part if p is not None])
        return found
    return shape


human_name = parts_of("text", "family", "given", "prefix", "suffix")
address = parts_of("text", "line", "city", "district", "state", "postalCode", "country")


def date(value):
    return [values.stored_interval(value)]


def period(value):
    return [values.period_interval(value)]


def timing(value):
    spans = [values.stored_interval(event) for event in value.get("event", ())]
    bounds = value.get("repeat", {}).get("boundsPeriod")
    if bounds is not None:
        spans.append(values.period_interval(bounds))
    if not spans:
        return []
    return [(min(first for first, _ in spans), max(last for _, last in spans))]


def number(value):
    exact = values.decimal(str(value))[0]
    return [Span(exact, exact)]


def span_of_range(value):
    ends = [values.decimal(str(value[name]["value"]))[0] if "value" in value.get(name, {}) else None
            for name in ("low", "high")]
    return Span(*ends)


def number_range(value):
    return [span_of_range(value)]


def quantity(value):
    if "value" not in value:
        return []
    exact = values.decimal(str(value["value"]))[0]
    return [Quantity(values.compared_span(exact, value.get("comparator")), value.get("system"),
                     value.get("code"), value.get("unit"))]


def quantity_range(value):
    end = value.get("low") or value.get("high") or {}
    return [Quantity(span_of_range(value), end.get("system"), end.get("code"), end.get("unit"))]


def sampled(value):
    """From the least to the greatest sample."""
    origin = value["origin"]
    factor = values.decimal(str(value.get("factor", "1")))[0]
    zero = values.decimal(str(origin.get("value", "0")))[0]
    samples = [zero + values.decimal(word)[0] * factor for word in value.get("data", "").split()
               if word not in ("E", "U", "L")]
    if not samples:
        return []
    return [Quantity(Span(min(samples), max(samples)), origin.get("system"), origin.get("code"),
                     origin.get("unit"))]


class ReferenceEntry:
    __slots__ = ("target", "identifier", "display", "type")

    def __init__(self, target, identifier_=None, display=None, type_=None):
        self.target, self.identifier, self.display, self.type = target, identifier_, display, type_


BASE = "http://localhost/fhir"


def reference(value):
    target = values.read_reference(value["reference"], BASE) if "reference" in value else None
    if target is not None and target.type is None and target.url is None:
        target = Reference(url=value["reference"])  # "x" alone is no id of anything
    return [ReferenceEntry(target, value.get("identifier"), value.get("display"), value.get("type"))]


def canonical(value):
    url, _, version = value.partition("|")
    return [ReferenceEntry(Reference(url=url, version=version or None))]


# ---- parameters ----

class Parameter:
    def __init__(self, kind, *sources, targets=(), only=None, components=()):
        self.kind = kind        # token, string, date, …
        self.sources = sources  # (path, shape) pairs
        self.targets = targets  # reference: the types it may point at
        self.only = only        # reference: other types do not count, as in where(resolve() is Patient)
        self.components = components  # composite: sources are its roots


def step(nodes, name):
    """One step of a path: arrays are opened."""
    for node in nodes:
        found = node.get(name) if isinstance(node, dict) else None
        if isinstance(found, list):
            yield from (item for item in found if item is not None)
        elif found is not None:
            yield found


def find(root, path):
    """The values at a path such as "name.family" or "telecom(system=phone)"."""
    nodes = [root]
    for name in path.split(".") if path else ():
        name, _, condition = name.partition("(")
        nodes = list(step(nodes, name))
        if condition:
            member, _, wanted = condition.rstrip(")").partition("=")
            nodes = [node for node in nodes if node.get(member) == wanted]
    return nodes


def tokens(path, shape=concept):
    return Parameter("token", (path, shape))


def strings(*sources):
    return Parameter("string", *((s, text) if isinstance(s, str) else s for s in sources))


def refs(path, *targets, only=None):
    return Parameter("reference", (path, reference), targets=targets, only=only)


def dates(stem, *shapes):
    forms = {"DateTime": date, "Period": period, "Instant": date, "Timing": timing}
    return Parameter("date", *((stem + name, forms[name]) for name in shapes))


HL7 = "http://hl7.org/fhir/"
GENDER = code_of(HL7 + "administrative-gender")
VALUE_QUANTITY = (("valueQuantity", quantity), ("valueSampledData", sampled))
SUBJECTS = ("Patient", "Group", "Device", "Location")

COMMON = {
    "_id": tokens("id", code_of(HL7 + "id")),  # ids tell case apart
    "_lastUpdated": Parameter("date", ("meta.lastUpdated", date)),
    "_tag": tokens("meta.tag", coding),
    "_security": tokens("meta.security", coding),
    "_profile": Parameter("uri", ("meta.profile", text)),
    "_source": Parameter("uri", ("meta.source", text)),
}


def person(name):
    shared = {
        "name": strings(("name", human_name)), "family": strings("name.family"),
        "given": strings("name.given"), "telecom": tokens("telecom", contact),
        "phone": tokens("telecom(system=phone)", contact),
        "email": tokens("telecom(system=email)", contact),
        "gender": tokens("gender", GENDER), "identifier": tokens("identifier", identifier),
        "active": tokens("active", plain),
    }
    shared.update(places())
    if name == "Patient":
        shared.update({
            "birthdate": Parameter("date", ("birthDate", date)),
            "death-date": Parameter("date", ("deceasedDateTime", date)),
            "language": tokens("communication.language"),
            "general-practitioner": refs("generalPractitioner", "Practitioner", "Organization",
                                         "PractitionerRole"),
            "organization": refs("managingOrganization", "Organization"),
            "link": refs("link.other", "Patient", "RelatedPerson"),
        })
    return shared


def places(path="address"):
    return {
        "address": strings((path, address)), "address-city": strings(path + ".city"),
        "address-country": strings(path + ".country"), "address-state": strings(path + ".state"),
        "address-postalcode": strings(path + ".postalCode"),
        "address-use": tokens(path + ".use", code_of(HL7 + "address-use")),
    }


PARAMETERS = {
    "Patient": person("Patient"),
    "Practitioner": {**person("Practitioner"), "communication": tokens("communication")},
    "Organization": {
        "name": strings("name", "alias"), "active": tokens("active", plain),
        "identifier": tokens("identifier", identifier), "type": tokens("type"),
        "partof": refs("partOf", "Organization"), **places(),
    },
    "Location": {
        "name": strings("name", "alias"), "identifier": tokens("identifier", identifier),
        "type": tokens("type"), "status": tokens("status", code_of(HL7 + "location-status")),
        "organization": refs("managingOrganization", "Organization"),
        "partof": refs("partOf", "Location"), **places(),
    },
    "Observation": {
        "code": tokens("code"), "category": tokens("category"),
        "status": tokens("status", code_of(HL7 + "observation-status")),
        "identifier": tokens("identifier", identifier), "method": tokens("method"),
        "date": dates("effective", "DateTime", "Period", "Instant", "Timing"),
        "value-quantity": Parameter("quantity", *VALUE_QUANTITY),
        "value-concept": tokens("valueCodeableConcept"),
        "value-string": strings("valueString", ("valueCodeableConcept", concept_texts)),
        "value-date": dates("value", "DateTime", "Period"),
        "combo-code": Parameter("token", ("code", concept), ("component.code", concept)),
        "component-code": tokens("component.code"),
        "combo-value-quantity": Parameter(
            "quantity", *VALUE_QUANTITY,
            *(("component." + path, shape) for path, shape in VALUE_QUANTITY)),
        "component-value-quantity": Parameter(
            "quantity", *(("component." + path, shape) for path, shape in VALUE_QUANTITY)),
        "data-absent-reason": tokens("dataAbsentReason"),
        "subject": refs("subject", *SUBJECTS),
        "patient": refs("subject", "Patient", only="Patient"),
        "encounter": refs("encounter", "Encounter", "EpisodeOfCare"),
        "performer": refs("performer", "Practitioner", "Organization", "CareTeam", "Patient",
                          "PractitionerRole", "RelatedPerson"),
        "has-member": refs("hasMember", "Observation", "MolecularSequence", "QuestionnaireResponse"),
        "code-value-quantity": Parameter("composite", "", components=(
            ("token", ("code", concept)), ("quantity", ("valueQuantity", quantity)))),
        "code-value-concept": Parameter("composite", "", components=(
            ("token", ("code", concept)), ("token", ("valueCodeableConcept", concept)))),
        "code-value-date": Parameter("composite", "", components=(
            ("token", ("code", concept)),
            ("date", ("valueDateTime", date), ("valuePeriod", period)))),
        "code-value-string": Parameter("composite", "", components=(
            ("token", ("code", concept)), ("string", ("valueString", text)))),
        "component-code-value-quantity": Parameter("composite", "component", components=(
            ("token", ("code", concept)), ("quantity", ("valueQuantity", quantity)))),
        "combo-code-value-quantity": Parameter("composite", "", "component", components=(
            ("token", ("code", concept)), ("quantity", ("valueQuantity", quantity)))),
    },
    "Encounter": {
        "status": tokens("status", code_of(HL7 + "encounter-status")), "class": tokens("class", coding),
        "type": tokens("type"), "reason-code": tokens("reasonCode"),
        "identifier": tokens("identifier", identifier),
        "date": Parameter("date", ("period", period)),
        "location-period": Parameter("date", ("location.period", period)),
        "length": Parameter("quantity", ("length", quantity)),
        "subject": refs("subject", "Patient", "Group"),
        "patient": refs("subject", "Patient", only="Patient"),
        "part-of": refs("partOf", "Encounter"),
        "location": refs("location.location", "Location"),
        "participant": refs("participant.individual", "Practitioner", "PractitionerRole",
                            "RelatedPerson"),
        "practitioner": refs("participant.individual", "Practitioner", only="Practitioner"),
        "participant-type": tokens("participant.type"),
        "service-provider": refs("serviceProvider", "Organization"),
        "diagnosis": refs("diagnosis.condition", "Condition", "Procedure"),
    },
    "Condition": {
        "code": tokens("code"), "category": tokens("category"), "severity": tokens("severity"),
        "clinical-status": tokens("clinicalStatus"),
        "verification-status": tokens("verificationStatus"),
        "identifier": tokens("identifier", identifier), "body-site": tokens("bodySite"),
        "onset-date": dates("onset", "DateTime", "Period"),
        "onset-age": Parameter("quantity", ("onsetAge", quantity), ("onsetRange", quantity_range)),
        "onset-info": strings("onsetString"),
        "abatement-date": dates("abatement", "DateTime", "Period"),
        "recorded-date": Parameter("date", ("recordedDate", date)),
        "subject": refs("subject", "Patient", "Group"),
        "patient": refs("subject", "Patient", only="Patient"),
        "encounter": refs("encounter", "Encounter"),
        "asserter": refs("asserter", "Practitioner", "Patient", "PractitionerRole", "RelatedPerson"),
        "evidence": tokens("evidence.code"),
    },
    "Procedure": {
        "code": tokens("code"), "category": tokens("category"), "reason-code": tokens("reasonCode"),
        "status": tokens("status", code_of(HL7 + "event-status")),
        "identifier": tokens("identifier", identifier),
        "date": dates("performed", "DateTime", "Period"),
        "instantiates-uri": Parameter("uri", ("instantiatesUri", text)),
        "subject": refs("subject", "Patient", "Group"),
        "patient": refs("subject", "Patient", only="Patient"),
        "encounter": refs("encounter", "Encounter", "EpisodeOfCare"),
        "location": refs("location", "Location"),
        "performer": refs("performer.actor", "Practitioner", "Organization", "Device", "Patient",
                          "PractitionerRole", "RelatedPerson"),
    },
    "MedicationRequest": {
        "code": tokens("medicationCodeableConcept"),
        "status": tokens("status", code_of(HL7 + "CodeSystem/medicationrequest-status")),
        "intent": tokens("intent", code_of(HL7 + "CodeSystem/medicationrequest-intent")),
        "authoredon": Parameter("date", ("authoredOn", date)),
        "date": Parameter("date", ("dosageInstruction.timing.event", date)),
        "identifier": tokens("identifier", identifier),
        "subject": refs("subject", "Patient", "Group"),
        "patient": refs("subject", "Patient", only="Patient"),
        "encounter": refs("encounter", "Encounter"),
        "requester": refs("requester", "Practitioner", "Organization", "Device", "Patient",
                          "PractitionerRole", "RelatedPerson"),
    },
    "DiagnosticReport": {
        "code": tokens("code"), "category": tokens("category"),
        "status": tokens("status", code_of(HL7 + "diagnostic-report-status")),
        "conclusion": tokens("conclusionCode"), "identifier": tokens("identifier", identifier),
        "date": dates("effective", "DateTime", "Period"),
        "issued": Parameter("date", ("issued", date)),
        "subject": refs("subject", *SUBJECTS),
        "patient": refs("subject", "Patient", only="Patient"),
        "encounter": refs("encounter", "Encounter", "EpisodeOfCare"),
        "result": refs("result", "Observation"),
        "performer": refs("performer", "Practitioner", "Organization", "CareTeam",
                          "PractitionerRole"),
    },
    "RiskAssessment": {
        "probability": Parameter("number", ("prediction.probabilityDecimal", number),
                                 ("prediction.probabilityRange", number_range)),
        "risk": tokens("prediction.qualitativeRisk"), "method": tokens("method"),
        "date": Parameter("date", ("occurrenceDateTime", date)),
        "identifier": tokens("identifier", identifier),
        "subject": refs("subject", "Patient", "Group"),
        "patient": refs("subject", "Patient", only="Patient"),
        "condition": refs("condition", "Condition"),
    },
    "MolecularSequence": {
        "variant-start": Parameter("number", ("variant.start", number)),
        "variant-end": Parameter("number", ("variant.end", number)),
        "window-start": Parameter("number", ("referenceSeq.windowStart", number)),
        "chromosome": tokens("referenceSeq.chromosome"),
        "referenceseqid": tokens("referenceSeq.referenceSeqId"),
        "type": tokens("type", code_of(HL7 + "sequence-type")),
        "patient": refs("patient", "Patient"),
        "identifier": tokens("identifier", identifier),
        "chromosome-window-coordinate": Parameter("composite", "referenceSeq", components=(
            ("token", ("chromosome", concept)), ("number", ("windowStart", number)),
            ("number", ("windowEnd", number)))),
    },
    "ValueSet": {
        "url": Parameter("uri", ("url", text)), "version": tokens("version", plain),
        "name": strings("name"), "title": strings("title"), "description": strings("description"),
        "publisher": strings("publisher"), "date": Parameter("date", ("date", date)),
        "status": tokens("status", code_of(HL7 + "publication-status")),
        "identifier": tokens("identifier", identifier), "jurisdiction": tokens("jurisdiction"),
        "reference": Parameter("uri", ("compose.include.system", text)),
        "context-quantity": Parameter("quantity", ("useContext.valueQuantity", quantity),
                                      ("useContext.valueRange", quantity_range)),
    },
    "StructureDefinition": {
        "url": Parameter("uri", ("url", text)), "version": tokens("version", plain),
        "name": strings("name"), "type": Parameter("uri", ("type", text)),
        "base": Parameter("reference", ("baseDefinition", canonical),
                          targets=("StructureDefinition",)),
        "status": tokens("status", code_of(HL7 + "publication-status")),
        "abstract": tokens("abstract", plain),
        "derivation": tokens("derivation", code_of(HL7 + "type-derivation-rule")),
    },
}

# Systems whose codes differ by case (their definitions say so).
CASE_SENSITIVE = {values.UCUM}


def parameter(type_, code):
    return PARAMETERS.get(type_, {}).get(code) or COMMON.get(code)


def entries_of_sources(root, sources):
    found = []
    for path, shape in sources:
        for node in find(root, path):
            found.extend(shape(node))
    return found


def type_of_target(target):
    """Patient for Patient/1, and for http://other.org/fhir/Patient/1."""
    if target is None or target.type is not None:
        return target and target.type
    step_before_last = target.url.split("/")[-2:-1]
    return step_before_last[0] if step_before_last else None


def entries(resource, param):
    """All entries of a parameter; a composite's are tuples of lists, root by root."""
    if param.kind == "composite":
        rows = []
        for root_path in param.sources:
            for root in find(resource, root_path):
                row = [entries_of_sources(root, component[1:]) for component in param.components]
                if all(row):
                    rows.append(row)
        return rows
    found = entries_of_sources(resource, param.sources)
    if param.only is not None:
        found = [e for e in found if param.only in (e.type, type_of_target(e.target))]
    if param.kind == "reference":
        found = [e for e in found if e.target is not None or e.identifier or e.display]
    return found
