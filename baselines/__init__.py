"""Representations under test: one file is one method, loaded checkpoint or sentinel.

`encoders`, `objectives` and `checkpoints` hold what several files share. A file directly in this
folder is a baseline and nothing else; it imports torch inside its functions only.
"""
