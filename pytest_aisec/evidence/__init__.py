"""The bundle: evidence on disk, whole or absent, and checkable."""
