"""What can go wrong in a switch, in one line for a person."""

from __future__ import annotations


class ReleaseError(Exception):
    """The switch cannot be done, or was undone; the message names the cause."""


class ServiceError(ReleaseError):
    """The service manager did not do what was asked."""
