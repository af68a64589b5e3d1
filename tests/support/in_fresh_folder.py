#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run a program in a folder of its own that is gone afterwards: in_fresh_folder.py PROGRAM ARGUMENT…

--refuses PROGRAM …: it must end with status 2 and leave no file behind.
"""
import pathlib
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory(dir=pathlib.Path.cwd()) as folder:
    refuses = sys.argv[1] == "--refuses"
    program, *arguments = sys.argv[2:] if refuses else sys.argv[1:]
    program = str(pathlib.Path(program).resolve())
    status = subprocess.run([program, *arguments], cwd=folder, check=False).returncode
    if refuses:
        left = list(pathlib.Path(folder).iterdir())
        status = 0 if status == 2 and not left else 1
    sys.exit(status)
