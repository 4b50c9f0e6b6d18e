// Search results in the list and in the thread.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const deep = () => document.querySelector("#newer a") !== null; // newer messages are not loaded

  // Scroll to the hit a thread was opened at, but not when the user returns to the page.
  const show = () => document.querySelector("#messages > .sighted")?.scrollIntoView({ block: "center" });

  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id === "pane") show();
  });

  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt.id === "thread-live" && deep()) event.detail.parameters.deep = "1";
  });

  // Newer messages load below without moving the view, even at the bottom.
  let stays = null;
  const asked = (event) => event.detail.requestConfig?.elt.id === "newer-more"; // the link may be removed by then
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!asked(event)) return;
    const item = document.querySelector("#messages > .message:last-child");
    stays = item && { id: item.id, top: item.getBoundingClientRect().top };
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!asked(event) || !stays) return;
    const item = byId(stays.id);
    const box = byId("thread-scroll");
    if (item && box) {
      box.scrollTop += item.getBoundingClientRect().top - stays.top;
      if (document.activeElement === document.body) box.focus({ preventScroll: true });
    }
    stays = null;
  });
})();
