"""Words of released GLoRIA weights: `[SEP]` closes a text for BERT and is no word."""

import torch

from baselines import gloria
from tests.released.gloria import FIXTURES


@torch.no_grad()
def test_words_are_sums_of_pieces_without_the_separator(tmp_path):
    model = gloria.load(FIXTURES[0].write(tmp_path))
    texts = ["there no effusion", "effusion"]
    read = model.read_words(texts)
    assert read.counts.tolist() == [4, 2]  # [CLS] counts
    ids, attention = model.tokenizer(texts)
    assert ids[0].tolist() == [2, 5, 6, 7, 8, 3]
    output = model.bert_encoder.model["bert"](
        input_ids=ids, attention_mask=attention, output_hidden_states=True
    )
    states = torch.stack(output.hidden_states[1:][-4:]).sum(dim=0)
    expected = torch.stack([states[0, 0], states[0, 1], states[0, 2], states[0, 3] + states[0, 4]])
    assert torch.allclose(read.words[0, :4], expected, atol=1e-5)
    assert read.words[0, 4:].abs().max() == 0
    assert read.words.shape[1] == 97
    assert torch.allclose(read.whole[0], expected.sum(dim=0) / 97, atol=1e-5)
