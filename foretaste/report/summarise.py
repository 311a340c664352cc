"""From a night's tables to the lines of its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from foretaste.core.actor import ActorKind
from foretaste.core.evidence import MICRO
from foretaste.report.run import CampaignLine, DetectorLine, PosteriorBin, ShareLine

BINS: Final = 10
TOP_SHARES: Final = 5

_BY_EVIDENCE = ["", "evidence"]


def detector_lines(
    reported: Mapping[str, Mapping[str, Any]],
    evidence: pa.Table,
    seconds: Mapping[str, float] | None = None,
) -> tuple[DetectorLine, ...]:
    """Give a line per configured detector, by family and name.

    Parameters
    ----------
    reported
        By name: ``name, family, state, why, flagged, rows``.
    evidence
        ``EVIDENCE_SCHEMA``.
    seconds
        By name, where somebody timed it.
    """
    timed = seconds or {}
    columns = {"name": evidence["detector"].to_numpy(), "llr": evidence["llr"].to_numpy()}
    nats = pd.DataFrame(columns).groupby("name")["llr"]
    against = nats.agg(lambda llr: int(llr[llr > 0].sum())).to_dict()
    in_favour = nats.agg(lambda llr: -int(llr[llr < 0].sum())).to_dict()
    lines = [
        DetectorLine(
            name=name,
            family=said["family"],
            state=said["state"],
            why=said["why"],
            flagged=said["flagged"],
            rows=said["rows"],
            against=against.get(name, 0) / MICRO,
            in_favour=in_favour.get(name, 0) / MICRO,
            seconds=timed.get(name),
        )
        for name, said in reported.items()
    ]
    return tuple(sorted(lines, key=lambda line: (line.family, line.name)))


def campaign_lines(actors: pa.Table, verdicts: pa.Table) -> tuple[CampaignLine, ...]:
    """Give a line per campaign with rows tonight, most rows first.

    Parameters
    ----------
    actors
        ``ACTOR_SCHEMA``.
    verdicts
        ``VERDICT_SCHEMA``.
    """
    found = actors.filter(pc.equal(actors["kind"], str(ActorKind.CAMPAIGN))).to_pandas()
    campaigns = found.drop_duplicates("actor_id").to_dict("records")
    judged = verdicts.select(["actor_id", "verdict"]).to_pandas()
    counts = pd.crosstab(judged["actor_id"], judged["verdict"]).to_dict("index")
    lines = [
        CampaignLine(
            actor_id=str(actor["actor_id"]),
            size=int(actor["size"]),
            rows=sum(counts[actor["actor_id"]].values()),
            posterior=float(actor["posterior"]),
            reason=str(actor["reason"]),
            verdicts={str(k): int(n) for k, n in counts[actor["actor_id"]].items() if n},
        )
        for actor in campaigns
        if actor["actor_id"] in counts
    ]
    return tuple(sorted(lines, key=lambda line: (-line.rows, line.actor_id)))


def posterior_bins(verdicts: pa.Table) -> tuple[PosteriorBin, ...]:
    """Count outcomes in ten bins of the posterior.

    Only rows that evidence judged: not those that ingest rejected or held, nor those
    that a person decided.
    """
    judged = verdicts.filter(pc.is_in(verdicts["code"], pa.array(_BY_EVIDENCE)))
    place = np.minimum((judged["posterior"].to_numpy() * BINS).astype(int), BINS - 1)
    counts = pd.crosstab(place, judged["verdict"].to_numpy()).to_dict("index")
    return tuple(
        PosteriorBin(
            i / BINS,
            (i + 1) / BINS,
            {str(k): int(n) for k, n in counts.get(i, {}).items() if n},
        )
        for i in range(BINS)
    )


def share_lines(
    shares: Mapping[str, pd.DataFrame], caps: Mapping[str, float], top: int = TOP_SHARES
) -> tuple[ShareLine, ...]:
    """Give the largest shares of each kind.

    Parameters
    ----------
    shares
        Per kind a frame ``id, share``.
    caps
        Per kind the largest share allowed.
    """
    return tuple(
        ShareLine(kind, str(line["id"]), float(line["share"]), float(caps[kind]))
        for kind, frame in shares.items()
        for line in frame.sort_values(["share", "id"], ascending=[False, True])
        .head(top)
        .to_dict("records")
    )
