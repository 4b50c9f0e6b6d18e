// Sections that the user opened on the sync page stay open when the page refreshes.
"use strict";

(() => {
  let open = [];
  const folds = () => Array.from(document.querySelectorAll(".sync-fold"));
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id === "sync-live") open = folds().filter((fold) => fold.open).map((fold) => fold.id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    folds().forEach((fold) => { if (open.includes(fold.id)) fold.open = true; });
  });
})();
