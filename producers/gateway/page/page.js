"use strict";
// Shows /openapi.json, and sends what a person fills in. Every text is set as text: nothing becomes markup.

const by = (id) => document.getElementById(id);

function made(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// A description's `code` as code: its texts and elements, to be appended.
const said = (text) => (text || "").split(/`([^`]+)`/).map((part, at) => (at % 2 ? made("code", {}, part) : part));

const lines = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

async function start() {
  const api = await (await fetch("/openapi.json")).json();
  by("title").textContent = `${api.info.title} gateway, version ${api.info.version}`;
  by("summary").replaceChildren(...said(api.info.summary));
  by("about").replaceChildren(...said(api.info.description));
  const scheme = (api.components.securitySchemes || {}).oauth2;
  by("credentials").addEventListener("submit", (event) => {
    event.preventDefault();
    getToken(scheme.flows.clientCredentials.tokenUrl);
  });
  const sections = new Map(api.tags.map((tag) => [tag.name, made("section", {}, made("h2", {}, tag.name), made("p", {}, ...said(tag.description)))]));
  for (const [path, operations] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      sections.get(operation.tags[0]).append(shown(api, path, method, operation));
    }
  }
  by("operations").replaceChildren(...[...sections.values()].filter((section) => section.querySelector("details")));
}

async function getToken(url) {
  // In the form, not in a header: so the provider need not answer a browser's question beforehand, only allow the
  // origin of this page in its answer.
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: by("client_id").value,
    client_secret: by("client_secret").value,
  });
  try {
    const answer = await fetch(url, { method: "POST", body: form });
    const found = await answer.json();
    by("access_token").value = found.access_token || "";
    by("told").textContent = found.access_token ? `a token for: ${found.scope || "(no scope said)"}` : lines(found);
  } catch {
    by("told").textContent =
      `${url} is not there, or does not let this page read its answer (Access-Control-Allow-Origin). ` +
      `Get a token there and paste it: curl -u CLIENT_ID -d grant_type=client_credentials ${url}`;
  }
}

function shown(api, path, method, operation) {
  const form = made("form");
  const fields = (operation.parameters || []).map((parameter) => {
    const input = inputOf(resolved(api, parameter.schema || {}), parameter);
    form.append(made("label", {}, `${parameter.name} (${parameter.in}${parameter.required ? ", needed" : ""}) `, input, " ", ...said(parameter.description)));
    return { parameter, input };
  });
  const body = bodyOf(operation.requestBody);
  if (body) form.append(body.element);
  const answer = made("pre", { class: "answer", role: "status", hidden: "" });
  form.append(made("button", {}, "send"), answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    answer.hidden = false;
    answer.textContent = "sent, waiting";
    answer.textContent = await asked(path, method, fields, body).catch((error) => `no answer: ${error.message}`);
  });
  const scopes = (operation.security || []).flatMap((each) => Object.values(each).flat());
  return made("details", {},
    made("summary", {}, made("b", {}, method.toUpperCase()), made("code", {}, path), ...said(operation.summary)),
    made("p", {}, ...said(operation.description)),
    made("p", {}, scopes.length ? `needs a token with the scope ${scopes.join(", ")}` : "needs no token"),
    form,
    answers(operation.responses));
}

function resolved(api, schema) {
  const reference = schema.$ref;
  return reference ? reference.slice(2).split("/").reduce((found, name) => found[name], api) : schema;
}

function inputOf(schema, parameter) {
  if (schema.enum) {
    return made("select", {}, ...(parameter.required ? [] : [made("option", { value: "" }, "")]), ...schema.enum.map((value) => made("option", { value }, value)));
  }
  const example = parameter.example ?? (schema.examples || [])[0] ?? (parameter.required ? "" : null);
  return made("input", example === null ? {} : { value: example, placeholder: example });
}

function bodyOf(requestBody) {
  if (!requestBody) return null;
  const types = Object.keys(requestBody.content);
  const type = types.find((each) => each.includes("json"));
  if (!type) {
    const input = made("input", { type: "file", accept: types.join(",") });
    return { element: made("label", {}, "a file ", input), read: async () => ({ type: (input.files[0] || {}).type || types[0], data: input.files[0] || "" }) };
  }
  const content = requestBody.content[type];
  const example = content.example ?? (Object.values(content.examples || {})[0] || {}).value ?? {};
  const area = made("textarea", { spellcheck: "false", "aria-label": "body" });
  area.value = lines(example);
  return { element: area, read: async () => ({ type, data: area.value }) };
}

async function asked(path, method, fields, body) {
  const headers = {};
  const query = new URLSearchParams();
  for (const { parameter, input } of fields) {
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value === "") continue;
    else if (parameter.in === "query") query.append(parameter.name, input.value);
    else if (parameter.in === "header") headers[parameter.name] = input.value;
  }
  if (by("access_token").value) headers.Authorization = `Bearer ${by("access_token").value}`;
  const sent = body ? await body.read() : null;
  if (sent) headers["Content-Type"] = sent.type;
  const address = query.size ? `${path}?${query}` : path;
  const answer = await fetch(address, { method: method.toUpperCase(), headers, body: sent ? sent.data : undefined });
  const text = await answer.text();
  const told = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return `${answer.status} ${answer.statusText}\n${told}\n\n${pretty(text)}`;
}

function pretty(text) {
  try {
    return lines(JSON.parse(text));
  } catch {
    return text;
  }
}

function answers(responses) {
  const rows = Object.entries(responses).map(([status, response]) => {
    const examples = Object.values(response.content || {}).flatMap((content) => Object.values(content.examples || {}));
    return made("tr", {}, made("td", {}, status), made("td", {}, ...said(response.description),
      ...examples.map((example) => made("pre", {}, lines(example.value)))));
  });
  return made("details", {}, made("summary", {}, "answers"), made("table", {}, ...rows));
}

start();
