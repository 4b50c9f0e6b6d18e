"""What a look at a page cannot miss, in numbers: targets too small to hit, texts that are cut off or leave their box."""

# Smaller than 24 x 24 px (WCAG 2.5.8). A link inside a sentence is as high as its line; a tick box's label is pressed, too.
SMALL = """() => {
  const LEAST = 23.5;
  const name = (one) => [one.localName, ...one.classList].join(".");
  const where = (one) => `${name(one.parentElement)} > ${name(one)}: ${one.textContent.trim().slice(0, 40)}`;
  const big = ({width, height}) => width >= LEAST && height >= LEAST;
  const inSentence = (element) => {
    if (getComputedStyle(element).display !== "inline") return false;
    const words = (node) => node.textContent.trim().length;
    return [...element.parentElement.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && words(node) > 2);
  };
  return [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=option]")]
    .filter((element) => {
      const box = element.getBoundingClientRect();
      if (box.width <= 1 || box.height <= 1 || element.closest(".visually-hidden, .skip-link, .skip-to-content-link")) return false;
      if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) return false;
      const label = element.matches("[type=checkbox], [type=radio]") && element.labels?.[0];
      return !big(box) && !(label && big(label.getBoundingClientRect())) && !inSentence(element);
    })
    .map((element) => {
      const {width, height} = element.getBoundingClientRect();
      return `small (${Math.round(width)} x ${Math.round(height)}): ${where(element)}`;
    });
}"""
# Texts outside of what shows them: cut by a box that does not scroll and says nothing about it (dots and a title do),
# or out of the window. `scope` is a selector.
CUT = """(scope) => {
  const found = [];
  const name = (one) => [one.localName, ...one.classList].join(".");
  const where = (one) => `${name(one.parentElement)} > ${name(one)}: ${one.textContent.trim().slice(0, 40)}`;
  const seen = (element) => element.checkVisibility({opacityProperty: true, visibilityProperty: true});
  const walker = document.createTreeWalker(document.querySelector(scope) || document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const holder = node.parentElement;
    if (!node.data.trim() || holder.closest("script, style, option, noscript, .visually-hidden, .skip-link") || !seen(holder)) continue;
    range.selectNodeContents(node);
    const text = range.getBoundingClientRect();
    if (text.width < 2 || text.height < 2) continue;
    const tell = (what) => found.push(`${what}: ${where(holder)}`);
    let [scrolls, over] = [false, false];
    for (let outer = holder; outer && outer !== document.body; outer = outer.parentElement) {
      const style = getComputedStyle(outer);
      const box = outer.getBoundingClientRect();
      if (box.width <= 1 || style.clipPath !== "none") { scrolls = true; break; }
      const wide = text.right > box.right + 1 || text.left < box.left - 1;
      const high = text.bottom > box.bottom + 1.5 || text.top < box.top - 1.5;
      const boxed = style.display !== "inline" && (style.borderRightWidth !== "0px" || style.backgroundColor !== "rgba(0, 0, 0, 0)");
      if (/absolute|fixed/.test(style.position)) over = true;
      if (style.webkitLineClamp !== "none") { scrolls = true; break; }
      if (wide && /auto|scroll/.test(style.overflowX) || high && /auto|scroll/.test(style.overflowY)) { scrolls = true; break; }
      if (wide && style.overflowX !== "visible") {
        scrolls = true;
        if (style.textOverflow !== "ellipsis") tell("cut");
        else if (!outer.closest("[title], .row-link, .palette-option")) tell("dots without title");
        break;
      }
      if (high && style.overflowY !== "visible") { tell("cut below"); break; }
      if (boxed && !over && (wide || high)) { tell(wide ? "leaves its box" : "leaves its box below"); break; }
    }
    if (!scrolls && text.right > document.documentElement.clientWidth + 1) tell("out of the window");
  }
  return [...new Set(found)];
}"""
