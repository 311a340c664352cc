"""What DVC does for a workspace; the one module that imports dvc.

DVC resolves relative targets against the working directory, so every target given to
it here is absolute. Its digests are MD5 and its cache is trusted by size and time:
callers check our own SHA-256 of whatever comes out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from foretaste.core.errors import ForetasteError, Locked, Tampered, Unavailable, WorkspaceError
from foretaste.core.files import is_disk_full

REMOTE: Final = "store"


@dataclass(frozen=True, slots=True)
class DvcStore:
    """The DVC repository of a workspace."""

    root: Path

    def initialise(self, remote: str) -> None:
        """Make the repository, anew where a half-made one is there, with its remote."""
        repo_class = _dvc().repo.Repo
        with _translated():
            repo_class.init(str(self.root), force=True).close()
        self.set_remote(remote)

    def set_remote(self, url: str) -> None:
        """Write the configuration: where data is pushed, and no surprises.

        A folder beside the workspace is named relative to it: both can be moved together.
        """
        if "://" not in url and Path(url).parent == self.root.parent:
            url = _dvc().config_schema.RelPath(url)
        with self._repo() as repo, repo.config.edit("repo") as config:
            config["core"] = {
                "remote": REMOTE,
                "analytics": False,
                "autostage": False,
                "check_update": False,
            }
            config["remote"] = {REMOTE: {"url": url, "verify": True}}

    def remote(self) -> str:
        """Give the URL, or the absolute path, of the remote."""
        with self._repo() as repo:
            return str(repo.config["remote"][REMOTE]["url"])

    def add(self, folder: str) -> None:
        """Track a folder's present content: ``<folder>.dvc``."""
        with self._repo() as repo:
            repo.add([str(self.root / folder)])

    def record(self, stage: str) -> None:
        """Write down that a stage's outs belong to its present deps and params."""
        # What `Repo.commit` does, but for the run cache, which looks for dvc.yaml in the
        # working directory and which nothing here needs.
        with self._repo() as repo, _dvc().repo.lock_repo(repo):
            for found in repo.stage.collect(f"{self.root / 'dvc.yaml'}:{stage}"):
                found.save(run_cache=False)
                found.commit()
                found.dvcfile.dump_stages([found], update_pipeline=False)

    def restore(self, targets: Iterable[str]) -> None:
        """Bring data back to what the pointers say: ``FOLDER.dvc`` or ``dvc.yaml:STAGE``."""
        with self._repo() as repo:
            repo.checkout(targets=[str(self.root / t) for t in targets], force=True)

    def changed(self) -> Mapping[str, Any]:
        """Give what ``dvc status`` says by stage or pointer; empty when all is up to date."""
        with self._repo() as repo:
            status: Mapping[str, Any] = repo.status()
        return {Path(name).name.removeprefix("dvc.yaml:"): told for name, told in status.items()}

    def push(self) -> None:
        """Send what the remote lacks.

        Raises
        ------
        Unavailable
            If the remote is away, full or refuses; nothing was changed here.
        """
        self._require_mounted()
        with self._repo() as repo:
            try:
                repo.push()
            except (WorkspaceError, _dvc().config.ConfigError):
                raise
            except Exception as error:
                # Every kind of remote raises its own library's errors.
                raise Unavailable(
                    f"the DVC remote {self.remote()} is unavailable: {_first_line(error)}",
                    hint="nothing was published; run again when it is back",
                ) from error

    def reader(self, revision: str) -> Any:
        """Open the data of a commit as an fsspec file system, without touching the tree."""
        with _translated():
            return _dvc().api.DVCFileSystem(str(self.root), rev=revision)

    def _require_mounted(self) -> None:
        # DVC would make the folder anew, on whatever disk lies below a lost mount.
        url = self.remote()
        if "://" not in url and not Path(url).is_dir():
            raise Unavailable(
                f"the DVC remote {url} is not there",
                hint="mount it, or make the folder anew and `dvc push --all-tags`",
            )

    @contextmanager
    def _repo(self) -> Iterator[Any]:
        with _translated(), _dvc().repo.Repo(str(self.root)) as repo:
            yield repo


@contextmanager
def _translated() -> Iterator[None]:
    """Turn DVC's errors into ours."""
    errors = _dvc().exceptions
    try:
        yield
    except (ForetasteError, OSError):
        raise
    except _dvc().lock.LockError as error:
        raise Locked(
            f"DVC's own lock is held: {_first_line(error)}",
            hint="another dvc command runs in this workspace; wait until it ends",
        ) from error
    except errors.CheckoutError as error:
        raise Tampered(
            f"DVC's cache lacks data of this workspace: {_first_line(error)}",
            hint="run `dvc pull` in the workspace",
        ) from error
    except errors.DvcException as error:
        if is_disk_full(error):
            raise Unavailable("the disk is full", hint="make room and run again") from error
        raise WorkspaceError(f"DVC failed: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _dvc() -> Any:
    """Import dvc, silent and without its calls home."""
    os.environ["DVC_NO_ANALYTICS"] = "1"
    import logging

    import dvc.api
    import dvc.config
    import dvc.config_schema
    import dvc.exceptions
    import dvc.lock
    import dvc.repo

    # Above CRITICAL DVC draws no progress bars either.
    logging.getLogger("dvc").setLevel(logging.CRITICAL + 1)
    return dvc
