"use strict";
(() => {
  const form = document.querySelector("form.filters");
  const status = document.querySelector(".status");
  const panel = document.querySelector(".picked");
  const heads = [...document.querySelectorAll(".board thead th")];
  const columns = heads.slice(0, document.querySelector(".board thead tr")?.children.length ?? 0).map((th) => th.dataset.name);
  const at = (name) => columns.indexOf(name);
  const text = (cell) => cell.textContent.replace(/\s+/g, " ").trim();
  const value = (cell) => cell.dataset.v ?? text(cell);

  // What is filtered by is read once, from the page itself.
  const tables = [...document.querySelectorAll("section.task")].map((section) => ({
    section,
    task: section.dataset.task,
    groups: [...section.querySelectorAll("tbody")].map((body) => ({
      body,
      rows: [...body.rows].slice(1).map((tr) => ({
        tr,
        hardware: text(tr.cells[at("hardware")]),
        grade: text(tr.cells[at("grade")]),
        validity: value(tr.cells[at("validity")]),
        origin: value(tr.cells[at("origin")]),
        head: body.rows[0],
        words: null,
      })),
    })),
  }));
  const all = tables.flatMap((t) => t.groups.flatMap((g) => g.rows.map((row) => ({ row, task: t.task }))));
  const FIELDS = ["task", "hardware", "grade", "validity", "origin"];
  const state = { sort: "", dir: "" };

  function wanted() {
    const found = Object.fromEntries(FIELDS.map((name) => [name, form.elements[name]?.value ?? ""]));
    return { ...found, q: form.elements.q.value.trim().toLowerCase() };
  }

  function filter() {
    const ask = wanted();
    const terms = ask.q.split(/\s+/).filter(Boolean);
    const hiddenBy = {};
    let shown = 0;
    for (const { row, task } of all) {
      let by = FIELDS.find((name) => ask[name] && (name === "task" ? task : row[name]) !== ask[name]) ?? "";
      if (!by && terms.length) {
        row.words ??= `${row.tr.textContent} ${row.head.textContent}`.toLowerCase();
        if (!terms.every((term) => row.words.includes(term))) by = "search";
      }
      row.tr.hidden = by !== "";
      if (by) hiddenBy[by] = (hiddenBy[by] ?? 0) + 1;
      else shown += 1;
    }
    for (const { section, groups } of tables) {
      let some = false;
      for (const { body, rows } of groups) {
        body.hidden = rows.every((row) => row.tr.hidden);
        some ||= !body.hidden;
      }
      section.hidden = !some;
    }
    const hidden = all.length - shown;
    const why = Object.entries(hiddenBy).map(([name, count]) => `${count} by ${name}`).join(", ");
    status.textContent = hidden
      ? `${shown} of ${all.length} results shown; ${hidden} hidden: ${why}. Ranks count the hidden ones too.`
      : `All ${all.length} results shown.`;
  }

  function compare(a, b, numeric, sign) {
    if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1; // what is not known stands last
    return sign * (numeric ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true }));
  }

  function sort() {
    const column = at(state.sort);
    if (column < 0) return;
    const sign = state.dir === "desc" ? -1 : 1;
    const numeric = heads[column].dataset.kind === "number";
    for (const { groups } of tables) {
      for (const { body, rows } of groups) {
        const keyed = rows.map((row) => [value(row.tr.cells[column]), row]);
        keyed.sort((x, y) => compare(x[0], y[0], numeric, sign));
        const moved = document.createDocumentFragment();
        moved.append(...keyed.map(([, row]) => row.tr));
        body.append(moved);
      }
    }
    for (const th of heads) {
      if (th.dataset.name === state.sort) th.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
  }

  function write() {
    const ask = { ...wanted(), ...state };
    const told = new URLSearchParams(Object.entries(ask).filter(([, v]) => v));
    history.replaceState(null, "", told.size ? `#${told}` : location.pathname + location.search);
  }

  function read() {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) return; // a place on the page
    const told = new URLSearchParams(hash);
    for (const name of [...FIELDS, "q"]) {
      if (form.elements[name]) form.elements[name].value = told.get(name) ?? "";
    }
    state.sort = columns.includes(told.get("sort")) ? told.get("sort") : "";
    state.dir = told.get("dir") === "desc" ? "desc" : "";
    filter();
    sort();
  }

  for (const th of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...th.childNodes);
    button.addEventListener("click", () => {
      const again = state.sort === th.dataset.name && state.dir !== "desc";
      Object.assign(state, { sort: th.dataset.name, dir: again ? "desc" : "" });
      sort();
      write();
    });
    th.append(button);
  }

  // Two rows that somebody picks: compared where they may be, else told why not.
  let picked = [];
  for (const { row } of all) {
    const cell = row.tr.cells[at("model")];
    const box = document.createElement("input");
    box.type = "checkbox";
    box.className = "pick";
    box.setAttribute("aria-label", `Pick ${text(cell.querySelector("bdi"))} to compare`);
    box.addEventListener("change", () => {
      picked = picked.filter((one) => one.box !== box);
      if (box.checked) picked.push({ box, tr: row.tr });
      if (picked.length > 2) picked.shift().box.checked = false;
      tell();
    });
    cell.prepend(box);
  }

  function line(parent, tag, words, css) {
    const made = document.createElement(tag);
    made.textContent = words;
    if (css) made.className = css;
    parent.append(made);
    return made;
  }

  function tell() {
    panel.replaceChildren();
    panel.hidden = picked.length === 0;
    if (!picked.length) return;
    const [a, b] = picked.map(({ tr }) => ({
      name: text(tr.cells[at("model")].querySelector("bdi")),
      key: JSON.parse(tr.parentNode.dataset.key),
      section: tr.closest("section"),
      energy: tr.cells[at("energy")],
      unranked: tr.cells[0].classList.contains("un") ? text(tr.cells[0]) : "",
    }));
    line(panel, "h2", b ? `${a.name} and ${b.name}` : a.name);
    if (!b) line(panel, "p", "Pick another row to compare it with this one.");
    else if (a.section !== b.section || Object.keys(a.key).some((name) => a.key[name] !== b.key[name])) {
      line(panel, "p", "These two may not be compared. What differs:", "no");
      const list = line(panel, "dl", "", "pairs");
      if (a.section !== b.section) pair(list, "task", a.section.dataset.task, b.section.dataset.task);
      for (const name of Object.keys(a.key)) {
        if (a.key[name] !== b.key[name]) pair(list, name, a.key[name], b.key[name]);
      }
    } else if (a.unranked || b.unranked) {
      line(panel, "p", "These two have one key, but are not ranked beside each other:", "no");
      for (const one of [a, b]) if (one.unranked) line(panel, "p", `${one.name}: ${one.unranked}.`);
    } else told(a, b);
    const button = line(panel, "button", "Let go", "plain");
    button.type = "button";
    button.addEventListener("click", () => {
      for (const one of picked) one.box.checked = false;
      picked = [];
      tell();
    });
  }

  function pair(list, name, first, second) {
    line(list, "dt", name);
    line(list, "dd", `${first} against ${second}`);
  }

  function told(a, b) {
    const [first, second] = [a, b].map((one) => {
      const [low, high] = (one.energy.dataset.e ?? `${one.energy.dataset.v} ${one.energy.dataset.v}`).split(" ").map(Number);
      return { name: one.name, value: Number(one.energy.dataset.v), low, high };
    }).sort((x, y) => x.value - y.value);
    const meet = second.low <= first.high;
    line(panel, "p", meet
      ? "One key, so they may be compared; their intervals meet, so which is better is not known."
      : `One key, so they may be compared: ${first.name} needs less.`, meet ? "" : "yes");
    line(panel, "p", `${second.name} over ${first.name}: ${(second.value / first.value).toPrecision(3)} times the energy per query.`);
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { filter(); write(); });
  form.addEventListener("reset", () => setTimeout(() => { filter(); write(); }));
  addEventListener("hashchange", read);
  read();
})();
