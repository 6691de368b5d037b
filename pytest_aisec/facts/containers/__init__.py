"""Readings of container engines and what they run."""
