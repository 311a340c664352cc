"""Crowds with a known truth: labels found, bad contributors told, and a model trained again.

Truth scores; no detector sees it. ``bad_contributor`` means a kappa below 0.1 against the
items' truth, which cannot tell malice from a lack of skill.

crowd-kit's estimates are asked for in the peers' environment, at its defaults but for MACE,
which begins three times instead of ten: its time grows with votes times beginnings.

Usage: ``python -m benchmarks.crowds --data FOLDER [--results FILE] [--peers FOLDER]``
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.efficacy.abroad.client import ask, environment
from benchmarks.figures import Figure, write_figures
from detectors.content.ballots import Ballots
from detectors.content.confusion import estimate
from detectors.content.crowd import Crowd, ballots_of
from foretaste.core.batch import Batch
from foretaste.core.evidence import MICRO, Opinion
from foretaste.core.features import robust_scale
from foretaste.core.policy import Decision

AP_TARGET: Final = 0.75
F1_TARGET: Final = 0.609
FILES: Final = ("crowd_zencrowd.parquet", "crowd_labels_dev.parquet")
RESULTS: Final = Path(__file__).resolve().parent / "results" / "crowds.json"
DRAWS: Final = 1_000
SEED: Final = 0
_GUESTS: Final = ("Dawid-Skene", "MACE")
_ROUNDS: Final = 50
_FOLDS: Final = 5
_HELD, _LIGHTER = 3.4, 1.1


@dataclass(frozen=True, slots=True)
class Set:
    """A crowd and what is true of it.

    Parameters
    ----------
    batch
        What the detector sees, all of it tonight's.
    ballots
        The same as votes; every row has an item.
    truth
        (items,) float64 label code, NaN where unknown.
    bad
        (contributors,) float64 1 for bad, 0 for good, NaN where unknown.
    """

    name: str
    batch: Batch
    ballots: Ballots
    truth: np.ndarray
    bad: np.ndarray


def load(folder: Path) -> Iterator[Set]:
    """Read the crowds of a folder, one by one."""
    for file in FILES:
        table = pd.read_parquet(folder / file)
        names = table["dataset"] if "dataset" in table else pd.Series("zencrowd", table.index)
        for name, part in table.groupby(names):
            yield _set(str(name).rpartition("/")[2], part.sort_values("contribution_id"))


def _set(name: str, table: pd.DataFrame) -> Set:
    batch = _batch(table)
    known = table.dropna(subset="true_label").drop_duplicates("item_id")
    items = np.unique(table["item_id"])
    code = {label: float(i) for i, label in enumerate(batch.classes)}
    truth = known.set_index("item_id")["true_label"].astype(str).map(code).reindex(items)
    bad = table.groupby("contributor_id")["bad_contributor"].first()
    ballots = ballots_of(batch, np.arange(batch.n_rows), half_days=1.0)
    return Set(name, batch, ballots, truth.to_numpy(np.float64), bad.to_numpy(np.float64))


def _batch(table: pd.DataFrame) -> Batch:
    """Make a batch of one night from the columns that may be known on that night."""
    columns = [c for c in table.columns if c.startswith("f_") and c != "f_seconds"]
    rows = table[["contribution_id", "contributor_id", "item_id", *columns]].assign(
        row_id=table["contribution_id"],
        label=table["label"].astype(str),
        contributed_at=pd.Timestamp("2026-01-01", tz="UTC"),
        time_unknown=True,
    )
    rows = rows.reset_index(drop=True)
    labels, classes = pd.factorize(rows["label"], sort=True)
    who, people = pd.factorize(rows["contributor_id"], sort=True)
    return Batch(
        rows=rows,
        tonight=np.ones(len(rows), dtype=bool),
        history_weight=np.ones(len(rows)),
        features=robust_scale(rows[columns].to_numpy(np.float64)),
        labels=labels.astype(np.int32),
        classes=tuple(classes),
        contributors=who.astype(np.int32),
        contributor_ids=people.to_numpy(object),
        actors=who.astype(np.int32),
        visits=rows.iloc[:0],
        seed=0,
        salt=b"",
    )


def majority(ballots: Ballots) -> np.ndarray:
    """(items, k) share of the votes."""
    cell = ballots.item * ballots.n_labels + ballots.label
    votes = np.bincount(cell, minlength=ballots.n_items * ballots.n_labels)
    votes = votes.reshape(ballots.n_items, -1)
    shares: np.ndarray = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
    return shares


def dawid_skene(ballots: Ballots) -> np.ndarray:
    """(items, k) posterior of Dawid and Skene (1979), as published but for a pseudo-count."""
    truth, k = majority(ballots), ballots.n_labels
    for _ in range(_ROUNDS):
        habit = np.full((ballots.n_actors, k, k), 0.01)
        for label in range(k):
            mine = ballots.label == label
            np.add.at(habit[:, :, label], ballots.actor[mine], truth[ballots.item[mine]])
        habit /= habit.sum(axis=2, keepdims=True)
        log = np.tile(np.log(truth.mean(axis=0) + 1e-12), (ballots.n_items, 1))
        np.add.at(log, ballots.item, np.log(habit)[ballots.actor, :, ballots.label])
        truth = np.exp(log - log.max(axis=1, keepdims=True))
        truth /= truth.sum(axis=1, keepdims=True)
    return truth


def accuracy(posterior: np.ndarray, truth: np.ndarray) -> float:
    """Share of the items with a truth whose likeliest label is it; ties count in part."""
    known = np.flatnonzero(np.isfinite(truth))
    best = np.isclose(posterior, posterior.max(axis=1, keepdims=True))
    right = best[known, truth[known].astype(int)] / best[known].sum(axis=1)
    return float(right.mean())


def suspicion(found: Opinion, ballots: Ballots) -> np.ndarray:
    """(contributors,) mean nats of a contributor's rows."""
    nats = np.bincount(ballots.actor, found.llr / MICRO, ballots.n_actors)
    mean: np.ndarray = nats / np.maximum(np.bincount(ballots.actor, minlength=ballots.n_actors), 1)
    return mean


def disagreement(ballots: Ballots) -> np.ndarray:
    """(contributors,) mean share of the others' votes against theirs: the plain baseline."""
    share = majority(ballots)[ballots.item, ballots.label]
    size = np.bincount(ballots.item, minlength=ballots.n_items)[ballots.item]
    others = (share * size - 1) / np.maximum(size - 1, 1)
    seen = np.bincount(ballots.actor, size > 1, ballots.n_actors)
    against = np.bincount(ballots.actor, (1 - others) * (size > 1), ballots.n_actors)
    mean: np.ndarray = against / np.maximum(seen, 1)
    return mean


def told(values: np.ndarray, bad: np.ndarray) -> dict[str, float]:
    """ROC-AUC and AP of bad contributors with 95 % intervals, bootstrapped in each class."""
    evil, good = bad == 1, bad == 0
    if not evil.any() or not good.any():
        return {}
    rng = np.random.default_rng(SEED)
    drawn = [
        rng.multinomial(among.sum(), among / among.sum(), DRAWS).astype(np.float64)
        for among in (evil, good)
    ]
    times = [np.vstack([among, more]) for among, more in zip((evil, good), drawn, strict=True)]
    found: dict[str, float] = {}
    for name, each in zip(("AUC", "AP"), _areas(values, *times), strict=True):
        low, high = np.quantile(each[1:], [0.025, 0.975])
        found |= {name: float(each[0]), f"{name} low": float(low), f"{name} high": float(high)}
    return found


def _areas(values: np.ndarray, evil: np.ndarray, good: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ROC-AUC and AP of many samples at once, equal values together.

    Parameters
    ----------
    evil, good
        (samples, contributors) how often each was drawn as one of its kind.
    """
    _, place = np.unique(-values, return_inverse=True)
    level = np.zeros((values.size, int(place.max()) + 1))
    level[np.arange(values.size), place] = 1.0
    hit, miss = evil @ level, good @ level
    hits, misses = np.cumsum(hit, axis=1), np.cumsum(miss, axis=1)
    beaten = misses[:, -1:] - misses + miss / 2
    auc = (hit * beaten).sum(axis=1) / (hits[:, -1] * misses[:, -1])
    precision = hits / np.maximum(hits + misses, 1.0)
    return auc, (hit * precision).sum(axis=1) / hits[:, -1]


def retrained(crowd: Set, label: np.ndarray, weight: np.ndarray) -> float:
    """F1 on item truth of a logistic regression fitted to weighted rows, items cross-validated.

    Parameters
    ----------
    label, weight
        By row, or by item: then each item is one row.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    n = crowd.ballots.n_items
    first = np.unique(crowd.ballots.item, return_index=True)[1]
    by_item = label.size == n
    item = np.arange(n) if by_item else crowd.ballots.item
    x = crowd.batch.features[first]
    fold = np.random.default_rng(0).permutation(n) % _FOLDS
    guess = np.zeros(n)
    for held in range(_FOLDS):
        train = (fold[item] != held) & (weight > 0)
        model = LogisticRegression(max_iter=2000)
        model.fit(x[item[train]], label[train], sample_weight=weight[train])
        guess[fold == held] = model.predict(x[fold == held])
    known = np.isfinite(crowd.truth)
    return float(f1_score(crowd.truth[known], guess[known]))


def training_rows(crowd: Set, found: Opinion, posterior: np.ndarray) -> pd.Series:
    """F1 by the rows and labels that the model is trained on."""
    ballots = crowd.ballots
    nats, given, ones = found.llr / MICRO, ballots.label, np.ones(ballots.label.size)
    policy = np.select([nats > _HELD, nats > _LIGHTER], [0.0, Decision().downweight], 1.0)
    bad = crowd.bad[ballots.actor] == 1
    known = np.isfinite(crowd.truth).astype(np.float64)
    each = np.ones(ballots.n_items)
    ways = {
        "rows: all labels": (given, ones),
        "rows: ours, held or weighted as the policy does": (given, policy),
        "rows: oracle drops bad contributors": (given, ones * ~bad),
        "items: majority vote": (majority(ballots).argmax(axis=1), each),
        "items: Dawid-Skene": (dawid_skene(ballots).argmax(axis=1), each),
        "items: ours": (posterior.argmax(axis=1), each),
        "items: true labels": (np.nan_to_num(crowd.truth), known),
    }
    return pd.Series({name: retrained(crowd, *how) for name, how in ways.items()}, name="F1")


def asked(crowd: Set, python: Path | None) -> dict[str, dict[str, np.ndarray]]:
    """Ask crowd-kit about items and contributors; nothing where its environment is missing."""
    if python is None:
        return {}
    ballots = crowd.ballots
    votes = {"item": ballots.item, "worker": ballots.actor, "label": ballots.label}
    return {f"crowd-kit {n}": ask(python, "crowd_models.py", n, votes) for n in _GUESTS}


def measure(crowd: Set, python: Path | None = None) -> dict[str, Any]:
    """Measure a crowd; JSON-safe.

    Returns
    -------
    dict
        ``items``: accuracy of each estimate of item labels, and the shares of right and wrong
        rows that ours accuses; ``people``: by way, how well bad contributors are told;
        ``trained`` (zencrowd): F1 by what the model is trained on.
    """
    ballots, guests = crowd.ballots, asked(crowd, python)
    found, posterior = Crowd().fit_evidence(crowd.batch), estimate(ballots)
    items = {
        "majority": majority(ballots),
        "Dawid-Skene": dawid_skene(ballots),
        **{name: said["truth"] for name, said in guests.items()},
        "ours": posterior.truth,
    }
    people = {
        "disagreement": disagreement(ballots),
        **{name: said["suspicion"] for name, said in guests.items()},
        "ours": suspicion(found, ballots),
    }
    true = crowd.truth[ballots.item]
    held, known = found.llr > _HELD * MICRO, np.isfinite(true)
    right = ballots.label == true
    accused = {"right rows held": held[right], "wrong rows held": held[~right & known]}
    line: dict[str, Any] = {
        "crowd": crowd.name,
        "votes": int(ballots.item.size),
        "abstained": found.abstained,
        "bad": f"{(crowd.bad == 1).sum()} of {np.isfinite(crowd.bad).sum()}",
        "items": {name: accuracy(said, crowd.truth) for name, said in items.items()}
        | {name: float(rows.mean()) for name, rows in accused.items()},
        "people": {name: told(said, crowd.bad) for name, said in people.items()},
    }
    if crowd.name == "zencrowd":
        line["trained"] = training_rows(crowd, found, posterior.truth).to_dict()
    return line


def figures(lines: list[dict[str, Any]]) -> list[Figure]:
    """Put what zencrowd says beside its targets."""
    zen = next((line for line in lines if line["crowd"] == "zencrowd"), None)
    if zen is None:
        return []
    f1 = zen["trained"]["rows: ours, held or weighted as the policy does"]
    ap = zen["people"]["ours"]["AP"]
    return [
        Figure("zencrowd: AP of bad contributors", ap, AP_TARGET, better="higher"),
        Figure("zencrowd: F1 of the model on weighted rows", f1, F1_TARGET, better="higher"),
    ]


def text(lines: list[dict[str, Any]]) -> str:
    """Lay the tables out."""
    items = pd.DataFrame({line["crowd"]: line["items"] for line in lines}).T.round(3)
    people = {
        line["crowd"]: {"bad": line["bad"], **{n: _said(t) for n, t in line["people"].items()}}
        for line in lines
    }
    trained = [pd.Series(line["trained"]).round(3) for line in lines if "trained" in line]
    guests = any(name.startswith("crowd-kit") for line in lines for name in line["items"])
    parts = [
        *(f"zencrowd, F1 of a model trained on\n{series.to_string()}" for series in trained),
        f"Accuracy of item labels, and rows accused\n{items.to_string()}",
        f"Bad contributors, {DRAWS} bootstrap samples, seed {SEED}\n"
        + pd.DataFrame(people).T.to_string(),
    ]
    if not guests:
        parts.append("crowd-kit: not measured; `make peers` makes its environment.")
    return "\n\n".join(parts)


def _said(found: Mapping[str, float]) -> str:
    if not found:
        return "no bad contributor"
    return "  ".join(
        f"{name} {found[name]:.3f} [{found[f'{name} low']:.3f}, {found[f'{name} high']:.3f}]"
        for name in ("AUC", "AP")
    )


def main() -> None:
    """Measure every crowd, print the tables and write them down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder of the crowds' tables")
    parser.add_argument("--results", type=Path, default=RESULTS, help="figures as JSON")
    parser.add_argument("--peers", type=Path, help="the peers' environment; .venv-peers")
    given = parser.parse_args()
    lines = [measure(crowd, environment(given.peers)) for crowd in load(given.data)]
    print(text(lines))
    write_figures(given.results, figures(lines), seeds=[SEED], more={"crowds": lines})


if __name__ == "__main__":
    main()
