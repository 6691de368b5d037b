"""Known vulnerabilities: an index built from OSV records, and what in it matches a version. No pytest here."""
