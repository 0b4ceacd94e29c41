"""Released forms of weights, one method a file: `FORMS`, a tuple of `Form`s."""
