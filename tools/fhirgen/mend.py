# SPDX-License-Identifier: Apache-2.0
"""What the published definitions get wrong, put right by name.

Each patch says which definition, what it expects to find there and what it puts instead. A patch
that does not find what it expects stops the generator, so that none outlives its reason.
lib/fhir/README.md lists them for readers.
"""

SP = "http://hl7.org/fhir/SearchParameter/"

# (versions, parameter id, component index, field, published, mended)
COMPONENTS = [
    # The two components point at each other's parameter: `code` is a token, `target` a reference.
    ("r4 r4b r5", "DocumentReference-relationship", 0, "definition",
     SP + "DocumentReference-relatesto", SP + "DocumentReference-relation"),
    ("r4 r4b r5", "DocumentReference-relationship", 1, "definition",
     SP + "DocumentReference-relation", SP + "DocumentReference-relatesto"),
    # There is no type DateTime: the primitive is called dateTime.
    ("r4 r4b", "Observation-code-value-date", 1, "expression",
     "value.as(DateTime) | value.as(Period)", "value.as(dateTime) | value.as(Period)"),
    # The root is the location backbone already; its reference is `location`.
    ("r5", "Encounter-location-period", 0, "expression", "location.reference", "location"),
    # The root is the section already.
    ("r5", "Composition-section-code-text", 0, "expression", "section.code", "code"),
    ("r5", "Composition-section-code-text", 1, "expression", "section.text", "text"),
    # Device has no `specification`, and its `version` is a backbone with a `value`.
    ("r5", "Device-code-value-concept", 0, "expression",
     "specification.ofType(CodeableConcept)", "conformsTo.specification"),
    ("r5", "Device-code-value-concept", 1, "expression", "version.ofType(string)",
     "version.value"),
    # These name parameters that the package does not hold. Only the parameter's type matters to a
    # component, so each points at a parameter of the same resource that has the element's type.
    ("r5", "DeviceDefinition-specification-version", 1, "definition",
     SP + "DeviceDefinition-version", SP + "DeviceDefinition-device-name"),
    ("r5", "Encounter-location-period", 1, "definition", SP + "Encounter-period",
     SP + "Encounter-date-start"),
    ("r5", "Ingredient-strength-concentration-ratio", 0, "definition",
     SP + "Ingredient-numerator", SP + "Ingredient-strength-concentration-quantity"),
    ("r5", "Ingredient-strength-concentration-ratio", 1, "definition",
     SP + "Ingredient-denominator", SP + "Ingredient-strength-concentration-quantity"),
    ("r5", "Ingredient-strength-presentation-ratio", 0, "definition",
     SP + "Ingredient-numerator", SP + "Ingredient-strength-presentation-quantity"),
    ("r5", "Ingredient-strength-presentation-ratio", 1, "definition",
     SP + "Ingredient-denominator", SP + "Ingredient-strength-presentation-quantity"),
    ("r5", "Observation-code-value-string", 1, "definition",
     SP + "Observation-value-string", SP + "Observation-value-markdown"),
    ("r5", "ResearchStudy-progress-status-state-actual", 0, "definition",
     SP + "ResearchStudy-state", SP + "ResearchStudy-status"),
    ("r5", "ResearchStudy-progress-status-state-actual", 1, "definition",
     SP + "ResearchStudy-actual", SP + "ResearchStudy-status"),
    ("r5", "ResearchStudy-progress-status-state-period-actual", 0, "definition",
     SP + "ResearchStudy-state", SP + "ResearchStudy-status"),
    ("r5", "ResearchStudy-progress-status-state-period-actual", 1, "definition",
     SP + "ResearchStudy-period", SP + "ResearchStudy-date"),
    ("r5", "ResearchStudy-progress-status-state-period-actual", 2, "definition",
     SP + "ResearchStudy-actual", SP + "ResearchStudy-status"),
    ("r5", "ResearchStudy-progress-status-state-period", 0, "definition",
     SP + "ResearchStudy-state", SP + "ResearchStudy-status"),
    ("r5", "ResearchStudy-progress-status-state-period", 1, "definition",
     SP + "ResearchStudy-period", SP + "ResearchStudy-date"),
    ("r5", "TestScript-scope-artifact-conformance", 0, "definition",
     SP + "TestScript-artifact", SP + "TestScript-scope-artifact"),
    ("r5", "TestScript-scope-artifact-conformance", 1, "definition",
     SP + "TestScript-conformance", SP + "CanonicalResource-status"),
    ("r5", "TestScript-scope-artifact-phase", 0, "definition",
     SP + "TestScript-artifact", SP + "TestScript-scope-artifact"),
    ("r5", "TestScript-scope-artifact-phase", 1, "definition",
     SP + "TestScript-phase", SP + "CanonicalResource-status"),
]

# (version, parameter id, published part of its expression, mended part)
EXPRESSIONS = [
    # The manufacturer is a backbone; the reference is within it, as R5's definition says.
    ("r4b", "Ingredient-manufacturer", "Ingredient.manufacturer",
     "Ingredient.manufacturer.manufacturer"),
    # The only alternative without its type. It means Appointment, the one base with a `start`.
    ("r5", "clinical-date", "(start | requestedPeriod.start).first()",
     "(Appointment.start | Appointment.requestedPeriod.start).first()"),
]

# (versions, element path, published type, mended type): the specification's pages give Resource.id
# the type id and Element.id the type string; the packages disagree with them and with each other.
ELEMENT_TYPES = [
    ("r4", "Resource.id", "string", "id"),
    ("r4b", "Element.id", "id", "string"),
]

# Parameters that a later version gave to every resource, and that searches of these know, too. What
# `fhirstore index` prints goes by the version's own (lib/index/write.c).
ADDED = [
    ("r4 r4b", {"resourceType": "SearchParameter", "id": "Resource-language",
                "url": SP + "Resource-language", "name": "_language", "code": "_language",
                "base": ["Resource"], "type": "token", "expression": "Resource.language"}),
]

# Where two parameters of one base have the same code, the one that searches use. `_filter` is
# published twice since R4B; the first publication, of type special in all versions, stays.
PREFERRED = {("Resource", "_filter"): SP + "filter"}

# UCUM says of itself that its c/s codes are case-sensitive; no package has its CodeSystem.
CASE_SENSITIVE = ["http://unitsofmeasure.org"]


# (versions, key, published expression, mended one; None: it cannot be decided and is left out)
INVARIANTS = [
    # as() takes one item; later versions say ofType().
    ("r4", "dom-3",
     "contained.where((('#'+id in (%resource.descendants().reference | %resource.d"
     "escendants().as(canonical) | %resource.descendants().as(uri) | %resource.des"
     "cendants().as(url))) or descendants().where(reference = '#').exists() or des"
     "cendants().where(as(canonical) = '#').exists() or descendants().where(as(can"
     "onical) = '#').exists()).not()).trace('unmatched', id).empty()",
     "contained.where((('#'+id in (%resource.descendants().reference | %resource.d"
     "escendants().ofType(canonical) | %resource.descendants().ofType(uri) | %reso"
     "urce.descendants().ofType(url))) or descendants().where(reference = '#').exi"
     "sts() or descendants().where(ofType(canonical) = '#').exists() or descendant"
     "s().where(ofType(canonical) = '#').exists()).not()).trace('unmatched', id).e"
     "mpty()"),
    ("r4b", "dom-3",
     "contained.where(((id.exists() and ('#'+id in (%resource.descendants().refere"
     "nce | %resource.descendants().as(canonical) | %resource.descendants().as(uri"
     ") | %resource.descendants().as(url)))) or descendants().where(reference = '#"
     "').exists() or descendants().where(as(canonical) = '#').exists() or descenda"
     "nts().where(as(uri) = '#').exists()).not()).trace('unmatched', id).empty()",
     "contained.where(((id.exists() and ('#'+id in (%resource.descendants().refere"
     "nce | %resource.descendants().ofType(canonical) | %resource.descendants().of"
     "Type(uri) | %resource.descendants().ofType(url)))) or descendants().where(re"
     "ference = '#').exists() or descendants().where(ofType(canonical) = '#').exis"
     "ts() or descendants().where(ofType(uri) = '#').exists()).not()).trace('unmat"
     "ched', id).empty()"),
    # Without a reference, or a fullUrl, there is nothing to demand, as later versions say.
    ("r4", "ref-1",
     "reference.startsWith('#').not() or (reference.substring(1).trace('url') in %"
     "rootResource.contained.id.trace('ids'))",
     "reference.exists() implies (reference.startsWith('#').not() or (reference.su"
     "bstring(1).trace('url') in %rootResource.contained.id.trace('ids')))"),
    ("r4b", "ref-1",
     "reference.startsWith('#').not() or (reference.substring(1).trace('url') in %"
     "rootResource.contained.id.trace('ids')) or (reference='#' and %rootResource!"
     "=%resource)",
     "reference.exists() implies (reference.startsWith('#').not() or (reference.su"
     "bstring(1).trace('url') in %rootResource.contained.id.trace('ids')) or (refe"
     "rence='#' and %rootResource!=%resource))"),
    ("r4", "bdl-8",
     "fullUrl.contains('/_history/').not()",
     "fullUrl.exists() implies fullUrl.contains('/_history/').not()"),
    # Without a probability there is no answer to whether it is a decimal.
    ("r4", "ras-2",
     "probability is decimal implies (probability as decimal) <= 100",
     "probability.empty() or (probability is decimal implies (probability as decim"
     "al) <= 100)"),
    # The answer is an element, so its type is boolean.
    ("r4", "que-7",
     "operator = 'exists' implies (answer is Boolean)",
     "operator = 'exists' implies (answer is boolean)"),
    # The element at hand is meant, one type at a time; R5 has put both right.
    ("r4b", "sdf-24",
     "element.where(type.code='Reference' and id.endsWith('.reference') and type.t"
     "argetProfile.exists() and id.substring(0,$this.length()-10) in %context.elem"
     "ent.where(type.code='CodeableReference').id).exists().not()",
     "element.where(type.where(code = 'Reference').exists() and id.endsWith('.refe"
     "rence') and type.targetProfile.exists() and id.substring(0, id.length() - 10"
     ") in %context.element.where(type.where(code = 'CodeableReference').exists())"
     ".id).exists().not()"),
    # contains() takes one item.
    ("r5", "eld-11",
     "binding.empty() or type.code.empty() or type.code.contains(\":\") or type.sele"
     "ct((code = 'code') or (code = 'Coding') or (code='CodeableConcept') or (code"
     " = 'Quantity') or (code = 'string') or (code = 'uri') or (code = 'Duration')"
     ").exists()",
     "binding.empty() or type.code.empty() or type.exists(code.contains(\":\")) or t"
     "ype.select((code = 'code') or (code = 'Coding') or (code='CodeableConcept') "
     "or (code = 'Quantity') or (code = 'string') or (code = 'uri') or (code = 'Du"
     "ration')).exists()"),
]


def mend_parameters(label, parameters):
    """Apply ADDED, COMPONENTS and EXPRESSIONS to the SearchParameter definitions of version @label."""
    for versions, parameter in ADDED:
        if label in versions.split():
            if any(p["url"] == parameter["url"] for p in parameters):
                raise SystemExit(f"{label}: {parameter['id']} is published")
            parameters.append(parameter)
    by_id = {p["id"]: p for p in parameters}
    for version, ident, published, mended in EXPRESSIONS:
        if label != version:
            continue
        expression = by_id[ident]["expression"]
        if expression.count(published) != 1:
            raise SystemExit(f"{label}: {ident}: the patch expects {published!r} once")
        by_id[ident]["expression"] = expression.replace(published, mended)
    for versions, ident, index, field, published, mended in COMPONENTS:
        if label not in versions.split():
            continue
        component = by_id[ident]["component"][index]
        if component[field] != published:
            raise SystemExit(f"{label}: {ident}.component[{index}].{field} is "
                             f"{component[field]!r}, the patch expects {published!r}")
        component[field] = mended


def mend_element_type(label, path, code):
    """The type of element @path, which the package says is @code."""
    for versions, patched, published, mended in ELEMENT_TYPES:
        if label in versions.split() and path == patched:
            if code != published:
                raise SystemExit(f"{label}: {path} is {code!r}, the patch expects {published!r}")
            return mended
    return code
