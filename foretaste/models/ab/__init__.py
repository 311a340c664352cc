"""A/B on real traffic: who answers whom, what the log says, and when to stop.

Servers import ``foretaste.models.ab.assign`` alone, which needs no data library.
"""
