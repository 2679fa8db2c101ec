"""Put this process under the system call filters of a unit, then become a command. Of the standard library alone.

    python confine.py '{"allow": ["read", ...], "families": [1, 2, 10]}' COMMAND...

Each filter is one of libseccomp, the library that systemd uses for them; they add up, as systemd's do.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import Any

_ALLOW = 0x7FFF0000
_EPERM = 0x00050000 | 1
_ENOSYS = 0x00050000 | 38
_EAFNOSUPPORT = 0x00050000 | 97
_LESS, _MASKED_EQUAL, _GREATER, _EQUAL = 2, 7, 6, 4
_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
_UNKNOWN = -1


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


class _Filter:
    def __init__(self, library: Any, default: int) -> None:
        self._library = library
        self._context = ctypes.c_void_p(library.seccomp_init(default))

    def add(self, action: int, name: str, *comparison: int) -> None:
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number != _UNKNOWN:
            given = (_Comparison * 1)(_Comparison(*comparison)) if comparison else None
            count = 1 if comparison else 0
            if self._library.seccomp_rule_add_array(self._context, action, number, count, given) != 0:
                raise OSError(f"no rule can be made for {name}")

    def load(self) -> None:
        if self._library.seccomp_load(self._context) != 0:
            raise OSError("the filter was not taken")


def _confine(allow: list[str], families: list[int]) -> None:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)
    ]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    more = _Filter(library, _ALLOW)
    families = sorted(families)
    more.add(_EAFNOSUPPORT, "socket", 0, _LESS, families[0], 0)
    more.add(_EAFNOSUPPORT, "socket", 0, _GREATER, families[-1], 0)
    for family in range(families[0], families[-1]):
        if family not in families:
            more.add(_EAFNOSUPPORT, "socket", 0, _EQUAL, family, 0)
    for flag in _NAMESPACES:
        more.add(_EPERM, "clone", 0, _MASKED_EQUAL, flag, flag)
    more.add(_ENOSYS, "clone3")  # its flags are out of a filter's sight; what gets this falls back on clone
    more.add(_EPERM, "unshare")
    more.add(_EPERM, "setns")
    more.load()
    calls = _Filter(library, _EPERM)
    for name in allow:
        calls.add(_ALLOW, name)
    calls.load()


if __name__ == "__main__":
    _confine(**json.loads(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
