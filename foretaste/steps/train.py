"""Train the candidate on the corpus, without rows that the golden set holds too."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from foretaste.core.errors import ForetasteError
from foretaste.core.keys import WorkspaceKey
from foretaste.core.layout import Layout, partition, partition_nights
from foretaste.core.policy import Policy
from foretaste.models.evaluate import TrustedSets
from foretaste.models.inputs import Inputs
from foretaste.models.leak import golden_leaks
from foretaste.models.packing import Packed, pack, unpack
from foretaste.models.partitioned.conditions import Circumstances
from foretaste.models.partitioned.fixed import fixed_classes, proving
from foretaste.models.partitioned.wrapping import voters
from foretaste.models.registry import MODEL, read_files
from foretaste.models.train import train as fit
from foretaste.steps.accept import accepted_schema, as_decided, capped
from foretaste.steps.night import read_json, write_json
from foretaste.steps.own_rows import read_own
from foretaste.steps.state import read_decisions, read_night
from foretaste.steps.trusted import read_trusted

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trained model that nobody has judged yet.

    Parameters
    ----------
    circumstances
        What was done around an ensemble over accounts; None for any other model.
    """

    model: Any
    classes: tuple[str, ...]
    inputs: Inputs
    packed: Packed
    n_rows: int
    seed: int
    circumstances: Circumstances | None = None


def train(layout: Layout, policy: Policy, key: WorkspaceKey, out: Path) -> Mapping[str, int]:
    """Fit a model on the rows of the last nights and write it packed.

    In certified mode base models whose rows are those of the newest candidate before it are
    taken over from that; ``partitions_fitted`` counts the others. Without it, as after
    `dvc repro` removed it, all are fitted, and come out the same.

    They are the accepted rows, or in certified mode with ``filters: own`` every
    well-formed row, so that the certificate is a proof.

    Raises
    ------
    GateRefused
        If the corpus has fewer than two classes, or nothing to read.
    """
    last, _ = read_night(layout.state)
    rows, left_out = training_rows(layout, policy, read_trusted(layout, key, traffic=False), last)
    before = _newest(layout, key) if policy.model.certified.enabled else None
    trained = fit(rows, policy, policy.seed, salt=key.derive("salt/certified"), before=before)
    around = circumstances(policy)
    packed = pack(trained)
    (out / MODEL).write_bytes(packed.data)
    write_json(
        out / "train.json",
        {
            "classes": list(trained.classes),
            "inputs": asdict(trained.inputs),
            "n_rows": trained.n_rows,
            "seed": trained.seed,
            "digest": packed.digest,
            "golden_rows_left_out": left_out,
            "circumstances": asdict(around) if around else None,
        },
    )
    counts = {"rows": trained.n_rows, "golden_rows_left_out": left_out}
    if around is not None:
        counts["partitions_fitted"] = voters(trained.model).fitted_anew_
    return counts


def _newest(layout: Layout, key: WorkspaceKey) -> Any:
    """Give the newest candidate, verified; None where it is not whole: all is fitted then."""
    try:
        said = read_json(layout.night / "train" / "train.json")
        if "digest" not in said:
            return None
        _, files = read_files(layout.models, str(said["digest"]), key)
        return unpack(files[MODEL])
    except (ForetasteError, ValueError) as error:
        log.warning("every partition is fitted: the model before is not usable: %s", error)
        return None


def training_rows(
    layout: Layout, policy: Policy, sets: TrustedSets, last: str
) -> tuple[pd.DataFrame, int]:
    """Read the rows that a model of the night ``last`` learns from, as ``fit`` takes them.

    Returns
    -------
    rows, left_out
        Sorted by ``row_id``, with their weights; and how many the golden set holds too.
    """
    own = proving(policy)
    rows = read_own(layout, policy, last) if own else read_corpus(layout, policy, last)
    leaks = golden_leaks(sets.golden, rows).row_ids if sets.golden is not None else ()
    rows = rows[~rows["row_id"].isin(list(leaks))].reset_index(drop=True)
    if not own and len(rows):
        rows["weight"] = capped(rows, policy.influence).weight
    return rows, len(leaks)


def circumstances(policy: Policy) -> Circumstances | None:
    """Say what ``train`` does around an ensemble over accounts; None without one."""
    if not policy.model.certified.enabled:
        return None
    own = proving(policy)
    return Circumstances(
        keyed_by_account=True,
        filters_per_account=own,
        weights_per_account=own,
        inputs_fixed=own,
        labels_fixed=own and fixed_classes(policy) is not None,
    )


def read_corpus(layout: Layout, policy: Policy, last: str | None = None) -> pd.DataFrame:
    """Read the accepted rows of the window that ends with ``last``, sorted by ``row_id``.

    ``last`` is the latest night where none is given.
    """
    last = last or read_night(layout.state)[0]
    nights = [n for n in partition_nights(layout.accepted) if n <= last]
    parts = [
        pd.read_parquet(path, partitioning=None)
        for night in nights[-policy.release.train_nights :]
        for path in sorted(partition(layout.accepted, night).glob("*.parquet"))
    ]
    parts = parts or [accepted_schema(policy).empty_table().to_pandas()]
    rows = pd.concat(parts, ignore_index=True).sort_values("row_id", ignore_index=True)
    return as_decided(rows, read_decisions(layout.state), policy).reset_index(drop=True)


def read_candidate(folder: Path) -> Candidate:
    """Read what ``train`` wrote."""
    said = read_json(folder / "train.json")
    around = said.get("circumstances")
    data = (folder / MODEL).read_bytes()
    return Candidate(
        model=unpack(data),
        classes=tuple(said["classes"]),
        inputs=Inputs(said["inputs"]["text"], tuple(said["inputs"]["features"])),
        packed=Packed(data, said["digest"]),
        n_rows=int(said["n_rows"]),
        seed=int(said["seed"]),
        circumstances=Circumstances(**around) if around else None,
    )
