"""The desk: where people look at what was held, and decide."""
