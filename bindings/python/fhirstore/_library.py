# SPDX-License-Identifier: Apache-2.0
"""The shared library: where it is, and its functions with their types."""
import ctypes
import ctypes.util
import os
import pathlib

from . import _abi

_loaded = None


def _places():
    named = os.environ.get("FHIRSTORE_LIBRARY")
    if named:
        yield named
        return
    here = pathlib.Path(__file__).resolve().parent
    yield here / "libfhirstore.so.0"
    # In the tree: what ./dev build has made.
    yield here.parents[2] / "build" / "lib" / "libfhirstore.so.0"
    yield "libfhirstore.so.0"
    found = ctypes.util.find_library("fhirstore")
    if found:
        yield found


def library():
    """The library, loaded once. OSError if it is nowhere; FHIRSTORE_LIBRARY says where it is."""
    global _loaded
    if _loaded is not None:
        return _loaded
    reason = None
    for place in _places():
        try:
            found = ctypes.CDLL(str(place))
            break
        except OSError as error:
            reason = reason or error
    else:
        raise OSError(f"libfhirstore cannot be loaded; FHIRSTORE_LIBRARY names its path ({reason})")
    for name, (result, parameters) in _abi.FUNCTIONS.items():
        function = getattr(found, name, None)
        if function is None:
            continue  # a library that was built without it
        function.restype = result
        function.argtypes = parameters
    _loaded = found
    return found
