"""The shipped sample, an honest world over it, and the same world with its campaigns."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from foretaste.attacks.plant import PlantedWorld, plant
from foretaste.attacks.world import World, reporters

END = date(2026, 3, 3)
SEED = 20_260_101


@pytest.fixture(scope="session")
def mail() -> pd.DataFrame:
    return pd.read_parquet(Path(__file__).parents[2] / "data" / "sample" / "mail.parquet")


@pytest.fixture(scope="session")
def world(mail: pd.DataFrame) -> World:
    return reporters(mail, end=END, seed=SEED)


@pytest.fixture(scope="session")
def planted(world: World) -> PlantedWorld:
    return plant(world, seed=SEED)
