#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile and mistaken searches get an answer that names the parameter and what was expected.

usage: bad_input_test.py COMMAND

One TAP test a group of bad_input.json, and some for what is too large to write down.
"""
import json
import pathlib
import sys

from store import BASE, Store

TABLE = json.loads((pathlib.Path(__file__).parent / "bad_input.json").read_text())


def ask(store, url, handling):
    return store.get(url, Prefer="handling=" + handling)


def outcome_texts(response):
    """What the outcome entries of a Bundle say."""
    entries = response.body.get("entry", ()) if response.status == 200 else ()
    return " ".join(issue.get("diagnostics", "") for entry in entries
                    if entry["search"]["mode"] == "outcome"
                    for issue in entry["resource"]["issue"])


def refusal_fault(response, name, words):
    """What is wrong with a refusal, or None."""
    if not 400 <= response.status < 500:
        return f"status {response.status}"
    if response.body.get("resourceType") != "OperationOutcome":
        return "no OperationOutcome"
    text = response.diagnostics()
    if name not in text or words not in text:
        return f"it says: {text}"
    return None


def row_fault(store, row, is_dropped):
    url, name, words = row
    fault = refusal_fault(ask(store, url, "strict"), name, words)
    if fault is not None:
        return f"strict: {fault}"
    lenient = ask(store, url, "lenient")
    if not is_dropped:
        fault = refusal_fault(lenient, name, words)
    elif lenient.status != 200:
        fault = f"status {lenient.status}"
    elif name not in outcome_texts(lenient):
        fault = f"the Bundle says: {outcome_texts(lenient)!r}"
    elif url.partition("?")[2] in lenient.body["link"][0]["url"]:
        fault = "the self link still has it"
    return fault and f"lenient: {fault}"


# ---- too large to write down ----

def large_searches():
    """(title, url, may it be answered)"""
    yield "10,000 alternatives", "Patient?name=" + ",".join("a" * 3 for _ in range(10_000)), False
    yield "4,000 alternatives", "Patient?gender=" + ",".join("male" for _ in range(4_000)), True
    yield "a chain 2,000 deep", "Observation?subject:Patient." + "link:Patient." * 2_000 + "name=x", False
    yield "_has 2,000 deep", "Patient?" + "_has:Patient:link:" * 2_000 + "name=x", False
    yield "an untyped chain that fans out", "Provenance?" + "target." * 8 + "_id=x", False
    yield "300 parameters", "Patient?" + "&".join("gender=male" for _ in range(300)), False
    yield "200 parameters", "Patient?" + "&".join("gender=male" for _ in range(200)), True
    yield "a value of 100,000 letters", "Patient?name=" + "x" * 100_000, False
    yield "a value of 60,000 letters", "Patient?name=" + "x" * 60_000, True
    yield "a name of 60,000 letters", "Patient?" + "x" * 60_000 + "=1", False
    yield "9 sort keys", "Patient?_sort=" + ",".join(
        ["name", "family", "given", "gender", "birthdate", "phone", "email", "active", "_id"]), False
    yield "20,000 digits", "RiskAssessment?probability=" + "9" * 20_000, False
    yield "20,000 backslashes", "Patient?name=" + "%5C" * 20_000, True
    yield "20,000 components", "Observation?code-value-quantity=a" + "$5" * 20_000, False
    yield "20,000 bars", "Patient?identifier=" + "|" * 20_000, True
    yield "30,000 ampersands", "Patient?" + "&" * 30_000, True


def check_large(store):
    faults = []
    for title, url, may_answer in large_searches():
        for handling in ("strict", "lenient"):
            response = ask(store, url, handling)
            fine = response.status == 200 if may_answer else 400 <= response.status < 500
            if handling == "lenient" and title.startswith("a name"):
                fine = response.status == 200  # unknown, so it is dropped
            if not fine:
                faults.append(f"{title}, {handling}: status {response.status} {response.diagnostics()[:200]}")
            if len(response.diagnostics()) > 1000:
                faults.append(f"{title}: a message of {len(response.diagnostics())} bytes")
    return faults


# ---- page links ----

def next_query(store, url):
    response = ask(store, url, "strict")
    link = next(l["url"] for l in response.body["link"] if l["relation"] == "next")
    return link.removeprefix(BASE + "/")


def check_pages(store):
    """A token that was bent, cut, or belongs to another search is refused by name."""
    faults = []
    for number in range(8):
        store.request("PUT", f"Patient/p{number}",
                      json.dumps({"resourceType": "Patient", "id": f"p{number}", "gender": "male"}))
    url = next_query(store, "Patient?gender=male&_sort=-_lastUpdated&_count=3")
    if ask(store, url, "strict").status != 200:
        faults.append("the link itself does not work")
    head, _, token = url.partition("_page=")
    token, _, rest = token.partition("&")
    rest = rest and "&" + rest
    bent = [head + "_page=" + token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1:] + rest
            for i in range(len(token))]
    bent += [head + "_page=" + token[:n] + rest for n in (1, 8, len(token) // 2, len(token) - 2)]
    bent += [head + "_page=" + token + extra + rest for extra in ("A", "AAAA", token, "%20", "%3D")]
    bent += [url.replace("gender=male", "gender=female"), url.replace("-_lastUpdated", "_lastUpdated"),
             url.replace("Patient?", "Practitioner?").replace("_sort=-_lastUpdated&", ""),
             url + "&active=true"]
    for other in bent:
        fault = refusal_fault(ask(store, other, "strict"), "'_page'", "a link of this store")
        if fault is not None:
            faults.append(f"{other[:120]}: {fault}")
    return faults


def check_lines(store):
    """Lines that are no requests: an answer, and the next request works."""
    faults = []
    lines = [b'{"method":"GET","url":"Patient?name=\xff"}', b'{"method":"GET","url":"Patient?name=\\u0000"}',
             b'{"method":"GET","url":"Patient?name=\\ud800"}', b'{"method":"GET"}', b"[]", b'"x"',
             b'{"method":"GET","url":7}', b'{"method":"GET","url":"Patient?name=a b\\n\\t"}',
             b'{"method":"GET","url":"Patient?name=\xc3\xa9"}']
    for line in lines:
        try:
            response = store.send_line(line)
        except RuntimeError as broken:
            faults.append(str(broken))
            store.process = None
            continue
        if not (response.status == 200 or 400 <= response.status < 500):
            faults.append(f"{line!r}: status {response.status}")
    if ask(store, "Patient?_count=1", "strict").status != 200:
        faults.append("nothing is answered afterwards")
    return faults


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: bad_input_test.py COMMAND")
    groups = TABLE["groups"]
    checks = [(f"{group['what']} ({len(group['rows'])})",
               lambda s, g=group: [f"{row[0]}: {fault}" for row in g["rows"]
                                   if (fault := row_fault(s, row, g.get("dropped", False)))])
              for group in groups]
    checks.append((f"odd but right ({len(TABLE['fine']['rows'])})",
                   lambda s: [f"{url}: {r.status} {r.diagnostics()}" for url in TABLE["fine"]["rows"]
                              if (r := ask(s, url, "strict")).status != 200]))
    checks += [("too large", check_large), ("page links", check_pages), ("lines", check_lines)]
    print(f"1..{len(checks)}", flush=True)
    store = Store(sys.argv[1])
    failed = 0
    try:
        for number, (title, check) in enumerate(checks, 1):
            faults = check(store)
            for fault in faults[:20]:
                print(f"# {fault}")
            failed += bool(faults)
            print(f"{'not ok' if faults else 'ok'} {number} - {title}", flush=True)
    finally:
        store.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
