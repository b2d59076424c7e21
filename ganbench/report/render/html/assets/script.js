"use strict";
const order = (row, column) => {
  const cell = row.cells[column], text = cell.dataset.order ?? cell.textContent.trim();
  const below = text.startsWith("<") ? 1 - 1e-9 : 1;
  const names = Number(row.closest("table").dataset.names ?? Infinity);
  const value = column >= names || cell.classList.contains("number") ? parseFloat(text.replace(/^<\s*/, "")) : text === "" ? NaN : Number(text);
  return Number.isNaN(value) ? null : value * below;
};
for (const table of document.querySelectorAll("table.sortable")) {
  table.tHead.addEventListener("click", (event) => {
    const head = event.target.closest("th");
    if (!head) return;
    const column = head.cellIndex, up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows].sort((first, second) => {
      const a = order(first, column), b = order(second, column);
      if (a === null || b === null) {
        if (a !== b) return a === null ? 1 : -1;
        return first.cells[column].textContent.localeCompare(second.cells[column].textContent) * (up ? 1 : -1);
      }
      return (a - b) * (up ? 1 : -1);
    });
    table.tBodies[0].append(...rows);
  });
}
const hint = (entries) => {
  for (const { target } of entries) {
    const box = target.closest(".wide"), scrolls = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("scrolls", scrolls);
    if (scrolls) box.tabIndex = 0; else box.removeAttribute("tabindex");
    box.previousElementSibling.hidden = !scrolls;
  }
};
const sizes = new ResizeObserver(hint);
for (const box of document.querySelectorAll(".wide")) { sizes.observe(box); sizes.observe(box.firstElementChild); }
const zoom = document.getElementById("zoom");
const enlarge = (image) => {
  zoom.querySelector("img").src = image.src;
  zoom.querySelector("p").textContent = image.alt;
  zoom.showModal();
};
for (const thumb of document.querySelectorAll(".thumb")) thumb.addEventListener("click", () => enlarge(thumb.firstElementChild));
zoom.addEventListener("click", () => zoom.close());
document.getElementById("mode").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.mode ? root.dataset.mode === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.mode = dark ? "light" : "dark";
});
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let box = target?.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  target?.scrollIntoView();
};
addEventListener("hashchange", reveal);
reveal();
let opened = [];
const turned = (from, to) => {
  for (const cell of document.querySelectorAll("table:has(th:nth-child(10)) td")) {
    const words = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (words.nextNode()) words.currentNode.data = words.currentNode.data.replace(from, to);
  }
};
addEventListener("beforeprint", () => {
  turned("\u00a0[", " [");
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const box of opened) box.open = true;
});
addEventListener("afterprint", () => { turned(" [", "\u00a0["); for (const box of opened) box.open = false; });
