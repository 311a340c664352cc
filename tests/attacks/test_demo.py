"""The demonstration's files, read by the pipeline's own ingest."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from foretaste.attacks.demo import DEMO_POLICY, MALFORMED, DemoFiles, write_demo
from foretaste.attacks.plant import PlantedWorld
from foretaste.core.files import sha256_file
from foretaste.core.keys import WorkspaceKey
from foretaste.core.policy import Policy
from foretaste.intake import KnownRows, discover, ingest
from foretaste.intake.ingest import Intake


@pytest.fixture(scope="module")
def written(planted: PlantedWorld, tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    folder = tmp_path_factory.mktemp("demo")
    return write_demo(planted, folder / "workspace", folder / "incoming")


def take_in(written: DemoFiles, place: int, folder: Path) -> Intake:
    night, path = written.nights[place]
    shutil.copy(path, folder / path.name)
    return ingest(
        discover(str(folder), folder),
        Policy.model_validate(DEMO_POLICY),
        WorkspaceKey(b"k" * 32),
        as_of=datetime(night.year, night.month, night.day, tzinfo=UTC),
        night=night.isoformat(),
        known=KnownRows.read(folder / "none", frozenset()),
        originals=None,
    )


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_night_reads_back_with_exactly_the_broken_rows_told_apart(
    place: int, written: DemoFiles, planted: PlantedWorld, tmp_path: Path
) -> None:
    taken = take_in(written, place, tmp_path)
    broken = MALFORMED.get(place, ())
    assert taken.codes == dict.fromkeys(sorted(b.code for b in broken), 1)
    day = planted.contributions["contributed_at"].dt.floor("D")
    sent = planted.contributions[day == sorted(day.unique())[place]]
    assert taken.rows_in == len(sent) + len(broken)
    rows = taken.contributions.to_pandas()
    rows = rows[rows["held"].isna()].set_index("contribution_id")
    sent = sent.set_index("contribution_id").loc[rows.index]
    assert len(rows) == len(sent)
    for name in ("text", "label", "item_id", "tier", "contributed_at"):
        assert (rows[name] == sent[name]).all(), name
    assert (rows["registered_at"].isna() == sent["registered_at"].isna()).all()
    assert (rows["a_relay"] == sent["relay"]).all()
    assert (rows["subnet_id"].isna() == sent["ip"].isna()).all()


def test_each_night_has_a_format_of_its_own(written: DemoFiles) -> None:
    suffixes = ["".join(path.suffixes) for _, path in written.nights]
    assert suffixes == [".parquet", ".csv.gz", ".jsonl"]


def test_equal_worlds_give_equal_bytes(
    written: DemoFiles, planted: PlantedWorld, tmp_path: Path
) -> None:
    again = write_demo(planted, tmp_path / "workspace", tmp_path / "incoming")
    for (_, ours), (_, theirs) in zip(written.nights, again.nights, strict=True):
        assert sha256_file(ours) == sha256_file(theirs)
    for name in ("golden", "canaries", "traffic", "record"):
        assert sha256_file(getattr(written, name)) == sha256_file(getattr(again, name))


def test_the_record_tells_who_and_how_many_and_git_leaves_it_alone(
    written: DemoFiles, planted: PlantedWorld
) -> None:
    record = json.loads(written.record.read_text())
    told = {c["attack"]: c["poison_rows"] for c in record["campaigns"]}
    truth = planted.truth
    assert told == truth[truth["poison"]].groupby("attack").size().to_dict()
    table = pd.read_parquet(written.record.with_suffix(".parquet"))
    assert table["poison"].sum() == sum(told.values())
    assert (written.record.parent / ".gitignore").read_text() == "*\n"


def test_landing_files_carry_no_truth(written: DemoFiles) -> None:
    first = pd.read_parquet(written.nights[0][1])
    assert not {"true_label", "poison", "attack", "mail_id"} & set(first.columns)


def test_the_golden_set_is_labelled_and_named(written: DemoFiles) -> None:
    golden = pd.read_parquet(written.golden)
    assert golden["row_id"].is_unique
    assert set(golden["label"]) == {"ham", "spam"}
    assert "contributor_id" not in golden.columns
