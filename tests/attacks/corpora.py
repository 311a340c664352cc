"""Small corpora that can carry attacks: measurements, ratings; mail comes from the sample."""

from __future__ import annotations

import numpy as np
import pandas as pd

START = pd.Timestamp("2026-01-01", tz="UTC").as_unit("us")
DAY = 86_400


def measurements(n: int = 3_000, *, people: int = 80, days: int = 6, seed: int = 0) -> pd.DataFrame:
    """Three classes that two of ten features tell apart; one counts, one is constant."""
    draw = np.random.default_rng(seed)
    code = draw.choice(3, n, p=[0.45, 0.35, 0.2])
    who = draw.integers(0, people, n)
    second = (np.arange(n) % days) * DAY + draw.integers(0, DAY, n)
    x = draw.normal(size=(n, 8))
    x[:, 0] += 3.0 * (code == 1)
    x[:, 1] += 3.0 * (code == 2)
    rows = pd.DataFrame(
        {
            "contribution_id": [f"c{i:06x}" for i in draw.permutation(n) * 77],
            "contributor_id": [f"u{i:05x}" for i in who * 1_237],
            "label": np.array(["ant", "bee", "cow"])[code],
            "contributed_at": START + pd.to_timedelta(second, unit="s").as_unit("us"),
            "item_id": [f"i{i}" for i in draw.integers(0, 40, n)],
            "ip": [f"192.168.{i}.7" for i in who],
            "device_id": [f"d{i * 7_919:06x}" for i in who],
            "tier": np.where(who % 3, "registered", "trusted"),
            "registered_at": START - pd.to_timedelta(1 + 3 * who, unit="D").as_unit("us"),
            "true_label": np.array(["ant", "bee", "cow"])[code],
        }
    )
    named = pd.DataFrame(x, columns=[f"f_{j}" for j in range(8)])
    named["f_count"] = draw.integers(0, 17, n).astype(float)
    named["f_same"] = 1.0
    return pd.concat([rows, named], axis=1)


def ratings(n: int = 4_000, *, people: int = 150, days: int = 10, seed: int = 1) -> pd.DataFrame:
    """Stars from 1 to 5 for items of uneven popularity; ids are whole numbers."""
    draw = np.random.default_rng(seed)
    item = np.minimum(draw.geometric(0.05, n), 80)
    stars = (1 + (item % 4 + draw.integers(0, 2, n)) % 5).astype(str)
    return pd.DataFrame(
        {
            "contribution_id": np.arange(n),
            "contributor_id": 1_000 + draw.integers(0, people, n),
            "item_id": [f"i{i}" for i in item],
            "label": stars,
            "true_label": stars,
            "contributed_at": START
            + pd.to_timedelta(draw.integers(0, days * DAY, n), unit="s").as_unit("us"),
        }
    )


def visited(contributions: pd.DataFrame) -> pd.DataFrame:
    """Everybody visits what they report."""
    columns = {"contributed_at": "visited_at"}
    return contributions.rename(columns=columns)[["contributor_id", "item_id", "visited_at"]]
