"""Who acts as one: a campaign does, honest people do not, and people have the last word."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foretaste.core.actor import ACTOR_SCHEMA
from foretaste.core.batch import Batch
from foretaste.core.policy import Policy
from foretaste.intake import OriginalStore
from foretaste.steps import ingest, sanitize, state
from foretaste.steps.accept import accept
from foretaste.steps.sanitize import Inputs
from foretaste.steps.state import DECISION_SCHEMA
from tests.detectors.actors.visit_worlds import START, Town
from tests.steps.nights import KEY, NOTHING, a_night
from tests.steps.test_decide import POLICY, Row, Staged, stage, write

GROUPS = {"c0": "honest_group", "c1": "honest_group", "c2": "campaign", "c3": "campaign"}


def staged(root: Path) -> Staged:
    """Two honest people together and a campaign of two, eight rows each, and ten others."""
    people = [*range(4)] * 8 + [*range(4, 14)] * 2
    one = stage(root, [Row(n, "ham", None, "registered", None, {}) for n in people], [])
    actors = [
        {"contributor_id": who, "actor_id": kind, "kind": kind, "size": 2, "posterior": 0.1}
        | {"reason": ""}
        for who, kind in GROUPS.items()
    ]
    write(one.resolved / "actors.parquet", actors, ACTOR_SCHEMA)
    one.decide()
    return one


def test_verdicts_name_who_acts(tmp_path: Path) -> None:
    verdicts = pq.read_table(staged(tmp_path).out / "verdicts.parquet").to_pandas()
    acting = dict(zip(verdicts["row_id"], verdicts["actor_id"], strict=True))
    assert [acting[f"r{i:03}"] for i in range(4)] == ["c0", "c1", "campaign", "campaign"]
    assert set(acting.values()) == {"c0", "c1", "campaign"} | {f"c{n}" for n in range(4, 14)}


def test_a_campaign_is_capped_as_one_and_honest_people_each_for_themselves(tmp_path: Path) -> None:
    one, kept = staged(tmp_path), tmp_path / "kept"
    kept.mkdir()
    caps = {"contributor_share": 0.3, "actor_share": 0.2, "subnet_share": 1.0}
    policy = Policy.model_validate({**POLICY.model_dump(), "influence": caps})
    accept(one.inputs, one.out, tmp_path / "corpus", policy, kept)
    shares = pd.read_parquet(kept / "shares_actor.parquet").set_index("id")["share"]
    assert shares["campaign"] == pytest.approx(0.2)
    assert shares["c0"] == shares["c1"]
    assert shares["c0"] + shares["c1"] > 0.3
    weight = pq.read_table(kept / "part-0.parquet").to_pandas()
    weight = weight.groupby("contributor_id")["weight"].sum()
    assert weight["c2"] == weight["c3"] < weight["c0"] == weight["c1"]


PEOPLE = Town(0).people(1500, 20_000).lockstep(12).course(25)
"""A town with a campaign, and a course that is honestly together."""


@cache
def landed() -> pd.DataFrame:
    """The town's visits as raw contributions."""
    frame = PEOPLE.frame()
    when = pd.to_datetime(START + frame["second"], unit="s", utc=True)
    born = pd.to_datetime(START + frame["registered"], unit="s", utc=True)
    rows = frame[["contributor_id", "item_id", "subnet_id"]]
    ids = [f"k{i}" for i in range(len(frame))]
    # Names that say nothing: nobody's is like another's.
    name = [blake2b(who.encode(), digest_size=6).hexdigest() for who in frame["contributor_id"]]
    return rows.assign(
        contribution_id=ids, contributed_at=when, registered_at=born, label="ham", name=name
    )


NAMED = {"registered_at": "registered_at", "subnet_id": "subnet_id", "account_name": "name"}
TOWN = Policy.model_validate(
    {"columns": {**NAMED, "text": None}, "label": {"values": ("ham", "spam")}}
)


def night_of(root: Path, policy: Policy) -> Inputs:
    """A night of the town, ingested; nobody decided anything."""
    night = a_night(root, policy)
    landed().to_parquet(night.layout.landing / "rows.parquet", index=False)
    root = night.layout.root
    originals = OriginalStore(root / "originals.sqlite", root / "keys.sqlite", KEY)
    contributions = ingest.ingest(night, ingest.landed(night), originals)
    return Inputs(contributions, state.begin(night, NOTHING), night.layout.accepted)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """The town's night, as it was."""
    return night_of(tmp_path_factory.mktemp("town"), TOWN)


def pseudonyms(prefix: str) -> list[str]:
    """Contributors of the corpus whose raw id begins so."""
    raw = landed()["contributor_id"].unique()
    return [KEY.pseudonym("contributor", one) for one in raw if one.startswith(prefix)]


def resolve(taken: Inputs, out: Path, *said: tuple[str, list[str]]) -> Mapping[str, str]:
    """Resolve once people decided, in this order, about contributors; who acts for whom."""
    begun = out / "state"
    shutil.copytree(taken.state, begun)
    lines = [
        {"decision_id": number, "row_id": f"r{i}", "contributor_id": who}
        | {"decision": decision, "night": "2026-11-17"}
        for number, (decision, people) in enumerate(said)
        for i, who in enumerate(people)
    ]
    pq.write_table(pa.Table.from_pylist(lines, DECISION_SCHEMA), begun / "decisions.parquet")
    sanitize.resolve(Inputs(taken.contributions, begun, taken.accepted), TOWN, KEY, out)
    batch = Batch.load(out / "batch")
    acting = {
        (str(batch.contributor_ids[c]), str(a))
        for c, a in zip(batch.contributors, batch.actors, strict=True)
    }
    assert len(acting) == len(dict(acting)) == len(batch.contributor_ids)
    return dict(acting)


def test_detectors_see_a_campaign_as_one_and_a_course_as_many(
    taken: Inputs, tmp_path: Path
) -> None:
    acting = resolve(taken, tmp_path)
    assert len({acting[who] for who in pseudonyms("step")}) == 1
    assert len({acting[who] for who in pseudonyms("pupil")}) == 25
    assert len(set(acting.values())) == len(acting) - 11
    kinds = pq.read_table(tmp_path / "actors.parquet").to_pandas().set_index("contributor_id")
    assert set(kinds.loc[pseudonyms("pupil"), "kind"]) == {"honest_group"}
    assert len(set(kinds.loc[pseudonyms("pupil"), "actor_id"])) == 1


def test_whom_a_person_keeps_apart_is_not_merged_on_the_next_night(
    taken: Inputs, tmp_path: Path
) -> None:
    step = pseudonyms("step")
    acting = resolve(taken, tmp_path, ("apart", step))
    assert len({acting[who] for who in step}) == len(step)


def test_a_later_decision_that_they_are_poisoners_merges_them_again(
    taken: Inputs, tmp_path: Path
) -> None:
    step = pseudonyms("step")
    acting = resolve(taken, tmp_path, ("apart", step), ("poison", step))
    assert len({acting[who] for who in step}) == 1


def test_a_later_decision_that_they_are_apart_wins_over_poison(
    taken: Inputs, tmp_path: Path
) -> None:
    step = pseudonyms("step")
    acting = resolve(taken, tmp_path, ("poison", step), ("apart", step))
    assert len({acting[who] for who in step}) == len(step)


def test_contributions_without_times_are_no_meetings(tmp_path: Path) -> None:
    columns = {**TOWN.columns.model_dump(), "contributed_at": None}
    timeless = Policy.model_validate({**TOWN.model_dump(), "columns": columns})
    taken, out = night_of(tmp_path / "town", timeless), tmp_path / "out"
    out.mkdir()
    sanitize.resolve(taken, timeless, KEY, out)
    actors = pq.read_table(out / "actors.parquet").to_pandas()
    assert len(actors) == len(landed()["contributor_id"].unique())
    assert set(actors["kind"]) == {"singleton"}
    assert pq.read_metadata(out / "edges.parquet").num_rows == 0
