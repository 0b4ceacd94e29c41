"""MedKLIP on a ResNet: queries for entities read the image, and tell whether and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.towers import ResNetWithReports
from baselines.methods.choices import check_choices
from baselines.methods.medklip_decoder import QueryDecoder
from baselines.methods.medklip_entities import (
    NO_PLACE,
    NOT_NAMED,
    PRESENT,
    statement,
    states_and_places,
)
from baselines.methods.medklip_lists import ENTITIES, LOCATIONS
from baselines.objectives.entity_queries import (
    existence_loss,
    location_loss,
    place_candidates,
)
from benchmark.errors import NotApplicable, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.encoders.reports import Reading
    from benchmark.interfaces import PretrainBatch

_CHOICES = {"entity_vector": ("mean", "cls")}
THIRD_STAGE = 3
"""Number of the stage that is read, in timm's count, where the stem is 0."""


class MedKLIP(ResNetWithReports):
    """A ResNet to its third stage, a frozen BERT, and a decoder between them.

    Args:
        size: See `ResNetWithReports`; `entities` (the first so many, 0 = all), `query_width`,
            `query_layers`, `query_heads`, `query_hidden`, `query_dropout`.
        options: `entity_vector`, `location`, `negatives`, `unseen`.
        image_size: Side of the input in pixels.
        tokenizer_json: Of the text tower.
    """

    explanations: Tensor
    # The fourth stage is for fine-tuning alone, and the text tower is only read.
    without_gradient: tuple[str, ...] = ("backbone.layer4", "bert_encoder")

    def __init__(
        self,
        size: Mapping[str, Any],
        options: Mapping[str, Any],
        image_size: int,
        tokenizer_json: str | None,
    ) -> None:
        super().__init__(size, image_size, tokenizer_json)
        check_choices(options, _CHOICES)
        self.entity_vector, self.location = str(options["entity_vector"]), bool(options["location"])
        self.negatives = int(options["negatives"])
        self.entities = ENTITIES[: size["entities"] or None]
        self.unseen = _indices(str(options["unseen"]))
        stage = self.backbone.feature_info[THIRD_STAGE]
        side = -(-image_size // int(stage["reduction"]))
        self.grid = (side, side)
        cells, width, words = int(stage["num_chs"]), size["query_width"], size["text_width"]
        dropout = float(size["query_dropout"])
        self.image_hidden, self.image_out = nn.Linear(cells, cells), nn.Linear(cells, width)
        self.query_projection = nn.Linear(words, width)
        self.decoder = QueryDecoder(
            size["query_layers"], width, size["query_heads"], size["query_hidden"], dropout
        )
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, 2)
        self.location_head = nn.Linear(width, words)
        for module in self.children():
            if module not in (self.backbone, self.bert_encoder):
                module.apply(_initialise)
        self.bert_encoder.requires_grad_(False).eval()
        # Stored with the weights, so that a run continues with the very same values.
        known = torch.zeros(len(self.entities) + len(LOCATIONS), words)
        self.register_buffer("explanations", known)
        self.read_explanations()

    def train(self, mode: bool = True) -> MedKLIP:
        """The text tower stays in evaluation mode, since its vectors are computed once."""
        super().train(mode)
        self.bert_encoder.eval()
        return self

    def third_map(self, images: Tensor) -> Tensor:
        """(B, C, rows, columns) of the third stage; the fourth is not computed."""
        found: list[Tensor] = self.backbone.forward_intermediates(
            images.expand(-1, self.channels, -1, -1),
            indices=[THIRD_STAGE],
            stop_early=True,
            intermediates_only=True,
        )
        return found[0]

    def tokens(self, images: Tensor) -> Tensor:
        """(B, N, query_width) cells as the decoder reads them."""
        cells = self.third_map(images).flatten(2).transpose(1, 2)
        tokens: Tensor = self.image_out(torch.relu(self.image_hidden(cells)))
        return tokens

    def after_start(self, names: Sequence[str]) -> None:
        """The text tower has new weights, and reads once more."""
        super().after_start(names)
        self.read_explanations()

    @torch.no_grad()
    def read_explanations(self) -> None:
        """Let the frozen tower read the entities' explanations and the places.

        Done when the weights of the tower are set and not in a training step, since they stay.
        """
        if self.explanations.is_meta:
            return
        texts = [entity.explanation for entity in self.entities]
        texts += [f"it is located in the {name}" for name, _ in LOCATIONS]
        self.explanations.copy_(self._pooled(self.read(texts)))

    def known_vectors(self) -> tuple[Tensor, Tensor]:
        """What the tower made of the explanations (E, W) and of the places (L, W)."""
        return self.explanations[: len(self.entities)], self.explanations[len(self.entities) :]

    def answers(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, E, query_width) what each query found, and the attention of each layer."""
        vectors, _ = self.known_vectors()
        queries = self.query_projection(vectors).expand(len(images), -1, -1)
        found: Tensor
        found, maps = self.decoder(queries, self.tokens(images))
        return self.dropout(found), maps

    def existence(self, images: Tensor) -> Tensor:
        """(B, E, 2) logits of absent and present."""
        logits: Tensor = self.classifier(self.answers(images)[0])
        return logits.float()

    def pretraining_loss(
        self, batch: PretrainBatch, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Cross-entropy of existence, plus the contrast of places unless it is switched off."""
        device = batch.images.device
        states, places = self.labels(batch.texts)
        answers, _ = self.answers(batch.images)
        existence = existence_loss(self.classifier(answers), states.to(device))
        if not self.location:
            return {"total": existence, "existence": existence}
        candidates = place_candidates(places, len(LOCATIONS), self.negatives, generator)
        located = (states == PRESENT) & (places != NO_PLACE)
        asked = self.location_head(answers)
        with torch.autocast(device.type, enabled=False):
            scores = asked.float() @ self.known_vectors()[1].T
            location = location_loss(scores, candidates.to(device), located.to(device))
        return {"total": existence + location, "existence": existence, "location": location}

    def labels(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """States and places of the entities by the keyword rule, (B, E) int64 on the CPU."""
        found = [states_and_places(text) for text in texts]
        states, places = (
            torch.tensor([row[part] for row in found], dtype=torch.int64)[:, : len(self.entities)]
            for part in (0, 1)
        )
        unseen = [index for index in self.unseen if index < len(self.entities)]
        states[:, unseen] = NOT_NAMED
        return states, places

    def text_similarities(self, images: Tensor, texts: Sequence[str]) -> Tensor:
        """(B, T): the logit of present for a statement, that of absent for a denial.

        Raises:
            NotApplicable: A text names no entity of the list.
        """
        columns = [self.column_of(text) for text in texts]
        return self.existence(images).flatten(1)[:, columns]

    def column_of(self, text: str) -> int:
        """Where a text's logit stands among those of all entities, absent and present in turn."""
        found = statement(text, len(self.entities))
        if found is None:
            raise NotApplicable(
                f"MedKLIP has no query for `{text.strip()}`: it names no entity of its list.",
                remedy="Use prompts that name one; see baselines/methods/medklip_lists.py.",
            )
        return 2 * found[0] + (0 if found[1] else 1)

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) cells of the third stage, or as the decoder reads them."""
        if projected:
            return self.tokens(images).float()
        return self.third_map(images).flatten(2).transpose(1, 2).float()

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, query_width) mean of the cells as the decoder reads them."""
        return self.patch_features(images, projected=True).mean(dim=1)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, query_width) queries made of any texts.

        No loss compares them with an image's vector; zero-shot scores are `text_similarities`.
        """
        vectors: Tensor = self.query_projection(self._pooled(self.read(texts)))
        return vectors.float()

    def _pooled(self, reading: Reading) -> Tensor:
        """(T, W) one vector a text: mean over its pieces, or the state of `[CLS]`."""
        if self.entity_vector == "cls":
            return reading.last[:, 0]
        weights = reading.attention[:, :, None].to(reading.last.dtype)
        return (reading.last * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def _indices(names: str) -> tuple[int, ...]:
    """Positions of entities in the list, from their names with commas between."""
    known = [entity.name for entity in ENTITIES]
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise unknown_name("entity of MedKLIP", name, known)
    return tuple(known.index(name) for name in wanted)


def _initialise(module: nn.Module) -> None:
    """Official start values: N(0, 0.02) weights of linear layers and attention."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
    elif isinstance(module, nn.MultiheadAttention):
        nn.init.normal_(module.in_proj_weight, std=0.02)
