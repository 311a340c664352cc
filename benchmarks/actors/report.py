"""What was measured, as tables and as figures beside their targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import pandas as pd

from benchmarks.actors.curves import CONFIRMED, OURS, TRUSTED
from benchmarks.actors.scores import CALLED, Line
from benchmarks.actors.town import TownPlan
from benchmarks.actors.worlds import KINDS, SYBILS
from benchmarks.figures import Figure

TARGETS: Final = {
    "lockstep": (0.999, 0.99),
    "drip": (0.99, 0.95),
    "camouflage": (0.99, 0.95),
    "sleeper": (0.99, 0.90),
    "covisit_injection": (0.99, 0.95),
    "all": (0.995, 0.95),
}
"""Kind of campaign to ROC-AUC and recall at 1 % of the honest accounts lost."""
FLAGGED: Final = {
    "class": 0.05,
    "crowd": 0.01,
    "clan": None,
    "team": None,
    "reader": None,
    "honest": None,
}
"""Kind of honest accounts to the share of them that may be in a called group."""
TOGETHER: Final = {"purity": 0.95, "completeness": 0.90, "actors": 2.0}

_ABOUT: Final = (*KINDS, "all")
_SHORT: Final = {"covisit_injection": "injection"}


def heading(plan: TownPlan) -> str:
    """Say in what town, and what methods are told."""
    return (
        f"{plan.visits:,} visits of {plan.contributors:,} honest accounts; campaigns hold "
        f"{SYBILS:.1%} as many.\n{OURS} knows nobody; peers are told {TRUSTED:.0%} of the honest "
        f"accounts and {CONFIRMED} account\nof every other campaign. Accounts that were told "
        "are not scored."
    )


def table_text(lines: Sequence[Line]) -> str:
    """Lay the table of methods out: ranking, calling, actors, reliability."""
    frame = pd.DataFrame([line for line in lines if line.part == "table"])
    ours = frame[frame["method"] == OURS]
    return "\n\n".join(
        [
            _titled("ROC-AUC", frame, "ROC-AUC", _ABOUT),
            _titled("Recall at 1 % of honest accounts lost", frame, "recall at 1 %", _ABOUT),
            _titled("Honest accounts above that threshold", frame, "above 1 %", tuple(FLAGGED)),
            _titled("In a group called a campaign", ours, "called", (*_ABOUT, *FLAGGED)),
            *(
                _titled(title, ours, measure, _ABOUT)
                for title, measure in (
                    ("Completeness of a campaign's best actor", "completeness"),
                    ("Purity of a campaign's best actor", "purity"),
                    ("Actors that hold two or more of a campaign's accounts", "actors"),
                )
            ),
            "Posterior of the groups beside how many are campaigns, all seeds\n"
            + reliability_text(ours),
        ]
    )


def curve_text(lines: Sequence[Line], curve: str) -> str:
    """Lay a curve out: ranking, honest accounts called, and what attackers gain."""
    frame = pd.DataFrame([line for line in lines if line.part == curve])
    return "\n\n".join(
        [
            *(
                f"{curve}: {_titled(title, frame, measure, about, 'setting')}"
                for title, measure, about in (
                    ("ROC-AUC", "ROC-AUC", _ABOUT),
                    ("recall at 1 % of honest accounts lost", "recall at 1 %", _ABOUT),
                    ("completeness of a campaign's best actor", "completeness", _ABOUT),
                    ("actors that hold two or more of its accounts", "actors", _ABOUT),
                    ("honest accounts in a called group", "called", tuple(FLAGGED)),
                )
            ),
            f"{curve}: visits to targets per account, by accounts not called, of all such visits\n"
            + _gain_text(frame),
        ]
    )


def reliability_text(ours: pd.DataFrame) -> str:
    """Lay the reliability of the posterior out, pooled over seeds."""
    pooled = ours[ours["measure"].isin(["groups", "said", "campaigns"])].pivot_table(
        index="about", columns="measure", values="value", aggfunc="sum", sort=True
    )
    return (
        pd.DataFrame(
            {
                "groups": pooled["groups"].astype(int),
                "mean posterior": pooled["said"] / pooled["groups"],
                "share campaigns": pooled["campaigns"] / pooled["groups"],
            }
        )
        .rename_axis(None)
        .to_string(float_format="{:.4f}".format)
    )


def table_figures(lines: Sequence[Line]) -> Iterator[Figure]:
    """Put our numbers of the table beside their targets, and the peers' without."""
    frame = pd.DataFrame([line for line in lines if line.part == "table"])
    for method in frame["method"].unique():
        mine = frame[frame["method"] == method]
        for about, (auc, recall) in TARGETS.items():
            for measure, target in (("ROC-AUC", auc), ("recall at 1 %", recall)):
                known = target if method == OURS else None
                yield _figure(mine, f"{method}: {about}, {measure}", about, measure, known)
    ours = frame[frame["method"] == OURS]
    for about, most in FLAGGED.items():
        name = f"{OURS}: {about} accounts in a called group, share"
        if about in set(ours["about"]):
            yield _figure(ours, name, about, "called", most, better="lower")
    for measure, limit in TOGETHER.items():
        better = "lower" if measure == "actors" else "higher"
        yield _figure(ours, f"{OURS}: {measure} per campaign", "all", measure, limit, better)
    called = ours[ours["about"].isin(CALLED)].groupby("measure")["value"].sum()
    if called.get("groups"):
        for measure, words in (("said", "mean posterior"), ("campaigns", "share campaigns")):
            share = float(called[measure] / called["groups"])
            yield Figure(f"{OURS}: called groups, {words}", share, better="higher")


def curve_figures(lines: Sequence[Line]) -> Iterator[Figure]:
    """Tell curves, of which none has targets."""
    frame = pd.DataFrame(lines)
    places = frame[["part", "setting"]].drop_duplicates().itertuples(index=False)
    for curve, setting in places:
        mine = frame[(frame["part"] == curve) & (frame["setting"] == setting)]
        for measure in ("ROC-AUC", "recall at 1 %", "pushed", "gained"):
            better = "higher" if measure in {"ROC-AUC", "recall at 1 %"} else "lower"
            yield _figure(mine, f"{curve}, {setting}: {measure}", "all", measure, None, better)
    for curve in frame["part"].unique():
        yield from _best_for_attackers(frame[frame["part"] == curve], curve)


def _best_for_attackers(frame: pd.DataFrame, curve: str) -> Iterator[Figure]:
    """Tell what the best setting gains an attacker, of what the strongest one pushes."""
    mean = frame.groupby(["measure", "about", "setting"])["value"].mean()
    for about in _ABOUT:
        gained, pushed = mean["gained"][about], mean["pushed"][about]
        name = f"{curve}: {about}, most that any setting gains, of the most visits to targets"
        yield Figure(name, float(gained.max() / pushed.max()))


def means(lines: Sequence[Line]) -> dict[str, Any]:
    """Nest the means over seeds: part, setting, method, accounts, measure."""
    nested: dict[str, Any] = {}
    frame = pd.DataFrame(lines)
    if frame.empty:
        return nested
    keys = ["part", "setting", "method", "about", "measure"]
    for place, value in frame.groupby(keys, sort=False)["value"].mean().items():
        inner = nested
        *outer, measure = cast("tuple[str, ...]", place)
        for name in outer:
            inner = inner.setdefault(name, {})
        inner[measure] = round(value, 5)
    return nested


def figures_text(figures: Sequence[Figure]) -> str:
    """Lay the figures that have a target out beside it."""
    with_target = [figure for figure in figures if figure.target is not None]
    return listed(with_target) if with_target else "No figure of these parts has a target."


def listed(figures: Sequence[Figure]) -> str:
    """Lay figures out, one a line."""
    words = {True: "ok", False: "MISSED", None: ""}
    width = max(len(figure.name) for figure in figures) + 2
    rows = [f"{'figure':<{width}}{'value':>9}{'spread':>9}{'target':>9}"]
    for f in figures:
        spread = "-" if f.spread is None else f"{f.spread:.4f}"
        target = "-" if f.target is None else f"{f.target:g}"
        rows.append(f"{f.name:<{width}}{f.value:>9.4f}{spread:>9}{target:>9}  {words[f.ok]}")
    return "\n".join(row.rstrip() for row in rows)


def _figure(
    frame: pd.DataFrame,
    name: str,
    about: str,
    measure: str,
    target: float | None,
    better: str = "higher",
) -> Figure:
    values = frame[(frame["about"] == about) & (frame["measure"] == measure)]["value"]
    spread = float(values.max() - values.min()) if len(values) > 1 else None
    return Figure(name, float(values.mean()), target, spread, better)


def _titled(
    title: str,
    frame: pd.DataFrame,
    measure: str,
    about: Sequence[str],
    index: str = "method",
) -> str:
    mine = frame[frame["measure"] == measure]
    cells = mine.groupby([index, "about"], sort=False)["value"].agg(["mean", "max", "min"])
    cells["text"] = [f"{mean:.4f} ({high - low:.3f})" for mean, high, low in cells.to_numpy()]
    seeds = ", ".join(str(seed) for seed in sorted(mine["seed"].unique()))
    head = f"{title}; mean (largest less smallest) over seeds {seeds}"
    return f"{head}\n{_grid(cells['text'], about)}"


def _gain_text(frame: pd.DataFrame) -> str:
    gained, pushed = (
        frame[frame["measure"] == measure].groupby(["setting", "about"], sort=False)["value"].mean()
        for measure in ("gained", "pushed")
    )
    cells = [f"{gained[place]:.2f} of {pushed[place]:.2f}" for place in gained.index]
    return _grid(pd.Series(cells, index=gained.index), _ABOUT)


def _grid(cells: pd.Series, about: Sequence[str]) -> str:
    """Lay texts by (place, about) out, a place a line, in their order."""
    grid = {
        _SHORT.get(name, name): cells.xs(name, level="about")
        for name in about
        if name in cells.index.get_level_values("about")
    }
    order = cells.index.get_level_values(0).unique()
    shown: str = pd.DataFrame(grid).reindex(order).rename_axis(None).fillna("-").to_string()
    return shown
