"""The engine of maco-bench. Importing it loads neither torch nor pandas."""

__version__ = "0.1.0"
