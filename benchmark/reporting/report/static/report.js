"use strict";
// The page reads without this script; it adds views, sorting, filters, notes, comparison, theme.
(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const views = [...document.querySelectorAll(".view")];
  const stored = new Map([...document.querySelectorAll("noscript[data-anchor]")].map((holder) => [holder.dataset.anchor, holder]));

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  // Views: one at a time, chosen by the hash. `until-found` lets the browser's search look into all.
  let current = null;
  let routed = null;
  let settling = 0;

  // Each entry of the history keeps its view and how far it was scrolled, so that Back and Forward
  // return there, also inside one view. A new entry has kept nothing yet.
  function keep() {
    clearTimeout(settling);
    if (!current) return;
    try {
      history.replaceState({ view: current.id, top: window.scrollY }, "");
    } catch {
      // More often than the browser allows; the next time is soon enough.
    }
  }

  function targetOf(hash) {
    let id = "";
    try {
      id = decodeURIComponent(hash.slice(1));
    } catch {
      return null;
    }
    return byId(id) ?? unpacked(id);
  }

  // A record's page is the text of a noscript element until it is first asked for.
  function unpacked(id) {
    const name = [...stored.keys()].find((anchor) => id === anchor || id.startsWith(`${anchor}-`));
    if (name === undefined) return null;
    const holder = stored.get(name);
    stored.delete(name);
    holder.insertAdjacentHTML("afterend", holder.textContent);
    views.push(byId(name));
    return byId(id);
  }

  function show(view) {
    current = view;
    for (const other of views) {
      if (other !== view) other.setAttribute("hidden", "until-found");
    }
    view.removeAttribute("hidden");
    for (const grid of view.querySelectorAll(".grid")) enhance(grid);
    if (view.id === "compare") openChooser();
    for (const link of document.querySelectorAll("nav a")) {
      if (link.hash === `#${view.id}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const heading = view.querySelector("h2");
    const title = document.querySelector("h1").textContent;
    document.title = view.id === "overview" ? title : `${heading.textContent.replace(/\s+/g, " ").trim()} · ${title}`;
    return heading;
  }

  function route(first) {
    const kept = history.state;
    const found = targetOf(location.hash);
    const inside = found?.closest(".view");
    // A place outside the parts, such as that of the skip link: the part stays.
    if (found && !inside && current && !kept) return keep();
    const view = (kept?.view && targetOf(`#${kept.view}`)) || inside || views[0];
    const changed = view !== current || view !== routed;
    const heading = changed ? show(view) : null;
    routed = view;
    for (let fold = inside && found.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    if (kept) {
      window.scrollTo(0, kept.top);
    } else if (inside && found !== view) {
      found.scrollIntoView({ block: "nearest" });
    } else if (changed) {
      window.scrollTo(0, 0);
    }
    if (heading && !first) heading.focus({ preventScroll: true });
    keep();
  }

  history.scrollRestoration = "manual";
  document.addEventListener("scroll", () => {
    clearTimeout(settling);
    settling = setTimeout(keep, 100);
  }, { passive: true });
  document.addEventListener("click", (event) => { if (event.target.closest("a[href^='#']")) keep(); }, true);
  window.addEventListener("popstate", () => clearTimeout(settling));
  window.addEventListener("hashchange", () => route(false));
  document.addEventListener("beforematch", (event) => show(event.target.closest(".view")));

  // Tables: heads that sort, a filter by text and by role.
  const words = new Intl.Collator("en", { numeric: true });
  const enhanced = new WeakSet();

  // The first column stays in place: what has the focus is scrolled to beside it, not below it.
  const firstColumns = new ResizeObserver((entries) => {
    for (const { target } of entries) target.closest(".scroll").style.setProperty("--first-column", `${target.offsetWidth}px`);
  });

  function enhance(grid) {
    if (enhanced.has(grid)) return;
    enhanced.add(grid);
    const table = grid.querySelector("table");
    firstColumns.observe(table.querySelector("[data-column='0']"));
    const body = table.tBodies[0];
    const rows = [...body.rows];
    if (rows.length < 2) return;
    const status = element("span", { className: "status" });
    status.setAttribute("role", "status");
    makeSortable(table, body, rows, status);
    makeFilter(grid, rows, status);
  }

  function makeSortable(table, body, rows, status) {
    const heads = [...table.querySelectorAll("th[data-sort]")];
    for (const head of heads) {
      const button = element("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const first = "descending" in head.dataset ? "descending" : "ascending";
        const second = first === "ascending" ? "descending" : "ascending";
        const now = head.getAttribute("aria-sort");
        const next = now === "none" ? first : now === first ? second : "none";
        for (const other of heads) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", next);
        table.classList.toggle("sorted", next !== "none");
        body.append(...sorted(rows, head, next));
        status.textContent = next === "none" ? "in the first order" : `sorted by ${button.textContent}, ${next}`;
      });
    }
  }

  function sorted(rows, head, direction) {
    if (direction === "none") return rows;
    const column = Number(head.dataset.column);
    const sign = direction === "ascending" ? 1 : -1;
    const keyed = rows.map((row) => {
      const cell = row.cells[column];
      const numeric = head.dataset.sort === "number";
      const key = numeric ? cell.dataset.v : cell.textContent.trim();
      return { row, key: key === undefined || key === "" ? null : numeric ? Number(key) : key };
    });
    // An empty place has no rank: it stands last in both directions.
    keyed.sort((one, two) => {
      if (one.key === null || two.key === null) return (one.key === null) - (two.key === null);
      return sign * (typeof one.key === "number" ? one.key - two.key : words.compare(one.key, two.key));
    });
    return keyed.map((item) => item.row);
  }

  function makeFilter(grid, rows, status) {
    const roles = [...new Set(rows.map((row) => row.dataset.role).filter(Boolean))];
    const bar = element("div", { className: "controls" });
    if (rows.length > 7 || roles.length > 1) {
      const search = element("input", { type: "search", autocomplete: "off", spellcheck: false });
      bar.append(element("label", {}, "Filter ", search));
      const boxes = roles.length > 1 ? roles.map((role) => element("input", { type: "checkbox", checked: true, value: role })) : [];
      if (boxes.length) {
        bar.append(element("fieldset", {}, element("legend", {}, "Roles"), ...boxes.map((box) => element("label", {}, box, box.value))));
      }
      const apply = () => {
        const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        const shown = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
        let count = 0;
        for (const row of rows) {
          const text = row.textContent.toLowerCase().replace(/\s+/g, " ");
          const fits = wanted.every((word) => text.includes(word));
          const named = !boxes.length || !row.dataset.role || shown.has(row.dataset.role);
          row.hidden = !(fits && named);
          count += !row.hidden;
        }
        status.textContent = `${count} of ${rows.length} rows`;
      };
      search.addEventListener("input", apply);
      for (const box of boxes) box.addEventListener("change", apply);
    }
    bar.append(status);
    grid.prepend(bar);
  }

  // Notes: the footnote's text beside its mark. Without the popover API the link leads to it.
  const bubble = element("div", { id: "bubble" });
  if ("popover" in bubble) {
    bubble.setAttribute("popover", "auto");
    bubble.setAttribute("role", "note");
    document.body.append(bubble);
    document.addEventListener("click", (event) => {
      const mark = event.target.closest("a.note");
      const note = mark && !event.ctrlKey && !event.metaKey && !event.shiftKey ? targetOf(mark.hash) : null;
      if (!note) return;
      event.preventDefault();
      bubble.replaceChildren(...[...note.childNodes].map((node) => node.cloneNode(true)));
      bubble.showPopover();
      const place = mark.getBoundingClientRect();
      const left = Math.min(place.left, window.innerWidth - bubble.offsetWidth - 8);
      const below = place.bottom + 4 + bubble.offsetHeight < window.innerHeight;
      bubble.style.left = `${Math.max(8, left)}px`;
      bubble.style.top = `${below ? place.bottom + 4 : Math.max(8, place.top - bubble.offsetHeight - 4)}px`;
    });
    document.addEventListener("scroll", () => bubble.hidePopover(), { passive: true, capture: true });
  }

  // Comparison of two methods; all numbers were computed when the page was made.
  let openChooser = () => {
    openChooser = () => {};
    const place = byId("chooser");
    const data = JSON.parse(byId("comparison-data").textContent);
    if (place && data.blocks) makeChooser(place, data.blocks);
  };

  function makeChooser(place, blocks) {
    const grids = [...document.querySelectorAll("#compare .pairs")];
    const fields = {};
    for (const [name, label] of [["task", "Task and data"], ["labels", "Labels"], ["metric", "Metric"], ["first", "First method"], ["second", "Second method"]]) {
      fields[name] = element("select", { name });
      fields[name].label = label;
    }
    const swap = element("button", { type: "button", className: "tool" }, "Swap the two");
    const outcome = element("div", { className: "outcome" });
    outcome.setAttribute("aria-live", "polite");
    const form = element("div", { className: "choice" }, ...Object.values(fields).map((field) => element("label", {}, field.label, field)));
    place.append(form, element("p", {}, swap), outcome);

    const taskOf = (block) => `${block.task}@${block.variant} · ${block.data}`;
    const labelsOf = (block) => (["", "all"].includes(block.labels) ? "all" : `${block.labels} %`);
    const unique = (items) => [...new Set(items)];
    function fill(select, names, wanted, values = names) {
      select.replaceChildren(...names.map((name, index) => element("option", { value: values[index] }, name)));
      if (values.map(String).includes(String(wanted))) select.value = wanted;
    }
    function narrowed() {
      let left = blocks.filter((block) => taskOf(block) === fields.task.value);
      fill(fields.labels, unique(left.map(labelsOf)), fields.labels.value);
      left = left.filter((block) => labelsOf(block) === fields.labels.value);
      fill(fields.metric, left.map((block) => block.metric), fields.metric.value);
      return left.find((block) => block.metric === fields.metric.value);
    }
    function update(event) {
      const block = narrowed();
      const titles = block.methods.map((method) => (method.role === "method" ? method.title : `${method.title} (${method.role})`));
      const chosen = ["first", "second"].map((name) => fields[name].selectedOptions[0]?.textContent);
      const places = titles.map((_, index) => index);
      fill(fields.first, titles, Math.max(0, titles.indexOf(chosen[0])), places);
      fill(fields.second, titles, Math.max(0, titles.indexOf(chosen[1])), places);
      if (fields.first.value === fields.second.value && event?.target !== fields.first && event?.target !== fields.second) {
        fields.second.value = fields.first.value === "0" ? 1 : 0;
      }
      const number = blocks.indexOf(block);
      grids.forEach((grid, index) => { grid.hidden = index !== number; });
      outcome.replaceChildren(...describe(block, Number(fields.first.value), Number(fields.second.value)));
    }
    fill(fields.task, unique(blocks.map(taskOf)));
    form.addEventListener("change", update);
    swap.addEventListener("click", () => {
      [fields.first.value, fields.second.value] = [fields.second.value, fields.first.value];
      update({ target: fields.first });
    });
    update();
  }

  function shown(value, form, sign = false) {
    const [factor, digits] = { percent_1: [100, 2], decimal_1: [1, 2] }[form] ?? [1, 4];
    const text = (factor * value).toFixed(digits).replace(/^-(?=[0.]*$)/, "");
    return (sign && value > 0 && !text.startsWith("-") ? `+${text}` : text).replace("-", "\u2212");
  }

  function describe(block, first, second) {
    const names = [first, second].map((index) => block.methods[index].title);
    const heading = element("p", { className: "sum" });
    if (first === second) return [element("p", {}, "Choose two different methods.")];
    const direct = block.pairs.find((pair) => pair.first === first && pair.second === second);
    const pair = direct ?? block.pairs.find((one) => one.first === second && one.second === first);
    if (!pair) return [element("p", {}, "These two are not compared: neither is a method under test.")];
    const sign = direct ? 1 : -1;
    heading.append(`${names[0]} minus ${names[1]}: `);
    if (pair.difference === undefined) {
      heading.append("undefined");
      return [heading, element("p", { className: "remark" }, pair.why)];
    }
    const difference = sign * pair.difference;
    const interval = pair.interval ? (sign > 0 ? pair.interval : [-pair.interval[1], -pair.interval[0]]) : null;
    const verdict = pair.verdict === "unresolved" ? "unresolved" : difference > 0 ? "higher" : "lower";
    const text = (value, signed) => shown(value, block.form, signed);
    const unit = block.form === "percent_1" ? " points" : "";
    heading.append(element("b", {}, text(difference, true) + unit));
    if (interval) heading.append(` [${text(interval[0], true)}, ${text(interval[1], true)}]`);
    const word = element("p", { className: `is-${verdict}` }, element("b", {}, verdict), {
      unresolved: Math.abs(difference) < (pair.detectable ?? 0) || !pair.why ? ": the difference is below the smallest that these patients can tell from zero." : `. ${pair.why}`,
      higher: `: ${names[0]} has the higher value.`,
      lower: `: ${names[0]} has the lower value.`,
    }[verdict]);
    const values = pair.values && (sign > 0 ? pair.values : [...pair.values].reverse());
    const count = (number) => number.toLocaleString("en");
    const facts = [
      ["values", values && `${names[0]} ${text(values[0])}, ${names[1]} ${text(values[1])}`],
      ["p, two-sided", pair.p !== undefined && (pair.p < 0.001 ? "< 0.001" : pair.p.toFixed(3)) + (pair.method ? ` (${pair.method})` : "")],
      ["smallest detectable", pair.detectable !== undefined && text(pair.detectable) + unit],
      ["test set", `${count(pair.samples)} samples, ${count(pair.patients)} patients carry the score${pair.classes > 1 ? `, mean over ${pair.classes} classes` : ""}`],
      ["would settle it", pair.samples_to_settle !== undefined && `${count(pair.samples_to_settle)} samples, ${count(pair.patients_to_settle)} patients that carry the score, if the difference is as large as here (80\u00a0% power)`],
      ["direction", block.higher ? "higher is better" : "lower is better"],
      ["note", [pair.one_checkpoint && "A side rests on one pre-training seed: the interval speaks of that checkpoint, not of the method.", !word.textContent.includes(pair.why) && pair.why].filter(Boolean).join(" ")],
    ];
    const list = element("dl", {}, ...facts.filter(([, value]) => value).map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
    const parts = [heading, word];
    if (interval) parts.push(bar(difference, interval, pair.detectable ?? 0, text, byId("chooser").clientWidth));
    return [...parts, list];
  }

  // The interval on a line, with zero and the band of what cannot be told from it.
  function bar(difference, [low, high], detectable, text, room) {
    const drawn = (name, attributes, content = "") => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      made.textContent = content;
      return made;
    };
    const wide = Math.max(220, Math.min(600, room - 40));
    const middle = wide / 2;
    const reach = Math.max(Math.abs(low), Math.abs(high), detectable, 1e-9);
    const x = (value) => Number((middle + ((middle - 26) * value) / reach).toFixed(1));
    const picture = drawn("svg", { viewBox: `0 0 ${wide} 74`, width: wide, height: 74, role: "img" });
    picture.setAttribute("aria-label", `Difference ${text(difference, true)}, interval ${text(low, true)} to ${text(high, true)}, smallest detectable ${text(detectable)}`);
    picture.append(
      drawn("rect", { class: "band", x: x(-detectable), y: 10, width: x(detectable) - x(-detectable), height: 34 }),
      drawn("line", { class: "zero", x1: middle, x2: middle, y1: 4, y2: 50 }),
      drawn("path", { class: "whisker", d: `M${x(low)} 20V34M${x(low)} 27H${x(high)}M${x(high)} 20V34` }),
      drawn("circle", { class: "dot", cx: x(difference), cy: 27, r: 5 }),
    );
    const ends = [low, high].map(x);
    const near = ends.some((end) => Math.abs(end - middle) < 34);
    if (!near) picture.append(drawn("text", { x: middle, y: 66, "text-anchor": "middle" }, "0"));
    const close = ends[1] - ends[0] < 60;
    [low, high].forEach((value, index) => {
      picture.append(drawn("text", { x: ends[index], y: 66, "text-anchor": close ? ["end", "start"][index] : "middle" }, text(value, true)));
    });
    return picture;
  }

  // Theme: the system's, light or dark. A file's storage may be closed; then the choice is for now.
  const themes = ["auto", "light", "dark"];
  const theme = element("button", { type: "button", className: "tool", id: "theme" });
  function setTheme(name) {
    if (name === "auto") delete root.dataset.theme;
    else root.dataset.theme = name;
    theme.textContent = `Theme: ${name}`;
    try {
      localStorage.setItem("maco-bench-theme", name);
    } catch {
      // Not kept.
    }
  }
  function storedTheme() {
    try {
      const name = localStorage.getItem("maco-bench-theme");
      return themes.includes(name) ? name : "auto";
    } catch {
      return "auto";
    }
  }
  theme.addEventListener("click", () => setTheme(themes[(themes.indexOf(root.dataset.theme ?? "auto") + 1) % 3]));
  document.querySelector(".masthead nav ul").append(element("li", {}, theme));
  setTheme(storedTheme());

  // Folds: open on paper, and the list of tables closed where there is no room beside the text.
  window.addEventListener("beforeprint", () => {
    for (const fold of current.querySelectorAll("details")) fold.open = true;
  });
  const narrow = window.matchMedia("(max-width: 63.99rem)");
  const contents = document.querySelector(".contents details");
  const fit = () => { contents.open = !narrow.matches; };
  narrow.addEventListener("change", fit);
  fit();

  root.classList.add("scripted");
  route(true);
})();
