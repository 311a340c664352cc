"""Great Expectations suites as code, and their runner."""
