"""Where a real Chromium is, or how to get one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

VARIABLE: Final = "FORETASTE_CHROMIUM"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_INSTALL_SECONDS: Final = 900


def find(playwright: Playwright) -> Path:
    """Give the executable of a Chromium; one is installed where there is none.

    Raises
    ------
    RuntimeError
        If it could not be installed.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    here = _here(playwright)
    if here is None:
        said = _install()
        here = _here(playwright)
        if here is None:
            raise RuntimeError(
                f"no Chromium, and none could be installed; set {VARIABLE} to one:\n{said}"
            )
    return here


def _here(playwright: Playwright) -> Path | None:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    own = Path(found or playwright.chromium.executable_path)
    return own if own.exists() else None


def _install() -> str:
    """Let the system install it where it can, else playwright; give what they said."""
    said = []
    if os.geteuid() == 0 and shutil.which("apt-get"):
        said.append(_run("apt-get", "update", "--quiet"))
        said.append(_run("apt-get", "install", "--yes", "--no-install-recommends", "chromium"))
        if shutil.which("chromium"):
            return ""
    said.append(_run(sys.executable, "-m", "playwright", "install", "chromium"))
    return "\n".join(said)


def _run(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stdout + done.stderr)[-2_000:]
