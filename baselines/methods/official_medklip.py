"""Released MedKLIP weights: the paper's own queries, for evaluation alone.

The weights hold no queries: they are what Bio_ClinicalBERT makes of the explanations of 75
entities, a file of the official repository. The method that is trained here has entities of our
choice instead; see `baselines/methods/medklip.py`, whose network this is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from baselines.encoders.imagenet_colours import in_colours
from baselines.methods.medklip import MedKLIP
from baselines.methods.medklip_entities import statement
from baselines.methods.medklip_lists import ENTITIES
from benchmark.errors import BadDataError, NotApplicable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.interfaces import PretrainBatch

OFFICIAL = "official"
"""Value of `queries` in the size of released weights."""

COUNT = 75
"""Entities that the released weights were trained with; the queries look at one another."""

OTHER_NAMES = {
    # The code's own table for NIH: fibrosis was too rare in MIMIC-CXR for a query of its own.
    "fibrosis": "tail_abnorm_obs",
    "pleural thickening": "thicken",
    # Ours, by the meaning of the explanations.
    "clear lungs": "clear",
    "normal chest": "normal",
    "acute process": "process",
    "hyperinflation": "hyperinflate",
    "low lung volumes": "low",
    "blunted angle": "blunt",
    "interstitial markings": "marking",
    "wide mediastinum": "widen",
    "tortuous aorta": "tortuous",
    "degenerative change": "degenerative",
    "elevated diaphragm": "elevation",
    "mediastinal shift": "shift",
}
"""Official names of entities of ours that are called otherwise; the others have equal names."""

_MISSPELT = {"eumonia": "pneumonia"}
_NEEDED = tuple(OTHER_NAMES.get(entity.name, entity.name) for entity in ENTITIES[:16])
"""Names for which the benchmark's prompts ask: its classes and the clear lung stand first."""


class OfficialMedKLIP(MedKLIP):
    """The network of MedKLIP with the queries of the official file of explanations.

    Args:
        size: As `MedKLIP` takes it; `read_length` is the official one of evaluation.
        options: `explanations`, the file's text, and `entity_vector`; the others are of training.
        image_size: Side of the input in pixels.
        tokenizer_json: Of Bio_ClinicalBERT.

    Raises:
        BadDataError: The explanations are not the official ones.
    """

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, options, image_size, tokenizer_json)
        found = explanations_of(str(options["explanations"]))
        self.names, self.texts = tuple(found), tuple(found.values())
        stem: Any = self.backbone.conv1
        self.backbone.conv1 = in_colours(stem)

    def read_explanations(self) -> None:
        """Forget what was read; the tower reads once more when a query is needed.

        Its weights come after the model is built, so that nothing can be read before.
        """
        self.register_buffer("explanations", torch.empty(0), persistent=False)

    def known_vectors(self) -> tuple[Tensor, Tensor]:
        """(E, W) what the tower makes of the explanations; there are no places to tell apart."""
        if not self.explanations.numel():
            device = next(self.bert_encoder.parameters()).device
            # Kept for all later calls, so that nothing of the first caller's mode may stay in it.
            with (
                torch.inference_mode(False),
                torch.no_grad(),
                torch.autocast(device.type, enabled=False),
            ):
                self.explanations = self._pooled(self.read(self.texts))
        return self.explanations, self.explanations[:0]

    def column_of(self, text: str) -> int:
        """Column of a text's logit: see `MedKLIP.text_similarities`."""
        found = statement(text, len(ENTITIES))
        ours = "" if found is None else ENTITIES[found[0]].name
        name = OTHER_NAMES.get(ours, ours)
        if found is None or name not in self.names:
            raise NotApplicable(
                f"Released MedKLIP weights have no query for `{text.strip()}`.",
                remedy="Use prompts that name one of its entities.",
            )
        return 2 * self.names.index(name) + (0 if found[1] else 1)

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """There is none."""
        raise NotApplicable("Released MedKLIP weights are evaluated, not trained on.")


def explanations_of(text: str) -> dict[str, str]:
    """Explanations by the name of their entity, in the order of the official JSON file.

    Raises:
        BadDataError: It is no such file, or lacks entities.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise BadDataError(f"MedKLIP's file of explanations is not JSON: {error}.") from error
    if not isinstance(content, dict) or not all(isinstance(v, str) for v in content.values()):
        raise BadDataError("MedKLIP's file of explanations is not a JSON object of texts by name.")
    found: dict[str, str] = {}
    for name, value in content.items():
        found[_MISSPELT.get(name) or name] = value
    absent = [name for name in _NEEDED if name not in found]
    if absent or len(found) < COUNT:
        lack = f", among them no {', '.join(absent)}" if absent else ""
        raise BadDataError(
            f"MedKLIP's file of explanations has {len(found)} entities, not {COUNT}{lack}."
        )
    return found
