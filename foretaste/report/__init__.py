"""The run report, and the pictures in it."""
