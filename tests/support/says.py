#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run a program in a fresh folder and hold what it prints against a file, in TAP.

usage: says.py EXPECTED PROGRAM ARGUMENT…
A "…" in the file stands for anything within a line. Source text of an example has fewer than 100 lines.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

LONGEST = 99


def fits(expected, printed):
    """Whether each line is as it should be; the first that is not."""
    for number, (wanted, line) in enumerate(zip(expected, printed), 1):
        if not re.fullmatch(".*?".join(map(re.escape, wanted.split("…"))), line):
            return f"line {number} is {line!r}, where {wanted!r} was expected"
    if len(expected) != len(printed):
        return f"{len(printed)} lines, where {len(expected)} were expected"
    return None


def main():
    expected = pathlib.Path(sys.argv[1])
    program = pathlib.Path(sys.argv[2]).resolve()
    arguments = [str(pathlib.Path(a).resolve()) if pathlib.Path(a).is_file() else a
                 for a in sys.argv[3:]]
    with tempfile.TemporaryDirectory(dir=pathlib.Path.cwd()) as folder:
        run = subprocess.run([program, *arguments], cwd=folder, text=True, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    fault = fits(expected.read_text(encoding="utf-8").splitlines(), run.stdout.splitlines())
    source = expected.resolve().parent.parent / (expected.stem + ".c")
    lines = source.read_text(encoding="utf-8").count("\n")
    checks = [("ends well and complains of nothing", run.returncode == 0 and run.stderr == "",
               f"status {run.returncode}: {run.stderr}"),
              ("prints what it shall", fault is None, fault),
              (f"has at most {LONGEST} lines", lines <= LONGEST, f"{lines} lines")]
    print(f"1..{len(checks)}")
    for number, (title, succeeded, why) in enumerate(checks, 1):
        if not succeeded:
            print("".join(f"# {line}\n" for line in str(why).splitlines()), end="")
        print(f"{'ok' if succeeded else 'not ok'} {number} - {title}")
    return 0 if all(succeeded for _, succeeded, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
