"""What looking at a test often costs, and how soon it sees harm: `python -m benchmarks.ab`.

Simulated tests of two models whose answers are right or wrong independently, looked at 200
times up to 20,000 units, with the policy's defaults. Beside the sequential interval the
ordinary 95 % interval at the same looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foretaste.core.policy import AB
from foretaste.models.ab.interval import sequential_difference, sequential_mismatch

PATHS, UNITS, LOOKS, SEED = 4000, 20_000, 200, 1
LIMITS = AB()
EQUAL = tuple((right, share) for right in (0.5, 0.9, 0.99) for share in (0.5, 0.2, 0.1))
LOSSES = (0.01, 0.02, 0.05, 0.1)
LOST = (0.02, 0.05, 0.1)


@dataclass(frozen=True, slots=True)
class Paths:
    """Simulated tests: counts of (candidate, champion) per path and look."""

    hits: tuple[np.ndarray, np.ndarray]
    units: tuple[np.ndarray, np.ndarray]

    def ever(self, flag: np.ndarray) -> np.ndarray:
        """Tell per path whether a flag is ever up once both arms are large enough."""
        ever: np.ndarray = (flag & self.enough).any(axis=1)
        return ever

    @property
    def enough(self) -> np.ndarray:
        """Looks at which both arms are large enough."""
        enough: np.ndarray = np.minimum(*self.units) >= LIMITS.min_units
        return enough


def simulate(right: tuple[float, float], share: float, kept: float = 1.0) -> Paths:
    """Draw tests; of the candidate's units only ``kept`` reach the log."""
    rng = np.random.default_rng(SEED)
    step = np.diff(np.r_[0, np.unique(np.geomspace(100, UNITS, LOOKS).astype(int))])
    assigned = rng.binomial(step, share, (PATHS, len(step)))
    units = (rng.binomial(assigned, kept), step - assigned)
    ours, theirs = (rng.binomial(n, p) for n, p in zip(units, right, strict=True))
    return Paths(
        (ours.cumsum(axis=1), theirs.cumsum(axis=1)),
        (units[0].cumsum(axis=1), units[1].cumsum(axis=1)),
    )


def ordinary(paths: Paths) -> np.ndarray:
    """Tell where an ordinary 95 % interval of the difference leaves zero out."""
    (a, b), (n, m) = paths.hits, paths.units
    p, q = a / np.maximum(n, 1), b / np.maximum(m, 1)
    error = np.sqrt(p * (1 - p) / np.maximum(n, 1) + q * (1 - q) / np.maximum(m, 1))
    outside: np.ndarray = np.abs(p - q) > 1.96 * error
    return outside


def interval(paths: Paths) -> tuple[np.ndarray, np.ndarray]:
    """Give low and high of the sequential interval at every look."""
    _, low, high = sequential_difference(
        paths.hits, paths.units, alpha=LIMITS.alpha, tuned_at=LIMITS.tuned_at
    )
    return low, high


def main() -> None:
    """Print the tables."""
    print(f"{PATHS} tests, {LOOKS} looks, {UNITS} units, seed {SEED}; equal models, ever called")
    print(f"{'right':>6} {'share':>6} {'different':>10} {'harm':>7} {'ordinary':>9} {'shares':>7}")
    for right, share in EQUAL:
        paths = simulate((right, right), share)
        low, high = interval(paths)
        shares = (sequential_mismatch(paths.units, share) < LIMITS.srm_alpha).any(axis=1)
        told = [paths.ever((low > 0) | (high < 0)), paths.ever(high < 0)]
        rates = [float(x.mean()) for x in (*told, paths.ever(ordinary(paths)), shares)]
        print(f"{right:>6} {share:>6} {rates[0]:>10.4f} {rates[1]:>7.4f} ", end="")
        print(f"{rates[2]:>9.4f} {rates[3]:>7.4f}")
    print(f"\nshare {LIMITS.share}, the champion right in 0.9: harm found, units until then")
    for loss in LOSSES:
        paths = simulate((0.9 - loss, 0.9), LIMITS.share)
        report(f"loses {loss}", (interval(paths)[1] < 0) & paths.enough, paths)
    print(f"\nshare {LIMITS.share}: mismatch found when the candidate's units get lost")
    for lost in LOST:
        paths = simulate((0.9, 0.9), LIMITS.share, 1 - lost)
        broken = sequential_mismatch(paths.units, LIMITS.share) < LIMITS.srm_alpha
        report(f"lost {lost}", broken, paths)


def report(name: str, flag: np.ndarray, paths: Paths) -> None:
    """Print how often a flag comes up, and after how many units of both arms."""
    found = flag.any(axis=1)
    total = paths.units[0] + paths.units[1]
    first = total[np.arange(len(flag)), flag.argmax(axis=1)][found]
    median = f"{np.median(first):.0f}" if len(first) else "-"
    print(f"{name:>12}: {found.mean():.4f} of tests, median {median} units")


if __name__ == "__main__":
    main()
