// A dashboard's page: asks for every panel, draws what comes, and asks again.

import { ask, inTurn } from "./asking.js";
import { barchart, timeseries } from "./chart.js";
import { address, parameters, read } from "./choice.js";
import { controls, told } from "./controls.js";
import { make } from "./elements.js";
import { stat } from "./stat.js";
import { table } from "./table.js";
import { moment } from "./units.js";

const page = JSON.parse(document.getElementById("page").textContent);
const choice = read(page);
const drawn = new Map();
let asking = null;
let timer = null;
let marks = Promise.resolve([]);

const DRAW = {
  stat: (body, panel, answer) => stat(body, panel, answer),
  table: (body, panel, answer) => table(body, panel, answer, choice),
  barchart: (body, panel, answer) => barchart(body, panel, answer),
  timeseries: async (body, panel, answer) => timeseries(body, panel, answer, await marks, zoom),
};

function zoom(from, to) {
  Object.assign(choice, { from: String(Math.round(from)), to: String(Math.round(to)), timed: true });
  changed();
}

async function show(panel, answer) {
  const article = document.getElementById(panel.id);
  const body = article.querySelector(".body");
  article.classList.remove("asked");
  const silent = answer.error ?? answer.why;
  if (silent) {
    article.dataset.state = answer.error ? "error" : "empty";
    body.replaceChildren(make("p", { className: answer.error ? "failed" : "nothing" }, silent));
    return;
  }
  drawn.set(panel.id, answer);
  if (article.dataset.state !== "drawn") body.replaceChildren();
  try {
    await DRAW[panel.kind](body, panel, answer);
    for (const old of body.querySelectorAll(":scope > .note")) old.remove();
    body.append(...answer.notes.map((text) => make("p", { className: "note" }, text)));
    article.dataset.state = "drawn";
  } catch (error) {
    article.dataset.state = "error";
    body.replaceChildren(make("p", { className: "failed" }, "This panel could not be drawn. Please report it, with its title."));
    console.error(error);
  }
}

async function load() {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  clearTimeout(timer);
  const begun = performance.now();
  const asked = parameters(choice, { whole: true });
  let told;
  marks = new Promise((resolve) => (told = resolve));
  for (const article of document.querySelectorAll(".panel")) article.classList.add("asked");
  const works = [
    async () => {
      const answer = await ask(`/api/${page.uid}/variables`, asked, signal);
      if (answer?.options) listed(answer.options);
    },
    async () => told((page.marks.length ? (await ask(`/api/${page.uid}/marks`, asked, signal))?.marks : null) ?? []),
    ...page.panels.map((panel) => async () => {
      const own = new URLSearchParams(asked);
      const wide = document.getElementById(panel.id).clientWidth;
      own.set("points", String(Math.max(50, Math.round(wide / 4))));
      const answer = await ask(`/api/${page.uid}/panels/${panel.id}`, own, signal);
      if (answer && !signal.aborted) await show(panel, answer);
    }),
  ];
  await inTurn(works);
  if (signal.aborted) return;
  const took = Math.round(performance.now() - begun);
  document.getElementById("asked").textContent = `asked at ${moment(Date.now()).slice(11)}`;
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
  document.documentElement.dataset.took = String(took);
  document.querySelector(".bar").classList.remove("asking");
  again();
}

function again() {
  clearTimeout(timer);
  const found = /^(\d+)([smh])$/.exec(choice.refresh);
  if (!found) return;
  const ms = Number(found[1]) * { s: 1000, m: 60000, h: 3600000 }[found[2]];
  timer = setTimeout(() => (document.hidden ? again() : load()), ms);
}

function changed() {
  history.replaceState(null, "", address(page.uid, parameters(choice)));
  linked();
  document.getElementById("range")?.said();
  load();
}

// The other dashboards show the same banks and the same time.
function linked() {
  for (const link of document.querySelectorAll("a[data-dashboard]")) {
    const uid = new URL(link.href).pathname.split("/").at(-1);
    link.href = address(uid, parameters(choice));
  }
}

async function redraw() {
  for (const panel of page.panels) {
    if (document.getElementById(panel.id).dataset.state === "drawn") await show(panel, drawn.get(panel.id));
  }
}

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("loanstream-theme", root.dataset.theme);
  } catch {
    // A browser that keeps nothing keeps the theme for this page.
  }
  redraw();
});

let before = null;
addEventListener("beforeprint", () => {
  before = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  document.documentElement.classList.add("paper");
  document.getElementById("printed").textContent = told(page, choice);
  redraw();
});
addEventListener("afterprint", () => {
  document.documentElement.dataset.theme = before ?? "light";
  document.documentElement.classList.remove("paper");
  redraw();
});
document.addEventListener("visibilitychange", () => document.hidden || load());

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "this computer's time";
document.getElementById("zone").textContent = `Times are ${zone}.`;
const listed = controls(document.getElementById("controls"), page, choice, changed);
listed({});
linked();
document.querySelector("nav [aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
load();
