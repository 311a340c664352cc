"""Who is at the desk: passwords, sessions, other people's identity providers, forgery."""
