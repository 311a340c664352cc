"""What steps say where no flow runs: on the command line, at the desk."""

from __future__ import annotations

import subprocess
import sys

from tests.workspaces import CHECKOUT

_SAID = """
import flows.nightly
import logging
logging.getLogger("foretaste.steps.drill").warning("the drill fell behind")
"""


def test_a_step_outside_a_flow_is_heard_and_prefect_warns_of_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", _SAID],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "the drill fell behind" in done.stdout + done.stderr
    assert "without a flow run id" not in done.stderr
