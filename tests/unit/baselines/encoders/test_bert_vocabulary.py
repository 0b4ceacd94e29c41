"""The tokenizer of published BERTs, against transformers' own."""

from __future__ import annotations

import pytest
import torch
from transformers import BertTokenizerFast

from baselines.encoders.bert_vocabulary import BertTokenizer, bert_tokenizer_json, report_tokenizer
from baselines.encoders.wordpiece import ReportTokenizer, train_wordpiece
from benchmark.errors import BadDataError, UsageError

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "no", "eff", "##usion", ".", "No", "lung"]
TEXTS = ["No effusion.", "lung", "", "no effusion no effusion no effusion", "Nodule é lung"]


@pytest.fixture
def vocabulary(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("lowercase", [False, True])
def test_ids_are_those_of_transformers(vocabulary, lowercase):
    ours = BertTokenizer(bert_tokenizer_json(vocabulary, lowercase), 8, 20)
    theirs = BertTokenizerFast(vocab=str(vocabulary), do_lower_case=lowercase)
    ids, mask = ours(TEXTS)
    for row, text in enumerate(TEXTS):
        expected = [2, *_pieces(theirs, text)[:6], 3]
        assert ids[row][mask[row].bool()].tolist() == expected
        assert (ids[row][~mask[row].bool()] == 0).all()
    assert ours.separator == 3


def _pieces(theirs, text):
    return theirs.convert_tokens_to_ids(theirs.tokenize(text))


def test_pieces_that_continue_a_word(vocabulary):
    flags = BertTokenizer(bert_tokenizer_json(vocabulary, True), 8, 20).continuations()
    assert flags.nonzero()[:, 0].tolist() == [PIECES.index("##usion")]
    assert flags.shape == (20,)


def test_the_json_says_which_tokenizer_it_is(vocabulary):
    published = bert_tokenizer_json(vocabulary, False)
    assert isinstance(report_tokenizer(published, 8, 20), BertTokenizer)
    own = report_tokenizer(train_wordpiece(["no effusion"], 40), 8, 40)
    assert isinstance(own, ReportTokenizer) and own.separator is None
    again = report_tokenizer(report_tokenizer(published, 8, 20).json, 8, 20)
    assert torch.equal(again(TEXTS)[0], report_tokenizer(published, 8, 20)(TEXTS)[0])
    with pytest.raises(BadDataError, match="cannot be read"):
        report_tokenizer("no json", 8, 20)
    with pytest.raises(UsageError, match="11 entries, the model only 5"):
        report_tokenizer(published, 8, 5)


def test_what_is_no_vocabulary_is_named(tmp_path):
    (tmp_path / "vocab.txt").write_text("[PAD]\nlung\n", encoding="utf-8")
    with pytest.raises(BadDataError, match=r"lacks \[UNK\], \[CLS\], \[SEP\]"):
        bert_tokenizer_json(tmp_path / "vocab.txt", True)
