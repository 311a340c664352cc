"""Checks what a night needs, and says what to do about what is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from foretaste.core.errors import ForetasteError
from foretaste.core.keys import key_folder
from foretaste.core.release import releases
from foretaste.core.workspace import Workspace
from foretaste.views import audit
from foretaste.views.schedule import Finding, examine_schedule
from foretaste.views.status import holder

State = Literal["pass", "warn", "fail"]

_LEAST_GIT: Final = (2, 34)
_LEAST_PYTHON: Final = (3, 11)
_ROOM: Final = 2 * 10**9
"""Bytes of disk below which a night may not fit."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    state
        ``pass``, ``warn`` (a night runs, something else does not) or ``fail``.
    found
        What is there.
    hint
        What to do, "" where nothing is to do.
    """

    name: str
    state: State
    found: str
    hint: str


def examine(root: Path) -> list[Check]:
    """Look at everything that a night needs; a fault of one check stops no other."""
    checks = [_check("python", _python), _check("git", _git), _check("ssh-keygen", _ssh_keygen)]
    try:
        workspace = Workspace.open(root)
    except ForetasteError as error:
        checks.append(Check("workspace", "fail", error.message, error.hint))
    else:
        checks += _of_workspace(workspace)
    return [*checks, _check("schedule", examine_schedule)]


def _of_workspace(workspace: Workspace) -> Iterator[Check]:
    yield Check("workspace", "pass", f"{workspace.id} in {workspace.root}", "")
    for name, look in (
        ("key", _key),
        ("policy", _policy),
        ("landing", _landing),
        ("remote", _remote),
        ("releases", _releases),
        ("ledger", _ledger),
        ("disk", _disk),
        ("lock", _lock),
    ):
        yield _check(name, lambda look=look: look(workspace))  # type: ignore[misc]


def _check(name: str, look: Callable[[], Finding]) -> Check:
    try:
        state, found, hint = look()
    except ForetasteError as error:
        return Check(name, "fail", error.message, error.hint)
    except OSError as error:
        return Check(name, "fail", error.strerror or str(error), "check the permissions")
    return Check(name, _state(state), found, hint)


def _state(text: str) -> State:
    return "pass" if text == "pass" else "warn" if text == "warn" else "fail"


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info[:2] >= _LEAST_PYTHON
    return ("pass", version, "") if good else ("fail", version, "use Python 3.11 or newer")


def _git() -> Finding:
    if shutil.which("git") is None:
        return "fail", "not installed", "install git 2.34 or newer"
    said = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:2])
    good = version >= _LEAST_GIT
    return "pass" if good else "fail", said.strip(), "" if good else "upgrade to git 2.34 or newer"


def _ssh_keygen() -> Finding:
    path = shutil.which("ssh-keygen")
    hint = "install openssh-client: releases are signed with it"
    return ("pass", path, "") if path else ("fail", "not installed", hint)


def _key(workspace: Workspace) -> Finding:
    path = key_folder() / f"{workspace.id}.key"
    if path.stat().st_mode & 0o077:
        return "warn", f"{path} can be read by others", f"chmod 600 {path}"
    return "pass", str(path), "keep a copy elsewhere: without it no night can be computed again"


def _policy(workspace: Workspace) -> Finding:
    return "pass", f"params.yaml, digest {workspace.policy.digest()[:12]}", ""


def _landing(workspace: Workspace) -> Finding:
    from foretaste.intake import discover

    files = discover(workspace.policy.ingest.source, workspace.root)
    unreadable = [file.name for file in files if not file.sha256]
    if unreadable:
        return "warn", f"{len(unreadable)} landed files cannot be read", "check their permissions"
    return "pass", f"{len(files)} files in {workspace.policy.ingest.source}", ""


def _remote(workspace: Workspace) -> Finding:
    url = workspace.store.remote()
    if "://" not in url:
        usable = Path(url).is_dir() and os.access(url, os.R_OK | os.W_OK)
        hint = "mount it, or make the folder"
        return ("pass", url, "") if usable else ("fail", f"{url} cannot be written", hint)
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(url)
        system.exists(path)
    except Exception as error:  # noqa: BLE001 -- every fsspec backend raises its own
        hint = "check network and credentials; `dvc push` asks with DVC's own settings"
        return "warn", f"the remote does not answer ({type(error).__name__})", hint
    return "pass", "the remote answers", ""


def _releases(workspace: Workspace) -> Finding:
    known = releases(workspace)
    return "pass", f"{len(known)} published", "" if not known else "`foretaste show --verify`"


def _ledger(workspace: Workspace) -> Finding:
    """Check the audit log against the heads that signed releases wrote down."""
    with workspace.ledger() as ledger:
        found = audit.check(workspace, ledger)
    words = f"audit: {found.words()}"
    return ("pass", words, "") if found.whole else ("fail", words, "restore the ledger")


def _disk(workspace: Workspace) -> Finding:
    free = shutil.disk_usage(workspace.root).free
    told = f"{free / 1e9:.1f} GB free"
    return ("pass", told, "") if free >= _ROOM else ("warn", told, "a night may need more")


def _lock(workspace: Workspace) -> Finding:
    held = holder(workspace.layout)
    return ("warn", f"held by {held}", "wait until it ends") if held else ("pass", "free", "")
