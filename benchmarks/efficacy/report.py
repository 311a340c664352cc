"""What was measured: tables in markdown, and figures beside their targets."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pandas as pd

from benchmarks.efficacy.cell import EVIDENCE, ORACLE, OURS
from benchmarks.efficacy.frames import RANKS, STYLE, beaten, chosen, long, methods, paired, pooled
from benchmarks.efficacy.natural import Found
from benchmarks.efficacy.picture import picture
from benchmarks.efficacy.strength import ADAPTIVE, NONE
from benchmarks.efficacy.tables import cell, markdown, table
from benchmarks.efficacy.targets import figures
from benchmarks.figures import Figure, write_figures

_LIBRARIES: Final = ("foretaste", "scikit-learn", "cleanlab", "pyod", "numpy", "pandas")
_OF_US: Final = (
    *RANKS,
    *("poison held", "attackers caught", "honest rows lost", "right rows lost"),
    "honest contributors lost",
    *("effect removed", "accuracy against oracle"),
)
_CLEAN: Final = (
    *("honest rows lost", "right rows lost", "rarest class lost", "honest contributors lost"),
)
_DOWNSTREAM: Final = ("success", "effect removed", "accuracy against oracle", "honest rows lost")


def text(lines: Sequence[Mapping[str, Any]], more: Mapping[str, str] | None = None) -> str:
    """Lay everything out as one page of markdown.

    Parameters
    ----------
    more
        Further parts under their headings.
    """
    frame = long(lines)
    seeds = sorted({int(line["seed"]) for line in lines})
    parts = [
        "# Efficacy: what is found, and what it is worth",
        _about(lines, seeds),
        "## Targets",
        _targets_text(figures(frame)),
        *_attacked(frame),
        *_clean(frame),
        *(f"## {head}\n\n{part}" for head, part in (more or {}).items()),
        "## What guards and the budget set free\n\n" + _guards(lines),
        "## Seconds a cell\n\n" + _seconds(lines),
    ]
    return "\n\n".join(parts) + "\n"


def write(
    path: Path,
    page: str,
    lines: Sequence[Mapping[str, Any]],
    seeds: Sequence[int],
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write the page, and beside it the figures as JSON and the picture.

    Parameters
    ----------
    more
        Further detail for the JSON file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    frame = long(lines)
    detail = {"means": _means(frame), **(more or {})}
    write_figures(path.with_suffix(".json"), figures(frame), seeds=seeds, more=detail)
    if (frame["attack"] != NONE).any():
        path.with_suffix(".svg").write_text(picture(frame, STYLE), encoding="utf-8")


def _means(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Means over the seeds of what columns are compared by: place and measure, then column."""
    compared = frame[frame["measure"].isin([*RANKS, "effect removed"])].dropna(subset=["value"])
    by = ["corpus", "attack", "style", "measure", "column"]
    nested: dict[str, dict[str, float]] = {}
    for line in compared.groupby(by)["value"].mean().round(4).reset_index().to_dict("records"):
        place = f"{line['corpus']}/{line['attack']}/{line['style']}: {line['measure']}"
        nested.setdefault(place, {})[line["column"]] = float(line["value"])
    return nested


def _about(lines: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> str:
    now = datetime.now(UTC).date().isoformat()
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    rows = [int(line["rows"]) for line in lines]
    styles = {
        f"{style:g} on seeds {', '.join(map(str, sorted(own)))}"
        for style, own in _seeds_of_styles(lines).items()
        if style != STYLE
    }
    styled = f" Contributors' styles spread by {STYLE:g} sd" + (
        f"; four attacks also by {' and '.join(sorted(styles))}." if styles else "."
    )
    return (
        f"{now}, seeds {', '.join(map(str, seeds))}, {len(lines)} cells of {min(rows):,} to "
        f"{max(rows):,} rows; Python {platform.python_version()}, {versions}.{styled}\n\n"
        "Attackers are 5 % of the contributors with up to 8 % of the rows. ROC-AUC and recall "
        "compare poison with honest rows that are labelled right; recall is at a share of "
        "those lost. Detectors and peers read one dense view of the rows."
    )


def _seeds_of_styles(lines: Sequence[Mapping[str, Any]]) -> dict[float, set[int]]:
    found: dict[float, set[int]] = {}
    for line in lines:
        found.setdefault(line["style"], set()).add(int(line["seed"]))
    return found


def _targets_text(found: Sequence[Figure]) -> str:
    words = {True: "ok", False: "missed", None: ""}
    rows = [
        [f.name, f"{f.value:.3f}", "" if f.target is None else f"{f.target:.3g}", words[f.ok]]
        for f in found
    ]
    return markdown(["figure", "value", "target", ""], rows)


def _attacked(frame: pd.DataFrame) -> Iterator[str]:
    poisoned = frame[frame["attack"] != NONE]
    if poisoned.empty:
        return
    plain = chosen(poisoned, style=STYLE)
    for measure in RANKS:
        yield f"## {measure}, mean over corpora and seeds\n\n{_grid(plain, measure)}"
    yield "## Ours, by corpus and attack; mean over seeds\n\n" + _ours(plain)
    yield "## The model behind each column, mean over attacks\n\n" + _models(plain)
    if (poisoned["style"] != STYLE).any():
        yield "## Contributors of stronger styles, ours\n\n" + _ours(
            poisoned[poisoned["style"] != STYLE]
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
    return table(mean)


def _ours(plain: pd.DataFrame) -> str:
    mine = plain[(plain["column"] == OURS) & plain["measure"].isin(_OF_US)]
    index = ["corpus", "attack", "style"]
    mean = mine.pivot_table(index=index, columns="measure", values="value")
    mean = mean.reindex(columns=[m for m in _OF_US if m in mean])
    return table(mean)


def _models(plain: pd.DataFrame) -> str:
    mine = plain[plain["measure"].isin(_DOWNSTREAM)]
    mean, median, least = (
        mine.pivot_table(index="column", columns="measure", values="value", aggfunc=how)
        for how in ("mean", "median", "min")
    )
    found = mean.reindex(columns=_DOWNSTREAM).dropna(subset=["success"])
    found.insert(2, "effect removed, median", median.get("effect removed"))
    found.insert(4, "worst", least["accuracy against oracle"])
    return table(found.reindex([name for name in methods(plain) if name in found.index]))


def _clean(frame: pd.DataFrame) -> Iterator[str]:
    clean = chosen(frame, attacks=[NONE], style=STYLE)
    if clean.empty:
        return
    flagged = chosen(clean, measure="honest rows lost")
    by = flagged.pivot_table(index="column", columns="corpus", values="value")
    by = by.reindex([name for name in methods(clean) if name in by.index])
    by = by.drop(index=[name for name in (ORACLE, EVIDENCE) if name in by.index])
    said = (
        "Share of the honest rows, mistakes among them, that a column flags where nobody "
        "attacks; right rows are those without mistakes. Of ours, what is "
        "held, of our detectors, any evidence above 0. PyOD's share is fixed, whatever comes."
    )
    wanted = (*_CLEAN, "accuracy against oracle")
    worth = clean[clean["measure"].isin(wanted)].pivot_table(
        index=["corpus", "column"], columns="measure", values="value"
    )
    worth = worth.reindex(columns=wanted).dropna(subset=["accuracy against oracle"])
    yield f"## Clean nights\n\n{said}\n\n{table(by)}\n\n{table(worth)}"


def _tests(plain: pd.DataFrame, measure: str) -> str:
    tests = paired(plain, measure)
    lost = beaten(tests)
    if tests["p"].isna().all():
        said = "Under five seeds nothing is tested. Where any column's mean is above ours:"
        lost = tests[tests["theirs"] > tests["ours"]]
    else:
        said = (
            f"{len(tests)} one-sided Wilcoxon signed-rank tests over the seeds, one for each "
            "corpus, attack and column. With five seeds p is 1/32 at least, so that Holm's "
            "correction over the columns of one attack leaves nothing: those below are at 5 % "
            f"without it. Columns whose mean is above ours, tested or not: "
            f"{int((tests['theirs'] > tests['ours']).sum())}. Columns that beat ours:"
        )
    named = lost.sort_values("theirs").set_index(["corpus", "attack", "column"])
    won = table(named[["ours", "theirs", "p", "holm"]]) if len(named) else "None."
    return (
        f"{said}\n\n{won}\n\nOver all corpora, attacks and seeds together; `holm` is of ours "
        f"being better:\n\n{table(pooled(plain, measure))}"
    )


def _guards(lines: Sequence[Mapping[str, Any]]) -> str:
    """Lay out, per corpus and attack, what the decision said; of the first seed."""
    said = {(line["corpus"], line["attack"], line["style"]): line for line in reversed(lines)}
    rows = [
        [corpus, cell(attack), f"{style:g}", "; ".join(line.get("guards", ()))]
        for (corpus, attack, style), line in sorted(said.items())
        if line.get("guards")
    ]
    return markdown(["corpus", "attack", "style", "said"], rows) if rows else "Nothing."


def _seconds(lines: Sequence[Mapping[str, Any]]) -> str:
    mean = pd.DataFrame([line["seconds"] for line in lines]).mean()
    return markdown(["column", "seconds"], [[str(k), f"{v:.2f}"] for k, v in mean.items()])


def natural_text(found: Sequence[Found]) -> str:
    """Lay out what was found in a set with a truth of its own."""
    people = pd.DataFrame(found).set_index(["corpus", "column"])
    return table(people)
