(() => {
  "use strict";
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const form = one("#filters"), tables = all("details.table"), count = one("#count");
  const search = one("#q"), selects = ["env", "outcome", "strength", "mode"].map((id) => one("#" + id));
  const boxes = ["flagged", "undecided", "changed"].map((id) => one("#" + id)), tiers = all("input[name=tier]");
  const environments = ["dev", "staging", "production"];

  // What the filters look at, read once.
  const rows = tables.map((table) => {
    const name = one("h3", table).textContent.toLowerCase();
    return all("tr[data-k]", table).map((row) => ({ row, facts: row.dataset.k, text: name + " " + row.textContent.toLowerCase() }));
  });
  const sizes = tables.map((table) => one("summary .n", table));
  const modes = tables.map((table) => table.dataset.m.split(" "));
  const total = rows.reduce((sum, own) => sum + own.length, 0);
  const words = (number, noun) => number.toLocaleString("en") + " " + noun + (number === 1 ? "" : "s");
  let before = null; // Which tables were open before a filter opened others.

  function wanted() {
    const [env, outcome, strength, mode] = selects.map((select) => select.value);
    const [flagged, undecided, changed] = boxes.map((box) => box.checked);
    const tier = tiers.filter((box) => box.checked).map((box) => box.value).join("");
    return { q: search.value.trim().toLowerCase(), env, outcome, strength, mode, tier, flagged, undecided, changed };
  }

  function apply() {
    const want = wanted(), terms = want.q.split(/\s+/).filter(Boolean);
    const at = want.env ? [environments.indexOf(want.env)] : [0, 1, 2];
    const filters = want.q || want.outcome || want.strength || want.mode || want.tier || want.flagged || want.undecided || want.changed;
    let shown = 0, shownTables = 0;
    tables.forEach((table, number) => {
      const ofMode = !want.mode || at.some((environment) => modes[number][environment] === want.mode);
      let own = 0;
      for (const { row, facts, text } of rows[number]) {
        const fits = ofMode
          && (!want.tier || want.tier.includes(facts[0]))
          && (!want.outcome || at.some((environment) => facts[1 + environment] === want.outcome))
          && (!want.strength || at.some((environment) => facts[4 + environment] === want.strength))
          && (!want.undecided || at.some((environment) => facts[1 + environment] === "u"))
          && (!want.flagged || facts[7] === "f")
          && (!want.changed || facts[8] === "c")
          && terms.every((term) => text.includes(term));
        if (row.hidden === fits) row.hidden = !fits;
        if (fits) own += 1;
      }
      const hide = own === 0 && (filters || rows[number].length > 0);
      if (table.hidden !== hide) table.hidden = hide;
      if (!hide) shownTables += 1;
      sizes[number].textContent = own < rows[number].length ? own + " of " + words(rows[number].length, "column") : words(own, "column");
      shown += own;
    });
    if (filters) {
      before ??= tables.map((table) => table.open);
      const open = shown <= 400;
      tables.forEach((table, number) => { if (!table.hidden) table.open = open || before[number]; });
    } else if (before) {
      tables.forEach((table, number) => { table.open = before[number]; });
      before = null;
    }
    const some = filters && shown < total;
    count.textContent = (some ? shown.toLocaleString("en") + " of " : "") + words(total, "column") + " in " + words(shownTables, "table");
    one("#nothing").hidden = shown > 0 || total === 0;
    const state = new URLSearchParams();
    for (const [key, value] of Object.entries(want)) if (value) state.set(key, value === true ? "1" : value);
    const hash = state.toString();
    if (hash || location.hash.includes("=")) history.replaceState(null, "", "#" + (hash || "inventory"));
  }

  function clear() {
    search.value = "";
    selects.forEach((select) => { select.value = ""; });
    [...boxes, ...tiers].forEach((box) => { box.checked = false; });
    apply();
  }

  /** Takes the filters, or the column to show, from the address. */
  function follow() {
    const hash = decodeURIComponent(location.hash.slice(1));
    all("tr.here").forEach((row) => row.classList.remove("here"));
    if (hash.includes("=")) {
      const state = new URLSearchParams(location.hash.slice(1));
      search.value = state.get("q") ?? "";
      selects.forEach((select) => { select.value = state.get(select.id) ?? ""; });
      boxes.forEach((box) => { box.checked = state.get(box.id) === "1"; });
      tiers.forEach((box) => { box.checked = (state.get("tier") ?? "").includes(box.value); });
      apply();
      one("#inventory").scrollIntoView();
    } else if (/^c\d+-\d+$/.test(hash)) {
      const row = document.getElementById(hash);
      if (!row) return;
      if (row.hidden) clear();
      row.closest("details").open = true;
      row.classList.add("here");
      row.scrollIntoView({ block: "center" });
    }
  }

  let waiting = 0;
  const soon = () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(apply); };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", soon);
  all("[data-clear]").forEach((button) => button.addEventListener("click", clear));
  const openAll = (open) => tables.forEach((table) => { if (!table.hidden) table.open = open; });
  one("#expand").addEventListener("click", () => openAll(true));
  one("#collapse").addEventListener("click", () => openAll(false));
  addEventListener("hashchange", follow);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest?.("input[type=search], select, textarea");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      search.focus();
      search.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Escape") {
      clear();
      if (typing) search.blur();
    }
  });
  const fit = () => document.documentElement.style.setProperty("--bar", getComputedStyle(form).position === "sticky" ? form.offsetHeight + "px" : "0px");
  new ResizeObserver(fit).observe(form);

  // Paper has no disclosure triangles.
  let closed = [];
  addEventListener("beforeprint", () => { closed = all("details:not([open])"); closed.forEach((details) => { details.open = true; }); });
  addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));

  const theme = one("#theme"), themes = ["automatic", "light", "dark"];
  let chosen = 0;
  theme.hidden = false;
  theme.addEventListener("click", () => {
    chosen = (chosen + 1) % 3;
    if (chosen) document.documentElement.dataset.theme = themes[chosen]; else delete document.documentElement.dataset.theme;
    theme.textContent = "Theme: " + themes[chosen];
  });
  follow();
})();
