"""Detectors of mmdet on the maps of any encoder; mmdet is imported where one is built."""
