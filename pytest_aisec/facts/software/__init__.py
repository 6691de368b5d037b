"""Readings of installed and declared software."""
