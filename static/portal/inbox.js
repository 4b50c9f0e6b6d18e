// The inbox: live updates and the composer, without interfering with each other.
"use strict";

(() => {
  const PACE = 2000; // ms between polls
  const WATCH = 5000; // ms between reports that the user views this thread
  const LIMIT = 1600;
  const MENUS = "details.menu[open], details.thread-more[open], details.later[open]";
  const byId = (id) => document.getElementById(id);
  const touch = matchMedia("(pointer: coarse)");

  // --- Segments, counted as in salesmsg.text.segments -------------------------------------------------------------

  const GSM7 = new Set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
  const GSM7_TWO = new Set("\f^{}\\[~]|€");

  const segments = (text) => {
    const chars = Array.from(text);
    const plain = chars.every((char) => GSM7.has(char) || GSM7_TWO.has(char));
    const [alone, joined] = plain ? [160, 153] : [70, 67];
    const sizes = chars.map((char) => (plain ? (GSM7_TWO.has(char) ? 2 : 1) : char.length));
    const units = sizes.reduce((sum, size) => sum + size, 0);
    if (units <= alone) {
      return { plain, characters: chars.length, segments: text ? 1 : 0, left: alone - units };
    }
    let count = 1;
    let used = 0;
    for (const size of sizes) {
      if (used + size > joined) {
        count += 1;
        used = 0;
      }
      used += size;
    }
    return { plain, characters: chars.length, segments: count, left: joined - used };
  };
  window.portalSegments = segments;

  const count = () => {
    const area = byId("composer-text");
    const out = byId("composer-count");
    if (!area || !out) return;
    const size = segments(area.value.trim().replace(/\r\n?/g, "\n"));
    const parts = [
      interpolate(ngettext("%s character", "%s characters", size.characters), [size.characters]),
      interpolate(ngettext("%s segment", "%s segments", size.segments), [size.segments]),
    ];
    if (size.characters && !size.plain) parts.push("Unicode");
    const over = size.characters - LIMIT;
    if (over > 0) parts.push(interpolate(ngettext("%s too many", "%s too many", over), [over]));
    out.textContent = size.characters ? parts.join(" · ") : "";
    out.toggleAttribute("data-long", size.segments > 3 || size.characters > LIMIT);
    out.dispatchEvent(new Event("portal:counted", { bubbles: true })); // for other scripts that depend on the text
  };

  // --- The composer ---------------------------------------------------------------------------------------------------

  const draftKey = (area) => `draft-${area.dataset.draft}`;
  const remember = (area) => {
    try {
      if (area.value) sessionStorage.setItem(draftKey(area), area.value);
      else sessionStorage.removeItem(draftKey(area));
    } catch { /* without storage, a draft is lost with the page */ }
  };
  const recall = (area) => {
    if (area.value) return;
    try {
      area.value = sessionStorage.getItem(draftKey(area)) || "";
    } catch { /* see above */ }
  };

  const grow = (area) => {
    if (CSS.supports("field-sizing", "content") || !area.classList.contains("composer-text")) return;
    area.rows = 1;
    while (area.rows < 12 && area.scrollHeight > area.clientHeight + 2) area.rows += 1;
  };

  const ready = () => {
    const area = byId("composer-text");
    if (!area || area.dataset.ready) return;
    area.dataset.ready = "1";
    recall(area);
    grow(area);
    count();
  };

  document.addEventListener("input", (event) => {
    if (event.target.id !== "composer-text") return;
    byId("composer-error")?.replaceChildren(); // the error was about the old text
    remember(event.target);
    grow(event.target);
    count();
  });

  document.addEventListener("keydown", (event) => {
    const area = event.target;
    if (area.id !== "composer-text" || area.dataset.plain !== undefined) return;
    if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing) return;
    if (touch.matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const button = byId("composer-send");
    const filled = area.value.trim() || byId("composer-pictures")?.files.length;
    if (filled && button && !button.disabled) area.form.requestSubmit(button);
  });

  let underway = ""; // the text being sent
  let signedOut = false;

  document.addEventListener("portal:sent", () => {
    const area = byId("composer-text");
    if (!area) return;
    // Keep text typed while the message was being sent.
    if (area.value === underway) area.value = "";
    else if (area.value.startsWith(underway)) area.value = area.value.slice(underway.length).trimStart();
    underway = "";
    const later = byId("later");
    if (later?.open) {
      later.open = false;
      area.focus({ preventScroll: true });
    }
    remember(area);
    grow(area);
    count();
    toBottom();
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches(".rail-out")) {
      try {
        Object.keys(sessionStorage).filter((key) => key.startsWith("draft-")).forEach((key) => sessionStorage.removeItem(key));
      } catch { /* nothing kept */ }
    }
    if (form.matches(".new-body form")) {
      try { sessionStorage.removeItem("draft-new"); } catch { /* nothing kept */ }
    }
  });

  // --- Scroll position --------------------------------------------------------------------------------------------------

  const atBottom = () => Math.abs(byId("thread-scroll")?.scrollTop ?? 0) < 60;
  const toBottom = () => {
    const box = byId("thread-scroll");
    if (box) box.scrollTop = 0;
    byId("new-pill")?.setAttribute("hidden", "");
  };

  // Remembers a visible element and restores its position.
  const holder = (box, selector) => {
    if (!box) return () => {};
    const top = box.getBoundingClientRect().top;
    const seen = Array.from(box.querySelectorAll(selector)).find((item) => item.getBoundingClientRect().bottom > top + 4);
    const before = seen?.getBoundingClientRect().top;
    return () => {
      const now = seen && byId(seen.id);
      if (now) box.scrollTop += now.getBoundingClientRect().top - before;
    };
  };

  document.addEventListener("scroll", (event) => {
    const box = event.target;
    if (box.id !== "thread-scroll") return;
    if (atBottom()) byId("new-pill")?.setAttribute("hidden", "");
    if (box.scrollHeight - box.clientHeight - Math.abs(box.scrollTop) < 240) {
      const older = box.querySelector("#older a");
      if (older) htmx.trigger(older, "portal:older");
    }
  }, true);

  document.addEventListener("click", (event) => {
    if (event.target.closest("#new-pill")) {
      toBottom();
      byId("composer-text")?.focus({ preventScroll: true });
    }
    // A click outside closes an open menu.
    document.querySelectorAll(MENUS).forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll(MENUS).forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // --- Request parameters -------------------------------------------------------------------------------------------------

  const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);

  const shown = (parameters) => {
    const list = Array.from(document.querySelectorAll("#messages > .message"));
    parameters.have = list.slice(-60).map((item) => `${item.id.slice(2)}-${item.dataset.etag}`).join(",");
    if (list[0]) parameters.top = list[0].id.slice(2);
    parameters.version = byId("thread-version")?.dataset.version ?? "";
    document.querySelectorAll("#pane [data-region]").forEach((item) => {
      parameters[`r-${item.dataset.region}`] = item.dataset.etag;
    });
  };

  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters, headers, verb } = event.detail;
    // After a new sign-in in another tab, the CSRF token of this page is outdated.
    const token = cookie("csrftoken");
    if (token && verb === "post") {
      headers["X-CSRFToken"] = token;
      if (parameters.csrfmiddlewaretoken) parameters.csrfmiddlewaretoken = token;
    }
    const open = document.querySelector("#pane > [data-open]")?.dataset.open ?? "";
    if (elt.id === "list-live") {
      parameters.token = byId("list-version")?.dataset.token ?? "";
      parameters.shown = document.querySelectorAll("#rows > .row").length;
      if (open) parameters.open = open;
    } else if (elt.id === "list-form" || elt.matches(".tab")) {
      if (/^\d+$/.test(open)) parameters.open = open;
    } else if (elt.id !== "thread-watch" && elt.closest("#pane") && !elt.closest("#older, #newer, .sight")) {
      shown(parameters);
    }
    if (elt.id === "composer") underway = parameters.text ?? "";
  });

  // --- Swaps: keep the scroll position, open menus and typed text ------------------------------------------------------------

  const held = new WeakMap();

  // What a fold is called, so that it is found again when its region has been drawn anew with other folds around it.
  const nameOf = (details) => details.dataset.fold ?? details.className;
  const folds = (region, name) => Array.from(region?.querySelectorAll("details") ?? []).filter((one) => nameOf(one) === name);
  const fold = (details) => {
    const region = details.closest("[data-region], .message");
    return region && { region: region.id, name: nameOf(details), place: folds(region, nameOf(details)).indexOf(details) };
  };

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { elt, target } = event.detail.requestConfig ? { elt: event.detail.requestConfig.elt, target: event.detail.target } : event.detail;
    if (!elt) return;
    const taken = event.detail.xhr.status < 400;
    const menus = Array.from(document.querySelectorAll("#pane details[open]"))
      .filter((menu) => !(taken && menu.matches(".contact-edit, .contact-opt") && menu.contains(elt)))
      .map(fold).filter(Boolean);
    const focused = document.activeElement?.id;
    const restore = [];
    const typed = Array.from(document.querySelectorAll("#pane [data-region] :is(input, textarea)[id]")).filter((field) => (
      field.value !== field.defaultValue && !(taken && elt.contains(field))
    )).map((field) => [field.id, field.value]);
    const card = document.querySelector(".thread-more-body")?.scrollTop;
    if (target?.id === "rows" && byId("list-scroll")?.scrollTop > 20) restore.push(holder(byId("list-scroll"), ".row-link"));
    if (elt.closest?.("#pane") && !atBottom()) restore.push(holder(byId("thread-scroll"), ".message"));
    held.set(event.detail.xhr, () => {
      menus.forEach(({ region, name, place }) => {
        const menu = folds(byId(region), name)[place];
        if (menu && !elt.closest?.(".menu")) menu.open = true;
      });
      typed.forEach(([id, value]) => {
        const field = byId(id);
        if (field) field.value = value;
      });
      if (card && document.querySelector(".thread-more-body")) document.querySelector(".thread-more-body").scrollTop = card;
      if (focused && document.activeElement === document.body) byId(focused)?.focus({ preventScroll: true });
      restore.forEach((put) => put());
    });
  });

  const bottomBefore = new WeakMap();
  document.addEventListener("htmx:beforeOnLoad", (event) => bottomBefore.set(event.detail.xhr, atBottom()));

  let last = 0; // the newest inbound message
  const newestInbound = () => Number(Array.from(document.querySelectorAll("#messages > [data-inbound]")).at(-1)?.id.slice(2) ?? 0);

  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, elt, successful } = event.detail;
    held.get(xhr)?.();
    held.delete(xhr);
    if (elt.closest?.("#pane") || elt.id === "thread-live") {
      const newest = newestInbound();
      if (newest > last && last && elt.id === "thread-live" && !bottomBefore.get(xhr)) byId("new-pill")?.removeAttribute("hidden");
      last = Math.max(last, newest);
    }
    if (["list-live", "thread-live"].includes(elt.id)) settle(elt, xhr, successful);
    else if (successful) connection(null);
    else if (xhr.status === 401) connection("signed-out");
    else if (xhr.status === 0 || xhr.status >= 500) connection("lost");
    else if (xhr.status !== 422) connection("refused");
    marks();
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "phone-check") {
      const wrong = event.detail.target.querySelector(".error");
      wrong ? byId("id_phone").setAttribute("aria-invalid", "true") : byId("id_phone").removeAttribute("aria-invalid");
    }
    if (event.detail.target?.id !== "pane") return;
    last = newestInbound();
    ready();
    current();
    write();
    reportWatching();
  });

  // Focus the composer, but not on touch screens, where the keyboard would open, nor during a search.
  const write = () => {
    if (!touch.matches && !document.activeElement?.matches(".list :is(input, select)")) (byId("id_phone") || byId("composer-text"))?.focus({ preventScroll: true });
  };

  // Mark the open row, also when the thread was loaded without the list.
  const current = () => {
    const open = document.querySelector("#pane > [data-open]")?.dataset.open;
    document.querySelectorAll("#rows > .row").forEach((row) => {
      const link = row.querySelector(".row-link");
      const isOpen = row.dataset.key === open;
      if (isOpen) {
        link.setAttribute("aria-current", "true");
        row.classList.remove("row-unread");
        row.querySelector(".row-badge")?.remove();
      } else link.removeAttribute("aria-current");
    });
  };
  const marks = () => {
    current();
    times();
  };

  // --- Update relative times in the list ------------------------------------------------------------------------------------

  const times = () => {
    document.querySelectorAll("#rows time[data-when]").forEach((item) => {
      const at = new Date(item.dateTime);
      const past = (Date.now() - at) / 1000;
      if (past < 0 || past >= 3600 + 120 || Number.isNaN(past)) return;
      let age = gettext("now");
      if (past >= 3600) {
        if (new Date().toDateString() !== at.toDateString()) return;
        age = at.toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
      } else if (past >= 60) age = interpolate(gettext("%s min"), [Math.floor(past / 60)]);
      if (item.textContent !== age) item.textContent = age;
    });
  };

  // --- Live ------------------------------------------------------------------------------------------------------------------

  let failures = 0;
  // Per element: a poll whose element was replaced never settles and must not block the poll of the new element.
  let busy = new WeakMap();

  const connection = (state) => {
    const strip = byId("connection");
    if (!strip) return;
    signedOut = state === "signed-out";
    strip.querySelectorAll("[data-when]").forEach((item) => { item.hidden = item.dataset.when !== state; });
    strip.hidden = !state;
  };

  const settle = (elt, xhr, successful) => {
    busy.delete(elt);
    if (successful || xhr.status === 204) {
      if (failures || signedOut) {
        connection(null);
        clearTimeout(nextPoll); // it was delayed while requests failed
        nextPoll = setTimeout(poll, PACE);
      }
      failures = 0;
    } else if (xhr.status === 401) connection("signed-out");
    else if (xhr.status === 404 || xhr.status === 403) connection("refused");
    else {
      failures += 1;
      if (failures > 1 || !navigator.onLine) connection("lost");
    }
  };

  // Overlapping polls and writes would return the same changes twice: no poll starts during a write, and the response
  // of a poll already running is dropped. The next poll returns its changes.
  let writes = 0;
  const begun = new WeakMap();
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    if (elt.id === "thread-live") begun.set(xhr, writes);
    else if (requestConfig.verb === "post" && elt.id !== "thread-watch" && elt.closest("#pane")) writes += 1;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (begun.has(xhr) && begun.get(xhr) !== writes) event.detail.shouldSwap = false;
  });

  const tick = (id) => {
    const elt = byId(id);
    if (!elt || (document.hidden && !(id === "list-live" && window.portalAlerts?.()))) return;
    if (id === "thread-live" && document.querySelector("#pane form.htmx-request")) return;
    const since = busy.get(elt);
    if (since && Date.now() - since < 20000) return;
    if (id !== "thread-watch") busy.set(elt, Date.now());
    htmx.trigger(elt, "portal:tick");
  };
  const reportWatching = () => {
    tick("thread-watch");
  };

  let nextPoll = 0;
  const poll = () => {
    clearTimeout(nextPoll);
    tick("thread-live");
    tick("list-live");
    // Failing polls slow down to one per 30 seconds. A signed-out page keeps polling occasionally.
    const pace = signedOut ? 10000 : Math.min(PACE * 2 ** failures, 30000);
    nextPoll = setTimeout(poll, document.hidden ? (window.portalAlerts?.() ? Math.max(pace, 10000) : 60000) : pace);
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    busy = new WeakMap();
    poll();
    reportWatching();
  });
  window.addEventListener("online", poll);

  document.addEventListener("DOMContentLoaded", () => {
    last = newestInbound();
    ready();
    marks();
    nextPoll = setTimeout(poll, PACE);
    reportWatching();
    setInterval(reportWatching, WATCH);
    setInterval(times, 20000);
    if (!document.activeElement?.matches("input, textarea")) write();
  });
})();
