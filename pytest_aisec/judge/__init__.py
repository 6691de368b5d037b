"""WHAT it means: outcomes, the run, and the gate."""
