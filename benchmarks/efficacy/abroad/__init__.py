"""Peers that want an environment of their own: scripts for it, and how they are asked."""
