#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""second_reader_test.py PROGRAM KNOWN_STORES: what second_reader.py finds in stores that the library wrote, in TAP."""
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

READER = pathlib.Path(__file__).with_name("second_reader.py")
PROGRAM, KNOWN = sys.argv[1], pathlib.Path(sys.argv[2])


def read(*arguments):
    return subprocess.run([sys.executable, READER, *arguments], capture_output=True, text=True, check=False)


def fhirstore(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make(folder, count=300):
    key, store, lines = folder / "key", folder / "store", folder / "all.ndjson"
    key.write_bytes(bytes(range(32)))
    fhirstore("init", store, "--key-file", key)
    lines.write_text("\n".join(json.dumps({"resourceType": "Patient", "id": f"p{i}", "name": [{"family": f"n{i}"}]})
                               for i in range(count)))
    fhirstore("import", store, lines, "--key-file", key)
    return key, store


def lists_and_opens_every_page(folder):
    key, store = make(folder)
    done = read(store, key, "--database", folder / "plain")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == (store.stat().st_size - 8192) // 4096
    count = sqlite3.connect(folder / "plain").execute("SELECT count(*) FROM resource").fetchone()
    assert count == (300,), count


def refuses_a_wrong_key(folder):
    _, store = make(folder)
    (folder / "other").write_bytes(bytes(32))
    assert "no key slot opens" in read(store, folder / "other").stderr


def finds_an_old_page_put_back(folder):
    key, store = make(folder)
    old = store.read_bytes()
    (folder / "body").write_text('{"resourceType":"Patient","id":"p1"}')
    fhirstore("request", store, "PUT", "Patient/p1", "--body", folder / "body", "--key-file", key)
    new = bytearray(store.read_bytes())
    at = next(i for i in range(8192, len(old), 4096) if old[i:i + 4096] != new[i:i + 4096])
    assert read(store, key).returncode == 0
    new[at:at + 4096] = old[at:at + 4096]
    store.write_bytes(new)
    assert "differs" in read(store, key).stderr


def reads_the_known_store_with_its_log(folder):
    for name in ("format-1.store", "format-1.store-wal"):
        shutil.copy(KNOWN / name, folder / name)
    (folder / "key").write_bytes(bytes(range(32)))
    for credential in (folder / "key", "passphrase:a known passphrase"):
        done = read(folder / "format-1.store", credential, "--database", folder / "plain")
        if "argon2" in done.stderr.lower():
            continue  # a cryptography from before it had Argon2id
        assert done.returncode == 0, done.stderr
        rows = sqlite3.connect(folder / "plain").execute("SELECT count(*) FROM known WHERE text LIKE 'new%'").fetchone()
        assert rows == (10,), rows


def main():
    tests = [lists_and_opens_every_page, refuses_a_wrong_key, finds_an_old_page_put_back,
             reads_the_known_store_with_its_log]
    if subprocess.run([sys.executable, "-c", "import cryptography"], stderr=subprocess.DEVNULL, check=False).returncode:
        print("1..0 # SKIP the package cryptography is not there")
        return
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(pathlib.Path(folder))
                print(f"ok {number} - {test.__name__}")
            except AssertionError as problem:
                print(f"not ok {number} - {test.__name__}\n# {problem}")


main()
