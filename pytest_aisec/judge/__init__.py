"""Judgement: outcomes, the run, and the gate."""
