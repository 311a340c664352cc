"""The workspace: the folder that holds a user's data, its own git and DVC repository."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from foretaste.core.dvc_store import DvcStore
from foretaste.core.errors import WorkspaceError
from foretaste.core.files import atomic_write, canonical_json
from foretaste.core.git import BRANCH, Git
from foretaste.core.keys import WorkspaceKey, create_key, key_folder, load_key
from foretaste.core.layout import Layout
from foretaste.core.lock import workspace_lock
from foretaste.core.policy import Policy, load_policy
from foretaste.core.signatures import allowed_signers, ssh_key_file

if TYPE_CHECKING:
    from foretaste.core.ledger import Ledger

MARKER: Final = ".foretaste.json"
SIGNERS: Final = ".allowed_signers"
LEDGER: Final = "FORETASTE_LEDGER"
"""Variable with the ledger's address: it may hold a password, so no file of ours names it."""

TRACKED: Final = (
    "data/contributions",
    "data/accepted",
    "data/state",
    "data/golden",
    "data/canaries",
    "models",
)
"""Folders that DVC tracks by ``dvc add``."""

# Folders of DVC are named here, so that it has no .gitignore of its own to write.
_IGNORED: Final = (
    *(f"/{folder}" for folder in TRACKED),
    "/data/night",
    "/data/runs",
    "/data/traffic",
    "/landing",
    "/reports",
    "/ledger.sqlite*",
    "/originals.sqlite*",
    "/.foretaste.lock",
    "/.foretaste.journal",
    ".*.tmp",
    # Whatever the user's own excludes say: DVC refuses pointers that git ignores.
    "!*.dvc",
    "!/dvc.lock",
    "!/dvc.yaml",
)
_EMPTY: Final = ("landing", "data/traffic", "data/runs", "reports", *TRACKED)
_FORMAT: Final = 1


@dataclass(frozen=True)
class Workspace:
    """An open workspace.

    Parameters
    ----------
    root
        Its folder, absolute.
    id
        Its name for life: 16 hex digits.
    key
        Its secret key.
    """

    root: Path
    id: str
    key: WorkspaceKey

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """Open the workspace in a folder.

        Raises
        ------
        WorkspaceError
            If the folder is no workspace, was made by a newer foretaste, or its key is
            missing.
        """
        root = root.resolve()
        found = _read_marker(root)
        if found is None or not Git(root).head():
            raise WorkspaceError(
                f"{root} is not a foretaste workspace", hint="run `foretaste init DIR` first"
            )
        return cls(root, found, load_key(found))

    @property
    def layout(self) -> Layout:
        """Where everything lies."""
        return Layout(self.root)

    @property
    def git(self) -> Git:
        """The workspace's git."""
        return Git(self.root)

    @property
    def store(self) -> DvcStore:
        """The workspace's DVC."""
        return DvcStore(self.root)

    @cached_property
    def policy(self) -> Policy:
        """The policy as it was when first asked for; a run keeps what it started with."""
        return load_policy(self.layout.params)

    def ledger(self) -> Ledger:
        """Open the ledger: the database that ``FORETASTE_LEDGER`` names, else the workspace's."""
        from foretaste.core.ledger import Ledger

        return Ledger.open(os.environ.get(LEDGER) or self.layout.ledger)

    def recover(self, *, checkpoint: Callable[[str], None] = lambda _: None) -> tuple[str, ...]:
        """Finish or undo what a dead run left; see ``foretaste.core.recovery.recover``."""
        from foretaste.core.recovery import recover

        return recover(self, checkpoint=checkpoint)


def init_workspace(root: Path, *, template: Path, remote: str | None = None) -> Workspace:
    """Make a workspace; the same call again gives the one that is there.

    Parameters
    ----------
    root
        An empty or missing folder.
    template
        Folder with the ``params.yaml`` and ``dvc.yaml`` to start from.
    remote
        URL or folder that DVC pushes to; default: the policy's, else ``<root>.remote``.

    Raises
    ------
    WorkspaceError
        If the folder holds something that is not ours.
    """
    root = root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    workspace_id = _read_marker(root)
    if workspace_id is None:
        if any(root.iterdir()):
            raise WorkspaceError(
                f"{root} is not empty and not a foretaste workspace",
                hint="give an empty folder, or one that does not exist yet",
            )
        workspace_id = secrets.token_hex(8)
        marker = canonical_json({"workspace": workspace_id, "format": _FORMAT})
        atomic_write(root / MARKER, marker)
    if Git(root).head():
        return Workspace.open(root)
    # Every step below may be repeated: a killed init is finished by the next one.
    has_key = (key_folder() / f"{workspace_id}.key").exists()
    key = load_key(workspace_id) if has_key else create_key(workspace_id)
    workspace = Workspace(root, workspace_id, key)
    with workspace_lock(workspace.layout, "foretaste init"):
        _fill(workspace, template)
        _version(workspace, remote)
    return workspace


def _fill(workspace: Workspace, template: Path) -> None:
    root = workspace.root
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copyfile(template / name, root / name)
    for folder in _EMPTY:
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / ".gitignore").write_text("\n".join(_IGNORED) + "\n", encoding="utf-8")
    (root / SIGNERS).write_bytes(allowed_signers(workspace.key))
    ssh_key_file(workspace.id, workspace.key)


def _version(workspace: Workspace, remote: str | None) -> None:
    root, git, store = workspace.root, workspace.git, workspace.store
    git.run("init", "--quiet", f"--initial-branch={BRANCH}", ".")
    url = remote_url(root, remote or workspace.policy.release.remote)
    if "://" not in url:
        Path(url).mkdir(parents=True, exist_ok=True)
    store.initialise(url)
    # Empty folders are tracked too: every later state can be undone to this one.
    for folder in TRACKED:
        store.add(folder)
    git.run("add", "--force", "--", *_first_files())
    git.run("commit", "--quiet", "--message", f"Make the workspace {workspace.id}")


def remote_url(root: Path, remote: str | None) -> str:
    """Give a DVC remote's URL or absolute folder; None: the folder beside the workspace."""
    if remote is not None and "://" in remote:
        return remote
    # A relative folder is relative to the workspace, wherever the command was called.
    folder = root / remote if remote else root.with_name(f"{root.name}.remote")
    return str(folder.resolve())


def _first_files() -> list[str]:
    pointers = [f"{folder}.dvc" for folder in TRACKED]
    ours = [MARKER, SIGNERS, ".gitignore", "params.yaml", "dvc.yaml"]
    return [*ours, ".dvcignore", ".dvc/config", ".dvc/.gitignore", *pointers]


def _read_marker(root: Path) -> str | None:
    try:
        found = json.loads((root / MARKER).read_text(encoding="utf-8"))
        known = int(found["format"]) <= _FORMAT
        workspace_id = str(found["workspace"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError):
        raise WorkspaceError(
            f"{root / MARKER} is damaged", hint=f"restore it: git checkout -- {MARKER}"
        ) from None
    if not known:
        raise WorkspaceError(
            f"{root} was made by a newer foretaste", hint="upgrade foretaste to open it"
        )
    return workspace_id
