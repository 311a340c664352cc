"""What was measured: tables in markdown, and figures beside their targets."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.efficacy.cell import EVIDENCE, ORACLE, OURS, UNDEFENDED
from benchmarks.efficacy.frames import RANKS, beaten, chosen, long, methods, paired
from benchmarks.efficacy.natural import Found
from benchmarks.efficacy.peers import PEERS
from benchmarks.efficacy.strength import ADAPTIVE, NONE, TARGETED
from benchmarks.figures import Figure, write_figures

_STYLE: Final = 0.1
_AWAY: Final = {"crowd-kit": "Dawid-Skene, MACE", "adversarial-robustness-toolbox": "RONI"}
_LIBRARIES: Final = ("foretaste", "scikit-learn", "cleanlab", "pyod", "numpy", "pandas")
_OF_US: Final = (
    *RANKS,
    *("poison held", "attackers caught", "honest rows lost", "honest contributors lost"),
    *("effect removed", "accuracy against oracle"),
)
_CLEAN: Final = ("honest rows lost", "rarest class lost", "honest contributors lost")
_DOWNSTREAM: Final = ("success", "effect removed", "accuracy against oracle", "honest rows lost")


def text(lines: Sequence[Mapping[str, Any]], natural: Sequence[str] = ()) -> str:
    """Lay everything out as one page of markdown."""
    frame = long(lines)
    seeds = sorted({int(line["seed"]) for line in lines})
    parts = [
        "# Efficacy: what is found, and what it is worth",
        _about(lines, seeds),
        "## Targets",
        _targets_text(figures(frame)),
        *_attacked(frame),
        *_clean(frame),
        *natural,
        "## What guards and the budget set free\n\n" + _guards(lines),
        "## Seconds a cell\n\n" + _seconds(lines),
    ]
    return "\n\n".join(parts) + "\n"


def write(path: Path, page: str, lines: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> None:
    """Write the page, and the figures as JSON beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    frame = long(lines)
    more = {"means": _means(frame)}
    write_figures(path.with_suffix(".json"), figures(frame), seeds=seeds, more=more)


def _means(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Means over the seeds of what columns are compared by: place and measure, then column."""
    compared = frame[frame["measure"].isin([*RANKS, "effect removed"])].dropna(subset=["value"])
    by = ["corpus", "attack", "style", "measure", "column"]
    nested: dict[str, dict[str, float]] = {}
    for line in compared.groupby(by)["value"].mean().round(4).reset_index().to_dict("records"):
        place = f"{line['corpus']}/{line['attack']}/{line['style']}: {line['measure']}"
        nested.setdefault(place, {})[line["column"]] = float(line["value"])
    return nested


def figures(frame: pd.DataFrame) -> list[Figure]:
    """Put our numbers beside their targets; adaptive attacks have none."""
    plain = frame[(frame["style"] == _STYLE) & ~frame["attack"].isin([NONE, *ADAPTIVE])]
    found = [*_ranked(plain), *_decided(plain), *_quiet(frame), *_against_peers(plain)]
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
    clean = chosen(frame, attacks=[NONE], style=_STYLE)
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


def _about(lines: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> str:
    now = datetime.now(UTC).date().isoformat()
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    rows = [int(line["rows"]) for line in lines]
    absent = [f"{name} ({what})" for name, what in _AWAY.items() if not _installed(name)]
    gone = f" Not installed, so not measured: {'; '.join(absent)}." if absent else ""
    return (
        f"{now}, seeds {', '.join(map(str, seeds))}, {len(lines)} cells of {min(rows):,} to "
        f"{max(rows):,} rows; Python {platform.python_version()}, {versions}.{gone}\n\n"
        "Attackers are 5 % of the contributors with up to 8 % of the rows. ROC-AUC and recall "
        "compare poison with honest rows that are labelled right; recall is at a share of "
        "those lost. Detectors and peers read one dense view of the rows."
    )


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _targets_text(found: Sequence[Figure]) -> str:
    words = {True: "ok", False: "missed", None: ""}
    rows = [
        [f.name, f"{f.value:.3f}", "" if f.target is None else f"{f.target:.3g}", words[f.ok]]
        for f in found
    ]
    return _markdown(["figure", "value", "target", ""], rows)


def _attacked(frame: pd.DataFrame) -> Iterator[str]:
    poisoned = frame[frame["attack"] != NONE]
    if poisoned.empty:
        return
    plain = chosen(poisoned, style=_STYLE)
    for measure in RANKS:
        yield f"## {measure}, mean over corpora and seeds\n\n{_grid(plain, measure)}"
    yield "## Ours, by corpus and attack; mean over seeds\n\n" + _ours(plain)
    yield "## The model behind each column, mean over attacks\n\n" + _models(plain)
    if (poisoned["style"] != _STYLE).any():
        yield "## Contributors of stronger styles, ours\n\n" + _ours(
            poisoned[poisoned["style"] != _STYLE]
        )
    for measure in RANKS[:2]:
        yield f"## Paired tests of {measure}\n\n" + _tests(plain, measure)


def _grid(plain: pd.DataFrame, measure: str) -> str:
    mine = chosen(plain, measure=measure)
    mean = mine.pivot_table(index="column", columns="attack", values="value")
    mean = mean.drop(index=[n for n in (EVIDENCE, ORACLE) if n in mean.index])
    mean = mean.reindex([name for name in methods(mine) if name in mean.index])
    order = sorted(mean.columns, key=lambda name: (name in ADAPTIVE, name))
    mean = mean[order].assign(mean=mean.mean(axis=1), worst=mean.min(axis=1))
    return _table(mean)


def _ours(plain: pd.DataFrame) -> str:
    mine = plain[(plain["column"] == OURS) & plain["measure"].isin(_OF_US)]
    index = ["corpus", "attack", "style"]
    mean = mine.pivot_table(index=index, columns="measure", values="value")
    mean = mean.reindex(columns=[m for m in _OF_US if m in mean])
    return _table(mean)


def _models(plain: pd.DataFrame) -> str:
    mine = plain[plain["measure"].isin(_DOWNSTREAM)]
    mean, median, least = (
        mine.pivot_table(index="column", columns="measure", values="value", aggfunc=how)
        for how in ("mean", "median", "min")
    )
    table = mean.reindex(columns=_DOWNSTREAM).dropna(subset=["success"])
    table.insert(2, "effect removed, median", median.get("effect removed"))
    table.insert(4, "worst", least["accuracy against oracle"])
    table = table.reindex([name for name in methods(plain) if name in table.index])
    return _table(table)


def _clean(frame: pd.DataFrame) -> Iterator[str]:
    clean = chosen(frame, attacks=[NONE], style=_STYLE)
    if clean.empty:
        return
    wanted = (*_CLEAN, "accuracy against oracle")
    table = clean[clean["measure"].isin(wanted)].pivot_table(
        index=["corpus", "column"], columns="measure", values="value"
    )
    table = table.reindex(columns=wanted).dropna(subset=["accuracy against oracle"])
    yield "## Clean nights\n\n" + _table(table)


def _tests(plain: pd.DataFrame, measure: str) -> str:
    tests = paired(plain, measure)
    lost = beaten(tests)
    if tests["p"].isna().all():
        said = "Under five seeds nothing is tested. Where any column's mean is above ours:"
        lost = tests[tests["theirs"] > tests["ours"]]
    else:
        said = (
            f"{len(tests)} comparisons of our fused evidence with a column over the seeds "
            "(Wilcoxon, one-sided, 5 %, not corrected). Columns that beat it:"
        )
    named = lost.sort_values("theirs").set_index(["corpus", "attack", "column"])
    return f"{said}\n\n{_table(named[['ours', 'theirs', 'p']]) if len(named) else 'None.'}"


def _guards(lines: Sequence[Mapping[str, Any]]) -> str:
    """Lay out, per corpus and attack, what the decision said; of the first seed."""
    said = {(line["corpus"], line["attack"], line["style"]): line for line in reversed(lines)}
    rows = [
        [corpus, _cell(attack), f"{style:g}", "; ".join(line.get("guards", ()))]
        for (corpus, attack, style), line in sorted(said.items())
        if line.get("guards")
    ]
    return _markdown(["corpus", "attack", "style", "said"], rows) if rows else "Nothing."


def _seconds(lines: Sequence[Mapping[str, Any]]) -> str:
    mean = pd.DataFrame([line["seconds"] for line in lines]).mean()
    return _markdown(["column", "seconds"], [[str(k), f"{v:.2f}"] for k, v in mean.items()])


def natural_text(found: Sequence[Found]) -> str:
    """Lay out what was found in a set with a truth of its own."""
    table = pd.DataFrame(found).set_index(["corpus", "column"])
    return f"## Bad contributors of {found[0].corpus}\n\n{_table(table)}"


def _table(frame: pd.DataFrame) -> str:
    """Lay a frame of numbers out behind its index."""
    named = frame.reset_index()
    heads = [str(name).replace("_", " ") for name in named.columns]
    return _markdown(heads, [[_cell(value) for value in row] for row in named.to_numpy(object)])


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value).replace("_", " ")
    return "" if np.isnan(value) else f"{value:.3f}"


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay a table out, columns padded so that it reads in a terminal too."""
    widths = [max(len(str(row[i])) for row in [heads, *rows]) for i in range(len(heads))]
    ruled = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(f"{cell!s:<{w}}" for cell, w in zip(row, widths, strict=True)) + " |"
        for row in ruled
    )
