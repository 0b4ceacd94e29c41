"""An official CheXzero file at a small size, in half precision, with OpenAI's extra entries."""

from __future__ import annotations

import torch

from tests.released.fixture import ReleasedFixture, drawn
from tests.released.maco import half, linear, norm

WIDTH, EMBED, WORDS, LENGTH = 64, 32, 49408, 20


def tower(prefix, depth):
    shapes = {}
    for index in range(depth):
        block = f"{prefix}transformer.resblocks.{index}."
        shapes |= {
            **norm(block + "ln_1", WIDTH),
            block + "attn.in_proj_weight": (3 * WIDTH, WIDTH),
            block + "attn.in_proj_bias": (3 * WIDTH,),
            **linear(block + "attn.out_proj", WIDTH, WIDTH),
            **norm(block + "ln_2", WIDTH),
            **linear(block + "mlp.c_fc", 4 * WIDTH, WIDTH),
            **linear(block + "mlp.c_proj", WIDTH, 4 * WIDTH),
        }
    return shapes


def state(seed):
    return half(
        drawn(
            {
                "visual.class_embedding": (WIDTH,),
                "visual.positional_embedding": (17, WIDTH),
                "visual.conv1.weight": (WIDTH, 3, 8, 8),
                "visual.proj": (WIDTH, EMBED),
                **norm("visual.ln_pre", WIDTH),
                **norm("visual.ln_post", WIDTH),
                **tower("visual.", 2),
                **tower("", 3),
                "token_embedding.weight": (WORDS, WIDTH),
                "positional_embedding": (LENGTH, WIDTH),
                **norm("ln_final", WIDTH),
                "text_projection": (WIDTH, EMBED),
                "logit_scale": (),
            },
            seed,
        )
    )


def wrap(tensors):
    facts = {"input_resolution": 32, "context_length": LENGTH, "vocab_size": WORDS}
    return {**tensors, **{name: torch.tensor(value) for name, value in facts.items()}}


FIXTURES = (
    ReleasedFixture(
        "chexzero", "CheXzero (CLIP)", state, wrap, dict, name="best_64_0.0001_original.pt"
    ),
)
