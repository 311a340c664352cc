"""The shipped sample and the script that makes it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture(scope="module")
def mail() -> pd.DataFrame:
    return pd.read_parquet(SAMPLE / "mail.parquet")


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sample_build", SAMPLE / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def source(texts: list[str]) -> pd.DataFrame:
    n = len(texts)
    return pd.DataFrame(
        {
            "contribution_id": [f"e{i}" for i in range(n)],
            "item_id": "l1",
            "timestamp": pd.date_range("2002-07-01", periods=n, freq="h"),
            "label": [i % 2 for i in range(n)],
            "subject": "hello",
            "text": texts,
            "sender_domain_hash": "d1",
            "relay_ip_hash": "ip1",
            "relay_net24_hash": "n1",
        }
    )


def test_the_sample_is_small_and_has_both_classes(mail: pd.DataFrame) -> None:
    assert (SAMPLE / "mail.parquet").stat().st_size <= 2_000_000
    assert 3_500 <= len(mail) <= 4_500
    assert list(mail.columns) == [
        *("mail_id", "item", "label", "text"),
        *("sender", "relay", "relay_net", "month"),
    ]
    assert not mail.isna().any().any()
    assert mail["mail_id"].is_unique
    counts = mail["label"].value_counts()
    assert set(counts.index) == {"ham", "spam"}
    assert counts["spam"] > 800
    assert (mail.groupby("month")["label"].nunique() == 2).all()
    assert mail["text"].str.len().between(40, 700).all()


def test_the_sample_names_nobodys_address(mail: pd.DataFrame) -> None:
    address = r"[\w.+-]+@[\w-]+\.\w"
    assert not mail["text"].str.contains(address).any()
    assert mail["sender"].str.fullmatch(r"d[0-9a-f]{10,}").mean() > 0.99
    assert mail["relay"].str.fullmatch(r"(ip)?[0-9a-f]{10,}").mean() > 0.99


def test_no_two_mails_are_the_same(mail: pd.DataFrame) -> None:
    letters = mail["text"].str.lower().str.replace(r"\W+", " ", regex=True)
    assert letters.is_unique


def test_the_papers_agree_with_the_file(mail: pd.DataFrame) -> None:
    paper = (SAMPLE / "ATTRIBUTION.md").read_text()
    counts = mail["label"].value_counts()
    assert f"{len(mail):,} e-mails ({counts['ham']:,} ham, {counts['spam']:,} spam)" in paper
    for column in mail.columns:
        assert f"`{column}`" in paper
    for name in ("build.py", "ATTRIBUTION.md", "PLANTED.md"):
        assert not re.search(r"/(work|home|root|tmp|mnt|Users)/", (SAMPLE / name).read_text())


def test_html_becomes_what_a_reader_sees(build: ModuleType) -> None:
    page = (
        "<html><style>p{x}</style><body><p>Dear&nbsp;friend<br>\n\n act  now</p>"
        "<script>steal()</script></body></html>"
    )
    assert build.plain(page) == "Dear friend\nact now"
    assert build.plain("1 < 2 and\n\n\n 3 > 2 ") == "1 < 2 and\n3 > 2"


def test_subjects_are_decoded_and_broken_ones_left(build: ModuleType) -> None:
    assert build.decoded("=?iso-8859-1?Q?caf=E9?= today") == "café today"
    assert build.decoded("=?no-such-charset?Q?x?=") == "=?no-such-charset?Q?x?="


def test_near_copies_short_and_explicit_mails_and_addresses_go(build: ModuleType) -> None:
    long = " ".join(f"word{i}" for i in range(60))
    other = " ".join(f"else{i}" for i in range(60))
    rows = build.build(
        source(
            [long, long + " 12345", "short", f"{other} write to a.b@example.org", f"xxx {other} y"]
        )
    )
    assert len(rows) == 2
    assert rows["label"].tolist() == ["ham", "spam"]
    assert rows["text"].iloc[1].endswith("write to <email>")
    assert rows["text"].iloc[0].startswith("hello\n\nword0 word1")


def test_building_twice_gives_the_same(build: ModuleType) -> None:
    rows = source([" ".join(f"w{i}x{j}" for j in range(30)) for i in range(20)])
    pd.testing.assert_frame_equal(build.build(rows), build.build(rows.iloc[::-1]))


def test_usage_is_told(build: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main([]) == 2
    assert "SOURCE.parquet" in capsys.readouterr().err
