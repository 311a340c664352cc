"""A real browser, and a desk for each story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import chromium
from tests.browser.house import PATIENCE, House, furnish, house, staged
from tests.review.payloads import PAYLOADS
from tests.review.test_hostile import fill


# Of this package, not of the session: while it is open its event loop runs in this thread,
# and tests elsewhere that start one of their own would fail.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        found = chromium.find(playwright)
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with one user of each role and two dozen cases; to be copied."""
    return furnish(tmp_path_factory.mktemp("furnished") / "ws", staged(60))


@pytest.fixture
def desk(browser: Browser, furnished: Path, tmp_path: Path) -> Iterator[House]:
    """A desk of the test's own; in the end no browser may have complained."""
    with house(browser, tmp_path / "ws", furnished) as opened:
        yield opened
    assert opened.complaints == []


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger whose every word is an attack; case ``i`` holds the payload ``i``."""
    folder = tmp_path_factory.mktemp("hostile") / "ws"
    return furnish(folder, lambda where: fill(where, PAYLOADS))


@pytest.fixture
def trap(browser: Browser, hostile: Path, tmp_path: Path) -> Iterator[House]:
    """A desk on that ledger; in the end no browser may have complained."""
    with house(browser, tmp_path / "ws", hostile) as opened:
        yield opened
    assert opened.complaints == []
