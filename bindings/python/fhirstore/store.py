# SPDX-License-Identifier: Apache-2.0
"""One store, and who may do what in it."""
from __future__ import annotations

import ctypes
import json
import threading
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional

from . import _abi
from ._handle import Handle
from ._library import library
from .errors import take_buffer, take_error, text_at
from .session import Session, body_bytes, encoded

VERSIONS = {"R4": _abi.FHIRSTORE_FHIR_R4, "R4B": _abi.FHIRSTORE_FHIR_R4B, "R5": _abi.FHIRSTORE_FHIR_R5}
_VALIDATION = {"on": _abi.FHIRSTORE_VALIDATION_ON, "lenient": _abi.FHIRSTORE_VALIDATION_LENIENT,
               "off": _abi.FHIRSTORE_VALIDATION_OFF, "full": _abi.FHIRSTORE_VALIDATION_FULL}
_JOURNAL = {None: _abi.FHIRSTORE_JOURNAL_DEFAULT, "off": _abi.FHIRSTORE_JOURNAL_OFF,
            "batched": _abi.FHIRSTORE_JOURNAL_BATCHED, "strict": _abi.FHIRSTORE_JOURNAL_STRICT}


@dataclass
class AccessRequest:
    """Who asks for what. `action` is one of abi.FHIRSTORE_ACTION_*."""

    action: int
    principal: str
    purpose: str
    type: str
    id: str
    query: str
    claims: str


@dataclass
class Decision:
    """
    What an authorizer answers: Decision(True), Decision(False), or within searches of the type:
    Decision(True, within=["organization=1"], besides=["_security=R"], hide=["birthDate"], keep=["active"]).
    """

    allow: bool
    within: list[str] = field(default_factory=list)
    besides: list[str] = field(default_factory=list)
    hide: list[str] = field(default_factory=list)
    keep: list[str] = field(default_factory=list)


@dataclass
class AuditEvent:
    """What happened, or is about to (phase abi.FHIRSTORE_AUDIT_BEFORE). Never resource content."""

    phase: int
    action: int
    outcome: int
    time_us: int
    principal: str
    purpose: str
    request_id: str
    type: str
    id: str
    query: str
    count: int
    version_before: int
    version_after: int
    patients: list[str]
    resources: list[str]


def _text(struct: Any, name: str) -> str:
    value = getattr(struct, name)
    return value.decode() if value else ""


def _request_of(struct: Any) -> AccessRequest:
    return AccessRequest(struct.action, *(_text(struct, name) for name in
                                          ("principal", "purpose", "type", "id", "query", "claims")))


def _event_of(struct: Any) -> AuditEvent:
    texts = {name: _text(struct, name) for name in ("principal", "purpose", "request_id", "type", "id", "query")}
    return AuditEvent(phase=struct.phase, action=struct.action, outcome=struct.outcome, time_us=struct.time_us,
                      count=struct.count, version_before=struct.version_before, version_after=struct.version_after,
                      patients=_text(struct, "patients").split(), resources=_text(struct, "resources").split(), **texts)


class Store(Handle):
    """
    A store in one file. The key is 32 bytes, or a passphrase, or a function that is called with a key id
    and returns 32 bytes. Without any, `plaintext=True` has to be said. With `patient_keys` a new store gives each
    Patient a key of its own, and Session.shred() can destroy it.
    """

    _close_name = "fhirstore_close"
    FAILED = object()

    def __init__(self, path: str, *, key: Optional[bytes] = None, passphrase: Optional[str] = None,
                 key_callback: Optional[Callable[[str], bytes]] = None, key_id: str = "", plaintext: bool = False,
                 patient_keys: bool = False, create: bool = False, read_only: bool = False, multi_process: bool = False,
                 fhir: Optional[str] = None, base_url: str = "", clock: Optional[Callable[[], int]] = None,
                 validation: str = "on", journal: Optional[str] = None, cache_bytes: int = 0, max_readers: int = 0):
        self._local = threading.local()
        self._has_callbacks = True
        self._kept: dict[str, Any] = {}
        super().__init__(None)
        options = _abi.fhirstore_open_options()
        library().fhirstore_open_options_init(ctypes.byref(options), ctypes.sizeof(options))
        options.flags = (_abi.FHIRSTORE_OPEN_CREATE * create | _abi.FHIRSTORE_OPEN_READ_ONLY * read_only |
                         _abi.FHIRSTORE_OPEN_PLAINTEXT * plaintext | _abi.FHIRSTORE_OPEN_PATIENT_KEYS * patient_keys |
                         _abi.FHIRSTORE_OPEN_MULTI_PROCESS * multi_process)
        options.fhir_version = 0 if fhir is None else VERSIONS[fhir]
        options.validation, options.journal = _VALIDATION[validation], _JOURNAL[journal]
        options.cache_bytes, options.max_readers = cache_bytes, max_readers
        self._take_secrets(options, key, passphrase, key_callback, key_id)
        url = encoded(base_url)
        options.base_url, options.base_url_len = url or None, len(url)
        if clock is not None:
            options.clock = self._kept["clock"] = _abi.fhirstore_clock_fn(
                lambda _: self._number(self._guard(clock)))
        name, address, error = encoded(path), ctypes.c_void_p(), ctypes.c_void_p()
        status = library().fhirstore_open(name, len(name), ctypes.byref(options), ctypes.byref(address),
                                          ctypes.byref(error))
        pending = self._take_pending()
        if pending is not None:
            library().fhirstore_error_free(error)
            library().fhirstore_close(address)
            raise pending
        if status < _abi.FHIRSTORE_OK:
            raise take_error(status, error)
        self._has_callbacks = clock is not None or key_callback is not None
        self._address = address

    # ---- callbacks: what they raise comes out of the call on whose way they were ----

    def _guard(self, function, *arguments):
        try:
            return function(*arguments)
        except BaseException as error:  # KeyboardInterrupt as well: it must not unwind through C
            self._local.pending = error
            return Store.FAILED

    def _take_pending(self) -> Optional[BaseException]:
        pending = getattr(self._local, "pending", None)
        if pending is not None:
            self._local.pending = None
        return pending

    @staticmethod
    def _number(value: Any) -> int:
        return value if isinstance(value, int) else 0

    def _take_secrets(self, options, key, passphrase, key_callback, key_id) -> None:
        if key is not None:
            if not isinstance(key, (bytes, bytearray)):
                raise TypeError("a key is 32 bytes")
            self._kept["key"] = (ctypes.c_uint8 * max(len(key), 1)).from_buffer_copy(bytes(key) or b"\0")
            options.key = ctypes.cast(self._kept["key"], ctypes.POINTER(ctypes.c_uint8))
            options.key_len = len(key)
        if passphrase is not None:
            text = encoded(passphrase)
            options.passphrase, options.passphrase_len = text, len(text)
        if key_callback is not None:
            options.key_callback = self._kept["key_callback"] = _abi.fhirstore_key_fn(self._key_asker(key_callback))
            text = encoded(key_id)
            options.key_id, options.key_id_len = text, len(text)

    def _key_asker(self, key_callback):
        def ask(_, key_id, length, out):
            key = self._guard(key_callback, ctypes.string_at(key_id, length).decode())
            if not isinstance(key, (bytes, bytearray)) or len(key) != 32:
                return _abi.FHIRSTORE_ERR_KEY_MISSING
            ctypes.memmove(out, bytes(key), 32)
            return _abi.FHIRSTORE_OK
        return ask

    # ---- sessions ----

    def session(self, principal: str = "", *, everything: bool = False, claims: Optional[Mapping[str, Any]] = None,
                purpose: str = "", request_id: str = "", search_ms: int = 0) -> Session:
        """Somebody at work. `everything` skips the authorizer; `claims` is the principal's document."""
        options = _abi.fhirstore_session_options()
        library().fhirstore_session_options_init(ctypes.byref(options), ctypes.sizeof(options))
        options.flags = _abi.FHIRSTORE_SESSION_ALLOW_EVERYTHING if everything else 0
        texts = {"principal": encoded(principal), "purpose": encoded(purpose), "request_id": encoded(request_id),
                 "claims": b"" if claims is None else body_bytes(claims)}
        for name, text in texts.items():
            setattr(options, name, text or None)
            setattr(options, name + "_len", len(text))
        options.search_ms = search_ms
        address, error = ctypes.c_void_p(), ctypes.c_void_p()
        status = library().fhirstore_session_open(self._use(), ctypes.byref(options), ctypes.byref(address),
                                                  ctypes.byref(error))
        if status < _abi.FHIRSTORE_OK:
            raise take_error(status, error)
        return Session(address.value, self)

    # ---- access and audit ----

    def set_policy(self, document: Optional[Mapping[str, Any]] = None) -> None:
        """Roles from a document and SMART scopes; None: the roles that come with the library."""
        text = None if document is None else body_bytes(document)
        self._check(library().fhirstore_set_policy, text, 0 if text is None else len(text))

    def set_authorizer(self, decide: Optional[Callable[[AccessRequest], Any]]) -> None:
        """
        Be asked for each interaction and type: True, False or a Decision. Anything else, and an exception,
        denies; the exception comes out of the call that was denied.
        """
        if decide is None:
            self._check(library().fhirstore_set_authorizer, None)
            return

        def authorize(_, request, decision):
            answer = self._guard(decide, _request_of(request.contents))
            return _decide(answer, decision)

        authorizer = _abi.fhirstore_authorizer(struct_size=ctypes.sizeof(_abi.fhirstore_authorizer))
        authorizer.authorize = callback = _abi.fhirstore_authorize_fn(authorize)
        self._has_callbacks = True
        self._check(library().fhirstore_set_authorizer, ctypes.byref(authorizer))
        self._kept["authorizer"] = self._kept.get("authorizer", []) + [callback]  # calls under way may still use the old

    def set_audit_hook(self, record: Optional[Callable[[AuditEvent], None]],
                       before: Optional[Callable[[AuditEvent], None]] = None) -> None:
        """Be told of everything. An exception refuses or undoes what it is told of, and comes out of that call."""
        if record is None:
            self._check(library().fhirstore_set_audit_hook, None)
            return

        def told(listener):
            def tell(_, event):
                done = self._guard(listener, _event_of(event.contents))
                return _abi.FHIRSTORE_ERR_AUDIT_REFUSED if done is Store.FAILED else _abi.FHIRSTORE_OK
            return _abi.fhirstore_audit_fn(tell)

        hook = _abi.fhirstore_audit_hook(struct_size=ctypes.sizeof(_abi.fhirstore_audit_hook))
        callbacks = [told(record)]
        hook.record = callbacks[0]
        if before is not None:
            callbacks.append(told(before))
            hook.before = callbacks[1]
        self._has_callbacks = True
        self._check(library().fhirstore_set_audit_hook, ctypes.byref(hook))
        self._kept["hook"] = self._kept.get("hook", []) + callbacks

    # ---- the store ----

    def stats(self) -> dict:
        buffer = _abi.fhirstore_buf()
        self._check(library().fhirstore_stats, ctypes.byref(buffer))
        return json.loads(take_buffer(buffer))

    def keys(self) -> Any:
        """The key slots: numbers, kinds and labels, never keys."""
        buffer = _abi.fhirstore_buf()
        self._check(library().fhirstore_key_list, ctypes.byref(buffer))
        return json.loads(take_buffer(buffer))

    def verify(self) -> list[tuple[str, str]]:
        """What is wrong: (area, text); nothing if all is sound."""
        findings: list[tuple[str, str]] = []
        callback = _abi.fhirstore_finding_fn(
            lambda _, area, text: findings.append((area.decode(), text.decode())))
        error = ctypes.c_void_p()
        status = library().fhirstore_verify(self._use(), callback, None, None, ctypes.byref(error))
        if status < _abi.FHIRSTORE_OK and not findings:
            raise take_error(status, error)
        library().fhirstore_error_free(error)
        return [finding for finding in findings if finding[0] != "notice"]

    def maintain(self, max_resources: int = 0) -> bool:
        """Index and journal what is due; whether there is nothing left to do."""
        options = _abi.fhirstore_maintain_options()
        library().fhirstore_maintain_options_init(ctypes.byref(options), ctypes.sizeof(options))
        options.max_resources = max_resources
        return self._check(library().fhirstore_maintain, ctypes.byref(options)) == _abi.FHIRSTORE_DONE

    def _check(self, function, *arguments) -> int:
        error = ctypes.c_void_p()
        status = function(self._use(), *arguments, ctypes.byref(error))
        pending = self._take_pending() if self._has_callbacks else None
        if pending is not None:
            library().fhirstore_error_free(error)
            raise pending
        if status < _abi.FHIRSTORE_OK:
            raise take_error(status, error)
        return status


def _decide(answer: Any, decision: Any) -> int:
    if answer is True:
        decision.contents.answer = _abi.FHIRSTORE_ACCESS_ALLOW
    elif isinstance(answer, Decision) and answer.allow:
        calls = (("within", library().fhirstore_access_restrict), ("besides", library().fhirstore_access_except),
                 ("hide", library().fhirstore_access_hide), ("keep", library().fhirstore_access_keep))
        for name, function in calls:
            for text in getattr(answer, name):
                data = str(text).encode()
                if function(decision, data, len(data)) != _abi.FHIRSTORE_OK:
                    return _abi.FHIRSTORE_ERR_DENIED
        decision.contents.answer = (_abi.FHIRSTORE_ACCESS_RESTRICT if answer.within else _abi.FHIRSTORE_ACCESS_ALLOW)
    return _abi.FHIRSTORE_OK if answer is not Store.FAILED else _abi.FHIRSTORE_ERR_DENIED


def version() -> str:
    """The library's version."""
    return text_at(library().fhirstore_version())


def fhirpath(expression: str, resource: Any, fhir: str = "R4") -> list[dict]:
    """What a FHIRPath expression gives on a resource: [{"type": ..., "value": ...}]."""
    text, body = encoded(expression), body_bytes(resource)
    path, error = ctypes.c_void_p(), ctypes.c_void_p()
    options = _abi.fhirstore_fhirpath_options()
    library().fhirstore_fhirpath_options_init(ctypes.byref(options), ctypes.sizeof(options))
    status = library().fhirstore_fhirpath_compile(VERSIONS[fhir], None, 0, text, len(text), 0, ctypes.byref(path),
                                                  ctypes.byref(error))
    if status < _abi.FHIRSTORE_OK:
        raise take_error(status, error)
    buffer = _abi.fhirstore_buf()
    status = library().fhirstore_fhirpath_evaluate(path, body, len(body), ctypes.byref(options),
                                                   ctypes.byref(buffer), ctypes.byref(error))
    library().fhirstore_fhirpath_free(path)
    if status < _abi.FHIRSTORE_OK:
        raise take_error(status, error)
    return json.loads(take_buffer(buffer))
