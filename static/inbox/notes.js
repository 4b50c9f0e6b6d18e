// Internal notes: the switch between text and note, and suggestions after an "@".
// Notes have a separate form. This script never touches the text form, and Enter in one form cannot submit the other.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const touch = matchMedia("(pointer: coarse)");

  // --- Text or note -----------------------------------------------------------------------------------------------------

  const choose = (what, focus) => {
    const forms = { text: byId("composer"), note: byId("note-composer") };
    if (!forms.text || !forms.note) return;
    byId("writes").hidden = false;
    Object.entries(forms).forEach(([name, form]) => {
      form.hidden = name !== what;
      byId(`write-${name}`).setAttribute("aria-pressed", String(name === what));
    });
    close();
    const area = byId(what === "note" ? "note-text" : "composer-text");
    grow(area);
    if (focus && !touch.matches) area.focus({ preventScroll: true });
  };

  const ready = () => {
    const form = byId("note-composer");
    const area = byId("note-text");
    if (!form || form.dataset.ready) return;
    form.dataset.ready = "1";
    recall(area);
    choose(form.dataset.open === undefined ? "text" : "note", false);
  };

  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-write]");
    if (tab) choose(tab.dataset.write, true);
    if (!event.target.closest("#colleagues")) close();
  });

  // --- The form -----------------------------------------------------------------------------------------------------------

  const remember = (area) => {
    try {
      if (area.value) sessionStorage.setItem(`draft-${area.dataset.draft}`, area.value);
      else sessionStorage.removeItem(`draft-${area.dataset.draft}`);
    } catch { /* without storage, a note is lost with the page */ }
  };
  const recall = (area) => {
    if (area.value) return;
    try {
      area.value = sessionStorage.getItem(`draft-${area.dataset.draft}`) || "";
    } catch { /* see above */ }
  };
  const grow = (area) => {
    if (CSS.supports("field-sizing", "content") || area.hidden) return;
    area.rows = 1;
    while (area.rows < 12 && area.scrollHeight > area.clientHeight + 2) area.rows += 1;
  };

  document.addEventListener("input", (event) => {
    if (event.target.id !== "note-text") return;
    byId("note-error")?.replaceChildren();
    remember(event.target);
    grow(event.target);
    look(event.target);
  });

  let underway = null; // the note being added: {area, text}
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt.id === "note-composer") underway = { area: byId("note-text"), text: event.detail.parameters.text ?? "" };
  });

  document.addEventListener("portal:noted", () => {
    if (!underway) return;
    const { area, text } = underway;
    underway = null;
    // Keep text typed while the note was being added.
    if (area.value === text) area.value = "";
    else if (area.value.startsWith(text)) area.value = area.value.slice(text.length).trimStart();
    remember(area);
    grow(area);
    const box = byId("thread-scroll");
    if (box && area.isConnected) box.scrollTop = 0;
  });

  document.addEventListener("keydown", (event) => {
    const area = event.target;
    if (area.id !== "note-text" || event.isComposing) return;
    if (shown() && pick(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    if (touch.matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const button = byId("note-add");
    if (area.value.trim() && !button.disabled) area.form.requestSubmit(button);
  }, true);

  // --- Colleagues after an "@" ----------------------------------------------------------------------------------------------

  const people = new Map(); // URL -> promise of [{username, name}]
  const fetched = (address) => {
    if (!people.has(address)) {
      const asked = fetch(address, { headers: { "HX-Request": "true" } }).then((answer) => {
        if (!answer.ok) throw new Error(answer.status);
        return answer.json();
      }).then((answer) => answer.people);
      asked.catch(() => people.delete(address)); // retry on the next "@"
      people.set(address, asked);
    }
    return people.get(address);
  };

  const list = () => byId("colleagues");
  const shown = () => list() && !list().hidden;
  const close = () => {
    if (!list()) return;
    list().hidden = true;
    byId("note-text").removeAttribute("aria-activedescendant");
  };

  // The word starting with "@" before the caret.
  const word = (area) => {
    const before = area.value.slice(0, area.selectionStart);
    return before.match(/(?:^|[^\p{L}\p{N}_@.+/-])@([\p{L}\p{N}_.+-]{0,60})$/u)?.[1] ?? null;
  };

  const look = async (area) => {
    if (word(area) === null) {
      close();
      return;
    }
    let all;
    try {
      all = await fetched(area.dataset.colleagues);
    } catch {
      return; // plain "@username" works as well
    }
    const typed = word(area);
    if (typed === null || !area.isConnected || document.activeElement !== area) return;
    const wanted = typed.toLowerCase();
    const found = all.filter(({ username, name }) => (
      username.toLowerCase().startsWith(wanted) || name.toLowerCase().split(" ").some((part) => part.startsWith(wanted))
    )).slice(0, 8);
    list().replaceChildren(...found.map(({ username, name }, place) => {
      const item = document.createElement("li");
      item.className = "colleague";
      item.id = `colleague-${place}`;
      item.setAttribute("role", "option");
      item.dataset.username = username;
      const handle = document.createElement("span");
      handle.textContent = `@${username}`;
      item.append(name || username, handle);
      return item;
    }));
    list().hidden = !found.length;
    if (found.length) select(0);
    else close();
  };

  const select = (place) => {
    const items = Array.from(list().children);
    items.forEach((item, index) => item.setAttribute("aria-selected", String(index === place)));
    items[place].scrollIntoView({ block: "nearest" });
    byId("note-text").setAttribute("aria-activedescendant", items[place].id);
  };

  const take = (item) => {
    const area = byId("note-text");
    const caret = area.selectionStart;
    const start = caret - (word(area) ?? "").length;
    area.setRangeText(`${item.dataset.username} `, start, caret, "end");
    close();
    remember(area);
    grow(area);
    area.focus({ preventScroll: true });
  };

  // Whether the list handled the key.
  const pick = (event) => {
    const items = Array.from(list().children);
    const place = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") select((place + 1) % items.length);
    else if (event.key === "ArrowUp") select((place + items.length - 1) % items.length);
    else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") take(items[place]);
    else if (event.key === "Escape") close();
    else return false;
    return true;
  };

  document.addEventListener("mousedown", (event) => {
    const item = event.target.closest("#colleagues > li");
    if (!item) return;
    event.preventDefault(); // the note keeps the focus
    take(item);
  });

  // A poll started before a note or text was added contains it again: skip items already on the page.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { fragment } = event.detail;
    if (fragment.tagName !== "OL" || "replaced" in fragment.dataset) return;
    fragment.querySelectorAll(":scope > .message[id]").forEach((item) => {
      if (byId(item.id)) item.remove();
    });
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "pane") ready();
  });
  document.addEventListener("DOMContentLoaded", ready);
})();
