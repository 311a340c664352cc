"""Train, evaluate, compare, sign and keep models."""
