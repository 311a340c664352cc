"""The graph: who meets whom more than chance has it, and what known neighbours say."""
