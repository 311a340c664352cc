"""The demonstration's three nights, told by their own files and by the planted record."""

from __future__ import annotations

import csv
import gzip
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from foretaste.core.ledger import Query
from foretaste.core.release import releases
from tests.e2e.walks import DAYS, Walked

pytestmark = [pytest.mark.e2e, pytest.mark.prefect]

PARTS = ("accepted", "downweighted", "quarantined", "rejected")
RAW = re.compile(rb"u[0-9a-f]{10}|(?:10|198)(?:\.[0-9]{1,3}){3}")
"""What the demonstration's raw account ids and addresses look like."""


def rows_in(path: Path) -> int:
    """Count a landing file's rows with nothing of ours."""
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    if path.suffix == ".gz":
        with gzip.open(path, "rt", newline="") as file:
            return sum(1 for _ in csv.reader(file)) - 1
    return len(path.read_text().splitlines())


def landed(demo: Walked) -> dict[str, Path]:
    return {day: next((demo.root / "landing").glob(f"*{day}*")) for day in DAYS}


def run_folder(demo: Walked, place: int) -> Path:
    return demo.root / "data" / "runs" / str(demo.outcomes[place]["run"])


def planted(demo: Walked) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads((demo.root / "planted" / "planted.json").read_text())
    return content


def test_three_nights_end_normally(demo: Walked) -> None:
    assert [night["night"] for night in demo.outcomes] == list(DAYS)
    assert demo.outcomes[0]["state"] == "promoted"
    assert {night["state"] for night in demo.outcomes} <= {"promoted", "released"}
    assert {night["exit_code"] for night in demo.outcomes} <= {0, 3}
    assert [r.night for r in releases(demo.open())] == list(DAYS)
    tags = demo.open().git.lines("tag", "--list")
    assert tags == [f"{kind}/000{n}" for kind in ("model", "release") for n in (1, 2, 3)]


def test_every_row_that_landed_has_one_verdict(demo: Walked) -> None:
    total = 0
    for place, (day, file) in enumerate(landed(demo).items()):
        verdicts = demo.verdicts(place)
        counts = verdicts["verdict"].value_counts()
        account = demo.outcomes[place]["account"]
        assert rows_in(file) == account["rows_in"] == len(verdicts), day
        assert {part: int(counts.get(part, 0)) for part in PARTS} == {
            part: account[part] for part in PARTS
        }
        assert verdicts["row_id"].is_unique
        total += len(verdicts)
    assert total == sum(rows_in(file) for file in landed(demo).values())


def test_the_corpus_is_what_was_kept(demo: Walked) -> None:
    for place, day in enumerate(DAYS):
        kept = demo.verdicts(place).query("verdict in ('accepted', 'downweighted')")
        corpus = pd.read_parquet(demo.root / "data" / "accepted" / f"night={day}")
        assert set(corpus["row_id"]) == set(kept["row_id"])
        assert corpus["row_id"].is_unique
        assert (corpus["weight"] > 0).all()
        assert corpus["weight"].mean() == pytest.approx(1.0)


def test_malformed_rows_have_the_codes_that_were_planted(demo: Walked) -> None:
    for place, day in enumerate(DAYS):
        expected = sorted(planted(demo)["malformed"].get(day, []))
        verdicts = demo.verdicts(place)
        found = verdicts[~verdicts["code"].isin(["", "evidence"])]
        assert sorted(found["code"]) == expected
        assert set(found["verdict"]) <= {"quarantined", "rejected"}


def told(demo: Walked) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads((demo.folder / "told.json").read_text())
    return content


def test_every_planted_campaign_is_caught_and_few_honest_rows_are_lost(demo: Walked) -> None:
    campaigns = told(demo)["campaigns"]
    assert set(campaigns) == {"backdoor_phrase", "label_flip_sleeper", "sybil_ring"}
    assert {name for name, said in campaigns.items() if said["kept_out"] < 0.8} == set()
    # Of the rows that honest people lose, most carry one of their own wrong labels.
    honest = told(demo)["honest"]
    assert honest["lost_with_a_right_label"] <= 0.005
    assert honest["lost"] <= 0.01
    sent = [honest, told(demo)["cover"], *campaigns.values()]
    found = pd.concat(demo.verdicts(place) for place in range(len(DAYS)))
    assert sum(part["rows"] for part in sent) == found["code"].isin(["", "evidence"]).sum()


def test_the_model_is_as_clean_as_one_of_honest_rows_only(demo: Walked) -> None:
    lines = {line["name"]: line for line in told(demo)["comparison"]}
    against_clean = "(against a model of honest rows only)"
    undefended, clean = lines["backdoor success"], lines[f"backdoor success {against_clean}"]
    assert undefended["before"] >= 0.6
    assert clean["after"] <= clean["before"] + 0.02
    accuracy = lines[f"clean accuracy {against_clean}"]
    assert accuracy["after"] >= accuracy["before"] - 0.01


def test_a_clean_night_passes_every_gate_and_loses_few_rows(demo: Walked) -> None:
    clean = demo.outcomes[0]
    assert (clean["state"], clean["reasons"]) == ("promoted", [])
    account = clean["account"]
    assert account["quarantined"] + account["rejected"] <= 0.01 * account["rows_in"]


def ring_of(demo: Walked) -> set[str]:
    """Contributors of the planted ring."""
    truth = pd.read_parquet(demo.root / "planted" / "planted.parquet")
    raw = truth.loc[truth["attack"] == "sybil_ring", "contributor_id"].unique()
    return {demo.open().key.pseudonym("contributor", account) for account in raw}


def test_the_ring_stands_as_one_campaign(demo: Walked) -> None:
    ring = ring_of(demo)
    actors = pd.read_parquet(run_folder(demo, 1) / "resolve" / "actors.parquet")
    theirs = actors[actors["contributor_id"].isin(ring)]
    assert len(theirs) == len(ring) == 45
    assert len(set(theirs["actor_id"])) == 1
    assert set(theirs["kind"]) == {"campaign"}
    together = actors[actors["actor_id"].isin(theirs["actor_id"])]
    assert len(together) <= 1.1 * len(ring)
    verdicts = demo.verdicts(1)
    poison = verdicts[verdicts["contributor_id"].isin(ring)]
    assert set(poison["verdict"]) <= {"quarantined", "rejected"}


def test_the_report_shows_the_ring_as_one_actor(demo: Walked) -> None:
    ring = ring_of(demo)
    page = Path(demo.outcomes[1]["report"])
    content = json.loads(page.with_suffix(".json").read_text())
    (line,) = (c for c in content["campaigns"] if c["reason"].startswith("ring:"))
    assert line["size"] == line["rows"] == 45
    (group,) = (g for g in content["groups"] if g["actor_id"] == line["actor_id"])
    assert (group["kind"], group["size"]) == ("campaign", 45)
    near = group["neighbourhood"]
    assert len(near["members"]) + near["members_left_out"] == 45
    assert near["members"]
    assert set(near["members"]) <= ring
    elsewhere = [g for g in content["groups"] if g is not group]
    assert not [g for g in elsewhere if ring & set(g["neighbourhood"]["members"])]
    assert page.read_text().count('<article class="group">') == len(content["groups"])


def test_each_night_has_its_report(demo: Walked) -> None:
    for night in demo.outcomes:
        page = Path(night["report"])
        assert page.parent == demo.root / "reports"
        content = json.loads(page.with_suffix(".json").read_text())
        assert content["run_id"] == night["run"]
        assert content["account"] == night["account"]
        html = page.read_text()
        assert str(night["account"]["rows_in"]) in html.replace(",", "").replace("\u202f", "")
        assert night["night"] in html


def raw_values(demo: Walked) -> set[bytes]:
    """Every account id and address as users sent them."""
    truth = pd.read_parquet(demo.root / "planted" / "planted.parquet")
    first = pd.read_parquet(landed(demo)[DAYS[0]])
    last = pd.read_json(landed(demo)[DAYS[2]], lines=True)
    values = [truth["contributor_id"], first["ip"], last["ip"], last["contributor_id"]]
    return {str(v).encode() for v in pd.concat(values).dropna()}


def readable(path: Path) -> bytes:
    """A file's content, unpacked where it is packed."""
    if path.suffix == ".parquet":
        return str(pq.read_table(path, partitioning=None).to_pydict()).encode()
    if path.suffix == ".sqlite":
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return "\n".join(database.iterdump()).encode()
    return path.read_bytes()


def everything_behind_landing(demo: Walked) -> Iterator[Path]:
    apart = {".git", "landing", "planted"}
    for path in demo.root.rglob("*"):
        parts = path.relative_to(demo.root).parts
        # The cache holds the same files under names that do not tell how to read them.
        if path.is_file() and parts[0] not in apart and parts[:2] != (".dvc", "cache"):
            yield path


def test_raw_accounts_and_addresses_stay_in_landing(demo: Walked) -> None:
    raw = raw_values(demo)
    assert len(raw) > 300
    assert all(RAW.fullmatch(value) for value in raw)
    assert raw <= {*RAW.findall(b" ".join(readable(f) for f in landed(demo).values()))} | {
        *RAW.findall(gzip.decompress(landed(demo)[DAYS[1]].read_bytes()))
    }
    searched = list(everything_behind_landing(demo))
    names = {path.name for path in searched}
    assert {"ledger.sqlite", "originals.sqlite", "rows.parquet", "files.json"} <= names
    for path in searched:
        leaked = raw & set(RAW.findall(readable(path)))
        assert not leaked, f"{path.relative_to(demo.root)} holds {leaked}"


def test_prefect_sees_no_raw_account_or_address(demo: Walked, prefect: str) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        flows = client.read_flow_runs(limit=200)
        tasks = client.read_task_runs(limit=200)
        artifacts = client.read_artifacts()
    assert len(artifacts) >= 3
    keys = {"foretaste-night", "foretaste-gates", "foretaste-progress"}
    assert keys == {artifact.key for artifact in artifacts}
    seen = " ".join(
        [*(one.model_dump_json() for one in (*flows, *tasks, *artifacts)), str(demo.outcomes)]
    )
    assert not raw_values(demo) & set(RAW.findall(seen.encode()))


def test_nothing_shown_holds_a_contributed_text(demo: Walked) -> None:
    """Reports and cases tell reasons in codes and numbers, never in the attacker's words."""
    texts = pd.read_parquet(landed(demo)[DAYS[0]])["text"].dropna()
    long = [t for t in texts.str.slice(0, 60).unique() if len(t) == 60]
    assert len(long) > 100
    written = [*(demo.root / "reports").glob("*.*"), *(demo.root / "reports").rglob("*.json")]
    shown = "".join(path.read_text() for path in written)
    with demo.open().ledger() as ledger:
        cases = ledger.queue(Query(per=1_000)).items
        told = [(case.title, case.reasons, ledger.case(case.id).details["story"]) for case in cases]
        shown += repr(told) + repr(ledger.audit_entries(limit=10_000))
    assert cases
    assert not [t for t in long if t in shown]
