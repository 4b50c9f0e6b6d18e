// Drafts on the server: saved while the user types and shown on all devices of the user. Unsaved text stays in this
// tab (inbox.js keeps it in sessionStorage) and is saved as soon as possible.
"use strict";

(() => {
  const PAUSE = 800; // ms after the last key
  const AGAIN = 10000; // ms after a failed save
  const byId = (id) => document.getElementById(id);
  const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);

  // The open composer. field: the field with the revision its text is based on; saved: the text on the server; sending:
  // the text being saved; other, next: a newer draft and its revision, until the user has decided.
  let composer = null;

  // --- Storage of this tab ------------------------------------------------------------------------------------------

  const key = (page) => `draft-${page.area.dataset.draft}`;
  const baseKey = (page) => `draft-base-${page.area.dataset.draft}`;
  const local = (page) => {
    try {
      return { text: sessionStorage.getItem(key(page)) || "", base: sessionStorage.getItem(baseKey(page)) };
    } catch {
      return { text: "", base: null };
    }
  };
  const keep = (page) => {
    try {
      sessionStorage.setItem(key(page), page.area.value);
      sessionStorage.setItem(baseKey(page), page.field.value);
    } catch { /* without storage, the draft is only on the page and on the server */ }
  };
  const forget = (page) => {
    try {
      sessionStorage.removeItem(key(page));
      sessionStorage.removeItem(baseKey(page));
    } catch { /* nothing stored */ }
  };

  // The newest save of each draft in this tab: a pane that the server rendered before it would show the older text.
  const saves = new Map();
  const OUTRUN = 60000; // ms in which a pane may still arrive that was rendered before the save
  const newer = (page) => {
    const known = saves.get(key(page));
    return known && known.revision > Number(page.field.value) && Date.now() - known.at < OUTRUN ? known : null;
  };

  // --- The row of the list ----------------------------------------------------------------------------------------------

  const plain = new WeakMap(); // the preview of a row without a draft
  const mark = (page, text) => {
    const row = document.querySelector(`#rows > .row[data-key="${page.field.dataset.conversation}"] .row-text`);
    if (!row) return;
    const marked = row.querySelector(".row-draft");
    const trimmed = text.trim();
    if (!trimmed) {
      if (marked && plain.has(row)) row.replaceChildren(...plain.get(row));
      else if (marked) byId("list-version").dataset.token = ""; // the next poll updates the list
      return;
    }
    if (!marked) plain.set(row, Array.from(row.childNodes));
    const label = document.createElement("span");
    label.className = "row-draft";
    label.textContent = gettext("Draft:");
    row.replaceChildren(label, ` ${trimmed.slice(0, 200)}`);
  };

  // --- Saving -------------------------------------------------------------------------------------------------------------

  // leaving: the page is closing, so the response is not read and an earlier save may still be running.
  const post = (page, text, leaving) => {
    const form = new FormData();
    form.set("text", text);
    form.set("draft", page.field.value);
    form.set("person", page.field.dataset.person);
    if (leaving && page.sending !== null) form.set("next", "1");
    return fetch(page.field.dataset.url, {
      method: "POST",
      body: form,
      headers: { "HX-Request": "true", "X-CSRFToken": cookie("csrftoken") ?? "" },
      keepalive: text.length < 10000,
      redirect: "error",
    });
  };

  const later = (page, pause) => {
    clearTimeout(page.waits);
    page.waits = setTimeout(() => save(page), pause);
  };

  const save = async (page) => {
    clearTimeout(page.waits);
    if (page.other !== null) return; // the user decides first
    if (page.sending !== null) {
      page.again = true;
      return;
    }
    const text = page.area.value;
    if (text === page.saved) {
      page.late = false;
      forget(page);
      return;
    }
    page.sending = text;
    page.again = false;
    try {
      const answer = await post(page, text, false);
      if (answer.status === 200) taken(page, text, await answer.json());
      else if (answer.status === 409) refused(page, text, await answer.json());
      else if (answer.status !== 422) page.late = true; // for example signed out
    } catch {
      page.late = true;
    }
    page.sending = null;
    if (page.late) later(page, AGAIN);
    else if (page.again) save(page);
  };

  const taken = (page, text, answer) => {
    page.field.value = answer.revision;
    page.saved = text;
    page.late = false;
    saves.set(key(page), { text, revision: Number(answer.revision), at: Date.now() });
    if (page.area.value === text) forget(page);
    else {
      keep(page);
      page.again = true;
    }
    mark(page, page.area.value);
  };

  const refused = (page, text, answer) => {
    page.late = false;
    if (answer.text && answer.text !== page.area.value) offer(page, answer.text, answer.revision);
    else {
      page.field.value = answer.revision;
      page.saved = text; // the text was sent in the meantime
    }
  };

  // The page is closing: save unsaved text again, even if a save is running.
  const leave = (page) => {
    if (!page || page.other !== null || page.area.value === page.saved) return;
    if (page.sending === null) save(page);
    else if (page.sending !== page.area.value) post(page, page.area.value, true).catch(() => {});
  };

  // --- Two devices ---------------------------------------------------------------------------------------------------------

  const offer = (page, text, revision) => {
    page.other = text;
    page.next = revision;
    keep(page); // with its base revision, so that the choice is offered again after a reload
    if (page !== composer) return;
    byId("draft-other").textContent = text;
    byId("draft-choice").hidden = false;
    byId("draft-offer").hidden = false;
  };
  const decided = (page, text) => {
    const mine = page.area.value;
    page.saved = page.other;
    page.field.value = page.next;
    page.other = null;
    byId("draft-offer").hidden = true;
    if (text !== mine) {
      page.area.value = text;
      page.area.dispatchEvent(new Event("input", { bubbles: true }));
    }
    page.area.focus({ preventScroll: true });
    save(page);
    return mine;
  };

  document.addEventListener("click", (event) => {
    if (!composer || composer.other === null) return;
    if (event.target.closest("#draft-mine")) decided(composer, composer.area.value);
    if (event.target.closest("#draft-use")) {
      const mine = decided(composer, composer.other);
      // Keep the replaced text on offer, so that the choice can be undone.
      if (mine.trim() && mine !== composer.area.value) instead(composer, mine);
    }
  });

  const instead = (page, mine) => {
    const put = byId("draft-back");
    if (!put) return;
    put.hidden = false;
    put.onclick = () => {
      put.hidden = true;
      page.area.value = mine;
      page.area.dispatchEvent(new Event("input", { bubbles: true }));
      page.area.focus({ preventScroll: true });
    };
  };

  // --- Opening and leaving ---------------------------------------------------------------------------------------------------

  const open = () => {
    const area = byId("composer-text");
    const field = byId("composer-draft");
    if (!area || !field) {
      composer = null;
      return;
    }
    if (composer?.area === area) return;
    const stored = area.defaultValue;
    composer = { area, field, saved: stored, sending: null, again: false, waits: 0, late: false, other: null, next: 0 };
    if (area.selectionEnd === 0) area.setSelectionRange(area.value.length, area.value.length); // continue at the end
    const kept = local(composer);
    const known = newer(composer);
    if (!kept.text && known && area.value === stored) {
      field.value = known.revision;
      composer.saved = known.text;
      area.value = known.text;
      area.dispatchEvent(new Event("input", { bubbles: true }));
      return;
    }
    if (!kept.text && area.value !== stored) {
      keep(composer); // the user typed before this script loaded
      save(composer);
      return;
    }
    if (!kept.text || kept.text === stored || byId("composer-error")?.textContent.trim()) {
      if (kept.text === stored) forget(composer);
      return;
    }
    // This tab has unsaved text. Either it is based on the server's draft, or another draft was saved since.
    const follows = !stored || kept.base === field.value;
    const newest = field.value;
    if (area.value !== kept.text) {
      area.value = kept.text;
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (follows) save(composer);
    else {
      field.value = kept.base ?? 0;
      offer(composer, stored, newest);
    }
  };

  document.addEventListener("input", (event) => {
    if (!composer || event.target !== composer.area) return;
    if (event.isTrusted) byId("draft-gone").hidden = true;
    keep(composer);
    if (!composer.late) later(composer, PAUSE);
  });

  document.addEventListener("portal:sent", () => {
    if (!composer) return;
    saves.delete(key(composer));
    mark(composer, composer.area.value);
    if (composer.sending === null && composer.other === null && !composer.area.value) {
      // The server cleared the draft when it queued the text.
      clearTimeout(composer.waits);
      composer.saved = "";
      forget(composer);
    } else save(composer);
  });

  // Sent or deleted in another tab or on another device: nothing is left to send here.
  const empty = (page) => {
    const state = byId("draft-state");
    const revision = Number(state?.dataset.revision ?? 0);
    if (!state || state.dataset.empty === undefined || revision <= Number(page.field.value)) return;
    if (!page.saved || page.area.value !== page.saved || page.sending !== null || page.other !== null) return;
    clearTimeout(page.waits);
    page.field.value = revision;
    page.saved = "";
    page.area.value = "";
    page.area.dispatchEvent(new Event("input", { bubbles: true }));
    saves.delete(key(page));
    forget(page);
    mark(page, "");
    byId("draft-gone").hidden = false;
  };

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id === "pane") leave(composer);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "pane") open();
    if (event.detail.target?.id === "rows" && composer?.area.value) mark(composer, composer.saved);
  });
  // Signed in again or back online: save the draft after the next successful poll.
  document.addEventListener("htmx:afterRequest", (event) => {
    const status = event.detail.xhr?.status;
    if (composer && event.detail.elt.id === "thread-live") empty(composer);
    if (composer?.late && status >= 200 && status < 400 && composer.sending === null) save(composer);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches(".rail-out")) leave(composer);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) leave(composer);
  });
  window.addEventListener("pagehide", () => leave(composer));
  document.addEventListener("DOMContentLoaded", open);
})();
