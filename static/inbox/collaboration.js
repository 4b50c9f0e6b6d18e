// Who else is here: tells the others that this person is at a thread, types in it, leaves it. Nothing hidden is read.
"use strict";

(() => {
  const OFTEN = 3000; // between two signals that somebody types
  const byId = (id) => document.getElementById(id);
  const token = () => document.cookie.split("; ").find((part) => part.startsWith("csrftoken="))?.slice(10) ?? "";

  // --- Typing ---------------------------------------------------------------------------------------------------------

  let told = 0; // when the others were told last

  const tell = (typing) => {
    const address = byId("thread-watch")?.getAttribute("hx-post");
    if (!address || document.hidden) return;
    told = typing ? Date.now() : 0;
    const headers = { "X-CSRFToken": token(), "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded" };
    // Whoever is signed out or offline learns that from the polls.
    fetch(address, { method: "POST", headers, body: `typing=${typing}` }).catch(() => {});
  };

  document.addEventListener("input", (event) => {
    if (event.target.id !== "composer-text") return;
    if (event.target.value.trim() === "") {
      if (told) tell(0);
    } else if (Date.now() - told > OFTEN) tell(1);
  });
  document.addEventListener("portal:sent", () => tell(0));

  // --- Leaving --------------------------------------------------------------------------------------------------------

  const leave = () => {
    const address = byId("thread-watch")?.dataset.leave;
    if (!address) return;
    const form = new FormData();
    form.append("csrfmiddlewaretoken", token());
    navigator.sendBeacon(address, form);
    told = 0;
  };
  window.addEventListener("pagehide", leave);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id === "pane" && event.detail.shouldSwap) leave();
  });

  // --- Focus ----------------------------------------------------------------------------------------------------------

  // A button that did its work and went leaves the focus nowhere: the menu beside it has it next.
  document.addEventListener("htmx:afterRequest", (event) => {
    const elt = event.detail.requestConfig?.elt; // by now it may be out of the page
    if (!elt?.closest?.(".region-head") || document.activeElement !== document.body) return;
    const later = elt.matches(".snoozed form, .snooze form");
    (later ? byId("snooze-menu") : document.querySelector(".thread-acts .menu > summary"))?.focus({ preventScroll: true });
  });

  // --- What a tab tells that nobody looks at ------------------------------------------------------------------------------

  let unread = false; // something came in while nobody looked

  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters } = event.detail;
    if (elt.id !== "thread-live") return;
    parameters.here = byId("thread-here")?.dataset.here ?? "";
    if (document.hidden) parameters.hidden = "1";
    else if (unread) {
      parameters.version = ""; // asks for all of it, so that it counts as read now
      unread = false;
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    if (elt.id === "thread-live" && xhr.status === 200 && requestConfig?.parameters?.hidden) unread = true;
  });
})();
