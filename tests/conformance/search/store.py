# SPDX-License-Identifier: Apache-2.0
"""A store behind the command: requests go in, responses come out, one process for all of them."""

import json
import pathlib
import subprocess
import tempfile

BASE = "http://localhost/fhir"


class Response:
    def __init__(self, line):
        self.line = line
        document = json.loads(line, parse_float=str, parse_int=str)
        self.status = int(document["status"])
        self.headers = document.get("headers", {})
        self.body = document.get("body")

    def diagnostics(self):
        """The texts of an OperationOutcome's issues."""
        issues = self.body.get("issue", ()) if isinstance(self.body, dict) else ()
        return " ".join(issue.get("diagnostics", "") for issue in issues)


class Store:
    def __init__(self, command, *options):
        self.folder = tempfile.TemporaryDirectory(prefix="fhirstore-search-")
        self.path = pathlib.Path(self.folder.name) / "store"
        key = pathlib.Path(self.folder.name) / "key"
        key.write_text("42" * 32)
        self.command = [str(command)]
        self.key = ["--key-file", str(key)]
        subprocess.run([*self.command, "init", str(self.path), *self.key], check=True,
                       stdout=subprocess.DEVNULL)
        self.options = options
        self.process = None

    def start(self):
        if self.process is None:
            self.process = subprocess.Popen(
                [*self.command, "batch", str(self.path), *self.key, *self.options],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            status = self.process.wait()
            self.process.stdout.close()
            self.process = None
            if status not in (0, 1):
                raise RuntimeError(f"the command ended with status {status}")

    def close(self):
        self.stop()
        self.folder.cleanup()

    def run(self, *arguments):
        """Another subcommand on the same store."""
        self.stop()
        return subprocess.run([*self.command, arguments[0], str(self.path), *self.key,
                               *map(str, arguments[1:])], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)

    def send_line(self, line):
        self.start()
        self.process.stdin.write(line if isinstance(line, bytes) else line.encode())
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            status = self.process.wait()
            raise RuntimeError(f"the command ended with status {status} at: {line[:300]!r}")
        return Response(answer)

    def request(self, method, url, body=None, headers=None):
        """@body is JSON text, kept byte for byte; decimals stay as they are written."""
        call = {"method": method, "url": url}
        if headers:
            call["headers"] = headers
        line = json.dumps(call, ensure_ascii=True)
        if body is not None:
            line = f'{line[:-1]},"body":{body}}}'
        return self.send_line(line)

    def get(self, url, **headers):
        return self.request("GET", url, headers=headers or {"Prefer": "handling=strict"})

    def search_all(self, url):
        """The entries of all pages, the first page's total, how many pages; or the failing Response."""
        entries, total, pages = [], None, 0
        while url is not None:
            response = self.get(url)
            if response.status != 200:
                return response, None, pages
            if pages == 0:
                total = response.body.get("total")
            pages += 1
            entries.extend(response.body.get("entry", ()))
            url = next((link["url"] for link in response.body.get("link", ())
                        if link["relation"] == "next"), None)
            if url is not None:
                url = url.removeprefix(BASE + "/")
        return entries, None if total is None else int(total), pages


def write_json(value):
    """JSON text in which a Verbatim stands as it was written."""
    if isinstance(value, Verbatim):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{write_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class Verbatim:
    """A JSON number, as written."""

    def __init__(self, text):
        self.text = str(text)
