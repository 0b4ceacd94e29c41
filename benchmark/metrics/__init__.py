"""Metrics on stored predictions: numpy and scipy only, one file a family, no torch."""
