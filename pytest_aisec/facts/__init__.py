"""Typed readings shared by controls: they observe, they never judge."""
