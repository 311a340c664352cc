"""Where and within which limits it runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from foretaste.core.policy.section import Positive, Section


class Engine(Section):
    """Where relational work runs."""

    kind: Literal["duckdb", "pandas"] = Field("duckdb", description="Embedded engines.")
    threads: int = Field(2, gt=0, description="Threads; results do not depend on it.")
    memory_mb: int = Field(2048, gt=0, description="MB before DuckDB spills to disk.")


class Limits(Section):
    """Bounds on the children in which heavy detectors run."""

    seconds: Positive = Field(
        900, description="Seconds after which a child is killed and its detector counts as failed."
    )
    memory_mb: int = Field(
        6144, gt=0, description="MB of address space beyond what the libraries reserve."
    )
    workers: int = Field(2, gt=0, description="Children at once; results do not depend on it.")
