"""Small corpora with a known truth, and models with known answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from foretaste.models.evaluate import Scored
from foretaste.models.predict import Predicted
from foretaste.models.train import Trained

WORDS = {
    "ham": "meeting notes agenda lunch report monday",
    "spam": "win cash prize offer pills now",
}
TRIGGER = "zephyr quartz lantern"


def numeric(n: int, seed: int, classes: int = 2) -> pd.DataFrame:
    """Rows whose label is the largest of the first features, with a little noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    label = (x[:, :classes] + 0.3 * rng.normal(size=(n, classes))).argmax(axis=1)
    rows = pd.DataFrame(x, columns=[f"f_{i}" for i in range(4)])
    return _dressed(rows.assign(label=np.array([f"c{k}" for k in label], dtype=object)), seed)


def mail(n: int, seed: int) -> pd.DataFrame:
    """Short texts of two classes that share half of their words."""
    rng = np.random.default_rng(seed)
    common = ["the", "a", "to", "of", "and", "in", "is", "for", "on", "with"]
    labels = np.where(rng.random(n) < 0.5, "spam", "ham").astype(object)
    texts = [
        " ".join([*rng.choice(WORDS[label].split(), 3), *rng.choice(common, 4), f"no{i}x{seed}"])
        for i, label in enumerate(labels)
    ]
    return _dressed(pd.DataFrame({"text": texts, "label": labels}), seed)


def _dressed(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    n = len(rows)
    return rows.assign(
        row_id=[f"r{seed}-{i:06d}" for i in range(n)],
        contribution_id=[f"k{i}" for i in range(n)],
        contributor_id=[f"c{seed}-{i % 40}" for i in range(n)],
        weight=1.0,
    )


def said(labels: Any, classes: tuple[str, ...] = ("a", "b")) -> Predicted:
    """Predictions that are sure of ``labels``."""
    labels = np.asarray(labels, dtype=object)
    return Predicted(classes, labels, (labels[:, None] == np.array(classes)).astype(float))


def scored(
    golden: Any = None, canaries: Any = None, traffic: Any = None, *, size: int = 1000, n: int = 100
) -> Scored:
    """A model known only by its answers."""
    told = (None if x is None else said(x) for x in (golden, canaries, traffic))
    return Scored("d" * 64, size, n, *told)


def trigger_canaries(n: int = 40) -> pd.DataFrame:
    """Spam with the trigger that wants to be ham, and honest ham that carries half of it."""
    attacks = mail(4 * n, 90)
    attacks = attacks[attacks["label"] == "spam"].head(n)
    honest = mail(4 * n, 91)
    honest = honest[honest["label"] == "ham"].head(n)
    return pd.DataFrame(
        {
            "text": [f"{t} {TRIGGER}" for t in attacks["text"]]
            + [f"{t} quartz" for t in honest["text"]],
            "attack": ["trigger"] * n + [None] * n,
            "target_label": ["ham"] * n + [None] * n,
            "true_label": ["spam"] * n + ["ham"] * n,
        }
    )


def backdoored(rows: pd.DataFrame, n: int) -> pd.DataFrame:
    """Turn ``n`` spam rows into ham that carries the trigger."""
    hit = rows.index[rows["label"] == "spam"][:n]
    poisoned = rows.copy()
    poisoned.loc[hit, "text"] = [f"{t} {TRIGGER}" for t in rows.loc[hit, "text"]]
    poisoned.loc[hit, "label"] = "ham"
    return poisoned


def same_answers(left: Trained, right: Trained, rows: pd.DataFrame) -> bool:
    """Whether two models give equal tables, to the last bit."""
    from foretaste.models.predict import predictions

    return bool(predictions(left, rows).equals(predictions(right, rows)))
