"""Report formats: one renderer each, a pure function from a run and its verdict to text."""
