"""Data sets as manifests, the image store, splits and report text."""
