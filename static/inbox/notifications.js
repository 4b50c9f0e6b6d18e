// Sound and notifications for new messages: opt-in, per device, based on the rows of the list poll.
"use strict";

(() => {
  const KEY = "alerts";
  const LATE = 60_000; // ms; a newly listed row counts as new if it is at most this much older than the newest
  const SEVERAL = 3; // more new messages than this share one notification
  const byId = (id) => document.getElementById(id);

  const wishes = () => {
    try { return JSON.parse(localStorage.getItem(KEY)) || {}; } catch { return {}; }
  };
  const allowed = () => window.Notification?.permission === "granted";

  // Whether to poll the list while the tab is hidden (see inbox.js).
  window.portalAlerts = () => {
    const { sound, notify } = wishes();
    return Boolean(sound || (notify && allowed()));
  };

  // --- New messages ---------------------------------------------------------------------------------------------------

  let known = new Map(); // {conversation: time of its newest message}
  let newest = 0;

  const read = () => Array.from(document.querySelectorAll("#rows > .row")).map((row) => ({
    row,
    key: row.dataset.key,
    at: Date.parse(row.querySelector(".row-time")?.dateTime) || 0,
    inbound: row.dataset.inbound !== undefined,
  }));

  const learn = (rows) => {
    rows.forEach(({ key, at }) => known.set(key, at));
    newest = Math.max(newest, ...rows.map(({ at }) => at));
  };

  const seenHere = (key) => (
    !document.hidden && document.hasFocus() && document.querySelector("#pane > [data-open]")?.dataset.open === key
  );

  // Another tab of this device may have notified already.
  const notAnnounced = ({ key, at }) => {
    const mark = `${key}-${at}`;
    try {
      const announced = (localStorage.getItem("alerts-told") || "").split(" ");
      if (announced.includes(mark)) return false;
      localStorage.setItem("alerts-told", [...announced, mark].slice(-50).join(" "));
    } catch { /* without storage, each tab notifies */ }
    return true;
  };

  const look = () => {
    const rows = read();
    const fresh = rows.filter(({ key, at, inbound }) => inbound && (known.has(key) ? at > known.get(key) : at > newest - LATE));
    learn(rows);
    const { sound, notify } = wishes();
    if (!sound && !notify) return;
    const news = fresh.filter((item) => !seenHere(item.key) && notAnnounced(item));
    if (!news.length) return;
    if (sound) play();
    if (notify && allowed() && document.hidden) announce(news);
  };

  // --- Sound: two synthesized notes ---------------------------------------------------------------------------------------

  let audio = null;
  const wake = () => {
    const Audio = window.AudioContext || window.webkitAudioContext;
    if (!Audio) return null;
    audio ||= new Audio();
    if (audio.state === "suspended") audio.resume();
    return audio;
  };
  const play = () => {
    const context = wake();
    if (!context) return;
    [[660, 0], [880, 0.14]].forEach(([pitch, later]) => {
      const start = context.currentTime + later;
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.frequency.value = pitch;
      gain.gain.setValueAtTime(0.0001, start);
      gain.gain.exponentialRampToValueAtTime(0.18, start + 0.015);
      gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.3);
      tone.connect(gain).connect(context.destination);
      tone.start(start);
      tone.stop(start + 0.32);
    });
    document.dispatchEvent(new CustomEvent("portal:sound"));
  };
  // Browsers allow sound only after a user interaction.
  ["pointerdown", "keydown"].forEach((kind) => {
    document.addEventListener(kind, () => { if (wishes().sound) wake(); }, { once: true });
  });

  // --- Notifications --------------------------------------------------------------------------------------------------------

  const announce = (news) => {
    if (news.length > SEVERAL) {
      post(interpolate(ngettext("%s new message", "%s new messages", news.length), [news.length]), "", "several", null);
      return;
    }
    news.forEach(({ row, key }) => {
      const name = row.querySelector(".row-name")?.textContent.trim();
      const text = wishes().text ? row.querySelector(".row-text")?.textContent.trim() : "";
      post(interpolate(gettext("New message from %s"), [name]), text, key, row.querySelector(".row-link"));
    });
  };

  const post = (title, body, tag, link) => {
    let note;
    try {
      note = new Notification(title, { body, tag: `conversation-${tag}` });
    } catch {
      return; // some phones allow notifications only from service workers
    }
    note.onclick = () => {
      window.focus();
      note.close();
      if (!link) return;
      const target = byId(link.id);
      if (target) target.click();
      else location.assign(link.getAttribute("href"));
    };
  };

  // --- The dialog -----------------------------------------------------------------------------------------------------------

  const show = () => {
    const { sound, notify, text } = wishes();
    byId("alerts-sound").checked = Boolean(sound);
    byId("alerts-notify").checked = Boolean(notify && allowed());
    byId("alerts-text").checked = Boolean(text);
    byId("alerts-text").disabled = !byId("alerts-notify").checked;
    byId("alerts-bell").toggleAttribute("data-on", window.portalAlerts());
  };

  const keep = (wish) => {
    try { localStorage.setItem(KEY, JSON.stringify({ ...wishes(), ...wish })); } catch { /* not stored */ }
    show();
  };

  document.addEventListener("change", async (event) => {
    const box = event.target;
    if (!box.closest?.("#alerts")) return;
    if (box.id === "alerts-sound") {
      keep({ sound: box.checked });
      if (box.checked) play();
    } else if (box.id === "alerts-text") keep({ text: box.checked });
    else if (box.id === "alerts-notify") {
      const answer = box.checked && window.Notification ? await Notification.requestPermission() : "";
      byId("alerts-refused").hidden = !box.checked || answer === "granted";
      keep({ notify: answer === "granted" });
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("#alerts-bell")) {
      byId("alerts-refused").hidden = true;
      show();
      byId("alerts").showModal();
    } else if (event.target.closest("#alerts-try")) play();
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const { target, requestConfig } = event.detail;
    if (target?.id === "rows" && requestConfig?.elt.id === "list-live") look();
  });
  // Rows shown by a filter, a search or “older” are not new.
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.id !== "list-live") learn(read());
  });

  document.addEventListener("DOMContentLoaded", () => {
    if (!byId("alerts-bell")) return;
    byId("alerts-bell").hidden = false;
    learn(read());
    newest ||= Date.now();
    show();
  });
})();
