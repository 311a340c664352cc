"""The workspace's git, by its command line: quiet, durable, deaf to the user's hooks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from foretaste.core.errors import WorkspaceError
from foretaste.core.lock import held_descriptors

BRANCH: Final = "main"

# Hooks, signing and background maintenance of the user's own set-up would make a night
# depend on the account it runs under; maintenance would also outlive us with our lock.
_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "core.autocrlf=false",
    "core.fsync=all",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "gpg.format=ssh",
    "gc.auto=0",
    "maintenance.auto=false",
    "user.name=foretaste",
    "user.email=foretaste@localhost",
)


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one folder."""

    root: Path

    def run(self, *arguments: str, stdin: bytes = b"", settings: Iterable[str] = ()) -> bytes:
        """Run git and give its output.

        Raises
        ------
        WorkspaceError
            If git fails, in its own words, or is not installed.
        """
        done = self._call(arguments, stdin, settings)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip() or "no message"
            raise WorkspaceError(f"git {arguments[0]} failed in {self.root}: {said}")
        return done.stdout

    def lines(self, *arguments: str) -> list[str]:
        """Run git and give its output as lines."""
        return self.run(*arguments).decode().splitlines()

    def ok(self, *arguments: str, settings: Iterable[str] = ()) -> bool:
        """Run git for its answer yes or no."""
        return self._call(arguments, b"", settings).returncode == 0

    def head(self) -> str:
        """Give the commit of HEAD, "" before the first one."""
        done = self._call(("rev-parse", "--verify", "--quiet", "HEAD^{commit}"), b"", ())
        return done.stdout.decode().strip()

    def branch(self) -> str:
        """Give the branch that HEAD is on, "" where it is detached."""
        done = self._call(("symbolic-ref", "--quiet", "--short", "HEAD"), b"", ())
        return done.stdout.decode().strip()

    def changes(self) -> dict[str, str]:
        """Give changed and new files with git's two-letter state, by path."""
        out = self.run("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
        entries = out.decode(errors="surrogateescape").split("\0")
        return {entry[3:]: entry[:2] for entry in entries if entry}

    def blobs(self, names: Iterable[str]) -> dict[str, bytes]:
        """Read objects (``commit:path``) in one go; those that are not there are left out."""
        wanted = list(names)
        if not wanted:
            return {}
        out = self.run("cat-file", "--batch", stdin=("\n".join(wanted) + "\n").encode())
        found: dict[str, bytes] = {}
        at = 0
        for name in wanted:
            end = out.index(b"\n", at)
            header = out[at:end].decode()
            at = end + 1
            if header.endswith(" missing"):
                continue
            size = int(header.rsplit(" ", 1)[1])
            found[name] = out[at : at + size]
            at += size + 1
        return found

    def _call(
        self, arguments: Iterable[str], stdin: bytes, settings: Iterable[str]
    ) -> subprocess.CompletedProcess[bytes]:
        options = [part for s in (*_SETTINGS, *settings) for part in ("-c", s)]
        try:
            return subprocess.run(
                ["git", *options, *arguments],
                cwd=self.root,
                input=stdin,
                capture_output=True,
                check=False,
                env=_environment(os.environ, self.root),
                pass_fds=held_descriptors(),
            )
        except FileNotFoundError:
            raise WorkspaceError(
                "git is not installed or the workspace is gone", hint="install git 2.34 or newer"
            ) from None


def _environment(outer: Mapping[str, str], root: Path) -> dict[str, str]:
    # GIT_DIR and its like point elsewhere when foretaste is called from a git hook.
    kept = {k: v for k, v in outer.items() if not k.startswith("GIT_") or k in _HARMLESS}
    # A workspace may lie inside another repository, which is none of our business.
    own = {"GIT_CEILING_DIRECTORIES": str(root.resolve().parent)}
    return kept | own | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


_HARMLESS: Final = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
