"""Credentials never enter a transcript."""
