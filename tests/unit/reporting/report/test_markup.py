import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.reporting.report.markup import (
    clean,
    inline,
    literal,
    plain,
    script_json,
    shown,
    slug,
    source_hash,
)

HOSTILE = "<script>alert(1)</script>"


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags = "", []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not attrs

    def handle_data(self, data):
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def test_inline_makes_code_strong_and_emphasis():
    html = str(inline("**Broken: `oracle` fails.** See *Table 1* and `a_b`."))
    assert html == (
        "<strong>Broken: <code>oracle</code> fails.</strong> See <em>Table 1</em> and "
        "<code>a_<wbr>b</code>."
    )


def test_a_percent_sign_stays_with_its_number_outside_code():
    assert inline("1 % of `1 %`") == "1\u00a0% of <code>1 %</code>"


def test_lone_marks_stand_for_themselves():
    assert inline("2 * 3 * 4, a*b, `open") == "2 * 3 * 4, a*b, `open"


@pytest.mark.parametrize("form", ["{}", "`{}`", "**{}**", "*{}*", "**a `{}`**"])
def test_hostile_texts_are_text_in_every_form(form):
    reader = read(str(inline(form.format(HOSTILE))))
    assert set(reader.tags) <= {"code", "strong", "em", "wbr"}
    assert HOSTILE in reader.text


@given(st.text())
def test_inline_adds_no_element_but_its_own_and_loses_no_character(text):
    reader = read(str(inline(text)))
    assert set(reader.tags) <= {"code", "strong", "em", "wbr"}
    assert unmarked(reader.text) == unmarked(clean(text))


def unmarked(text: str) -> str:
    """The text without the marks of Markdown, and with one kind of space and of line end."""
    return re.sub(r"[`*]", "", shown(text)).replace("\u00a0", " ").replace("\r", "\n")


@given(st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.lists(inner)))
def test_script_json_reads_back_and_holds_no_character_of_markup(value):
    text = str(script_json(value))
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == json.loads(clean(json.dumps(value, ensure_ascii=False)))


def test_script_json_cannot_end_its_element():
    text = str(script_json({"a": "</script><!--<script>", "b": "\u2028\u2029&"}))
    assert text == (
        '{"a":"\\u003c/script\\u003e\\u003c!--\\u003cscript\\u003e","b":"\\u2028\\u2029\\u0026"}'
    )


def test_script_json_refuses_nan():
    with pytest.raises(ValueError, match="JSON"):
        script_json(float("nan"))


def test_characters_that_html_cannot_hold_are_replaced():
    assert clean("a\x00b\x1bc\ud800d\n") == "a\ufffdb\ufffdc\ufffdd\n"
    assert inline("a\ud800").encode("utf-8")


def test_slug_keeps_harmless_characters_alone():
    assert slug('maco "><script>_1.2') == "maco-script-_1.2"
    assert slug("«»") == "unnamed"


def test_source_hash_is_that_of_the_standard():
    # echo -n "alert('Hello, world.');" | openssl dgst -sha256 -binary | base64
    assert source_hash("alert('Hello, world.');") == (
        "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
    )


def test_plain_drops_the_marks():
    assert plain("**MaCo** on `rsna` is *unresolved*") == "MaCo on rsna is unresolved"


NAMES = ["**x** and *y*", "`code`", "a`b", "*", "snake_case_*"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["{}", "`{}`", "**{}**", "*of {} here*", "`a` {} `b` *c*"])
def test_a_literal_name_is_shown_as_it_is_and_leaves_its_sentence_alone(name, form):
    text = form.format(literal(name))
    plainly = form.format("name")
    assert read(str(inline(text))).text == read(str(inline(plainly))).text.replace("name", name)
    assert plain(text) == plain(plainly).replace("name", name)
    tags = [tag for tag in read(str(inline(text))).tags if tag != "wbr"]
    assert tags == read(str(inline(plainly))).tags
