#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run, compile or read every code block of the pages, in order, in TAP.

usage: blocks_test.py SOURCE_DIR BUILD_DIR [PAGE…]

  sh            run; each command must succeed. An `output` block behind it holds what it prints
  console       run: what stands behind "$ "; the other lines are what it prints ("…": anything)
  c             with a main(): compiled and run; else a part of one program of the page, in which
                `store`, `session` and `error` are open, definitions outside of functions
  cpp, python, js   compiled and run; an `output` block behind one holds what it prints
  json          read; resources are validated, device mappings are checked
  meson, cmake  must stand, line by line, in a file of tests/abi
  text, output  no code
A title="…" behind the language names the file that the block is saved as; then nothing else is done with it.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from machine import Machine  # noqa: E402
from pages import blocks, commands, fits  # noqa: E402

# Pages that begin on a machine with nothing but a clone.
BARE = ("docs/tour.md",)
C_FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-unused-function", "-Werror",
           "-D_POSIX_C_SOURCE=200809L", "-Iinclude", "-Iexamples"]
OUTER = re.compile(r'typedef\b|#include\b|static [^=]*\(')
PARTS = """#include <stdlib.h>
#include "store.h"
%s
int main(int argc, char **argv)
{
    fhirstore *store = open_example(argc, argv, "recipes.fhirstore");
    fhirstore_session *session = store == NULL ? NULL : open_operator(store);
    int status = session == NULL%s;
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status;
}
"""
PART = """
static int part_%(number)d(fhirstore *store, fhirstore_session *session)
{
    fhirstore_error *error = NULL;
    printf("\\036%(number)d\\n");
#line %(line)d "%(page)s"
%(text)s
    fflush(stdout);
    return error == NULL ? 0 : failed("%(page)s:%(line)d", error);
}
"""


class Fault(Exception):
    """A block that is not as it says."""


class Skip(Exception):
    """A block that cannot be run here, with the reason."""


def check_output(title, expected, printed):
    if expected is not None:
        fault = fits(expected, printed.splitlines())
        if fault:
            raise Fault(f"{title}: {fault}")


class Page:
    """One page: its blocks, and the machine that they are run on."""

    def __init__(self, tree, build, name, folder):
        self.name = name
        self.blocks = list(blocks((tree / name).read_text(encoding="utf-8")))
        self.machine = Machine(tree, build, folder, name in BARE)
        self.tree, self.build, self.folder = tree, build, folder
        self.mappings = {}
        self.parts = None

    def expected(self, block):
        at = self.blocks.index(block) + 1
        if at < len(self.blocks) and self.blocks[at].language == "output":
            return self.blocks[at].text.splitlines()
        return None

    def check(self, block):
        if block.title:
            path = self.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            if not any(block.title in other.text for other in self.blocks if other is not block):
                raise Fault(f"nothing uses {block.title}")
            if block.language != "json":
                return
        method = getattr(self, "run_" + block.language, None)
        if method is None:
            raise Fault(f"a block of the language {block.language!r}; see the head of tests/docs/blocks_test.py")
        method(block)

    def run_text(self, block):
        if re.search(r'^\$ ', block.text, re.M):
            raise Fault("commands stand in a console block")

    def run_output(self, block):
        at = self.blocks.index(block)
        if at == 0 or self.blocks[at - 1].language in ("text", "output", "console", "json"):
            raise Fault("it is the output of nothing")

    def run_sh(self, block):
        self.refuse_missing_server(block)
        printed, status = self.machine.run(block.text)
        if status != 0:
            raise Fault(f"status {status}:\n{printed}")
        check_output("sh", self.expected(block), printed)

    def run_console(self, block):
        self.refuse_missing_server(block)
        for command, wanted in commands(block.text):
            printed, status = self.machine.run(command)
            if status != 0 and '"severity":"error"' not in "".join(wanted):
                raise Fault(f"$ {command}\nstatus {status}:\n{printed}")
            check_output("$ " + command, wanted, printed)

    def refuse_missing_server(self, block):
        needs = re.search(r'\./dev serve|curl|fhirstore-server', block.text)
        if needs and not (self.build / "examples/server/fhirstore-server").exists():
            raise Skip("the endpoint is not built here")
        if "curl" in block.text and not shutil.which("curl"):
            raise Skip("no curl")

    def tool(self, command, **more):
        run = subprocess.run([str(part) for part in command], cwd=self.folder, env=self.machine.env, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=300, **more)
        if run.returncode != 0:
            raise Fault(f"{command[0]} ends with status {run.returncode}:\n{run.stdout}")
        return run.stdout

    def link(self, compiler, source, flags):
        program = self.folder / ("program_" + source.stem)
        self.tool([compiler, *flags, source, "-o", program, f"-L{self.build}/lib", "-lfhirstore", "-pthread",
                   f"-Wl,-rpath,{self.build}/lib"])
        return program

    def run_c(self, block):
        if "int main(" in block.text:
            source = self.folder / f".bin/block_at_{block.line}.c"
            source.write_text(block.text, encoding="utf-8")
            printed = self.tool([self.link("cc", source, C_FLAGS)])
            check_output("c", self.expected(block), printed)
            return
        if self.parts is None:
            self.run_parts()
        if OUTER.match(block.text):
            return
        if block.line not in self.parts:
            raise Fault("the program of the page did not get as far as this")
        check_output("c", self.expected(block), self.parts[block.line])

    def run_parts(self):
        """All C blocks without a main() as one program; what each prints, by its line."""
        self.parts = {}
        text, calls = "", ""
        for block in self.blocks:
            if block.language != "c" or block.title or "int main(" in block.text:
                continue
            if OUTER.match(block.text):
                text += f'\n#line {block.line + 1} "{self.name}"\n{block.text}'
            else:
                text += PART % {"number": block.line, "line": block.line + 1, "page": self.name,
                                "text": block.text}
                calls += f" || part_{block.line}(store, session)"
        source = self.folder / ".bin/parts.c"
        source.write_text(PARTS % (text, calls), encoding="utf-8")
        printed = self.tool([self.link("cc", source, C_FLAGS)])
        for part in printed.split("\036")[1:]:
            number, _, rest = part.partition("\n")
            self.parts[int(number)] = rest

    def run_cpp(self, block):
        source = self.folder / f".bin/block_at_{block.line}.cpp"
        source.write_text(block.text, encoding="utf-8")
        program = self.link("c++", source, ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-Iinclude",
                                            "-Ibindings/cpp"])
        check_output("cpp", self.expected(block), self.tool([program]))

    def run_python(self, block):
        check_output("python", self.expected(block), self.tool([sys.executable, "-c", block.text]))

    def run_js(self, block):
        fetched = subprocess.run([self.tree / "tools/fetch-client", "koffi"], capture_output=True, text=True,
                                 check=False) if shutil.which("node") else None
        if fetched is None or fetched.returncode != 0:
            raise Skip("koffi or node cannot be had")
        modules = self.folder / "node_modules"
        modules.mkdir(exist_ok=True)
        if not (modules / "fhirstore").exists():
            (modules / "fhirstore").symlink_to(self.tree / "bindings/node")
        script = self.folder / f"block_at_{block.line}.mjs"
        script.write_text(block.text, encoding="utf-8")
        self.machine.env["FHIRSTORE_KOFFI"] = fetched.stdout.strip() + "/any.js"
        check_output("js", self.expected(block), self.tool(["node", script]))

    def run_json(self, block):
        value = json.loads(block.text)
        command = self.build / "cli/fhirstore"
        if isinstance(value, dict) and "resourceType" in value:
            store, body = self.folder / ".bin/plain", self.folder / ".bin/body.json"
            if not store.exists():
                self.tool([command, "init", store, "--plaintext"])
            body.write_text(block.text, encoding="utf-8")
            printed = self.tool([command, "request", store, "POST", value["resourceType"] + "/$validate", "--body",
                                 body, "--plaintext"])
            if not printed.startswith("HTTP/1.1 200") or '"severity":"error"' in printed:
                raise Fault(printed)
        elif isinstance(value, dict) and str(value.get("templateType", "")).startswith("Collection"):
            path = self.folder / f".bin/{value['templateType']}.json"
            path.write_text(block.text, encoding="utf-8")
            self.mappings[value["templateType"]] = path
            if "CollectionContent" in self.mappings:
                self.tool([command, "iot", "check", *self.mappings.values()])
        elif isinstance(value, dict) and "roles" in value and isinstance(value["roles"], dict):
            self.check_policy(command, block)

    def check_policy(self, command, block):
        """A role document is in force for some principal of the store."""
        store, policy, who = (self.folder / ".bin" / name for name in ("plain", "policy.json", "who.json"))
        if not store.exists():
            self.tool([command, "init", store, "--plaintext"])
        policy.write_text(block.text, encoding="utf-8")
        who.write_text('{"roles":[]}')
        self.tool([command, "access", "show", store, "--plaintext", "--as", who, "--policy", policy])

    def stands_in_a_test(self, block):
        texts = [path.read_text() for path in (self.tree / "tests/abi").rglob("*")
                 if path.suffix in (".build", ".txt", ".cmake", ".py")]
        for line in filter(None, map(str.strip, block.text.splitlines())):
            if not any(line in text for text in texts):
                raise Fault(f"no file of tests/abi has the line {line!r}")

    run_meson = run_cmake = stands_in_a_test


def tree_pages(tree):
    names = [path.relative_to(tree) for path in sorted(tree.glob("*.md"))]
    for folder in ("docs", "examples", "bindings", "lib", "tests", "fuzz", "bench", "cli"):
        names += [path.relative_to(tree) for path in sorted((tree / folder).rglob("*.md"))]
    return [str(name) for name in names if "node_modules" not in str(name)]


def main():
    tree, build = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
    number = failed = 0
    for name in sys.argv[3:] or tree_pages(tree):
        with tempfile.TemporaryDirectory(prefix="docs-", dir=pathlib.Path.cwd()) as folder:
            if not list(blocks((tree / name).read_text(encoding="utf-8"))):
                continue
            page = Page(tree, build, name, pathlib.Path(folder))
            try:
                for block in page.blocks:
                    number += 1
                    verdict, more = "ok", ""
                    try:
                        page.check(block)
                    except Skip as reason:
                        more = f" # SKIP {reason}"
                    except (Fault, ValueError, subprocess.TimeoutExpired) as reason:
                        failed += 1
                        verdict = "not ok"
                        print("# " + str(reason).replace("\n", "\n# "))
                    print(f"{verdict} {number} - {name}:{block.line}: {block.language}{more}", flush=True)
            finally:
                page.machine.close()
    print(f"1..{number}")
    return 1 if failed or number == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
