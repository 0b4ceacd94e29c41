"""Pre-training losses: masked reconstruction, image-text contrast, correlation weighting."""
