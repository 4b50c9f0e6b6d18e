// Keyboard support: shortcuts, menus, Escape, and focus that survives live updates.
//
// An element with data-command="Label" is a command of the palette. data-key="x" (or "g x", a sequence) adds a
// shortcut. Handlers that close something on Escape call preventDefault, which stops the steps below.
"use strict";

(() => {
  const OFF = "keys-off"; // localStorage key; per device
  const PAUSE = 1500; // ms between the keys of a sequence
  const FOCUSABLE = "a[href], button, summary, input:not([type=hidden]), select, textarea, [tabindex='0']";
  const FIELD = "input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=hidden], [type=file]), textarea, select";
  const byId = (id) => document.getElementById(id);
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);

  const on = () => {
    try { return localStorage.getItem(OFF) !== "1"; } catch { return true; }
  };

  // --- Commands -----------------------------------------------------------------------------------------------------

  const seen = (element) => element.checkVisibility?.() ?? element.getClientRects().length > 0;

  // Whether a command can be used now: visible, or in a menu that can be opened. Links always work.
  const usable = (element) => {
    if (element.disabled || element.closest("[hidden], dialog")) return false;
    if (element.matches("a[href]") || seen(element)) return true;
    for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      if (seen(fold)) return true;
    }
    return false;
  };

  // Each label once: a visible element takes precedence over its copy in a menu.
  const commands = () => {
    const found = new Map();
    document.querySelectorAll("[data-command]").forEach((element) => {
      if (!usable(element)) return;
      const before = found.get(element.dataset.command);
      if (!before || (!seen(before) && seen(element))) found.set(element.dataset.command, element);
    });
    return Array.from(found.values());
  };

  let typed = ""; // type-ahead letters in a menu
  let typedAt = 0;

  const run = (element) => {
    const own = element.matches("summary") ? element.parentElement : null;
    if (element.matches(FIELD) || own) {
      for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) {
        if (fold !== own) fold.open = true;
      }
    }
    if (own) {
      typed = "";
      if (!own.open) element.click();
      (Array.from(own.querySelectorAll(FOCUSABLE)).find((item) => item !== element && seen(item)) || element).focus();
    } else if (element.matches(FIELD)) {
      element.focus();
      if (element.type === "search") element.select();
    } else {
      // htmx initializes swapped content with a short delay; until then, a click would load the full page.
      const taken = element.closest("[hx-get], [hx-post]");
      if (taken) window.htmx?.process(taken);
      element.click();
    }
  };

  const markShortcuts = () => {
    document.querySelectorAll("[data-command][data-key]").forEach((element) => {
      if (on() && !element.dataset.key.includes(" ")) element.setAttribute("aria-keyshortcuts", element.dataset.key);
      else element.removeAttribute("aria-keyshortcuts");
    });
  };

  // --- The list -------------------------------------------------------------------------------------------------------

  const links = () => Array.from(document.querySelectorAll("#rows .row-link"));
  const listed = () => Boolean(byId("rows") && seen(byId("rows")));
  const opened = () => document.querySelector("#pane > [data-open]");

  const show = (link) => {
    link.focus({ preventScroll: true });
    link.scrollIntoView({ block: "nearest" });
  };
  const toList = () => {
    const all = links();
    const link = all.find((item) => item.getAttribute("aria-current") === "true") || all[0];
    if (link) show(link);
    else if (document.activeElement?.id === "list-q" || !byId("list-q")) document.activeElement?.blur();
    else byId("list-scroll")?.focus();
  };

  let waits = null; // {place, open}: where to continue once older conversations have loaded
  let opening = false; // opened by j or k: the composer does not take the focus

  // In the list, j and k move the focus and mark nothing as read; in a thread, they open the next or previous one.
  const move = (step, again) => {
    const all = links();
    const focused = document.activeElement;
    const reading = Boolean(opened()) && !focused.closest(".list");
    if (reading && (again || opening)) return;
    let place = all.indexOf(focused.closest(".row-link"));
    if (place < 0) place = all.findIndex((link) => link.getAttribute("aria-current") === "true");
    place = place < 0 ? Math.max(0, step - 1) : place + step;
    const more = document.querySelector("#rows .row-more a");
    if (place >= all.length && more) {
      if (!waits) more.click();
      waits = { place: all.length, open: reading };
    } else if (all[place]) arrive(all[place], reading);
  };
  const arrive = (link, open) => {
    if (open) {
      opening = true;
      link.click();
      link.scrollIntoView({ block: "nearest" });
    } else show(link);
  };

  // --- Escape: out of a menu, then to the messages, then to the list --------------------------------------------------------

  let unfolded = false;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") unfolded = Boolean(document.querySelector("details:is(.menu, .thread-more, .later)[open]"));
  }, true);

  const back = (event) => {
    const focused = event.target;
    const messages = byId("thread-scroll");
    const fold = focused.closest("#pane details[open]");
    if (unfolded) return;
    if (focused.id === "list-q" && focused.value) {
      event.preventDefault();
      focused.value = "";
      focused.dispatchEvent(new Event("input", { bubbles: true }));
    } else if (fold) {
      fold.open = false;
      fold.querySelector("summary").focus();
    } else if (focused.closest("#pane") && messages && focused !== messages) messages.focus({ preventScroll: true });
    else if (focused.closest(".row-link")) return;
    else if (listed()) toList();
    else document.querySelector(".thread-back")?.click();
  };

  // --- Menus: arrow keys, Home, End and type-ahead ---------------------------------------------------------------------------

  const inMenu = (event) => {
    const menu = event.target.closest("details.menu[open]");
    if (!menu || event.ctrlKey || event.metaKey || event.altKey || event.target.matches(FIELD)) return false;
    const items = Array.from(menu.querySelectorAll(".menu-item")).filter((item) => !item.disabled && seen(item));
    const place = items.indexOf(event.target);
    const count = items.length;
    let next = null;
    if (event.key === "ArrowDown") next = items[(place + 1) % count];
    else if (event.key === "ArrowUp") next = items[(place <= 0 ? count : place) - 1];
    else if (event.key === "Home") next = items[0];
    else if (event.key === "End") next = items[count - 1];
    else if (event.key.length === 1 && event.key !== " ") {
      const now = Date.now();
      typed = now - typedAt < 700 ? typed + event.key.toLowerCase() : event.key.toLowerCase();
      typedAt = now;
      const from = typed.length === 1 ? place + 1 : Math.max(place, 0); // the same letter again: the next match
      const order = [...items.slice(from), ...items.slice(0, from)];
      next = order.find((item) => item.textContent.trim().toLowerCase().startsWith(typed)) || event.target;
    }
    if (!next) return false;
    event.preventDefault();
    next.focus();
    return true;
  };

  // --- Keys ---------------------------------------------------------------------------------------------------------------

  let prefix = "";
  let prefixAt = 0;

  const single = (event) => {
    // In an open picker, letters are no shortcuts of the page.
    if (event.target.closest("[role=dialog], [role=listbox], [role=grid]")) return;
    const { key } = event;
    const letter = key.length === 1 ? key.toLowerCase() : key;
    if (event.shiftKey && /^\p{L}$/u.test(letter)) return;
    const begun = Date.now() - prefixAt < PAUSE ? prefix : "";
    prefix = "";
    const reading = event.target === document.body || event.target.id === "thread-scroll";
    if (key === "Enter") {
      const composer = reading && commands().find((item) => item.dataset.key === "r");
      if (composer) {
        event.preventDefault();
        run(composer);
      }
      return;
    }
    if (key.length !== 1) return;
    if (!begun && (letter === "j" || letter === "k")) {
      if (!byId("rows")) return;
      event.preventDefault();
      move(letter === "j" ? 1 : -1, event.repeat);
      return;
    }
    if (event.repeat) return;
    if (!begun && letter === "?") {
      event.preventDefault();
      help();
      return;
    }
    const all = commands();
    const wanted = begun ? `${begun} ${letter}` : letter;
    const command = all.find((item) => item.dataset.key === wanted);
    if (command) {
      event.preventDefault();
      run(command);
    } else if (!begun && all.some((item) => item.dataset.key?.startsWith(`${letter} `))) {
      prefix = letter;
      prefixAt = Date.now();
    }
  };

  // On window, so that handlers of the page run first.
  window.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || !(event.target instanceof Element)) return;
    const modal = document.querySelector("dialog:modal");
    if (event.key.toLowerCase() === "k" && (mac ? event.metaKey : event.ctrlKey) && !event.altKey && !event.shiftKey) {
      if (modal && modal.id !== "palette") return;
      event.preventDefault();
      if (modal) modal.close();
      else document.dispatchEvent(new CustomEvent("portal:palette"));
      return;
    }
    if (modal) return;
    if (event.key === "Escape") back(event);
    else if (!inMenu(event) && on() && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (!event.target.matches(FIELD) && !event.target.isContentEditable) single(event);
    }
  });

  // --- Dialogs ------------------------------------------------------------------------------------------------------------

  const help = () => {
    const dialog = byId("keys-help");
    if (!dialog) return;
    const known = new Set(["r", "e", "a", "/", "c", "g i", "g o", "g s"]);
    const more = commands().filter((item) => item.dataset.key && !known.has(item.dataset.key));
    byId("keys-more").hidden = !more.length;
    byId("keys-more").querySelector("dl").replaceChildren(...more.map((item) => {
      const line = document.createElement("div");
      const word = document.createElement("dt");
      const keys = document.createElement("dd");
      word.textContent = item.dataset.command;
      keys.append(...caps(item.dataset.key));
      line.append(word, keys);
      return line;
    }));
    byId("keys-on").checked = on();
    dialog.showModal();
  };

  const caps = (keys) => keys.split(" ").flatMap((key) => {
    const cap = document.createElement("kbd");
    cap.textContent = key.toUpperCase();
    return [cap, " "];
  });

  document.addEventListener("change", (event) => {
    if (event.target.id !== "keys-on") return;
    try {
      if (event.target.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    } catch { /* without storage, shortcuts stay on */ }
    markShortcuts();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys-help]")) help();
    const dialog = event.target.closest("dialog");
    if (dialog && (event.target === dialog || event.target.closest("[data-close]"))) dialog.close();
  });

  // --- Focus: restored after a swap, or moved to the nearest element ----------------------------------------------------------

  const memories = new WeakMap();

  const fingerprint = (element) => [element.tagName, element.name, element.getAttribute("value"), element.textContent.trim()].join("|");

  const remember = (event) => {
    const element = document.activeElement;
    if (!element || element === document.body || memories.has(event.detail.xhr)) return;
    const region = element.closest("[data-region], .message, #older, #rows, .tabs");
    memories.set(event.detail.xhr, {
      element,
      id: element.id,
      region: region?.id || (region?.matches(".tabs") ? "list-body" : ""),
      fingerprint: fingerprint(element),
      place: region ? Array.from(region.querySelectorAll(FOCUSABLE)).indexOf(element) : -1,
      pane: Boolean(element.closest("#pane")),
      list: Boolean(element.closest(".list")),
    });
  };

  const focus = (element) => {
    if (!element) return false;
    element.focus({ preventScroll: true });
    if (document.activeElement === element) return true;
    for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      fold.querySelector("summary")?.focus({ preventScroll: true });
      if (document.activeElement !== document.body) return true;
    }
    return false;
  };

  const restore = (memory) => {
    if (memory.id === "composer-send" && !matchMedia("(pointer: coarse)").matches && focus(byId("composer-text"))) return;
    if (memory.element.isConnected && focus(memory.element)) return;
    if (memory.id && focus(byId(memory.id))) return;
    const all = Array.from((memory.region && byId(memory.region)?.querySelectorAll(FOCUSABLE)) || []);
    if (focus(all.find((item) => fingerprint(item) === memory.fingerprint))) return;
    if (focus(all[Math.min(memory.place, all.length - 1)])) return;
    if (memory.pane && focus(byId("thread-scroll"))) return;
    if (memory.list) focus(byId("list-q"));
  };

  document.addEventListener("htmx:beforeRequest", remember);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (document.activeElement === document.body) return; // for example a button that is disabled now
    memories.delete(event.detail.xhr);
    remember(event);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const { target } = event.detail;
    if (target?.id !== "pane") return;
    const quiet = opening;
    opening = false;
    if (quiet || (document.activeElement === document.body && !listed())) byId("thread-scroll")?.focus({ preventScroll: true });
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr } = event.detail;
    const elt = event.detail.requestConfig?.elt || event.detail.elt; // even if it was removed from the page
    const memory = memories.get(xhr);
    memories.delete(xhr);
    if (elt.matches?.(".row-link")) opening = false;
    markShortcuts();
    if (waits && elt.closest?.(".row-more")) {
      const { place, open } = waits;
      waits = null;
      if (links()[place]) arrive(links()[place], open);
    }
    if (memory && document.activeElement === document.body && !document.querySelector("dialog:modal")) restore(memory);
  });

  document.addEventListener("DOMContentLoaded", () => {
    if (mac) document.querySelectorAll("[data-control]").forEach((item) => { item.textContent = "⌘"; });
    document.querySelectorAll("[data-keys-help]").forEach((item) => { item.hidden = false; });
    markShortcuts();
  });

  window.portalKeys = { commands, run, caps };
})();
