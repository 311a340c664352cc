"""Who is really one: accounts are resolved to actors by what they share."""

from detectors.actors.detector import ActorDetector
from detectors.actors.resolution import Resolution

__all__ = ["ActorDetector", "Resolution"]
