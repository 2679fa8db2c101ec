"""The systemd unit of deploy/: what it says, and as much of its sandbox as can be had without systemd.

The sandbox is made by unshare, mount, setpriv and libseccomp, from the unit's own lines: a read-only file system, a
/tmp of its own, no homes, no capabilities, no new privileges, another user, and the filters of system calls, address
families and namespaces. What hides devices, kernel settings and other processes is systemd's alone.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "ccproxy-trio.service"
USER = 61184
"""The first of those that DynamicUser takes."""

_HIDDEN = ("/tmp", "/var/tmp", "/home", "/root")


def read_unit() -> dict[str, list[str]]:
    """The settings of [Service], each with its values in order."""
    settings: dict[str, list[str]] = {}
    section = ""
    for line in UNIT.read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings.setdefault(name, []).append(value)
    return settings


def run_analyze(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze; a test that needs it fails without it."""
    try:
        return subprocess.run(
            ["systemd-analyze", *argv], capture_output=True, text=True, check=False, timeout=30
        )
    except FileNotFoundError:
        pytest.fail("systemd-analyze is not installed: apt-get install systemd", pytrace=False)


def allowed_calls() -> list[str]:
    """What the lines of SystemCallFilter leave, one by one as systemd reads them."""
    allowed: set[str] = set()
    for value in read_unit()["SystemCallFilter"]:
        names = set(_expand(value.removeprefix("~").split()))
        allowed = allowed - names if value.startswith("~") else allowed | names
    return sorted(allowed)


def _expand(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        if name.startswith("@"):
            lines = run_analyze("syscall-filter", name).stdout.splitlines()[1:]
            yield from _expand(line.strip() for line in lines if line.strip()[:1] not in {"", "#"})
        else:
            yield name


def in_sandbox(
    command: Sequence[str], needed: Iterable[Path], placed: Mapping[Path, Path] = MappingProxyType({})
) -> list[str]:
    """The command line by which a command runs in the unit's sandbox.

    `needed` is what it must see, beside this Python, of the folders that are hidden; each folder of `placed` is
    another one there.
    """
    unit = read_unit()
    assert unit["ProtectSystem"] == ["strict"]
    for name in ("ProtectHome", "PrivateTmp", "NoNewPrivileges", "DynamicUser", "RestrictNamespaces"):
        assert unit[name] == ["yes"]
    assert unit["CapabilityBoundingSet"] == [""]
    assert unit["UnsetEnvironment"] == ["HOME"]
    families = [getattr(socket, name) for name in unit["RestrictAddressFamilies"][0].split()]
    rules = json.dumps({"allow": allowed_calls(), "families": families})
    python = [Path(path) for path in (sys.prefix, sys.base_prefix, *sys.path)]
    seen = {ROOT, *python, *needed}
    privileged = os.geteuid() == 0
    user = ["--reuid", str(USER), "--regid", str(USER), "--clear-groups"] if privileged else []
    command = ["/usr/bin/env", "-u", "HOME", "-u", "TMPDIR", *command]
    confined = [sys.executable, str(ROOT / "tests" / "deploy" / "confine.py"), rules, *command]
    setpriv = ["setpriv", *user, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", *confined]
    mounts = [
        *(f"mount --bind {shlex.quote(str(there))} {folder}" for folder, there in placed.items()),
        *_mounts(sorted(filter(Path.is_dir, seen))),
    ]
    script = "\n".join(["set -e", *mounts, "cd /", f"exec {shlex.join(setpriv)}"])
    return ["unshare", "--mount", *([] if privileged else ["--map-root-user"]), "sh", "-c", script]


def _mounts(seen: Sequence[Path]) -> list[str]:
    # Anything may be below what is hidden, so it is put aside first, in a file system that is only ours.
    lines = ["mount -t tmpfs tmpfs /mnt"]
    hidden = [path for path in seen if str(path).startswith(tuple(f"{each}/" for each in _HIDDEN))]
    for number, path in enumerate(hidden):
        lines += [f"mkdir /mnt/{number}", f"mount --bind {shlex.quote(str(path))} /mnt/{number}"]
    lines += [f"mount -t tmpfs -o mode=755 tmpfs {folder}" for folder in ("/home", "/root")]
    lines += [f"mount -t tmpfs -o mode=1777 tmpfs {folder}" for folder in ("/tmp", "/var/tmp")]
    for number, path in enumerate(hidden):
        there = shlex.quote(str(path))
        lines += [
            f"mkdir -p {there}",
            f"mount --bind /mnt/{number} {there}",
            f"mount -o remount,bind,ro {there}",
        ]
    lines += [f"mount -o remount,bind,ro {folder}" for folder in ("/home", "/root", "/")]
    return lines
