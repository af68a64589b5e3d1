# SPDX-License-Identifier: Apache-2.0
"""What the endpoint's tests share: a store, a server on it, and requests as bytes or as HTTP."""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

DATA = pathlib.Path(__file__).resolve().parents[2] / "examples" / "data"
FHIR_JSON = "application/fhir+json"


class Tap:
    """One line a test; a test is a function that raises when it fails."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def run(self, name, test, *arguments):
        self.count += 1
        try:
            test(*arguments)
        except Exception as error:  # a test that breaks has failed, whatever broke it
            self.failed += 1
            print(f"not ok {self.count} - {name}")
            print("# " + f"{type(error).__name__}: {error}"[:2000].replace("\n", "\n# "))
        else:
            print(f"ok {self.count} - {name}", flush=True)

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}: {got!r}, wanted {want!r}")


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.bytes = response.read()

    def json(self):
        return json.loads(self.bytes)

    def expect(self, status, code=None):
        """The status, and for an error an OperationOutcome with that issue code."""
        if self.status != status:
            raise AssertionError(f"{self.status}, wanted {status}: {self.bytes[:500]!r}")
        if code is not None:
            outcome = self.json()
            equal(outcome["resourceType"], "OperationOutcome")
            equal(outcome["issue"][0]["code"], code, "issue code")
        return self


class Server:
    """A server on a new store, in a folder that goes with it."""

    def __init__(self, server, command, *options, anonymous=True, data=True, environment=None):
        self.folder = tempfile.TemporaryDirectory(prefix="fhirstore-endpoint-")
        self.path = pathlib.Path(self.folder.name)
        self.command = command
        self.store = str(self.path / "store")
        (self.path / "key").write_bytes(os.urandom(32))
        self.key = ["--key-file", str(self.path / "key")]
        self.run("init", self.store)
        if data:
            self.run("import", self.store, str(DATA / "Patient.ndjson"), str(DATA / "Observation.ndjson"))
        self.log = self.path / "access.log"
        options = [*options, *(["--anonymous"] if anonymous else [])]
        if "--port" not in options:
            options += ["--port", "0"]
        self.process = subprocess.Popen(
            [server, self.store, *self.key, "--log", str(self.log), *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.base = self.process.stdout.readline().strip()
        if not self.base:
            raise AssertionError(f"the server did not start: {self.process.stderr.read()}")
        self.port = int(self.base.split(":")[2].split("/")[0])

    def run(self, *arguments):
        return subprocess.run([self.command, *arguments, *self.key], check=True,
                              capture_output=True, text=True).stdout

    def ask(self, method, path, body=None, headers=None, raw=False):
        """One request on a connection of its own. A path that begins with ! is not below /fhir."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", FHIR_JSON)
        path = path[1:] if path.startswith("!") else "/fhir" + path
        connection.request(method, path, body=body, headers=headers)
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def send(self, text, wait=5.0):
        """Bytes as they are; everything that comes back until the server closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection:
            connection.sendall(text)
            got = b""
            try:
                while piece := connection.recv(65536):
                    got += piece
            except (TimeoutError, ConnectionResetError):
                pass
            return got

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(timeout=30)
        errors = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return code, errors

    def close(self):
        if self.process.poll() is None:
            code, errors = self.stop()
            equal((code, errors), (0, ""), "how the server ended")
        self.folder.cleanup()


def wait_until(condition, seconds=15):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("it did not come to pass")
        time.sleep(0.05)
