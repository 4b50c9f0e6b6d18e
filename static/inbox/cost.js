// The cost of a text and its reason, as in templatetags/composer.py, and replacement of typographic characters.
"use strict";

(() => {
  const NAMED = 3; // characters
  const MUCH = 3; // segments
  const GSM7 = new Set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà\f^{}\\[~]|€");
  const UNSEEN = /[\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}\p{Mn}\p{Me}]/u;
  // The table of salesmsg.text.typed_plainly.
  const all = (chars, plain) => Array.from(chars, (char) => [char, plain]);
  const TYPOGRAPHIC = new Map([
    ...all("‘’‚‛′ʼ‹›", "'"), ...all("“”„‟″«»", '"'), ...all("‐‑‒–—―−", "-"),
    ...all("\t\u00a0\u2002\u2003\u2007\u2009\u200a\u202f", " "), ...all("\u00ad\u200b\u2060\ufeff", ""),
    ["…", "..."], ["•", "*"], ["·", "."], ["×", "x"], ["™", "(TM)"], ["©", "(c)"], ["®", "(R)"], ["⁄", "/"],
  ]);

  const plainly = (text) => Array.from(text, (char) => TYPOGRAPHIC.get(char) ?? char).join("");
  const isPlain = (text) => Array.from(text).every((char) => GSM7.has(char));
  const named = (char) => (
    UNSEEN.test(char) ? `U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}` : char
  );

  const cost = (text) => {
    const clean = text.replace(/\r\n?/g, "\n").trim();
    const size = window.portalSegments(clean);
    const sentences = [];
    if (size.segments > MUCH) {
      sentences.push(interpolate(gettext("This text uses %(segments)s segments."), { segments: size.segments }, true));
    }
    if (!size.plain) {
      const found = [...new Set(Array.from(clean).filter((char) => !GSM7.has(char)))];
      const characters = found.slice(0, NAMED).map(named).join(" ");
      const [number, plain] = size.segments === 1 ? [70, 160] : [67, 153];
      const said = found.length > NAMED
        ? gettext("Unicode: %(number)s characters per segment instead of %(plain)s, because of %(characters)s and others")
        : gettext("Unicode: %(number)s characters per segment instead of %(plain)s, because of %(characters)s");
      sentences.push(interpolate(said, { number, plain, characters }, true));
    }
    return { text: sentences.join(" "), much: size.segments > MUCH };
  };
  window.portalCost = cost;
  window.portalPlainly = plainly;

  document.addEventListener("portal:counted", () => {
    const area = document.getElementById("composer-text");
    const line = document.getElementById("composer-cost");
    if (!area || !line) return;
    const { text, much } = cost(area.value);
    const said = line.querySelector("[data-words]");
    if (said.textContent !== text) said.textContent = text;
    line.hidden = !text;
    line.toggleAttribute("data-long", much);
    // Offered only when it helps: with an emoji, the text stays Unicode even with plain quotes.
    line.querySelector("[data-plain]").hidden = isPlain(area.value) || !isPlain(plainly(area.value));
  });

  document.addEventListener("click", (event) => {
    const area = document.getElementById("composer-text");
    if (!area || !event.target.closest?.("#composer-cost [data-plain]")) return;
    const text = plainly(area.value);
    area.focus({ preventScroll: true });
    area.select();
    // Use the editing command, so that the user can undo it.
    if (!document.execCommand("insertText", false, text)) {
      area.value = text;
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
})();
