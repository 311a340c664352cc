"""The red team: each attack one file, one interface."""
