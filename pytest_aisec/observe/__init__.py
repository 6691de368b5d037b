"""Observation of hosts: one primitive, a command on a host, recorded."""
