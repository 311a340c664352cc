"""Names as weak evidence: by shapes and sketches alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from visit_worlds import Town

from detectors.actors.accounts.facts import describe, shared_names
from foretaste.core.keys import WorkspaceKey
from foretaste.intake.names import name_columns

KEY = WorkspaceKey(b"n" * 32)


def accounts_of(names):
    """One account per name; its code is its position."""
    n = len(names)
    batch = Town().add([f"c{i:05d}" for i in range(n)], ["item"] * n, np.arange(n)).batch()
    shape, sketch = name_columns(pa.array(names, pa.string()), KEY)
    rows = batch.rows.assign(
        name_shape=pd.array(shape.to_pylist(), dtype="str"),
        name_sketch=pd.array(sketch.to_pylist(), dtype="str"),
    )
    return describe(replace(batch, rows=rows), batch.contributor_ids)


def syllables(rng, k):
    return "".join(rng.choice(list("bdfgklmnprstv")) + rng.choice(list("aeiou")) for _ in range(k))


def people(n, seed=0):
    """Names of many patterns: short and long stems, points, numbers."""
    rng = np.random.default_rng(seed)
    forms = ["{a}{n}", "{a}.{b}", "{a}{b}", "{b}{n}", "{a}_{b}{n}"]
    return [
        rng.choice(forms).format(a=syllables(rng, 2), b=syllables(rng, 3), n=rng.integers(1, 999))
        for _ in range(n)
    ]


def similar(rng, base):
    at = rng.integers(len(base))
    return base[:at] + rng.choice(list("xyzjkq")) + base[at + 1 :]


def ring(kind, n=20):
    rng = np.random.default_rng(1)
    return {
        "one stem": [f"anna{rng.integers(1000, 9999)}" for _ in range(n)],
        "one edit apart": [similar(rng, "qkzpttowe") for _ in range(n)],
        "one shape": [f"{syllables(rng, 3)}{rng.integers(10**7, 10**8)}" for _ in range(n)],
        "case and look-alikes": [["anna", "ANNA", "аnnа", "Änna"][i % 4] for i in range(n)],  # noqa: RUF001
    }[kind]


@pytest.mark.parametrize(
    "kind", ["one stem", "one edit apart", "one shape", "case and look-alikes"]
)
def test_accounts_named_alike_are_weak_evidence(kind):
    found = shared_names(accounts_of(ring(kind) + people(1000)), np.arange(20))
    assert 0.5 < found.nats <= 1.5
    assert found.count >= 5
    assert "of 20 named" in found.reason


@pytest.mark.parametrize("seed", range(5))
def test_any_twenty_people_are_not_named_alike(seed):
    accounts = accounts_of(people(1000, seed))
    members = np.random.default_rng(seed).choice(1000, 20, replace=False)
    found = shared_names(accounts, np.sort(members))
    assert (found.nats, found.trait, found.reason) == (0.0, "", "") or found.nats < 0.2


def test_a_schools_naming_rule_is_excused_by_others_who_follow_it():
    rng = np.random.default_rng(2)
    school = [f"{syllables(rng, 2)}.{syllables(rng, 3)}" for _ in range(20)]
    assert shared_names(accounts_of(school + people(1000)), np.arange(20)).nats == 0.0


def test_two_of_a_family_are_no_evidence():
    family = ["xandorwitz1", "xandorwitz2"]
    others = people(1000)
    assert shared_names(accounts_of(family + others), np.arange(6)).nats == 0.0


def test_numbered_accounts_of_a_whole_platform_say_nothing():
    accounts = accounts_of([f"user{i:06d}" for i in range(500)])
    assert shared_names(accounts, np.arange(20)).nats == 0.0


def test_no_names_say_nothing():
    assert shared_names(accounts_of([None] * 100), np.arange(20)).nats == 0.0
    assert shared_names(accounts_of(["a1", "b2", "c3"] * 30), np.arange(20)).nats == 0.0
    batch = Town().add(["ann", "bob"], ["i", "i"], [1, 2]).batch()
    assert shared_names(describe(batch, batch.contributor_ids), np.array([0, 1])).nats == 0.0


def test_an_account_of_several_names_counts_once():
    accounts = accounts_of(ring("one stem") + people(100))
    batch = Town().add(["ann"] * 30 + ["bob"], ["i"] * 31, np.arange(31)).batch()
    shape, sketch = name_columns(pa.array([f"anna{i}" for i in range(31)]), KEY)
    rows = batch.rows.assign(name_shape=shape.to_pylist(), name_sketch=sketch.to_pylist())
    twice = describe(replace(batch, rows=rows), batch.contributor_ids)
    assert shared_names(twice, np.array([0, 1])).nats == 0.0
    assert shared_names(accounts, np.arange(20)).size == 20
