"""Track records: a Beta posterior per contributor over the share of its rows that is good.

Only rows that were decided on *earlier* nights and people's reviews count, never the
night's own evidence: a row must not be its own witness. The caller guarantees it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from foretaste.core.evidence import to_micro_nats
from foretaste.core.policy import Validity
from foretaste.core.verdict import Outcome

VALIDITY_SCHEMA: Final = pa.schema(
    [
        pa.field("contributor_id", pa.string(), nullable=False),
        pa.field("good", pa.float64(), nullable=False),
        pa.field("bad", pa.float64(), nullable=False),
        pa.field("accepted_rows", pa.int64(), nullable=False),
        pa.field("nights", pa.int64(), nullable=False),
        pa.field("first_night", pa.string(), nullable=False),
        pa.field("last_night", pa.string(), nullable=False),
    ]
)
"""``good`` and ``bad`` are discounted counts beyond the prior's; ``accepted_rows`` is the
plain number of rows accepted or down-weighted so far; ``nights`` counts the nights on
which the contributor had rows decided, from ``first_night`` to ``last_night``."""

_TRUST_LIMIT = 1.0
_KEPT = (str(Outcome.ACCEPTED), str(Outcome.DOWNWEIGHTED))


def update_validity(
    validity: pd.DataFrame,
    decided: pd.DataFrame,
    reviews: pd.DataFrame,
    night: str,
    policy: Validity,
) -> pd.DataFrame:
    """Move the track records on by one night.

    Older counts are kept to the share ``forgetting``. A decided row adds its posterior
    to ``bad``; a row that was kept adds the rest to ``good`` (one that is held earns
    nothing good until a person releases it), both discounted by ``evidence_weight``.
    Reviews add at ``review_weight``.

    Parameters
    ----------
    validity
        Columns of ``VALIDITY_SCHEMA``.
    decided
        Columns ``contributor_id, verdict, posterior``: rows decided on ``night``.
    reviews
        Columns ``contributor_id, good, bad``: rows that people decided.
    night
        The night that ``decided`` is from.

    Returns
    -------
    pd.DataFrame
        Columns of ``VALIDITY_SCHEMA``, sorted by contributor.
    """
    evidence = _evidence(decided).groupby("contributor_id", sort=True).sum()
    people = reviews.groupby("contributor_id", sort=True)[["good", "bad"]].sum()
    before = validity.set_index("contributor_id")
    everyone = before.index.union(evidence.index).union(people.index).sort_values()
    before, evidence, people = (f.reindex(everyone) for f in (before, evidence, people))
    present = evidence["rows"].notna()
    now = {
        side: policy.forgetting * before[side].fillna(0.0)
        + policy.evidence_weight * evidence[side].fillna(0.0)
        + policy.review_weight * people[side].fillna(0.0)
        for side in ("good", "bad")
    }
    counts = {
        "accepted_rows": before["accepted_rows"].fillna(0) + evidence["accepted"].fillna(0),
        "nights": before["nights"].fillna(0) + present,
    }
    moved = pd.DataFrame(
        {
            **now,
            **{name: count.astype(np.int64) for name, count in counts.items()},
            "first_night": before["first_night"].fillna(night),
            "last_night": before["last_night"].where(~present).fillna(night),
        }
    )
    return moved.rename_axis("contributor_id").reset_index()


def credible_interval(validity: pd.DataFrame, policy: Validity) -> pd.DataFrame:
    """Give the posterior of each contributor's share of good rows.

    Returns
    -------
    pd.DataFrame
        Row-aligned columns ``mean, low, high`` in [0, 1]: the equal-tailed credible
        interval of mass ``policy.interval``.
    """
    from scipy.stats import beta

    good, bad = _counts(validity, policy)
    tail = (1.0 - policy.interval) / 2.0
    return pd.DataFrame(
        {
            "mean": good / (good + bad),
            "low": beta.ppf(tail, good, bad),
            "high": beta.ppf(1.0 - tail, good, bad),
        },
        index=validity.index,
    )


def prior_llr(
    validity: pd.DataFrame, contributor_ids: pd.Series | np.ndarray, policy: Validity
) -> np.ndarray:
    """Turn track records into prior evidence on rows.

    The log of the posterior mean's odds of a bad row over the prior's odds. A bad record
    adds up to ``max_llr``; a good one takes off at most 1 nat, because trust that can be
    saved up without limit is what a sleeper saves up.

    Returns
    -------
    np.ndarray
        (n,) int64 micro-nats, exactly 0 for contributors without a record.
    """
    good, bad = _counts(validity, policy)
    nats = np.log(bad / good) - np.log(policy.prior_bad / policy.prior_good)
    nats = np.clip(nats, -min(_TRUST_LIMIT, policy.max_llr), policy.max_llr)
    at = pd.Index(validity["contributor_id"]).get_indexer(pd.Index(contributor_ids))
    padded = np.append(nats, 0.0)
    return to_micro_nats(padded[at], policy.max_llr)


def _counts(validity: pd.DataFrame, policy: Validity) -> tuple[np.ndarray, np.ndarray]:
    good = policy.prior_good + validity["good"].to_numpy(np.float64)
    bad = policy.prior_bad + validity["bad"].to_numpy(np.float64)
    return good, bad


def _evidence(decided: pd.DataFrame) -> pd.DataFrame:
    """Expected good and bad rows, row by row."""
    kept = decided["verdict"].isin(_KEPT).to_numpy(bool)
    posterior = decided["posterior"].to_numpy(np.float64)
    return pd.DataFrame(
        {
            "contributor_id": decided["contributor_id"],
            "good": np.where(kept, 1.0 - posterior, 0.0),
            "bad": posterior,
            "accepted": kept.astype(np.int64),
            "rows": 1,
        }
    )
