#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Observations that become of device messages, held against tests/data/iot/golden, in TAP.

iot_golden_test.py COMMAND; UPDATE_GOLDEN=1 writes the files anew. A case is a FHIR mapping and some batches of
messages; its file has, for each batch, the outcomes and then every Observation of the store, without the fields that
tell when it was run.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2] / "tools"))
from tap import Tap  # noqa: E402

GOLDEN = HERE.parents[1] / "data" / "iot" / "golden"
PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
NAMES = ["v", "low", "high", "a", "b", "unit"]
LOINC = [{"code": "1-8", "system": "http://loinc.org", "display": "Something"}]
UCUM = "http://unitsofmeasure.org"

VALUES = {
    "quantity": {"valueType": "Quantity", "valueName": "v", "unit": "mmHg", "code": "mm[Hg]", "system": UCUM},
    "sampled": {"valueType": "SampledData", "valueName": "v", "unit": "bpm", "defaultPeriod": 30000},
    "concept": {"valueType": "CodeableConcept", "valueName": "v", "text": "Alarm", "codes": LOINC},
    "string": {"valueType": "String", "valueName": "v"},
    "integer": {"valueType": "Integer", "valueName": "v"},
    "boolean": {"valueType": "Boolean", "valueName": "v"},
    "datetime": {"valueType": "DateTime", "valueName": "v"},
    "range": {"valueType": "Range", "valueName": "r", "lowName": "low", "highName": "high", "unit": "bpm"},
    "ratio": {"valueType": "Ratio", "valueName": "q", "numeratorName": "low", "denominatorName": "high",
              "unit": "mg", "denominatorUnit": "dL"},
}
# The first reading of each value, and another one.
READINGS = {
    "quantity": ({"v": "78.50"}, {"v": 80}),
    "sampled": ({"v": 70}, {"v": 71.5}),
    "concept": ({"v": True}, {"v": False}),
    "string": ({"v": "first"}, {"v": "second"}),
    "integer": ({"v": 7}, {"v": "-8"}),
    "boolean": ({"v": True}, {"v": "0"}),
    "datetime": ({"v": "2024-02-01T08:00:00+02:00"}, {"v": "2024-02-02"}),
    "range": ({"low": 60, "high": 100}, {"low": 61, "high": 99.5}),
    "ratio": ({"low": 1, "high": 128}, {"low": 2, "high": 64}),
}
PERIODS = {"single": 0, "hourly": 60, "daily": 1440, "correlation": -1}


def message(time, values, **more):
    return {"device": "watch-1", "at": time, "session": "s-1", **values, **more}


def device_mapping():
    values = [{"valueName": name, "valueExpression": f"$.{name}"} for name in NAMES]
    return {"templateType": "CollectionContent", "template": [{"templateType": "JsonPathContent", "template": {
        "typeName": "reading", "typeMatchExpression": "$..[?(@device)]", "deviceIdExpression": "$.device",
        "timestampExpression": "$.at", "correlationIdExpression": "$.session",
        "encounterIdExpression": "$.visit", "values": values}}]}


def fhir_mapping(template):
    return {"templateType": "CollectionFhir", "template": [{"templateType": "CodeValueFhir", "template": {
        "typeName": "reading", "codes": LOINC, **template}}]}


def simple_cases():
    """Each value in each period: created, merged with a later reading, sent again."""
    for name, value in VALUES.items():
        for period, interval in PERIODS.items():
            one = message("2024-01-31T10:00:10.25Z", READINGS[name][0])
            two = message("2024-01-31T10:01:00Z", READINGS[name][1])
            again = message("2024-01-31T10:00:10.25Z", READINGS[name][1])
            batches = [[one], [two], [two]] + ([[again]] if interval == 0 else [])
            yield f"{name}_{period}", [({"periodInterval": interval, "value": value}, batch) for batch in batches]


def part(name, value_name, **more):
    return {"codes": [{"code": name, "system": "http://example.org/parts"}],
            "value": {"valueName": value_name, **more}}


def merge_cases():
    quantity = {"periodInterval": 60, "value": VALUES["quantity"]}
    samples = {"periodInterval": -1, "value": {**VALUES["sampled"], "defaultPeriod": 5000}}
    first = message("2024-01-31T10:00:00Z", {"v": 1})
    second = message("2024-01-31T10:30:00Z", {"v": 2})

    def at(second_, value):
        return message(f"2024-01-31T10:00:{second_:02}Z", {"v": value})

    yield "merge_samples_worked_example", [(samples, [at(0, 70), at(7, 71), at(9, 72)]), (samples, [at(6, 80), at(20, 81)])]
    yield "merge_samples_earlier", [(samples, [at(20, 2)]), (samples, [at(5, 1)]), (samples, [at(40, 3)])]
    yield "merge_samples_same_time_newer_wins", [(samples, [at(0, 70), at(5, 71)]), (samples, [at(5, 99)])]
    other = {**samples, "value": {**samples["value"], "defaultPeriod": 1000}}
    yield "merge_samples_other_period", [(samples, [at(0, 1)]), (other, [at(5, 2)])]
    yield "merge_other_type", [(quantity, [first]), ({**quantity, "value": VALUES["string"]}, [second])]
    yield "merge_value_was_absent", [(quantity, [message("2024-01-31T10:00:00Z", {"a": 1})]), (quantity, [second])]
    vital = [{"text": "Vital signs", "codes": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category",
                                                "code": "vital-signs"}]}]
    yield "merge_category_added_replaced_removed", [
        (quantity, [first]), ({**quantity, "category": vital}, [second]),
        ({**quantity, "category": [{"text": "Other"}]}, [second]), (quantity, [second])]
    parts = {"periodInterval": 60, "components": [part("A", "a", valueType="Quantity", unit="mmHg"),
                                                  part("B", "b", valueType="SampledData", defaultPeriod=900000)]}
    yield "merge_component_appended", [
        (parts, [message("2024-01-31T10:00:00Z", {"a": 120})]), (parts, [message("2024-01-31T10:20:00Z", {"b": 5})]),
        (parts, [message("2024-01-31T10:40:00Z", {"a": 121, "b": 6})]), (parts, [message("2024-01-31T10:40:00Z", {"a": 121})])]
    no_code = {"periodInterval": 60, "components": [part("A", "a", valueType="Quantity")]}
    yield "merge_component_other_type", [
        (no_code, [message("2024-01-31T10:00:00Z", {"a": 1})]),
        ({"periodInterval": 60, "components": [part("A", "a", valueType="String")]}, [message("2024-01-31T10:01:00Z", {"a": "x"})])]


def other_cases():
    single = {"periodInterval": 0}
    yield "no_value", [({**single, "value": VALUES["quantity"]}, [message("2024-01-31T10:00:00Z", {"a": 1})])]
    yield "encounter", [({**single, "value": VALUES["quantity"]}, [message("2024-01-31T10:00:00Z", {"v": 1}, visit="visit-1")])]
    yield "quantity_two_values", [({"periodInterval": 60, "value": VALUES["quantity"]}, [
        message("2024-01-31T10:00:00Z", {"v": 1}), message("2024-01-31T10:30:00Z", {"v": 2})])]
    texts = ["1,234.50", " 12- ", "+5", ".5", "5.", "1E-05", "NaN", "12x", "1 2", "007"]
    yield "quantity_texts", [({**single, "value": VALUES["quantity"]}, [
        message(f"2024-01-31T10:00:{i:02}Z", {"v": text}) for i, text in enumerate(texts)])]
    yield "sampled_bad_text", [({"periodInterval": 60, "value": VALUES["sampled"]}, [
        message("2024-01-31T10:00:00Z", {"v": 1}), message("2024-01-31T10:01:00Z", {"v": "high"})])]
    yield "sampled_gaps_and_last_of_slot", [({"periodInterval": -1, "value": VALUES["sampled"]}, [
        message("2024-01-31T10:00:00Z", {"v": 1}), message("2024-01-31T10:00:29.999Z", {"v": 2}),
        message("2024-01-31T10:02:00Z", {"v": 3})])]
    yield "same_second", [({**single, "value": VALUES["quantity"]}, [
        message("2024-01-31T10:00:00.1Z", {"v": 1}), message("2024-01-31T10:00:00.2Z", {"v": 2})])]
    yield "same_time_names_united", [({**single, "components": [
        part("A", "a", valueType="Quantity"), part("B", "b", valueType="Quantity")]}, [
            message("2024-01-31T10:00:00Z", {"a": 1}), message("2024-01-31T10:00:00Z", {"a": 9, "b": 2})])]
    yield "beyond_the_original", [({
        **single, "effective": "dateTime", "profile": "http://example.org/StructureDefinition/reading",
        "performer": ["$patient", "Organization/maker"], "bodySite": {"text": "Left wrist"},
        "method": {"codes": [{"code": "m", "system": "http://example.org/methods"}]},
        "value": VALUES["quantity"]}, [message("2024-01-31T10:00:00.5Z", {"v": 1})])]
    converted = {"valueType": "Quantity", "valueName": "v", "unit": "kg", "code": "kg", "system": UCUM,
                 "fromCode": "[lb_av]", "fromCodeName": "unit"}
    yield "units_converted", [({**single, "value": converted}, [
        message("2024-01-31T10:00:00Z", {"v": 150}), message("2024-01-31T10:01:00Z", {"v": 70.5, "unit": "kg"}),
        message("2024-01-31T10:02:00Z", {"v": 70500, "unit": "g"}), message("2024-01-31T10:03:00Z", {"v": 1, "unit": "Cel"})])]
    hours = {"valueType": "Quantity", "valueName": "v", "unit": "h", "code": "h", "system": UCUM, "fromCode": "min"}
    yield "units_converted_without_end", [({**single, "value": hours}, [
        message("2024-01-31T10:00:00Z", {"v": 10}), message("2024-01-31T10:01:00Z", {"v": 45})])]
    yield "samples_converted", [({"periodInterval": -1, "value": {
        "valueType": "SampledData", "valueName": "v", "unit": "Cel", "code": "Cel", "fromCode": "[degF]",
        "defaultPeriod": 1000}}, [message("2024-01-31T10:00:00Z", {"v": 98.6}), message("2024-01-31T10:00:01Z", {"v": 212})])]


class Case:
    def __init__(self, folder, batches):
        self.folder = pathlib.Path(folder)
        self.batches = batches

    def run(self, *arguments, stdin=b""):
        done = subprocess.run([PROGRAM, *map(str, arguments), "--plaintext"], input=stdin, capture_output=True,
                              check=False, timeout=120)
        assert done.returncode in (0, 1), (arguments, done.returncode, done.stderr)
        return done.stdout.decode()

    def write(self, name, value):
        path = self.folder / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    def seed(self):
        lines = [{"resourceType": "Patient", "id": "p1"}, {"resourceType": "Organization", "id": "maker", "name": "M"},
                 {"resourceType": "Device", "id": "dev1", "identifier": [{"value": "watch-1"}],
                  "patient": {"reference": "Patient/p1"}},
                 {"resourceType": "Encounter", "id": "e1", "identifier": [{"value": "visit-1"}], "status": "in-progress",
                  "class": {"code": "HH"}}]
        path = self.write("seed.ndjson", "".join(json.dumps(line) + "\n" for line in lines))
        self.run("init", self.folder / "store")
        self.run("import", self.folder / "store", path, "--json")

    def lines(self):
        """What the batches come to, as the golden file has it."""
        store = self.folder / "store"
        self.seed()
        device = self.write("device.json", device_mapping())
        for number, (template, messages) in enumerate(self.batches):
            fhir = self.write("fhir.json", fhir_mapping(template))
            path = self.write("messages.ndjson", "".join(json.dumps(one) + "\n" for one in messages))
            report = self.run("iot", "ingest", store, device, fhir, path, "--json", "--validation", "full")
            yield f'{{"batch":{number + 1}}}'
            yield from (line for line in report.splitlines() if line.startswith('{"group"'))
            found = self.run("search", store, "Observation?_sort=date,_id", "--ndjson").splitlines()
            for line in found:
                line = re.sub(r'"issued":"[^"]*",', "", line)
                line = re.sub(r',"lastUpdated":"[^"]*"', "", line)
                yield line
        yield self.run("verify", store).split(":")[0]


def check(name, batches):
    path = GOLDEN / f"{name}.ndjson"
    with tempfile.TemporaryDirectory() as folder:
        got = "\n".join(Case(folder, batches).lines()) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(got)
    want = path.read_text() if path.exists() else ""
    return [f"got    {a}\nwanted {b}" for a, b in zip(got.splitlines(), want.splitlines() + [""] * 99) if a != b]


def main():
    tap = Tap()
    names = set()
    for cases in (simple_cases(), merge_cases(), other_cases()):
        for name, batches in cases:
            names.add(name + ".ndjson")
            tap.check(name, check(name, batches))
    kept = {path.name for path in GOLDEN.glob("*.ndjson")}
    tap.check("no golden file is left over", sorted(kept - names))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
