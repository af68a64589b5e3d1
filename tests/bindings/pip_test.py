#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Python's binding as pip installs it from the tree, in TAP; skipped, and said to be, where there is no venv."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TREE = pathlib.Path(__file__).resolve().parents[2] / "bindings" / "python"
PROGRAM = """
import pathlib, sys, fhirstore
assert pathlib.Path(fhirstore.__file__).is_relative_to(sys.prefix), fhirstore.__file__
assert (pathlib.Path(fhirstore.__file__).parent / "py.typed").exists()
with fhirstore.Store("pip.fhirstore", key=bytes(range(32)), create=True) as store:
    with store.session("pip", everything=True) as session:
        made = session.create({"resourceType": "Patient", "active": True})
        assert session.get("Patient", made.id)["active"] is True
        try:
            session.read("Patient", "nobody")
        except fhirstore.NotFound as error:
            assert error.outcome["resourceType"] == "OperationOutcome"
        else:
            raise AssertionError("nobody was found")
"""


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{command[:4]}\n{done.stdout}")


def main():
    with tempfile.TemporaryDirectory(prefix="fhirstore-pip-") as name:
        folder = pathlib.Path(name)
        try:
            run(sys.executable, "-m", "venv", folder / "venv")
        except RuntimeError:
            print("1..0 # SKIP no virtual environment can be made here")
            return 0
        python = folder / "venv" / "bin" / "python"
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        try:
            shutil.copytree(TREE, folder / "tree", ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
            run(python, "-m", "pip", "install", "--disable-pip-version-check", folder / "tree", env=clean)
            run(python, "-c", PROGRAM, cwd=folder, env=clean)
        except RuntimeError as error:
            if "No matching distribution found for setuptools" in str(error):
                print("1..0 # SKIP pip reaches no index for setuptools, which builds it")
                return 0
            print("# " + str(error).replace("\n", "\n# "))
            print("not ok 1 - pip installs the binding, and a program uses it\n1..1")
            return 1
    print("ok 1 - pip installs the binding, and a program uses it\n1..1")
    return 0


if __name__ == "__main__":
    sys.exit(main())
