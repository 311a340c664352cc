"""The desk's pages; each module lists its routes in ``PAGES``."""
