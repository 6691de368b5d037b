"""Connections to hosts, each bounded in time and output."""
