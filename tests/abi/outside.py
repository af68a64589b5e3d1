#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Use the library as strangers do, in TAP: installed by pkg-config, shared and static, and as a subproject.

usage: outside.py SOURCE_DIR BUILD_DIR
"""
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
STRICT = ["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror"]


class Failed(Exception):
    """A command that did not succeed; holds what it printed."""


def run(command, **more):
    done = subprocess.run([str(part) for part in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)
    if done.returncode != 0:
        raise Failed(f"$ {shlex.join(str(part) for part in command)}\n{done.stdout}")
    return done.stdout


def install(build, folder):
    """Install into @a folder; return the pkg-config call that finds it there."""
    run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", folder])
    found = list(folder.rglob("fhirstore.pc"))
    if len(found) != 1:
        raise Failed(f"{len(found)} pkg-config files are installed")
    written = run(["pkg-config", "--variable=prefix", found[0]]).strip()
    env = {**os.environ, "PKG_CONFIG_PATH": str(found[0].parent)}
    prefix = str(folder) + written

    def pkg_config(*arguments):
        return shlex.split(run(["pkg-config", f"--define-variable=prefix={prefix}", *arguments,
                                "fhirstore"], env=env))
    return found[0].parent.parent, pkg_config


def shared(folder, libdir, pkg_config):
    program = folder / "shared"
    run([os.environ.get("CC", "cc"), *STRICT, HERE / "subproject/outside.c", "-o", program,
         *pkg_config("--cflags", "--libs")])
    env = {**os.environ, "LD_LIBRARY_PATH": str(libdir)}
    run([program, folder / "shared.fhirstore"], env=env)
    if "libfhirstore.so.0" not in run(["ldd", program], env=env):
        raise Failed("the program does not use the shared library")


def static(folder, libdir, pkg_config):
    program = folder / "static"
    libraries = [libdir / "libfhirstore.a" if part == "-lfhirstore" else part
                 for part in pkg_config("--static", "--libs")]
    run([os.environ.get("CC", "cc"), *STRICT, *pkg_config("--cflags"),
         HERE / "subproject/outside.c", "-o", program, *libraries])
    run([program, folder / "static.fhirstore"])
    if "libfhirstore" in run(["ldd", program]):
        raise Failed("the program needs the shared library")


def subproject(folder, source):
    project = folder / "outside"
    (project / "subprojects").mkdir(parents=True)
    for name in ("meson.build", "outside.c"):
        (project / name).write_text((HERE / "subproject" / name).read_text())
    (project / "subprojects" / "fhirstore").symlink_to(source, target_is_directory=True)
    # Without optimisation: this is about the build, and the library is compiled once more.
    run(["meson", "setup", "--wrap-mode=forcefallback", "-Dbuildtype=plain", project / "build",
         project])
    run(["meson", "test", "-C", project / "build", "outside"])


def main():
    source, build = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
    failed = 0
    with tempfile.TemporaryDirectory(dir=build) as name:
        folder = pathlib.Path(name)
        libdir, pkg_config = None, None
        steps = [("a program finds the installed shared library by pkg-config",
                  lambda: shared(folder, libdir, pkg_config)),
                 ("a program links the installed static library alone",
                  lambda: static(folder, libdir, pkg_config)),
                 ("a project takes the library in as a subproject",
                  lambda: subproject(folder, source))]
        print(f"1..{len(steps) + 1}")
        try:
            libdir, pkg_config = install(build, folder / "root")
            print("ok 1 - the library installs")
        except Failed as reason:
            print("# " + str(reason).replace("\n", "\n# "))
            print("not ok 1 - the library installs")
            return 1
        for number, (title, step) in enumerate(steps, 2):
            try:
                step()
                print(f"ok {number} - {title}", flush=True)
            except Failed as reason:
                failed += 1
                print("# " + str(reason).replace("\n", "\n# "))
                print(f"not ok {number} - {title}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
