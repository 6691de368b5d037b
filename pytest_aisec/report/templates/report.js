
"use strict";
(() => {
  const form = document.getElementById("filter");
  const articles = Array.from(document.querySelectorAll("article"));
  const rows = Array.from(document.querySelectorAll("table.matrix > tbody"), (body) => body.rows);
  const listed = Array.from(document.querySelectorAll("table.hosts > tbody > tr"));
  const note = document.getElementById("filtered");
  if (articles.length < 2) { return; }
  const texts = new Map();
  const textOf = (article) => {
    if (!texts.has(article)) { texts.set(article, article.textContent.toLowerCase()); }
    return texts.get(article);
  };
  const checked = (name) => {
    const boxes = Array.from(form.querySelectorAll(`[name=${name}]:checked`), (box) => box.value);
    return new Set(boxes);
  };
  // The links of a host's row in the matrix say in which groups the host is.
  const groupsOf = (host) => {
    const links = rows.flatMap((body) => Array.from(body[host].querySelectorAll("a")));
    return new Set(links.map((link) => decodeURIComponent(link.hash.slice(1))));
  };
  const apply = () => {
    const { text, host, framework } = form.elements;
    const wanted = text.value.trim().toLowerCase();
    const statuses = checked("status");
    const severities = checked("severity");
    const groups = host.value === "" ? null : groupsOf(Number(host.value));
    let shown = 0;
    for (const article of articles) {
      let hit = false;
      for (const group of article.querySelectorAll(".group")) {
        group.hidden = !(statuses.has(group.dataset.status) && (groups === null || groups.has(group.id)));
        hit = hit || !group.hidden;
      }
      article.hidden = !(hit && severities.has(article.dataset.severity)
        && (framework.value === "" || article.dataset.frameworks.split(" ").includes(framework.value))
        && (wanted === "" || textOf(article).includes(wanted)));
      shown += article.hidden ? 0 : 1;
    }
    for (const section of document.querySelectorAll("section.outcome")) {
      section.hidden = !section.querySelector("article:not([hidden])");
    }
    for (const item of document.querySelectorAll(".framework")) {
      item.hidden = framework.value !== "" && item.dataset.framework !== framework.value;
    }
    for (const body of [listed, ...rows]) {
      Array.from(body).forEach((row, index) => { row.hidden = host.value !== "" && index !== Number(host.value); });
    }
    const isAll = wanted === "" && groups === null && framework.value === ""
      && form.querySelector("input[type=checkbox]:not(:checked)") === null;
    form.querySelector("[role=status]").textContent = `${shown} of ${articles.length} controls shown`;
    note.textContent = `This is a part of the report: ${shown} of ${articles.length} controls, as filtered on the screen.`;
    note.hidden = isAll;
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => { setTimeout(apply); });
  form.addEventListener("submit", (event) => { event.preventDefault(); });
  // A link must reach what the filter or a fold has hidden.
  const reach = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target === null) { return; }
    if (target.closest("[hidden]")) { form.reset(); apply(); }
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) { fold.open = true; }
    target.scrollIntoView();
  };
  window.addEventListener("hashchange", reach);
  form.hidden = false;
  apply();
})();
