// Lines, areas and bars, drawn by plotly in the page's own colours.

import { css, ofSeries } from "./colours.js";
import { heading, spaced } from "./columns.js";
import { moment, shown } from "./units.js";

export const plotly = new Promise((resolve, reject) => {
  const script = document.getElementById("plotly");
  if (window.Plotly) resolve(window.Plotly);
  script.addEventListener("load", () => resolve(window.Plotly));
  script.addEventListener("error", () => reject(new Error("plotly")));
});

const CONFIG = { displayModeBar: false, responsive: true, displaylogo: false, doubleClick: false, showTips: false };

// Columns of numbers are series; a text column beside the first names series in long form.
function seriesOf(answer, first) {
  const rest = answer.columns.map((column, index) => ({ ...column, index })).filter(({ index }) => index !== first);
  const label = rest.find(({ type }) => type === "text");
  const numbers = rest.filter(({ type }) => type === "number");
  if (!label) return numbers.map(({ name, index }) => ({ name, said: heading(name), points: answer.rows.map((row) => [row[first], row[index]]) }));
  const found = new Map();
  for (const row of answer.rows) {
    for (const { name, index } of numbers) {
      const series = numbers.length > 1 ? `${row[label.index]} ${name}` : String(row[label.index]);
      if (!found.has(series)) found.set(series, []);
      found.get(series).push([row[first], row[index]]);
    }
  }
  return [...found].map(([name, points]) => ({ name, said: name.replaceAll("_", " "), points }));
}

function frame(panel, many) {
  const text = css("soft");
  const line = css("line");
  return {
    autosize: true,
    margin: { l: 8, r: 10, t: 8, b: many ? 46 : 24 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: css("font"), size: 12, color: text },
    showlegend: many,
    legend: { orientation: "h", x: 0, yref: "container", y: 0, yanchor: "bottom", font: { size: 12 }, itemclick: "toggle", itemdoubleclick: "toggleothers" },
    hoverlabel: { bgcolor: css("raised"), bordercolor: line, font: { color: css("text"), family: css("font"), size: 12 }, align: "left", namelength: -1 },
    xaxis: { gridcolor: line, linecolor: line, zeroline: false, automargin: true, fixedrange: true, ticks: "" },
    yaxis: { gridcolor: line, zerolinecolor: line, automargin: true, fixedrange: true, rangemode: "tozero", ticksuffix: " " },
    dragmode: false,
  };
}

function valueAxis(place, panel, [lowest, highest], room = 1.06, few = false) {
  const whole = panel.unit === "percentunit" && panel.stacked && highest > 0.98 && highest < 1.001;
  const above = whole ? [0, 0.25, 0.5, 0.75, 1] : round(Math.max(highest, -lowest), panel.unit, few ? 3 : 5);
  const ticks = lowest < 0 ? [...above.slice(1).map((tick) => -tick).reverse(), ...above] : above;
  Object.assign(place, { tickvals: ticks, ticktext: ticks.map((value) => shown(value, panel.unit, places(above, panel.unit))), range: [lowest * room, whole ? 1 : highest * room || (lowest < 0 ? 0 : 1)] });
}

// As many decimals as the ticks' step needs, the same for all of them.
function places(ticks, unit) {
  if (!["short", "none", "percentunit", "ops", "cps"].includes(unit) || ticks.at(-1) >= 1e5) return undefined;
  const step = ticks[1] * (unit === "percentunit" ? 100 : 1);
  return [0, 1, 2, 3, 4].find((each) => Math.abs(step * 10 ** each - Math.round(step * 10 ** each)) < 1e-6) ?? 4;
}

// A few values between nought and the highest that are round in their unit.
function round(highest, unit, count) {
  if (!(highest > 0)) return [0, 1];
  const base = unit === "bytes" ? 1024 ** Math.floor(Math.log(highest) / Math.log(1024)) : unit === "s" && highest > 120 ? (highest > 7200 ? 3600 : 60) : unit === "ms" && highest > 120000 ? 60000 : 1;
  const exact = highest / base / count;
  const power = 10 ** Math.floor(Math.log10(exact));
  const step = [1, 2, 5, 10].find((each) => each * power >= exact) * power * base;
  return Array.from({ length: Math.floor(highest / step) + 2 }, (_, index) => index * step);
}

export async function timeseries(body, panel, answer, marks, zoom) {
  const Plotly = await plotly;
  const first = Math.max(answer.columns.findIndex(({ type }) => type === "time"), 0);
  const series = seriesOf(answer, first);
  if (panel.stacked && panel.unit === "short") nothingBetween(series, answer);
  const colours = ofSeries(series.map(({ name }) => name));
  const few = answer.rows.length < 40 || series.some(({ points }) => points.length < 3);
  const traces = series.map(({ said, points }, index) => ({
    type: "scatter",
    mode: few ? "lines+markers" : "lines",
    name: said,
    x: points.map(([x]) => moment(x)),
    y: points.map(([, y]) => y),
    customdata: points.map(([, y]) => shown(y, panel.unit, panel.decimals)),
    hovertemplate: "%{customdata}",
    line: { color: colours[index], width: 2 },
    marker: { size: 5, color: colours[index] },
    ...(panel.stacked ? { stackgroup: "one", fillcolor: faint(colours[index], 0.55), line: { color: colours[index], width: 1 } } : {}),
    ...(!panel.stacked && series.length === 1 ? { fill: "tozeroy", fillcolor: faint(colours[index], 0.12) } : {}),
  }));
  const layout = frame(panel, series.length > 1);
  Object.assign(layout.xaxis, { type: "date", range: [moment(answer.from_ms), moment(answer.to_ms)], fixedrange: false, nticks: body.clientWidth < 480 ? 4 : 8, hoverformat: "%d %b %Y, %H:%M", tickformat: ticks(answer.to_ms - answer.from_ms) });
  layout.hovermode = "x unified";
  layout.dragmode = "zoom";
  const bounds = reach(series, panel.stacked);
  valueAxis(layout.yaxis, panel, bounds);
  layout.shapes = [...limits(panel, bounds[1]), ...marks.map(({ time, colour }) => ({
    type: "line", xref: "x", yref: "paper", x0: moment(time), x1: moment(time), y0: 0, y1: 1,
    line: { color: css(`c-${colour}`), width: 1.5, dash: "dash" },
  }))];
  layout.annotations = marks.map(({ time, title, text, tags, colour }) => ({
    x: moment(time), xref: "x", y: 1, yref: "paper", yanchor: "bottom", text: "▼", showarrow: false, font: { size: 11, color: css(`c-${colour}`) },
    captureevents: true, hovertext: [moment(time), title, text, tags.join(", ")].filter(Boolean).map(plain).join("<br>"),
  }));
  if (marks.length) layout.margin.t = 18;
  const place = canvas(body);
  // Its names lie below each other on a narrow page, and the chart keeps its height.
  place.style.minHeight = body.clientWidth < 480 && series.length > 3 ? `${150 + 19 * series.length}px` : "";
  await Plotly.react(place, traces, layout, CONFIG);
  place.removeAllListeners?.("plotly_relayout");
  place.on("plotly_relayout", (change) => {
    const [from, to] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (from && to) zoom(new Date(String(from).replace(" ", "T")).getTime(), new Date(String(to).replace(" ", "T")).getTime());
  });
}

const DAY = 86400000;

const ticks = (length) => (length <= 900000 ? "%H:%M:%S" : length <= 1.5 * DAY ? "%H:%M" : length <= 4 * DAY ? "%d %b %H:%M" : length <= 300 * DAY ? "%d %b" : "%b %Y");

// Counts have no row where nothing was counted: there they are nought, and no line leads across.
function nothingBetween(series, answer) {
  const times = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const steps = times.slice(1).map((time, index) => time - times[index]);
  const step = Math.max(answer.interval_ms, Math.min(...steps));
  const added = times.slice(1).flatMap((time, index) => (time - times[index] > 1.5 * step ? [times[index] + step, time - step] : []));
  for (const each of series) {
    const known = new Set(each.points.map(([x]) => x));
    each.points = [...each.points, ...[...times, ...new Set(added)].filter((x) => !known.has(x)).map((x) => [x, 0])].sort((a, b) => a[0] - b[0]);
  }
}

export async function barchart(body, panel, answer) {
  const Plotly = await plotly;
  const first = Math.max(answer.columns.findIndex(({ type }) => type !== "number"), 0);
  const series = seriesOf(answer, first);
  const wide = body.clientWidth;
  const label = (value) => (answer.columns[first].type === "time" ? moment(value).replace(" 00:00:00", "") : value === "" ? "(none)" : String(spaced(answer.columns[first].name, value)));
  const categories = [...new Set(answer.rows.map((row) => label(row[first])))];
  const longest = Math.max(...categories.map((each) => each.length));
  const lying = longest > (wide < 480 ? 8 : 12) || (longest > 5 && (longest * 7 + 10) * categories.length > wide);
  const each = (lying ? body.clientHeight - 70 : wide - 60) / categories.length;
  const byOutcome = series.length === 1 ? ofSeries(categories).map((colour, index) => (named(categories[index]) ? colour : css("series-1"))) : null;
  const colours = ofSeries(series.map(({ name }) => name));
  const traces = series.map(({ said: named, points }, index) => {
    const [at, values] = [points.map(([x]) => label(x)), points.map(([, y]) => y)];
    const said = points.map(([, y]) => shown(y, panel.unit, panel.decimals));
    return {
      type: "bar",
      name: named,
      orientation: lying ? "h" : "v",
      x: lying ? values : at,
      y: lying ? at : values,
      customdata: said,
      text: series.length === 1 && each > 14 && categories.length <= 14 ? said : undefined,
      textposition: "outside",
      cliponaxis: false,
      hovertemplate: `${lying ? "%{y}" : "%{x}"}: %{customdata}<extra>${series.length > 1 ? plain(named) : ""}</extra>`,
      marker: { color: byOutcome ?? colours[index], line: { width: 0 } },
    };
  });
  const layout = frame(panel, series.length > 1);
  layout.barmode = panel.stacked ? "stack" : "group";
  layout.bargap = Math.max(0.25, 1 - 44 / each);
  const [names, values] = lying ? [layout.yaxis, layout.xaxis] : [layout.xaxis, layout.yaxis];
  if (lying) Object.assign(layout.yaxis, { autorange: "reversed", rangemode: "normal" });
  Object.assign(names, { type: "category", categoryorder: "array", categoryarray: categories, showgrid: false, dtick: lying ? 1 : Math.ceil((Math.max(longest, 2) * 7 + 10) / each) });
  values.rangemode = "tozero";
  const labels = traces.flatMap(({ text }) => text ?? []);
  valueAxis(values, panel, reach(series, panel.stacked), labels.length ? (lying ? besides(labels, wide - longest * 7 - 40) : 1.16) : 1.04, lying && wide < 480);
  await Plotly.react(canvas(body), traces, layout, CONFIG);
}

// How much longer than its bars an axis of so many pixels is, for a value to stand beside the longest of them.
const besides = (labels, width) => Math.min(2, Math.max(1.2, width / Math.max(1, width - 7 * Math.max(...labels.map((each) => each.length)) - 12)));

const named = (name) => css("approve") && ["approve", "refer", "decline", "approved", "referred", "declined", "match", "mismatch"].includes(String(name).toLowerCase());

// Dotted lines where a value becomes orange or red, if they are near enough to be seen.
const limits = (panel, highest) =>
  panel.thresholds.filter(([from, colour]) => from > 0 && from <= highest * 1.5 && ["orange", "red"].includes(colour)).map(([from, colour]) => ({
    type: "line", xref: "paper", yref: "y", x0: 0, x1: 1, y0: from, y1: from, line: { color: css(`c-${colour}`), width: 1, dash: "dot" },
  }));

// The lowest and the highest value, nought between them.
function reach(series, stacked) {
  const sums = new Map();
  for (const [place, { points }] of series.entries()) {
    for (const [x, y] of points) {
      const key = stacked ? x : `${place} ${x}`;
      sums.set(key, (sums.get(key) ?? 0) + (y ?? 0));
    }
  }
  let [lowest, highest] = [0, 0];
  for (const value of sums.values()) [lowest, highest] = [Math.min(lowest, value), Math.max(highest, value)];
  return [lowest, highest];
}

function canvas(body) {
  let place = body.querySelector(":scope > .chart");
  if (!place) {
    place = document.createElement("div");
    place.className = "chart";
    place.setAttribute("role", "img");
    place.setAttribute("aria-labelledby", `${body.parentElement.id}-title`);
    body.replaceChildren(place);
  }
  return place;
}

function faint(colour, share) {
  const parts = colour.match(/^#(..)(..)(..)$/);
  return parts ? `rgba(${parts.slice(1).map((part) => parseInt(part, 16)).join(",")},${share})` : colour;
}

// Plotly reads a few tags in its texts: what comes from a record has none.
const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
