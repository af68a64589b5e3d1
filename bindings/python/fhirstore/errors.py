# SPDX-License-Identifier: Apache-2.0
"""Errors of the library as exceptions."""
import ctypes
import json
from typing import Any, Optional

from . import _abi
from ._library import library


class FhirStoreError(Exception):
    """What went wrong: the status by number and name, the HTTP status, and the OperationOutcome."""

    def __init__(self, status: int, message: str, outcome: Optional[dict] = None):
        super().__init__(message)
        self.status = status
        self.name = text_at(library().fhirstore_status_name(status))
        self.http = library().fhirstore_status_http(status)
        self.outcome: dict[str, Any] = outcome or {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "error", "code": "exception", "diagnostics": message}]}


class NotFound(FhirStoreError):
    """404: there is no such resource, or it may not be seen."""


class Gone(NotFound):
    """410: the resource has been deleted."""


class Conflict(FhirStoreError):
    """409."""


class PreconditionFailed(FhirStoreError):
    """412: another version than If-Match says, or several matches of a condition."""


class Denied(FhirStoreError):
    """401 or 403: the principal may not do this."""


class Invalid(FhirStoreError):
    """400 or 422: the resource, query, patch or Bundle is not what it should be."""


_BY_HTTP = {400: Invalid, 401: Denied, 403: Denied, 404: NotFound, 409: Conflict, 410: Gone, 412: PreconditionFailed,
            422: Invalid}


def text_at(address: Optional[int]) -> str:
    """Text of the library's that ends in NUL."""
    return ctypes.string_at(address).decode() if address else ""


def take_error(status: int, error: ctypes.c_void_p) -> FhirStoreError:
    """The exception of a reason, which is freed."""
    lib = library()
    message = text_at(lib.fhirstore_error_message(error)) or text_at(lib.fhirstore_status_name(status))
    outcome = None
    buffer = _abi.fhirstore_buf()
    if error.value and lib.fhirstore_error_outcome(error, ctypes.byref(buffer)) == _abi.FHIRSTORE_OK:
        outcome = json.loads(take_buffer(buffer))
    lib.fhirstore_error_free(error)
    kind = _BY_HTTP.get(lib.fhirstore_status_http(status), FhirStoreError)
    return kind(status, message, outcome)


def take_buffer(buffer: _abi.fhirstore_buf) -> bytes:
    """The bytes of a buffer of the library's, which is emptied."""
    data = ctypes.string_at(buffer.ptr, buffer.len) if buffer.len else b""
    library().fhirstore_buf_clear(ctypes.byref(buffer))
    return data


def outcome_error(http: int, outcome: dict) -> FhirStoreError:
    """The exception of an answer that is an OperationOutcome."""
    issue = (outcome.get("issue") or [{}])[0]
    name = next((coding.get("code") for coding in issue.get("details", {}).get("coding", [])
                 if coding.get("system") == "urn:libfhirstore:status"), "")
    status = getattr(_abi, "FHIRSTORE_" + name, _abi.FHIRSTORE_ERR_INTERNAL)
    error = _BY_HTTP.get(http, FhirStoreError)(status, issue.get("diagnostics", ""), outcome)
    error.http = http
    return error
