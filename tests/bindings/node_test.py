#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Node's binding with koffi from npm, in TAP; skipped, and said to be, where that cannot be had."""
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
fetched = subprocess.run([HERE.parents[1] / "tools" / "fetch-client", "koffi"], capture_output=True, text=True, check=False)
if fetched.returncode != 0:
    print(f"1..0 # SKIP {(fetched.stderr.strip().splitlines() or ['koffi cannot be fetched'])[-1]}")
    sys.exit(0)
environment = {**os.environ, "FHIRSTORE_KOFFI": fetched.stdout.strip() + "/any.js"}
sys.exit(subprocess.run(["node", "--expose-gc", str(HERE / "behaviour.mjs")], env=environment, check=False).returncode)
