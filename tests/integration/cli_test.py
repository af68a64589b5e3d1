#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command, as a person and a script use it, in TAP: cli_test.py COMMAND"""
import gzip
import base64
import json
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Shop:
    """A folder with a key and, once init() was called, a store."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.key = self.folder / "key"
        self.key.write_bytes(bytes(range(32)))
        self.store = self.folder / "store"

    def run(self, *arguments, stdin=b"", key=True, folder=None):
        command = [PROGRAM, *[str(part) for part in arguments]]
        if key:
            command += ["--key-file", str(self.key)]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=120,
                              cwd=folder)
        assert done.returncode in (0, 1, 2), (command, done.returncode, done.stderr[-3000:])
        return done

    def ok(self, *arguments, **more):
        done = self.run(*arguments, **more)
        assert done.returncode == 0, (arguments, done.returncode, done.stderr)
        return done.stdout

    def refused(self, *arguments, **more):
        """The command fails: 1, nothing on stdout, an OperationOutcome as the last line on stderr."""
        done = self.run(*arguments, **more)
        assert done.returncode == 1, (arguments, done.returncode, done.stdout, done.stderr)
        assert done.stdout == b"", done.stdout
        outcome = json.loads(done.stderr.decode().splitlines()[-1])
        assert outcome["resourceType"] == "OperationOutcome", outcome
        assert outcome["issue"][0]["severity"] in ("error", "fatal"), outcome
        return outcome

    def usage(self, *arguments, **more):
        done = self.run(*arguments, **more)
        assert done.returncode == 2, (arguments, done.returncode, done.stderr)
        assert done.stdout == b"", done.stdout
        assert b"usage" in done.stderr, done.stderr

    def init(self, *arguments):
        self.ok("init", self.store, *arguments)
        return self

    def file(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, (bytes, str)):
            content = json.dumps(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def load(self, *paths, json_totals=True):
        """Import; the totals, and what was said on stderr."""
        done = self.run("import", self.store, *paths, *(["--json"] if json_totals else []))
        assert done.returncode == 0, (done.returncode, done.stderr)
        return json.loads(done.stdout), done.stderr.decode()

    def count(self, query):
        return int(self.ok("search", self.store, query, "--count"))

    def get(self, address):
        return self.ok("get", self.store, address)

    def stats(self):
        return json.loads(self.ok("stats", self.store, "--json"))

    def sound(self):
        assert json.loads(self.ok("verify", self.store, "--json"))["findings"] == 0


def patient(logical_id, **more):
    return {"resourceType": "Patient", "id": logical_id, **more}


def bundle(kind, *entries):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def put(resource):
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url}}


def post(resource, full_url=None):
    entry = {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
    return {"fullUrl": full_url, **entry} if full_url else entry


# ---- the command line ----

@test
def usage_is_told_by_exit_status_2(shop):
    shop.usage(key=False)
    shop.usage("nonsense", key=False)
    shop.usage("init", key=False)
    shop.usage("init", "a", "b")
    shop.usage("get", shop.store)
    shop.usage("import", shop.store)
    shop.usage("init", shop.store, "--nonsense")
    shop.usage("init", shop.store, "--fhir", "R3")
    shop.usage("init", shop.store, "--cache", "0")
    shop.usage("init", shop.store, "--cache", "x")
    shop.usage("init", shop.store, "--validation", "maybe")
    shop.usage("request", shop.store, "GET", "metadata", "--validation", "maybe")
    shop.usage("request", shop.store, "GET", "metadata", "--integrity", "maybe")
    shop.usage("import", shop.store, "x", "--integrity", "on")
    shop.usage("key", "forge", shop.store)
    assert not shop.store.exists()
    shop.init()
    shop.usage("get", shop.store, "Patient")
    shop.usage("get", shop.store, "Patient/1/_history/x")
    shop.usage("search", shop.store, "Patient", "--ids", "--count")
    shop.usage("export", shop.store, shop.folder / "out", "--since", "yesterday")
    assert b"fhirstore" in shop.ok("--version", key=False)
    help_text = shop.ok("--help", key=False).decode()
    for name in ("init", "import", "export", "get", "search", "request", "batch", "index", "stats",
                 "verify", "key list"):
        assert f"fhirstore {name}" in help_text, name


@test
def stores_are_opened_more_or_less_strictly(shop):
    shop.init()
    body = shop.folder / "body.json"
    patient = {"resourceType": "Patient", "id": "p", "contact": [{"gender": "male"}],
               "managingOrganization": {"reference": "Organization/none"}}

    def put(*options):
        body.write_text(json.dumps(patient))
        done = shop.run("request", shop.store, "PUT", "Patient/p", "--body", body, *options)
        return done.stdout.split()[1] if done.stdout else done.stderr

    assert put("--validation", "full") == b"400"
    assert put("--validation", "on", "--integrity", "on") == b"409"
    assert put("--integrity", "off") == b"201"
    patient["contact"][0]["shoe"] = 1
    assert put("--validation", "on") == b"400"
    assert put("--validation", "lenient") == b"200"
    patient["birthDate"] = "never"
    assert put("--validation", "lenient") == b"400"
    assert put("--validation", "off") == b"200"


def code_blocks(text):
    """Title and content of each fenced block; the first one stands before any title."""
    title = ""
    block = None
    for line in text.splitlines():
        if line.startswith("```"):
            if block is not None:
                yield title, "\n".join(block)
            block = [] if block is None else None
        elif block is not None:
            block.append(line)
        elif line.startswith("## "):
            title = line[3:]


@test
def the_page_says_what_help_says(shop):
    page = pathlib.Path(__file__).parents[2] / "docs" / "command.md"
    blocks = dict(code_blocks(page.read_text(encoding="utf-8")))
    help_text = shop.ok("--help", key=False).decode()
    assert help_text.split("\n\n", 1)[1].strip("\n") == blocks.pop("").strip("\n")
    names = {line.split()[1] for line in help_text.splitlines() if line.startswith("  fhirstore ")}
    assert names - {"help"} == set(blocks), (names, set(blocks))
    for name, block in blocks.items():
        told = shop.ok("help", name, key=False).decode()
        told = told.replace("\nfhirstore --help lists the options.\n", "")
        assert told.strip("\n") == block.strip("\n"), (name, told, block)


@test
def init_creates_once(shop):
    assert json.loads(shop.ok("init", shop.store, "--json")) == {
        "created": True, "fhir": "R4", "encrypted": True}
    before = shop.store.read_bytes()
    shop.refused("init", shop.store)
    assert shop.store.read_bytes() == before
    other = shop.folder / "r5"
    assert json.loads(shop.ok("init", other, "--fhir", "R5", "--json"))["fhir"] == "R5"
    assert b"R4B" in shop.ok("init", shop.folder / "r4b", "--fhir", "R4B")
    shop.refused("init", shop.folder / "no" / "folder" / "store")


@test
def keys_are_read_as_bytes_or_digits(shop):
    shop.init()
    raw = shop.key.read_bytes()
    for text in (raw.hex(), raw.hex().upper() + "\n", raw.hex() + "  \r\n"):
        shop.key.write_text(text)
        shop.sound()
    for bad in (raw[:31], raw + b"x", raw.hex()[:-1].encode(), b"", b"g" * 64, b"0" * 5000):
        shop.key.write_bytes(bad)
        shop.refused("stats", shop.store)
    shop.key.write_bytes(bytes(32))
    assert "key" in shop.refused("stats", shop.store)["issue"][0]["diagnostics"]
    shop.key.unlink()
    shop.refused("stats", shop.store)
    shop.refused("stats", shop.store, key=False)
    # A key that looks like packed bytes is still a key.
    shop.key.write_bytes(b"\x1f\x8b\x08" + bytes(29))
    shop.ok("init", shop.folder / "other")
    shop.ok("stats", shop.folder / "other")


@test
def a_passphrase_opens_too(shop):
    phrase = shop.file("phrase", "correct horse\n")
    shop.ok("init", shop.store, "--passphrase-file", phrase, key=False)
    shop.ok("stats", shop.store, "--passphrase-file", phrase, key=False)
    phrase.write_text("correct horse")
    shop.ok("stats", shop.store, "--passphrase-file", phrase, key=False)
    phrase.write_text("correct horse ")
    shop.refused("stats", shop.store, "--passphrase-file", phrase, key=False)
    slots = json.loads(shop.ok("key", "list", shop.store, "--passphrase-file",
                               shop.file("phrase", "correct horse"), "--json", key=False))
    assert slots[0]["type"] == "passphrase" and slots[0]["opened"] is True, slots


@test
def keys_are_added_rotated_and_removed(shop):
    shop.init()
    shop.load(shop.file("a.ndjson", json.dumps(patient("a"))))
    other = shop.file("other", bytes(range(100, 132)))
    secret = shop.file("secret", bytes(range(50, 82)))
    public = shop.ok("key", "public", "--recipient-key-file", secret, key=False).decode().strip()
    assert len(public) == 64, public
    assert b"added slot 2" in shop.ok("key", "add", shop.store, "--recipient", public, "--label", "Dr. X")
    phrase = shop.file("phrase", "correct horse\n")
    added = shop.ok("key", "add", shop.store, "--new-passphrase-file", phrase, "--kdf-ms", "1", "--json")
    assert json.loads(added) == {"added": 3}, added
    rotated = shop.ok("key", "rotate", shop.store, "--new-key-file", other, "--json")
    assert json.loads(rotated) == {"added": 4}, rotated
    shop.refused("stats", shop.store)
    for option, path in (("--key-file", other), ("--recipient-key-file", secret),
                         ("--passphrase-file", phrase)):
        assert json.loads(shop.ok("stats", shop.store, option, path, "--json", key=False))["resources"] == 1
    told = shop.ok("key", "list", shop.store, "--recipient-key-file", secret, key=False).decode()
    assert f'slot 2: x25519, "Dr. X", public key {public}, opened the store' in told, told
    shop.ok("key", "remove", shop.store, "--slot", 3, "--key-file", other, key=False)
    shop.refused("stats", shop.store, "--passphrase-file", phrase, key=False)
    shop.ok("key", "remove", shop.store, "--slot", 2, "--key-file", other, key=False)
    last = shop.refused("key", "remove", shop.store, "--slot", 4, "--key-file", other, key=False)
    assert "last" in last["issue"][0]["diagnostics"], last
    shop.ok("verify", shop.store, "--key-file", other, key=False)
    shop.usage("key", "add", shop.store)
    shop.usage("key", "add", shop.store, "--new-key-file", other, "--recipient", public)
    shop.usage("key", "remove", shop.store)
    shop.usage("key", "list", shop.store, "--slot", 1)
    shop.usage("stats", shop.store, "--recipient-key-file", secret)


@test
def copies_are_sealed_anew(shop):
    shop.init()
    shop.load(shop.file("a.ndjson", "\n".join(json.dumps(patient(f"p{i}")) for i in range(500))))
    other = shop.file("other", bytes(range(100, 132)))
    copy = shop.folder / "copy"
    shop.ok("backup", shop.store, copy)
    shop.refused("backup", shop.store, copy)
    shop.ok("backup", shop.store, "bare", folder=shop.folder)  # a name without a folder is in this one
    shop.ok("verify", shop.folder / "bare")
    assert b"findings\":0" in shop.ok("verify", copy, "--json")
    sealed = shop.folder / "sealed"
    assert json.loads(shop.ok("backup", shop.store, sealed, "--new-key-file", other, "--json")) == {"copied": True}
    shop.refused("stats", sealed)
    assert json.loads(shop.ok("stats", sealed, "--key-file", other, "--json", key=False))["resources"] == 500
    shop.ok("decrypt", sealed, "--key-file", other, key=False)
    assert sealed.read_bytes()[:15] == b"SQLite format 3"
    shop.ok("verify", sealed, "--plaintext", key=False)
    shop.ok("backup", sealed, shop.folder / "plain", "--plaintext", key=False)
    shop.ok("encrypt", sealed, "--new-key-file", shop.key, key=False)
    shop.refused("stats", sealed, "--key-file", other, key=False)
    assert json.loads(shop.ok("stats", sealed, "--json"))["resources"] == 500
    shop.ok("verify", sealed)
    shop.ok("encrypt", sealed, "--new-key-file", other)
    shop.refused("stats", sealed)
    before = shop.store.stat().st_size
    shop.ok("compact", shop.store)
    assert shop.store.stat().st_size <= before
    shop.sound()
    shop.usage("backup", shop.store)
    shop.usage("encrypt", shop.store)
    shop.usage("decrypt", shop.store, "--new-key-file", other)
    assert not list(shop.folder.glob("*.new-*")), list(shop.folder.iterdir())


@test
def a_new_data_key_takes_over(shop):
    shop.init()
    shop.load(shop.file("a.ndjson", "\n".join(json.dumps(patient(f"p{i}")) for i in range(500))))
    other = shop.file("other", bytes(range(100, 132)))
    assert json.loads(shop.ok("key", "renew", shop.store, "--new-key-file", other, "--json")) == {"added": 2}
    shop.refused("stats", shop.store)
    assert json.loads(shop.ok("stats", shop.store, "--key-file", other, "--json", key=False))["resources"] == 500
    shop.ok("verify", shop.store, "--key-file", other, key=False)
    shop.usage("key", "renew", shop.store)


@test
def an_anchor_refuses_an_older_copy(shop):
    shop.init()
    shop.load(shop.file("a.ndjson", json.dumps(patient("a"))))
    older = shop.store.read_bytes()
    shop.load(shop.file("b.ndjson", json.dumps(patient("b"))))
    anchor = shop.file("anchor", shop.ok("anchor", shop.store))
    shop.ok("verify", shop.store, "--anchor", anchor)
    shop.load(shop.file("c.ndjson", json.dumps(patient("c"))))
    shop.ok("verify", shop.store, "--anchor", anchor)
    newer = shop.store.read_bytes()
    shop.store.write_bytes(older)
    told = shop.refused("verify", shop.store, "--anchor", anchor)["issue"][0]["diagnostics"]
    assert "older" in told, told
    shop.sound()
    shop.store.write_bytes(newer)
    shop.refused("verify", shop.store, "--anchor", shop.file("bad", "no anchor"))
    shop.ok("init", shop.folder / "other")
    shop.refused("verify", shop.folder / "other", "--anchor", anchor)


@test
def stores_that_are_none_are_refused(shop):
    shop.refused("stats", shop.store)
    assert not shop.store.exists()
    shop.store.write_text("hello")
    shop.refused("stats", shop.store)
    assert shop.store.read_text() == "hello"
    plain = shop.folder / "plain"
    shop.ok("init", plain, "--plaintext", key=False)
    shop.ok("stats", plain, "--plaintext", key=False)
    assert "unencrypted" in shop.refused("stats", plain)["issue"][0]["diagnostics"]


@test
def a_store_in_use_is_refused(shop):
    shop.init()
    command = [PROGRAM, "batch", str(shop.store), "--key-file", str(shop.key)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdin.write(b'{"method":"GET","url":"Patient/x"}\n')
        holder.stdin.flush()
        holder.stdout.readline()
        outcome = shop.refused("stats", shop.store)
        assert outcome["issue"][0]["code"] == "lock-error" or \
            "process" in outcome["issue"][0]["diagnostics"], outcome
        holder.stdin.close()
        assert holder.wait(timeout=30) == 0
    shop.sound()


# ---- import ----

@test
def transactions_are_executed_with_their_links(shop):
    shop.init()
    path = shop.file("t.json", bundle(
        "transaction",
        post({"resourceType": "Patient", "name": [{"family": "urn:uuid:1"}]}, "urn:uuid:1"),
        post({"resourceType": "Observation", "status": "final", "code": {"text": "x"},
              "subject": {"reference": "urn:uuid:1"}}, "urn:uuid:2")))
    totals, said = shop.load(path)
    assert (totals["resources"], totals["failed"], totals["files"]) == (2, 0, 1), totals
    assert said == "", said
    found = json.loads(shop.ok("search", shop.store, "Patient"))["entry"][0]["resource"]
    assert found["name"][0]["family"] == "urn:uuid:1"
    assert shop.count(f"Observation?subject=Patient/{found['id']}") == 1
    shop.sound()


@test
def every_kind_of_bundle_finds_its_way(shop):
    shop.init()
    folder = shop.folder / "data"
    shop.file("data/batch.json", bundle("batch", put(patient("b1")), put(patient("b2")),
                                        {"request": {"method": "GET", "url": "Patient/ghost"}}))
    for kind in ("collection", "document", "message"):
        stored = bundle(kind, {"fullUrl": "urn:uuid:x", "resource": patient(f"inner-{kind}")})
        if kind == "document":
            stored["identifier"] = {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:y"}
            stored["timestamp"] = "2020-01-01T00:00:00Z"
        shop.file(f"data/{kind}.json", {**stored, "id": kind})
    shop.file("data/searchset.json", bundle(
        "searchset", {"resource": patient("s1"), "search": {"mode": "match"}},
        {"resource": patient("s2")}))
    shop.file("data/history.json", bundle(
        "history",
        {"fullUrl": "http://x/Patient/h1", "resource": patient("h1", active=False),
         "request": {"method": "PUT", "url": "Patient/h1"}, "response": {"status": "200"}},
        {"request": {"method": "DELETE", "url": "Patient/h2"}, "response": {"status": "204"}},
        {"resource": patient("h2"), "request": {"method": "PUT", "url": "Patient/h2"},
         "response": {"status": "201"}},
        {"resource": patient("h1", active=True),
         "request": {"method": "PUT", "url": "Patient/h1"}, "response": {"status": "201"}}))
    shop.file("data/single.json", patient("single"))
    shop.file("data/below/deep/more.ndjson", "\n".join(json.dumps(patient(f"n{i}"))
                                                      for i in range(5)) + "\n")
    shop.file("data/notes.txt", "not for us")
    shop.file("data/.hidden.json", "broken {")
    totals, said = shop.load(folder)
    assert totals["failed"] == 0, said
    ids = shop.ok("search", shop.store, "Patient", "--ids").decode().split()
    assert sorted(ids) == sorted(f"Patient/{name}" for name in [
        "b1", "b2", "s1", "s2", "h1", "single", "n0", "n1", "n2", "n3", "n4"]), ids
    assert json.loads(shop.get("Patient/h1"))["active"] is False
    assert json.loads(shop.get("Patient/h1/_history/1"))["active"] is True
    shop.refused("get", shop.store, "Patient/h2")
    for kind in ("collection", "document", "message"):
        kept = json.loads(shop.get(f"Bundle/{kind}"))
        assert kept["entry"][0]["resource"]["id"] == f"inner-{kind}", kept
    shop.sound()


@test
def a_bad_line_is_named_and_the_rest_goes_in(shop):
    shop.init()
    lines = [json.dumps(patient(f"p{i}")) for i in range(9)]
    lines[4] = '{"resourceType":"Patient","id":"p4","active":"yes"}'
    lines[6] = '{"resourceType":"Patient",'
    lines.insert(3, "   ")
    path = shop.file("lines.ndjson", "\r\n".join(lines))
    totals, said = shop.load(path)
    assert (totals["resources"], totals["failed"]) == (7, 2), totals
    reports = said.splitlines()
    assert len(reports) == 2, reports
    assert reports[0].startswith(f"{path}:6: ") and "Patient.active" in reports[0], reports
    assert reports[1].startswith(f"{path}:8:"), reports
    assert shop.count("Patient") == 7
    shop.sound()


@test
def a_transaction_with_one_bad_entry_stays_out_whole(shop):
    shop.init()
    shop.file("data/a.json", bundle("transaction", put(patient("a1")), put(patient("a2"))))
    bad = shop.file("data/b.json", json.dumps(bundle(
        "transaction", put(patient("b1")), put({**patient("b2"), "gender": 7}), put(patient("b3"))),
        indent=1))
    shop.file("data/c.json", bundle("transaction", put(patient("c1"))))
    shop.file("data/d.json", "{ broken")
    shop.file("data/e.json", patient("e1"))
    totals, said = shop.load(shop.folder / "data")
    assert (totals["resources"], totals["failed"], totals["files"]) == (4, 2, 5), totals
    reports = said.splitlines()
    assert len(reports) == 2, reports
    assert reports[0].startswith(f"{bad}") and "entry 2" in reports[0], reports
    assert "gender" in reports[0], reports
    ids = shop.ok("search", shop.store, "Patient", "--ids").decode().split()
    assert sorted(ids) == ["Patient/a1", "Patient/a2", "Patient/c1", "Patient/e1"], ids
    shop.sound()


@test
def nothing_at_all_going_in_is_a_failure(shop):
    shop.init()
    path = shop.file("bad.json", "{ broken")
    done = shop.run("import", shop.store, path)
    assert done.returncode == 1, done
    assert json.loads(done.stderr.splitlines()[-1])["resourceType"] == "OperationOutcome"
    shop.refused("import", shop.store, shop.folder / "ghost.json")
    shop.ok("import", shop.store, shop.file("empty.ndjson", ""))
    (shop.folder / "nothing").mkdir()
    shop.refused("import", shop.store, shop.folder / "nothing")
    assert shop.stats()["versions"] == 0


@test
def importing_again_changes_nothing(shop):
    shop.init()
    shop.file("data/a.json", bundle("transaction", put(patient("a1")), put(patient("a2"))))
    shop.file("data/b.ndjson", json.dumps(patient("b1", active=True)) + "\n")
    first, _ = shop.load(shop.folder / "data")
    before = shop.stats()
    shop.file("data/b.ndjson", '{"active": true, "id":"b1","resourceType":"Patient"}')
    again, _ = shop.load(shop.folder / "data")
    assert (first["resources"], first["unchanged"]) == (3, 0), first
    assert (again["resources"], again["unchanged"]) == (0, 3), again
    after = shop.stats()
    for name in ("versions", "lastSequence", "indexRows", "types"):
        assert before[name] == after[name], name


@test
def what_a_bundle_deletes_is_counted_as_a_change(shop):
    shop.init()
    a = patient("a", active=True)
    gone = {"request": {"method": "DELETE", "url": "Patient/a"}}
    shop.file("a.ndjson", json.dumps(a) + "\n")
    shop.load(shop.folder / "a.ndjson")
    for kind, entries, counts in (("history", [gone, put(a)], (1, 1)), ("transaction", [gone], (0, 1)),
                                  ("history", [gone], (0, 1)), ("transaction", [put(a)], (1, 0)),
                                  ("transaction", [gone], (1, 0))):
        before = shop.stats()["lastSequence"]
        report, _ = shop.load(shop.file("b.json", bundle(kind, *entries)))
        assert (report["resources"], report["unchanged"], report["failed"]) == (*counts, 0), report
        assert shop.stats()["lastSequence"] == before + counts[0], (kind, entries)


@test
def packed_files_are_unpacked(shop):
    shop.init()
    lines = "".join(json.dumps(patient(f"p{i}")) + "\n" for i in range(2000))
    shop.file("lines.ndjson.gz", gzip.compress(lines.encode()))
    shop.file("one.json.gz", gzip.compress(json.dumps(
        bundle("transaction", put(patient("z")))).encode()))
    totals, said = shop.load(shop.folder / "lines.ndjson.gz", shop.folder / "one.json.gz")
    assert totals["resources"] == 2001, (totals, said)
    packed = gzip.compress(lines.encode())
    shop.file("cut.ndjson.gz", packed[:len(packed) // 2])
    done = shop.run("import", shop.store, shop.folder / "cut.ndjson.gz")
    assert done.returncode == 1, done
    shop.file("cut.json.gz", gzip.compress(json.dumps(patient("y")).encode())[:-9])
    assert shop.run("import", shop.store, shop.folder / "cut.json.gz").returncode == 1
    shop.sound()


@test
def bytes_come_back_as_they_went_in(shop):
    shop.init()
    text = ('{"resourceType":"Observation","id":"o","status":"final","code":{"text":"\\u0041\\/"},'
            '"valueQuantity":{"value":1.10,"unit":"\u00e4"}}')
    shop.load(shop.file("o.json", text))
    body = shop.get("Observation/o").decode()
    assert not body.endswith("\n")
    assert body.endswith(text[text.index('"status"'):]), body
    assert shop.ok("search", shop.store, "Observation", "--ndjson").decode() == body + "\n"


# ---- export ----

@test
def what_is_exported_can_be_imported_again(shop):
    shop.init()
    lines = [json.dumps(patient(f"p{i}", active=i % 2 == 0)) for i in range(300)]
    lines += [json.dumps({"resourceType": "Organization", "id": f"o{i}", "name": f"n{i}"})
              for i in range(30)]
    shop.load(shop.file("all.ndjson", "\n".join(lines)))
    out = shop.folder / "out"
    counts = json.loads(shop.ok("export", shop.store, out, "--json"))
    assert counts == {"resources": 330, "types": {"Patient": 300, "Organization": 30}}, counts
    assert sorted(path.name for path in out.iterdir()) == ["Organization.ndjson", "Patient.ndjson"]
    other = shop.folder / "second"
    shop.ok("init", other)
    shop.ok("import", other, out)
    again = shop.folder / "again"
    shop.ok("export", other, again)
    for name in ("Organization.ndjson", "Patient.ndjson"):
        def plain(path):
            found = []
            for line in path.read_text().splitlines():
                resource = json.loads(line)
                del resource["meta"]
                found.append(resource)
            return sorted(found, key=lambda resource: resource["id"])
        assert plain(out / name) == plain(again / name), name
    only = shop.folder / "only"
    assert b"30 resources" in shop.ok("export", shop.store, only, "--type", "Organization,Group")
    assert [path.name for path in only.iterdir()] == ["Organization.ndjson"]
    shop.refused("export", shop.store, shop.folder / "bad", "--type", "Nonsense")
    late = shop.folder / "late"
    assert b"0 resources" in shop.ok("export", shop.store, late, "--since", "2099-01-01")


# ---- search, request, batch ----

@test
def searches_print_what_is_asked_for(shop):
    shop.init()
    shop.load(shop.file("all.ndjson", "\n".join(
        json.dumps(patient(f"p{i}", gender="male" if i < 3 else "female")) for i in range(7))))
    found = json.loads(shop.ok("search", shop.store, "Patient?gender=male"))
    assert found["type"] == "searchset" and found["total"] == 3
    assert shop.count("Patient?gender=female") == 4
    assert shop.ok("search", shop.store, "Patient?gender=male&_sort=_id", "--ids") == \
        b"Patient/p0\nPatient/p1\nPatient/p2\n"
    assert len(shop.ok("search", shop.store, "Patient", "--ndjson").splitlines()) == 7
    assert json.loads(shop.ok("search", shop.store, "Patient?gender=male", "--explain"))
    done = shop.run("search", shop.store, "Patient", "--count", "--time")
    assert done.stdout == b"7\n" and b" ms" in done.stderr
    for query in ("Patient?foo=1", "Patient?birthdate=x", "Nonsense", "Patient?gender:exact=male"):
        for mode in ((), ("--count",), ("--ids",), ("--ndjson",), ("--explain",)):
            shop.refused("search", shop.store, query, *mode)


@test
def a_request_prints_the_whole_answer(shop):
    shop.init()
    body = shop.file("p.json", patient("a"))

    def request(*arguments):
        text = shop.ok("request", shop.store, *arguments).decode()
        head, _, rest = text.partition("\n\n")
        lines = head.splitlines()
        return lines[0], dict(line.split(": ", 1) for line in lines[1:]), rest

    status, headers, rest = request("PUT", "Patient/a", "--body", body)
    assert status == "HTTP/1.1 201 Created", status
    assert headers["ETag"] == 'W/"1"' and headers["Location"].endswith("/Patient/a/_history/1")
    assert json.loads(rest)["id"] == "a"
    status, headers, rest = request("GET", "Patient/a", "-H", 'If-None-Match: W/"1"')
    assert status == "HTTP/1.1 304 Not Modified" and rest == "", (status, rest)
    status, _, rest = request("PUT", "Patient/a", "--body", body, "-H", 'If-Match: W/"7"')
    assert status == "HTTP/1.1 412 Precondition Failed", status
    assert json.loads(rest)["resourceType"] == "OperationOutcome"
    status, _, rest = request("GET", "Patient/ghost")
    assert status == "HTTP/1.1 404 Not Found", status
    status, headers, rest = request("DELETE", "Patient/a")
    assert status == "HTTP/1.1 204 No Content" and rest == "", (status, rest)
    assert request("GET", "Patient/a")[0] == "HTTP/1.1 410 Gone"
    assert request("GET", "metadata")[0] == "HTTP/1.1 200 OK"
    status, _, rest = request("POST", "$reindex")  # an operation may go without a body
    assert status == "HTTP/1.1 200 OK" and json.loads(rest)["resourceType"] == "Parameters", status
    assert request("GET", "")[0] == "HTTP/1.1 200 OK"
    shop.usage("request", shop.store, "GET")
    shop.usage("request", shop.store, "GET", "Patient/a", "-H", "no colon")
    shop.refused("request", shop.store, "PUT", "Patient/a", "--body", shop.folder / "ghost")


@test
def a_batch_answers_line_by_line(shop):
    shop.init()
    exact = ('{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},'
             '"valueQuantity":{"value":1.10}}')
    value = '{"resourceType":"Patient",  "id":"a", "multipleBirthInteger": 2}'
    lines = [
        json.dumps({"method": "PUT", "url": "Observation/o", "body": exact}),
        '{"method":"PUT","url":"Patient/a","body":' + value + '}',
        '{"method":"GET","url":"Observation/o"}',
        "",
        '{"method":"GET","url":"Patient/a","headers":{"If-None-Match":"W/\\"1\\""}}',
        "not json",
        '{"url":"Patient/a"}',
        '{"method":"GET"}',
        '{"method":"GET","url":"Patient/a","headers":[]}',
        '{"method":"GET","url":""}',
        '{"method":"GET","url":"/"}',
        '{"method":"PUT","url":"Patient/b","body":"{broken"}',
        '{"method":"GET","url":"Observation?_pretty=true"}',
        '{"method":"DELETE","url":"Patient/a","body":null,"headers":null}',
    ]
    out = shop.ok("batch", shop.store, stdin="\n".join(lines).encode()).decode().splitlines()
    answers = [json.loads(line) for line in out]
    assert [answer["status"] for answer in answers] == [
        201, 201, 200, 304, 400, 400, 400, 400, 200, 200, 400, 200, 204], answers
    assert '"value":1.10}}' in out[0] and '"value":1.10}}' in out[2], out
    stored = shop.get("Observation/o").decode()
    assert out[2].endswith(',"body":' + stored + "}"), out[2]
    assert answers[1]["headers"]["ETag"] == 'W/"1"'
    assert "body" not in answers[3] and "body" not in answers[12]
    for index in (4, 5, 6, 7, 10):
        assert answers[index]["body"]["resourceType"] == "OperationOutcome", answers[index]
    assert answers[8]["body"]["type"] == "searchset"
    assert answers[11]["body"]["total"] == 1


@test
def a_large_line_goes_through_a_batch(shop):
    shop.init()
    data = "A" * 3_000_000
    line = json.dumps({"method": "PUT", "url": "Binary/b", "body": {
        "resourceType": "Binary", "id": "b", "contentType": "x/y", "data": data}})
    out = shop.ok("batch", shop.store, stdin=line.encode())
    answer = json.loads(out)
    assert answer["status"] == 201 and answer["body"]["data"] == data


@test
def content_of_any_type_goes_in_and_out(shop):
    shop.init()
    content = bytes(range(256)) * 3
    path = shop.folder / "content"
    path.write_bytes(content)
    out = shop.ok("request", shop.store, "PUT", "Binary/b", "--body", path, "-H",
                  "Content-Type: image/png")
    assert out.startswith(b"HTTP/1.1 201 Created"), out
    out = shop.ok("request", shop.store, "GET", "Binary/b", "-H", "Accept: image/png")
    assert b"Content-Type: image/png\n" in out and out.endswith(b"\n\n" + content), out
    lines = [
        {"method": "GET", "url": "Binary/b", "headers": {"Accept": "image/png"}},
        {"method": "PUT", "url": "Binary/c", "headers": {"Content-Type": "a/b"}, "body64": "AAEC/w=="},
        {"method": "GET", "url": "Binary/c", "headers": {"Accept": "a/b"}},
        {"method": "PUT", "url": "Binary/c", "body64": "A"},
        {"method": "PUT", "url": "Binary/c", "body64": "", "body": "x"},
    ]
    out = shop.ok("batch", shop.store, stdin="\n".join(map(json.dumps, lines)).encode())
    answers = [json.loads(line) for line in out.splitlines()]
    assert [answer["status"] for answer in answers] == [200, 201, 200, 400, 400], answers
    assert base64.b64decode(answers[0]["body64"]) == content and "body" not in answers[0]
    assert answers[2]["body64"] == "AAEC/w==", answers[2]


@test
def what_is_deleted_for_good_is_gone(shop):
    shop.init("--no-history", "Device")
    body = shop.file("p.json", json.dumps(patient("a")))
    shop.ok("request", shop.store, "PUT", "Patient/a", "--body", body)
    assert shop.ok("request", shop.store, "DELETE", "Patient/a?_hardDelete=true").startswith(
        b"HTTP/1.1 204")
    assert shop.ok("request", shop.store, "GET", "Patient/a").startswith(b"HTTP/1.1 404")
    for name in ("one", "two"):
        device = shop.file("d.json", json.dumps({"resourceType": "Device", "id": "d",
                                                 "lotNumber": name}))
        shop.ok("request", shop.store, "PUT", "Device/d", "--body", device)
    out = shop.ok("request", shop.store, "GET", "Device/d/_history").decode()
    assert '"total":1' in out and "two" in out and "one" not in out, out
    shop.refused("stats", shop.store, "--no-history", "Nonsense")


# ---- looking inside ----

@test
def stats_and_verify_tell_about_the_store(shop):
    shop.init()
    shop.load(shop.file("all.ndjson", "\n".join(json.dumps(patient(f"p{i}")) for i in range(7))))
    stats = shop.stats()
    assert stats["encrypted"] is True and stats["resources"] == 7 and stats["types"] == {"Patient": 7}
    assert b"Patient: 7" in shop.ok("stats", shop.store)
    assert b"sound" in shop.ok("verify", shop.store)
    slots = json.loads(shop.ok("key", "list", shop.store, "--json"))
    assert slots[0]["type"] == "raw", slots
    assert bytes(range(32)).hex() not in json.dumps(slots)


@test
def a_principals_rights_are_shown_and_explained(shop):
    shop.init()
    shop.load(shop.file("p.json", json.dumps(patient("A"))), shop.file("q.json", json.dumps(patient("B"))))
    who = shop.file("who.json", json.dumps({"id": "app", "scope": "patient/*.rs user/Device.c", "patient": "A"}))
    shown = json.loads(shop.ok("access", "show", shop.store, "--as", who, "--type", "Patient"))
    grant = shown["types"]["Patient"][0]
    assert shown["decidedBy"] == "policy" and shown["scopes"] == ["patient/*.rs", "user/Device.c"]
    assert "read" in grant["actions"] and "create" not in str(shown["types"])
    assert grant["within"] == [{"search": "_compartment=Patient/A", "rule": "scope patient/*.rs"}]
    everything = json.loads(shop.ok("access", "show", shop.store, "--as", who))
    assert len(everything["types"]) > 100 and everything["types"]["Organization"] == []
    assert "create" in everything["types"]["Device"][0]["actions"]
    for address, visible in (("Patient/A", True), ("Patient/B", False), ("Patient/none", False)):
        told = json.loads(shop.ok("access", "explain", shop.store, "read", address, "--as", who))
        assert told["allowed"] and told["rule"] == "scope patient/*.rs" and told["visible"] == visible
    told = json.loads(shop.ok("access", "explain", shop.store, "delete", "Patient", "--as", who))
    assert not told["allowed"] and told["rule"] == "no scope allows it"
    policy = shop.file("policy.json", json.dumps({"roles": {
        "ward": {"allow": [{"actions": ["*"]}]},
        "no": {"deny": [{"actions": ["create"]}, {"actions": ["delete"], "types": ["Patient"]}]}}}))
    who = shop.file("nurse.json", json.dumps({"id": "n", "roles": ["ward", "no"]}))
    told = json.loads(shop.ok("access", "explain", shop.store, "delete", "Patient", "--as", who, "--policy", policy))
    assert not told["allowed"] and told["rule"] == "role no, deny rule 2"
    told = json.loads(shop.ok("access", "explain", shop.store, "update", "Patient", "--as", who, "--policy", policy))
    assert told["allowed"] and told["rule"] == "role ward, allow rule 1"
    bad = shop.file("bad.json", json.dumps({"scope": "user/Patient.r patient/Patient.sr"}))
    reason = shop.refused("access", "show", shop.store, "--as", bad)
    assert "scope 2" in str(reason), reason
    for scope, told in (("user/Patient.r patient/Patinet.r", "scope 2: it expects a resource type"),
                        ("launch patient/Patient.rs?nmae=x", "scope 2: it expects a search of Patient"),
                        ("user/*.rs?nmae=x", "scope 1: it expects a search of")):
        bad = shop.file("bad.json", json.dumps({"scope": scope}))
        assert told in str(shop.refused("access", "show", shop.store, "--as", bad)), scope
    # Who may change and not read gets no look by a patch that changes nothing.
    nothing = shop.file("nothing.json", "[]")
    for roles, answer in ((["w"], False), (["w", "r"], True)):
        writer = shop.file("writer.json", json.dumps({"id": "w", "roles": roles}))
        policy = shop.file("writers.json", json.dumps({"roles": {
            "w": {"allow": [{"actions": ["update"]}]}, "r": {"allow": [{"actions": ["read"]}]}}}))
        text = shop.ok("request", shop.store, "PATCH", "Patient/A", "-H", "Content-Type: application/json-patch+json",
                       "--body", nothing, "--as", writer, "--policy", policy)
        text = text.decode()
        assert " 200 " in text.splitlines()[0] and ('"Patient"' in text) == answer, text
    # A policy cut to nothing is not the one that comes with the library.
    reason = shop.refused("access", "show", shop.store, "--as", who, "--policy", shop.file("empty.json", ""))
    assert "line 1, column 1" in str(reason), reason
    shop.usage("access", "grant", shop.store)
    shop.usage("access", "explain", shop.store, "fly")
    shop.refused("access", "explain", shop.store, "read", "Nothing/1", "--as", who)


@test
def the_journal_is_listed_verified_anchored_and_cut(shop):
    shop.init()
    shop.load(shop.file("p.json", json.dumps(patient("A"))))
    shop.ok("get", shop.store, "Patient/A")
    records = [json.loads(line) for line in shop.ok("audit", "list", shop.store, "--json").splitlines()]
    assert [r["record"] for r in records] == list(range(1, len(records) + 1)), records
    read = [r for r in records if r["action"] == "read"]
    assert len(read) == 1 and read[0]["patients"] == ["A"] and read[0]["principal"] == "local-operator", read
    report = json.loads(shop.ok("audit", "verify", shop.store))
    assert report["sound"] is True and report["faults"] == []
    anchor = shop.file("anchor", shop.ok("audit", "anchor", shop.store).decode())
    shop.ok("get", shop.store, "Patient/A")
    shop.ok("audit", "verify", shop.store, "--anchor", anchor)
    shop.ok("audit", "retain", shop.store, "--before", "2000")
    shop.ok("audit", "retain", shop.store, "--before", "2100-01-01T00:00:00Z")
    left = [json.loads(line) for line in shop.ok("audit", "list", shop.store).splitlines()]
    assert left[0]["record"] > len(records) and left[0]["query"] == "retain", left
    assert json.loads(shop.ok("audit", "verify", shop.store))["sound"] is True
    shop.usage("audit", "retain", shop.store)
    shop.usage("audit", "retain", shop.store, "--before", "soon")
    shop.usage("audit", "list", shop.store, "--before", "2000")
    shop.usage("audit", "list", shop.store, "--journal", "maybe")
    shop.usage("audit", "list", shop.store, "--audit", "maybe")
    shop.ok("get", shop.store, "Patient/A", "--journal", "strict", "--audit", "best-effort")
    shop.refused("audit", "list", shop.store, "--journal", "off")
    assert json.loads(shop.ok("audit", "verify", shop.store, "--anchor", anchor))["anchorIsOlder"] is True
    wrong = shop.file("wrong", "%d:%s" % (left[0]["record"], 64 * "0"))
    told = shop.run("audit", "verify", shop.store, "--anchor", wrong)
    assert told.returncode == 1 and b"TAMPERED" in told.stderr and json.loads(told.stdout)["sound"] is False


@test
def a_damaged_store_is_told_by_verify(shop):
    shop.init()
    shop.load(shop.file("all.ndjson", "\n".join(json.dumps(patient(f"p{i}")) for i in range(2000))))
    damaged = bytearray(shop.store.read_bytes())
    damaged[len(damaged) // 2] ^= 4
    shop.store.write_bytes(damaged)
    done = shop.run("verify", shop.store)
    assert done.returncode == 1, done
    assert json.loads(done.stderr.splitlines()[-1])["resourceType"] == "OperationOutcome"


@test
def index_rows_are_shown_without_a_store(shop):
    path = shop.file("p.json", patient("a", birthDate="2000-01-01", active=True))
    rows = [json.loads(line) for line in shop.ok("index", path, key=False).splitlines()]
    params = {row["param"]: row["values"] for row in rows}
    assert params["active"] == ["|true"] or "true" in json.dumps(params["active"]), params
    assert all(row["resource"] == "Patient/a" for row in rows), rows
    lines = shop.file("p.ndjson", json.dumps(patient("a")) + "\n\n" + json.dumps(patient("b")))
    shop.ok("index", lines, key=False)
    shop.refused("index", shop.file("bad.json", "{"), key=False)
    shop.refused("index", shop.folder / "ghost", key=False)


@test
def expressions_of_mappings_are_tried(shop):
    message = shop.file("message.json", '{"Body":{"d":"x","list":[{"hr":78.50},{"hr":80}]}}')

    def found(option, expression, file=message):
        return shop.run("iot", "eval", option, expression, file, key=False)

    run = found("--jsonpath", "$..[?(@.hr)].hr")
    assert (run.returncode, run.stdout) == (0, b"[78.50,80]\n"), run
    assert found("--jmespath", "multiply(Body.list[1].hr, `2`)").stdout == b"[160]\n"
    assert shop.run("iot", "eval", "--jsonpath", "$", "-", stdin=b"[1]", key=False).stdout == b"[[1]]\n"
    bad = found("--jmespath", "[nope(@), add(@)]")
    issues = json.loads(bad.stderr)["issue"]
    assert bad.returncode == 1 and len(issues) == 2 and "offset 1" in issues[0]["diagnostics"], bad
    assert b"negative" in found("--jsonpath", "$.Body.list[-1]").stderr
    assert found("--jsonpath", "$", shop.file("broken.json", "{")).returncode == 1
    for arguments in [["eval", message], ["eval", "--jsonpath", "$"], ["eval", "--jsonpath", "$", "--jmespath", "a", message]]:
        assert shop.run("iot", *arguments, key=False).returncode == 2, arguments


@test
def mappings_are_checked_and_tried(shop):
    device, fhir, messages = devices(shop)
    fine = shop.run("iot", "check", device, fhir, key=False)
    assert fine.returncode == 0 and b"no fault was found" in fine.stdout, fine
    report = shop.run("iot", "check", device, fhir, "--messages", messages, key=False)
    assert report.returncode == 1, report
    lines = report.stdout.decode().splitlines()
    assert any("message 2" in line and '"hr"' in line and '"HR"' in line for line in lines), lines
    assert any(line.startswith("error, message 3") and "[v]" in line for line in lines), lines
    told = [json.loads(line) for line in
            shop.run("iot", "check", device, fhir, "--messages", messages, "--json", key=False).stdout.splitlines()]
    assert [one["kind"] for one in told] == ["NoMeasurement", "NoMeasurement", "IncompatibleData"], told
    assert told[2]["message"] == 2 and told[2]["template"] == 0 and told[2]["line"] == 2, told
    broken = shop.file("broken.json", '{"templateType":"CollectionContent",\n"template":[{}]}')
    report = shop.run("iot", "check", broken, key=False)
    assert report.returncode == 1 and b"line 2 column 13" in report.stdout, report
    done = shop.run("iot", "normalise", device, messages, key=False)
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 1, done
    assert json.loads(done.stdout)["properties"] == [{"name": "v", "value": "71"}]
    assert b"message 2: no template matches" in done.stderr and b"[IncompatibleData]" in done.stderr, done
    done = shop.run("iot", "normalise", device, messages, "--json", key=False)
    told = [(one["message"], one["kind"]) for one in map(json.loads, done.stderr.splitlines())]
    assert told == [(1, "NoMeasurement"), (1, "NoMeasurement"), (2, "IncompatibleData")], done


@test
def messages_go_into_a_store_and_come_out_as_rows(shop):
    shop.init()
    device, fhir, messages = devices(shop)
    good = shop.file("good.ndjson", messages.read_text().splitlines()[0])
    done = shop.run("iot", "ingest", shop.store, device, fhir, good)
    assert done.returncode == 1 and b"[FhirResourceNotFound(Device)]" in done.stderr, done
    text = shop.ok("iot", "ingest", shop.store, device, fhir, good, "--identity", "Create")
    assert text == (b"1 message (0 without a match, 0 with a fault), 1 measurement: 1 Observation created, 0 updated, "
                    b"0 unchanged, 0 not stored\n"), text
    group, total = map(json.loads, shop.ok("iot", "ingest", shop.store, device, fhir, good, "--json").splitlines())
    assert group["group"] == "unchanged" and total["unchanged"] == 1, (group, total)
    told = list(map(json.loads, shop.run("iot", "ingest", shop.store, device, fhir, messages, "--json").stdout.splitlines()))
    assert told[0]["message"] == 2 and told[0]["kind"] == "IncompatibleData", told
    assert told[-1]["messages"] == 3 and told[-1]["dropped"] == 1 and told[-1]["faults"] == 1, told
    patient = shop.ok("search", shop.store, "Patient", "--ids").decode().strip()
    rows = shop.ok("iot", "samples", shop.store, "--patient", patient, "--code", "8867-4", "--csv").decode()
    assert rows.startswith("time,value,unit,code,reference\r\n2024-03-01T12:00:00.0000000Z,71,/min,8867-4,"), rows
    none = shop.ok("iot", "samples", shop.store, "--patient", patient, "--code", "8867-4", "--from", "2024-03-02")
    assert none == b"", none
    shop.usage("iot", "samples", shop.store, "--patient", patient)
    shop.usage("iot", "samples", shop.store, "--patient", patient, "--code", "x", "--from", "yesterday")
    shop.usage("iot", "ingest", shop.store, device, fhir, good, "--identity", "guess")
    shop.usage("iot", "ingest", shop.store, device, fhir)
    shop.usage("iot", "toast", shop.store)


def devices(shop):
    device = shop.file("device.json", json.dumps({"templateType": "CollectionContent", "template": [
        {"templateType": "JsonPathContent", "template": {
            "typeName": "hr", "typeMatchExpression": "$..[?(@hr)]", "deviceIdExpression": "$.d",
            "timestampExpression": "$.t", "patientIdExpression": "$.p",
            "values": [{"valueName": "v", "valueExpression": "$.hr", "required": True}]}}]}).replace(
                '"template": [', '"template": [\n', 1))
    fhir = shop.file("fhir.json", "// comments are fine\n" + json.dumps({
        "templateType": "CollectionFhir", "template": [{"templateType": "CodeValueFhir", "template": {
            "typeName": "hr", "codes": [{"code": "8867-4", "system": "http://loinc.org"}],
            "value": {"valueType": "Quantity", "valueName": "v", "unit": "/min"}}}]}))
    messages = shop.file("messages.ndjson", "\n".join([
        '{"hr":71,"d":"watch","t":"2024-03-01T12:00:00Z","p":"wearer"}',
        '{"HR":71,"d":"watch","t":"2024-03-01T12:00:00Z"}',
        '{"hr":null,"d":"watch","t":"2024-03-01T12:00:00Z"}']))
    return device, fhir, messages


@test
def names_do_not_stand_in_the_file(shop):
    shop.init()
    shop.load(shop.file("p.ndjson", "\n".join(json.dumps(
        patient(f"p{i}", name=[{"family": "Quetzalcoatl"}])) for i in range(100))))
    assert shop.count("Patient?name=quetz") == 100
    for path in shop.folder.iterdir():
        if path.name.startswith("store"):
            assert b"uetzal" not in path.read_bytes(), path


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, function in enumerate(TESTS, 1):
        title = function.__name__.replace("_", " ")
        with tempfile.TemporaryDirectory(prefix="fhirstore-cli-") as folder:
            try:
                function(Shop(folder))
                print(f"ok {number} - {title}", flush=True)
            except Exception as reason:  # every failure becomes a line; none ends the others
                failed += 1
                text = f"{type(reason).__name__}: {reason}"
                line = reason.__traceback__
                places = []
                while line is not None:
                    places.append(str(line.tb_lineno))
                    line = line.tb_next
                print(f"# lines {' '.join(places)}: " + text[:3000].replace("\n", "\n# "))
                print(f"not ok {number} - {title}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
