#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tokens of another's making over TLS, in TAP: tokens_test.py SERVER COMMAND

Keys, certificate and tokens come from python's `cryptography` (Debian's python3-cryptography); without it this
is skipped, and said to be. The keys are a file once, and once what a discovery document names, over HTTP.
"""
import http.client
import http.server
import json
import pathlib
import ssl
import sys
import tempfile
import threading
import time

from endpoint import FHIR_JSON, Answer, Server, Tap, equal

try:
    from signer import (AUDIENCE, ISSUER, EcKey, EdKey, RsaKey, b64, claims_of, hmac_with, key_set, make_certificate,
                        part, pem_of, token_of)
except ImportError as error:
    print(f"1..0 # SKIP {error}: Debian has it as python3-cryptography")
    sys.exit(0)

SERVER, COMMAND = (str(pathlib.Path(name).resolve()) for name in sys.argv[1:3])
PATIENT = {"resourceType": "Patient", "name": [{"family": "Tokenbearer"}]}


class TlsServer(Server):
    """A server whose certificate is checked."""

    def __init__(self, folder, *options):
        certificate, key = make_certificate(folder)
        self.trust = ssl.create_default_context(cafile=certificate)
        super().__init__(SERVER, COMMAND, "--tls-cert", certificate, "--tls-key", key, "--audience", AUDIENCE,
                         *options, anonymous=False)

    def ask(self, method, path, body=None, headers=None, raw=False):
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=self.trust)
        connection.request(method, path[1:] if path.startswith("!") else "/fhir" + path,
                           body=None if body is None else json.dumps(body),
                           headers={**({} if body is None else {"Content-Type": FHIR_JSON}), **(headers or {})})
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def get(self, token, path="/Patient/patient-0001"):
        return self.ask("GET", path, headers={"Authorization": f"Bearer {token}"})


class Keys:
    def __init__(self):
        self.rsa, self.ec, self.ed = RsaKey("rsa"), EcKey("ec"), EdKey("ed")
        self.all = [self.rsa, self.ec, self.ed]


# ---- what is good ----

def each_algorithm(server, keys):
    equal(server.base.startswith("https://"), True, server.base)
    for key in keys.all:
        token = token_of(key)
        for _ in range(2):  # the second time from memory
            equal(server.get(token).expect(200).json()["id"], "patient-0001")


def kid_may_be_missing(server, keys):
    """Where one key fits there is nothing to ask."""
    for key in keys.all:
        server.get(token_of(key, {"kid": None})).expect(200)


def scopes_become_the_principal(server, keys):
    reader = token_of(keys.ed, scope="user/Patient.r")
    server.get(reader).expect(200)
    server.get(reader, "/Patient?_count=1").expect(403, "forbidden")
    server.get(reader, "/Observation?_count=1").expect(403, "forbidden")
    bearer = {"Authorization": f"Bearer {reader}"}
    server.ask("POST", "/Patient", PATIENT, bearer).expect(403, "forbidden")
    server.ask("DELETE", "/Patient/patient-0001", headers=bearer).expect(403, "forbidden")
    writer = {"Authorization": f"Bearer {token_of(keys.rsa, scope='system/Patient.cruds')}"}
    made = server.ask("POST", "/Patient", PATIENT, writer).expect(201)
    equal(made.headers["Location"].startswith(server.base + "/Patient/"), True, made.headers["Location"])
    server.ask("POST", "/Basic", {"resourceType": "Basic", "code": {"text": "x"}}, writer).expect(403, "forbidden")


def a_patient_sees_its_own(server, keys):
    own = token_of(keys.ec, scope="patient/*.rs", patient="patient-0002", sub="Patient/patient-0002")
    server.get(own, "/Patient/patient-0002").expect(200)
    server.get(own, "/Patient/patient-0001").expect(404, "not-found")
    page = server.get(own, "/Observation?_count=1000").expect(200).json()
    for entry in page.get("entry", []):
        equal(entry["resource"]["subject"]["reference"], "Patient/patient-0002")
    # Who is nobody's patient gets nobody's record by a patient's scope.
    nobody = server.get(token_of(keys.ec, scope="patient/*.rs"), "/Patient/patient-0002")
    equal(nobody.status in (401, 403, 404), True, nobody.status)


# ---- what is not ----

def bad_tokens_of(keys):
    """A name and a token for each kind of forgery and of error."""
    now = int(time.time())
    head, body, signature = token_of(keys.ec).split(".")
    wide = part(claims_of(scope="system/*.cruds"))
    stranger = RsaKey("rsa")
    hs256 = {"alg": "HS256"}
    rsa_pem = pem_of(keys.rsa.key)
    return {
        "expired": token_of(keys.rsa, exp=now - 120),
        "of no end": token_of(keys.ec, exp=None),
        "not yet good": token_of(keys.ed, nbf=now + 600),
        "unsigned": f"{head}.{body}.",
        "of two parts": f"{head}.{body}",
        "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "alg none, signed": f"{part({'alg': 'none', 'kid': 'ec'})}.{body}.{signature}",
        "alg NONE": f"{part({'alg': 'NONE'})}.{body}.",
        "alg nOnE": f"{part({'alg': 'nOnE'})}.{body}.",
        "no alg": f"{part({'typ': 'JWT', 'kid': 'ec'})}.{body}.{signature}",
        "alg that is a number": f"{part({'alg': 5, 'kid': 'ec'})}.{body}.{signature}",
        "another's key of that name": token_of(stranger),
        "another key of the set": token_of(keys.rsa, {"kid": "ec", "alg": "ES256"}),
        "kid of another kind of key": token_of(keys.ec, {"kid": "rsa"}),
        "kid unknown": token_of(keys.ec, {"kid": "other"}),
        "kid that is a path": token_of(keys.ec, {"kid": "../../../dev/null"}),
        "kid that is a list": token_of(keys.ec, {"kid": ["ec"]}),
        "HS256 with the public key's PEM": token_of(keys.rsa, hs256, hmac_with(rsa_pem)),
        "HS256 with the PEM, no line's end": token_of(keys.rsa, hs256, hmac_with(rsa_pem.strip())),
        "HS256 with the PEM, no kid": token_of(keys.rsa, {**hs256, "kid": None}, hmac_with(rsa_pem)),
        "HS256 with the public key's n": token_of(keys.rsa, hs256, hmac_with(keys.rsa.jwk()["n"].encode())),
        "HS256 with Ed25519's x": token_of(keys.ed, hs256, hmac_with(keys.ed.jwk()["x"].encode())),
        "HS256 with an empty secret": token_of(keys.rsa, hs256, hmac_with(b"")),
        "a key that it brings along": token_of(stranger, {"kid": None, "jwk": stranger.jwk()}),
        "a key by its kid and along": token_of(stranger, {"jwk": {**stranger.jwk(), "kid": "rsa"}}),
        "keys of its own place": token_of(stranger, {"kid": "else", "jku": "http://127.0.0.1:9/keys"}),
        "more scope than was signed": f"{head}.{wide}.{signature}",
        "more scope, no signature": f"{part({'alg': 'none'})}.{wide}.",
        "ES256 in DER": token_of(keys.ec, sign=keys.ec.sign_der),
        "ES256 of noughts": token_of(keys.ec, sign=lambda _: bytes(64)),
        "half a signature": token_of(keys.ec, sign=lambda data: keys.ec.sign(data)[:32]),
        "a longer signature": token_of(keys.ed, sign=lambda data: keys.ed.sign(data) + b"x"),
        "another's audience": token_of(keys.ed, aud="https://other.example/fhir"),
        "no audience": token_of(keys.ed, aud=None),
        "another issuer": token_of(keys.ed, iss="https://evil.example"),
        "an extension that must be known": token_of(keys.ed, {"crit": ["b64"], "b64": False}),
        "a body that is a list": signed_as_it_is(keys.ed, b"[]"),
        "a body that is no JSON": signed_as_it_is(keys.ed, b"{"),
    }


def signed_as_it_is(key, body):
    text = f"{part({'alg': key.alg, 'kid': key.kid})}.{b64(body)}"
    return f"{text}.{b64(key.sign(text.encode()))}"


def bad_tokens(server, keys):
    for name, token in bad_tokens_of(keys).items():
        answer = server.get(token)
        equal(answer.status, 401, name)
        outcome = answer.json()
        equal(outcome["resourceType"], "OperationOutcome", name)
        equal(outcome["issue"][0]["code"], "expired" if name == "expired" else "login", name)
        equal('error="invalid_token"' in answer.headers["WWW-Authenticate"], True, name)
    # A good one still is, whatever was tried with its key's name.
    server.get(token_of(keys.rsa)).expect(200)


def scopes_cannot_be_claimed_otherwise(server, keys):
    """By query, header, body, or a second token: what was signed is what counts."""
    token = token_of(keys.ec, scope="user/Patient.r")
    bearer = {"Authorization": f"Bearer {token}"}
    server.ask("GET", "/Observation?_count=1&scope=system/*.cruds", headers=bearer).expect(403, "forbidden")
    server.ask("GET", "/Observation?_count=1", headers={**bearer, "X-Scope": "system/*.cruds"}).expect(403, "forbidden")
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}]}
    server.ask("POST", "", bundle, bearer).expect(403, "forbidden")
    wide = token_of(keys.ec, scope="system/*.cruds")
    server.ask("GET", f"/Patient/patient-0001?access_token={wide}").expect(401, "login")


def nothing_of_them_is_told(server, keys):
    token = token_of(keys.ec, sub="Practitioner/who-came", exp=int(time.time()) - 120)
    answer = server.get(token)
    for piece in token.split("."):
        equal(piece.encode() in answer.bytes, False, "the refusal repeats the token")
    time.sleep(0.1)
    text = server.log.read_text()
    for secret in (token[:40], "Practitioner/who-came", "Tokenbearer", "Bearer", "patient-0001"):
        equal(secret in text, False, f"the log holds {secret}")


# ---- where keys come from ----

class Issuer(http.server.BaseHTTPRequestHandler):
    documents = {}

    def do_GET(self):
        text = json.dumps(self.documents.get(self.path)).encode()
        self.send_response(200 if self.path in self.documents else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


TESTS = (each_algorithm, kid_may_be_missing, scopes_become_the_principal, a_patient_sees_its_own, bad_tokens,
         scopes_cannot_be_claimed_otherwise, nothing_of_them_is_told)


def keys_of_a_file(tap, keys, folder):
    (folder / "jwks.json").write_text(json.dumps(key_set(keys.all)))
    server = TlsServer(folder, "--jwks", str(folder / "jwks.json"), "--issuer", ISSUER)
    for test in TESTS:
        tap.run(f"{test.__name__}, keys of a file", test, server, keys)
    server.close()


def keys_of_a_discovery_document(tap, keys, folder):
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{web.server_port}"
    Issuer.documents = {"/keys": key_set(keys.all), "/.well-known/openid-configuration": {
        "issuer": ISSUER, "jwks_uri": f"{place}/keys", "token_endpoint": f"{ISSUER}/token"}}
    server = TlsServer(folder, "--discovery", f"{place}/.well-known/openid-configuration")
    for test in TESTS:
        tap.run(f"{test.__name__}, keys by discovery", test, server, keys)
    server.close()
    web.shutdown()
    web.server_close()


def which_key_is_not_guessed(folder):
    """Two keys of a kind, and a token that names neither; then one that does."""
    first, second = EcKey("first"), EcKey("second")
    (folder / "two.json").write_text(json.dumps(key_set([first, second])))
    server = TlsServer(folder, "--jwks", str(folder / "two.json"))
    for key in (first, second):
        server.get(token_of(key)).expect(200)
        server.get(token_of(key, {"kid": None})).expect(401, "login")
    server.close()


def keys_may_be_for_something_else(folder):
    """A key to encrypt with signs nothing, nor does one of another algorithm, nor one that is too short."""
    use, alg, short = EcKey("use"), RsaKey("alg"), RsaKey("short", 1024)
    told = key_set([use, alg, short])
    told["keys"][0]["use"] = "enc"
    told["keys"][1]["alg"] = "PS256"
    (folder / "else.json").write_text(json.dumps(told))
    server = TlsServer(folder, "--jwks", str(folder / "else.json"))
    for key in (use, alg, short):
        server.get(token_of(key)).expect(401, "login")
    server.close()


def main():
    tap = Tap()
    keys = Keys()
    with tempfile.TemporaryDirectory(prefix="fhirstore-tokens-") as name:
        folder = pathlib.Path(name)
        keys_of_a_file(tap, keys, folder)
        keys_of_a_discovery_document(tap, keys, folder)
        tap.run("which_key_is_not_guessed", which_key_is_not_guessed, folder)
        tap.run("keys_may_be_for_something_else", keys_may_be_for_something_else, folder)
    return tap.end()


sys.exit(main())
