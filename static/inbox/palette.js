// The command palette: commands, links and conversations.
"use strict";

(() => {
  const DELAY = 250; // ms after the last letter before conversations are searched
  const MOST = 8; // conversations
  const byId = (id) => document.getElementById(id);
  let offered = []; // [{group, label, more, keys, act}]
  let chosen = 0;
  let timer = 0;
  let asking = null;
  let after = null; // runs after the dialog has closed

  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const fits = (label, query) => query.split(/\s+/).every((word) => plain(label).includes(word));

  const groupOf = (element) => {
    if (element.closest("#pane")) return gettext("This conversation");
    if (element.closest(".tabs")) return gettext("Show");
    return element.closest(".rail") ? gettext("Go to") : gettext("Commands");
  };

  const commands = (query) => window.portalKeys.commands().map((element) => ({
    group: groupOf(element),
    label: element.dataset.command,
    keys: element.dataset.key,
    act: () => window.portalKeys.run(element),
  })).filter((item) => fits(item.label, query));

  // Rows of the list or of a search response.
  const conversations = (rows) => Array.from(rows).slice(0, MOST).map((row) => {
    const link = row.querySelector(".row-link");
    return {
      group: gettext("Conversations"),
      label: row.querySelector(".row-name")?.textContent.trim() || link.textContent.trim(),
      more: row.querySelector(".row-text")?.textContent.trim().replace(/\s+/g, " "),
      act: () => {
        const target = byId(link.id);
        if (target) target.click();
        else location.assign(link.getAttribute("href").split("?")[0]); // without the search
      },
    };
  });

  const ORDER = () => [gettext("This conversation"), gettext("Conversations"), gettext("Commands"), gettext("Go to"), gettext("Show")];

  const draw = (query, found) => {
    const order = ORDER();
    const first = (item) => (query && plain(item.label).startsWith(query) ? 0 : 1);
    offered = [...commands(query), ...found].map((item, place) => ({ item, place })).sort((a, b) => (
      order.indexOf(a.item.group) - order.indexOf(b.item.group) || first(a.item) - first(b.item) || a.place - b.place
    )).map(({ item }) => item);
    const parts = [];
    let group = null;
    offered.forEach((item, place) => {
      if (item.group !== group?.dataset.group) {
        group = document.createElement("div");
        const name = document.createElement("div");
        group.setAttribute("role", "group");
        group.dataset.group = item.group;
        name.className = "palette-group";
        name.id = `palette-group-${parts.length}`;
        name.textContent = item.group;
        name.setAttribute("role", "presentation");
        group.setAttribute("aria-labelledby", name.id);
        group.append(name);
        parts.push(group);
      }
      const option = document.createElement("div");
      const label = document.createElement("span");
      option.className = "palette-option";
      option.id = `palette-option-${place}`;
      option.setAttribute("role", "option");
      label.textContent = item.label;
      label.dir = "auto";
      option.append(label);
      if (item.more) {
        const more = document.createElement("span");
        more.className = "palette-more";
        more.dir = "auto";
        more.textContent = item.more;
        option.append(more);
      }
      if (item.keys) {
        const keys = document.createElement("span");
        keys.className = "palette-keys";
        keys.setAttribute("aria-hidden", "true");
        keys.append(...window.portalKeys.caps(item.keys));
        option.append(keys);
      }
      group.append(option);
    });
    byId("palette-list").replaceChildren(...parts);
    choose(Math.min(chosen, offered.length - 1));
  };

  const choose = (place) => {
    chosen = Math.max(0, place);
    const options = byId("palette-list").querySelectorAll("[role=option]");
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
    const option = options[chosen];
    if (option) {
      byId("palette-q").setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else byId("palette-q").removeAttribute("aria-activedescendant");
  };

  const say = (text) => { byId("palette-note").textContent = text; };
  const count = () => say(offered.length
    ? interpolate(ngettext("%s result", "%s results", offered.length), [offered.length])
    : gettext("No results. The search covers names, phone numbers and words in texts."));

  const search = async (query, text) => {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    try {
      const answer = await fetch(`${byId("palette").dataset.search}?q=${encodeURIComponent(text)}`, {
        headers: { "HX-Request": "true", "HX-Target": "list-body" }, signal,
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (signal.aborted) return;
      draw(query, conversations(page.querySelectorAll("#rows .row")));
      count();
    } catch (error) {
      if (error.name !== "AbortError") say(gettext("Could not search conversations. Commands still work."));
    }
  };

  const look = () => {
    clearTimeout(timer);
    asking?.abort();
    const text = byId("palette-q").value.trim();
    const query = plain(text);
    chosen = 0;
    if (!query) {
      draw("", conversations(document.querySelectorAll("#rows .row")));
      say("");
      return;
    }
    draw(query, []);
    say(gettext("Searching conversations…"));
    timer = setTimeout(() => search(query, text), DELAY);
  };

  const take = (place) => {
    const item = offered[place];
    if (!item) return;
    after = item.act;
    byId("palette").close();
  };

  document.addEventListener("portal:palette", () => {
    const dialog = byId("palette");
    if (!dialog || dialog.open) return;
    byId("palette-q").value = "";
    dialog.showModal();
    byId("palette-q").focus();
    look();
  });

  document.addEventListener("DOMContentLoaded", () => {
    const dialog = byId("palette");
    if (!dialog) return;
    byId("palette-q").addEventListener("input", look);
    dialog.addEventListener("keydown", (event) => {
      if (event.isComposing || event.target.id !== "palette-q") return;
      const last = offered.length - 1;
      const page = 8;
      const next = {
        ArrowDown: chosen >= last ? 0 : chosen + 1,
        ArrowUp: chosen <= 0 ? last : chosen - 1,
        PageDown: Math.min(chosen + page, last),
        PageUp: Math.max(chosen - page, 0),
      }[event.key];
      if (event.key === "Enter") take(chosen);
      else if (next !== undefined) choose(next);
      else return;
      event.preventDefault();
    });
    byId("palette-list").addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) take(Number(option.id.split("-").at(-1)));
    });
    // By now, the dialog has returned the focus.
    dialog.addEventListener("close", () => {
      clearTimeout(timer);
      asking?.abort();
      const act = after;
      after = null;
      act?.();
    });
  });
})();
