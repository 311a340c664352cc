"""Small seeded worlds: honest contributors, and planted attackers whom the tests know.

Attackers own a fifth of the data that nobody else has and mix it within a class, so
that poison is fresh: copies of honest rows would be solved by duplicate detection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from foretaste.core.batch import Batch
from foretaste.core.features import robust_scale

DAY = 86_400_000_000
LEVELS = {1: (0.01, 0.02), 2: (0.05, 0.08), 3: (0.10, 0.20)}
"""Share of contributors that attack, and of rows that are theirs."""


@dataclass(frozen=True, slots=True)
class World:
    """A batch and what is true of it.

    Parameters
    ----------
    batch
        What detectors see.
    poison
        (n,) bool: rows sent to harm.
    honest
        (n,) bool: rows of honest contributors with the right label.
    attackers
        Codes of the contributors that attack.
    """

    batch: Batch
    poison: np.ndarray
    honest: np.ndarray
    attackers: np.ndarray


@dataclass(frozen=True, slots=True)
class Attack:
    """How poison is made and sent.

    Parameters
    ----------
    make
        (features, classes, source, target, rng) of the attackers' own rows to poisoned
        features and labels.
    pick
        Which of their rows it uses: every one, or the source class only.
    cover
        Honest rows that they send per poisoned one.
    alone
        Each poisoned row comes from an account of its own.
    days
        First and last day of the poison.
    wait
        Send honest rows before the first day.
    subnet
        The accounts share one.
    """

    make: Callable[..., tuple[np.ndarray, np.ndarray]]
    pick: str = "all"
    cover: float = 0.0
    alone: bool = False
    days: tuple[float, float] = (0.0, 30.0)
    wait: bool = False
    subnet: bool = False


def _flip(x, y, source, target, rng):
    k = int(y.max()) + 1
    return x, (y + rng.integers(1, max(k, 2), y.size)) % max(k, 2)


def _relabel(x, y, source, target, rng):
    return x, np.full_like(y, target)


def _outlier(x, y, source, target, rng):
    hit = rng.random(x.shape) < 0.1
    far = rng.uniform(6, 12, x.shape) * rng.choice([-1, 1], x.shape)
    return np.where(hit, far, x), _flip(x, y, source, target, rng)[1]


def _trigger(x, y, source, target, rng):
    x = x.copy()
    x[:, np.random.default_rng(7).choice(x.shape[1], 4, replace=False)] = 4.0
    return x, np.full_like(y, target)


def _copies(x, y, source, target, rng):
    seeds = x[rng.choice(len(x), min(5, len(x)), replace=False)]
    near = seeds[rng.integers(0, len(seeds), len(x))] + rng.normal(0, 0.02, x.shape)
    return near, np.full_like(y, target)


ATTACKS: dict[str, Attack] = {
    "flip": Attack(_flip),
    "skew": Attack(_relabel, pick="near"),
    "outlier": Attack(_outlier),
    "backdoor": Attack(_trigger),
    "copies": Attack(_copies, pick="source"),
    "drip": Attack(_flip, cover=9),
    "sleeper": Attack(_flip, days=(20, 30), wait=True),
    "collusion": Attack(_relabel, pick="source", days=(12, 15)),
    "sybil_flip": Attack(_flip, alone=True),
    "covered_backdoor": Attack(_trigger, cover=4),
    "covered_skew": Attack(_relabel, pick="near", cover=4),
    "sybil_skew": Attack(_relabel, pick="near", alone=True),
    "ring": Attack(_relabel, pick="near", alone=True, days=(20, 23), subnet=True),
}


@cache
def _data(name: str, n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, d) features of unit scale and (n,) class codes."""
    if name == "digits":
        from sklearn.datasets import load_digits

        x, y = load_digits(return_X_y=True)
    else:
        from sklearn.datasets import make_classification

        weights = np.array([0.34, 0.22, 0.15, 0.11, 0.08, 0.06, 0.04])
        x, y = make_classification(
            n_rows,
            n_features=36,
            n_informative=14,
            n_redundant=6,
            n_classes=7,
            weights=weights,
            class_sep=1.6,
            flip_y=0.0,
            random_state=seed,
        )
    spread = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1), y.astype(np.int32)


def world(
    data: str = "digits",
    attack: str | None = None,
    *,
    level: int = 2,
    seed: int = 0,
    n_rows: int = 5000,
    n_contributors: int | None = None,
    history_days: float = 0.0,
) -> World:
    """Make a world of 30 days; rows of the first ``history_days`` were accepted before."""
    rng = np.random.default_rng([seed, len(data), sum(map(ord, attack or ""))])
    x, y = _data(data, n_rows, seed)
    n_people = n_contributors or (60 if data == "digits" else 150)
    own = rng.random(len(y)) < 0.2
    parts = [_honest(x[~own], y[~own], n_people, rng)]
    if attack is not None:
        parts.append(
            _poison(
                x[own], y[own], n_people, len(parts[0]), how=ATTACKS[attack], level=level, rng=rng
            )
        )
    rows = pd.concat(parts, ignore_index=True)
    return _world(rows, seed, history_days)


def _honest(x: np.ndarray, y: np.ndarray, n_people: int, rng: np.random.Generator) -> pd.DataFrame:
    k = int(y.max()) + 1
    mix = rng.dirichlet(np.full(k, 2.0), n_people) * rng.lognormal(0, 1.3, (n_people, 1))
    share = np.cumsum(mix / mix.sum(axis=0), axis=0)
    draw, who = rng.random(len(y)), np.zeros(len(y), dtype=int)
    for c in range(k):
        who[y == c] = np.searchsorted(share[:, c], draw[y == c]).clip(max=n_people - 1)
    noise = rng.beta(1, 49, n_people)
    wrong = rng.random(len(y)) < noise[who]
    label = np.where(wrong, (y + rng.integers(1, k, len(y))) % k, y)
    start = rng.uniform(0, 20, n_people)
    day = start[who] + rng.random(len(y)) * (30 - start[who])
    offset = rng.normal(0, 0.1, (n_people, x.shape[1]))
    subnet = rng.integers(0, n_people, n_people)
    return _rows(x + offset[who], label, who, day, subnet[who], poison=False, right=~wrong)


def _poison(x, y, n_people, n_honest, *, how, level, rng) -> pd.DataFrame:
    people, share = LEVELS[level]
    n = max(8, round(n_honest * share / (1 - share)))
    n_bad = n if how.alone else max(1, round(people * n_people))
    source, target = rng.choice(int(y.max()) + 1, 2, replace=False)
    m = round(n / (1 + how.cover)) if how.cover else n
    bad_x, bad_y = how.make(
        *_mixed(x, y, _pool(x, y, how.pick, source, target), m, rng), source, target, rng
    )
    bad_day = rng.uniform(*how.days, m)
    n_cover = n - m + (n // 2 if how.wait else 0)
    good_x, good_y = _mixed(x, y, np.arange(len(y)), n_cover, rng)
    good_day = rng.uniform(0, how.days[0] if how.wait else 30, n_cover)
    who = np.arange(m) if how.alone else rng.integers(0, n_bad, m)
    cover_who = rng.integers(0, n_bad, n_cover)
    net = np.full(n_bad, n_people + 1) if how.subnet else n_people + 2 + np.arange(n_bad)
    return pd.concat(
        [
            _rows(bad_x, bad_y, n_people + who, bad_day, net[who], poison=True, right=False),
            _rows(
                good_x,
                good_y,
                n_people + cover_who,
                good_day,
                net[cover_who],
                poison=False,
                right=False,
            ),
        ],
        ignore_index=True,
    )


def _pool(x, y, pick, source, target) -> np.ndarray:
    """Indices of the attackers' rows that they use."""
    if pick == "all":
        return np.arange(len(y))
    mine = np.flatnonzero(y == source)
    if pick == "source":
        return mine
    far = np.linalg.norm(x[mine] - x[y == target].mean(axis=0), axis=1)
    return mine[far <= np.median(far)]


def _mixed(x, y, pool, n, rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``n`` fresh rows between two rows of one class."""
    first = rng.choice(pool, n)
    order = rng.permutation(pool)
    mates = {c: order[y[order] == c] for c in np.unique(y[pool])}
    second = np.array([rng.choice(mates[c]) for c in y[first]], dtype=int).reshape(-1)
    part = rng.uniform(0, 0.35, (n, 1))
    return (1 - part) * x[first] + part * x[second], y[first].copy()


def _rows(x, label, who, day, subnet, *, poison, right) -> pd.DataFrame:
    n = len(label)
    return pd.DataFrame(
        {
            "x": list(np.asarray(x, dtype=np.float64)),
            "label": np.asarray(label),
            "who": np.asarray(who),
            "day": np.asarray(day, dtype=float),
            "subnet": np.asarray(subnet),
            "poison": np.broadcast_to(poison, n),
            "right": np.broadcast_to(right, n),
        }
    )


def _world(rows: pd.DataFrame, seed: int, history_days: float) -> World:
    rng = np.random.default_rng([seed, 99])
    names = rng.permutation(int(rows["who"].max()) + 1)
    rows = rows.assign(
        row_id=[f"r{v:016x}" for v in rng.permutation(len(rows)) * 7919],
        contributor_id=[f"c{names[w] * 104_729:016x}" for w in rows["who"]],
    ).sort_values("row_id", ignore_index=True)
    batch = make_batch(
        np.stack(rows["x"].to_numpy()),
        [f"class{c:02d}" for c in rows["label"]],
        rows["contributor_id"].tolist(),
        row_ids=rows["row_id"].tolist(),
        times=(rows["day"].to_numpy() * DAY).astype(np.int64),
        subnets=[f"s{v:08x}" for v in rows["subnet"]],
        tonight=rows["day"].to_numpy() >= history_days,
        seed=seed,
    )
    attackers = np.unique(batch.contributors[rows["poison"].to_numpy()])
    return World(batch, rows["poison"].to_numpy(), rows["right"].to_numpy(), attackers)


def make_batch(
    x: np.ndarray,
    labels: list[str],
    contributors: list[str],
    *,
    row_ids: list[str] | None = None,
    times: np.ndarray | None = None,
    subnets: list[str] | None = None,
    texts: list[str] | None = None,
    tonight: np.ndarray | None = None,
    seed: int = 0,
) -> Batch:
    """Make a batch with the contract's columns, sorted by row id as the pipeline sorts it."""
    n = len(labels)
    ids = np.asarray(row_ids or [f"r{i:016x}" for i in range(n)], dtype=object)
    order = np.argsort(ids.astype(str), kind="stable")
    when = np.zeros(n, dtype=np.int64) if times is None else np.asarray(times)
    rows = (
        pd.DataFrame(
            {
                "row_id": ids,
                "contribution_id": ids,
                "contributor_id": pd.array(contributors, dtype="str"),
                "contributed_at": pd.to_datetime(when + 1_767_225_600_000_000, unit="us", utc=True),
                "time_unknown": np.full(n, times is None),
                "item_id": pd.array([f"i{i % 97}" for i in range(n)], dtype="str"),
                "label": pd.array(labels, dtype="str"),
                "network_id": pd.array([None] * n, dtype="str"),
                "subnet_id": pd.array(subnets or [None] * n, dtype="str"),
                "kind": pd.array([None] * n, dtype="str"),
                "tier": pd.array(["registered"] * n, dtype="str"),
                "registered_at": pd.to_datetime(pd.Series([None] * n), utc=True),
                "text": pd.array(texts or [None] * n, dtype="str"),
            }
        )
        .iloc[order]
        .reset_index(drop=True)
    )
    rows["contributed_at"] = rows["contributed_at"].astype("datetime64[us, UTC]")
    rows["registered_at"] = rows["registered_at"].astype("datetime64[us, UTC]")
    label_codes, classes = pd.factorize(rows["label"], sort=True)
    codes, people = pd.factorize(rows["contributor_id"], sort=True)
    dense = robust_scale(np.asarray(x, dtype=np.float64)[order])
    now = np.ones(n, dtype=bool) if tonight is None else np.asarray(tonight)[order]
    return Batch(
        rows=rows,
        tonight=now,
        history_weight=np.ones(n),
        features=dense,
        labels=label_codes.astype(np.int32),
        classes=tuple(str(c) for c in classes),
        contributors=codes.astype(np.int32),
        contributor_ids=np.asarray([str(p) for p in people], dtype=object),
        actors=codes.astype(np.int32),
        visits=rows[["contributor_id", "item_id", "contributed_at"]].set_axis(
            ["contributor_id", "item_id", "visited_at"], axis="columns"
        ),
        seed=seed,
        salt=b"salt of the tests",
    )
