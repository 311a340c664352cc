"""Drift is not poison: real data in the order of its time, night after night.

*Mail*: mails in the order of their dates, reported by simulated people. One mailing list
is kept back and comes on the last night as a new topic, from few people or from many,
under its own label or under the other one. *Ratings*: five years of trust ratings, a
quarter of a year a night; REV2's benign and fraudulent raters score what was held.

Every night goes through the real steps with the history, actors and track records that
the nights before it left. Truth is read for scoring only.

Usage: ``python -m benchmarks.drift --data FOLDER [--seeds N] [--out FOLDER]``
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.nightly import Judged, Road
from foretaste.attacks.world import reporters

LAST: Final = date(2026, 10, 31)
CARRIERS: Final = (2, 4, 8, 16, 32, 64)
"""People who bring the new topic, from few to many."""

_TOPIC_ROWS: Final = 64
_TOPIC: Final = "l1fa2ed03a70596"
"""A list of ham alone that runs through the months."""

_NIGHTS: Final = 6
_FIRST_MAIL: Final = "2002-07-01"
"""Before it the corpus holds spam alone."""

_OTHER: Final = {"ham": "spam", "spam": "ham"}
_LEAST_HISTORY: Final = 5
_LEAST_ROWS: Final = 300

RESULTS: Final = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Reports:
    """Reported mail in the order of its time, one list kept back.

    Parameters
    ----------
    nights
        Dates and their rows, oldest first.
    topic
        Rows of the list that was kept back, as its readers reported them.
    """

    nights: tuple[tuple[date, pd.DataFrame], ...]
    topic: pd.DataFrame

    def brought(self, people: int, *, turned: bool, rng: np.random.Generator) -> pd.DataFrame:
        """Let so many of the known reporters bring the topic on the last night.

        Parameters
        ----------
        people
            Each has sent five rows or more before.
        turned
            Under the other label instead of its own.
        """
        night, _ = self.nights[-1]
        known = pd.concat([rows for _, rows in self.nights[:-1]])
        counts = known["contributor_id"].value_counts().sort_index()
        able = counts.index[counts >= _LEAST_HISTORY].to_numpy(object)
        owner = rng.choice(able, people, replace=False)[np.arange(len(self.topic)) % people]
        profile = known.drop_duplicates("contributor_id").set_index("contributor_id").loc[owner]
        own = self.topic["label"].mode()[0]
        seconds = pd.to_timedelta(rng.integers(0, 86_400, owner.size), unit="s")
        return self.topic.assign(
            contributor_id=owner,
            label=_OTHER[own] if turned else own,
            contributed_at=pd.Timestamp(night, tz="UTC") - pd.Timedelta(days=1) + seconds,
            **{name: profile[name].to_numpy() for name in ("ip", "tier", "registered_at")},
        )


def reported(mail: pd.DataFrame, *, nights: int, topic: str, seed: int) -> Reports:
    """Deal mails out over nights in their order, and keep one list back.

    Parameters
    ----------
    mail
        The sample's columns, oldest first.
    topic
        The list that is kept back; 64 reports of it at most, each mail once.
    """
    world = reporters(mail, n_contributors=200, nights=1, end=LAST, seed=seed)
    place = pd.Series(np.arange(len(mail)), index=mail["mail_id"])
    rows = world.contributions.assign(place=world.truth["mail_id"].map(place).to_numpy())
    new = rows["item_id"] == topic
    kept = rows[~new].sort_values(["place", "contribution_id"])
    rank = kept["place"].rank(method="dense").to_numpy()
    night = ((rank - 1) * nights // rank.max()).astype(np.int64)
    parts = []
    for n in range(nights):
        back = timedelta(days=nights - 1 - n)
        day = kept[night == n].drop(columns="place")
        parts.append((LAST - back, day.assign(contributed_at=day["contributed_at"] - back)))
    held_back = rows[new].drop_duplicates("place").drop(columns="place")
    return Reports(tuple(parts), held_back.head(_TOPIC_ROWS))


def mails(folder: Path) -> pd.DataFrame:
    """Read the whole corpus in the order of its time, as the sample names its columns."""
    table = pd.read_parquet(folder / "spamassassin.parquet")
    table = table[table["timestamp"] >= _FIRST_MAIL].sort_values(["timestamp", "contribution_id"])
    return pd.DataFrame(
        {
            "mail_id": table["contribution_id"],
            "item": table["item_id"].fillna("none"),
            "label": table["label"].map({0: "ham", 1: "spam"}),
            "text": table["text"],
            "sender": table["sender_domain_hash"].fillna("none"),
            "relay": table["relay_ip_hash"].fillna("none"),
        }
    ).reset_index(drop=True)


def mail_nights(folder: Path, seed: int) -> Iterator[dict[str, Any]]:
    """Measure every night without the topic, then the last one with it, brought each way."""
    reports = reported(mails(folder), nights=_NIGHTS, topic=_TOPIC, seed=seed)
    with tempfile.TemporaryDirectory(prefix="drift-") as work:
        road = Road(Path(work) / "road", seed)
        for night, rows in reports.nights:
            judged = road.judge(rows, night)
            yield {"night": str(night), "rows": len(rows), **_said(judged, rows.iloc[:0])}
            if night != LAST:
                road.keep(judged, night)
        for turned in (False, True):
            for people in CARRIERS:
                rng = np.random.default_rng([seed, people])
                new = reports.brought(people, turned=turned, rng=rng)
                judged = road.judge(pd.concat([reports.nights[-1][1], new]), LAST)
                said = {"people": people, "turned": turned, "rows": len(new)}
                yield {**said, **_said(judged, new)}


def _said(judged: Judged, new: pd.DataFrame) -> dict[str, Any]:
    """Shares held: of the honest rows, and of the new topic's; what was above even odds."""
    mine = judged.among(new["contribution_id"])
    return {
        "honest_lost": float(judged.rows.loc[~mine, "held"].mean()),
        "topic_held": float(judged.rows.loc[mine, "held"].mean()),
        "topic_suspected": float((judged.rows.loc[mine, "posterior"] > 0.5).mean()),
        "guards": len(judged.guards),
    }


def rating_nights(folder: Path) -> Iterator[dict[str, Any]]:
    """Measure every quarter of a year of ratings; quarters of few ratings join the next."""
    table = pd.read_parquet(folder / "bitcoin_otc.parquet").sort_values("timestamp")
    truth = table.set_index("contribution_id")["bad_contributor"]
    rows = table[["contribution_id", "contributor_id", "item_id"]].assign(
        label=table["label"].astype("str"),
        contributed_at=table["timestamp"].dt.floor("us").dt.tz_localize("UTC"),
        tier="registered",
    )
    with tempfile.TemporaryDirectory(prefix="drift-") as work:
        road = Road(Path(work) / "road", 1, sorted(rows["label"].unique()))
        for night, part in _quarters(rows):
            judged = road.judge(part, night)
            road.keep(judged, night)
            said = judged.rows.assign(bad=judged.rows["contribution_id"].map(truth))
            by = {name: said[said["bad"] == code] for name, code in (("benign", 0), ("fraud", 1))}
            yield {
                "night": str(night),
                "rows": len(part),
                "all_held": float(said["held"].mean()),
                **{f"{name}_rows": len(mine) for name, mine in by.items()},
                **{f"{name}_held": int(mine["held"].sum()) for name, mine in by.items()},
            }


def _quarters(rows: pd.DataFrame) -> Iterator[tuple[date, pd.DataFrame]]:
    """Give the last day and the rows of each quarter, at least 300 together."""
    waiting = rows.iloc[:0]
    for quarter, part in rows.groupby(
        rows["contributed_at"].dt.tz_localize(None).dt.to_period("Q")
    ):
        waiting = pd.concat([waiting, part])
        if len(waiting) >= _LEAST_ROWS:
            yield quarter.end_time.date(), waiting
            waiting = rows.iloc[:0]


def report(mail: pd.DataFrame, ratings: pd.DataFrame) -> str:
    """Lay the measured nights out as Markdown."""
    today = datetime.now(UTC).date().isoformat()
    parts = ["# Real drift", f"{today}; `python -m benchmarks.drift`."]
    if len(mail):
        nights = mail[mail["night"].notna()].groupby("night")[["rows", "honest_lost"]]
        table = nights.agg(["mean"]).droplevel(1, axis=1)
        seeds = ", ".join(str(seed) for seed in sorted(mail["seed"].unique()))
        parts += [f"## Mail in the order of its time, seeds {seeds}", _table(table)]
        new = mail[mail["people"].notna()].astype({"people": int, "turned": bool})
        names = {False: "under its own label", True: "under the other label"}
        for turned, brought in new.groupby("turned"):
            shares = brought.groupby("people")[["topic_suspected", "topic_held", "honest_lost"]]
            parts += [f"### A new list on the last night, {names[turned]}", _table(shares.mean())]
    if len(ratings):
        parts += ["## Trust ratings, quarter by quarter", _table(ratings.set_index("night"))]
        known = {name: ratings[f"{name}_held"].sum() for name in ("benign", "fraud")}
        of = {name: ratings[f"{name}_rows"].sum() for name in known}
        parts.append(", ".join(f"{n}: {known[n]} of {of[n]} rows held" for n in known) + ".")
    return "\n\n".join(parts) + "\n"


def _table(frame: pd.DataFrame) -> str:
    """Markdown of a frame with its index; shares to four places."""
    lines = [[str(frame.index.name), *map(str, frame.columns)], ["---"] * (frame.shape[1] + 1)]
    for name, values in zip(frame.index, frame.to_numpy(), strict=True):
        lines.append([str(name), *(f"{v:.4f}".rstrip("0").rstrip(".") for v in values)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Measure, print, and write ``drift.md``."""
    parser = argparse.ArgumentParser(description="nights of real data in their order")
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the mail's reporters")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    lines = []
    for seed in range(1, options.seeds + 1):
        for line in mail_nights(options.data, seed):
            lines.append({"seed": seed, "night": None, "people": None, "turned": None, **line})
            print(lines[-1], flush=True)
    ratings = []
    for line in rating_nights(options.data):
        ratings.append(line)
        print(line, flush=True)
    text = report(pd.DataFrame(lines), pd.DataFrame(ratings))
    (options.out / "drift.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
