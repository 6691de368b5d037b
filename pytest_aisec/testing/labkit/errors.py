"""Errors of the lab."""

from __future__ import annotations


class LabError(Exception):
    """Something in the lab did not do what was asked of it; the message holds what is known about why."""


class LabUnavailableError(LabError):
    """This machine cannot run the lab; the message is one line that says why."""
