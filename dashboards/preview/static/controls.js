// What a reader chooses above the panels: variables, time, how often it is asked again.

import { ALL } from "./choice.js";
import { make } from "./elements.js";
import { moment } from "./units.js";

// A model or policy is known by the first digits of its hash, as in the tables.
const named = (text) => (/^sha256:[0-9a-f]{64}$/.test(text) ? text.slice(0, 15) : text);

export function controls(place, page, choice, changed) {
  const variables = make("div", { className: "variables" });
  place.replaceChildren(variables, ...(page.timed ? [range(page, choice, changed)] : []), refreshing(page, choice, changed));
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details[open]")) if (!open.contains(event.target)) open.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of document.querySelectorAll("details[open]")) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  });
  return (options) => variables.replaceChildren(...page.variables.map((variable) => one(variable, options[variable.name] ?? [], page, choice, changed)));
}

function one(variable, options, page, choice, changed) {
  if (variable.name === "tenant" && page.pinned) return make("span", { className: "picked fixed" }, make("em", {}, variable.title), page.pinned);
  if (variable.typed) return typed(variable, choice, changed);
  const chosen = choice.vars[variable.name] ?? [];
  const known = new Set(options.map(([value]) => value));
  const listed = [...options, ...chosen.filter((value) => !known.has(value)).map((value) => [value, `${value} (not known)`])];
  const set = (values) => {
    if (values.length) choice.vars[variable.name] = values;
    else delete choice.vars[variable.name];
    changed();
  };
  const pick = (value) => () => {
    if (!variable.many) return set([value]);
    const now = choice.vars[variable.name] ?? [];
    return set(now.includes(value) ? now.filter((each) => each !== value) : [...now, value]);
  };
  const kind = variable.many ? "checkbox" : "radio";
  const box = (value, text, checked, onchange) => make("label", {}, make("input", { type: kind, name: `var-${variable.name}`, value, checked, onchange }), make("span", { title: text }, named(text)));
  const search = listed.length > 8 ? make("input", { type: "search", placeholder: "Find", ariaLabel: `Find a ${variable.title}` }) : null;
  const list = make("div", { className: "list" }, ...listed.map(([value, text]) => box(value, text, chosen.includes(value), pick(value))));
  search?.addEventListener("input", () => {
    for (const label of list.children) label.hidden = !label.textContent.toLowerCase().includes(search.value.toLowerCase());
  });
  const said = !chosen.length ? "All" : chosen.length === 1 ? (listed.find(([value]) => value === chosen[0])?.[1] ?? chosen[0]) : `${chosen.length} of ${listed.length}`;
  return make("details", { className: "pick", id: `var-${variable.name}`, open: document.getElementById(`var-${variable.name}`)?.open ?? false },
    make("summary", { className: "picked" }, make("em", {}, variable.title), make("b", {}, named(said))),
    make("div", { className: "menu" }, search, box(ALL, "All", !chosen.length, () => set([])), list));
}

function typed(variable, choice, changed) {
  const input = make("input", { type: "search", value: choice.vars[variable.name]?.[0] ?? "", placeholder: "id", autocomplete: "off", spellcheck: false, ariaLabel: variable.title });
  const set = () => {
    const value = input.value.trim();
    if (value) choice.vars[variable.name] = [value];
    else delete choice.vars[variable.name];
    changed();
  };
  input.addEventListener("change", set);
  return make("label", { className: "picked typed" }, make("em", {}, variable.title), input);
}

function range(page, choice, changed) {
  const local = (ms) => moment(ms).slice(0, 16).replace(" ", "T");
  const said = () => {
    const known = page.ranges.find(([since]) => since === choice.from && choice.to === "now");
    if (known) return known[1];
    const word = (text) => (/^\d+$/.test(text) ? moment(Number(text)).slice(0, 16) : text);
    return `${word(choice.from)} – ${word(choice.to)}`;
  };
  const words = make("b", {}, said());
  const begins = make("input", { type: "datetime-local", ariaLabel: "From" });
  const ends = make("input", { type: "datetime-local", ariaLabel: "To" });
  const menu = make("details", { className: "pick range", id: "range" });
  const set = (from, to) => {
    Object.assign(choice, { from, to, timed: true });
    menu.open = false;
    changed();
  };
  const own = make("form", { className: "own", onsubmit: (event) => {
    event.preventDefault();
    if (begins.value && ends.value) set(String(new Date(begins.value).getTime()), String(new Date(ends.value).getTime()));
  } }, make("label", {}, "From", begins), make("label", {}, "To", ends), make("button", { type: "submit" }, "Show"));
  menu.append(make("summary", { className: "picked" }, make("em", {}, "Time"), words),
    make("div", { className: "menu" },
      make("div", { className: "list" }, ...page.ranges.map(([since, text]) => make("button", { type: "button", onclick: () => set(since, "now") }, text))), own));
  menu.addEventListener("toggle", () => {
    if (!menu.open) return;
    const ms = (text, otherwise) => (/^\d+$/.test(text) ? Number(text) : otherwise);
    begins.value = local(ms(choice.from, Date.now() - 86400000));
    ends.value = local(ms(choice.to, Date.now()));
  });
  menu.said = () => words.replaceChildren(said());
  return menu;
}

function refreshing(page, choice, changed) {
  const often = make("select", { ariaLabel: "Ask again every", onchange: () => {
    Object.assign(choice, { refresh: often.value, refreshed: true });
    changed();
  } }, ...[...new Set([...page.refreshes, choice.refresh])].map((each) => make("option", { value: each, selected: each === choice.refresh }, each)));
  return make("span", { className: "again" },
    make("button", { type: "button", id: "again", title: "Ask again now", ariaLabel: "Ask again now", onclick: changed }, "⟳"), often);
}

export const told = (page, choice) => [
  ...page.variables.map(({ name, title }) => `${title}: ${name === "tenant" && page.pinned ? page.pinned : (choice.vars[name] ?? ["all"]).join(", ")}`),
  ...(page.timed ? [document.querySelector("#range b").textContent] : []),
  `printed ${moment(Date.now())}`,
].join(" · ");
