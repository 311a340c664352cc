from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from foretaste.core.errors import Locked
from foretaste.core.layout import Layout
from foretaste.core.lock import ensure_lock, held_descriptors, is_held, workspace_lock

HOLD = """
import sys
from pathlib import Path
from foretaste.core.layout import Layout
from foretaste.core.lock import workspace_lock
with workspace_lock(Layout(Path(sys.argv[1])), "the nightly run"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(root: Path) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "held\n"
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_the_second_comer_is_told_who_and_since_when(layout: Layout) -> None:
    with (
        held_elsewhere(layout.root) as child,
        pytest.raises(Locked) as refused,
        workspace_lock(layout, "me"),
    ):
        pytest.fail("two held it")
    assert f"the nightly run (process {child.pid}) since 20" in refused.value.message
    assert refused.value.exit_code == 6


def test_a_killed_holder_frees_it_at_once(layout: Layout) -> None:
    with held_elsewhere(layout.root) as child:
        child.send_signal(signal.SIGKILL)
        child.wait()
        with workspace_lock(layout, "me"):
            assert is_held(layout)


def test_it_is_free_after_an_error_inside(layout: Layout) -> None:
    with pytest.raises(ZeroDivisionError), workspace_lock(layout, "me"):
        raise ZeroDivisionError
    assert not is_held(layout)
    assert held_descriptors() == ()
    with workspace_lock(layout, "me again"):
        assert is_held(layout)


def test_the_same_process_cannot_take_it_twice_by_mistake(layout: Layout) -> None:
    with workspace_lock(layout, "the run"):
        with pytest.raises(Locked, match="the run"), workspace_lock(layout, "another thread"):
            pytest.fail("two held it")
        with ensure_lock(layout, "a part of the run"):
            assert is_held(layout)
        assert is_held(layout)


def test_a_forked_worker_does_not_keep_it(layout: Layout) -> None:
    reader, writer = os.pipe()
    with workspace_lock(layout, "the run"):
        worker = os.fork()
        if worker == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0 if held_descriptors() == () else 1)
    with workspace_lock(layout, "the next run"):
        assert is_held(layout)
    os.close(reader)
    os.close(writer)
    assert os.waitpid(worker, 0)[1] == 0


def test_a_child_that_is_handed_the_lock_keeps_it_for_a_dead_parent(layout: Layout) -> None:
    script = (
        "import subprocess, sys; from pathlib import Path;"
        "from foretaste.core.layout import Layout; from foretaste.core import lock;"
        "held = lock.workspace_lock(Layout(Path(sys.argv[1])), 'a run'); held.__enter__();"
        "subprocess.Popen(['cat'], pass_fds=lock.held_descriptors());"
        "print('held', flush=True); import os; os._exit(0)"
    )
    keep, hold = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", script, str(layout.root)], stdin=keep, stdout=subprocess.DEVNULL
    ) as parent:
        parent.wait()
    os.close(keep)
    with pytest.raises(Locked), workspace_lock(layout, "recovery"):
        pytest.fail("an orphan was still at work")
    os.close(hold)
