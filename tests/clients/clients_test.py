#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real FHIR clients against the endpoint, in TAP: clients_test.py SERVER COMMAND

Each runs one flow: create, conditional create, search with pages by next, update with If-Match,
patch, transaction, history, a refused request. A client that cannot be fetched is skipped, and said to be.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "endpoint"))

from endpoint import Server  # noqa: E402

SERVER, COMMAND = (str(pathlib.Path(name).resolve()) for name in sys.argv[1:3])


def fetch(name):
    """The folder, or None and why not."""
    run = subprocess.run([HERE.parents[1] / "tools" / "fetch-client", name], capture_output=True, text=True, check=False)
    lines = (run.stdout if run.returncode == 0 else run.stderr).strip().splitlines()
    return (lines[-1], None) if run.returncode == 0 else (None, lines[-1] if lines else "it cannot be fetched")


def node_flow(script):
    return lambda folder, base, _: ["node", str(HERE / script), base, folder]


def python_flow(folder, base, environment):
    environment["PYTHONPATH"] = folder
    return [sys.executable, str(HERE / "fhirpy_flow.py"), base]


def java_flow(folder, base, environment):
    classes = environment["FLOW_FOLDER"]
    subprocess.run(["javac", "-cp", f"{folder}/*", "-d", classes, str(HERE / "hapi" / "Flow.java")], check=True)
    return ["java", "-cp", f"{classes}:{folder}/*", "Flow", base]


FLOWS = [("fhir-kit-client", "npm", node_flow("fhir_kit_client.mjs")),
         ("fhirclient", "npm", node_flow("fhirclient.cjs")),
         ("fhirpy", "fhirpy", python_flow),
         ("HAPI's Java client", "hapi", java_flow)]


def run_flow(number, name, folder, command_of, base):
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "FLOW_FOLDER": scratch}
        run = subprocess.run(command_of(folder, base, environment), env=environment, capture_output=True, text=True,
                             timeout=120, check=False)
    fine = run.returncode == 0 and run.stdout.strip().endswith("flow complete")
    print(f"{'ok' if fine else 'not ok'} {number} - {name}")
    if not fine:
        print("# " + (run.stdout + run.stderr)[-3000:].replace("\n", "\n# "))
    return fine


def main():
    failed = False
    server = Server(SERVER, COMMAND)
    for number, (name, package, command_of) in enumerate(FLOWS, 1):
        folder, reason = fetch(package)
        if folder is None:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        else:
            failed = not run_flow(number, name, folder, command_of, server.base) or failed
    print(f"1..{len(FLOWS)}")
    server.close()
    return 1 if failed else 0


sys.exit(main())
