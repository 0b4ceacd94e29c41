"""M-FLAG's whole file at a small size, in half precision."""

from __future__ import annotations

from tests.released.fixture import ReleasedFixture, drawn, shapes_of
from tests.released.gloria import PIECES, small_resnet
from tests.released.maco import TEXT, bert_shapes, half, language_head, linear, norm

HIDDEN, SHARED = 48, 24


def head(prefix, width):
    shapes = {**linear(f"{prefix}.0", HIDDEN, width), **norm(f"{prefix}.1", HIDDEN)}
    shapes |= linear(f"{prefix}.3", SHARED, HIDDEN)
    for index, channels in ((1, HIDDEN), (4, SHARED)):
        shapes[f"{prefix}.{index}.running_mean"] = (channels,)
        shapes[f"{prefix}.{index}.running_var"] = (channels,)
        shapes[f"{prefix}.{index}.num_batches_tracked"] = ()
    return shapes


def state(seed):
    return half(
        drawn(
            {
                **shapes_of(small_resnet(), "encoder."),
                **head("proj_v", 32),
                **head("proj_t", TEXT),
                **bert_shapes("lm_model.bert.", length=40),
                **language_head("lm_model.cls.predictions."),
            },
            seed,
        )
    )


def lands(tensors):
    found = {}
    for name, value in tensors.items():
        if "position_ids" in name or ".cls." in name:
            continue
        if name.startswith("lm_model."):
            found["bert_encoder.model." + name.removeprefix("lm_model.")] = value
        elif name.startswith("encoder."):
            found["backbone." + name.removeprefix("encoder.")] = value
        else:
            found[name] = value
    return found


def beside(folder):
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")


FIXTURES = (
    ReleasedFixture("mflag", "M-FLAG", state, dict, lands, beside, name="m-flag_total.pth"),
)
