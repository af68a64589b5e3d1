#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""shred_test.py PROGRAM: the end of a patient, in TAP. What is left is hunted for in every page of the file."""
import json
import pathlib
import subprocess
import sys
import tempfile

READER = pathlib.Path(__file__).with_name("second_reader.py")
PROGRAM = sys.argv[1]

# What must be nowhere afterwards, in any page: ids, names, identifiers, words, old and new.
MARKS = ["anna-1", "Quittenbaum", "Zwetschgenau", "mrn-4711-x", "pollakisuria", "obs-anna", "wasanna", "old-obs",
         "deleted-anna", "nowhere-stored", "binary-of-anna", "YW5uYXMgc2VjcmV0", "only-in-history", "taskofanna"]


def run(*arguments, want=0, stdin=None):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, input=stdin, check=False)
    assert done.returncode == want, (arguments, done.returncode, done.stdout[-300:], done.stderr[-300:])
    return done.stdout if want == 0 else done.stderr


class Store:
    def __init__(self, folder, *options):
        self.folder, self.key, self.path = folder, folder / "key", folder / "store"
        self.key.write_bytes(bytes(range(32)))
        run("init", self.path, "--key-file", self.key, *options)

    def __call__(self, command, *arguments, want=0):
        if command in ("audit", "key"):
            command, arguments = (command, arguments[0]), arguments[1:]
        words = command if isinstance(command, tuple) else (command,)
        return run(*words, self.path, *arguments, "--key-file", self.key, want=want)

    def put(self, resource):
        body = self.folder / "body.json"
        body.write_text(json.dumps(resource))
        name = f"{resource['resourceType']}/{resource['id']}"
        head = self("request", "PUT", name, "--body", body).split("\n", 1)[0]
        assert " 200" in head or " 201" in head, head

    def ask(self, method, url):
        return int(self("request", method, url).split(" ", 2)[1])

    def count(self, query):
        return int(self("search", query, "--count"))

    def expect_sound(self):
        assert "sound" in self("verify")
        assert json.loads(self("audit", "verify"))["sound"]

    def hunt(self, marks, path=None):
        """Which of the marks are in some page, used or free, as text of one or two bytes a character."""
        plain = self.folder / "plain"
        done = subprocess.run([sys.executable, READER, path or self.path, self.key, "--database", plain],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        pages = plain.read_bytes().lower()
        return [mark for mark in marks if mark.lower().encode() in pages or mark.lower().encode("utf-16-le") in pages]


def patient(name, family, **more):
    return {"resourceType": "Patient", "id": name, "name": [{"family": family}], **more}


def observation(name, subject, text):
    return {"resourceType": "Observation", "id": name, "status": "final", "code": {"text": text},
            "subject": {"reference": f"Patient/{subject}"}}


def fill(store):
    store.put(patient("anna-1", "wasanna", address=[{"city": "Zwetschgenau"}]))
    store.put(patient("anna-1", "Quittenbaum", address=[{"city": "Zwetschgenau"}],
                      identifier=[{"system": "urn:x", "value": "mrn-4711-x"}]))
    store.put(patient("berta-2", "Birnbaum"))
    for number in range(30):
        store.put(observation(f"obs-anna-{number}", "anna-1", f"pollakisuria {number}"))
        store.put(observation(f"obs-berta-{number}", "berta-2", f"polydipsia {number}"))
    store.put(observation("old-obs", "anna-1", "only-in-history"))
    store.put({**observation("old-obs", "anna-1", "pollakisuria"),
               "encounter": {"reference": "Encounter/nowhere-stored"}})
    store.put(observation("deleted-anna", "anna-1", "pollakisuria"))
    assert store.ask("DELETE", "Observation/deleted-anna") == 204
    store.put({"resourceType": "Binary", "id": "binary-of-anna", "contentType": "text/plain",
               "securityContext": {"reference": "Patient/anna-1"}, "data": "YW5uYXMgc2VjcmV0"})
    store.put({"resourceType": "Task", "id": "taskofanna", "status": "ready", "intent": "order",
               "for": {"reference": "Patient/anna-1"}, "description": "pollakisuria"})
    assert store.count("Patient?name=quittenbaum") == 1
    assert store.count("Patient?identifier=mrn-4711-x") == 1
    assert store.ask("GET", "Patient/anna-1/$everything") == 200
    assert store.ask("GET", "Patient/anna-1/_history/1") == 200
    store("reindex")
    assert store.count("Observation?_content=pollakisuria") == 31
    assert store.hunt(["Quittenbaum", "pollakisuria", "anna-1"]), "index rows and words are in the pages before"
    assert "anna-1" in store("audit", "list")


def nothing_is_left_in_any_page(folder):
    store = Store(folder, "--patient-keys")
    fill(store)
    report = json.loads(store("shred", "Patient/anna-1", "--json"))
    assert report == {"resources": 35, "versions": 38, "stillNamedBy": [], "tidy": True}, report
    assert store.hunt(MARKS) == [], store.hunt(MARKS)
    assert not (folder / "store-wal").exists() or (folder / "store-wal").stat().st_size == 0
    for url in ("Patient/anna-1", "Patient/anna-1/_history/1", "Observation/obs-anna-3", "Observation/deleted-anna",
                "Binary/binary-of-anna", "Task/taskofanna", "Patient/anna-1/_history"):
        assert store.ask("GET", url) == 404, url
    assert store.count("Observation?_content=pollakisuria") == 0
    assert store.count("Observation?subject=Patient/anna-1") == 0
    assert store.count("Observation?_content=polydipsia") == 30
    assert store.count("Observation?subject=Patient/berta-2") == 30
    journal = store("audit", "list")
    left = [mark for mark in MARKS if mark in journal]
    assert left == [], left
    assert '"action":"shred"' in journal, journal[-500:]
    assert "berta-2" in journal, journal[:500]
    store.expect_sound()
    assert "ERR_NOT_FOUND" in store("shred", "Patient/anna-1", want=1)
    assert store.hunt(MARKS) == [], "asking again leaves no name"
    store.put(patient("anna-1", "Neu"))  # as if nobody had ever had the id
    assert json.loads(store("get", "Patient/anna-1"))["meta"]["versionId"] == "1"
    store.put(observation("obs-anna-3", "anna-1", "new"))
    assert store.count("Observation?subject=Patient/anna-1") == 1
    store.expect_sound()


def what_is_of_others_too_stays_until_the_last(folder):
    store = Store(folder, "--patient-keys")
    store.put(patient("a1", "Aprikose"))
    store.put(patient("b1", "Birne"))
    meeting = {"resourceType": "Appointment", "id": "both", "status": "booked", "description": "Stachelbeere",
               "participant": [{"actor": {"reference": f"Patient/{name}"}, "status": "accepted"}
                               for name in ("a1", "b1")]}
    store.put(meeting)
    store.put(observation("moved", "a1", "Aprikosenkern"))
    store.put(observation("moved", "b1", "Birnenkern"))
    report = json.loads(store("shred", "Patient/a1", "--json"))
    assert report == {"resources": 1, "versions": 2, "stillNamedBy": ["Appointment/both"], "tidy": True}, report
    assert store.ask("GET", "Appointment/both") == 200
    assert json.loads(store("get", "Observation/moved"))["code"]["text"] == "Birnenkern"
    assert store.ask("GET", "Observation/moved/_history/1") == 404
    assert store.hunt(["Aprikose", "Stachelbeere\",\"part"]) == []
    store.expect_sound()
    store.put({**meeting, "status": "fulfilled"})
    report = json.loads(store("shred", "Patient/b1", "--json"))
    assert report["resources"] == 2 and report["stillNamedBy"] == ["Appointment/both"], report
    store.expect_sound()
    report = json.loads(store("shred", "Patient/a1", "--json"))
    assert report == {"resources": 1, "versions": 1, "stillNamedBy": [], "tidy": True}, report
    assert store.hunt(["Stachelbeere", "Birne"]) == []
    store.expect_sound()


def copies_without_keys_show_nothing(folder):
    store = Store(folder, "--patient-keys")
    fill(store)
    copy = folder / "copy"
    store("backup", copy, "--without-patient-keys")
    store("backup", folder / "full")
    bodies = [mark.encode() for mark in ("only-in-history", "YW5uYXMgc2VjcmV0", '"family":"Quittenbaum"')]
    plain = folder / "plain"
    for path, readable in ((copy, False), (folder / "full", True)):
        assert store.hunt([mark.decode() for mark in bodies], path) == [], "bodies are sealed in every page"
        answer = run("request", path, "GET", "Patient/anna-1", "--key-file", store.key)
        assert answer.split(" ", 2)[1] == ("200" if readable else "410"), answer
        assert "sound" in run("verify", path, "--key-file", store.key)
        assert json.loads(run("audit", "verify", path, "--key-file", store.key))["sound"]
    assert "anna-1" not in run("audit", "list", copy, "--key-file", store.key)
    assert plain.stat().st_size > 0


def several_at_once_and_later(folder):
    store = Store(folder, "--patient-keys")
    for name in ("p1", "p2", "p3"):
        store.put(patient(name, f"Familie-{name}"))
    lines = store("shred", "Patient/p1", "Patient/p2", "--json").splitlines()
    assert [json.loads(line)["tidy"] for line in lines] == [False, True]
    assert store.hunt(["Familie-p1", "Familie-p2"]) == []
    assert not json.loads(store("shred", "Patient/p3", "--later", "--json"))["tidy"]
    assert store.ask("GET", "Patient/p3") == 404
    store("reindex")
    assert store.hunt(["Familie-p3"]) == []
    store.expect_sound()


def who_may_not_and_what_cannot(folder):
    store = Store(folder, "--patient-keys")
    store.put(patient("p1", "Familie"))
    principal = folder / "who.json"
    for role, may in (("globalWriter", False), ("globalAdmin", True)):
        principal.write_text(json.dumps({"id": "x", "roles": [role]}))
        told = store("shred", "Patient/p1", "--as", principal, want=0 if may else 1)
        assert may or "ERR_DENIED" in told or "ERR_NO_POLICY" in told, told
        assert store.ask("GET", "Patient/p1") == (404 if may else 200)
    assert "ERR_NOT_FOUND" in store("shred", "Patient/never", want=1)
    store("shred", "Observation/p1", want=2)
    (folder / "other").mkdir()
    without = Store(folder / "other")
    without.put(patient("p1", "Familie"))
    assert "ERR_NOT_SUPPORTED" in without("shred", "Patient/p1", want=1)
    assert without.ask("GET", "Patient/p1") == 200
    assert "ERR_INVALID_ARG" in run("init", folder / "plain", "--plaintext", "--patient-keys", want=1)
    assert not (folder / "plain").exists()


def new_keys_copies_and_migration_keep_bodies(folder):
    store = Store(folder, "--patient-keys")
    fill(store)
    before = store("get", "Observation/obs-anna-7")
    (folder / "new").write_bytes(bytes(range(1, 33)))
    store("key", "renew", "--new-key-file", folder / "new")
    store.key = folder / "new"
    store("reindex")
    store("compact")
    assert store("get", "Observation/obs-anna-7") == before
    store("decrypt")
    assert run("get", store.path, "Observation/obs-anna-7", "--plaintext") == before
    assert before.encode() not in store.path.read_bytes()
    run("encrypt", store.path, "--new-key-file", store.key)
    assert store("get", "Observation/obs-anna-7") == before
    store.expect_sound()
    assert json.loads(store("shred", "Patient/anna-1", "--json"))["resources"] == 35
    assert store.hunt(MARKS) == [], store.hunt(MARKS)
    store.expect_sound()


def main():
    tests = [nothing_is_left_in_any_page, what_is_of_others_too_stays_until_the_last, copies_without_keys_show_nothing,
             several_at_once_and_later, who_may_not_and_what_cannot, new_keys_copies_and_migration_keep_bodies]
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
                import traceback
                where = traceback.extract_tb(problem.__traceback__)[-1].lineno
                print(f"not ok {number} - {test.__name__}\n# line {where}: {str(problem)[:2000]}")


main()
