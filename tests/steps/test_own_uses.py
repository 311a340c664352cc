"""A model that learns whatever verdicts say has consumed whatever verdicts said."""

from __future__ import annotations

import pytest
import yaml

from foretaste.core.release import releases
from foretaste.core.workspace import Workspace
from foretaste.steps.consumed import Subject, Use, uses_of
from foretaste.steps.own_rows import read_own
from foretaste.steps.own_uses import OwnRows
from tests.views.judged import NIGHTS, publish_nights, rows_of
from tests.views.served import save_candidate


def proven(workspace: Workspace, filters: str, days: int = 60) -> Workspace:
    """Publish the two judged nights under a policy with an ensemble over accounts."""
    policy = {
        "release": {"train_nights": days},
        "model": {"certified": {"enabled": True, "filters": filters}},
    }
    workspace.layout.params.write_text(yaml.safe_dump(policy))
    workspace = Workspace.open(workspace.root)
    publish_nights(workspace)
    return workspace


def used(workspace: Workspace, release: int = 2) -> list[Use]:
    """What models have of mallory, none of whose rows was ever accepted."""
    save_candidate(workspace, release)
    mallory = workspace.key.pseudonym("contributor", "mallory")
    uses = uses_of(workspace, Subject(contributors=frozenset({mallory})))
    assert uses.releases == ()
    return list(uses.models)


def test_rows_that_no_release_accepted_count_for_a_proven_model(workspace: Workspace) -> None:
    (use,) = used(proven(workspace, "own"))
    assert (use.release, use.rows) == (2, 4)
    assert 0 < use.weight < use.total


def test_an_ensemble_of_accepted_rows_has_none_of_them(workspace: Workspace) -> None:
    assert used(proven(workspace, "all")) == []


@pytest.mark.parametrize(("release", "days"), [(1, 60), (2, 1)])
def test_the_window_is_the_models(workspace: Workspace, release: int, days: int) -> None:
    (use,) = used(proven(workspace, "own", days), release)
    assert use.rows == 2


def test_a_row_is_found_as_its_contributor_is(workspace: Workspace) -> None:
    own = proven(workspace, "own")
    save_candidate(own, 2)
    late = rows_of(NIGHTS[1])[3]
    (use,) = uses_of(own, Subject(rows=frozenset({late}))).models
    assert use.rows == 1


def test_rows_and_weights_are_those_that_training_reads(workspace: Workspace) -> None:
    own = proven(workspace, "own")
    known = releases(own)
    found = OwnRows(own, known).of(known[-1], own.policy, NIGHTS[-1]).to_pandas()
    trained = read_own(own.layout, own.policy, NIGHTS[-1])
    assert len(found) == 8
    assert found["weight"].nunique() > 1
    assert found.equals(trained[["row_id", "contributor_id", "weight"]].reset_index(drop=True))
