"""The shared text tower: what it reads, and what is frozen after a start."""

import pytest
import torch

from baselines.encoders.reports import build_with_reports
from baselines.encoders.sizes import RESNET_IMAGE, VIT_IMAGE, with_text
from baselines.encoders.towers import ResNetWithReports, ViTWithReports
from benchmark.errors import NotApplicable, UsageError
from benchmark.interfaces import BuildContext

REPORTS = ("no effusion is seen", "small nodule. mild edema", "cardiomegaly")


class Towers(ResNetWithReports):
    def __init__(self, size, options, image_size, tokenizer_json):
        super().__init__(size, image_size, tokenizer_json, attentions=options.get("maps", False))


class Transformer(ViTWithReports):
    def __init__(self, size, options, image_size, tokenizer_json):
        super().__init__(size, image_size, tokenizer_json)


def build(kind=Towers, image=RESNET_IMAGE, seed=0, text_depth=4, **options):
    size = {**with_text(image)["toy"], "text_depth": text_depth}
    context = BuildContext(size, options, 32, seed, reports=lambda: REPORTS)
    return build_with_reports(context, kind).eval()


def test_texts_are_read_layer_by_layer():
    model = build(maps=True)
    reading = model.read(REPORTS)
    assert reading.ids.shape == reading.attention.shape
    assert (reading.ids[:, 0] == 2).all()
    assert len(reading.states) == 5
    assert reading.last.shape == (*reading.ids.shape, 48)
    assert len(reading.attentions) == 4
    assert torch.allclose(reading.attentions[-1].sum(-1), torch.ones(3, 4, reading.ids.shape[1]))
    padded = reading.attention == 0
    assert padded.any()
    assert (reading.attentions[-1].transpose(2, 3)[padded[:, None].expand(-1, 4, -1)] == 0).all()


def test_fused_and_plain_attention_agree():
    with torch.no_grad():
        first, second = build(maps=True).read(REPORTS).last, build().read(REPORTS).last
    assert torch.allclose(first, second, atol=1e-5)


def test_a_text_alone_is_read_as_among_others():
    model = build()
    together = model.read(REPORTS)
    for index, text in enumerate(REPORTS):
        alone = model.read([text])
        length = alone.ids.shape[1]
        assert torch.allclose(together.last[index, :length], alone.last[0], atol=1e-5)


@pytest.mark.parametrize(("twelfths", "layers"), [(0, 0), (3, 1), (6, 2), (9, 3), (12, 4)])
def test_layers_are_frozen_in_twelfths_of_the_depth(twelfths, layers):
    model = build()
    model.frozen_layers = twelfths
    model.after_start(list(model.state_dict()))
    frozen = {
        name.split("layer.")[1].split(".")[0]
        for name, parameter in model.named_parameters()
        if not parameter.requires_grad
    }
    assert frozen == {str(index) for index in range(layers)}


def test_nothing_is_frozen_that_was_not_pretrained():
    model = build()
    model.frozen_layers, model.frozen_words = 12, True
    assert all(parameter.requires_grad for parameter in model.parameters())
    words = "bert_encoder.model.bert.embeddings.word_embeddings.weight"
    model.after_start([words])
    frozen = [name for name, item in model.named_parameters() if not item.requires_grad]
    assert frozen == [words]
    with pytest.raises(UsageError, match="no text tower"):
        build().after_start(["backbone.conv1.weight"])


def test_one_start_fits_both_kinds_of_towers():
    resnet, vit = build(), build(Transformer, VIT_IMAGE)
    texts = {name for name in resnet.state_dict() if name.startswith("bert_encoder.")}
    assert texts
    assert texts == {name for name in vit.state_dict() if name.startswith("bert_encoder.")}
    shapes = [{name: model.state_dict()[name].shape for name in texts} for model in (resnet, vit)]
    assert shapes[0] == shapes[1]


def test_a_transformer_without_a_shared_space_says_so():
    model = build(Transformer, VIT_IMAGE)
    images = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert model.patch_features(images, projected=True).shape == (2, 16, 48)
    assert model.tokens(images).shape == (2, 17, 48)
    with pytest.raises(NotApplicable):
        model.text_embedding(["edema"])


def test_a_tower_without_tokenizer_or_reports_is_refused():
    size = with_text(RESNET_IMAGE)["toy"]
    with pytest.raises(UsageError, match="tokenizer"):
        build_with_reports(BuildContext(size, {}, 32), Towers)
