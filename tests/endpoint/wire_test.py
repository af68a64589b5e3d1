#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is no HTTP, or hardly, in TAP: wire_test.py SERVER COMMAND

Each gets the right status and an OperationOutcome, on a new connection, as a later request of one that was
kept, and in pieces; others are served meanwhile, and the figures and the log know of it.
"""
import json
import pathlib
import re
import resource
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
    (get(b"no colon here\r\n"), 400, "header"),
    (b"GET /health\r\n" + LOCAL + b"\r\n", 400, "first line"),
    (get(version=b"HTTP/x"), 400, "first line"),
    (get(version=b"FTP/1.1"), 400, "first line"),
    (get(version=b"http/1.1"), 400, "first line"),
    (get(version=b"HTTP/9.9"), 505, "HTTP/1.1"),
    (get(version=b"HTTP/2.0"), 505, "HTTP/1.1"),
    (get(version=b"HTTP/0.9"), 505, "HTTP/1.1"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/1.1"),
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

# The same, where libmicrohttpd would close without a word: on a new connection alone.
NOT_EVEN_A_METHOD = [
    (b"GARBAGE\r\n\r\n", 400, "first line"),
    (b"\x00\x01\x02\r\n\r\n", 400, "first line"),
    (b"\r\n\r\nGARBAGE\r\n", 400, "first line"),
    (b"GET\t/health\tHTTP/1.1\r\n\r\n", 400, "first line"),
    (b" GET /health HTTP/1.1\r\n\r\n", 400, "first line"),
    (bytes.fromhex("16030100a5010000a10303") + b"\0" * 160, 400, "first line"),
    (b"A" * 100_000, 501, "method"),
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
    for text, status, word in NOT_EVEN_A_METHOD + MALFORMED:
        check(server.send(text), status, word, f"{text[:70]!r}")


def on_a_connection_that_was_kept(server):
    for text, status, word in MALFORMED:
        answers = server.send(FINE + text)
        first, _, body, rest = read_answer(answers)
        equal((first, json.loads(body)), (200, {"status": "pass"}))
        check(rest, status, word, f"second: {text[:70]!r}")


def in_pieces(server):
    for text, status, word in NOT_EVEN_A_METHOD + MALFORMED:
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


# ---- who takes their time (the server's patience is a second) ----

def ends(connection, seconds=8):
    """All that comes until the server closes."""
    connection.settimeout(seconds)
    got = b""
    try:
        while piece := connection.recv(65536):
            got += piece
    except ConnectionResetError:
        pass
    return got


def drip(server, first, piece, seconds=15):
    """A little at a time, until an answer or the end comes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.2) as connection:
        connection.sendall(first)
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            try:
                return connection.recv(65536)
            except TimeoutError:
                connection.sendall(piece)
    raise AssertionError(f"dripping went on for {seconds} s")


def slow_requests_get_a_timeout(server):
    stops = {"in its method": b"GE", "in its address": b"GET /fhir/Pat", "in a header": b"GET /health HTTP/1.1\r\nHost:",
             "before its end": get()[:-2], "in its body": post(b"Content-Length: 1000\r\n", b"{"),
             "in a chunk": chunks(b"100\r\n{"), "in a second request": FINE + b"GET /fh",
             "in a second body": FINE + post(b"Content-Length: 9\r\n")}
    connections = {}
    for name, text in stops.items():
        connections[name] = socket.create_connection(("127.0.0.1", server.port))
        if text.startswith(FINE):
            connections[name].sendall(FINE)
            equal(read_answer(connections[name].recv(65536))[0], 200, name)
            time.sleep(0.1)
            text = text.removeprefix(FINE)
        connections[name].sendall(text)
    server.ask("GET", "/Patient?_count=1").expect(200)
    for name, connection in connections.items():
        check(ends(connection), 408, "in time", f"stands still {name}")
        connection.close()
    for first, piece in ((b"", b"A"), (b"GET /", b"a"), (b"GET /health HTTP/1.1\r\n", b"A"),
                         (post(b"Content-Length: 1000\r\n", b""), b" ")):
        got = drip(server, first, piece)
        if got:  # where it is still dripping when the connection ends, the answer may be lost
            check(got, 408, "in time", f"drips: {first!r}")
    wait_until(lambda: "status=408" in server.log.read_text())
    equal("status=0" in server.log.read_text(), False)


def silent_connections_end_silently(server):
    with socket.create_connection(("127.0.0.1", server.port)) as silent, \
            socket.create_connection(("127.0.0.1", server.port)) as kept:
        kept.sendall(FINE)
        equal(read_answer(kept.recv(65536))[0], 200)
        equal(ends(silent), b"", "never said a thing")
        equal(ends(kept), b"", "kept after a request")


def half_a_request_and_no_more(server):
    for text in (b"GE", b"GET /health HTTP/1.1\r\n"):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            ends(connection)


def processor_seconds(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def a_thousand_idle_connections(server):
    """They take nobody's place, nor the processor's time; the newest is served, and the first go."""
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(500)]
    idle += [socket.create_connection(("127.0.0.1", server.port)) for _ in range(500)]
    for connection in idle[::2]:
        connection.sendall(b"GE")
    time.sleep(0.3)
    before = processor_seconds(server)
    time.sleep(1)
    equal(processor_seconds(server) - before < 0.5, True, "a busy loop")
    server.ask("GET", "/metadata").expect(200)
    idle[0].sendall(FINE[2:])
    equal(read_answer(idle[0].recv(65536))[0], 200, "an idle one that speaks")
    idle += [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
    server.ask("GET", "/metadata").expect(200)
    for connection in idle:
        connection.close()
    server.ask("GET", "/metadata").expect(200)


def kept_connections_have_a_limit(server):
    """A thousand that have spoken and stay: the next are told, or make the oldest idle ones go."""
    kept = []
    for _ in range(1000):
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        connection.sendall(FINE)
        equal(connection.recv(65536).startswith(b"HTTP/1.1 200"), True)
        kept.append(connection)
    check(server.send(FINE), 503, "too many", "one more")
    kept.pop().close()
    time.sleep(0.3)
    server.ask("GET", "!/health").expect(200)
    for connection in kept:
        connection.close()


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) +
                       resource.getrlimit(resource.RLIMIT_NOFILE)[1:])
    tap = Tap()
    server = Server(SERVER, COMMAND, data=False)
    for test in (on_a_new_connection, on_a_connection_that_was_kept, in_pieces, figures_and_log_know,
                 what_is_fine_stays_so):
        tap.run(test.__name__, test, server)
    tap.run("a_thousand_idle_connections", a_thousand_idle_connections, server)
    tap.run("kept_connections_have_a_limit", kept_connections_have_a_limit, server)
    server.close()
    server = Server(SERVER, COMMAND, "--timeout", "1", data=False)
    for test in (slow_requests_get_a_timeout, silent_connections_end_silently, half_a_request_and_no_more):
        tap.run(test.__name__, test, server)
    server.close()
    return tap.end()


sys.exit(main())
