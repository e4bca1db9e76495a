"use strict";
(() => {
  const form = document.getElementById("filters");
  const cards = Array.from(document.querySelectorAll(".finding"));
  const data = document.getElementById("rest-data");
  const rest = data ? JSON.parse(data.textContent) : [];
  const list = document.getElementById("rest-list");
  const more = document.getElementById("rest-more");
  const page = 200;
  let listed = page;

  // Lower-case text of each card, made when a search first needs it.
  const texts = new Map();
  const textOf = (card) => {
    if (!texts.has(card)) texts.set(card, card.textContent.toLowerCase());
    return texts.get(card);
  };

  const wanted = () => {
    const values = new FormData(form);
    return {
      severities: new Set(values.getAll("severity")),
      exposure: values.get("exposure"),
      category: values.get("category"),
      tool: values.get("tool"),
      text: (values.get("text") || "").trim().toLowerCase(),
    };
  };
  const matches = (want, severity, exposure, category, tools, text) =>
    want.severities.has(severity) &&
    (!want.exposure || want.exposure === exposure) &&
    (!want.category || want.category === category) &&
    (!want.tool || tools.includes(want.tool)) &&
    (!want.text || text().includes(want.text));

  const cell = (tag, text) => {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  };
  const listRest = (rows) => {
    list.replaceChildren(
      ...rows.slice(0, listed).map(([number, severity, exposure, , , title, , where]) => {
        const item = document.createElement("li");
        const word = cell("span", severity.charAt(0).toUpperCase() + severity.slice(1));
        word.className = "sev " + severity;
        item.append(cell("span", String(number)), word, cell("span", title), cell("code", where), cell("span", exposure));
        return item;
      }),
    );
    more.hidden = rows.length <= listed;
  };

  const apply = () => {
    const want = wanted();
    let shown = 0;
    for (const card of cards) {
      const d = card.dataset;
      const fits = matches(want, d.severity, d.exposure, d.category, d.tools.split(" "), () => textOf(card));
      card.hidden = !fits;
      if (fits) shown += 1;
    }
    const rows = rest.filter(([, severity, exposure, category, tools, title, rule, where]) =>
      matches(want, severity, exposure, category, tools, () => (title + " " + rule + " " + where).toLowerCase()),
    );
    if (list) listRest(rows);
    const total = cards.length + rest.length;
    const found = shown + rows.length;
    document.getElementById("shown").textContent =
      found === total ? `All ${total.toLocaleString("en")} findings` : `${found.toLocaleString("en")} of ${total.toLocaleString("en")} findings`;
  };

  if (form) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    const anew = () => { listed = page; apply(); };
    form.addEventListener("input", anew);
    form.addEventListener("change", anew);
    form.addEventListener("reset", () => setTimeout(anew));
    const fold = document.getElementById("fold");
    fold.addEventListener("click", () => {
      const open = fold.textContent === "Open all";
      for (const card of cards) card.open = open;
      fold.textContent = open ? "Close all" : "Open all";
    });
    if (more) more.addEventListener("click", () => { listed += page; apply(); });
    document.addEventListener("keydown", (event) => {
      const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        form.elements.text.focus();
      }
    });
    apply();
  }

  // A module under the pointer or the focus shows its imports alone.
  const graph = document.getElementById("graph");
  if (graph) {
    const pick = (event) => {
      const module = event.target.closest(".module");
      for (const element of graph.querySelectorAll(".near")) element.classList.remove("near");
      graph.classList.toggle("picked", Boolean(module));
      if (!module) return;
      const near = new Set([module.dataset.n]);
      for (const edge of graph.querySelectorAll(".edge")) {
        const { a, b } = edge.dataset;
        if (a !== module.dataset.n && b !== module.dataset.n) continue;
        edge.classList.add("near");
        near.add(a).add(b);
      }
      for (const each of graph.querySelectorAll(".module")) {
        if (near.has(each.dataset.n)) each.classList.add("near");
      }
    };
    graph.addEventListener("pointerover", pick);
    graph.addEventListener("pointerleave", pick);
    graph.addEventListener("focusin", pick);
    graph.addEventListener("focusout", () => graph.classList.remove("picked"));
  }

  // The section being read is marked in the navigation.
  const links = new Map(Array.from(document.querySelectorAll("nav a"), (a) => [a.hash.slice(1), a]));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const [name, anchor] of links) anchor.classList.toggle("here", name === entry.target.id);
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const name of links.keys()) watch.observe(document.getElementById(name));

  // A card that is linked to opens.
  const reveal = () => {
    const card = document.getElementById(location.hash.slice(1));
    if (card instanceof HTMLDetailsElement) card.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();

  // Printing shows every card open, and closes again what was closed.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = Array.from(document.querySelectorAll("details:not([open])"));
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of closed) each.open = false;
  });
})();
