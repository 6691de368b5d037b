
"use strict";
(() => {
  const form = document.getElementById("filter");
  const articles = Array.from(document.querySelectorAll("article"));
  if (articles.length < 2) { return; }
  const texts = new Map();
  const textOf = (article) => {
    if (!texts.has(article)) { texts.set(article, article.textContent.toLowerCase()); }
    return texts.get(article);
  };
  const apply = () => {
    const wanted = form.elements.text.value.trim().toLowerCase();
    const statuses = new Set(Array.from(form.querySelectorAll("[name=status]:checked"), (box) => box.value));
    let shown = 0;
    for (const article of articles) {
      const hit = article.dataset.status.split(" ").some((status) => statuses.has(status));
      article.hidden = !(hit && (wanted === "" || textOf(article).includes(wanted)));
      shown += article.hidden ? 0 : 1;
    }
    for (const section of document.querySelectorAll("section.outcome")) {
      section.hidden = !section.querySelector("article:not([hidden])");
    }
    form.querySelector("[role=status]").textContent = `${shown} of ${articles.length} controls shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  // A link from the matrix must reach what the filter has hidden.
  window.addEventListener("hashchange", () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) { form.reset(); apply(); target.scrollIntoView(); }
  });
  form.hidden = false;
  apply();
})();
