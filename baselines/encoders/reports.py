"""The text side that the compared methods share: BERT, tokenizer, and which layers are frozen.

Its parameters have the names of MaCo's text tower (`bert_encoder.model.bert.*`), so that every
method can begin with the same house text encoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from baselines.encoders.bert import ReportEncoder
from baselines.encoders.bert_vocabulary import BertTokenizer, report_tokenizer
from baselines.encoders.wordpiece import ReportTokenizer, train_wordpiece
from benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmark.interfaces import BuildContext

TWELFTHS = 12
"""Frozen layers are counted in twelfths of the depth, since the papers count BERT-base's."""


@dataclass(frozen=True)
class Reading:
    """What BERT makes of T texts.

    Attributes:
        ids: (T, L) word pieces, `[CLS]` first, 0 = padding; `[SEP]` last in a published BERT
            alone.
        attention: (T, L), 1 = a piece.
        states: Of the embeddings and of each layer, (T, L, width) each.
        attentions: Of each layer, (T, heads, L, L), where the tower was built to give them.
    """

    ids: Tensor
    attention: Tensor
    states: tuple[Tensor, ...]
    attentions: tuple[Tensor, ...] = ()

    @property
    def last(self) -> Tensor:
        """(T, L, width) states of the last layer."""
        return self.states[-1]


class ReportTower:
    """A mix-in for a `torch.nn.Module` that reads reports.

    Attributes:
        frozen_layers: Twelfths of BERT's layers, from the first, that stay as the start weights
            have them; nothing is frozen in a tower without start weights.
        frozen_words: Whether the embeddings stay, too.
    """

    bert_encoder: ReportEncoder
    tokenizer: ReportTokenizer | BertTokenizer
    tokenizer_json: str | None
    frozen_layers: int = 0
    frozen_words: bool = False

    def add_reports(
        self, size: Mapping[str, Any], tokenizer_json: str | None, attentions: bool = False
    ) -> None:
        """Add BERT and its tokenizer.

        Args:
            size: Keys `text_*` and `vocabulary`; `read_length` where texts are cut shorter than
                BERT's positions reach.
            tokenizer_json: Trained on the corpus or stored with weights.
            attentions: Whether `read` gives attention maps; slower.
        """
        if tokenizer_json is None:
            raise UsageError("A model with a text tower needs a tokenizer.")
        self.tokenizer_json = tokenizer_json
        length = int(size.get("read_length", size["text_length"]))
        self.tokenizer = report_tokenizer(tokenizer_json, length, size["vocabulary"])
        self.bert_encoder = ReportEncoder(
            size, float(size["text_dropout"]), pooler=False, attentions=attentions
        )

    def read(self, texts: Sequence[str]) -> Reading:
        """Tokenise and encode texts, on the device of the tower."""
        device = next(self.bert_encoder.parameters()).device
        ids, attention = (part.to(device) for part in self.tokenizer(texts))
        return self.read_ids(ids, attention)

    def read_ids(self, ids: Tensor, attention: Tensor) -> Reading:
        """Encode (T, L) ids."""
        output = self.bert_encoder.model["bert"](
            input_ids=ids, attention_mask=attention, output_hidden_states=True
        )
        maps = output.attentions
        return Reading(ids, attention, tuple(output.hidden_states), tuple(maps) if maps else ())

    def after_start(self, names: Sequence[str]) -> None:
        """Freeze what the method freezes, as far as it came from the start weights.

        Raises:
            UsageError: The start's text tower has another shape, so that nothing of it was taken.
        """
        prefixes = self.frozen_prefixes()
        taken = set(names)
        if not any(name.startswith("bert_encoder.") for name in taken):
            raise UsageError(
                "The start weights hold no text tower of this method's shape.",
                remedy="Use a size in which they agree (demo, toy), or leave `start_from` empty.",
            )
        for name, parameter in self.named_parameters():  # type: ignore[attr-defined]
            if name in taken and name.startswith(prefixes):
                parameter.requires_grad_(False)

    def frozen_prefixes(self) -> tuple[str, ...]:
        """Beginnings of the names of parameters that are frozen after a start."""
        bert = self.bert_encoder.model["bert"]
        depth = len(bert.encoder.layer)
        count = depth * self.frozen_layers // TWELFTHS
        found = [f"bert_encoder.model.bert.encoder.layer.{index}." for index in range(count)]
        if self.frozen_words:
            found.append("bert_encoder.model.bert.embeddings.")
        return tuple(found)


def build_with_reports(
    context: BuildContext,
    kind: Callable[[Mapping[str, Any], Mapping[str, Any], int, str | None], nn.Module],
) -> Any:
    """Build `kind(size, options, image_size, tokenizer_json)` with weights from `context.seed`.

    Trains a tokenizer on the corpus where none is given, calls `initialise()` where the model has
    it, and leaves the global generator as it was.
    """
    tokenizer_json = context.tokenizer_json
    if tokenizer_json is None:
        if context.reports is None:
            raise UsageError("A text tower needs a stored tokenizer, or reports to train one on.")
        tokenizer_json = train_wordpiece(context.reports(), context.size["vocabulary"])
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(context.seed)
        model = kind(context.size, context.options, context.image_size, tokenizer_json)
        if hasattr(model, "initialise"):
            model.initialise()
    return model
