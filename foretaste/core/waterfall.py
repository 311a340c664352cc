"""The waterfall of a row: every detector's evidence, capped, and its sum.

Integers all the way: the sum depends on no order, thread or engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.errors import IntegrityError
from foretaste.core.evidence import MICRO
from foretaste.core.policy import DetectorSettings

_DEFAULT_CAP: Final = DetectorSettings().cap
_SHOWN_REASONS: Final = 3
_PARTS: Final = 2**20


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Lines of evidence, each within its detector's cap.

    Parameters
    ----------
    n_rows
        Rows that there are; most have no line.
    row
        (m,) int64 positions of the rows that the lines speak about.
    detector, family
        (m,) int64 codes into ``detectors`` and ``families``.
    llr
        (m,) int64 micro-nats.
    reason
        (m,) strings.
    detectors, families
        Distinct names, sorted.
    """

    n_rows: int
    row: np.ndarray
    detector: np.ndarray
    family: np.ndarray
    llr: np.ndarray
    reason: pa.Array
    detectors: tuple[str, ...]
    families: tuple[str, ...]

    @classmethod
    def of(
        cls,
        evidence: pa.Table,
        row_ids: pd.Series,
        caps: Mapping[str, float],
        trust: Mapping[str, float] | None = None,
    ) -> Waterfall:
        """Bring evidence on the rows of a night into line.

        Parameters
        ----------
        evidence
            ``EVIDENCE_SCHEMA``, at most one line per row and detector.
        row_ids
            The night's rows.
        caps
            Nats that a detector may add, either way; those not named get the default.
        trust
            By how much each detector's accusations count, in (0, 1]; whole where missing.

        Raises
        ------
        IntegrityError
            If a row comes twice, evidence speaks of a row that is not there, or a
            detector speaks twice about one.
        """
        known = pa.array(row_ids, pa.string())
        if len(known.unique()) != len(known):
            raise IntegrityError("the same row came to be judged twice")
        place = pc.index_in(evidence["row_id"], known)
        if place.null_count:
            raise IntegrityError(f"evidence speaks of {place.null_count} rows that are not there")
        row = place.to_numpy().astype(np.int64)
        detector, detectors = _factorize(evidence["detector"])
        family, families = _factorize(evidence["family"])
        if pd.Index(row * len(detectors) + detector).has_duplicates:
            raise IntegrityError("a detector spoke twice about the same row")
        cap = _micro_caps(detectors, caps)[detector]
        llr = np.clip(evidence["llr"].to_numpy(), -cap, cap)
        parts = [round((trust or {}).get(name, 1.0) * _PARTS) for name in detectors]
        heard = llr * np.array(parts, dtype=np.int64)[detector] // _PARTS
        llr = np.where(llr > 0, heard, llr)
        reason = pa.concat_arrays(evidence["reason"].chunks or [pa.array([], pa.string())])
        return cls(len(known), row, detector, family, llr, reason, detectors, families)

    def accused(self, detector: str) -> np.ndarray:
        """Positions of the rows that one detector holds for poison."""
        if detector not in self.detectors:
            return np.zeros(0, dtype=np.int64)
        spoken = self.detector == self.detectors.index(detector)
        accused: np.ndarray = self.row[spoken & (self.llr > 0)]
        return accused

    def without(self, detector: str) -> Waterfall:
        """Leave one detector out."""
        keep = np.flatnonzero(self.detector != self.detectors.index(detector))
        return replace(
            self,
            row=self.row[keep],
            detector=self.detector[keep],
            family=self.family[keep],
            llr=self.llr[keep],
            reason=self.reason.take(pa.array(keep)),
        )

    def fused(self, family_caps: Mapping[str, float]) -> np.ndarray:
        """(n_rows,) int64 micro-nats: the families' sums, each within its cap."""
        total = np.zeros(self.n_rows, dtype=np.int64)
        for name in self.families:
            total += self.within(name, family_caps)
        return total

    def within(self, family: str, family_caps: Mapping[str, float]) -> np.ndarray:
        """(n_rows,) int64 micro-nats: the sum over one family, within its cap."""
        (cap,) = _micro_caps((family,), family_caps)
        said: np.ndarray = np.clip(self.said_by(family), -cap, cap)
        return said

    def said_by(self, family: str) -> np.ndarray:
        """(n_rows,) int64 micro-nats: the sum over one family, before its cap."""
        total = np.zeros(self.n_rows, dtype=np.int64)
        if family in self.families:
            mine = self.family == self.families.index(family)
            np.add.at(total, self.row[mine], self.llr[mine])
        return total

    def reasons(self) -> pa.Array:
        """(n_rows,) strings: the strongest ``"detector +3.2: reason"``, joined by " | "."""
        order = np.lexsort((self.detector, -np.abs(self.llr), self.row))
        row = self.row[order]
        place = np.arange(row.size) - np.searchsorted(row, row)
        top = order[(place < _SHOWN_REASONS) & (self.llr[order] != 0)]
        tenths, word = np.unique(
            np.rint(self.llr[top] / (MICRO / 10)).astype(np.int64), return_inverse=True
        )
        said = pc.binary_join_element_wise(
            pa.array(self.detectors, pa.string()).take(pa.array(self.detector[top])),
            pa.array([f" {t / 10:+.1f}: " for t in tenths], pa.string()).take(pa.array(word)),
            self.reason.take(pa.array(top)),
            "",
        )
        starts = np.searchsorted(self.row[top], np.arange(self.n_rows + 1)).astype(np.int32)
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(starts), said), " | ")


def _factorize(column: pa.ChunkedArray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Codes into the sorted distinct names."""
    codes, names = pd.factorize(column.to_pandas(), sort=True)
    return codes.astype(np.int64), tuple(names)


def _micro_caps(names: tuple[str, ...], caps: Mapping[str, float]) -> np.ndarray:
    return np.array([round(caps.get(n, _DEFAULT_CAP) * MICRO) for n in names], dtype=np.int64)
