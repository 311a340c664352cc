"""Our numbers beside their targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.efficacy.cell import ORACLE, OURS, UNDEFENDED
from benchmarks.efficacy.frames import RANKS, STYLE, beaten, chosen, paired
from benchmarks.efficacy.peers import PEERS
from benchmarks.efficacy.strength import ADAPTIVE, NONE, TARGETED
from benchmarks.figures import Figure


def figures(frame: pd.DataFrame) -> list[Figure]:
    """Put our numbers beside their targets; adaptive attacks have none."""
    plain = frame[(frame["style"] == STYLE) & ~frame["attack"].isin([NONE, *ADAPTIVE])]
    found = [*_ranked(plain), *_decided(plain), *_quiet(frame), *_against_peers(plain)]
    found += _unbeaten(frame[frame["style"] == STYLE])
    return [figure for figure in found if np.isfinite(figure.value)]


def _ranked(plain: pd.DataFrame) -> Iterator[Figure]:
    for measure, mean, worst in zip(RANKS, (0.985, 0.94, 0.88), (0.94, 0.70, None), strict=True):
        values = chosen(plain, column=OURS, measure=measure).groupby("attack")["value"].mean()
        if len(values):
            yield Figure(f"rows: mean {measure}", float(values.mean()), mean, better="higher")
            name = f"rows: worst attack, {measure} ({values.idxmin()})"
            yield Figure(name, float(values.min()), worst, better="higher")


def _decided(plain: pd.DataFrame) -> Iterator[Figure]:
    ours = plain[plain["column"] == OURS]
    hidden = ours["attack"].str.startswith("camouflaged")
    caught = ours["measure"] == "attackers caught"
    of = {
        "contributors: honest ones held": (ours["measure"] == "honest contributors lost", 0.005),
        "contributors: attackers caught": (caught & ~hidden, 0.90),
        "contributors: camouflaged ones caught": (caught & hidden, 0.60),
    }
    for name, (which, target) in of.items():
        better = "lower" if "honest" in name else "higher"
        yield Figure(name, float(ours.loc[which, "value"].mean()), target, better=better)
    gone = ours.loc[ours["measure"] == "effect removed", "value"].dropna()
    success = chosen(plain, measure="success").groupby("column")["value"].mean()
    effect = success.get(UNDEFENDED, np.nan) - success.get(ORACLE, np.nan)
    whole = (success.get(UNDEFENDED, np.nan) - success.get(OURS, np.nan)) / (effect or np.nan)
    yield Figure("model: effect removed, all attacks together", float(whole), better="higher")
    points = ours.loc[ours["measure"] == "accuracy against oracle", "value"] * 100
    for name, value, target in (
        ("model: effect removed, mean", gone.mean(), 0.80),
        ("model: effect removed, median", gone.median(), 0.97),
        ("model: points of accuracy against the oracle, mean", points.mean(), -0.3),
        ("model: points of accuracy against the oracle, worst cell", points.min(), -1.5),
    ):
        yield Figure(name, float(value), target, better="higher")


def _quiet(frame: pd.DataFrame) -> Iterator[Figure]:
    clean = chosen(frame, attacks=[NONE], style=STYLE)
    for corpus, rows in clean[clean["column"] == OURS].groupby("corpus"):
        said = rows.groupby("measure")["value"].mean()
        lost, rarest = said["honest rows lost"], said["rarest class lost"]
        yield Figure(f"clean {corpus}: honest rows lost", float(lost), 0.01)
        yield Figure(f"clean {corpus}: rarest class lost", float(rarest), float(2 * lost))
        points = float(said["accuracy against oracle"] * 100)
        name = f"clean {corpus}: points of accuracy"
        yield Figure(name, points, -0.2, better="higher")


def _against_peers(plain: pd.DataFrame) -> Iterator[Figure]:
    """Count the targeted attacks and corpora on which some peer's mean is above ours."""
    for measure in RANKS[:2]:
        of = chosen(plain, measure=measure, attacks=TARGETED)
        mean = of.pivot_table(index=["corpus", "attack"], columns="column", values="value")
        peers = [name for name in PEERS if name in mean]
        if peers and OURS in mean:
            above = int((mean[peers].max(axis=1) > mean[OURS]).sum())
            yield Figure(f"targeted attacks x corpora where a peer's {measure} is above", above, 0)


def _unbeaten(plain: pd.DataFrame) -> Iterator[Figure]:
    """Count where any column is better than ours, adaptive attacks among the others."""
    for measure in RANKS[:2]:
        tests = paired(plain, measure)
        if tests.empty:
            continue
        places = tests[tests["theirs"] > tests["ours"]].groupby(["corpus", "attack"]).ngroups
        yield Figure(f"attacks x corpora where any column's mean {measure} is above", places)
        if tests["p"].notna().any():
            name = f"tests of {measure} that a column wins, of {tests['p'].notna().sum()}"
            yield Figure(f"{name}, p <= 5 %", len(beaten(tests)), 0)
            yield Figure(f"{name}, after Holm", int((tests["holm"] <= 0.05).sum()), 0)
