"""An official KAD file at a small size: three sections, and parts that are stored twice."""

from __future__ import annotations

from tests.released.fixture import ReleasedFixture, drawn, shapes_of
from tests.released.gloria import PIECES, small_resnet
from tests.released.maco import TEXT, bert_shapes, linear, norm

WIDTH, HIDDEN, WORDS = 64, 48, 80
STAGE_WIDTHS = {3: 24, 4: 32}
PARTS = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}
IMAGE, TEXTS, QUERIES = "image_encoder/", "text_encoder/", "model/"
PLACES = {
    "res_l1.": "image_hidden.",
    "res_l2.": "image_out.",
    "bert_model.pooler.dense.": "pooler.",
    "bert_model.": "bert_encoder.model.bert.",
    "mlp_embed.0.": "text_hidden.",
    "mlp_embed.2.": "text_out.",
    "decoder.": "decoder.",
    "mlp_head.0.": "classifier.",
    "resnet.": "backbone.",
}
WORD_LIST = [*PIECES, *(f"word{index}" for index in range(WORDS - len(PIECES)))]


def attention(name):
    return {
        f"{name}.in_proj_weight": (3 * WIDTH, WIDTH),
        f"{name}.in_proj_bias": (3 * WIDTH,),
        **linear(f"{name}.out_proj", WIDTH, WIDTH),
    }


def query_shapes(depth=2):
    shapes = {f"{QUERIES}logit_scale": (), **norm(f"{QUERIES}decoder_norm", WIDTH)}
    for index in range(depth):
        layer = f"{QUERIES}decoder.layers.{index}"
        shapes |= attention(f"{layer}.self_attn") | attention(f"{layer}.multihead_attn")
        shapes |= linear(f"{layer}.linear1", HIDDEN, WIDTH)
        shapes |= linear(f"{layer}.linear2", WIDTH, HIDDEN)
        for number in (1, 2, 3):
            shapes |= norm(f"{layer}.norm{number}", WIDTH)
    return shapes | norm(f"{QUERIES}decoder.norm", WIDTH) | linear(f"{QUERIES}mlp_head.0", 2, WIDTH)


def tensors_for(seed, stage=4):
    """Names with their section in front; `stage` is the one that the image tower is read at."""
    cells = STAGE_WIDTHS[stage]
    found = drawn(
        {
            **shapes_of(small_resnet(), IMAGE + "resnet."),
            **linear(IMAGE + "resnet.fc", 1000, 32),
            **linear(IMAGE + "res_l1", cells, cells),
            **linear(IMAGE + "res_l2", WIDTH, cells),
            f"{TEXTS}logit_scale": (),
            **bert_shapes(TEXTS + "bert_model.", length=40, pooler=TEXT, words=WORDS),
            **linear(TEXTS + "mlp_embed.0", TEXT, TEXT),
            **linear(TEXTS + "mlp_embed.2", TEXT, TEXT),
            **query_shapes(),
        },
        seed,
    )
    for name, value in list(found.items()):
        part, _, rest = name.removeprefix(IMAGE + "resnet.").partition(".")
        if part in PARTS and PARTS[part] <= 3 + stage:
            found[f"{IMAGE}res_features.{PARTS[part]}.{rest}"] = value
    for part in ("weight", "bias"):
        found[f"{QUERIES}decoder_norm.{part}"] = found[f"{QUERIES}decoder.norm.{part}"]
    return found


def state(seed):
    # What the query network needs stands last, as in the file.
    found = tensors_for(seed)
    return dict(sorted(found.items(), key=lambda item: item[0].startswith(QUERIES)))


def wrap(tensors):
    sections = {
        prefix.removesuffix("/"): {
            name.removeprefix(prefix): value
            for name, value in tensors.items()
            if name.startswith(prefix)
        }
        for prefix in (QUERIES, IMAGE, TEXTS)
    }
    return {
        **sections,
        "optimizer": {"state": {}, "param_groups": []},
        "lr_scheduler": {"base_values": [5e-5]},
        "config": {"image_res": 224, "batch_size": 64, "optimizer": {"opt": "adamW"}},
        "epoch": 17,
    }


def lands(tensors):
    left_out = ("logit_scale", "res_features.", "resnet.fc.", "decoder_norm.", "position_ids")
    found = {}
    for name, value in tensors.items():
        if any(part in name for part in left_out):
            continue
        short = name.partition("/")[2]
        first = next(prefix for prefix in PLACES if short.startswith(prefix))
        found[PLACES[first] + short.removeprefix(first)] = value
    return found


def beside(folder):
    (folder / "vocab.txt").write_text("\n".join(WORD_LIST) + "\n", encoding="utf-8")


FIXTURES = (ReleasedFixture("kad", "KAD", state, wrap, lands, beside, name="best_valid.pt"),)
