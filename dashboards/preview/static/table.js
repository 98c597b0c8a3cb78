// Rows, sorted by the heading that is pressed; some columns lead to other dashboards.

import { address, parameters } from "./choice.js";
import { ofThreshold, outcome } from "./colours.js";
import { make } from "./elements.js";
import { shown } from "./units.js";

const sorted = new Map();
const STEP = 200;
const OUTCOMES = ["approve", "refer", "decline"];

export function table(body, panel, answer, choice) {
  const units = Object.fromEntries(panel.units);
  const links = Object.fromEntries(panel.links);
  const whole = answer.columns.map((_, index) => answer.rows.every((row) => row[index] === null || Number.isInteger(row[index])));
  const order = sorted.get(panel.id);
  const rows = order ? [...answer.rows].sort(by(order)) : answer.rows;
  const again = (index) => () => {
    const falls = answer.columns[index].type === "number" ? order?.index !== index || !order.falls : order?.index === index && !order.falls;
    sorted.set(panel.id, { index, falls });
    table(body, panel, answer, choice);
  };
  const head = make("tr", {}, ...answer.columns.map(({ name, type }, index) => {
    const mine = order?.index === index;
    return make("th", { className: type, scope: "col", "aria-sort": mine ? (order.falls ? "descending" : "ascending") : "none" },
      make("button", { type: "button", onclick: again(index) }, make("span", { className: "name" }, name.replaceAll("_", " ")),
        make("span", { className: "order", "aria-hidden": "true" }, mine ? (order.falls ? "▼" : "▲") : "")));
  }));
  const line = (row) => make("tr", {}, ...row.map((value, index) => {
    const { name, type } = answer.columns[index];
    const unit = units[name] ?? (type === "time" ? "dateTimeAsIso" : panel.unit);
    const text = shown(value, unit, type === "number" && !(whole[index] && unit !== "percentunit") ? panel.decimals : undefined);
    const meant = type === "text" && OUTCOMES.includes(value) ? outcome(value) : null;
    const leads = links[name] && value !== null && value !== "";
    const colour = type === "number" && answer.columns.filter((each) => each.type === "number").length === 1 ? ofThreshold(value, panel.thresholds) : null;
    const child = leads
      ? make("a", { href: address(links[name], parameters(choice, { more: { [name]: [String(value)] } })) }, text)
      : meant ? make("span", { className: `chip ${meant}` }, text) : text;
    return make("td", { className: `${type} ${colour ? `c-${colour}` : ""}`, title: text.length > 40 ? text : null }, child);
  }));
  const content = make("tbody", {}, ...rows.slice(0, STEP).map(line));
  const more = rows.length > STEP ? make("button", { type: "button", className: "more" }, `Show all ${rows.length} rows`) : null;
  more?.addEventListener("click", () => {
    content.append(...rows.slice(STEP).map(line));
    more.remove();
  });
  const place = body.querySelector(".scroll")?.scrollTop ?? 0;
  const scroll = make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: panel.title },
    make("table", {}, make("thead", {}, head), content), more);
  body.replaceChildren(scroll);
  scroll.scrollTop = place;
}

const by = ({ index, falls }) => (a, b) => {
  const [x, y] = [a[index], b[index]];
  if (x === null || y === null) return (x === null) - (y === null);
  const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
  return falls ? -order : order;
};
