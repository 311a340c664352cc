"""Injected co-visits: sessions that tie unpopular items to popular ones."""
