"""Readings of HTTP services, TLS and notebooks."""
