#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run a program in a folder of its own that is gone afterwards: in_fresh_folder.py PROGRAM ARGUMENT…"""
import pathlib
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory(dir=pathlib.Path.cwd()) as folder:
    program = str(pathlib.Path(sys.argv[1]).resolve())
    sys.exit(subprocess.run([program, *sys.argv[2:]], cwd=folder, check=False).returncode)
