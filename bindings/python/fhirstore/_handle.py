# SPDX-License-Identifier: Apache-2.0
"""Handles: closed once, in any order, and never used afterwards."""
import ctypes
import threading
import weakref

from ._library import library


class Handle:
    """
    A handle of the library's. What was opened through another handle holds it, so that nothing is freed
    too early; closing the outer one first closes what is inside of it.
    """

    _close_name = ""

    def __init__(self, address, outer=None):
        self._address = ctypes.c_void_p(address)
        self._lock = threading.Lock()
        self._outer = outer
        self._inner = weakref.WeakSet()
        if outer is not None:
            outer._inner.add(self)

    @property
    def closed(self) -> bool:
        return not self._address.value

    def _use(self):
        if not self._address.value:
            raise ValueError(f"this {type(self).__name__} is closed")
        return self._address

    def close(self) -> None:
        """Close it, and what was opened through it. Again is no error."""
        for inner in list(self._inner):
            inner.close()
        with self._lock:
            address, self._address = self._address, ctypes.c_void_p(None)
        if address.value:
            getattr(library(), self._close_name)(address)
        self._outer = None

    def __enter__(self):
        self._use()
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        try:
            if getattr(self, "_address", None) is not None and self._address.value:
                self.close()
        except Exception:  # the interpreter may be half gone
            pass
