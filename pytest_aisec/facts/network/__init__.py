"""Readings of firewalls, logged packets, tunnels and fabrics."""
