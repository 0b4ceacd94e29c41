"""The text tower of MaCo: a small BERT from scratch whose pooler maps into the shared space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from transformers import BertConfig, BertModel

if TYPE_CHECKING:
    from collections.abc import Mapping


class ReportEncoder(nn.Module):
    """BERT with pooler Linear(text_width -> shared_width) and tanh, on the `[CLS]` token.

    The released MaCo file has a 768 x 384 pooler where the published class has 384 x 384; the
    former is built here. Parameter names are those of the official file below `bert_encoder.`.

    Args:
        size: Keys `text_*`, `vocabulary`, `shared_width`.
        dropout: On embeddings, attention and hidden layers; 0.1 officially.
        pooler: Whether there is one; without it only `hidden_states` can be asked for.
        attentions: Whether attention maps are given out, which fused kernels do not.
    """

    def __init__(
        self,
        size: Mapping[str, Any],
        dropout: float,
        pooler: bool = True,
        attentions: bool = False,
    ) -> None:
        super().__init__()
        config = BertConfig(
            vocab_size=size["vocabulary"],
            hidden_size=size["text_width"],
            num_hidden_layers=size["text_depth"],
            num_attention_heads=size["text_heads"],
            intermediate_size=size["text_intermediate"],
            max_position_embeddings=size["text_length"],
            type_vocab_size=2,
            hidden_act="gelu",
            layer_norm_eps=1e-12,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            pad_token_id=0,
            attn_implementation="eager" if attentions else "sdpa",
            output_attentions=attentions,
        )
        bert = BertModel(config, add_pooling_layer=pooler)
        if pooler:
            bert.pooler.dense = nn.Linear(size["text_width"], size["shared_width"])
        self.model = nn.ModuleDict({"bert": bert})

    def forward(self, ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(T, shared_width) vectors in (-1, 1), from (T, L) ids and mask."""
        output = self.model["bert"](input_ids=ids, attention_mask=attention_mask)
        pooled: Tensor = output.pooler_output
        return pooled

    def hidden_states(self, ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(T, L, text_width) states of all tokens, before the pooler."""
        output = self.model["bert"](input_ids=ids, attention_mask=attention_mask)
        states: Tensor = output.last_hidden_state
        return states
