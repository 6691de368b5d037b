"""Questions as framed scripts, and the answers that are believed."""
