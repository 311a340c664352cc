"""The pure steps of a night: read inputs, call a room, write with a manifest."""
