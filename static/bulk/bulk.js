// Small helps of the bulk pages. Nothing here is needed for a page to work.
"use strict";

// "All on this page", and how many are ticked.
(() => {
  const form = document.getElementById("bulk-choose");
  const all = form?.querySelector("[data-tick-all]");
  if (!all) return;
  const master = all.querySelector("input");
  const boxes = [...form.querySelectorAll("input[name=contact]:not(:disabled)")];
  const words = form.querySelector("[data-ticked]");
  const count = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    words.textContent = ticked ? ` (${ticked})` : "";
    master.checked = ticked > 0 && ticked === boxes.length;
    master.indeterminate = ticked > 0 && ticked < boxes.length;
  };
  master.addEventListener("change", () => {
    boxes.forEach((box) => { box.checked = master.checked; });
    count();
  });
  form.addEventListener("change", (event) => { if (event.target !== master) count(); });
  all.hidden = boxes.length === 0;
  count();
})();

// Buttons that put a merge field where the cursor stands.
(() => {
  const bar = document.querySelector("[data-inserts]");
  const area = bar && document.querySelector(bar.dataset.inserts);
  if (!area) return;
  bar.hidden = false;
  bar.addEventListener("click", (event) => {
    const code = event.target.closest("[data-insert]")?.dataset.insert;
    if (!code) return;
    area.setRangeText(code, area.selectionStart, area.selectionEnd, "end");
    area.focus();
  });
})();
