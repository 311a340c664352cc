"""Who is really one: co-visits, networks and time."""
