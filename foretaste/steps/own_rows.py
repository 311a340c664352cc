"""The corpus of a proven model: every account's rows, judged by nothing but themselves.

No verdict, no actor and no share is read here: what one account sends changes neither which
rows of another are learnt from nor what they weigh.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from detectors.influence import base_weights
from foretaste.core.contract import contribution_schema
from foretaste.core.layout import Layout, partition, partition_nights
from foretaste.core.policy import Influence, Policy
from foretaste.steps.state import read_decisions, read_night

_RELEASED: Final = ("release", "apart", "downweight")
_NEVER_BEFORE: Final = pd.Series(dtype="float64")


def read_own(layout: Layout, policy: Policy, last: str) -> pd.DataFrame:
    """Read every well-formed row of the window that ends with the night ``last``.

    Left out are rows that ingest held, a conflict, a time ahead or a purged account, and
    rows that people call poison; what people released is in. ``weight`` falls with the
    account's own volume and follows its tier; nobody is a newcomer and nothing is capped,
    because both look at others.

    The window counts days, not nights that had rows: else an account that alone fills a
    night would push everybody's oldest one out.

    Returns
    -------
    pd.DataFrame
        Columns of the contract and ``weight``, sorted by ``row_id``.
    """
    _, as_of = read_night(layout.state)
    return weighed_alone(_within(layout, policy, last), read_decisions(layout.state), policy, as_of)


def weighed_alone(
    rows: pd.DataFrame, said: pd.DataFrame, policy: Policy, as_of: datetime
) -> pd.DataFrame:
    """Choose and weigh rows as ``read_own`` does.

    Parameters
    ----------
    rows
        Contributions of the window.
    said
        People's decisions, oldest first.
    as_of
        The night's "now".
    """
    said = said.drop_duplicates("row_id", keep="last")
    decision = rows["row_id"].map(said.set_index("row_id")["decision"])
    kept = (rows["held"].isna() | decision.isin(_RELEASED)) & (decision != "poison")
    rows, decision = rows[kept].drop(columns="held"), decision[kept]
    weight = base_weights(rows, _NEVER_BEFORE, _alone(policy.influence), as_of=as_of)["weight"]
    less = (decision == "downweight").to_numpy(bool)
    rows["weight"] = weight.where(~less, weight * policy.decision.downweight)
    return rows.sort_values("row_id", ignore_index=True)


def own_window(nights: Iterable[str], policy: Policy, last: str) -> list[str]:
    """Choose the nights of the last ``release.train_nights`` days."""
    first = date.fromisoformat(last) - timedelta(days=policy.release.train_nights - 1)
    return [night for night in nights if first.isoformat() <= night <= last]


def _within(layout: Layout, policy: Policy, last: str) -> pd.DataFrame:
    """Read the nights of the window."""
    schema = contribution_schema(policy.columns.features, policy.columns.attributes)
    tables = [
        pq.ParquetFile(partition(layout.contributions, night) / "contributions.parquet").read()
        for night in own_window(partition_nights(layout.contributions), policy, last)
    ]
    # A night before the policy mapped a column lacks it.
    whole = pa.concat_tables([schema.empty_table(), *tables], promote_options="default")
    frame: pd.DataFrame = whole.select(schema.names).to_pandas()
    return frame


def _alone(influence: Influence) -> Influence:
    return influence.model_copy(update={"reports": {}, "newcomer_rows": 0})
