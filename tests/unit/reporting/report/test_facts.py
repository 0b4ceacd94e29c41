from benchmark.reporting.report.facts import decimal_text, facts, value_text


def test_scalars_as_a_reader_writes_them():
    shown = [value_text(item) for item in (True, False, None, "", 3, 3.0, 0.00012345678, "a")]
    assert shown == ["yes", "no", "–", "–", "3", "3", "0.000123457", "a"]
    assert value_text([1, 2.5, None]) == "1, 2.5, –"
    assert value_text([]) == "–"


def test_mappings_nest_in_their_order():
    (outer,) = facts({"bootstrap": {"patients": 7, "undefined": {"auc": 3}}}, "c")
    assert [child.name for child in outer.children] == ["patients", "undefined"]
    assert outer.children[1].children[0].text == "3"
    assert facts({"empty": {}}, "c")[0].text == "–"


def test_a_list_of_mappings_is_a_table():
    sweep = [{"rate": 0.1, "kept": True}, {"rate": 0.2, "kept": False, "why": "worse"}]
    (fact,) = facts({"sweep": sweep}, "c")
    assert fact.grid is not None
    assert [(item.title, item.kind) for item in fact.grid.columns] == [
        ("rate", "number"), ("kept", "text"), ("why", "text"),
    ]  # fmt: skip
    assert [[cell.text for cell in row.cells] for row in fact.grid.rows] == [
        ["0.1", "yes", ""], ["0.2", "no", "worse"],
    ]  # fmt: skip


def test_decimals_have_a_typographic_minus_and_no_signed_zero():
    shown = [decimal_text(item) for item in (0.12345, -0.5, -0.00001, 1234.56, -1000.0)]
    assert shown == ["0.1235", "−0.5000", "0.0000", "1,234.6", "−1,000.0"]
    assert value_text(-1e-7) == "−1e−07"
