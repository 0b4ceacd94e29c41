"""MedKLIP's released form leads to the logits of the official code."""

import json
import re

import numpy as np
import pytest
import torch

from baselines import medklip
from baselines.checkpoints.loading import load_checkpoint
from baselines.checkpoints.released import load_content
from tests.golden.files import golden_files
from tests.golden.values import close, golden_weight
from tests.released.fixture import drawn
from tests.released.gloria import PIECES
from tests.released.maco import bert_shapes
from tests.released.medklip import NAMES, wrap

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PNEUMONIA, PNEUMOTHORAX, CONSOLIDATION = 20, 10, 14


def official_tensor(seed, key, shape):
    if key.endswith("num_batches_tracked"):
        return torch.tensor(0)
    value = golden_weight(seed, key, shape)
    return torch.from_numpy(1 + np.abs(value) if key.endswith(".running_var") else value)


def as_grey(colours):
    """What our profile gives where the official one gave these three channels."""
    gain, shift = (torch.tensor(part)[:, None, None] for part in (DEVIATION, MEAN))
    profile = medklip.BASELINE.image_profile
    return (colours * gain + shift - profile.mean) / profile.std


def official_names():
    """Those the prompts below ask for at their official places, any others elsewhere."""
    places = {"eumonia": PNEUMONIA, "pneumothorax": PNEUMOTHORAX, "consolidation": CONSOLIDATION}
    others = [name for name in NAMES if name not in places]
    for name, place in sorted(places.items(), key=lambda item: item[1]):
        others.insert(place, name)
    return others


def write(folder, seed, keys):
    """The official file, a BERT of one layer and the explanations."""
    file = folder / "checkpoint_final.pth"
    torch.save(wrap({key: official_tensor(seed, key, shape) for key, shape in keys.items()}), file)
    bert = bert_shapes("bert.", width=768, middle=8, words=20, length=64, depth=1)
    torch.save(drawn(bert, seed), folder / "pytorch_model.bin")
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    explained = json.dumps(dict.fromkeys(official_names(), "no effusion"))
    (folder / "observation explanation.json").write_text(explained, encoding="utf-8")
    return file


@torch.no_grad()
@pytest.mark.parametrize("path", golden_files("medklip_tiny_seed*.npz"))
def test_logits_of_entities(path, tmp_path):
    seed = int(re.search(r"_seed(\d+)$", path.stem).group(1))
    golden = dict(np.load(path))
    keys = json.loads(str(golden["keys"]))
    file = write(tmp_path, seed, keys)
    options = medklip.BASELINE.options
    loaded = load_content("medklip", medklip.build, load_checkpoint(file), file, options)
    assert set(loaded.unused) == {"text/bert.embeddings.position_ids"}
    model = loaded.model
    generator = np.random.default_rng(seed)
    images = torch.from_numpy(generator.standard_normal((3, 3, 64, 64)).astype("float32"))
    # The golden queries are drawn, not read.
    vectors = torch.from_numpy(generator.standard_normal((75, 768)).astype("float32"))
    assert model.known_vectors()[0].shape == vectors.shape
    model.explanations = vectors
    images = as_grey(images)
    tokens = model.patch_features(images, projected=True)
    close(tokens[:, :, :32], golden["image_tokens_slice"])
    logits = torch.from_numpy(golden["logits"])
    close(model.existence(images), logits)
    prompts = ["There is pneumonia. ", "no pneumonia", "consolidation", "no pneumothorax"]
    wanted = [logits[:, PNEUMONIA, 1], logits[:, PNEUMONIA, 0]]
    wanted += [logits[:, CONSOLIDATION, 1], logits[:, PNEUMOTHORAX, 0]]
    found = model.text_similarities(images, prompts)
    close(found, torch.stack(wanted, dim=1))
    close(found[:, :2].softmax(dim=1)[:, 0], golden["probability"][:, PNEUMONIA])
