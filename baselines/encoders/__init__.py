"""Image and text encoders that baselines share, and the sizes they come in."""
