"""Readings of model servers, prompts and answers."""
