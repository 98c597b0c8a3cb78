// Rows, sorted by the heading that is pressed; some columns lead to other dashboards. On a narrow page a row that does
// not fit is a card.

import { address, parameters } from "./choice.js";
import { ofThreshold, outcome } from "./colours.js";
import { decimals, heading, spaced } from "./columns.js";
import { make } from "./elements.js";
import { overflowing } from "./overflow.js";
import { shown } from "./units.js";

const sorted = new Map();
const STEP = 200;
const NARROW = matchMedia("(max-width: 640px)");
const LONG = 60;
const OUTCOMES = ["approve", "refer", "decline"];

export function table(body, panel, answer, choice) {
  const units = Object.fromEntries(panel.units);
  const links = Object.fromEntries(panel.links);
  const kept = answer.columns.map((column, index) => ({ ...column, index })).filter(({ name, index }) => !(panel.once.includes(name) && answer.rows.every((row) => row[index] === answer.rows[0][index])));
  const whole = answer.columns.map((_, index) => answer.rows.every((row) => row[index] === null || Number.isInteger(row[index])));
  const order = sorted.get(panel.id);
  const rows = order ? [...answer.rows].sort(by(order)) : answer.rows;
  const again = (index, falls) => {
    sorted.set(panel.id, { index, falls });
    table(body, panel, answer, choice);
  };
  const turned = ({ index, type }) => (type === "number" ? order?.index !== index || !order.falls : order?.index === index && !order.falls);
  const head = make("tr", { role: "row" }, ...kept.map((column) => {
    const mine = order?.index === column.index;
    return make("th", { className: column.type, role: "columnheader", scope: "col", "aria-sort": mine ? (order.falls ? "descending" : "ascending") : "none" },
      make("button", { type: "button", onclick: () => again(column.index, turned(column)) }, make("span", { className: "name" }, heading(column.name)),
        make("span", { className: "order", "aria-hidden": "true" }, mine ? (order.falls ? "▼" : "▲") : "")));
  }));
  const cell = (row, { name, type, index }) => {
    const value = row[index];
    const unit = units[name] ?? (type === "time" ? "dateTimeAsIso" : panel.unit);
    const exact = type === "number" && !(whole[index] && unit !== "percentunit");
    const text = shown(spaced(name, value), unit, exact ? decimals(name) ?? panel.decimals ?? undefined : undefined);
    const meant = type === "text" && OUTCOMES.includes(value) ? outcome(value) : null;
    const leads = links[name] && value !== null && value !== "";
    const colour = panel.coloured.includes(name) ? ofThreshold(value, panel.thresholds) : null;
    const child = leads
      ? make("a", { href: address(links[name], parameters(choice, { more: { [name]: [String(value)], ...carried(row) } })) }, text)
      : meant ? make("span", { className: `chip ${meant}` }, text) : text;
    const full = text === value ? null : String(value);
    return make("td", { className: [type, colour ? `c-${colour}` : "", text.length > LONG ? "long" : ""].join(" "), role: "cell", "data-heading": heading(name), title: type === "text" ? full : null }, child);
  };
  const carried = (row) => Object.fromEntries(answer.columns.map(({ name }, index) => [name, row[index]]).filter(([name, value]) => panel.carries.includes(name) && value !== null).map(([name, value]) => [name, [String(value)]]));
  const line = (row) => make("tr", { role: "row" }, ...kept.map((column) => cell(row, column)));
  const content = make("tbody", { role: "rowgroup" }, ...rows.slice(0, STEP).map(line));
  const more = rows.length > STEP ? make("button", { type: "button", className: "more" }, `Show all ${rows.length} rows`) : null;
  more?.addEventListener("click", () => {
    content.append(...rows.slice(STEP).map(line));
    more.remove();
  });
  const place = body.querySelector(".scroll")?.scrollTop ?? 0;
  const scroll = make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: panel.title },
    make("table", { role: "table" }, make("thead", { role: "rowgroup" }, head), content), more);
  const cue = make("p", { className: "cue", hidden: true });
  body.replaceChildren(scroll, cue);
  if (NARROW.matches && scroll.scrollWidth > scroll.clientWidth + 1) {
    scroll.classList.add("cards");
    if (rows.length > 2) scroll.before(sorting(kept, order, again));
  }
  scroll.scrollTop = place;
  overflowing(scroll, cue);
}

// Cards have no headings to press.
function sorting(kept, order, again) {
  const ways = kept.flatMap(({ name, index }) => [false, true].map((falls) => ({ index, falls, said: `${heading(name)} ${falls ? "▼" : "▲"}` })));
  const select = make("select", { onchange: () => again(ways[select.value].index, ways[select.value].falls) },
    ...(order ? [] : [make("option", { value: "", selected: true }, "as they come")]),
    ...ways.map(({ index, falls, said }, way) => make("option", { value: String(way), selected: order?.index === index && order.falls === falls }, said)));
  return make("label", { className: "sorts" }, "Sorted by ", select);
}

const by = ({ index, falls }) => (a, b) => {
  const [x, y] = [a[index], b[index]];
  if (x === null || y === null) return (x === null) - (y === null);
  const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
  return falls ? -order : order;
};
