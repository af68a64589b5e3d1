#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Use the library as strangers do, in TAP: installed, by pkg-config and by CMake, shared and static, and as a
subproject.

usage: outside.py SOURCE_DIR BUILD_DIR
"""
import os
import pathlib
import shlex
import shutil
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


def wholly_there(folder, source, libdir, pkg_config):
    """Everything that is promised lies in its place, and each header needs only what lies beside it."""
    include = pathlib.Path(pkg_config("--variable=includedir")[0]) / "fhirstore"
    promised = {path.name for path in (source / "include/fhirstore").glob("*.h")} | {"fhirstore.hpp"}
    got = {path.name for path in include.iterdir()}
    if got != promised:
        raise Failed(f"the headers differ in {sorted(got ^ promised)}")
    for name in ("libfhirstore.a", "libfhirstore.so", "libfhirstore.so.0", "pkgconfig/fhirstore.pc",
                 "cmake/fhirstore/fhirstore-config.cmake", "cmake/fhirstore/fhirstore-config-version.cmake"):
        if not (libdir / name).exists():
            raise Failed(f"{name} is not installed")
    for header in sorted(got):
        language, compiler = ("c++", "CXX") if header.endswith("pp") else ("c", "CC")
        standard = "-std=c++17" if language == "c++" else "-std=c11"
        command = shlex.split(os.environ.get(compiler, "c++" if language == "c++" else "cc"))
        if shutil.which(command[0]):
            run([*command, standard, "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-x", language,
                 *pkg_config("--cflags"), "-"], input=f"#include <fhirstore/{header}>\ntypedef int not_empty;\n")
    command = folder / "root" / pkg_config("--variable=prefix")[0] / "bin" / "fhirstore"
    if "fhirstore" not in run([command, "--help"]):
        raise Failed("the command does not work where it is installed")


def by_cmake(folder, libdir):
    build = folder / "cmake"
    moved = folder / "moved"
    shutil.copytree(folder / "root", moved, symlinks=True)  # found from where it lies, wherever that is
    there = moved / libdir.relative_to(folder / "root") / "cmake" / "fhirstore"
    run(["cmake", "-S", HERE / "cmake", "-B", build, f"-Dfhirstore_DIR={there}"])
    run(["cmake", "--build", build])
    env = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    for name in ("outside_shared", "outside_static", "outside_cpp"):
        run([build / name, folder / f"{name}.fhirstore"], env=env)
    shared_needs, static_needs = (run(["ldd", build / f"outside_{kind}"], env=env) for kind in ("shared", "static"))
    if str(moved) not in shared_needs or "libfhirstore" in static_needs:
        raise Failed(f"what is linked is not what was asked for\n{shared_needs}{static_needs}")
    run(["cmake", "-S", HERE / "cmake", "-B", folder / "cmake-static", f"-Dfhirstore_DIR={there}",
         "-DBUILD_SHARED_LIBS=OFF"])
    run(["cmake", "--build", folder / "cmake-static", "--target", "outside_cpp"])
    if "libfhirstore" in run(["ldd", folder / "cmake-static" / "outside_cpp"]):
        raise Failed("BUILD_SHARED_LIBS=OFF does not lead to the static library")


def newer_by_cmake(folder, libdir):
    """Who asks for a version that is not there is told so."""
    project = folder / "newer"
    project.mkdir()
    for version, is_there in (("0.1", True), ("", True), ("0.1.0", True), ("0.2", False), ("1.0", False)):
        (project / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.13)\nproject(newer C)\n"
                                                f"find_package(fhirstore {version} QUIET)\n"
                                                "message(STATUS \"found=${fhirstore_FOUND}\")\n")
        shutil.rmtree(project / "build", ignore_errors=True)
        told = run(["cmake", "-S", project, "-B", project / "build",
                    f"-DCMAKE_PREFIX_PATH={libdir.parent}", f"-Dfhirstore_DIR={libdir}/cmake/fhirstore"])
        if ("found=1" in told) != is_there:
            raise Failed(f"version {version or 'any'}: {told}")


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
                 ("what is promised is installed, and each header stands alone",
                  lambda: wholly_there(folder, source, libdir, pkg_config)),
                 ("a project takes the library in as a subproject",
                  lambda: subproject(folder, source))]
        if shutil.which("cmake"):
            steps += [("programs in C and C++ find it by CMake, wherever it was moved to",
                       lambda: by_cmake(folder, libdir)),
                      ("CMake is told which versions go together", lambda: newer_by_cmake(folder, libdir))]
        print(f"1..{len(steps) + (1 if shutil.which('cmake') else 2)}")
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
        if not shutil.which("cmake"):
            print(f"ok {len(steps) + 2} - by CMake # SKIP there is no cmake")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
