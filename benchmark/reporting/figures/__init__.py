"""Figures from stored records and predictions: no torch, no GPU, the same bytes for equal records.

`make_figures` draws them; a module each holds one kind. matplotlib is imported on first use.
"""

from benchmark.reporting.figures.make import FIGURES, make_figures
from benchmark.reporting.figures.model import MadeFigure, SkippedFigure

__all__ = ["FIGURES", "MadeFigure", "SkippedFigure", "make_figures"]
