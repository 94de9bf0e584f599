"use strict";
// Everything shown comes from the document as text, never as markup.
const byId = (id) => document.getElementById(id);
const make = (tag, text, kind) => {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  if (kind) node.className = kind;
  return node;
};
const credentials = {};
let api = null;

async function load() {
  const answer = await fetch("openapi.json", { headers: credentials });
  byId("credentials").hidden = answer.ok;
  if (answer.status === 401 || answer.status === 403 || answer.status === 429) {
    byId("state").textContent = "This adapter asks its callers for credentials (" + answer.status + ").";
    return;
  }
  if (!answer.ok) throw new Error("openapi.json answered " + answer.status);
  api = await answer.json();
  show();
}

function show() {
  document.title = api.info.title;
  byId("title").textContent = api.info.title + " " + api.info.version;
  byId("about").textContent = api.info.description || "";
  const schemes = (api.components && api.components.securitySchemes) || {};
  const names = Object.keys(schemes);
  byId("credentials").hidden = names.length === 0;
  byId("schemes").replaceChildren(...names.map((name) => make("p", name + ": " + schemeText(schemes[name]))));
  const key = names.map((name) => schemes[name]).find((one) => one.type === "apiKey" && one.in === "header");
  if (key) byId("header-name").value = key.name;
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (!operation || !operation.responses) continue;
      const tag = (operation.tags || ["operations"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(card(path, method, operation));
    }
  }
  const shown = [];
  for (const [tag, cards] of groups) {
    const section = make("section");
    section.append(make("h2", tag), ...cards);
    shown.push(section);
  }
  byId("operations").replaceChildren(...shown);
}

function schemeText(scheme) {
  if (scheme.type === "apiKey") return "an API key in the " + scheme.in + " " + scheme.name;
  return "send " + (scheme.scheme || scheme.type) + " credentials in the header Authorization";
}

function card(path, method, operation) {
  const box = make("details", "", operation["x-unavailable"] ? "unavailable" : "");
  const head = make("summary");
  const word = make("span", method.toUpperCase(), "method " + method);
  head.append(word, make("span", path, "path"), make("span", operation.summary || "", "text"));
  box.append(head);
  box.dataset.text = (method + " " + path + " " + (operation.description || "") + " " + operation.operationId).toLowerCase();
  box.addEventListener("toggle", () => { if (box.open && box.children.length === 1) box.append(detail(path, method, operation)); });
  return box;
}

function detail(path, method, operation) {
  const body = make("div", "", "body");
  if (operation.description) body.append(make("p", operation.description));
  const form = make("form");
  const fields = (operation.parameters || []).map((one) => field(one));
  form.append(...fields.map((one) => one.label));
  let content = null;
  if (operation.requestBody) {
    const [media, entry] = Object.entries(operation.requestBody.content)[0];
    const area = make("textarea");
    area.value = media.includes("json") ? JSON.stringify(sample(entry.schema || {}), null, 2) : "";
    const label = make("label");
    label.append(make("span", "Body (" + media + ")", operation.requestBody.required ? "required" : ""), area);
    form.append(label);
    content = { media, area };
  }
  form.append(make("button", "Try it"));
  const result = make("div");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(path, method, fields, content, result);
  });
  body.append(form, result, make("h3", "Answers"), ...answers(operation));
  return body;
}

function field(parameter) {
  const schema = parameter.schema || {};
  const label = make("label");
  const name = make("span", parameter.name, parameter.required ? "required" : "");
  const kind = [parameter.in, schema.type, schema.pattern].filter(Boolean).join(", ");
  name.append(" ", make("small", "(" + kind + ") " + (parameter.description || "")));
  const input = make(schema.enum ? "select" : "input");
  if (schema.enum) {
    const values = parameter.required ? schema.enum : ["", ...schema.enum];
    input.append(...values.map((value) => Object.assign(make("option", String(value)), { value: String(value) })));
  } else if (schema.default !== undefined) {
    input.placeholder = JSON.stringify(schema.default);
  }
  input.name = parameter.name;
  label.append(name, input);
  return { parameter, input, label };
}

function sample(schema) {
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (schema.properties) return Object.fromEntries(Object.entries(schema.properties).map(([key, one]) => [key, sample(one)]));
  return { integer: 0, number: 0, boolean: false, array: [], object: {}, string: "" }[schema.type] ?? null;
}

async function send(path, method, fields, content, result) {
  const headers = { ...credentials };
  const query = new URLSearchParams();
  let target = path;
  for (const { parameter, input } of fields) {
    if (parameter.in === "path") target = target.replace("{" + parameter.name + "}", encodeURIComponent(input.value));
    else if (input.value === "") continue;
    else if (parameter.in === "query") query.append(parameter.name, input.value);
    else if (parameter.in === "header") headers[parameter.name] = input.value;
  }
  const options = { method: method.toUpperCase(), headers };
  if (content && content.area.value) {
    options.body = content.area.value;
    headers["Content-Type"] = content.media;
  }
  const url = target + (query.size ? "?" + query : "");
  const started = performance.now();
  try {
    const answer = await fetch(url, options);
    const text = await answer.text();
    const time = Math.round(performance.now() - started);
    result.replaceChildren(make("h3", options.method + " " + url), make("p", answer.status + " in " + time + " ms"), make("pre", pretty(text)));
  } catch (error) {
    result.replaceChildren(make("p", "The call failed: " + error.message));
  }
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

function answers(operation) {
  return Object.entries(operation.responses).filter(([status]) => !/^[45]XX$/.test(status)).flatMap(([status, answer]) => {
    const entries = Object.entries(answer.content || {});
    const lines = entries.map(([media, entry]) => make("pre", media + "\n" + JSON.stringify(entry.schema || {}, null, 2)));
    return [make("p", status + " " + (answer.description || "")), ...lines];
  });
}

byId("filter").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const box of document.querySelectorAll("details")) box.hidden = !box.dataset.text.includes(wanted);
  for (const section of document.querySelectorAll("section")) section.hidden = !section.querySelector("details:not([hidden])");
});
byId("credentials").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("header-name").value.trim();
  if (name) credentials[name] = byId("header-value").value;
  load().catch(failed);
});
const failed = (error) => { byId("state").textContent = "The document could not be read: " + error.message; };
load().catch(failed);
