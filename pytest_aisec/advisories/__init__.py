"""Known vulnerabilities: an index of OSV records, and what in it matches a version. No pytest here."""
