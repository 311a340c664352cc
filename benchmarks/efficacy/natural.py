"""Real sets whose poison nobody planted: paid workers, and people who rate each other.

``crowd_zencrowd``: 78 workers label links between entities, about ten to a link; 13 of 50
judged workers agree with the truth no better than chance. ``bitcoin_otc``: five years of
trust ratings; REV2's fraudulent raters against its benign ones, by ratings given alone.
Truth columns are read for scoring only. A contributor's score is the mean of its rows'.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.efficacy.cell import ORACLE, OURS
from benchmarks.efficacy.downstream import Reader
from benchmarks.efficacy.ours import judge, row_ids
from benchmarks.efficacy.peers import PEERS, Column, dropped
from foretaste.attacks.material import feature_names

SEED: Final = 1
_DRAWS: Final = 1_000
_FOLDS: Final = 5
_UNKNOWN: Final = pd.Timestamp("2026-10-31", tz="UTC")


@dataclass(frozen=True, slots=True)
class Natural:
    """A set with a truth of its own.

    Parameters
    ----------
    rows
        Contributions as users send them.
    bad
        Per judged contributor, by id: True for a bad one.
    truth
        (n,) right labels of the rows, or None.
    """

    rows: pd.DataFrame
    bad: pd.Series
    truth: np.ndarray | None

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the numeric features, without prefix."""
        return tuple(name.removeprefix("f_") for name in feature_names(self.rows))


@dataclass(frozen=True, slots=True)
class Found:
    """How well one column finds bad contributors, and what its model is worth.

    Parameters
    ----------
    auc, auc_low, auc_high, ap
        Areas under the ROC curve, with a bootstrap interval over contributors, and under
        the precision-recall curve.
    f1
        Of a logistic model on true labels of unseen items; NaN where there are none.
    """

    corpus: str
    column: str
    auc: float
    auc_low: float
    auc_high: float
    ap: float
    f1: float


def zencrowd(folder: Path) -> Natural:
    """Workers' labels of links; behaviour of the worker is no feature of the link."""
    table = pd.read_parquet(folder / "crowd_zencrowd.parquet")
    names = [c for c in table if str(c).startswith("f_") and c != "f_seconds"]
    kept = ["contribution_id", "contributor_id", "item_id", "text", *names]
    rows = table[kept].assign(
        label=table["label"].astype("str"),
        contributed_at=_UNKNOWN,
        time_unknown=True,
        tier="registered",
    )
    return Natural(rows, _bad(table), table["true_label"].astype("str").to_numpy(object))


def bitcoin(folder: Path) -> Natural:
    """Ratings of people by people."""
    table = pd.read_parquet(folder / "bitcoin_otc.parquet")
    rows = table[["contribution_id", "contributor_id", "item_id"]].assign(
        label=table["label"].astype("str"),
        contributed_at=table["timestamp"].dt.floor("us").dt.tz_localize("UTC"),
        tier="registered",
    )
    return Natural(rows, _bad(table), None)


NATURAL: Final[dict[str, Callable[[Path], Natural]]] = {
    "zencrowd": zencrowd,
    "bitcoin_otc": bitcoin,
}
"""Readers of the sets, by name."""


def measure(name: str, folder: Path) -> Iterator[Found]:
    """Measure every column on a set that lies in the folder."""
    natural = NATURAL[name](folder)
    with tempfile.TemporaryDirectory(prefix="efficacy-") as work:
        judged = judge(natural.rows, natural.features, SEED, Path(work))
        order = pd.Index(row_ids(natural.rows)).get_indexer(pd.Index(judged.batch.rows["row_id"]))
        rows = natural.rows.iloc[order].reset_index(drop=True)
        truth = None if natural.truth is None else natural.truth[order]
        columns = {OURS: Column(judged.fused, judged.held, judged.weight)}
        for detector, nats in judged.evidence.items():
            columns[detector] = Column(nats, nats > 0, np.zeros(0))
        for peer, ask in PEERS.items():
            if judged.batch.features.shape[1] or peer in {"majority vote", "cap", "no defence"}:
                columns[peer] = ask(judged.batch)
    known_bad = rows["contributor_id"].map(natural.bad).fillna(value=False).to_numpy(bool)
    columns[ORACLE] = dropped(known_bad.astype(np.float64), known_bad)
    for column, said in columns.items():
        worth = _f1(rows, truth, said.weight) if said.weight.size else float("nan")
        yield Found(name, column, *_areas(rows, natural.bad, said.score), worth)


def _bad(table: pd.DataFrame) -> pd.Series:
    known = table.dropna(subset="bad_contributor").drop_duplicates("contributor_id")
    return known.set_index("contributor_id")["bad_contributor"] > 0


def _areas(
    rows: pd.DataFrame, bad: pd.Series, score: np.ndarray
) -> tuple[float, float, float, float]:
    """ROC-AUC with a 95 % bootstrap interval over contributors, and average precision."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    mean = pd.Series(score).groupby(rows["contributor_id"].to_numpy()).mean()
    judged = mean.index.intersection(bad.index).sort_values()
    truth, said = bad[judged].to_numpy(bool), mean[judged].to_numpy()
    rng = np.random.default_rng(SEED)
    good, wrong = np.flatnonzero(~truth), np.flatnonzero(truth)
    drawn = [
        np.concatenate([rng.choice(good, good.size), rng.choice(wrong, wrong.size)])
        for _ in range(_DRAWS)
    ]
    areas = [roc_auc_score(truth[at], said[at]) for at in drawn]
    low, high = np.quantile(areas, [0.025, 0.975])
    precision = average_precision_score(truth, said)
    return float(roc_auc_score(truth, said)), float(low), float(high), float(precision)


def _f1(rows: pd.DataFrame, truth: np.ndarray | None, weight: np.ndarray) -> float:
    """F1 of a logistic model on true labels, items in folds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.model_selection import GroupKFold

    if truth is None:
        return float("nan")
    x, labels = Reader(rows)(rows), rows["label"].to_numpy(object)
    first = ~rows.duplicated("item_id").to_numpy()
    predicted = np.empty(len(rows), dtype=object)
    for train, test in GroupKFold(_FOLDS).split(x, groups=rows["item_id"]):
        kept = train[weight[train] > 0]
        model = LogisticRegression(max_iter=200)
        model.fit(x[kept], labels[kept], sample_weight=weight[kept])
        predicted[test] = model.predict(x[test])
    return float(f1_score(truth[first].astype(str), predicted[first].astype(str), pos_label="1"))
