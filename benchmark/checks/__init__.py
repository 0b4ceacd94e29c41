"""The conformance checks of a baseline's code, for one of ours and for a stranger's encoder.

`subject.py` is what is looked at; `building.py`, `images.py`, `texts.py` and `trunks.py` hold the
checks, one function each; `suite.py` runs them.
"""
