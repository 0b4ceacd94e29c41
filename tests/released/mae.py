"""Official MAE files at a small size: the encoder alone, and with its decoder."""

from __future__ import annotations

import argparse

from tests.released.fixture import ReleasedFixture, drawn
from tests.released.maco import mae_shapes


def encoder(seed):
    return drawn(mae_shapes(decoder=False), seed)


def whole(seed):
    return drawn(mae_shapes(values=3 * 64), seed)


def released(tensors):
    return {"model": tensors}


def trained(tensors):
    scaler = {"scale": 65536.0}
    return {"model": tensors, "optimizer": {}, "scaler": scaler, "args": argparse.Namespace(lr=1)}


FIXTURES = (
    ReleasedFixture("mae", "MAE", encoder, released, dict, name="mae_pretrain_vit_base.pth"),
    ReleasedFixture("mae", "MAE", whole, trained, dict, name="checkpoint-799.pth"),
)
