#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""roundtrip.py PROGRAM FOLDER: compare what `PROGRAM --print FOLDER` wrote with the files themselves.

Python's own reader is the judge: members in order, numbers as the text they were written with.
"""
import json
import os
import subprocess
import sys


class Number(str):
    """The text of a number, which equals no string of the same characters."""

    def __eq__(self, other):
        return isinstance(other, Number) and str.__eq__(self, other)

    __hash__ = str.__hash__


def load(text):
    return json.loads(text, parse_float=Number, parse_int=Number, object_pairs_hook=tuple)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: roundtrip.py PROGRAM FOLDER")
    program, folder = sys.argv[1:]
    expected = {os.path.join(where, name)
                for where, _, names in os.walk(folder) for name in names if name.endswith(".json")}
    passed = failed = 0
    with subprocess.Popen([program, "--print", folder], stdout=subprocess.PIPE) as process:
        while path := process.stdout.readline().decode().rstrip("\n"):
            with open(path, "rb") as file:
                original = load(file.read().decode("utf-8"))
            texts = [process.stdout.readline().decode("utf-8") for _ in range(2)]
            expected.discard(path)
            if all(load(text) == original for text in texts):
                passed += 1
            else:
                failed += 1
                print(path, "has changed")
    for path in sorted(expected):
        failed += 1
        print(path, "was not written")
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if failed == 0 and passed > 0 and process.returncode == 0 else 1)


main()
