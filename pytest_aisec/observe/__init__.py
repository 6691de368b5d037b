"""WHAT the host says: one primitive, a command on a host, recorded."""
