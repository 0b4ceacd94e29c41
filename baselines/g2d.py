"""G2D: contrast of whole images with reports, and a decoder that draws where attention is high.

Liu et al., "G2D: From global to dense radiography representation learning via vision-language
pre-training", NeurIPS 2024; code cheliu-computation/G2D-NeurIPS24. A ResNet-50's last map is
projected and pooled by attention, which is contrasted with the report. The pooling's attention,
made binary, is the target of a U-Net decoder on the same encoder: no annotation enters.

Defaults are the paper's. The official code has the form behind the arrow:

- `heads` 3 of 64 -> 4, and `head_width` `fixed` -> `shared` (the 128 channels divided).
- `body_mask`, `smoothing` true -> false; `comparison` `at_or_above` -> `above`; `quantile_over`
  `body` -> `image`.
- `dense_loss` `paper`, (Dice + cross-entropy) / 2 on probabilities -> `official`, Dice on raw
  logits + 0.2 cross-entropy; `official_probabilities` has the latter's weights without its error.
- `contrast` `image_to_text`, as Equation 1 is printed -> `both`, summed.
- `warmup_steps` 0 -> 200 optimiser steps without the decoder's loss. Counted are passes in training
  mode: with 8 accumulated batches a step, as the recipe has them, 1600.
- Rate 2e-4 -> 2e-5, and grey values in [0, 1] -> ImageNet's mean and deviation.

The ablations of Tables 5 and 8 are `decoder_loss`, `threshold` (`mixture` for the row `GMM`: the
upper of two Gaussians, fitted to each image), `projector_width` (in the small sizes their own
width in the same proportion), `aggregation` (without: a mask for each head), `heads`,
`body_mask`, `smoothing` and `shuffled_masks` (masks of other images of the batch).

Decided here, since neither source or only the code speaks: the reports' batch normalisation runs
over padding in the code, which pads every text to 256 pieces. `text_statistics=padded` does the
same: padding to the longest text of the batch would let its length move the statistics; `pieces`
leaves padding out. Otsu's rule for the body, the filter's widths, and which images exchange
masks are ours, the three augmentations the code's. A whole softmax stands together over
processes (`gather`; off: that of each process); its 64 pairs are those of one GPU there, 8 of
them a step. The decoder has no skip of stride 2, since segmentation here has none either: so all
of it can be handed over. Word vectors and positions are the house text encoder's (512 positions,
256 read). AdamW under one half cosine instead of restarts each 200 steps.

Linear probes and fine-tuning see the mean of the last map, as with the encoder that the authors
store. There is no official evaluation code: zero-shot compares the pooled vector with the
report's, grounding the projected cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.sizes import RESNET_IMAGE, with_text
from benchmark.recipes import PretrainRecipe
from benchmark.specs import BaselineSpec, ImageProfile

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="g2d",
    version=1,
    title="G2D",
    kind="method",
    source="G2D (Liu et al., NeurIPS 2024); github.com/cheliu-computation/G2D-NeurIPS24",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    image_profile=ImageProfile(mean=0.0, std=1.0),
    options={
        # 1 to 4.
        "heads": 3,
        # `fixed` or `shared`.
        "head_width": "fixed",
        # 128, 256 or 512.
        "projector_width": 128,
        # `none`, `reconstruction` or `pseudo_mask`.
        "decoder_loss": "pseudo_mask",
        "aggregation": True,
        # `85`, `75`, `median`, `mean` or `mixture`.
        "threshold": "85",
        # `at_or_above` or `above`.
        "comparison": "at_or_above",
        # `body` or `image`.
        "quantile_over": "body",
        "body_mask": True,
        "smoothing": True,
        "shuffled_masks": False,
        # `paper`, `official` or `official_probabilities`.
        "dense_loss": "paper",
        # `image_to_text` or `both`.
        "contrast": "image_to_text",
        "temperature": 0.07,
        "gather": True,
        "warmup_steps": 0,
        # `padded` or `pieces`.
        "text_statistics": "padded",
    },
    sizes=with_text(
        RESNET_IMAGE,
        paper={
            "projector_width": 128,
            "head_width": 64,
            "decoder_widths": [256, 128, 64, 32, 16],
            "report_length": 256,
        },
        demo={
            "projector_width": 64,
            "head_width": 32,
            "decoder_widths": [64, 32, 32, 16, 16],
            "report_length": 64,
        },
        toy={
            "projector_width": 16,
            "head_width": 8,
            "decoder_widths": [16, 16, 8, 8, 8],
            "report_length": 32,
        },
    ),
    pretraining=PretrainRecipe(
        source="G2D 2024: rate, grey values in [0, 1]; the rest from the official code: 64 pairs "
        "on each of 8 GPUs, 51 epochs, its restarts one half cosine here; augmentation: affine of "
        "15 degrees, shear of 15 degrees, brightness and contrast 0.2",
        image_size=256,
        geometry="squash",
        batch_size=512,
        contrastive_batch=64,
        accumulation=8,
        epochs=51,
        learning_rate=2e-4,
        warmup_epochs=0,
        weight_decay=1e-8,
        betas=(0.9, 0.999),
        flip_probability=0.0,
        rotation_degrees=15.0,
        scale=(1.0, 1.0),
        shear_degrees=15.0,
        brightness=(0.8, 1.2),
        contrast=(0.8, 1.2),
        sentence_sampling=False,
        text_sections=("impression", "findings"),
    ),
    house="house_resnet",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.g2d import G2D

    return build_with_reports(context, G2D)  # type: ignore[no-any-return]
