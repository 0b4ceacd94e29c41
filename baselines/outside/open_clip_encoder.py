"""open_clip's two towers with the members that `representation.py` looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import open_clip
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence


class OpenClipEncoder(nn.Module):
    """Pooled features are the projected vectors, which the contrast trained.

    Args:
        model: Of open_clip.
        name: Of its architecture, which decides the tokenizer.
    """

    def __init__(self, model: Any, name: str) -> None:
        super().__init__()
        self.model = model
        self._tokenize = open_clip.get_tokenizer(name)

    def pooled_features(self, images: Tensor) -> Tensor:
        """(B, E)."""
        found: Tensor = self.model.visual(images)
        return found[0] if isinstance(found, tuple) else found

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, E)."""
        return self.pooled_features(images)

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, E); longer texts are cut as the tokenizer cuts."""
        device = next(self.model.parameters()).device
        found: Tensor = self.model.encode_text(self._tokenize(list(texts)).to(device))
        return found

    def patch_features(self, images: Tensor) -> Tensor:
        """(B, D, rows, columns) after the last norm; a single patch for other towers."""
        visual = self.model.visual
        # CoCa's norm stands behind its attention pooling, where there are no places any more.
        if not hasattr(visual, "ln_post") or visual.attn_pool is not None:
            return self.pooled_features(images)[:, :, None, None]
        found = visual.forward_intermediates(
            images, indices=1, normalize_intermediates=True, intermediates_only=True
        )
        last: Tensor = found["image_intermediates"][-1]
        return last

    def patch_embedding(self, images: Tensor) -> Tensor:
        """(B, E, rows, columns): patches through the map that the class token goes through.

        No loss ever asked that of them. Without such a map, patches as they are.
        """
        patches = self.patch_features(images)
        map_of = getattr(self.model.visual, "proj", None)
        if map_of is None:
            return patches
        found: Tensor = (patches.movedim(1, -1) @ map_of).movedim(-1, 1)
        return found

    def temperature(self) -> float:
        """The learned factor on cosines."""
        return float(self.model.logit_scale.exp())

    def without_texts(self) -> None:
        """Keeps the image tower alone."""
        visual = self.model.visual
        self.model = nn.Module()
        self.model.visual = visual
