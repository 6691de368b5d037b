"""Readings of AWS accounts, through the `aws` CLI."""
