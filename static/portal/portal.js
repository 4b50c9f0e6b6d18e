// Small enhancements for every page. All pages work without them.
"use strict";

// Sends the viewer's time zone to the server. A page rendered in another zone is reloaded.
(() => {
  let zone = "";
  try {
    zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  } catch {
    return;
  }
  if (!zone) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `tz=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  const shown = document.documentElement.dataset.zone;
  if (!shown || shown === zone || !document.cookie.includes(`tz=${zone}`)) return;
  try {
    if (sessionStorage.getItem("zone-tried") === zone) return;
    sessionStorage.setItem("zone-tried", zone);
  } catch {
    return;
  }
  if (document.documentElement.dataset.method !== "post") location.reload();
})();

// data-confirm="Question?" on a form or on a button that submits one.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm || event.target.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, true);

// data-copy="#id" copies the value or text of another element and confirms it.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  if (!source) return;
  const text = "value" in source ? source.value : source.textContent.trim();
  const label = button.querySelector(".copy-label") || button;
  const before = button.dataset.label || label.textContent;
  button.dataset.label = before;
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = gettext("Copied");
  } catch {
    if (source.select) source.select();
    label.textContent = gettext("Press Ctrl+C");
  }
  setTimeout(() => { label.textContent = before; }, 2000);
});
