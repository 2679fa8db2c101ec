"""The Dockerfile of deploy/, carried out without Docker: its very commands, where it says, in a mount namespace.

Its stages end in one folder, which is /opt for as long as a command runs; so nothing may be copied from elsewhere.
The base image's part is played by this machine and by the Python that runs the tests.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

from tests.deploy.unit import ROOT, in_sandbox

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
OPT = Path("/opt")

_INSTALLERS = ("PIP_*", "SSL_CERT*", "REQUESTS_CA*", "http*_proxy", "HTTP*_PROXY", "no_proxy", "NO_PROXY")


def read_stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage, its FROM first."""
    stages: list[list[tuple[str, str]]] = []
    for line in DOCKERFILE.read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            if name == "FROM":
                stages.append([])
            stages[-1].append((name, rest))
    return stages


def last_stage(name: str) -> str:
    """What the only instruction of this name says there."""
    (found,) = [rest for each, rest in read_stages()[-1] if each == name]
    return found


def variables() -> dict[str, str]:
    """What ENV sets in the last stage."""
    return dict(each.split("=", 1) for each in shlex.split(last_stage("ENV")))


def health_check() -> list[str]:
    """The command of HEALTHCHECK."""
    command: list[str] = json.loads(last_stage("HEALTHCHECK").partition(" CMD ")[2])
    return command


def command() -> list[str]:
    """What a container runs."""
    return [*json.loads(last_stage("ENTRYPOINT")), *json.loads(last_stage("CMD"))]


def build(opt: Path, *, alone: bool) -> None:
    """Carry out the first stage. If not `alone`, what the wheel needs is lent by this Python, and not installed."""
    environment = {
        "PATH": f"{sys.base_prefix}/bin:{os.defpath}",
        "HOME": str(opt),
        **{name: value for name, value in os.environ.items() if _is_for_installers(name)},
    }
    working = OPT
    for name, rest in read_stages()[0][1:]:
        if name == "WORKDIR":
            working = Path(rest)
            _inside(opt, working).mkdir(parents=True)
        elif name == "COPY":
            *sources, target = rest.split()
            _copy(sources, _inside(opt, working) / target)
        else:
            assert name == "RUN", name
            if " install " in rest and not alone:
                environment["PIP_NO_DEPS"] = "1"
            script = f"mount --bind {shlex.quote(str(opt))} /opt && cd {working} && {rest}"
            subprocess.run([*_unshare(), "sh", "-c", script], check=True, env=environment)
    if not alone:
        (packages,) = opt.glob("ccproxy-trio/lib/python3*/site-packages")
        lent = [path for path in sys.path if path.endswith("site-packages")]
        # Its own come first.
        (packages / "lent.pth").write_text("".join(f"{path}\n" for path in lent))


def in_container(opt: Path, argv: list[str]) -> list[str]:
    """The command line that runs a command on what was built, as a user who may write nowhere but to /tmp."""
    return in_sandbox(argv, [], {OPT: opt})


def _is_for_installers(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in _INSTALLERS)


def _unshare() -> list[str]:
    return ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]


def _inside(opt: Path, path: Path) -> Path:
    return opt / path.relative_to(OPT)


def _copy(sources: list[str], target: Path) -> None:
    for source in sources:
        assert not is_ignored(source), source
        if (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, target, symlinks=True, ignore=ignored)
        else:
            shutil.copy(ROOT / source, target)


def is_ignored(path: str) -> bool:
    """Whether .dockerignore keeps this from the builder; its last line that matches counts."""
    ignored = False
    for line in DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and _matches(path, pattern):
            ignored = not line.startswith("!")
    return ignored


def _matches(path: str, pattern: str) -> bool:
    parts = path.split("/")
    if pattern.startswith("**/"):
        return any(fnmatchcase(part, pattern[3:]) for part in parts)
    return fnmatchcase(parts[0], pattern)
