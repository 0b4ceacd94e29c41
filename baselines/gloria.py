"""GLoRIA: whole images with whole reports, and regions of the image with words.

Huang et al., "GLoRIA: A Multimodal Global-Local Representation Learning Framework for
Label-efficient Medical Image Recognition", ICCV 2021; code: github.com/marshuang80/gloria.

Regions are the cells of the third stage of the ResNet, whose input is enlarged from 224 to 299
pixels at the real size (`enlarge=false` leaves it; the small sizes have fine maps anyway). Words
are the sums of their pieces, each of them the sum of the last four layers. Defaults are the code's;
options have the other forms. `local_form=paper`: one softmax in the attention and a factor on the
logarithm, as the method sheet reports of the paper, from memory. `sentence_mean=words`: the report
is the mean of its words, not of all 97 slots; the two differ in length, not in direction.
`word_pooling=mean`, `sentence=all` (the whole report), `gather=false` (negatives of one GPU), the
three temperatures and the two weights.

Different here: the house tokenizer has no `[SEP]`, which the local loss leaves out anyway, and
words are counted as words, where the official zero-shot code counts the letters of a prompt. The
official z-score of zero-shot scores over all test images is no part of a method and not in
`text_similarities`. Prompts of a single word are kept. Fine-tuning sees the image as it comes,
without enlargement, as all methods do; features and linear probes see what the encoder was trained
with. Released weights come with the tokenizer of their BERT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselines.encoders.sizes import RESNET_IMAGE, with_text
from benchmark.recipes import PretrainRecipe
from benchmark.specs import BaselineSpec, ImageProfile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="gloria",
    version=1,
    title="GLoRIA",
    kind="method",
    source="GLoRIA (Huang et al., ICCV 2021); github.com/marshuang80/gloria",
    capabilities=("image_features", "fine_tune", "zero_shot", "grounding", "text_features"),
    image_profile=ImageProfile(mean=0.5, std=0.5),
    options={
        "sentence": "random",
        "sentence_mean": "slots",
        "enlarge": True,
        "local_form": "code",
        "word_pooling": "sum",
        "attention_temperature": 4.0,
        "word_temperature": 5.0,
        "temperature": 10.0,
        "local_weight": 1.0,
        "global_weight": 1.0,
        "gather": True,
    },
    sizes=with_text(
        RESNET_IMAGE,
        paper={"enlargement": 299 / 224, "text_length": 97},
        demo={"enlargement": 1.0},
        toy={"enlargement": 1.0},
    ),
    pretraining=PretrainRecipe(
        source="github.com/marshuang80/gloria. There: Adam, and a rate that falls on a plateau; "
        "here AdamW and a cosine. Its crop of 224 from 256 pixels is a magnification and a shift",
        image_size=224,
        geometry="pad_square",
        batch_size=48,
        contrastive_batch=48,
        epochs=50,
        learning_rate=5e-5,
        warmup_epochs=0,
        weight_decay=1e-6,
        betas=(0.5, 0.999),
        gradient_clip=0.25,
        flip_probability=0.0,
        rotation_degrees=0.0,
        scale=(256 / 224, 256 / 224),
        translation=16 / 224,
        sentence_sampling=False,
    ),
    house="house_resnet",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.reports import build_with_reports
    from baselines.methods.gloria import GLoRIA

    return build_with_reports(context, GLoRIA)


def load(
    path: Path,
    options: Mapping[str, Any] | None = None,
    tokenizer_json: str | None = None,
    trusted: bool = False,
) -> Representation:
    """Weights in our own form or in the official one; see `baselines.checkpoints.released`."""
    from baselines.checkpoints.released import load as load_weights

    given = BASELINE.options if options is None else options
    return load_weights(BASELINE.name, build, path, given, tokenizer_json, trusted)
