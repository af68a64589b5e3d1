#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Take the C program out of README.md: readme_program.py README.md OUT.c

It is the one block marked as C that has a main(); README.md is its only source.
"""
import pathlib
import re
import sys

LONGEST = 30


def main():
    text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
    programs = [block for block in re.findall(r"^```c[^\n]*\n(.*?)^```$", text, re.M | re.S)
                if "int main(" in block]
    if len(programs) != 1:
        sys.exit(f"{len(programs)} programs in {sys.argv[1]}, where one was expected")
    if programs[0].count("\n") > LONGEST:
        sys.exit(f"the program has {programs[0].count(chr(10))} lines; {LONGEST} is the end")
    pathlib.Path(sys.argv[2]).write_text(programs[0], encoding="utf-8")


if __name__ == "__main__":
    main()
