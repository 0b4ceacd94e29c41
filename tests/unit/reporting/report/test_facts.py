from benchmark.reporting.report.facts import facts, value_text


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
