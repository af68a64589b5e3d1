# SPDX-License-Identifier: Apache-2.0
"""FHIR resources in one encrypted SQLite file.

    import fhirstore

    with fhirstore.Store("clinic.fhirstore", key=key, create=True) as store:
        with store.session(everything=True) as session:
            patient = session.create({"resourceType": "Patient", "active": True})
            for observation in session.search("Observation", "code=8867-4"):
                print(observation["valueQuantity"])

An error of the library is a FhirStoreError, which carries the OperationOutcome. The C interface as it is:
fhirstore.abi (numbers and structs) and fhirstore.library().
"""
from . import _abi as abi
from ._library import library
from .errors import (Conflict, Denied, FhirStoreError, Gone, Invalid, NotFound, PreconditionFailed)
from .session import Import, Response, Search, Session
from .store import AccessRequest, AuditEvent, Decision, Store, fhirpath, version

__all__ = ["AccessRequest", "AuditEvent", "Conflict", "Decision", "Denied", "FhirStoreError", "Gone", "Import", "Invalid",
           "NotFound", "PreconditionFailed", "Response", "Search", "Session", "Store", "abi", "fhirpath", "library",
           "version"]
