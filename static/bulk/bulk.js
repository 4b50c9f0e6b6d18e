// Enhancements for the bulk text pages. All pages work without them.
"use strict";

// "All on this page", and the number of selected contacts.
(() => {
  const form = document.getElementById("bulk-choose");
  const all = form?.querySelector("[data-tick-all]");
  if (!all) return;
  const master = all.querySelector("input");
  const boxes = [...form.querySelectorAll("input[name=contact]:not(:disabled)")];
  const ticks = form.querySelector("[data-ticked]");
  const count = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    ticks.textContent = ticked ? ` (${ticked})` : "";
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

// Buttons that insert a merge field at the cursor.
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
