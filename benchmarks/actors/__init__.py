"""Who is really one: efficacy and speed of actor resolution, beside its published peers."""
