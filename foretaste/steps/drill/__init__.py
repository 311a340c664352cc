"""The drill: attacks on a copy of the last release, through the night's own steps.

The copy lies in a folder of its own; the workspace is read as its last tag has it, and
never written. What the release kept is taken to be honest, and the attack comes on top.
"""

from foretaste.steps.drill.nightly import budget_of, drill_after, small_drill, warnings_of
from foretaste.steps.drill.replay import Trial, replay
from foretaste.steps.drill.search import Drill, Tried, drill
from foretaste.steps.drill.sizes import Size
from foretaste.steps.drill.world import World, copy_release

__all__ = [
    "Drill",
    "Size",
    "Trial",
    "Tried",
    "World",
    "budget_of",
    "copy_release",
    "drill",
    "drill_after",
    "replay",
    "small_drill",
    "warnings_of",
]
