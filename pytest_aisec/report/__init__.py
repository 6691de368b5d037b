"""WHO reads it: one renderer a format, each a pure function from a run and its verdict to text."""
