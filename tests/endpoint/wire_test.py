#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is no HTTP, or hardly, in TAP: wire_test.py SERVER COMMAND

Each gets the right status and an OperationOutcome, on a new connection, as a later request of one that was
kept, and in pieces; others are served meanwhile, and the figures and the log know of it.
"""
import json
import pathlib
import re
import socket
import sys
import time

from endpoint import Server, Tap, equal, wait_until

SERVER, COMMAND = (str(pathlib.Path(name).resolve()) for name in sys.argv[1:3])
LOCAL = b"Host: localhost\r\n"
FINE = b"GET /health HTTP/1.1\r\n" + LOCAL + b"\r\n"


def get(headers=b"", path=b"/health", version=b"HTTP/1.1"):
    return b"GET " + path + b" " + version + b"\r\n" + LOCAL + headers + b"\r\n"


def post(headers, body=b"{}"):
    return b"POST /fhir/Patient HTTP/1.1\r\n" + LOCAL + b"Content-Type: application/fhir+json\r\n" + headers + \
        b"\r\n" + body


def chunks(body):
    return post(b"Transfer-Encoding: chunked\r\n", body)


# What is sent, its status, and a word of the outcome's text.
MALFORMED = [
    (b"GET /health\r\n" + LOCAL + b"\r\n", 400, "first line"),
    (get(version=b"HTTP/x"), 400, "first line"),
    (get(version=b"FTP/1.1"), 400, "first line"),
    (get(version=b"http/1.1"), 400, "first line"),
    (get(version=b"HTTP/9.9"), 505, "HTTP/1.1"),
    (get(version=b"HTTP/2.0"), 505, "HTTP/1.1"),
    (get(version=b"HTTP/0.9"), 505, "HTTP/1.1"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/1.1"),
    (get(b"no colon here\r\n"), 400, "header"),
    (get(b"X A: b\r\n"), 400, "name"),
    (get(b"X-A : b\r\n"), 400, "name"),
    (get(b"X-A: a\x01b\r\n"), 400, "control"),
    (get(b"X-A: a\rb\r\n"), 400, "control"),
    (b"GET /health HTTP/1.1\r\nHost: local host\r\n\r\n", 400, "Host"),
    (b"GET /health HTTP/1.1\r\nHost: localhost/\r\n\r\n", 400, "Host"),
    (b"BREW /health HTTP/1.1\r\n" + LOCAL + b"Connection: close\r\n\r\n", 501, "method"),
    (b"get /health HTTP/1.1\r\n" + LOCAL + b"Connection: close\r\n\r\n", 501, "method"),
    (get(path=b"/" + b"a" * 70_000), 414, "address"),
    (get(path=b"/" + b"a" * 300_000), 414, "first line"),
    (get(b"X-A: " + b"a" * 40_000 + b"\r\n"), 431, "headers"),
    (get(b"X-A: " + b"a" * 300_000 + b"\r\n"), 431, "headers"),
    (get(b"X-A: b\r\n" * 101), 431, "headers"),
    (get(b"X-A: b\r\n" * 30_000), 431, "headers"),
    (post(b"Content-Length: many\r\n"), 400, "Content-Length"),
    (post(b"Content-Length: -1\r\n"), 400, "Content-Length"),
    (post(b"Content-Length: +2\r\n"), 400, "Content-Length"),
    (post(b"Content-Length: 0x2\r\n"), 400, "Content-Length"),
    (post(b"Content-Length: 2, 2\r\n"), 400, "Content-Length"),
    (post(b"Content-Length:\r\n"), 400, "Content-Length"),
    (post(b"Content-Length : 2\r\n"), 400, "name"),
    (post(b"Content-Length: 99999999999999999999999999\r\n"), 413, "too large"),
    (post(b"Content-Length: 18446744073709551615\r\n"), 413, "too large"),
    (post(b"Transfer-Encoding: xyz\r\n"), 400, "Transfer-Encoding"),
    (post(b"Transfer-Encoding: xchunked\r\n"), 400, "Transfer-Encoding"),
    (post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), 501, "Transfer-Encoding"),
    (chunks(b"zz\r\n{}\r\n0\r\n\r\n"), 400, "chunks"),
    (chunks(b"-1\r\n{}\r\n0\r\n\r\n"), 400, "chunks"),
    (chunks(b"2\r\n{}zz0\r\n\r\n"), 400, "chunks"),
    (chunks(b"FFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n"), 413, "too large"),
    (b"POST /fhir/Patient HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400, "HTTP/1.0"),
    (post(b"Expect: a-miracle\r\nContent-Length: 2\r\n"), 417, "Expect"),
]


def read_answer(text):
    """Status, headers and body of one answer, and what follows it."""
    head, rest = text.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
    length = int(headers.get("content-length", 0))
    return int(lines[0].split(" ")[1]), headers, rest[:length], rest[length:]


def check(text, status, word, what):
    got, headers, body, rest = read_answer(text)
    equal(got, status, what)
    equal(headers["content-type"], "application/fhir+json; charset=utf-8", what)
    equal(headers["connection"].lower(), "close", what)
    outcome = json.loads(body)
    equal(outcome["resourceType"], "OperationOutcome", what)
    equal(word in outcome["issue"][0]["diagnostics"], True, f"{what}: {outcome}")
    equal(rest, b"", what)


def on_a_new_connection(server):
    for text, status, word in MALFORMED:
        check(server.send(text), status, word, f"{text[:70]!r}")


def on_a_connection_that_was_kept(server):
    for text, status, word in MALFORMED:
        answers = server.send(FINE + text)
        first, _, body, rest = read_answer(answers)
        equal((first, json.loads(body)), (200, {"status": "pass"}))
        check(rest, status, word, f"second: {text[:70]!r}")


def in_pieces(server):
    for text, status, word in MALFORMED:
        if len(text) > 1000:
            continue
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            got = b""
            try:
                for at in range(0, len(text), 7):
                    connection.sendall(text[at:at + 7])
                    time.sleep(0.0005)
            except OSError:
                pass  # it has heard enough
            try:
                while piece := connection.recv(65536):
                    got += piece
            except OSError:
                pass
        if got:  # an answer may be lost when what follows the fault is refused
            check(got, status, word, f"in pieces: {text[:70]!r}")


def figures_and_log_know(server):
    server.send(get(b"X-Wireworm\r\n"))
    server.send(get(version=b"HTTP/9.9"))
    page = server.ask("GET", "!/metrics").expect(200).bytes.decode()
    equal(re.search(r'requests_total\{kind="other",status="400"\} \d+', page) is not None, True)
    equal(re.search(r"requests_in_flight (\d+)", page).group(1), "1")
    wait_until(lambda: "method=- kind=other type=- status=505" in server.log.read_text())
    equal("Wireworm" in server.log.read_text(), False)


def what_is_fine_stays_so(server):
    ask = [b"\r\n\r\n" + FINE, get(b"X-A: a\r\n  folded\r\n"), b"GET /health HTTP/1.1\nHost: localhost\n\n",
           b"GET /health HTTP/1.0\r\n\r\n", get(version=b"HTTP/1.2")]
    for text in ask:
        equal(read_answer(server.send(text, wait=0.5))[0], 200, f"{text!r}")
    continued = server.send(post(b"Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n", b"{}"))
    equal(continued.startswith(b"HTTP/1.1 100 "), True, f"{continued[:60]!r}")
    pipelined = server.send(FINE * 20, wait=1)
    equal(pipelined.count(b"HTTP/1.1 200 OK"), 20)


def main():
    tap = Tap()
    server = Server(SERVER, COMMAND, data=False)
    for test in (on_a_new_connection, on_a_connection_that_was_kept, in_pieces, figures_and_log_know,
                 what_is_fine_stays_so):
        tap.run(test.__name__, test, server)
    server.close()
    return tap.end()


sys.exit(main())
