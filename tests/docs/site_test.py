#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the site of all documents and look at it, in TAP; skipped, and said to be, without the tools for it.

usage: site_test.py SOURCE_DIR
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

WANTED = ["index.html", "tour.html", "cookbook.html", "examples.html", "errors.html", "search.html", "file-format.html",
          "threat-model.html", "limits.html", "performance.html", "fhirstore.1.html", "reference/index.html",
          "architecture.html"]


def main():
    tree = pathlib.Path(sys.argv[1]).resolve()
    missing = [tool for tool in ("mkdocs", "doxygen", "mandoc") if not shutil.which(tool)]
    if missing:
        print(f"1..0 # SKIP without {', '.join(missing)}")
        return 0
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", tree / "docs/fhirstore.1"], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    faults = [line for line in lint.stdout.splitlines() if "outdated mandoc.db" not in line]
    with tempfile.TemporaryDirectory(dir=pathlib.Path.cwd()) as folder:
        made = subprocess.run([tree / "tools/make-docs", folder], text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        site = pathlib.Path(folder) / "site"
        lost = [name for name in WANTED if not (site / name).is_file()]
        rooms = {path.parent.name for path in (tree / "lib").glob("*/meson.build")}
        lost += [f"rooms/{name}.html" for name in sorted(rooms) if not (site / f"rooms/{name}.html").is_file()]
    checks = [("the manual page is well-formed", not faults, "\n".join(faults)),
              ("all is made, no link leads nowhere, no declaration is undocumented", made.returncode == 0, made.stdout),
              ("each page that is promised is there, one for each room", not lost, ", ".join(lost))]
    print(f"1..{len(checks)}")
    for number, (title, succeeded, why) in enumerate(checks, 1):
        if not succeeded:
            print("".join(f"# {line}\n" for line in why.splitlines()), end="")
        print(f"{'ok' if succeeded else 'not ok'} {number} - {title}")
    return 0 if all(succeeded for _, succeeded, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
