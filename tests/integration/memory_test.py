#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The memory of a large import does not grow with it, in TAP: memory_test.py COMMAND [--sanitized]

Short form: files of 30 MB. FHIRSTORE_TEST_LONG=1: 150 MB of NDJSON, a transaction Bundle of 120 MB,
and 120 MB of transaction Bundles in a folder. The bound is the same: 64 MiB beside the page cache.
It holds for one resource of 40 MB as well: imported, again, changed, read, exported.
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
IS_LONG = os.environ.get("FHIRSTORE_TEST_LONG", "") not in ("", "0")
MEGABYTE = 1_000_000
BOUND_MIB = 64
CACHE_MIB = 16
# A transaction keeps something of each entry until its end, but less than this part of its text.
SHARE = 0.4


def observation(number, subject):
    """About 1.2 kB, as a measurement of a vital sign is."""
    return {
        "resourceType": "Observation",
        "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/vitalsigns"]},
        "status": "final",
        "category": [{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "vital-signs", "display": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": f"{8000 + number % 500}-4",
                             "display": "a measurement of something " + "x" * (number % 90)}],
                 "text": "a measurement of something"},
        "subject": {"reference": subject},
        "encounter": {"reference": f"Encounter/{number // 7}"},
        "effectiveDateTime": f"20{number % 24:02}-0{number % 9 + 1}-1{number % 9}T08:10:{number % 60:02}+01:00",
        "issued": "2020-01-01T00:00:00.123+01:00",
        "valueQuantity": {"value": number / 7, "unit": "mm[Hg]",
                          "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
        "note": [{"text": "n" * 300}],
    }


def write_lines(path, size):
    written = 0
    number = 0
    with open(path, "w", encoding="utf-8") as out:
        while written < size:
            written += out.write(json.dumps({**observation(number, f"Patient/{number // 50}"),
                                             "id": f"o{number}"}) + "\n")
            number += 1
    return number


def write_transaction(path, size, first=0):
    """One patient for fifty observations, linked by urn:uuid."""
    written = 0
    number = first
    with open(path, "w", encoding="utf-8") as out:
        written += out.write('{"resourceType":"Bundle","type":"transaction","entry":[\n')
        while written < size:
            urn = f"urn:uuid:{number // 50:032x}"
            if number % 50 == 0:
                entry = {"fullUrl": urn, "resource": {"resourceType": "Patient"},
                         "request": {"method": "POST", "url": "Patient"}}
                written += out.write(("" if number == first else ",") + json.dumps(entry) + "\n")
            entry = {"fullUrl": f"urn:uuid:ffff{number:028x}", "resource": observation(number, urn),
                     "request": {"method": "POST", "url": "Observation"}}
            written += out.write("," + json.dumps(entry) + "\n")
            number += 1
        out.write("]}\n")
    return number


def write_collection(path, size, last):
    """One resource of this size: a Bundle of measurements that is kept as it is."""
    written = 0
    number = 0
    with open(path, "w", encoding="utf-8") as out:
        written += out.write('{"resourceType":"Bundle","id":"large","type":"collection","entry":[\n')
        while written < size:
            entry = {"fullUrl": f"http://example.org/fhir/Observation/{number}",
                     "resource": observation(number, "Patient/1")}
            written += out.write(json.dumps(entry, indent=1) + ",\n")
            number += 1
        out.write(f'{{"fullUrl":"http://example.org/{last}"}}\n]}}\n')


def peak_mib(*arguments):
    """Run the command in a process of its own that tells its children's peak; the peak and stdout."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, check=False)
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        with os.fdopen(write_end, "w") as out:
            json.dump([done.returncode, used, done.stdout.decode(), done.stderr.decode()[-2000:]],
                      out)
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as told:
        code, used, out, err = json.load(told)
    os.waitpid(child, 0)
    assert code == 0, (arguments, code, err)
    return used, out


def main():
    if "--sanitized" in sys.argv:
        print("1..0 # SKIP a sanitizer's memory is not the library's")
        return 0
    lines_size, bundle_size = (150, 120) if IS_LONG else (30, 30)
    failed = 0
    print("1..13")
    with tempfile.TemporaryDirectory(prefix="fhirstore-memory-") as name:
        folder = pathlib.Path(name)
        key = folder / "key"
        key.write_bytes(bytes(range(32)))
        store = folder / "store"
        keyed = ["--key-file", key]
        peak_mib("init", store, *keyed)
        base, _ = peak_mib("stats", store, *keyed)
        print(f"# a command that only opens the store: {base:.0f} MiB")

        def run(number, title, path, expected):
            nonlocal failed
            used, out = peak_mib("import", store, path, "--json", *keyed)
            totals = json.loads(out)
            share = base + CACHE_MIB + 8 + SHARE * totals["bytes"] / MEGABYTE
            bound = min(BOUND_MIB + CACHE_MIB, share)
            fine = used < bound and totals["failed"] == 0 and totals["resources"] >= expected
            failed += not fine
            print(f"# {totals['bytes'] / MEGABYTE:.0f} MB, {totals['resources']} resources: "
                  f"{used:.0f} MiB, at most {bound:.0f} MiB; {totals['seconds']:.1f} s")
            print(f"{'ok' if fine else 'not ok'} {number} - {title}", flush=True)

        path = folder / "lines.ndjson"
        count = write_lines(path, lines_size * MEGABYTE)
        run(1, "NDJSON of any size", path, count)
        path.unlink()
        path = folder / "transaction.json"
        count = write_transaction(path, bundle_size * MEGABYTE)
        run(2, "one transaction of any size", path, count)
        run(3, "the same once more, into a store that is not empty", path, count)
        path.unlink()
        bundles = folder / "bundles"
        bundles.mkdir()
        count = 0
        for index in range(bundle_size):
            count = write_transaction(bundles / f"{index:04}.json", MEGABYTE, -(-count // 50) * 50)
        run(4, "any number of transactions", bundles, count // 2)

        def take(number, title, holds, *arguments):
            """A command and what it may need: the page cache and so many copies of the body."""
            nonlocal failed
            used, out = peak_mib(*arguments, *keyed)
            bound = min(BOUND_MIB + CACHE_MIB, base + CACHE_MIB + 8 + holds * 40)
            failed += used >= bound
            print(f"# {used:.0f} MiB, at most {bound:.0f} MiB")
            print(f"{'ok' if used < bound else 'not ok'} {number} - {title}", flush=True)
            return out

        path = folder / "collection.json"
        write_collection(path, 40 * MEGABYTE, "first")
        text = take(5, "one resource of 40 MB is imported", 0.25, "import", store, path, "--json")
        assert json.loads(text)["resources"] == 1, text
        text = take(6, "the same again", 1.1, "import", store, path, "--json")
        assert json.loads(text)["unchanged"] == 1, text
        write_collection(path, 40 * MEGABYTE, "second")
        text = take(7, "a change of it", 1.1, "import", store, path, "--json")
        assert json.loads(text)["resources"] == 1, text
        text = take(8, "it is read", 1.1, "get", store, "Bundle/large")
        assert "example.org/second" in text[-100:], text[-100:]
        text = take(9, "its first version is read", 1.1, "get", store, "Bundle/large/_history/1")
        assert "example.org/first" in text[-100:], text[-100:]
        take(10, "it is exported", 1.1, "export", store, folder / "export", "--type", "Bundle")

        # What was asked and what is answered are both there as a whole, each about as long as the other.
        path = folder / "request.json"
        write_transaction(path, bundle_size * MEGABYTE)
        used, out = peak_mib("request", store, "POST", "", "--body", path, *keyed)
        bound = base + CACHE_MIB + 8 + 2.8 * bundle_size
        fine = used < bound and out.startswith("HTTP/1.1 200")
        failed += not fine
        print(f"# {bundle_size} MB: {used:.0f} MiB, at most {bound:.0f} MiB")
        print(f"{'ok' if fine else 'not ok'} 11 - a transaction is answered in less than 4 times its text")

        # Content comes as bytes and is kept as base64: both are there for a moment.
        path = folder / "content"
        path.write_bytes(bytes(65 + i * i % 61 % 26 for i in range(1021)) * (64 * MEGABYTE // 1021))
        size = path.stat().st_size / MEGABYTE
        for number, title, copies, arguments in (
                (12, "64 MB of content are stored", 2.5,
                 ("request", store, "PUT", "Binary/content", "--body", path, "-H",
                  "Content-Type: text/plain", "-H", "Prefer: return=minimal")),
                (13, "and read", 1.6,
                 ("request", store, "GET", "Binary/content", "-H", "Accept: text/plain"))):
            used, out = peak_mib(*arguments, *keyed)
            bound = base + CACHE_MIB + 8 + copies * size
            fine = used < bound and out.startswith("HTTP/1.1 20")
            failed += not fine
            print(f"# {size:.0f} MB: {used:.0f} MiB, at most {bound:.0f} MiB")
            print(f"{'ok' if fine else 'not ok'} {number} - {title}", flush=True)
        assert out.encode().endswith(path.read_bytes()[-1000:]) or \
            path.read_bytes()[-1000:] in out.encode(), "the content is another one"
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
