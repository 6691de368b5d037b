"""The layout of reports, which is versioned apart from the data that they show."""

LAYOUT = 2
"""Raised with each change of what a run renders to: `python tests/check_versions.py --write`.

A program renders a bundle's reports again only where they have its own layout.
"""
FORMER: frozenset[str] = frozenset()
"""Paths of reports that bundles of earlier layouts have, and those of this one do not."""
