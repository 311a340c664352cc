"""When a certificate is a proof, and the reasons why it is not.

The proof: a hostile account changes the rows of its own cell and nothing else, so every
model that does not read the cell is the same to the last bit. Whatever lets an account's
rows reach another cell's model breaks it; then the numbers are only *heuristic*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

CONDITIONS: Final[dict[str, str]] = {
    "keyed_by_account": "partitions are keyed by the account id that arrived with the row",
    "filters_per_account": "rows are held by the account's own rows or trusted sets alone",
    "weights_per_account": "weights depend on the account's own rows alone",
    "inputs_fixed": "the policy, not the rows, says which columns the model reads",
    "labels_fixed": "the policy lists the labels, so that no row changes the model's shape",
    "preprocessing_fixed": "what stands before the ensemble learns nothing from rows",
}
"""What must hold, by the name of the field of ``Circumstances`` that says so."""

_BROKEN: Final[dict[str, str]] = {
    "keyed_by_account": "partitions are keyed by actors, and new accounts can merge actors",
    "filters_per_account": "rows were held on evidence that compares accounts with each other",
    "weights_per_account": "weights depend on other accounts' rows",
    "inputs_fixed": "the rows decided which columns the model reads",
    "labels_fixed": "labels that rows bring can change the size of every base model",
    "preprocessing_fixed": "a step before the ensemble was fitted on all rows",
}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What was done around the ensemble; nothing is assumed to hold.

    Parameters
    ----------
    keyed_by_account, filters_per_account, weights_per_account, inputs_fixed, labels_fixed
        Whether the condition of that name holds; see ``CONDITIONS``. Groups frozen before
        any of the night's rows were read count as accounts.
    """

    keyed_by_account: bool = False
    filters_per_account: bool = False
    weights_per_account: bool = False
    inputs_fixed: bool = False
    labels_fixed: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether radii are proven.

    Parameters
    ----------
    reasons
        Why they are not, a sentence each; none where they are.
    """

    reasons: tuple[str, ...]

    @property
    def certified(self) -> bool:
        """True where nothing speaks against the proof."""
        return not self.reasons

    @property
    def word(self) -> str:
        """``certified`` or ``heuristic``, as reports say it."""
        return "certified" if self.certified else "heuristic"


def standing(circumstances: Circumstances, model: Any) -> Standing:
    """Judge whether the radii of ``model`` are a proof.

    Parameters
    ----------
    model
        A ``PartitionedClassifier``, or a pipeline that ends in one.
    """
    holds = {name: getattr(circumstances, name, True) for name in CONDITIONS}
    holds["preprocessing_fixed"] = all(map(learns_nothing, _before(model)))
    return Standing(tuple(_BROKEN[name] for name, fine in holds.items() if not fine))


def learns_nothing(step: Any) -> bool:
    """Say whether a step treats each row by itself, whatever it was fitted on."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    if isinstance(step, str) or step is None:
        return True
    if isinstance(step, ColumnTransformer):
        parts = [part[1] for part in step.transformers]
        return all(learns_nothing(part) for part in [*parts, step.remainder])
    if isinstance(step, FeatureUnion):
        return all(learns_nothing(part[1]) for part in step.transformer_list)
    if isinstance(step, Pipeline):
        return all(learns_nothing(part[1]) for part in step.steps)
    return _stateless(step)


def _stateless(step: Any) -> bool:
    """Only scikit-learn's own word counts: a user's class may claim anything."""
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.utils import get_tags

    if not type(step).__module__.startswith("sklearn.") or isinstance(step, FunctionTransformer):
        return False
    return not get_tags(step).requires_fit


def _before(model: Any) -> list[Any]:
    return [step for _, step in model.steps[:-1]] if hasattr(model, "steps") else []
