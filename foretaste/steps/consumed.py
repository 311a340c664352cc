"""Which releases and models consumed somebody's rows, counted file by file, each once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from foretaste.core.errors import ForetasteError, Tampered
from foretaste.core.files import sha256_file
from foretaste.core.history import read_release_table
from foretaste.core.marks import ACCEPTED
from foretaste.core.policy import Policy
from foretaste.core.release import Release, commit_of, releases
from foretaste.core.workspace import Workspace
from foretaste.models.card import ModelCard
from foretaste.models.partitioned.fixed import proving
from foretaste.models.registry import read_card
from foretaste.steps.own_uses import OwnRows

_COLUMNS: Final = ("row_id", "contributor_id", "weight")
_Files = tuple[tuple[str, str], ...]
"""Path and digest of each file of a partition: equal ones hold equal rows."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose rows, or which: a row counts when either fits.

    Parameters
    ----------
    contributors
        Pseudonyms.
    rows
        Row ids.
    """

    contributors: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a corpus, or of a model's window, is the subject's.

    Parameters
    ----------
    release, night
        The release, and the night it was published for.
    rows
        Rows of the subject: accepted ones, or those that a model of ``filters: own``
        learnt from.
    weight, total
        Sum of the weights of those rows, and of all rows there, as published; training
        caps shares once more over its window.
    model
        Digest of the model; "" where the use is the release's own.
    """

    release: int
    night: str
    rows: int
    weight: float
    total: float
    model: str = ""

    @property
    def share(self) -> float:
        """Share of the weight, in [0, 1]."""
        return self.weight / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class _Tally:
    rows: int
    weight: float
    total: float


@dataclass(frozen=True, slots=True)
class Uses:
    """Releases and models that hold at least one row of the subject, oldest first."""

    releases: tuple[Use, ...]
    models: tuple[Use, ...]


def uses_of(workspace: Workspace, subject: Subject) -> Uses:
    """Find every release and every model that consumed rows of a subject.

    Partitions that many releases share are read once.

    Raises
    ------
    Tampered
        If a file is not what its release published.
    """
    known = releases(workspace)
    corpora = list(_corpora(known))
    tallies: dict[_Files, _Tally] = {}
    for one, corpus in zip(known, corpora, strict=True):
        for night, files in corpus.items():
            if files not in tallies:
                in_tree = corpora[-1].get(night) == files
                rows = _read(workspace, one, night, files, in_tree=in_tree)
                tallies[files] = _tally(rows, subject)
    held = [
        _use(one, [tallies[files] for files in corpus.values()])
        for one, corpus in zip(known, corpora, strict=True)
    ]
    own = _Own(OwnRows(workspace, known), subject)
    models = [
        _model_use(workspace, card, known, corpora, tallies, own) for card in _cards(workspace)
    ]
    trained = sorted((use for use in models if use.rows), key=lambda u: (u.release, u.model))
    return Uses(tuple(use for use in held if use.rows), tuple(trained))


def _corpora(known: Sequence[Release]) -> Iterator[Mapping[str, _Files]]:
    """Give the accepted partitions of each release, by night."""
    files: dict[str, dict[str, str]] = {}
    for one in known:
        for path in one.removed:
            files.get(_night(path), {}).pop(path, None)
        for path, entry in one.files.items():
            if path.startswith(f"{ACCEPTED}/"):
                files.setdefault(_night(path), {})[path] = entry.sha256
        yield {night: tuple(sorted(held.items())) for night, held in sorted(files.items()) if held}


def _night(path: str) -> str:
    return path.split("/")[2].removeprefix("night=")


def _read(
    workspace: Workspace, one: Release, night: str, files: _Files, *, in_tree: bool
) -> pa.Table:
    if not in_tree:
        return read_release_table(workspace, one, "accepted", columns=_COLUMNS, nights=[night])
    tables = []
    for path, digest in files:
        here = workspace.root / path
        if not here.is_file() or sha256_file(here) != digest:
            raise Tampered(
                f"{path} is not what {one.tag} published",
                hint="`dvc checkout --force` in the workspace brings it back",
            )
        file = pq.ParquetFile(here)
        tables.append(file.read([c for c in _COLUMNS if c in file.schema_arrow.names]))
    return pa.concat_tables(tables, promote_options="default")


def _tally(rows: pa.Table, subject: Subject) -> _Tally:
    fits = pc.is_in(rows["row_id"], value_set=pa.array(sorted(subject.rows), pa.string()))
    if "contributor_id" in rows.column_names:
        people = pa.array(sorted(subject.contributors), pa.string())
        fits = pc.or_(fits, pc.is_in(rows["contributor_id"], value_set=people))
    mine = rows.filter(fits)
    return _Tally(mine.num_rows, _sum(mine), _sum(rows))


def _sum(rows: pa.Table) -> float:
    return float(pc.sum(rows["weight"]).as_py() or 0.0)


def _use(one: Release, held: Sequence[_Tally], model: str = "") -> Use:
    return Use(
        release=one.number,
        night=one.night,
        rows=sum(t.rows for t in held),
        weight=sum(t.weight for t in held),
        total=sum(t.total for t in held),
        model=model,
    )


def _model_use(
    workspace: Workspace,
    card: ModelCard,
    known: Sequence[Release],
    corpora: Sequence[Mapping[str, _Files]],
    tallies: Mapping[_Files, _Tally],
    own: _Own,
) -> Use:
    at = int(card.release) - 1
    policy = _policy(workspace, known[at])
    if proving(policy):
        return _use(known[at], [own.tally(known[at], policy, card.night)], card.digest)
    nights = [night for night in sorted(corpora[at]) if night <= card.night]
    window = nights[-policy.release.train_nights :]
    return _use(known[at], [tallies[corpora[at][night]] for night in window], card.digest)


@dataclass(frozen=True, slots=True)
class _Own:
    """Rows of a subject in models that learn from every account's rows, whatever verdicts said."""

    rows: OwnRows
    subject: Subject

    def tally(self, one: Release, policy: Policy, last: str) -> _Tally:
        return _tally(self.rows.of(one, policy, last), self.subject)


def _cards(workspace: Workspace) -> Iterator[ModelCard]:
    """Read the cards that can be trusted; `foretaste models` names the others."""
    for place in sorted(workspace.layout.models.glob("*")):
        try:
            yield read_card(workspace.layout.models, place.name, workspace.key)
        except ForetasteError:
            continue


def _policy(workspace: Workspace, one: Release) -> Policy:
    name = f"{commit_of(workspace, one)}:params.yaml"
    return Policy.model_validate(
        yaml.safe_load(workspace.git.blobs([name]).get(name, b"") or b"") or {}
    )
