"""The house text encoder: masked language on the corpus's reports, the start of all methods.

Methods that read reports would otherwise start from whatever each paper had at hand: a clinical
BERT, or nothing. A recipe with `start_from="house_text"` gives all of them this start instead
(equal terms); without it every tower starts from random weights, as MaCo's text tower does.
Devlin et al., "BERT", NAACL 2019. The image tower is left at its initial weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.encoders.settings import PAPER_RECIPE, SIZES, family_options
from benchmark.specs import BaselineSpec

if TYPE_CHECKING:
    from benchmark.interfaces import BuildContext, Representation

BASELINE = BaselineSpec(
    name="house_text",
    version=1,
    title="House text encoder",
    kind="method",
    source="BERT (Devlin et al., NAACL 2019) with MaCo's text tower and tokenizer",
    capabilities=("text_features",),
    options=family_options(weighting="none", high_resolution=False, reconstruction=False),
    sizes=SIZES,
    pretraining=PAPER_RECIPE,
    no_capability_reason="only its text tower is trained",
)


def build(context: BuildContext) -> Representation:
    """The model with initial weights."""
    from baselines.encoders.house import HouseTextModel
    from baselines.encoders.image_text import build_model

    return build_model(context, HouseTextModel)
