"""What a detector may look at: a window of rows, with the actors known so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Votes:
    """What models trained without a row's own actor say about its label.

    Parameters
    ----------
    probability
        (n, k) float32 mean class probabilities over the slices that voted, weighted;
        all NaN in a row where nobody could vote.
    disagreement
        (n,) float32 in [0, 1], weighted share of votes against the given label; NaN
        where nobody could vote on it, and where the votes are undecided.
    """

    probability: np.ndarray
    disagreement: np.ndarray


@dataclass(frozen=True, slots=True)
class Batch:
    """The night's rows and the accepted rows before them, ready to be judged.

    Row order is canonical: sorted by ``row_id``. All arrays are row-aligned.

    Parameters
    ----------
    rows
        (n,) frame with the columns of the contract, RangeIndex.
    tonight
        (n,) bool: rows to be judged; the others were accepted on earlier nights.
    history_weight
        (n,) float64 in [0, 1]: the evidence weight that an earlier row was accepted
        with; 1 for tonight's rows.
    features
        (n, d) float32, robust-scaled features followed by a projection of the text
        (see ``foretaste.core.features``); d is 0 for label-only rows.
    labels
        (n,) int32 codes into ``classes``.
    classes
        Distinct labels, sorted.
    contributors
        (n,) int32 codes into ``contributor_ids``.
    contributor_ids
        Distinct pseudonyms, sorted.
    actors
        (n,) int32: which actor the row belongs to. Before actors are resolved each
        contributor is its own actor (equal to ``contributors``).
    visits
        Tonight's visits, a frame with the columns of ``VISIT_SCHEMA``; contributions stand
        in for visits where the user has none. May be empty.
    seed
        Seed of every random choice.
    salt
        Secret bytes for hashed slices: a contributor cannot choose its slice.
    votes
        Shared by the detectors that need them, once computed; None before.
    """

    rows: pd.DataFrame
    tonight: np.ndarray
    history_weight: np.ndarray
    features: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    contributors: np.ndarray
    contributor_ids: np.ndarray
    actors: np.ndarray
    visits: pd.DataFrame
    seed: int
    salt: bytes
    votes: Votes | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows, earlier nights included."""
        return len(self.rows)

    @property
    def times(self) -> np.ndarray:
        """(n,) int64 microseconds since 1970 UTC."""
        return self.rows["contributed_at"].to_numpy("datetime64[us]").astype(np.int64)

    @property
    def has_time(self) -> bool:
        """True when most rows carry a time of their own."""
        return self.n_rows > 0 and not bool(self.rows["time_unknown"].mean() > 0.5)

    def with_actors(self, actors: np.ndarray) -> Batch:
        """Give the same batch with resolved actors, (n,) int32."""
        return replace(self, actors=np.asarray(actors, dtype=np.int32), votes=None)

    def with_votes(self, votes: Votes) -> Batch:
        """Give the same batch with the micro-models' votes."""
        return replace(self, votes=votes)

    def save(self, folder: Path) -> None:
        """Write the batch where a child process can map it; made for one machine, one run."""
        folder.mkdir(parents=True, exist_ok=True)
        self.rows.to_parquet(folder / "rows.parquet")
        self.visits.to_parquet(folder / "visits.parquet")
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        pd.DataFrame({"classes": list(self.classes)}).to_parquet(folder / "classes.parquet")
        pd.DataFrame({"id": self.contributor_ids.astype(str)}).to_parquet(
            folder / "contributor_ids.parquet"
        )
        if self.votes is not None:
            np.save(folder / "probability.npy", self.votes.probability, allow_pickle=False)
            np.save(folder / "disagreement.npy", self.votes.disagreement, allow_pickle=False)
        (folder / "salt.bin").write_bytes(self.salt)
        (folder / "seed.txt").write_text(str(self.seed))

    @classmethod
    def load(cls, folder: Path) -> Batch:
        """Read a batch that ``save`` wrote; big arrays are mapped, not copied."""
        arrays: dict[str, Any] = {name: _map(folder, name) for name in _ARRAYS}
        if (folder / "probability.npy").exists():
            arrays["votes"] = Votes(_map(folder, "probability"), _map(folder, "disagreement"))
        return cls(
            rows=_frame(folder / "rows.parquet"),
            visits=_frame(folder / "visits.parquet"),
            classes=tuple(pd.read_parquet(folder / "classes.parquet")["classes"]),
            contributor_ids=pd.read_parquet(folder / "contributor_ids.parquet")["id"].to_numpy(
                object
            ),
            seed=int((folder / "seed.txt").read_text()),
            salt=(folder / "salt.bin").read_bytes(),
            **arrays,
        )


_ARRAYS = ("tonight", "history_weight", "features", "labels", "contributors", "actors")


def _frame(path: Path) -> pd.DataFrame:
    """Read a frame column by column: several children hold one at the same time."""
    import pyarrow as pa

    lean = {"split_blocks": True, "self_destruct": True}
    frame = pd.read_parquet(path, engine="pyarrow", to_pandas_kwargs=lean)
    pa.default_memory_pool().release_unused()
    return frame


def _map(folder: Path, name: str) -> np.ndarray:
    array: np.ndarray = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    return array
