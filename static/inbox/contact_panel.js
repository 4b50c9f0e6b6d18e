// The contact panel: inline editing on click. Open forms survive live updates.
"use strict";

(() => {
  const KEPT = ".contact-quick[open], .contact-timeline[open]";
  document.documentElement.classList.add("card-scripted");

  const close = (details) => {
    // After a rejected form, the field values are the typed ones; `was-` has the previous values.
    details.querySelectorAll("input[name^='was-']").forEach((was) => {
      details.querySelector(`input[name='${was.name.slice(4)}']`).defaultValue = was.value;
    });
    details.querySelector("form").reset();
    details.querySelectorAll(".error").forEach((error) => error.remove());
    details.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
    details.open = false;
    details.querySelector("summary").focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const cancel = event.target.closest("[data-quick-cancel]");
    if (cancel) {
      event.preventDefault();
      close(cancel.closest("details"));
      return;
    }
    const value = event.target.closest("[data-quick]");
    const details = value?.closest(".contact")?.querySelector(".contact-quick");
    if (!details || String(getSelection())) return; // selecting the name to copy it does not start editing
    details.open = true;
    const field = details.querySelector(`input[name='${value.dataset.quick}']`);
    field.focus();
    field.select();
  });

  // Opened by its button: focus the first field.
  document.addEventListener("click", (event) => {
    const details = event.target.closest(".contact-quick > summary")?.parentElement;
    if (details && !details.open) setTimeout(() => details.querySelector("input.input")?.focus());
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    const details = event.target.closest?.(".contact-quick[open]");
    if (!details) return;
    event.preventDefault();
    event.stopPropagation(); // keep the surrounding menu open
    close(details);
  }, true);

  // Saved: close the form and show the panel with the new values.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, xhr } = event.detail;
    const details = requestConfig?.elt.closest?.(".contact-quick");
    if (details && xhr.status < 400) details.open = false;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, requestConfig } = event.detail;
    const id = requestConfig?.elt.closest?.(".contact-quick")?.id;
    if (!id) return;
    const details = document.getElementById(id);
    if (xhr.status < 400) details?.querySelector("summary").focus({ preventScroll: true });
    else if (xhr.status === 422) details?.querySelector("[aria-invalid]")?.focus();
  });

  // A live update replaces the panel: move an open form and an open change history into the new one.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    if (!target?.matches?.("[data-region]")) return;
    target.querySelectorAll(KEPT).forEach((kept) => {
      const place = fragment.querySelector(`#${kept.id}`);
      if (!place) return;
      place.replaceWith(kept);
      // Reload the change history unless the user has scrolled down in it.
      if (kept.matches(".contact-timeline") && !kept.querySelector("[data-older-shown]")) {
        setTimeout(() => htmx.trigger(kept, "portal:again"));
      }
    });
  });

  // Requests of the change history need no thread parameters.
  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters } = event.detail;
    if (!elt.closest(".contact-timeline")) return;
    Object.keys(parameters).filter((name) => name === "have" || name === "top" || name === "version" || name.startsWith("r-"))
      .forEach((name) => delete parameters[name]);
  });
})();
