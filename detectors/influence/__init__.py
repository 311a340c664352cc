"""How much anyone may move the model."""
