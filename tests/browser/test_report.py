"""The report in a real browser: sorting, filters, cells, comparison, keyboard, colours, widths."""

import json
import re

import pytest

from tests.unit.reporting.report.handmade import CASES, DATA_ID

WIDE = "#table-wide-s1"
ROWS = f"{WIDE} tbody tr:not([hidden])"
VIEWS = ("overview", "table-wide", "table-small", "compare", "figures", "records-list")


def names(page):
    return [text.split("\n")[0].strip() for text in page.locator(f"{ROWS} > th").all_inner_texts()]


def numbers(page, column):
    cells = page.locator(f"{ROWS} > :nth-child({column + 1})").all()
    return [cell.get_attribute("data-v") for cell in cells]


def shown_view(page):
    return page.evaluate(
        "[...document.querySelectorAll('.view')].filter(v => !v.hidden).map(v => v.id)"
    )


def cells_of(page):
    """Ids of the records' pages, opened or not."""
    names = "[...document.querySelectorAll('noscript')].map(holder => holder.dataset.anchor)"
    return page.evaluate(names)


def wait_for(page, place):
    page.wait_for_function("id => document.getElementById(id)?.hidden === false", arg=place)


def test_every_part_opens_from_disk_without_a_request_or_an_error(opened):
    page = opened().page
    for place in (*VIEWS, *cells_of(page)):
        page.evaluate("place => { location.hash = place; }", place)
        wait_for(page, place)
        assert shown_view(page) == [place]
    assert page.evaluate("window.hacked") is None


def test_texts_of_records_run_nothing_and_are_shown(opened):
    page = opened("table-wide").page
    assert page.get_by_text("<img src=x onerror=alert(1)>", exact=False).first.is_visible()
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img[src=x]").count() == 0


def test_the_policy_stops_what_would_get_in(browser, report_file):
    context = browser.new_context()
    page = context.new_page()
    stopped = []
    page.on("console", lambda message: stopped.append(message.text))
    page.goto(report_file.as_uri())
    page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'window.hacked = 1';
        document.body.append(script);
        const image = document.createElement('img');
        image.src = 'https://example.org/x.png';
        document.body.append(image);
    }""")
    page.wait_for_function("true")
    assert page.evaluate("window.hacked") is None
    assert sum("Content Security Policy" in text for text in stopped) == 2
    context.close()


def test_a_click_on_a_head_sorts_by_number_then_back(opened):
    page = opened("table-wide").page
    first = names(page)
    head = page.locator(f"{WIDE} th[data-column='2']")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    values = numbers(page, 2)
    known = [float(one) for one in values if one is not None]
    assert known == sorted(known, reverse=True) and values[-1] is None
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    values = numbers(page, 2)
    assert [float(one) for one in values[:-1]] == sorted(known) and values[-1] is None
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "none"
    assert names(page) == first


def test_text_columns_sort_by_text_and_one_column_at_a_time(opened):
    page = opened("table-wide").page
    page.locator(f"{WIDE} th[data-column='2'] button").click()
    page.locator(f"{WIDE} th[data-column='0'] button").click()
    assert page.locator(f"{WIDE} th[aria-sort='ascending']").count() == 1
    assert page.locator(f"{WIDE} th[aria-sort='descending']").count() == 0
    found = names(page)
    letters = [name.lower() for name in found if name[0].isalpha()]
    assert letters == sorted(letters)


def test_published_numbers_sort_by_value_and_not_by_text(opened):
    page = opened("table-small").page
    page.locator("#table-small-s1 th[data-column='4'] button").click()
    cells = page.locator("#table-small-s1 tbody td:nth-child(5)").all_inner_texts()
    assert [text.split()[0] if text else "" for text in cells][:2] == ["+0.2", "−10.4"]


def test_rows_are_filtered_by_text_and_by_role(opened):
    page = opened("table-wide").page
    everything = len(names(page))
    search = page.locator(f"{WIDE} input[type=search]")
    search.fill("mac")
    assert names(page) == ["MACO"]
    assert page.locator(f"{WIDE} [role=status]").inner_text() == f"1 of {everything} rows"
    search.fill("")
    page.get_by_label("sentinel").uncheck()
    assert not {"CHANCE sentinel", "ORACLE sentinel"} & set(names(page))
    assert len(names(page)) == everything - 2
    page.locator(f"{WIDE} th[data-column='2'] button").click()
    assert len(names(page)) == everything - 2


def test_a_value_opens_its_cell_and_back_returns_to_the_same_place(opened):
    page = opened("table-wide", width=600).page
    link = page.locator(f"{ROWS} td a[href^='#cell-']").last
    link.scroll_into_view_if_needed()
    page.wait_for_timeout(100)
    before = page.evaluate("scrollY")
    target = link.get_attribute("href")[1:]
    link.click()
    wait_for(page, target)
    assert shown_view(page) == [target]
    heading = page.locator(f"#{target} h2")
    assert heading.evaluate("element => element === document.activeElement")
    assert page.title().startswith(heading.inner_text().split()[0])
    assert page.locator(f"#{target} summary", has_text="Provenance").is_visible()
    page.go_back()
    wait_for(page, "table-wide")
    page.wait_for_timeout(100)
    assert abs(page.evaluate("scrollY") - before) < 3


def test_a_value_of_two_seeds_names_both_records(opened):
    page = opened("table-wide").page
    row = page.locator(ROWS, has_text="MACO")
    links = row.locator("td").nth(1).locator("a[href^='#cell-']")
    assert links.all_inner_texts() == ["p0", "p1"]


def test_a_cell_page_shows_protocol_metrics_and_worst_cases(opened):
    page = opened("table-wide").page
    page.goto(page.url.partition("#")[0] + "#" + cells_of(page)[1])
    view = page.locator(".view:not([hidden])")
    assert view.get_by_role("heading", name="Metrics").is_visible()
    assert view.get_by_role("heading", name="auc by class").is_visible()
    assert view.get_by_role("heading", name="Worst cases").is_visible()
    assert view.get_by_text("maco_lists").is_visible()
    assert not view.get_by_text("0123456789abcdef").is_visible()
    view.locator("summary", has_text="Provenance").click()
    assert view.get_by_text("0123456789abcdef").is_visible()
    view.get_by_role("link", name=re.compile("^[0-9a-f]{8}$")).click()
    assert page.locator(".view:not([hidden]) h2").inner_text() == "maco on pretraining@maco"


def test_shared_links_open_their_place(opened):
    one = opened("table-small-s1-n1")
    assert shown_view(one.page) == ["table-small"]
    assert one.page.locator("#table-small-s1-n1").is_visible()
    assert shown_view(one.go("no-such-place")) == ["overview"]
    assert shown_view(one.go("%E0%A4%A")) == ["overview"]


def test_a_link_to_a_place_inside_a_cell_opens_it(opened):
    page = opened().page
    place = cells_of(page)[1]
    page = opened(f"{place}-metrics-n1").page
    assert shown_view(page) == [place]
    assert page.locator(f"#{place}-metrics-n1").inner_text() == "No positive case."


def test_the_browser_s_own_search_reveals_a_part(opened):
    page = opened().page
    assert page.locator("#table-wide").get_attribute("hidden") == "until-found"
    event = "new Event('beforematch', {bubbles: true})"
    page.evaluate(f"document.getElementById('table-wide').dispatchEvent({event})")
    assert shown_view(page) == ["table-wide"]


def test_a_note_is_read_beside_its_mark_and_below_the_table(opened):
    page = opened("table-small").page
    mark = page.locator("#table-small-s1 a.note").first
    assert page.locator("#table-small-s1-n1").inner_text() == "Part of the data set is absent."
    assert mark.get_attribute("aria-describedby") == "table-small-s1-n1"
    mark.click()
    bubble = page.locator("#bubble")
    assert bubble.is_visible() and bubble.inner_text() == "Part of the data set is absent."
    page.keyboard.press("Escape")
    assert not bubble.is_visible()


def choose(page, name, label):
    page.locator(f"select[name={name}]").select_option(label=label)


def pair(page, first, second):
    """What was computed for two methods when the page was made; first minus second."""
    block = json.loads(page.locator("#comparison-data").inner_text())["blocks"][0]
    titles = [method["title"] for method in block["methods"]]
    for one in block["pairs"]:
        if {titles[one["first"]], titles[one["second"]]} == {first, second}:
            return one, 1 if titles[one["first"]] == first else -1
    raise AssertionError((first, second))


def test_two_methods_are_compared_and_swapped(opened):
    page = opened("compare").page
    choose(page, "first", "MACO")
    choose(page, "second", "MRM")
    found, sign = pair(page, "MACO", "MRM")
    told = page.locator(".outcome").inner_text()
    assert f"MACO minus MRM: {100 * sign * found['difference']:+.2f} points" in told
    assert "higher: MACO has the higher value." in told
    carried = f"{CASES} samples, {found['patients']} patients carry the score, mean over 2 classes"
    assert carried in told
    assert f"{100 * found['detectable']:.2f} points" in told
    assert page.locator(".outcome svg[role=img]").is_visible()
    page.get_by_role("button", name="Swap the two").click()
    told = page.locator(".outcome").inner_text().replace("\u2212", "-")
    assert f"MRM minus MACO: {-100 * sign * found['difference']:+.2f} points" in told
    assert "lower: MRM has the lower value." in told


def test_the_size_that_settles_a_difference_is_told_where_there_is_one(opened):
    page = opened("compare").page
    choose(page, "first", "REFERS")
    choose(page, "second", "MRM")
    found, _ = pair(page, "REFERS", "MRM")
    assert f"{found['samples_to_settle']:,} samples" in page.locator(".outcome").inner_text()


def test_the_comparison_follows_labels_and_says_what_it_does_not_compare(opened):
    page = opened("compare").page
    options = page.locator("select[name=labels] option").all_inner_texts()
    assert options == ["1 %", "10 %", "100 %", "all"]
    assert page.locator("select[name=task]").input_value() == f"rsna_zero_shot@maco · {DATA_ID}"
    choose(page, "labels", "10 %")
    visible = page.locator("#compare .pairs:visible h3")
    assert visible.count() == 1 and "10\u00a0% of the labels" in visible.inner_text()
    choose(page, "first", "CHANCE (sentinel)")
    choose(page, "second", "ORACLE (sentinel)")
    assert "neither is a method under test" in page.locator(".outcome").inner_text()
    choose(page, "second", "CHANCE (sentinel)")
    assert "Choose two different methods." in page.locator(".outcome").inner_text()


TELL = """change => {
    const holder = document.getElementById('comparison-data');
    const data = JSON.parse(holder.textContent);
    for (const pair of data.blocks[0].pairs) {
        if (pair.first !== 0 || pair.second !== 1) continue;
        Object.assign(pair, change);
        if (pair.difference === null) delete pair.difference;
    }
    holder.textContent = JSON.stringify(data);
    location.hash = 'compare';
}"""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"verdict": "unresolved", "detectable": 0}, "unresolved. No interval."),
        ({"difference": None}, "undefined\nNo interval."),
    ],
)
def test_the_reason_of_a_comparison_is_a_sentence(opened, change, told):
    page = opened().page
    page.evaluate(TELL, {**change, "why": "No interval."})
    wait_for(page, "compare")
    words = re.sub(r"\n+", "\n", page.locator(".outcome").inner_text())
    assert told in words and ".." not in words
    assert words.count("No interval.") == 1


def test_the_notes_of_a_comparison_are_sentences(opened):
    page = opened().page
    change = {"verdict": "higher", "difference": 0.1, "one_checkpoint": True, "why": "No interval."}
    page.evaluate(TELL, change)
    wait_for(page, "compare")
    note = page.locator(".outcome dl div", has_text="note").locator("dd").inner_text()
    assert note.startswith("A side rests on one pre-training seed")
    assert note.endswith("not of the method. No interval.")


def press_until(page, key, wanted, limit=60):
    """Press a key until the focused element fits a CSS selector."""
    for _ in range(limit):
        page.keyboard.press(key)
        if page.evaluate("css => document.activeElement.matches(css)", wanted):
            return
    raise AssertionError(f"{key} never reached {wanted}")


def test_the_whole_way_by_keyboard(opened):
    page = opened().page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    press_until(page, "Tab", "nav a[href='#table-wide']")
    page.keyboard.press("Enter")
    wait_for(page, "table-wide")
    press_until(page, "Tab", f"{WIDE} th[data-column='2'] button")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    values = [float(one) for one in numbers(page, 2) if one is not None]
    assert values == sorted(values, reverse=True)
    press_until(page, "Tab", f"{WIDE} tbody a[href^='#cell-']")
    target = page.evaluate("document.activeElement.hash").removeprefix("#")
    page.keyboard.press("Enter")
    wait_for(page, target)
    assert page.evaluate("document.activeElement.closest('.view').id") == target
    press_until(page, "Tab", ".fold > summary")
    fold = page.evaluate_handle("document.activeElement.parentElement")
    state = fold.evaluate("fold => fold.open")
    page.keyboard.press("Space")
    assert fold.evaluate("fold => fold.open") is not state


def test_the_skip_link_leads_to_the_content(opened):
    page = opened("table-small").page
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    press_until(page, "Shift+Tab", ".skip")
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash === '#main'")
    assert page.evaluate("document.activeElement.id") == "main"
    assert shown_view(page) == ["table-small"]


CONTRAST = """() => {
    const parse = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
        const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        const [R, G, B] = [r, g, b].map((v) => linear(v / 255));
        return 0.2126 * R + 0.7152 * G + 0.0722 * B;
    };
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            if (colour.length === 3 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    const low = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility() || element.closest("svg")) continue;
        const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) low.push([element.tagName, element.className, ratio.toFixed(2)]);
    }
    return low;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_told_from_its_ground(opened, scheme):
    one = opened(color_scheme=scheme)
    for place in (*VIEWS, cells_of(one.page)[1]):
        page = one.go(place)
        wait_for(page, place)
        assert page.evaluate(CONTRAST) == [], place


def ground(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_system_s_theme_is_followed_and_can_be_overruled(opened):
    dark = ground(opened(color_scheme="dark").page)
    page = opened(color_scheme="light").page
    light = ground(page)
    assert light != dark
    button = page.get_by_role("button", name="Theme")
    assert button.inner_text() == "Theme: auto"
    button.click()
    button.click()
    assert button.inner_text() == "Theme: dark" and ground(page) == dark
    page.reload()
    assert ground(page) == dark
    page.get_by_role("button", name="Theme").click()
    assert ground(page) == light


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_no_part_is_wider_than_the_window(opened, width):
    one = opened(width=width)
    for place in (*VIEWS, *cells_of(one.page)[:3]):
        page = one.go(place)
        wait_for(page, place)
        page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place


def test_a_first_column_stays_inside_its_cells_on_a_phone(opened):
    wider = """() => [...document.querySelectorAll('.view:not([hidden]) tbody th')]
        .filter((cell) => cell.checkVisibility() && cell.scrollWidth > cell.clientWidth + 1)
        .map((cell) => cell.textContent)"""
    one = opened(width=360)
    for place in (*VIEWS, cells_of(one.page)[1]):
        page = one.go(place)
        wait_for(page, place)
        assert page.evaluate(wider) == [], place


def test_a_table_scrolls_in_its_box_and_keeps_its_first_column(opened):
    page = opened("table-wide", width=360).page
    box = page.locator(f"{WIDE} .scroll")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    first = page.locator(f"{WIDE} tbody th").first
    before = first.bounding_box()["x"]
    box.evaluate("box => { box.scrollLeft = 200; }")
    assert box.evaluate("box => box.scrollLeft") == 200
    assert abs(first.bounding_box()["x"] - before) < 1


def test_what_has_the_focus_is_not_below_the_first_column(opened):
    page = opened("table-wide", width=360).page
    row = page.locator(ROWS).first
    page.wait_for_timeout(100)
    for column in range(2):
        link = row.locator("td a[href^='#cell-']").nth(column)
        link.evaluate(
            """link => {
                const box = link.closest('.scroll');
                const left = (element) => element.getBoundingClientRect().left;
                box.scrollLeft += left(link) - left(box) - 4;
                link.focus();
            }"""
        )
        page.wait_for_timeout(100)
        right = row.locator("th").evaluate("cell => cell.getBoundingClientRect().right")
        assert link.evaluate("link => link.getBoundingClientRect().left") >= right - 1, column


def test_without_scripts_the_page_is_one_readable_document(opened):
    page = opened(java_script_enabled=False).page
    for place in VIEWS:
        assert page.locator(f"#{place}").is_visible()
    assert page.locator(f"{WIDE} tbody tr").first.is_visible()
    assert page.locator("#pairs-0 tbody tr").first.is_visible()
    assert page.locator(".record h2").count() == len(page.locator(".record:visible").all()) > 5
    assert page.locator("#table-small-s1-n1").is_visible()
    assert page.locator("button, input, select").count() == 0


def test_on_paper_stands_the_part_without_its_controls(opened):
    page = opened("table-wide").page
    page.emulate_media(media="print")
    assert page.locator(WIDE).is_visible()
    for gone in (".contents", ".masthead nav", f"{WIDE} .controls", ".skip"):
        assert not page.locator(gone).first.is_visible()
    assert (
        page.locator(f"{WIDE} .scroll").evaluate("box => getComputedStyle(box).overflowX")
        == "visible"
    )


def test_figures_have_words_and_load(opened):
    page = opened("figures").page
    image = page.locator("#figure-one img")
    image.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('#figure-one img').complete")
    assert image.evaluate("image => image.naturalWidth") == 900
    assert image.get_attribute("alt") == "A figure"
    assert "A figure." in page.locator("#figure-one figcaption").inner_text()
