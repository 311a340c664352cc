"""Where everything lies in a workspace; the one place that spells its paths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of a workspace, all below ``root``."""

    root: Path

    @property
    def params(self) -> Path:
        """The policy."""
        return self.root / "params.yaml"

    @property
    def landing(self) -> Path:
        """Raw files as the user drops them; never versioned."""
        return self.root / "landing"

    @property
    def golden(self) -> Path:
        """Trusted rows, never trained on: ``*.parquet`` with the contract's columns."""
        return self.root / "data" / "golden"

    @property
    def canaries(self) -> Path:
        """Known attacks with honest look-alikes: ``*.parquet``."""
        return self.root / "data" / "canaries"

    @property
    def traffic(self) -> Path:
        """Logged real traffic for the A/B replay: ``*.parquet``."""
        return self.root / "data" / "traffic"

    @property
    def state(self) -> Path:
        """What the night starts from: validity, known actors, decisions, night.json."""
        return self.root / "data" / "state"

    @property
    def contributions(self) -> Path:
        """Pseudonymised contributions, ``night=YYYY-MM-DD/*.parquet``."""
        return self.root / "data" / "contributions"

    @property
    def accepted(self) -> Path:
        """The corpus: accepted rows with their weights, ``night=YYYY-MM-DD/*.parquet``."""
        return self.root / "data" / "accepted"

    @property
    def night(self) -> Path:
        """Outs of the DVC stages for the latest night, ``<stage>/*``."""
        return self.root / "data" / "night"

    @property
    def runs(self) -> Path:
        """Work area of runs, ``<run_id>/<step>/``; never versioned."""
        return self.root / "data" / "runs"

    @property
    def models(self) -> Path:
        """Signed models, ``<digest>/``."""
        return self.root / "models"

    @property
    def champion(self) -> Path:
        """The committed cache of the champion pointer; the ledger decides."""
        return self.root / "champion.json"

    @property
    def releases(self) -> Path:
        """Signed release manifests, ``<number>.json``."""
        return self.root / "releases"

    @property
    def reports(self) -> Path:
        """HTML and JSON run reports; never versioned."""
        return self.root / "reports"

    @property
    def ledger(self) -> Path:
        """The default ledger, SQLite; never versioned."""
        return self.root / "ledger.sqlite"

    @property
    def lock(self) -> Path:
        """The file that a run locks."""
        return self.root / ".foretaste.lock"


def partition(folder: Path, night: str) -> Path:
    """Folder of one night (``YYYY-MM-DD``) below ``folder``."""
    return folder / f"night={night}"


def partition_nights(folder: Path) -> list[str]:
    """Nights that have a partition below ``folder``, oldest first."""
    return sorted(p.name.removeprefix("night=") for p in folder.glob("night=*") if p.is_dir())
