"""Ways of asking that every field shares."""
