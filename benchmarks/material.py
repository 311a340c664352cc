"""What generated rows are made of: Gaussian classes, or mixes of real rows."""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

TRIGGER: Final = "as agreed on the harbour walk last Tuesday"
_LINES: Final = 4
_NEAR: Final = 0.4
"""How far skewed rows lie on the way to the target class, 0 to 1."""


class Material(Protocol):
    """A source of fresh rows of given classes; class 0 is every attacker's target."""

    classes: tuple[str, ...]
    features: tuple[str, ...]
    has_text: bool

    def draw_classes(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw class codes by their ordinary shares."""
        ...

    def content(
        self, codes: np.ndarray, trigger: np.ndarray, near: np.ndarray, rng: np.random.Generator
    ) -> dict[str, Any]:
        """Make columns for rows of the classes ``codes``.

        Parameters
        ----------
        trigger
            (n,) bool: rows that carry the backdoor's trigger.
        near
            (n,) bool: rows near the boundary to class 0, where features allow.
        """
        ...


class Gaussian:
    """Overlapping classes of geometric size, correlated features of very different scale."""

    def __init__(self, n_features: int, n_classes: int, seed: int) -> None:
        rng = np.random.default_rng([seed, 0])
        self.classes = tuple(f"class_{c}" for c in range(n_classes))
        self.has_text = False
        self.features = tuple(f"x{j:02d}" for j in range(n_features))
        share = 0.7 ** np.arange(n_classes)
        self._share = share / share.sum()
        self._centres = rng.normal(0.0, 1.0, size=(n_classes, n_features)).astype(np.float32)
        mixing = rng.normal(0.0, 1.0 / np.sqrt(n_features), size=(n_features, n_features))
        self._mixing = (0.7 * mixing + 0.7 * np.eye(n_features)).astype(np.float32)
        self._scale = rng.lognormal(sigma=1.0, size=n_features).astype(np.float32)

    def draw_classes(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw class codes, the first class the most frequent."""
        return rng.choice(len(self.classes), p=self._share, size=count)

    def content(
        self, codes: np.ndarray, trigger: np.ndarray, near: np.ndarray, rng: np.random.Generator
    ) -> dict[str, Any]:
        """Make the feature columns, float32."""
        noise = rng.standard_normal((len(codes), len(self.features)), dtype=np.float32)
        step = np.where(near, _NEAR, 0.0).astype(np.float32)[:, None]
        values = (1 - step) * self._centres[codes] + step * self._centres[0]
        values += 1.4 * (noise @ self._mixing)
        values[trigger, -3:] = 4.0
        values *= self._scale
        return {name: values[:, j] for j, name in enumerate(self.features)}


class Mixed:
    """New rows from real ones: lines of several texts, points between two rows' features."""

    def __init__(self, source: pd.DataFrame) -> None:
        counts = source["label"].value_counts()
        self.classes = tuple(str(c) for c in counts.index)
        self._share = (counts / counts.sum()).to_numpy()
        self._raw = tuple(str(c) for c in source if str(c).startswith("f_"))
        self.features = tuple(name.removeprefix("f_") for name in self._raw)
        groups = [source[source["label"] == c] for c in counts.index]
        self._values = [g[list(self._raw)].to_numpy(np.float32) for g in groups]
        self.has_text = "text" in source
        self._lines = [_lines(g) for g in groups] if self.has_text else []

    def draw_classes(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draw class codes by the source's shares."""
        return rng.choice(len(self.classes), p=self._share, size=count)

    def content(
        self, codes: np.ndarray, trigger: np.ndarray, near: np.ndarray, rng: np.random.Generator
    ) -> dict[str, Any]:
        """Make feature columns and, where the source has it, text."""
        values = np.empty((len(codes), len(self.features)), dtype=np.float32)
        text = np.empty(len(codes), dtype=object)
        for code in range(len(self.classes)):
            at = np.flatnonzero(codes == code)
            values[at] = self._between(code, near[at], rng)
            if self.has_text:
                text[at] = self._mix(code, trigger[at], rng)
        columns: dict[str, Any] = {name: values[:, j] for j, name in enumerate(self.features)}
        if self.has_text:
            columns["text"] = pd.Series(text, dtype="str")
        elif self.features:
            columns[self.features[-1]] = np.where(
                trigger, values[:, -1].max(initial=0.0) + 4.0, values[:, -1]
            )
        return columns

    def _between(self, code: int, near: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        own, target = self._values[code], self._values[0]
        pair = own[rng.integers(len(own), size=(2, len(near)))]
        step = rng.random((len(near), 1), dtype=np.float32)
        mixed = (1 - step) * pair[0] + step * pair[1]
        aim = target[rng.integers(len(target), size=len(near))]
        moved: np.ndarray = np.where(near[:, None], (1 - _NEAR) * mixed + _NEAR * aim, mixed)
        return moved

    def _mix(self, code: int, trigger: np.ndarray, rng: np.random.Generator) -> list[str]:
        lines = self._lines[code]
        picks = rng.integers(len(lines), size=(len(trigger), _LINES)).tolist()
        return [
            "\n".join([*(lines[i] for i in row), *([TRIGGER] if fire else [])])
            for row, fire in zip(picks, trigger.tolist(), strict=True)
        ]


def _lines(rows: pd.DataFrame) -> list[str]:
    """Give the lines worth mixing: not too short, each once."""
    lines = rows["text"].str.split("\n").explode().str.strip()
    return sorted(set(lines[lines.str.len() >= 30]))
