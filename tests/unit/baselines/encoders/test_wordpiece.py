"""The tokenizer: special ids, determinism across processes, padding, the official file."""

import gzip
import json
import os
import subprocess
import sys

import pytest

from baselines.encoders.wordpiece import SPECIAL_TOKENS, ReportTokenizer, train_wordpiece
from benchmark.errors import BadDataError, UsageError

REPORTS = (
    "No focal consolidation, effusion or pneumothorax.",
    "Small right-sided pleural effusion; 12 mm nodule.",
    "Cardiomegaly is unchanged. Mild oedéma ___.",
)
PROGRAM = """
import hashlib
from baselines.encoders.wordpiece import train_wordpiece
print(hashlib.sha256(train_wordpiece({reports!r}, 120).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def tokenizer():
    return ReportTokenizer(train_wordpiece(REPORTS, 200), length=12, capacity=200)


def test_special_tokens_come_first_and_there_is_no_sep(tokenizer):
    vocabulary = json.loads(tokenizer.json)["model"]["vocab"]
    assert [vocabulary[token] for token in SPECIAL_TOKENS] == [0, 1, 2, 3]
    assert "[SEP]" not in vocabulary
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))


def test_cls_stands_in_front_and_padding_reaches_the_longest_only(tokenizer):
    ids, mask = tokenizer(["effusion", "no effusion", ""])
    assert ids[:, 0].tolist() == [2, 2, 2]
    lengths = mask.sum(dim=1).tolist()
    assert lengths[2] == 1
    assert ids.shape[1] == max(lengths) < 12
    assert (ids[mask == 0] == 0).all()
    assert (ids[mask == 1] != 0).all()


def test_long_texts_are_cut(tokenizer):
    ids, mask = tokenizer(["effusion " * 50])
    assert ids.shape == (1, 12)
    assert mask.sum() == 12


def test_case_and_accents_do_not_matter_and_numbers_stay_whole(tokenizer):
    assert tokenizer(["Oedéma"])[0].tolist() == tokenizer(["OEDEMA"])[0].tolist()
    assert tokenizer(["12"])[0].shape == (1, 2)


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_training_gives_the_same_bytes_in_every_process(checkout, hash_seed):
    import hashlib

    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(reports=REPORTS)],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    here = hashlib.sha256(train_wordpiece(REPORTS, 120).encode()).hexdigest()
    assert run.stdout.strip() == here


def test_vocabulary_is_bounded_and_a_larger_one_is_refused():
    stored = train_wordpiece(REPORTS, 60)
    assert len(json.loads(stored)["model"]["vocab"]) <= 60
    with pytest.raises(UsageError, match="only 10 word vectors"):
        ReportTokenizer(stored, length=8, capacity=10)


def test_unusable_tokenizers_are_named():
    with pytest.raises(BadDataError, match="no words"):
        train_wordpiece(["", "  "], 50)
    with pytest.raises(BadDataError, match="cannot be read"):
        ReportTokenizer("{}", length=8, capacity=10)
    foreign = json.loads(train_wordpiece(REPORTS, 60))
    foreign["model"]["vocab"]["[CLS]"], foreign["model"]["vocab"]["[PAD]"] = 0, 2
    foreign["added_tokens"] = []
    with pytest.raises(BadDataError, match="the ids"):
        ReportTokenizer(json.dumps(foreign), length=8, capacity=100)


def test_official_file(real_data):
    path = real_data / "splits_maco" / "mimic_wordpiece.json.gz"
    stored = gzip.decompress(path.read_bytes()).decode()
    tokenizer = ReportTokenizer(stored, length=100, capacity=30000)
    assert tokenizer.entries == 30000
    ids, _ = tokenizer([". , ___"])
    assert ids.tolist() == [[2, 16, 14, 150]]
    ours = json.loads(train_wordpiece(REPORTS, 60))
    official = json.loads(stored)
    for part in ("normalizer", "pre_tokenizer", "post_processor"):
        assert ours[part] == official[part]
    assert [token["content"] for token in ours["added_tokens"]] == list(SPECIAL_TOKENS)
