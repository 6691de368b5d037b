"""Signatures of a bundle."""
