// The notices above the composer: hiding them, and their buttons.
"use strict";

(() => {
  const area = () => document.getElementById("composer-text");
  const key = (hint) => `hint-${area()?.dataset.draft}-${hint.dataset.hint}`;
  const gone = (hint) => {
    try { return sessionStorage.getItem(key(hint)) !== null; } catch { return false; }
  };

  // Used for comparison only, never shown.
  const hourIn = (zone) => {
    const parts = new Intl.DateTimeFormat("en", { hour: "numeric", hourCycle: "h23", timeZone: zone });
    return Number(parts.formatToParts(new Date()).find((part) => part.type === "hour").value);
  };
  const within = (hour, begins, ends) => (begins < ends ? hour >= begins && hour < ends : hour >= begins || hour < ends);

  // Update which notices apply: time passes while the page is open.
  const show = () => {
    document.querySelectorAll("#composer .hint").forEach((hint) => {
      let hidden = gone(hint);
      if (hint.dataset.hint === "first") hidden ||= /\bstop\b/i.test(area()?.value ?? "");
      if (hint.dataset.zone) {
        const { zone, begins, ends } = hint.dataset;
        hidden ||= !within(hourIn(zone), Number(begins), Number(ends));
        const clock = new Intl.DateTimeFormat(document.documentElement.lang || "en", {
          timeStyle: "short", timeZone: zone,
        }).format(new Date());
        const shown = hint.querySelector("[data-clock]");
        if (shown.textContent !== clock) shown.textContent = clock;
      }
      hint.hidden = hidden;
    });
  };

  ["portal:counted", "DOMContentLoaded", "htmx:afterSwap", "htmx:oobAfterSwap"].forEach((name) => {
    document.addEventListener(name, show);
  });
  setInterval(show, 20000);

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".hint button");
    const text = area();
    if (!button || !text) return;
    const hint = button.closest(".hint");
    if (button.matches("[data-dismiss]")) {
      try { sessionStorage.setItem(key(hint), "1"); } catch { /* without storage, it returns on the next page */ }
      hint.hidden = true;
      text.focus({ preventScroll: true });
    } else if (button.dataset.add) {
      text.focus({ preventScroll: true });
      text.setSelectionRange(text.value.trimEnd().length, text.value.length);
      const addition = text.value.trim() ? `\n${button.dataset.add}` : button.dataset.add;
      if (!document.execCommand("insertText", false, addition)) {
        text.setRangeText(addition, text.selectionStart, text.selectionEnd, "end");
        text.dispatchEvent(new Event("input", { bubbles: true }));
      }
      if (text.value.trim() === button.dataset.add) text.setSelectionRange(0, 0); // continue writing before it
    } else if (button.dataset.morning) {
      const later = document.getElementById("later");
      const zone = document.getElementById("later-zone");
      document.getElementById("later-when").value = button.dataset.morning;
      if ([...zone.options].some((option) => option.value === hint.dataset.zone)) zone.value = hint.dataset.zone;
      // After all click handlers: a click outside an open menu closes it.
      setTimeout(() => {
        later.open = true;
        document.getElementById(text.value.trim() ? "composer-later" : "later-when").focus({ preventScroll: true });
      });
    }
  });
})();
