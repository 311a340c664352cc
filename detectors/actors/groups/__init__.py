"""Groups of the graph: what their members do together, and what that makes of them."""
