#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The endpoint of examples/server, in TAP: endpoint_test.py SERVER COMMAND TOKEN_MAKER

What is bad on the wire gets its status and an OperationOutcome, tokens that are not good get
nothing, no line of the log holds what a patient could be known by, and a stop loses nothing.
"""
import base64
import gzip
import http.client
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

from endpoint import FHIR_JSON, Server, Tap, equal, wait_until

SERVER, COMMAND, MAKER = (str(pathlib.Path(name).resolve()) for name in sys.argv[1:4])
PATIENT = {"resourceType": "Patient", "name": [{"family": "Wireworm"}]}


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None


# ---- plain HTTP ----

def reads_and_writes(server):
    made = server.ask("POST", "/Patient", PATIENT).expect(201)
    place = made.headers["Location"]
    equal(place.startswith(server.base + "/Patient/"), True, place)
    path = place.removeprefix(server.base)
    read = server.ask("GET", path).expect(200)
    equal(read.json()["name"], PATIENT["name"])
    equal(read.headers["ETag"], 'W/"1"')
    equal(read.headers["Content-Type"], "application/fhir+json; charset=utf-8")
    head = server.ask("HEAD", path).expect(200)
    equal(head.bytes, b"")
    equal(head.headers["Content-Length"], str(len(read.bytes)))
    resource = path.split("/_history")[0]
    changed = {**read.json(), "active": True}
    server.ask("PUT", resource, changed, {"If-Match": 'W/"9"'}).expect(412)
    server.ask("PUT", resource, changed, {"If-Match": 'W/"1"'}).expect(200)
    server.ask("DELETE", resource).expect(204)
    server.ask("GET", resource).expect(410, "deleted")


def links_lead_back(server):
    page = server.ask("GET", "/Observation?_count=3").expect(200).json()
    seen = [entry["resource"]["id"] for entry in page["entry"]]
    for _ in range(3):
        link = next(link["url"] for link in page["link"] if link["relation"] == "next")
        equal(link.startswith(server.base + "/"), True, link)
        page = server.ask("GET", link.removeprefix(server.base)).expect(200).json()
        seen += [entry["resource"]["id"] for entry in page["entry"]]
    equal(len(set(seen)), 12)


def answers_are_packed(server):
    plain = server.ask("GET", "/Observation?_count=50").expect(200)
    equal(plain.headers["Content-Encoding"], None)
    packed = server.ask("GET", "/Observation?_count=50", headers={"Accept-Encoding": "gzip, br"}).expect(200)
    equal(packed.headers["Content-Encoding"], "gzip")
    # Page links are sealed anew each time.
    equal(json.loads(gzip.decompress(packed.bytes))["entry"], plain.json()["entry"])
    refused = server.ask("GET", "/Observation?_count=50", headers={"Accept-Encoding": "gzip;q=0"})
    equal(refused.headers["Content-Encoding"], None)


def bodies_may_be_packed(server):
    headers = {"Content-Type": FHIR_JSON, "Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps(PATIENT).encode())
    server.ask("POST", "/Patient", body, headers).expect(201)
    server.ask("POST", "/Patient", body[:-4], headers).expect(400, "structure")
    server.ask("POST", "/Patient", b"{}", headers).expect(400, "structure")
    bomb = gzip.compress(b" " * 3_000_000)
    server.ask("POST", "/Patient", bomb, headers).expect(413, "too-long")
    server.ask("POST", "/Patient", body, {**headers, "Content-Encoding": "br"}).expect(415, "not-supported")


def wrong_media_types(server):
    server.ask("POST", "/Patient", "<Patient/>", {"Content-Type": "application/fhir+xml"}).expect(415, "not-supported")
    server.ask("GET", "/Patient", headers={"Accept": "application/fhir+xml"}).expect(406, "not-supported")
    server.ask("POST", "/Patient", "{", {"Content-Type": FHIR_JSON}).expect(400)


def large_bodies(server):
    """Told by its length it is not read at all; in pieces it is cut off at the limit."""
    answer = server.send(b"POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/fhir+json\r\n"
                         b"Content-Length: 2000001\r\n\r\n", wait=2)
    equal(status_of(answer), 413)
    equal(b'"code":"too-long"' in answer, True)
    pieces = (b" " * 100_000 for _ in range(30))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("POST", "/fhir/Patient", body=pieces, headers={"Content-Type": FHIR_JSON}, encode_chunked=True)
    equal(connection.getresponse().status, 413)
    connection.close()


def malformed_http(server):
    cases = {
        b"GARBAGE\r\n\r\n": (400, None),
        b"GET /fhir/Patient HTTP/9.9\r\nHost: localhost\r\n\r\n": (505, 400, None),
        b"GET /fhir/Patient HTTP/1.1\r\n\r\n": (400,),
        b"GET /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n": (400,),
        b"BREW /fhir/Patient HTTP/1.1\r\nHost: localhost\r\n\r\n": (501,),
        b"\x00\x01\x02\r\n\r\n": (400, 501, None),
        b"GET /fhir/Patient?" + b"a" * 70000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n": (414,),
        b"GET /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 40000 + b"\r\n\r\n": (431,),
        b"GET /fhir/Patient HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 200 + b"\r\n": (431,),
    }
    for text, wanted in cases.items():
        got = status_of(server.send(text, wait=1))
        if got not in wanted:
            raise AssertionError(f"{text[:60]!r}: {got}, wanted one of {wanted}")
    server.ask("GET", "/metadata").expect(200)


def ambiguous_requests(server):
    """Where a request ends, and for whom it is, is told once; else the connection ends with an outcome."""
    local = b"Host: localhost\r\n"
    cases = {
        b"GET /fhir/Patient HTTP/1.1\r\n\r\n": b"Host",
        b"GET /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n": b"Host",
        b"GET /fhir/Pati ent HTTP/1.1\r\n" + local + b"\r\n": b"blank",
        b"POST /fhir/Patient HTTP/1.1\r\n" + local + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\n{} ":
            b"Content-Length",
        b"POST /fhir/Patient HTTP/1.1\r\n" + local + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /metrics HTTP/1.1\r\n" + local + b"\r\n": b"Content-Length",
        b"POST /fhir/Patient HTTP/1.1\r\n" + local + b"Transfer-Encoding: gzip\r\n\r\n": b"Transfer-Encoding",
    }
    for text, word in cases.items():
        begun = time.monotonic()
        answer = server.send(text)
        equal(status_of(answer), 400, f"{text[:80]!r}")
        outcome = json.loads(answer.split(b"\r\n\r\n", 1)[1])
        equal(outcome["resourceType"], "OperationOutcome")
        equal(word.decode() in outcome["issue"][0]["diagnostics"], True, f"{outcome}")
        equal(answer.count(b"X-Request-Id"), 1, "answers")
        equal(time.monotonic() - begun < 4, True, "the connection stays open")


def whole_addresses(server):
    ask = b"GET http://%s/fhir/metadata HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    equal(status_of(server.send(ask % b"localhost")), 200)
    equal(status_of(server.send(ask % b"evil.example")), 421)
    equal(status_of(server.send(b"GET http://localhost HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")), 404)


def paths_lead_nowhere_else(server):
    for path in ["!/", "!/fhirx", "!/fhir/../metrics", "!/../../etc/passwd", "!/fhir/Patient/..%2f..%2fetc",
                 "!/fhir/%2e%2e/metrics", "!//fhir/Patient", "!/fhir/Patient/%00"]:
        answer = server.ask("GET", path)
        equal(answer.status in (400, 404), True, f"{path}: {answer.status}")
        equal(answer.json()["resourceType"], "OperationOutcome", path)


def others_hosts_are_refused(server):
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example"):
        server.ask("GET", "/Patient", headers={"Host": host}).expect(421, "forbidden")
    server.ask("GET", "/Patient", headers={"Host": "localhost:1"}).expect(200)


def slow_clients_are_let_go(server):
    """One says nothing, one drips: neither keeps its connection, and others are served meanwhile."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as silent:
        silent.sendall(b"GET /fhir/Patient HTTP/1.1\r\nHost:")
        dripping = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        begun = time.monotonic()
        try:
            dripping.sendall(b"POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
            while time.monotonic() - begun < 20:
                dripping.sendall(b" ")
                time.sleep(0.2)
            raise AssertionError("dripping went on for 20 s")
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            dripping.close()
        while silent.recv(1000):  # to the end, which a connection that is kept does not have
            pass
    server.ask("GET", "/Patient?_count=1").expect(200)


def cross_origin(server):
    origin = {"Origin": "https://app.example"}
    preflight = server.ask("OPTIONS", "/Patient", headers={**origin, "Access-Control-Request-Method": "PUT"}).expect(204)
    equal(preflight.headers["Access-Control-Allow-Origin"], "https://app.example")
    equal("PUT" in preflight.headers["Access-Control-Allow-Methods"], True)
    equal("If-Match" in preflight.headers["Access-Control-Allow-Headers"], True)
    answer = server.ask("GET", "/Patient?_count=1", headers=origin).expect(200)
    equal(answer.headers["Access-Control-Allow-Origin"], "https://app.example")
    equal(server.ask("GET", "/Patient?_count=1", headers={"Origin": "https://b.example"})
          .headers["Access-Control-Allow-Origin"], None)


def request_ids(server):
    given = "6f1ed002-ab57-44d4-a1cb-ad39e2b1a3ce"
    equal(server.ask("GET", "/metadata", headers={"X-Request-Id": given}).headers["X-Request-Id"], given)
    made = server.ask("GET", "/metadata", headers={"X-Request-Id": "Wireworm, Ann"}).headers["X-Request-Id"]
    equal(re.fullmatch("[0-9a-f]{16}", made) is not None, True, made)


def figures(server):
    page = server.ask("GET", "!/metrics").expect(200)
    equal(page.headers["Content-Type"].startswith("text/plain"), True)
    lines = page.bytes.decode().splitlines()
    reads = [line for line in lines if line.startswith('fhirstore_http_requests_total{kind="read",status="200"}')]
    equal(len(reads), 1)
    for line in lines:
        if not line.startswith("#") and not re.fullmatch(r'[a-z_]+(\{[a-zA-Z_="+.,0-9-]*\})? [0-9.e+-]+', line):
            raise AssertionError(f"not Prometheus' text: {line}")
    equal(server.ask("GET", "!/health").json(), {"status": "pass"})


def smart_is_not_there(server):
    server.ask("GET", "/.well-known/smart-configuration").expect(404, "not-found")


def log_is_silent_about_patients(server):
    server.ask("GET", "/Patient/patient-0001?_elements=name")
    server.ask("GET", "/Patient?family=Wireworm&identifier=P00001")
    server.ask("GET", "/Wireworm/patient-0001")
    server.ask("GET", "!/Wireworm")
    server.send(b"WIREWORM /fhir/Patient HTTP/1.1\r\nHost: localhost\r\n\r\n", wait=0.5)
    wait_until(lambda: "type=Patient" in server.log.read_text())
    text = server.log.read_text()
    for secret in ("Wireworm", "WIREWORM", "patient-0001", "P00001", "family", "127.0.0.1", "localhost", "?"):
        equal(secret in text, False, f"the log holds {secret}")
    line = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ method=[A-Z-]+ kind=[a-z]+ type=[A-Za-z-]+ status=\d+ "
                      r"in=\d+ out=\d+ ms=[0-9.]+ request=(-|[0-9a-fA-F-]{16,36})")
    for each in text.splitlines():
        equal(line.fullmatch(each) is not None, True, each)


def plain_http(tap):
    server = Server(SERVER, COMMAND, "--max-body", "2000000", "--cors", "https://app.example")
    for test in (reads_and_writes, links_lead_back, answers_are_packed, bodies_may_be_packed, wrong_media_types,
                 large_bodies, malformed_http, ambiguous_requests, whole_addresses, paths_lead_nowhere_else, others_hosts_are_refused, cross_origin,
                 request_ids, figures, smart_is_not_there, log_is_silent_about_patients):
        tap.run(test.__name__, test, server)
    server.close()
    server = Server(SERVER, COMMAND, "--timeout", "1", data=False)
    tap.run("slow_clients_are_let_go", slow_clients_are_let_go, server)
    server.close()


# ---- tokens ----

class Issuer:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="fhirstore-issuer-")
        self.path = pathlib.Path(self.folder.name)
        self.make_keys("private", "public")
        self.discovery = self.path / "openid-configuration"
        self.discovery.write_text(json.dumps({
            "issuer": "https://issuer.example", "jwks_uri": str(self.path / "public"),
            "authorization_endpoint": "https://issuer.example/authorize",
            "token_endpoint": "https://issuer.example/token", "secret_member": "stays at home"}))

    def make_keys(self, private, public):
        subprocess.run([MAKER, "keys", str(self.path / private), str(self.path / public)], check=True)

    def claims(self, **changes):
        claims = {"iss": "https://issuer.example", "aud": "https://fhir.example/fhir", "sub": "Practitioner/7",
                  "exp": int(time.time()) + 300, "scope": "user/Patient.rs"}
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, kid="ec", alg="ES256", keys="private", **changes):
        return subprocess.run([MAKER, "sign", str(self.path / keys), kid, alg], check=True, capture_output=True,
                              text=True, input=json.dumps(self.claims(**changes))).stdout.strip()


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def get(server, token, path="/Patient/patient-0001"):
    return server.ask("GET", path, headers={} if token is None else {"Authorization": f"Bearer {token}"})


def good_tokens(server, issuer):
    for kid, alg in (("rsa", "RS256"), ("ec", "ES256"), ("ed", "EdDSA")):
        token = issuer.token(kid, alg)
        for _ in range(2):  # the second time from memory
            get(server, token).expect(200)
    get(server, issuer.token(aud=["https://other.example", "https://fhir.example/fhir"])).expect(200)
    get(server, issuer.token(scope=None, scp=["user/Patient.rs"])).expect(200)
    get(server, issuer.token(scope=None, roles=["globalReader"])).expect(200)


def no_token(server, issuer):
    answer = get(server, None).expect(401, "login")
    equal(answer.headers["WWW-Authenticate"], 'Bearer realm="fhir"')
    for header in ("Basic YTpi", "Bearer", "bearer", "Token x"):
        server.ask("GET", "/Patient", headers={"Authorization": header}).expect(401)
    server.ask("GET", "/metadata").expect(200)
    server.ask("POST", "/metadata", "{}").expect(401)


def bad_tokens(server, issuer):
    good = issuer.token()
    head, body, signature = good.split(".")
    issuer.make_keys("private2", "public2")
    now = int(time.time())
    longer = part({**issuer.claims(), "scope": "system/*.cruds"})
    cases = {
        "expired": issuer.token(exp=now - 120),
        "without an end": issuer.token(exp=None),
        "with an end that is text": issuer.token(exp=str(now + 300)),
        "not good yet": issuer.token(nbf=now + 600),
        "of another issuer": issuer.token(iss="https://evil.example"),
        "of no issuer": issuer.token(iss=None),
        "for another audience": issuer.token(aud="https://other.example/fhir"),
        "for no audience": issuer.token(aud=None),
        "of another key": issuer.token(keys="private2"),
        "of a key that is too short": issuer.token("short", "RS256"),
        "by a hash of the public key": issuer.token("rsa", "RS512"),
        "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "alg none with a signature": f"{part({'alg': 'none'})}.{body}.{signature}",
        "alg HS256": f"{part({'alg': 'HS256', 'kid': 'ec'})}.{body}.{signature}",
        "with more scope than was signed": f"{head}.{longer}.{signature}",
        "without its signature": f"{head}.{body}.",
        "with half its signature": f"{head}.{body}.{signature[:20]}",
        "two parts": f"{head}.{body}",
        "garbage": "abc",
        "points": "..",
        "very long": "a" * 20000,
        "a subject that is a list": issuer.token(sub=["a"]),
        "a scope that is none": issuer.token(scope="user/Patient.sr"),
        "a scope that is a number": issuer.token(scope=5),
        "roles that are text": issuer.token(roles="globalAdmin"),
    }
    for name, token in cases.items():
        answer = get(server, token)
        equal(answer.status, 401, name)
        equal(answer.json()["resourceType"], "OperationOutcome", name)
        equal('error="invalid_token"' in answer.headers["WWW-Authenticate"], True, name)
        equal(token.split(".")[0].encode() in answer.bytes if len(token) > 2 else False, False, name)
    equal(get(server, issuer.token(exp=now - 120)).json()["issue"][0]["code"], "expired")


def a_token_ends(server, issuer):
    token = issuer.token(exp=int(time.time()) - 28)  # clocks may differ by 30 s
    get(server, token).expect(200)
    wait_until(lambda: get(server, token).status == 401, 10)


def scopes_are_enforced(server, issuer):
    reader = issuer.token(scope="user/Patient.rs")
    bearer = {"Authorization": f"Bearer {reader}"}
    get(server, reader, "/Observation?_count=1").expect(403, "forbidden")
    server.ask("POST", "/Patient", PATIENT, bearer).expect(403, "forbidden")
    server.ask("DELETE", "/Patient/patient-0001", headers=bearer).expect(403, "forbidden")
    own = issuer.token(scope="patient/*.rs", patient="patient-0002")
    get(server, own).expect(404, "not-found")
    get(server, own, "/Patient/patient-0002").expect(200)
    page = get(server, own, "/Observation?_count=1000&_total=accurate").expect(200).json()
    for entry in page.get("entry", []):
        equal(entry["resource"]["subject"]["reference"], "Patient/patient-0002")
    equal(page["total"] < 1557, True)
    link = next((link["url"] for link in get(server, own, "/Observation?_count=1").json()["link"]
                 if link["relation"] == "next"), None)
    other = issuer.token(sub="Practitioner/8", scope="patient/*.rs", patient="patient-0003")
    if link is not None:
        equal(get(server, other, link.removeprefix(server.base)).status >= 400, True)


def smart_configuration(server, issuer):
    for path in ("!/.well-known/smart-configuration", "/.well-known/smart-configuration"):
        document = server.ask("GET", path).expect(200).json()
        equal(document["issuer"], "https://issuer.example")
        equal(document["token_endpoint"], "https://issuer.example/token")
        equal("permission-v2" in document["capabilities"], True)
        equal("secret_member" in document, False)


def the_journal_knows_who(server, issuer):
    get(server, issuer.token(sub="Practitioner/who-it-was")).expect(200)
    code, errors = server.stop()
    equal((code, errors), (0, ""))
    equal("Practitioner/who-it-was" in server.run("audit", "list", server.store, "--json"), True)
    equal("Practitioner/who-it-was" in server.log.read_text(), False)


def bearer_tokens(tap):
    issuer = Issuer()
    server = Server(SERVER, COMMAND, "--discovery", str(issuer.discovery), "--audience",
                    "https://fhir.example/fhir", anonymous=False)
    for test in (good_tokens, no_token, bad_tokens, a_token_ends, scopes_are_enforced, smart_configuration,
                 the_journal_knows_who):
        tap.run(test.__name__, test, server, issuer)
    server.close()
    issuer.folder.cleanup()


# ---- start and stop ----

def stop_loses_nothing(_):
    server = Server(SERVER, COMMAND, data=False)
    made = []

    def write():
        try:
            while True:
                answer = server.ask("POST", "/Patient", PATIENT)
                if answer.status == 201:
                    made.append(answer.json()["id"])
        except OSError:
            pass  # it has stopped

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.7)
    equal(server.stop(), (0, ""))
    for thread in threads:
        thread.join()
    equal(len(made) > 0, True)
    stored = set(server.run("search", server.store, "Patient?_count=100000", "--ids").split())
    for each in made:
        equal(f"Patient/{each}" in stored, True, "a resource that was answered for is gone")
    server.run("verify", server.store)
    server.close()


def refused_starts(_):
    with tempfile.TemporaryDirectory() as folder:
        key = pathlib.Path(folder) / "key"
        key.write_bytes(b"k" * 32)
        empty = pathlib.Path(folder) / "jwks"
        empty.write_text('{"keys":[]}')
        store = str(pathlib.Path(folder) / "store")
        base = [SERVER, store, "--create", "--key-file", str(key), "--port", "0"]
        cases = {
            "either --anonymous": base,
            "loopback address only": [*base, "--anonymous", "--listen", "0.0.0.0"],
            "numeric address": [*base, "--anonymous", "--listen", "example.org"],
            "go together": [*base, "--anonymous", "--tls-cert", str(key)],
            "without a slash": [*base, "--anonymous", "--base-url", "http://x/"],
            "no JSON Web Key Set": [*base, "--jwks", str(empty)],
            "only files and https": [*base, "--discovery", "ftp://issuer.example/x"],
            "not a number": [*base, "--anonymous", "--workers", "none"],
            "is needed": [SERVER, store, "--anonymous"],
        }
        for text, arguments in cases.items():
            run = subprocess.run(arguments, capture_output=True, text=True, timeout=30)
            equal(run.returncode in (1, 2), True, f"{text}: {run.returncode}")
            equal(text in run.stderr, True, f"{text}: {run.stderr}")
        other = pathlib.Path(folder) / "other"
        other.write_bytes(b"o" * 32)
        subprocess.run([COMMAND, "init", store, "--key-file", str(key)], check=True, capture_output=True)
        run = subprocess.run([SERVER, store, "--key-file", str(other), "--anonymous", "--port", "0"],
                             capture_output=True, text=True, timeout=30)
        equal(run.returncode, 1)
        equal("key" in run.stderr, True, run.stderr)


def main():
    tap = Tap()
    plain_http(tap)
    bearer_tokens(tap)
    tap.run("stop_loses_nothing", stop_loses_nothing, None)
    tap.run("refused_starts", refused_starts, None)
    return tap.end()


sys.exit(main())
