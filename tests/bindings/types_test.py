#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The types of Node's binding by TypeScript from npm, in TAP; skipped, and said to be, where that cannot be had.

A program that uses all of them compiles as strictly as can be asked for, and what they name is what the module has.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BINDING = HERE.parents[1] / "bindings" / "node"
OPTIONS = {"module": "nodenext", "moduleResolution": "nodenext", "target": "es2022", "lib": ["es2022"], "strict": True,
           "noEmit": True, "noUnusedLocals": True, "noImplicitOverride": True, "noUncheckedIndexedAccess": True,
           "exactOptionalPropertyTypes": False, "skipLibCheck": False, "types": []}


def run(*command, cwd=None):
    done = subprocess.run([str(part) for part in command], cwd=cwd, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout)


def lay_out(folder, packages):
    """A user's folder: the program, and what npm would have put beside it."""
    modules = folder / "node_modules"
    modules.mkdir()
    for each in (packages / "node_modules").iterdir():
        (modules / each.name).symlink_to(each)
    shutil.copytree(BINDING, modules / "fhirstore")
    shutil.copy(HERE / "types.mts", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS, "files": ["types.mts"]}))


def compiles(folder):
    run("node", folder / "node_modules" / "typescript" / "bin" / "tsc", "--noEmit", "-p", folder, cwd=folder)


def is_strict(folder):
    """The compiler does see the binding's types: a program that is wrong does not compile."""
    (folder / "wrong.mts").write_text("import { Store } from 'fhirstore';\nconst n: number = Store.open('s');\nvoid n;\n")
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS, "files": ["wrong.mts"]}))
    try:
        compiles(folder)
    except AssertionError as error:
        assert "wrong.mts(2,7): error TS2322" in str(error), str(error)
        return
    raise AssertionError("it compiled")


def members(text, name):
    """The methods that a class has, in the types or in the module."""
    body = re.search(rf"^export class {name}\b.*?^}}", text, re.M | re.S).group(0)
    found = re.findall(r"^  (?:static )?(?:async\*? )?([a-zA-Z]\w*)(?:\(| *<)", body, re.M)
    return {each for each in found if each not in ("constructor", "get")}


def names_agree(_):
    """Nothing is typed that is not there, nor there without a type."""
    module, types = (BINDING / "index.mjs").read_text(), (BINDING / "index.d.ts").read_text()
    for name in ("Store", "Session", "Search", "Response"):
        there = members(module, name)
        assert members(types, name) == there, (name, members(types, name) ^ there)
    exported = set(re.findall(r"^export (?:class|function) (\w+)", module, re.M)) | {"abi", "functions", "numbers"}
    typed = set(re.findall(r"^export (?:class|function|const) (\w+)", types, re.M))
    assert exported == typed, exported ^ typed


def main():
    fetched = subprocess.run([HERE.parents[1] / "tools" / "fetch-client", "typescript"], capture_output=True, text=True,
                             check=False)
    if fetched.returncode != 0:
        print(f"1..0 # SKIP {(fetched.stderr.strip().splitlines() or ['typescript cannot be fetched'])[-1]}")
        return 0
    failed = 0
    tests = (compiles, is_strict, names_agree)
    with tempfile.TemporaryDirectory(prefix="fhirstore-types-") as name:
        folder = pathlib.Path(name).resolve()
        lay_out(folder, pathlib.Path(fetched.stdout.strip()))
        for number, test in enumerate(tests, 1):
            try:
                test(folder)
                print(f"ok {number} - {test.__name__}")
            except AssertionError as error:
                failed += 1
                print(f"not ok {number} - {test.__name__}\n# " + str(error).replace("\n", "\n# "))
    print(f"1..{len(tests)}")
    return failed > 0


sys.exit(main())
