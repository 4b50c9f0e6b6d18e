// Saved replies: "/" in the composer opens a filterable list. Unfilled merge fields block sending.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const area = () => byId("composer-text");
  const box = () => byId("replies");
  const list = () => byId("replies-list");

  const element = (tag, values = {}, ...inside) => {
    const made = document.createElement(tag);
    Object.entries(values).forEach(([name, value]) => made.setAttribute(name, value));
    made.append(...inside);
    return made;
  };

  // A panel above the composer uses the space available; with too little space, it covers the text.
  window.portalRoom = (panel) => {
    const top = (id) => byId(id)?.getBoundingClientRect().top ?? 0;
    const room = top("composer") - top("thread-scroll") - 12;
    panel.toggleAttribute("data-over", room < 180);
    panel.style.maxHeight = room < 180 ? "" : `min(22rem, ${room}px)`;
  };

  // Use the editing command, so that the user can undo it.
  const write = (text, from, to) => {
    const field = area();
    field.focus({ preventScroll: true });
    field.setSelectionRange(from, to);
    if (text ? document.execCommand("insertText", false, text) : document.execCommand("delete")) return;
    field.setRangeText(text, from, to, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  // --- Placeholders that are not filled in -------------------------------------------------------------------------

  const labels = () => JSON.parse(byId("composer-unfilled")?.dataset.labels ?? "{}");
  const values = () => JSON.parse(byId("composer-unfilled")?.dataset.values ?? "{}");
  const custom = () => Object.keys(labels()).filter((name) => name.startsWith("field:")).map((name) => name.slice(6));
  const placeholders = (text) => window.portalPlaceholders(text, custom());
  const unfilled = () => (byId("composer-unfilled") && area() ? placeholders(area().value)[0] : null);

  const marked = (text) => {
    const made = document.createDocumentFragment();
    let end = 0;
    for (const found of placeholders(text)) {
      made.append(text.slice(end, found.index), element("mark", {}, found.text));
      end = found.index + found.text.length;
    }
    made.append(text.slice(end));
    return made;
  };

  const aim = (found) => {
    area().focus({ preventScroll: true });
    area().setSelectionRange(found.index, found.index + found.text.length);
  };

  // The button that fills in what the contact has values for, else one that goes to the placeholder.
  const remedy = (known) => {
    const fits = [...new Set(placeholders(area().value).map((one) => known[one.field]).filter(Boolean))];
    if (!fits.length) return element("button", { type: "button", class: "textlike", "data-go": "" }, gettext("Fill in"));
    const said = fits.length === 1
      ? interpolate(gettext("Replace with “%(value)s”"), { value: fits[0] }, true) : gettext("Fill in the contact’s details");
    return element("button", { type: "submit", class: "textlike", name: "convert", value: "1", formnovalidate: "" }, said);
  };

  const warn = () => {
    const strip = byId("composer-unfilled");
    if (!strip) return;
    const found = unfilled();
    const known = values();
    const name = found?.field;
    const empty = name && !known[name];
    const message = found && interpolate(
      empty
        ? gettext("%(field)s is empty for this contact. Replace %(code)s.")
        : gettext("%(code)s would be sent unchanged. Replace it."),
      { field: labels()[name] ?? name.replace("field:", ""), code: found.text }, true);
    const button = found && remedy(known);
    const said = found ? `${message} ${button.textContent}` : "";
    if ((strip.dataset.said ?? "") === said) return; // do not announce it again
    strip.dataset.said = said;
    strip.replaceChildren(...(found ? [element("div", { class: "notice notice-warn" }, element("p", {}, marked(message)), button)] : []));
  };
  document.addEventListener("portal:counted", warn);
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#composer-unfilled [data-go]")) return;
    const found = unfilled();
    if (found) aim(found);
  });

  // Runs before htmx and the browser: block sending with unfilled fields. The server checks again.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const way = event.submitter?.getAttribute("formaction") || form.getAttribute("hx-post") || "";
    if (event.submitter?.name === "convert") return; // sends nothing
    const found = form.id === "composer" && /\/(send|later)\//.test(way) ? unfilled() : null;
    if (!found) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    warn();
    aim(found);
  }, true);

  // The server has filled in the text.
  document.addEventListener("portal:filled-in", (event) => {
    if (area()) write(event.detail.text, 0, area().value.length);
  });

  // --- The list ------------------------------------------------------------------------------------------------------

  let token = null; // {start, query} of the "/" being typed
  let refused = -1; // position of a "/" dismissed with Escape
  let ours = false; // the button inserted the "/", not the user
  let known = { of: "", replies: null, failed: false }; // the newest response and its conversation
  let active = 0;
  let shown = [];

  const opened = () => token !== null;

  const typed = () => {
    const field = area();
    if (!field || field.selectionStart !== field.selectionEnd) return null;
    const found = /(?:^|\s)\/((?:[^\s/][^\n/]{0,60})?)$/.exec(field.value.slice(0, field.selectionStart));
    if (!found) return null;
    return { start: field.selectionStart - found[1].length - 1, query: found[1] };
  };

  const matching = (query) => {
    const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const fits = (text) => words.every((word) => text.toLocaleLowerCase().includes(word));
    const replies = known.replies ?? [];
    const named = replies.filter((reply) => fits(reply.name));
    return [...named, ...replies.filter((reply) => !named.includes(reply) && fits(`${reply.name} ${reply.text}`))];
  };

  const load = async () => {
    const of = box().dataset.list;
    if (known.of !== of) known = { of, replies: null, failed: false };
    try {
      const answer = await fetch(of, { headers: { Accept: "application/json", "HX-Request": "true" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const { replies } = await answer.json();
      if (known.of === of) known = { of, replies, failed: false };
    } catch {
      if (known.of === of) known.failed = true;
    }
    if (opened() && box()?.dataset.list === of) draw();
  };

  const say = (message) => {
    list().setAttribute("role", "status");
    list().replaceChildren(element("p", { class: "muted small" }, message));
    area().removeAttribute("aria-activedescendant");
  };

  const point = (place) => {
    active = place;
    [...list().querySelectorAll("[role=option]")].forEach((option, at) => {
      option.setAttribute("aria-selected", String(at === place));
      if (at !== place) return;
      option.scrollIntoView({ block: "nearest" });
      area().setAttribute("aria-activedescendant", option.id);
    });
  };

  const draw = () => {
    shown = matching(token.query);
    if (!known.replies) return say(known.failed
      ? gettext("Saved replies could not be loaded. What you typed is kept. Try again.") : gettext("Loading…"));
    if (!known.replies.length) return say(gettext("No saved replies yet."));
    // A sentence that happens to start with a slash is not a search.
    if (!shown.length && token.query.includes(" ")) return close();
    if (!shown.length) return say(gettext("No saved reply matches."));
    list().setAttribute("role", "listbox");
    list().replaceChildren(...shown.map((reply) => element("div",
      { role: "option", id: `reply-${reply.id}`, class: "reply-option", "aria-selected": "false" },
      element("b", { dir: "auto" }, reply.name), element("span", { dir: "auto" }, marked(reply.text)))));
    return point(Math.min(active, shown.length - 1));
  };

  const open = () => {
    const field = area();
    box().open = true;
    window.portalRoom(byId("replies-body"));
    const values = { role: "combobox", "aria-expanded": "true", "aria-haspopup": "listbox" };
    Object.entries({ ...values, "aria-controls": "replies-list", "aria-autocomplete": "list" })
      .forEach(([name, value]) => field.setAttribute(name, value));
    active = 0;
    load();
  };

  const close = () => {
    token = null;
    ours = false;
    if (box()) box().open = false;
    ["role", "aria-expanded", "aria-haspopup", "aria-controls", "aria-autocomplete", "aria-activedescendant"]
      .forEach((name) => area()?.removeAttribute(name));
  };

  const follow = () => {
    if (!box() || !area()) return;
    const found = typed();
    if (!found) refused = -1;
    if (!found || found.start === refused) {
      if (opened()) close();
      return;
    }
    const before = token;
    token = found;
    if (!before) open();
    else if (before.query !== found.query) active = 0;
    draw();
  };

  const choose = (reply) => {
    const { start } = token;
    const end = area().selectionStart;
    close();
    write(reply.text, start, end);
    const found = reply.empty.length ? unfilled() : null;
    if (found) aim(found);
    const csrf = document.querySelector("#composer [name=csrfmiddlewaretoken]").value;
    const cookie = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="))?.slice(10);
    fetch(box().dataset.list.replace(/list\/$/, `${reply.id}/used/`), {
      method: "POST", headers: { "X-CSRFToken": cookie || csrf, "HX-Request": "true" },
    }).catch(() => { /* only affects the order */ });
  };

  document.addEventListener("input", (event) => {
    if (event.target.id === "composer-text") follow();
  });
  document.addEventListener("selectionchange", () => {
    if (!opened() || document.activeElement !== area()) return;
    const found = typed();
    if (found?.start !== token.start || found.query !== token.query) follow();
  });

  document.addEventListener("keydown", (event) => {
    if (!opened() || event.isComposing) return;
    if (event.target !== area() && !(event.key === "Escape" && box().contains(event.target))) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const taken = () => {
      event.preventDefault();
      event.stopPropagation();
    };
    if (step && shown.length) {
      taken();
      point((active + step + shown.length) % shown.length);
    } else if (event.key === "Escape") {
      taken();
      const mine = ours && !token.query;
      refused = token.start;
      const { start } = token;
      close();
      if (mine) write("", start, start + 1);
      else area().focus({ preventScroll: true });
    } else if (["Enter", "Tab"].includes(event.key) && !event.shiftKey && known.replies && shown.length) {
      taken();
      choose(shown[active]);
    } else if (event.key === "Enter" && !known.replies && !known.failed) taken(); // the list is loading
    else if (event.key === "Enter" || event.key === "Tab") close();
  }, true);

  document.addEventListener("pointerdown", (event) => {
    if (event.target.closest?.("#replies-list")) event.preventDefault(); // keep the focus in the text
  });
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest?.("#replies-list")) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const field = area();
    if (event.target.closest?.("#replies > summary") && field) {
      event.preventDefault(); // without this script, the button submits a form
      if (opened()) {
        const { start, query } = token;
        const mine = ours && !query;
        close();
        if (mine) write("", start, start + 1);
        field.focus({ preventScroll: true });
        return;
      }
      const caret = field.selectionStart;
      refused = -1;
      write(caret > 0 && !/\s/.test(field.value[caret - 1]) ? " /" : "/", caret, field.selectionEnd);
      ours = true;
      return;
    }
    const option = event.target.closest?.("#replies-list [role=option]");
    if (option && opened()) choose(shown[[...list().children].indexOf(option)]);
    else if (opened() && !event.target.closest?.("#replies, #composer-text")) close();
  });

  document.addEventListener("portal:sent", () => { if (opened()) close(); });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "pane") return; // another conversation
    token = null;
    ours = false;
    refused = -1;
  });

  // --- The page of a saved reply ---------------------------------------------------------------------------------------

  document.addEventListener("DOMContentLoaded", () => {
    const bar = document.querySelector("[data-reply-inserts]");
    const text = bar && byId(bar.dataset.replyInserts);
    if (!text) return;
    bar.hidden = false;
    bar.addEventListener("click", (event) => {
      const code = event.target.closest("[data-insert]")?.dataset.insert;
      if (!code) return;
      text.setRangeText(code, text.selectionStart, text.selectionEnd, "end");
      text.focus();
    });
  });
})();
