"""Synthetic chest radiographs, reports, masks and boxes with exact truth: docs/phantom.md."""
