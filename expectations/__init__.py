"""Great Expectations suites as code, and their runner."""

import os

# Read when great_expectations is imported, so it is set before anything here can import it.
os.environ["GX_ANALYTICS_ENABLED"] = "false"
