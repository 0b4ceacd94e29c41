"""M3AE: multi-modal masked autoencoder, from images and reports.

Chen et al., "Multi-modal masked autoencoders for medical vision-and-language pre-training", MICCAI
2022. A vision transformer and a BERT are followed by layers in which each attends to the other.
Three objectives of weight 1, each with a corruption of its own: 15 % of the words are restored
from the fused text beside the whole image; 75 % of the patches from the fused image, taken after
half of the fusion layers, beside the whole text; and half of the images are swapped, which the
fused CLS tokens shall notice.

Differs from the official code (zhjohnchan/M3AE): our tokenizer and BERT in place of RoBERTa, MAE's
vision transformer with fixed positions in place of CLIP's, one learning rate (the code multiplies
that of heads and fusion layers by 5) and half a cosine in place of the linear decline, false
images from the batch and not from the whole data set, words chosen one by one with probability
0.15 and not in a fixed number a text. Encodings of a whole image or text that two objectives share
are computed once. `mim_layer=last` restores patches from the last fusion layer. Its vector of an
image is the mean of the image tower's patches, before fusion; no vector of a text is comparable
with it, hence neither zero-shot classification nor grounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.sizes import VIT_IMAGE, with_text
from benchmark.recipes import PretrainRecipe
from benchmark.specs import BaselineSpec, ImageProfile

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="m3ae",
    version=1,
    title="M3AE",
    kind="method",
    source="M3AE (Chen et al., MICCAI 2022); github.com/zhjohnchan/M3AE",
    capabilities=("image_features", "fine_tune"),
    # CLIP's constants, averaged over the three colours.
    image_profile=ImageProfile(mean=0.4492, std=0.2686),
    options={
        "mask_ratio": 0.75,
        "norm_pix_loss": True,
        "mim_layer": "middle",
        "token_mask_ratio": 0.15,
        "whole_words": True,
    },
    sizes=with_text(
        VIT_IMAGE,
        paper={
            "text_length": 64,
            "decoder_width": 384,
            "decoder_depth": 4,
            "decoder_heads": 6,
            "fusion_depth": 6,
            "fusion_heads": 12,
        },
        demo={
            "decoder_width": 96,
            "decoder_depth": 1,
            "decoder_heads": 4,
            "fusion_depth": 2,
            "fusion_heads": 4,
        },
        toy={
            "decoder_width": 48,
            "decoder_depth": 1,
            "decoder_heads": 4,
            "fusion_depth": 2,
            "fusion_heads": 4,
        },
    ),
    pretraining=PretrainRecipe(
        source="M3AE, MICCAI 2022; official code (pre-training script and configuration)",
        image_size=288,
        geometry="resize_crop",
        batch_size=256,
        contrastive_batch=256,
        epochs=10,
        learning_rate=1e-5,
        warmup_epochs=1,
        weight_decay=0.01,
        betas=(0.9, 0.98),
        flip_probability=0.0,
        rotation_degrees=0.0,
        scale=(1.0, 1.0),
        sentence_sampling=False,
    ),
    house="house_vit",
    no_capability_reason="images and texts meet in fusion layers only; there is no vector of a "
    "text alone",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.m3ae import MultiModalMaskedAutoencoder

    return build_with_reports(context, MultiModalMaskedAutoencoder)
