# SPDX-License-Identifier: Apache-2.0
"""A principal at work: reading, writing, searching."""
from __future__ import annotations

import ctypes
import json
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Union

from . import _abi
from ._handle import Handle
from ._library import library
from .errors import FhirStoreError, outcome_error, take_buffer, take_error, text_at

Body = Union[Mapping[str, Any], bytes, str]


def encoded(text: Optional[str]) -> bytes:
    if text is None:
        return b""
    if not isinstance(text, str):
        raise TypeError(f"expected text, got {type(text).__name__}")
    return text.encode()


def body_bytes(body: Body) -> bytes:
    """JSON of a resource: as it is, or of a mapping."""
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (Mapping, list)):
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    raise TypeError(f"expected a resource, got {type(body).__name__}")


class Response:
    """What was answered. It holds the library's answer; what is not asked for is not copied."""

    __slots__ = ("_address", "_free", "status")

    def __init__(self, status: int, address: ctypes.c_void_p):
        self._address = address
        self._free = library().fhirstore_response_free  # still there when the interpreter ends
        self.status = status

    def __del__(self) -> None:
        self._free(self._address)

    @property
    def body(self) -> bytes:
        """The bytes as stored."""
        length = ctypes.c_size_t()
        return ctypes.string_at(library().fhirstore_response_body(self._address, length), length.value)

    @property
    def http(self) -> int:
        """The HTTP status."""
        return library().fhirstore_response_http(self._address)

    @property
    def id(self) -> str:
        return text_at(library().fhirstore_response_id(self._address, None))

    @property
    def version(self) -> int:
        return library().fhirstore_response_version(self._address)

    @property
    def updated_us(self) -> int:
        """When the version was stored: microseconds since 1970."""
        return library().fhirstore_response_updated_us(self._address)

    @property
    def headers(self) -> dict[str, str]:
        headers = {}
        for index in range(library().fhirstore_response_header_count(self._address)):
            name, value = ctypes.c_char_p(), ctypes.c_char_p()
            if library().fhirstore_response_header(self._address, index, name, value) == _abi.FHIRSTORE_OK:
                headers[name.value.decode()] = value.value.decode()
        return headers

    def json(self) -> Any:
        """The body, read anew each time; None without one."""
        body = self.body
        return json.loads(body) if body else None

    def __repr__(self) -> str:
        return f"<Response {self.http} {self.id} version {self.version}>"


class Search(Handle):
    """A cursor on a snapshot: an iterator over resources, closed when it is at its end."""

    _close_name = "fhirstore_search_close"

    def next_body(self) -> Optional[bytes]:
        """The next resource's bytes; None at the end."""
        error = ctypes.c_void_p()
        status = library().fhirstore_search_next(self._use(), ctypes.byref(error))
        self._outer._raise_pending(error)
        if status == _abi.FHIRSTORE_DONE:
            return None
        if status < _abi.FHIRSTORE_OK:
            raise take_error(status, error)
        length = ctypes.c_size_t()
        body = library().fhirstore_search_body(self._address, ctypes.byref(length))
        return ctypes.string_at(body, length.value)

    def __iter__(self) -> Iterator[dict]:
        return self

    def __next__(self) -> dict:
        body = None if self.closed else self.next_body()
        if body is None:
            self.close()
            raise StopIteration
        return json.loads(body)


class Import(Handle):
    """Files of FHIR JSON, NDJSON or Bundles into the store; what is refused goes to a callback."""

    _close_name = "fhirstore_import_close"

    def __init__(self, address, outer, keep):
        super().__init__(address, outer)
        self._keep = keep

    def _call(self, function, *arguments) -> None:
        error = ctypes.c_void_p()
        status = function(self._use(), *arguments, ctypes.byref(error))
        self._outer._raise_pending(error)
        if status < _abi.FHIRSTORE_OK:
            raise take_error(status, error)

    def add(self, name: str, document: Body, line: int = 0) -> None:
        """One resource or Bundle; `name` and `line` are what a refusal calls it."""
        text = body_bytes(document)
        self._call(library().fhirstore_import_add, encoded(name), line, text, len(text))

    def add_ndjson(self, name: str, lines: Iterable[Body]) -> None:
        """A resource a line: an open file, say."""
        for number, line in enumerate(lines, 1):
            text = body_bytes(line)
            if text.strip():
                self.add(name, text, number)

    def finish(self) -> dict[str, int]:
        """Commit what is left, and tell how many resources were stored, unchanged and refused."""
        totals = _abi.fhirstore_import_totals(struct_size=ctypes.sizeof(_abi.fhirstore_import_totals))
        self._call(library().fhirstore_import_finish, ctypes.byref(totals))
        return {name: getattr(totals, name) for name, _ in totals._fields_
                if name != "struct_size" and not name.startswith("reserved")}


class Session(Handle):
    """Who asks. One thread at a time."""

    _close_name = "fhirstore_session_close"

    # ---- calls ----

    def _raise_pending(self, error: ctypes.c_void_p) -> None:
        """An exception that a callback raised comes out of the call that it was raised in."""
        store = self._outer
        pending = store._take_pending() if store is not None and store._has_callbacks else None
        if pending is not None:
            library().fhirstore_error_free(error)
            raise pending

    def _answer(self, function, *arguments) -> Response:
        response, error = ctypes.c_void_p(), ctypes.c_void_p()
        status = function(self._use(), *arguments, response, error)
        answer = Response(status, response)
        self._raise_pending(error)  # an answer of 403 may be what came of it
        if status < 0:
            raise take_error(status, error)
        return answer

    # ---- resources ----

    def create(self, resource: Body, if_none_exist: Optional[str] = None) -> Response:
        """Store a new resource under an id of the store's choice; or, with a condition, unless there is one."""
        body = body_bytes(resource)
        kind = encoded(_type_of(resource))
        if if_none_exist is None:
            return self._answer(library().fhirstore_create, kind, len(kind), body, len(body))
        condition = encoded(if_none_exist)
        return self._answer(library().fhirstore_create_if_none, kind, len(kind), condition, len(condition), body, len(body))

    def read(self, kind: str, id: str) -> Response:
        """The current version. NotFound, Gone."""
        kind, id = kind.encode(), id.encode()
        return self._answer(library().fhirstore_read, kind, len(kind), id, len(id))

    def get(self, kind: str, id: str) -> dict:
        """The current version as a dict."""
        return self.read(kind, id).json()

    def vread(self, kind: str, id: str, version: int) -> Response:
        kind, id = encoded(kind), encoded(id)
        return self._answer(library().fhirstore_vread, kind, len(kind), id, len(id), version)

    def update(self, resource: Body, if_match: Optional[int] = None) -> Response:
        """Store a resource under its own id; with if_match only if that is the current version."""
        body = body_bytes(resource)
        known = resource if isinstance(resource, Mapping) else json.loads(body)
        kind, id = encoded(known.get("resourceType")), encoded(known.get("id"))
        options = _write_options(if_match)
        return self._answer(library().fhirstore_update, kind, len(kind), id, len(id), body, len(body), options)

    def delete(self, kind: str, id: str, if_match: Optional[int] = None) -> Response:
        kind, id = encoded(kind), encoded(id)
        return self._answer(library().fhirstore_delete, kind, len(kind), id, len(id), _write_options(if_match))

    def history(self, kind: str = "", id: str = "", query: str = "") -> dict:
        """A history Bundle: of a resource, a type, or the store."""
        kind, id, query = encoded(kind), encoded(id), encoded(query)
        return self._answer(library().fhirstore_history, kind, len(kind), id, len(id), query, len(query)).json()

    # ---- search ----

    def search(self, kind: str, query: str = "") -> Search:
        """An iterator over all matches."""
        cursor, error = ctypes.c_void_p(), ctypes.c_void_p()
        kind, query = encoded(kind), encoded(query)
        status = library().fhirstore_search_open(self._use(), kind, len(kind), query, len(query), ctypes.byref(cursor),
                                                 ctypes.byref(error))
        self._raise_pending(error)
        if status < _abi.FHIRSTORE_OK:
            raise take_error(status, error)
        return Search(cursor.value, self)

    def count(self, kind: str, query: str = "") -> int:
        count, error = ctypes.c_int64(), ctypes.c_void_p()
        kind, query = encoded(kind), encoded(query)
        status = library().fhirstore_search_count(self._use(), kind, len(kind), query, len(query), ctypes.byref(count),
                                                  ctypes.byref(error))
        self._raise_pending(error)
        if status < _abi.FHIRSTORE_OK:
            raise take_error(status, error)
        return count.value

    def page(self, kind: str, query: str = "") -> dict:
        """A searchset Bundle: one page."""
        kind, query = encoded(kind), encoded(query)
        return self._answer(library().fhirstore_search_page, kind, len(kind), query, len(query)).json()

    # ---- the REST API ----

    def request(self, method: str, url: str, body: Optional[Body] = None, headers: Optional[Mapping[str, str]] = None,
                check: bool = False) -> Response:
        """Any request of FHIR's REST API. With check an answer of 400 and above is an exception."""
        method_text, url_text = encoded(method), encoded(url)
        data = b"" if body is None else body_bytes(body)
        items = [(encoded(name), encoded(value)) for name, value in (headers or {}).items()]
        array = (_abi.fhirstore_header * max(len(items), 1))()
        for place, (name, value) in zip(array, items):
            place.name, place.name_len, place.value, place.value_len = name, len(name), value, len(value)
        answer = self._answer(library().fhirstore_request, method_text, len(method_text), url_text, len(url_text), array,
                              len(items), data, len(data))
        if check and answer.http >= 400:
            raise outcome_error(answer.http, answer.json() or {})
        return answer

    def transaction(self, entries: Iterable[Mapping[str, Any]], kind: str = "transaction") -> dict:
        """A transaction (or batch) of Bundle entries. All or nothing, and then an exception."""
        bundle = {"resourceType": "Bundle", "type": kind, "entry": list(entries)}
        return self.request("POST", "", bundle, check=True).json()

    def patch(self, kind: str, id: str, operations: list, if_match: Optional[int] = None) -> Response:
        """A JSON Patch (RFC 6902)."""
        headers = {"Content-Type": "application/json-patch+json"}
        if if_match is not None:
            headers["If-Match"] = f'W/"{if_match}"'
        return self.request("PATCH", f"{kind}/{id}", json.dumps(operations).encode(), headers, check=True)

    # ---- bulk ----

    def importer(self, refused: Optional[Callable[[str, int, FhirStoreError], None]] = None) -> Import:
        """Take in many resources in few transactions. `refused` is told file, line and reason."""
        store = self._outer

        def tell(_, name, line, __, error):
            message = text_at(library().fhirstore_error_message(error))
            if refused is not None:
                store._guard(refused, name.decode() if name else "", line,
                             FhirStoreError(library().fhirstore_error_status(error), message))

        options = _abi.fhirstore_import_options()
        library().fhirstore_import_options_init(ctypes.byref(options), ctypes.sizeof(options))
        callback = _abi.fhirstore_import_refused_fn(tell)
        options.refused = callback
        address, error = ctypes.c_void_p(), ctypes.c_void_p()
        status = library().fhirstore_import_open(self._use(), ctypes.byref(options), ctypes.byref(address),
                                                 ctypes.byref(error))
        if status < _abi.FHIRSTORE_OK:
            raise take_error(status, error)
        return Import(address.value, self, callback)

    def export(self, take: Callable[[str, bytes], None], kind: str = "") -> int:
        """Hand every resource (of a type) to `take` as type and bytes; how many there were."""
        store = self._outer

        def hand_over(_, kind, body, length):
            done = store._guard(take, kind.decode(), ctypes.string_at(body, length))
            return _abi.FHIRSTORE_OK if done is not store.FAILED else _abi.FHIRSTORE_ERR_CANCELLED

        options = _abi.fhirstore_export_options()
        library().fhirstore_export_options_init(ctypes.byref(options), ctypes.sizeof(options))
        name = encoded(kind)
        options.type, options.type_len = name or None, len(name)
        count, error = ctypes.c_int64(), ctypes.c_void_p()
        callback = _abi.fhirstore_export_fn(hand_over)
        status = library().fhirstore_export(self._use(), ctypes.byref(options), callback, None, ctypes.byref(count),
                                            ctypes.byref(error))
        self._raise_pending(error)
        if status < _abi.FHIRSTORE_OK:
            raise take_error(status, error)
        return count.value

    def audit(self, first: int = 1, most: int = 1000) -> list[dict]:
        """Records of the store's journal, from number `first`."""
        buffer, following, error = _abi.fhirstore_buf(), ctypes.c_int64(), ctypes.c_void_p()
        status = library().fhirstore_journal_read(self._use(), first, most, ctypes.byref(buffer),
                                                  ctypes.byref(following), ctypes.byref(error))
        if status < _abi.FHIRSTORE_OK:
            raise take_error(status, error)
        return [json.loads(line) for line in take_buffer(buffer).splitlines() if line]

    # ---- what is for good ----

    def shred(self, id: str, later: bool = False) -> dict:
        """
        Destroy a patient's key and remove what belongs to that patient alone: {"resources", "versions",
        "stillNamedBy", "tidy"}. With `later` writing the file anew is left to Store.maintain().
        """
        buffer, error = _abi.fhirstore_buf(), ctypes.c_void_p()
        name = encoded(id)
        status = library().fhirstore_shred_patient(self._use(), name, len(name), _abi.FHIRSTORE_SHRED_LATER * later,
                                                   ctypes.byref(buffer), ctypes.byref(error))
        self._raise_pending(error)
        if status < _abi.FHIRSTORE_OK:
            raise take_error(status, error)
        return json.loads(take_buffer(buffer))

    def repair(self) -> list[tuple[str, str]]:
        """
        Verify the store and make anew what can be made of what is stored: (area, text) of each finding, then
        ("repaired", text) of what was mended and ("left", text) of what was not. Nothing if all is sound.
        """
        findings: list[tuple[str, str]] = []
        callback = _abi.fhirstore_finding_fn(
            lambda _, area, text: findings.append((area.decode(), text.decode())))
        error = ctypes.c_void_p()
        status = library().fhirstore_repair(self._use(), callback, None, None, ctypes.byref(error))
        self._raise_pending(error)
        if status < _abi.FHIRSTORE_OK and status != _abi.FHIRSTORE_ERR_CORRUPT:
            raise take_error(status, error)
        library().fhirstore_error_free(error)
        return [finding for finding in findings if finding[0] != "notice"]

    def cancel(self) -> None:
        """Stop what the session does, from any thread."""
        library().fhirstore_session_cancel(self._use())


def _type_of(resource: Body) -> str:
    known = resource if isinstance(resource, Mapping) else json.loads(body_bytes(resource))
    return known.get("resourceType") or "" if isinstance(known, Mapping) else ""


def _write_options(if_match: Optional[int]):
    if if_match is None:
        return None
    options = _abi.fhirstore_write_options()
    library().fhirstore_write_options_init(ctypes.byref(options), ctypes.sizeof(options))
    options.if_version = if_match
    return ctypes.byref(options)
