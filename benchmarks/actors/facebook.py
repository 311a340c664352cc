"""Propagation alone on SNAP's ego-Facebook graph with a replica of it as Sybil region.

The region is an exact copy, tied to the honest one by 100 random edges, so that without
seeds the two cannot be told apart: the given train split is used as seeds, and the test
split is scored (Wang, Zhang, Gong: SybilSCAR, INFOCOM 2017, uses this graph).

Usage: ``python -m benchmarks.actors.facebook --data FOLDER``
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from detectors.actors.graph.propagation import (
    Propagation,
    Seeds,
    sybil_rank,
    sybil_scar,
    trust_deficit,
    trust_ratio,
)

TARGET: Final = 0.99
METHODS: Final[dict[str, Propagation]] = {
    "trust deficit": trust_deficit,
    "trust ratio": trust_ratio,
    "SybilRank": sybil_rank,
    "SybilSCAR": sybil_scar,
}


@dataclass(frozen=True, slots=True)
class SocialGraph:
    """A graph with truth and seeds.

    Parameters
    ----------
    graph
        (n, n) sparse 0/1, symmetric.
    sybil
        (n,) bool truth.
    train
        (n,) bool: whose truth the methods may know.
    """

    graph: Any
    sybil: np.ndarray
    train: np.ndarray

    def seeds(self, *, trusted: bool = True, confirmed: bool = True) -> Seeds:
        """Give the train split as seeds, one kind or both."""
        return Seeds(
            self.train & ~self.sybil if trusted else np.zeros_like(self.train),
            self.train & self.sybil if confirmed else np.zeros_like(self.train),
        )


def read_graph(folder: Path) -> SocialGraph:
    """Read ``sybil_facebook_nodes.parquet`` and ``sybil_facebook_edges.parquet``."""
    from scipy.sparse import csr_matrix

    nodes = pd.read_parquet(folder / "sybil_facebook_nodes.parquet")
    edges = pd.read_parquet(folder / "sybil_facebook_edges.parquet")
    index = pd.Index(nodes["contributor_id"])
    ends = (index.get_indexer(edges["src"]), index.get_indexer(edges["dst"]))
    half = csr_matrix((np.ones(len(edges)), ends), shape=(len(nodes), len(nodes)))
    return SocialGraph(
        (half + half.T).sign(),
        nodes["bad_contributor"].to_numpy(bool),
        (nodes["split"] == "train").to_numpy(bool),
    )


def auc(social: SocialGraph, method: Propagation, seeds: Seeds) -> float:
    """ROC-AUC on the test split."""
    from sklearn.metrics import roc_auc_score

    suspicion = method(social.graph, seeds)
    test = ~social.train
    return float(roc_auc_score(social.sybil[test], suspicion[test]))


def measure(folder: Path) -> pd.DataFrame:
    """ROC-AUC on the test split: one row per method, one column per kind of seeds."""
    social = read_graph(folder)
    known = {
        "both": social.seeds(),
        "trusted only": social.seeds(confirmed=False),
        "confirmed only": social.seeds(trusted=False),
    }
    return pd.DataFrame(
        {
            kind: {name: auc(social, method, seeds) for name, method in METHODS.items()}
            for kind, seeds in known.items()
        }
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Propagation on SNAP-Facebook with replicas.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    print(measure(parser.parse_args().data).to_string(float_format="{:.5f}".format))
    print(f"ROC-AUC on the test split; target with both: {TARGET}")


if __name__ == "__main__":
    main()
