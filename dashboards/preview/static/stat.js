// One figure, in its thresholds' colour, over the line that led to it.

import { css, ofThreshold } from "./colours.js";
import { heading } from "./columns.js";
import { draw, make } from "./elements.js";
import { shown } from "./units.js";

export function stat(body, panel, answer) {
  const units = Object.fromEntries(panel.units);
  const time = answer.columns.findIndex(({ type }) => type === "time");
  const rows = time < 0 ? answer.rows : [...answer.rows].sort((a, b) => a[time] - b[time]);
  const numbers = answer.columns.map((column, index) => ({ ...column, index })).filter(({ type }) => type === "number");
  const figures = numbers.map(({ name, index }) => {
    const values = rows.map((row) => row[index]);
    const value = values.findLast((each) => each !== null) ?? null;
    const colour = ofThreshold(value, panel.thresholds);
    return make("div", { className: `figure ${colour ? `c-${colour}` : ""}` },
      make("strong", { title: value === null ? "" : String(value) }, shown(value, units[name] ?? panel.unit, panel.decimals)),
      numbers.length > 1 ? make("span", {}, heading(name)) : null,
      colour === "red" && panel.when_red ? make("small", {}, panel.when_red) : null);
  });
  body.replaceChildren(make("div", { className: `figures n${Math.min(figures.length, 4)}` }, ...figures));
  if (time >= 0 && rows.length > 1 && numbers.length === 1) body.append(sparkline(rows.map((row) => row[numbers[0].index])));
}

function sparkline(values) {
  const known = values.filter((value) => value !== null);
  const low = Math.min(...known);
  const spread = Math.max(...known) - low || 1;
  const points = values.map((value, index) =>
    value === null ? null : `${((100 * index) / (values.length - 1)).toFixed(2)},${(28 - (26 * (value - low)) / spread).toFixed(2)}`);
  const line = points.filter(Boolean).join(" ");
  return draw("svg", { class: "sparkline", viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" },
    draw("polygon", { points: `0,30 ${line} 100,30` }),
    draw("polyline", { points: line, stroke: css("series-1") }));
}
