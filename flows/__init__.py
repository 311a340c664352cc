"""Prefect flows: nightly, and the manual ones."""

import os

# A loaded machine needs longer than the 20 s that Prefect allows its temporary API;
# nothing of ours is reported to anyone.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "foretaste")
# Steps log to the same loggers where no flow runs: on the command line and at the desk.
os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")
