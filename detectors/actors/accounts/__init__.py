"""Accounts: networks, devices, registrations and names, and what sharing them says."""
