// Pictures to send: chosen, pasted or dropped, with previews. The file input holds the files.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const input = () => byId("composer-pictures");
  const shown = new Map(); // preview URL -> file

  const megabytes = (bytes) => (bytes / 1048576).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });

  const problem = (message) => {
    const place = byId("pictures-out-problem");
    if (!place) return;
    place.textContent = message;
    place.hidden = !message;
  };

  // The reason these files cannot be sent together. The server checks again.
  const refusal = (files, field) => {
    const [count, bytes] = [Number(field.dataset.count), Number(field.dataset.bytes)];
    const other = files.find((file) => !field.accept.split(",").includes(file.type));
    if (other) return interpolate(gettext("“%s” cannot be sent. Choose a JPEG, PNG or GIF picture."), [other.name]);
    if (files.length > count) {
      return interpolate(ngettext("You can send only %s picture with a text.", "You can send at most %s pictures with a text.", count), [count]);
    }
    if (files.reduce((sum, file) => sum + file.size, 0) > bytes) {
      return interpolate(gettext("The pictures are larger than %s MB in total. Choose smaller pictures or send them one by one."), [megabytes(bytes)]);
    }
    return "";
  };

  const keep = (files) => {
    const field = input();
    const all = new DataTransfer();
    files.forEach((file) => all.items.add(file));
    field.files = all.files;
    draw();
  };

  const add = (files) => {
    const field = input();
    if (!field || field.disabled) return;
    const together = [...(field.portalKept ?? []), ...files];
    const why = refusal(together, field);
    problem(why || field.dataset.unreachable);
    keep(why ? (field.portalKept ?? []) : together);
  };

  const draw = () => {
    const field = input();
    const list = byId("pictures-out");
    if (!field || !list) return;
    field.portalKept = Array.from(field.files);
    const rows = new Map(Array.from(list.children).map((row) => [row.dataset.url, row]));
    rows.forEach((row, url) => {
      if (field.portalKept.includes(shown.get(url))) return;
      URL.revokeObjectURL(url);
      shown.delete(url);
      row.remove();
    });
    const known = Array.from(shown.values());
    field.portalKept.filter((file) => !known.includes(file)).forEach((file) => list.append(preview(file)));
    list.hidden = !list.children.length;
  };

  const preview = (file) => {
    const url = URL.createObjectURL(file);
    shown.set(url, file);
    const row = document.createElement("li");
    row.className = "picture-out";
    row.dataset.url = url;
    const image = document.createElement("img");
    image.src = url;
    image.alt = file.name;
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", interpolate(gettext("Remove %s"), [file.name]));
    button.append(byId("pictures-out-icon").content.cloneNode(true));
    row.append(image, button);
    return row;
  };

  document.addEventListener("change", (event) => {
    if (event.target.id === "composer-pictures") add(Array.from(event.target.files));
  });

  document.addEventListener("click", (event) => {
    const row = event.target.closest(".picture-out button")?.closest(".picture-out");
    if (!row) return;
    const next = row.nextElementSibling ?? row.previousElementSibling;
    keep(input().portalKept.filter((file) => file !== shown.get(row.dataset.url)));
    problem("");
    (next?.isConnected ? next.querySelector("button") : byId("composer-text"))?.focus();
  });

  const pictures = (transfer) => Array.from(transfer?.files ?? []);

  document.addEventListener("paste", (event) => {
    const files = pictures(event.clipboardData);
    if (event.target.id !== "composer-text" || !files.length || event.clipboardData.getData("text/plain")) return;
    event.preventDefault();
    add(files);
  });

  const over = (event) => (event.dataTransfer?.types.includes("Files") ? event.target.closest?.(".thread")?.querySelector("#composer") : null);
  document.addEventListener("dragover", (event) => {
    const composer = over(event);
    if (!composer || !input()) return;
    event.preventDefault();
    composer.dataset.dropping = "";
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget?.closest?.(".thread")) delete byId("composer")?.dataset.dropping;
  });
  document.addEventListener("drop", (event) => {
    const composer = over(event);
    if (!composer || !input()) return;
    event.preventDefault();
    delete composer.dataset.dropping;
    add(pictures(event.dataTransfer));
  });

  let underway = []; // the pictures being sent; pictures added since stay
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt.id === "composer") underway = input()?.portalKept ?? [];
  });
  document.addEventListener("portal:sent", () => {
    if (!input()) return;
    keep((input().portalKept ?? []).filter((file) => !underway.includes(file)));
    underway = [];
    problem("");
  });
})();
