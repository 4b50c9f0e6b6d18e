// Presence: reports that the user views a thread, types in it or leaves it. Hidden tabs mark nothing as read.
"use strict";

(() => {
  const OFTEN = 3000; // between two typing reports, in ms
  const byId = (id) => document.getElementById(id);
  const token = () => document.cookie.split("; ").find((part) => part.startsWith("csrftoken="))?.slice(10) ?? "";

  // --- Typing ---------------------------------------------------------------------------------------------------------

  let reportedAt = 0; // time of the last report

  const report = (typing) => {
    const address = byId("thread-watch")?.getAttribute("hx-post");
    if (!address || document.hidden) return;
    reportedAt = typing ? Date.now() : 0;
    const headers = { "X-CSRFToken": token(), "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded" };
    // The polls report a lost session or connection.
    fetch(address, { method: "POST", headers, body: `typing=${typing}` }).catch(() => {});
  };

  document.addEventListener("input", (event) => {
    if (event.target.id !== "composer-text") return;
    if (event.target.value.trim() === "") {
      if (reportedAt) report(0);
    } else if (Date.now() - reportedAt > OFTEN) report(1);
  });
  document.addEventListener("portal:sent", () => report(0));

  // --- Leaving --------------------------------------------------------------------------------------------------------

  const leave = () => {
    const address = byId("thread-watch")?.dataset.leave;
    if (!address) return;
    const form = new FormData();
    form.append("csrfmiddlewaretoken", token());
    navigator.sendBeacon(address, form);
    reportedAt = 0;
  };
  window.addEventListener("pagehide", leave);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id === "pane" && event.detail.shouldSwap) leave();
  });

  // --- Focus ----------------------------------------------------------------------------------------------------------

  // When a used button disappears, the focus moves to the menu beside it.
  document.addEventListener("htmx:afterRequest", (event) => {
    const elt = event.detail.requestConfig?.elt; // may be removed from the page by now
    if (!elt?.closest?.(".region-head") || document.activeElement !== document.body) return;
    const later = elt.matches(".snoozed form, .snooze form");
    (later ? byId("snooze-menu") : document.querySelector(".thread-acts .menu > summary"))?.focus({ preventScroll: true });
  });

  // --- Requests of a hidden tab -------------------------------------------------------------------------------------------

  let unread = false; // messages arrived while the tab was hidden

  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters } = event.detail;
    if (elt.id !== "thread-live") return;
    parameters.here = byId("thread-here")?.dataset.here ?? "";
    if (document.hidden) parameters.hidden = "1";
    else if (unread) {
      parameters.version = ""; // requests a full update, which marks the messages as read
      unread = false;
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    if (elt.id === "thread-live" && xhr.status === 200 && requestConfig?.parameters?.hidden) unread = true;
  });
})();
