"""Readings of model files and data sets."""
