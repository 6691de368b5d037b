"""Readings of Windows, through PowerShell."""
