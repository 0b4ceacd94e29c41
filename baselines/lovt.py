"""LoVT: whole images with whole reports, and regions with sentences, inside each pair.

Müller et al., "Joint Learning of Localized Representations from Medical Images and Reports", ECCV
2022; code: github.com/philip-mueller/lovt. Sentences are the maximum over their tokens. Attention
pooling, with the mean as query, makes the whole image and the whole report. Symmetric cross
attention brings each region what the sentences say of it and each sentence what the regions show;
four local losses compare the two within a sample. Options: temperatures, weights, what regions
count as positives (`region_threshold`, `region_rate`), `local_importance=equal` (no attention
weights), `swap_chance` of sentences, `gather` (negatives of the global loss; the local ones never
leave their sample).

Different here: padding sentences enter neither the BatchNorms nor the pooling's query, so that a
report does not depend on its neighbours (officially they enter both as zeros). A sentence is closed
by one full stop.
The tokenizer has no `[SEP]`; `[CLS]` belongs to no sentence, as officially.

Zero-shot compares the global vectors. Grounding is derived: a region's vector is what the whole
image's would be if the attention lay on that region alone (its value, the pooling's output layer,
the global head). That is the space of text vectors, and pooled vectors are weighted means in it up
to the head. The projected regions of the local losses are not used: they meet sentences only after
cross attention and never the global text vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.sizes import RESNET_IMAGE, with_text
from benchmark.recipes import PretrainRecipe
from benchmark.specs import BaselineSpec, ImageProfile

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="lovt",
    version=1,
    title="LoVT",
    kind="method",
    source="LoVT (Müller et al., ECCV 2022); github.com/philip-mueller/lovt",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    image_profile=ImageProfile(mean=0.5, std=0.5),
    options={
        "temperature": 0.1,
        "image_weight": 0.75,
        "local_temperature": 0.3,
        "local_weight": 0.375,
        "local_importance": "attention",
        "region_threshold": 0.5,
        "region_rate": 1.0,
        "swap_chance": 0.6,
        "gather": True,
    },
    sizes=with_text(
        RESNET_IMAGE,
        paper={"hidden_width": 2048, "shared_width": 512, "pool_heads": 8},
        demo={"hidden_width": 192, "shared_width": 128, "pool_heads": 4},
        toy={"hidden_width": 48, "shared_width": 32, "pool_heads": 4},
    ),
    pretraining=PretrainRecipe(
        source="github.com/philip-mueller/lovt, LoVT_100. There: a cosine anew each epoch and "
        "early stopping; here one cosine. There: a crop and an affine transform of +-20 degrees; "
        "here the crop alone",
        image_size=224,
        geometry="pad_square",
        batch_size=512,
        contrastive_batch=32,
        accumulation=16,
        epochs=100,
        learning_rate=1e-4,
        warmup_epochs=0,
        weight_decay=1e-6,
        betas=(0.9, 0.999),
        flip_probability=0.5,
        rotation_degrees=0.0,
        scale=(1.0, 1.0),
        crop_scale=(0.6, 1.0),
        brightness=(0.6, 1.4),
        contrast=(0.6, 1.4),
        blur_sigma=(0.45, 13.4),
        sentence_sampling=False,
    ),
    house="house_resnet",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.lovt import LoVT

    return build_with_reports(context, LoVT)
