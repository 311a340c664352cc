"""The desk under load: 20 people at 5,000 cases."""
