// The emoji picker of the composer: recent emoji first, then groups. Supports arrow keys, Enter and Escape.
"use strict";

(() => {
  const COLUMNS = 8;
  const RECENT = 16;
  const KEPT = "emoji-recent";
  const GROUPS = () => [
    [gettext("Smileys"), "😀 😃 😄 😁 😆 😅 😂 🤣 🙂 🙃 😉 😊 😇 🥰 😍 🤩 😘 😋 😜 🤪 🤗 🤭 🤔 🤨 😐 😏 🙄 😬 😌 😴 😷 🤒 🤕 🥵 🥶 🥳 😎 🤓 😕 🙁 😮 😲 😳 🥺 😢 😭 😱 😤 😡 🤯"],
    [gettext("Hands and people"), "👍 👎 👏 🙌 🙏 🤝 👋 ✋ 👌 🤞 ✌️ 🤘 👉 👈 👆 👇 💪 🤷 🤦 🙋 👀 👶 👨‍👩‍👧 🎅"],
    [gettext("Hearts and signs"), "❤️ 🧡 💛 💚 💙 💜 🖤 🤍 💔 💕 💯 ✨ ⭐ 🌟 🔥 💥 ✅ ✔️ ❌ ❗ ❓ ⚠️ 🔔 🎵"],
    [gettext("Celebrations and food"), "🎉 🎊 🎂 🎁 🎈 🏆 🥇 🍀 ☕ 🍵 🍺 🍷 🥂 🍕 🍔 🌮 🍣 🥗 🍎 🍓 🍰 🍪 🍦 🍫"],
    [gettext("Nature and weather"), "🐶 🐱 🐾 🐝 🦋 🌱 🌳 🌸 🌹 🌻 🍁 🌊 ☀️ 🌤️ ☁️ 🌧️ ⛈️ ❄️ 🌙 🌈"],
    [gettext("Things and places"), "📅 ⏰ ⌛ 📍 📞 📱 💻 📧 📎 📝 📦 💳 💵 🔑 🔧 💡 🛒 🚗 🚚 🚌 ✈️ 🏠 🏥 🦷"],
  ];
  const byId = (id) => document.getElementById(id);

  const recent = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
      return Array.isArray(kept) ? kept.filter((one) => typeof one === "string" && one.length < 16).slice(0, RECENT) : [];
    } catch { return []; }
  };
  const remember = (emoji) => {
    try {
      localStorage.setItem(KEPT, JSON.stringify([emoji, ...recent().filter((one) => one !== emoji)].slice(0, RECENT)));
    } catch { /* without storage, there are no recent emoji */ }
  };

  const element = (tag, values = {}, ...inside) => {
    const made = document.createElement(tag);
    Object.entries(values).forEach(([name, value]) => made.setAttribute(name, value));
    made.append(...inside);
    return made;
  };

  // An ARIA grid: rows of cells with one button each. Screen readers announce the emoji by name.
  const grid = (name, list) => {
    const rows = [];
    for (let place = 0; place < list.length; place += COLUMNS) {
      rows.push(element("div", { role: "row", class: "emoji-row" }, ...list.slice(place, place + COLUMNS).map((emoji) => (
        element("span", { role: "gridcell" }, element("button", { type: "button", class: "emoji", tabindex: "-1" }, emoji))
      ))));
    }
    return element("section", {}, element("h3", {}, name), element("div", { role: "grid", "aria-label": name }, ...rows));
  };

  const panel = () => byId("emoji-panel");
  const cells = () => [...panel().querySelectorAll(".emoji")];
  const aim = (cell) => {
    cells().forEach((one) => { one.tabIndex = one === cell ? 0 : -1; });
    cell?.focus();
  };

  const close = (back) => {
    panel()?.remove();
    byId("emoji-open")?.setAttribute("aria-expanded", "false");
    if (back) byId("composer-text")?.focus({ preventScroll: true });
  };

  const open = () => {
    const kept = recent();
    const groups = kept.length ? [[gettext("Recent"), kept]] : [];
    GROUPS().forEach(([name, list]) => groups.push([name, list.split(" ")]));
    const made = element("div", { id: "emoji-panel", class: "emoji-panel", role: "dialog", "aria-label": gettext("Emoji") },
      ...groups.map(([name, list]) => grid(name, list)));
    byId("emoji-open").closest(".composer, .field").append(made);
    if (byId("composer")) window.portalRoom(made);
    byId("emoji-open").setAttribute("aria-expanded", "true");
    aim(cells()[0]);
  };

  const put = (emoji) => {
    const area = byId("composer-text");
    remember(emoji);
    close(true);
    if (!document.execCommand("insertText", false, emoji)) {
      area.setRangeText(emoji, area.selectionStart, area.selectionEnd, "end");
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#emoji-open")) {
      if (panel()) close(true);
      else open();
    } else if (event.target.closest?.("#emoji-panel .emoji")) put(event.target.closest(".emoji").textContent);
    else if (panel() && !event.target.closest?.("#emoji-panel")) close(false);
  });

  // Up and Down move by row, across groups.
  const below = (cell, step) => {
    const rows = [...panel().querySelectorAll(".emoji-row")];
    const row = cell.closest(".emoji-row");
    const next = rows[rows.indexOf(row) + step];
    if (!next) return cell;
    const place = [...row.querySelectorAll(".emoji")].indexOf(cell);
    const there = next.querySelectorAll(".emoji");
    return there[Math.min(place, there.length - 1)];
  };

  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.("#emoji-panel .emoji");
    if (!panel()) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close(true);
      return;
    }
    if (!cell) return;
    const list = cells();
    const place = list.indexOf(cell);
    const next = {
      ArrowRight: () => list[place + 1],
      ArrowLeft: () => list[place - 1],
      ArrowDown: () => below(cell, 1),
      ArrowUp: () => below(cell, -1),
      Home: () => list[0],
      End: () => list.at(-1),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    aim(next() ?? cell);
  }, true);

  document.addEventListener("focusout", (event) => {
    if (panel()?.contains(event.target) && event.relatedTarget && !panel().contains(event.relatedTarget)
        && event.relatedTarget.id !== "emoji-open") close(false);
  });

  // The button needs this script, so the script shows it.
  const ready = () => byId("emoji-open")?.removeAttribute("hidden");
  document.addEventListener("DOMContentLoaded", ready);
  document.addEventListener("htmx:afterSwap", ready);
})();
