// Updates an open phone and sends without reloading the page. The page also works without JavaScript.
(() => {
  "use strict";
  for (const field of document.querySelectorAll("[data-copy]")) field.addEventListener("focus", () => field.select());

  const handset = document.querySelector("[data-thread]");
  if (!handset) return;
  const thread = handset.querySelector(".thread");
  const toEnd = () => { thread.scrollTop = thread.scrollHeight; };
  let shown = null;

  async function refresh(forced) {
    const answer = await fetch(handset.dataset.thread, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const text = await answer.text();
    if (text === shown) return;
    const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
    if (shown !== null || forced) thread.innerHTML = text;
    shown = text;
    if (atEnd || forced) toEnd();
  }

  for (const form of handset.querySelectorAll("form")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const fields = new URLSearchParams(new FormData(form, event.submitter));
      const answer = await fetch(form.action, { method: "POST", body: fields });
      if (answer.ok) form.reset();
      await refresh(true);
    });
  }
  const text = handset.querySelector("textarea");
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      text.form.requestSubmit();
    }
  });
  toEnd();
  refresh(false).catch(() => {});
  setInterval(() => { if (!document.hidden) refresh(false).catch(() => {}); }, 1500);
})();
