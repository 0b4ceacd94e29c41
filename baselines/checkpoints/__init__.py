"""Reading weight files: safely, our own form, and the official forms of the papers."""
