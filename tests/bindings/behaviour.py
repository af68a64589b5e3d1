#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The behaviour that all bindings share, for Python's, in TAP: behaviour.py

Each file of tests/data/bindings is a list of steps on a new store; what is special to Python (handles in any
order, exceptions in callbacks, garbage collection, wrong types) comes after them.
"""
import gc
import json
import os
import pathlib
import re
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bindings" / "python"))
sys.dont_write_bytecode = True

import fhirstore  # noqa: E402

KEY = bytes(range(32))
number = 0
failed = 0


def report(title, test, *arguments):
    global number, failed
    number += 1
    try:
        test(*arguments)
        print(f"ok {number} - {title}", flush=True)
    except Exception as error:
        failed += 1
        print(f"not ok {number} - {title}\n# {type(error).__name__}: {error}".replace("\n", "\n# ", 1))


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}: {got!r}, wanted {want!r}")


def raises(kind, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


# ---- the shared steps ----

def fill_in(value, kept):
    """"{name}" is what an earlier step kept."""
    return json.loads(re.sub(r"\{(\w+)\}", lambda match: kept.get(match.group(1), match.group(0)), json.dumps(value)))


def perform(session, step):
    do = step["do"]
    if do == "create":
        return session.create(step["resource"], if_none_exist=step.get("ifNoneExist"))
    if do == "update":
        return session.update(step["resource"], if_match=step.get("ifMatch"))
    if do in ("read", "delete"):
        return getattr(session, do)(step["type"], step["id"])
    if do == "vread":
        return session.vread(step["type"], step["id"], step["version"])
    if do == "history":
        return session.history(step["type"], step["id"])
    if do == "search":
        return [resource["id"] for resource in session.search(step["type"], step["query"])]
    if do == "count":
        return session.count(step["type"], step["query"])
    if do == "page":
        return session.page(step["type"], step["query"])
    if do == "patch":
        return session.patch(step["type"], step["id"], step["operations"])
    if do == "transaction":
        return session.transaction(step["entries"])
    if do == "shred":
        return session.shred(step["id"], later=step.get("later", False))
    if do == "repair":
        return session.repair()
    return session.request(step["method"], step["url"], step.get("body"), step.get("headers"))


def check_error(error, want):
    equal(error.http, want["http"], "http")
    if "name" in want:
        equal(error.name, want["name"], "name")
    if "code" in want:
        equal(error.outcome["issue"][0]["code"], want["code"], "issue code")


def check_answer(got, want):
    for name in ("http", "version", "id"):
        if name in want:
            equal(getattr(got, name), want[name], name)
    for name, value in want.get("headers", {}).items():
        equal(got.headers.get(name), value, name)
    if "ids" in want:
        equal(got, want["ids"], "ids")
    if "count" in want:
        equal(got, want["count"], "count")
    if "findings" in want:
        equal(got, want["findings"], "findings")
    body = got.json() if isinstance(got, fhirstore.Response) else got
    for name, value in want.get("json", {}).items():
        equal(body.get(name), value, name)


def run_step(session, step, kept):
    step = fill_in(step, kept)
    want = step["expect"]
    if "error" in want:
        check_error(raises(fhirstore.FhirStoreError, perform, session, step), want["error"])
        return
    got = perform(session, step)
    if "keep" in step:
        kept[step["keep"]] = got.id
    check_answer(got, want)


def run_file(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    steps, patient_keys = document["steps"], document.get("store", {}).get("patientKeys", False)
    with tempfile.TemporaryDirectory() as folder, fhirstore.Store(f"{folder}/s", key=KEY, create=True,
                                                                  patient_keys=patient_keys) as store:
        kept = {}
        with store.session("tester", everything=True) as session:
            for place, step in enumerate(steps, 1):
                report(f"{path.stem} {place}: {step['do']}", run_step, session, step, kept)


# ---- Python's own ----

class Fresh:
    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.store = fhirstore.Store(f"{self.folder.name}/s", key=KEY, create=True)
        self.session = self.store.session("tester", everything=True)
        return self

    def __exit__(self, *_):
        self.store.close()
        self.folder.cleanup()


def any_order():
    with Fresh() as fresh:
        fresh.session.update({"resourceType": "Patient", "id": "a"})
        cursor = fresh.session.search("Patient")
        fresh.store.close()
        fresh.store.close()
        fresh.session.close()
        cursor.close()
        for use in (lambda: fresh.session.read("Patient", "a"), lambda: fresh.store.stats(), lambda: cursor.next_body()):
            equal("closed" in str(raises(ValueError, use)), True)
        equal(list(cursor), [])


def wrong_types():
    with Fresh() as fresh:
        session = fresh.session
        for call in (lambda: session.read(5, "a"), lambda: session.read("Patient", None), lambda: session.create(5),
                     lambda: session.search("Patient", b"x"), lambda: session.request("GET", 5),
                     lambda: fhirstore.Store("x", key="text"), lambda: session.vread("Patient", "a", "1")):
            raises((TypeError, AttributeError, __import__("ctypes").ArgumentError), call)
        raises(fhirstore.FhirStoreError, fhirstore.Store, fresh.folder.name + "/t", key=b"short", create=True)
        raises(fhirstore.FhirStoreError, fhirstore.Store, fresh.folder.name + "/s", key=KEY)  # it is open already
        raises(fhirstore.FhirStoreError, fhirstore.Store, fresh.folder.name + "/none", key=KEY)


def exceptions_in_callbacks():
    class Stop(Exception):
        pass

    def refuse(_):
        raise Stop("no")

    with Fresh() as fresh:
        fresh.session.update({"resourceType": "Patient", "id": "a", "active": True})
        fresh.store.set_authorizer(refuse)
        with fresh.store.session("p") as session:
            raises(Stop, session.read, "Patient", "a")
            raises(Stop, session.search, "Patient")
            raises(Stop, session.request, "GET", "Patient/a")
        fresh.store.set_authorizer(lambda _: "yes")  # neither True nor a Decision
        with fresh.store.session("p") as session:
            raises(fhirstore.Denied, session.read, "Patient", "a")
        fresh.store.set_audit_hook(refuse)
        raises(Stop, fresh.session.update, {"resourceType": "Patient", "id": "a", "active": False})
        fresh.store.set_audit_hook(None)
        equal(fresh.session.get("Patient", "a")["active"], True, "what the hook refused")
        raises(Stop, fresh.session.export, lambda *_: refuse(_))


def access_and_audit():
    asked, told = [], []
    with Fresh() as fresh:
        for id, active in (("a", True), ("b", False)):
            fresh.session.update({"resourceType": "Patient", "id": id, "active": active, "birthDate": "1980-01-01"})

        def decide(request):
            asked.append((request.principal, request.type, request.purpose))
            return fhirstore.Decision(True, within=["active=true"], hide=["birthDate"])

        fresh.store.set_authorizer(decide)
        fresh.store.set_audit_hook(told.append)
        with fresh.store.session("Practitioner/7", purpose="TREAT") as session:
            equal([patient["id"] for patient in session.search("Patient")], ["a"])
            raises(fhirstore.NotFound, session.read, "Patient", "b")
            equal("birthDate" in session.get("Patient", "a"), False)
        equal(("Practitioner/7", "Patient", "TREAT") in asked, True)
        equal([event.patients for event in told if event.id == "a"][-1], ["a"])


def keys_by_callback():
    with tempfile.TemporaryDirectory() as folder:
        asked = []

        def ask(key_id):
            asked.append(key_id)
            return KEY

        with fhirstore.Store(f"{folder}/s", key_callback=ask, key_id="vault/7", create=True) as store:
            store.session(everything=True).create({"resourceType": "Patient"})
        with fhirstore.Store(f"{folder}/s", key_callback=ask) as store:
            equal(store.session(everything=True).count("Patient"), 1)
        equal(set(asked), {"vault/7"})
        raises(KeyError, fhirstore.Store, f"{folder}/s", key_callback=lambda key_id: {}[key_id])


def a_clock_of_ones_own():
    with tempfile.TemporaryDirectory() as folder:
        with fhirstore.Store(f"{folder}/s", key=KEY, create=True, clock=lambda: 1_600_000_000_000_000) as store:
            made = store.session(everything=True).create({"resourceType": "Patient"})
            equal(made.updated_us // 1_000_000, 1_600_000_000)


def collected_under_load():
    with Fresh() as fresh:
        for i in range(50):
            fresh.session.update({"resourceType": "Patient", "id": f"p{i}"})

        def work():
            session = fresh.store.session("t", everything=True)
            for _ in range(100):
                cursor = session.search("Patient")
                next(cursor)
                session.read("Patient", "p1")
                del cursor  # half read
                gc.collect(0)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(fresh.session.count("Patient"), 50)
        equal(fresh.store.verify(), [])


def what_is_damaged_is_mended():
    with tempfile.TemporaryDirectory() as folder:
        with fhirstore.Store(f"{folder}/s", key=KEY, create=True) as store:
            store.session(everything=True).create({"resourceType": "Patient"})
        with open(f"{folder}/s", "r+b") as file:
            file.seek(4096 + 64)  # the second copy of the header
            file.write(bytes(32))
        with fhirstore.Store(f"{folder}/s", key=KEY) as store:
            equal(len(store.verify()) > 0, True, "findings")
            areas = [area for area, _ in store.session(everything=True).repair()]
            equal(("repaired" in areas, "left" in areas), (True, False), areas)
            equal(store.verify(), [])
            reader = store.session("p", claims={"id": "p", "scope": "user/Patient.rs"})
            raises(fhirstore.Denied, reader.repair)
            raises(fhirstore.Denied, reader.shred, "a")
            raises(TypeError, reader.shred, 5)


def all_functions_are_there():
    api = json.loads((ROOT / "bindings" / "c-abi" / "api.json").read_text(encoding="utf-8"))
    for function in api["functions"]:
        equal(callable(getattr(fhirstore.library(), function["name"])), True)
    for group in ("structs", "callbacks"):
        for each in api[group]:
            equal(hasattr(fhirstore.abi, each["name"]), True, each["name"])


def main():
    for path in sorted((ROOT / "tests" / "data" / "bindings").glob("*.json")):
        run_file(path)
    for test in (any_order, wrong_types, exceptions_in_callbacks, access_and_audit, keys_by_callback,
                 a_clock_of_ones_own, collected_under_load, what_is_damaged_is_mended, all_functions_are_there):
        report(test.__name__, test)
    print(f"1..{number}")
    return 1 if failed else 0


os.environ.setdefault("FHIRSTORE_LIBRARY", str(ROOT / "build" / "lib" / "libfhirstore.so.0"))
sys.exit(main())
