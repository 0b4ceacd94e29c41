"""The version of the phantom's pixels, findings and reports."""

PHANTOM_VERSION: int = 1
"""Raised by hand whenever a pixel, a finding or a report of any seed can change."""
