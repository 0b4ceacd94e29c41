"""What the golden tests of the models share: drawn weights, and how near is equal."""

import hashlib
import math

import numpy as np


def close(ours, golden, tolerance=1e-4):
    ours = np.asarray(ours.detach(), dtype=np.float64)
    golden = np.asarray(golden, dtype=np.float64)
    assert ours.shape == golden.shape
    assert np.abs(ours - golden).max() <= tolerance * np.abs(golden).max()


def golden_weight(seed, key, shape):
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()[:4]
    generator = np.random.default_rng(int.from_bytes(digest, "little"))
    draw = generator.standard_normal(shape).astype("float32")
    if len(shape) > 1:
        return draw / math.sqrt(math.prod(shape[1:]))
    return 1 + 0.1 * draw if key.endswith(".weight") else 0.1 * draw
