# SPDX-License-Identifier: Apache-2.0
"""A folder that looks like a fresh clone after ./dev build, and a shell in it that keeps its state."""
import os
import pathlib
import re
import selectors
import shutil
import signal
import socket
import subprocess
import time

# What stands for ./dev: everything is built already, an endpoint listens where the test says, and
# of what takes long it is only looked whether there is such a command.
DEV = """#!/bin/bash
case $1 in
build) exit 0 ;;
serve)
    {tree}/tools/serve {build} --port {port} >serve.out 2>serve.err </dev/null &
    echo $! >>pids
    for i in $(seq 100); do
        [ "$(grep -c curl serve.out)" -ge 3 ] && break
        sleep 0.1
    done
    cat serve.out
    grep -q curl serve.out || {{ cat serve.err; exit 1; }}
    ;;
*)
    {tree}/dev help | grep -q "^  $1\\b" || {{ echo "./dev has no command $1" >&2; exit 2; }}
    for option in "${{@:2}}"; do
        case $option in
        --*) {tree}/dev help | grep -q -e "$option\\b" || {{ echo "./dev $1 has no $option" >&2; exit 2; }} ;;
        esac
    done
    ;;
esac
"""
# Installs what is built below a folder of its own, and configures nothing.
MESON = """#!/bin/bash
case $1 in
setup)
    for word in "$@"; do
        case $word in
        -D*) name=${{word#-D}}; grep -q "option('${{name%%=*}}'" {tree}/meson_options.txt || {{ echo "no option $word" >&2; exit 1; }} ;;
        esac
    done ;;
install) {meson} install -C {build} --no-rebuild --destdir {folder}/root >/dev/null ;;
*) exit 2 ;;
esac
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Machine:
    """One page's folder and shell."""

    def __init__(self, tree, build, folder, bare):
        self.tree, self.build, self.folder = tree, build, folder
        self.port = free_port()
        for entry in tree.iterdir():
            if entry.name != "dev" and not entry.name.startswith((".git", "build")):
                (folder / entry.name).symlink_to(entry)
        if bare:  # where Python looks for the library, as seen from its binding
            (folder / "bindings").unlink()
            shutil.copytree(tree / "bindings", folder / "bindings", ignore=shutil.ignore_patterns("node_modules"))
        (folder / "build").symlink_to(build)
        self.script("dev", DEV)
        (folder / ".bin").mkdir()
        self.script(".bin/meson", MESON)
        self.script(".bin/ninja", "#!/bin/sh\nexit 0\n")
        self.env = self.environment(bare)
        self.shell = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=folder, env=self.env, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      start_new_session=True)
        self.count = 0

    def script(self, name, text):
        path = self.folder / name
        values = {"tree": self.tree, "build": self.build, "folder": self.folder, "port": self.port,
                  "meson": shutil.which("meson")}
        path.write_text(text.format(**values) if "{tree}" in text else text)
        path.chmod(0o755)

    def environment(self, bare):
        plain = {**os.environ, "HOME": str(self.folder), "TMPDIR": str(self.folder), "LC_ALL": "C.UTF-8",
                 "PYTHONDONTWRITEBYTECODE": "1"}
        path = f"{self.folder}/.bin:{os.environ['PATH']}"
        if bare:
            for name in ("LD_LIBRARY_PATH", "PYTHONPATH", "FHIRSTORE_LIBRARY"):
                plain.pop(name, None)
            return {**plain, "PATH": path}
        installed = self.folder / "root/usr/local/lib"
        places = ":".join([str(installed)] + [f"{installed}/{name}" for name in (
            "x86_64-linux-gnu", "aarch64-linux-gnu", "lib64")])
        return {**plain, "PATH": f"{self.build}/cli:{path}", "PYTHONPATH": f"{self.tree}/bindings/python",
                "FHIRSTORE_LIBRARY": str(self.build / "lib/libfhirstore.so.0"),
                "PKG_CONFIG_PATH": places.replace(":", "/pkgconfig:") + "/pkgconfig",
                "PKG_CONFIG_SYSROOT_DIR": str(self.folder / "root"),
                "LIBRARY_PATH": places, "LD_LIBRARY_PATH": places}

    def run(self, text, seconds=120):
        """Run commands in the page's shell: (what they print, the status of one that failed, or 0)."""
        self.count += 1
        script = self.folder / f".bin/block{self.count}"
        script.write_text(text.replace("8080", str(self.port)) + "\n")
        mark = f"end-of-block-{self.count}-"
        self.shell.stdin.write(f"__failed=0; trap '__failed=$?' ERR; . {script} </dev/null; trap - ERR; "
                               f"printf '\\n{mark}%d\\n' $__failed\n")
        self.shell.stdin.flush()
        return self.read_until(mark, seconds)

    def read_until(self, mark, seconds):
        printed = b""
        end = time.monotonic() + seconds
        selector = selectors.DefaultSelector()
        selector.register(self.shell.stdout, selectors.EVENT_READ)
        while not (found := re.search(rb'\n' + mark.encode() + rb'(\d+)\n', printed)):
            if not selector.select(max(0, end - time.monotonic())):
                return printed.decode(errors="replace") + f"\n(still at it after {seconds} s)", 124
            part = os.read(self.shell.stdout.fileno(), 65536)
            if not part:
                return printed.decode(errors="replace") + "\n(the shell ended)", 125
            printed += part
        text = printed[:found.start()].decode(errors="replace").replace(str(self.port), "8080")
        return text, int(found.group(1))

    def close(self):
        pids = self.folder / "pids"
        for pid in map(int, pids.read_text().split()) if pids.exists() else ():
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                continue
            for _ in range(100):
                if not pathlib.Path(f"/proc/{pid}").exists():
                    break
                time.sleep(0.05)
        self.shell.stdin.close()
        self.shell.stdout.close()
        self.shell.wait(30)
