"""Row rules: from landed cells to the contract's columns, every bad row with its code.

The order of the rules is fixed, and a row keeps the code of the first that it breaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.contract import UTC_MICROS, Tier
from foretaste.core.policy import Policy
from foretaste.intake.cells import Cells, Column, as_number, as_text, mask_of
from foretaste.intake.ids import id_problems
from foretaste.intake.problems import Mask, Problems
from foretaste.intake.times import as_time

_MAX_LABEL_CHARS: Final = 128
_MAX_WORD_CHARS: Final = 1_000
_INVISIBLE: Final = r"[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]"
#: Squares of anything smaller stay finite even in single precision.
_MAX_MAGNITUDE: Final = 2.0**63


@dataclass(frozen=True, slots=True)
class Judged:
    """A chunk after the rules.

    Parameters
    ----------
    columns
        Word of the contract to its (n,) array; raw ids and addresses, not yet pseudonyms.
        Features are under ``f_<name>``, attributes under ``a_<name>``.
    problems
        First problem of each row.
    """

    columns: Mapping[str, pa.Array]
    problems: Problems


@dataclass(slots=True)
class Judge:
    """Applies the rules to one chunk.

    Parameters
    ----------
    landed
        The file's columns by the user's name.
    rows
        Rows in the chunk.
    policy
        The rules' limits.
    textual
        Whether numbers are written as text.
    """

    landed: Mapping[str, Column]
    rows: int
    policy: Policy
    textual: bool
    problems: Problems = field(init=False)

    def __post_init__(self) -> None:
        self.problems = Problems(self.rows)

    def contributions(self) -> Judged:
        """Judge the columns of a contribution."""
        names = self.policy.columns
        columns: dict[str, pa.Array] = {
            "contribution_id": self.identifier(names.contribution_id),
            "contributor_id": self.identifier(names.contributor_id),
            "item_id": self.identifier(names.item_id, required=False),
            "label": self.label(),
            "contributed_at": self.time(names.contributed_at, required=True),
            "registered_at": self.time(names.registered_at),
            "text": self.text(names.text, self.policy.ingest.max_text_chars),
            "kind": self.text(names.kind),
            "tier": self.tier(),
            "ip": self.text(names.ip),
            "network_id": self.text(names.network_id),
            "subnet_id": self.text(names.subnet_id),
            "device": self.text(names.device),
            "account_name": self.text(names.account_name or names.contributor_id),
        }
        columns |= {f"a_{name}": self.text(name) for name in names.attributes}
        columns |= {f"f_{name}": self.feature(name) for name in names.features}
        return Judged(columns, self.problems)

    def visits(self) -> Judged:
        """Judge the columns of a visit."""
        names = self.policy.visits
        columns = {
            "contributor_id": self.identifier(names.contributor_id),
            "item_id": self.identifier(names.item_id),
            "visited_at": self.time(names.visited_at, required=True),
        }
        return Judged(columns, self.problems)

    def identifier(self, name: str | None, *, required: bool = True) -> pa.Array:
        """Judge an id: there, visible, in one script, as the policy's pattern says."""
        values = self._texts(name)
        if name is None or name not in self.landed:
            return values
        if required:
            blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(values)), 0)
            self.problems.mark(~mask_of(values.is_valid()) | mask_of(blank), "id_missing", name)
        for code, mask in id_problems(values, self.policy.ingest.id_pattern).items():
            self.problems.mark(mask, code, name)
        return values

    def text(self, name: str | None, limit: int = _MAX_WORD_CHARS) -> pa.Array:
        """Judge a text: no NUL, not too long."""
        values = self._texts(name)
        if name is not None and name in self.landed:
            self.problems.mark(mask_of(pc.match_substring(values, "\x00")), "nul_byte", name)
            long = mask_of(pc.greater(pc.utf8_length(values), limit))
            self.problems.mark(long, "text_too_long", name)
        return values

    def tier(self) -> pa.Array:
        """Judge a tier; who gives none is anonymous."""
        name = self.policy.columns.tier
        values = pc.fill_null(self._texts(name), str(Tier.ANONYMOUS))
        if name is not None:
            known = mask_of(pc.is_in(values, value_set=pa.array([str(t) for t in Tier])))
            self.problems.mark(~known, "tier_unknown", name)
        return values

    def label(self) -> pa.Array:
        """Judge a label; a numeric one becomes the class between its edges."""
        name = self.policy.columns.label
        if self.policy.label.type == "numeric":
            return self._binned(name)
        values = self._texts(name)
        self.problems.mark(~mask_of(values.is_valid()), "label_missing", name)
        self.problems.mark(mask_of(pc.match_substring(values, "\x00")), "nul_byte", name)
        self.problems.mark(
            mask_of(pc.match_substring_regex(values, _INVISIBLE)), "label_control", name
        )
        long = mask_of(pc.greater(pc.utf8_length(values), _MAX_LABEL_CHARS))
        self.problems.mark(long, "label_too_long", name)
        if self.policy.label.values is not None:
            allowed = pc.is_in(values, value_set=pa.array(self.policy.label.values, pa.string()))
            self.problems.mark(~mask_of(allowed), "label_not_allowed", name)
        return values

    def feature(self, name: str) -> pa.Array:
        """Judge a feature: a finite number below 2^63; negative zero becomes zero."""
        values = self._numbers(name, "feature")
        self.problems.mark(np.isnan(values), "feature_missing", name)
        self.problems.mark(np.abs(values) >= _MAX_MAGNITUDE, "feature_out_of_range", name)
        return pa.array(values + 0.0)

    def time(self, name: str | None, *, required: bool = False) -> pa.Array:
        """Judge a time; null where the file has no such column."""
        if name is None or name not in self.landed:
            return pa.nulls(self.rows, UTC_MICROS)
        cells = as_time(self.landed[name], self.policy.ingest.time_zone)
        self._mark(cells, name, {})
        if required:
            self.problems.mark(~mask_of(cells.values.is_valid()), "time_missing", name)
        return cells.values

    def _texts(self, name: str | None) -> pa.Array:
        if name is None or name not in self.landed:
            return pa.nulls(self.rows, pa.string())
        cells = as_text(self.landed[name])
        self._mark(cells, name, {})
        return cells.values

    def _numbers(self, name: str, word: str) -> Any:
        """(n,) float64, NaN where missing; what is no finite number is marked."""
        cells = as_number(self.landed[name], parse=self.textual)
        self._mark(cells, name, {"value_type": f"{word}_not_numeric"})
        values = cells.values.to_numpy(zero_copy_only=False)
        infinite = mask_of(cells.values.is_valid()) & ~np.isfinite(values)
        self.problems.mark(infinite, f"{word}_not_finite", name)
        return values

    def _binned(self, name: str) -> pa.Array:
        values = self._numbers(name, "label")
        self.problems.mark(np.isnan(values), "label_missing", name)
        edges = self.policy.label.bins
        width = len(str(len(edges)))
        classes = pa.array([f"bin_{index:0{width}}" for index in range(len(edges) + 1)])
        return classes.take(pa.array(np.digitize(np.nan_to_num(values), edges)))

    def _mark(self, cells: Cells, name: str, renamed: Mapping[str, str]) -> None:
        for code, mask in cells.problems.items():
            self.problems.mark(mask, renamed.get(code, code), name)


def excess_labels(labels: pa.Array, contributors: pa.Array, limit: int) -> Mask:
    """Find rows whose label is beyond the classes that a model may have.

    Classes that most contributors use stay: an attacker who invents labels holds back
    those labels, not the night.

    Parameters
    ----------
    labels, contributors
        (n,) strings.
    limit
        Classes that stay.
    """
    if pc.count_distinct(labels).as_py() <= limit:
        return np.zeros(len(labels), dtype=bool)
    table = pa.table({"label": labels, "contributor": contributors})
    counts = table.group_by("label").aggregate(
        [("contributor", "count_distinct"), ("contributor", "count")]
    )
    ranked = counts.sort_by(
        [
            ("contributor_count_distinct", "descending"),
            ("contributor_count", "descending"),
            ("label", "ascending"),
        ]
    )
    kept = ranked["label"].slice(0, limit).combine_chunks()
    return ~mask_of(pc.is_in(labels, value_set=kept))
