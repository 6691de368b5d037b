"""Readings of the operating system: files, accounts, processes, programs, sockets, services."""
