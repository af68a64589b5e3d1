#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the generator of the measurements promises, in TAP: generate_test.py COMMAND"""
import collections
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from tap import Tap  # noqa: E402

# Per cent of each type in 30 bundles of Synthea.
SHARES = {"Observation": 49.1, "Claim": 11.9, "Encounter": 9.3, "ExplanationOfBenefit": 9.3,
          "Procedure": 5.2, "Immunization": 4.5, "DiagnosticReport": 3.3, "MedicationRequest": 2.6,
          "Condition": 2.2, "CarePlan": 0.7, "Organization": 0.5, "Practitioner": 0.5, "Goal": 0.5,
          "Patient": 0.4}


def generate(count, seed):
    return subprocess.run([sys.argv[1], str(count), str(seed)], check=True, capture_output=True).stdout


def references(value, found):
    """All literal references in a resource."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        children = item.values() if isinstance(item, dict) else item if isinstance(item, list) else []
        if isinstance(item, dict) and isinstance(item.get("reference"), str):
            found.append(item["reference"])
        waiting.extend(children)
    return found


def main():
    tap = Tap()
    text = generate(20000, 7)
    tap.check("the same seed gives the same bytes", [] if text == generate(20000, 7) else ["they differ"])
    tap.check("another seed gives others", ["they are equal"] if text == generate(20000, 8) else [])
    tap.check("a smaller size is the beginning of a larger one",
              [] if text.startswith(generate(1234, 7)) else ["it is not"])
    resources = [json.loads(line) for line in text.decode().splitlines()]
    tap.check("as many as were asked for", [] if len(resources) == 20000 else [len(resources)])
    known, missing = set(), []
    for resource in resources:
        missing += [r for r in references(resource, []) if not r.startswith("#") and r not in known]
        known.add(f"{resource['resourceType']}/{resource['id']}")
    tap.check("every reference is to a resource before it", missing[:5])
    tap.check("no id occurs twice", [] if len(known) == 20000 else [20000 - len(known)])
    counts = collections.Counter(resource["resourceType"] for resource in resources)
    tap.check("the shares of the types are Synthea's",
              [f"{name}: {counts[name] / 200:.2f} % in place of {share}" for name, share in SHARES.items()
               if abs(counts[name] / 200 - share) > 0.15 * share + 0.1])
    return tap.done()


sys.exit(main())
