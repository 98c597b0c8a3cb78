// What of a table is out of sight: told below it, and faded at the edge where it goes on.

import { make } from "./elements.js";

const NEAR = 2;
const watched = new WeakMap();

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) watched.get(target)?.();
});

const many = (count, what) => `${count} more ${what}${count === 1 ? "" : "s"}`;

// `scroll` holds the table, `cue` is the line below it.
export function overflowing(scroll, cue) {
  const rows = [...scroll.querySelectorAll("tbody tr")];
  const heads = [...scroll.querySelectorAll("th")];
  const tell = () => {
    const place = scroll.getBoundingClientRect();
    const wide = scroll.scrollWidth > scroll.clientWidth + NEAR;
    const long = scroll.scrollHeight > scroll.clientHeight + NEAR;
    const right = wide ? heads.filter((head) => head.getBoundingClientRect().right > place.right + NEAR).length : 0;
    const below = long ? [...scroll.querySelectorAll("tbody tr")].filter((row) => row.getBoundingClientRect().bottom > place.bottom + NEAR).length : 0;
    scroll.classList.toggle("wide", wide);
    scroll.classList.toggle("right", right > 0);
    scroll.classList.toggle("below", below > 0);
    cue.hidden = !wide && !long;
    const go = (text, label, by) => make("button", { type: "button", tabIndex: -1, title: label, onclick: () => scroll.scrollBy({ ...by, behavior: "smooth" }) }, text);
    cue.replaceChildren(...[
      below ? go(`↓ ${many(below, "row")}`, "Further down", { top: scroll.clientHeight * 0.8 }) : null,
      right ? go(`→ ${many(right, "column")}`, "Further right", { left: scroll.clientWidth * 0.7 }) : null,
      !below && !right ? make("span", {}, long ? `all ${rows.length} rows, to the end` : "to the last column") : null,
    ].filter(Boolean));
  };
  watched.set(scroll, tell);
  sizes.observe(scroll);
  scroll.addEventListener("scroll", tell, { passive: true });
  tell();
}
