#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the program of README.md twice in a fresh folder and look at what it says and leaves, in TAP."""
import json
import pathlib
import subprocess
import sys
import tempfile


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    checks = []
    with tempfile.TemporaryDirectory(dir=pathlib.Path.cwd()) as folder:
        for wanted in (1, 2):
            run = subprocess.run([program], cwd=folder, text=True, stdout=subprocess.PIPE,
                                 check=False)
            page = json.loads(run.stdout) if run.returncode == 0 else {}
            names = [entry["resource"]["name"][0]["family"] for entry in page.get("entry", [])]
            checks.append((f"run {wanted} finds the patients of all runs",
                           run.returncode == 0 and names == ["Núñez"] * wanted))
        left = list(pathlib.Path(folder).iterdir())
        checks.append(("the store is one file", [path.name for path in left] == ["clinic.fhirstore"]))
        checks.append(("no byte of it is in the clear",
                       all("Núñez".encode() not in path.read_bytes() for path in left)))
    print(f"1..{len(checks)}")
    for number, (title, succeeded) in enumerate(checks, 1):
        print(f"{'ok' if succeeded else 'not ok'} {number} - {title}")
    return 0 if all(succeeded for _, succeeded in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
