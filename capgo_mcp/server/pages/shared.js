"use strict";
// What all pages share: the words with the chat, and how facts become elements. Texts come from others: each one goes
// into the page as a text node, cut and set apart, never as markup.

const NAME = 120; // characters of a name that are shown
const SENTENCE = 700; // and of a sentence
const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "path", "line"]);

const chat = { context: {}, takesMessages: false, said: false };
const waiting = new Map();
let asked = 0;

const send = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");

function request(method, params) {
  asked += 1;
  send({ id: asked, method, params });
  return new Promise((done, failed) => waiting.set(asked, { done, failed }));
}

/** An element; strings among its children become text. */
function el(tag, attributes, ...children) {
  const made = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(2).filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

/** What an answer says, as text that is not too long. */
function plain(value, most = NAME) {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.length <= most ? text : `${[...text.slice(0, most)].slice(0, -1).join("")}…`;
}

/** A name or a text of others: it cannot turn the direction of what stands around it. */
const word = (value, most = NAME) => el("bdi", {}, plain(value, most));
const sentence = (value) => word(value, SENTENCE);

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const list = (value) => (Array.isArray(value) ? value : []);
const object = (value) => (value && typeof value === "object" && !Array.isArray(value) ? value : {});

function inLocale(make) {
  try {
    return make(chat.context.locale);
  } catch {
    return make(undefined); // a locale that is none
  }
}

function count(value) {
  return isNumber(value) ? inLocale((locale) => new Intl.NumberFormat(locale).format(value)) : plain(value ?? "–");
}

function percent(value) {
  if (!isNumber(value)) return plain(value ?? "–");
  const options = { style: "percent", maximumFractionDigits: 1 };
  return inLocale((locale) => new Intl.NumberFormat(locale, options).format(value / 100));
}

/** A day such as 2026-11-27, which is one of UTC wherever the reader is. */
function day(value) {
  const moment = new Date(`${value}T00:00Z`);
  if (Number.isNaN(moment.getTime())) return plain(value);
  const options = { day: "numeric", month: "short", timeZone: "UTC" };
  return inLocale((locale) => new Intl.DateTimeFormat(locale, options).format(moment));
}

function moment(value) {
  const moment = new Date(value);
  if (Number.isNaN(moment.getTime())) return plain(value);
  const options = { dateStyle: "medium", timeStyle: "short", timeZone: chat.context.timeZone };
  return inLocale((locale) => new Intl.DateTimeFormat(locale, options).format(moment));
}

const devices = (value) => `${count(value)} ${value === 1 ? "device" : "devices"}`;

/** A line of the head: what is shown, and how it stands. */
const head = (title, ...beside) => el("div", { class: "head" }, el("h1", {}, title), ...beside);
const pill = (text, kind) => el("span", { class: `pill ${kind}` }, text);
const soft = (...children) => el("p", { class: "soft" }, ...children);

/** A section with a heading, or nothing where there is nothing to say. */
function section(title, ...children) {
  const said = children.flat().filter(Boolean);
  return said.length > 0 && el("section", {}, el("h2", {}, title), ...said);
}

const sentences = (values) =>
  list(values).length > 0 &&
  el(
    "ul",
    {},
    list(values).map((value) => el("li", {}, sentence(value))),
  );

// Only words that say nothing by themselves may stand in a message that is the reader's own.
const isVersion = (value) => typeof value === "string" && /^v?\d[\w.+-]{0,39}$/.test(value);
const isTool = (value) => typeof value === "string" && /^capgo_[a-z_]{1,40}$/.test(value);
const isMark = (value) => typeof value === "string" && /^[0-9a-f]{12}$/.test(value);

const tell = (text) => {
  document.getElementById("told").textContent = text;
};

/** Buttons which say something in the chat, in the reader's name; they call nothing. */
function buttons(...choices) {
  if (!chat.takesMessages) return el("p", { class: "soft" }, "Answer in the chat.");
  const all = choices.map(([label, text, kind]) =>
    el("button", { type: "button", class: kind, "data-says": text, disabled: chat.said }, label),
  );
  for (const button of all) button.addEventListener("click", () => say(button.dataset.says, all));
  return el("div", { class: "buttons" }, ...all);
}

async function say(text, all) {
  const before = all.map((button) => button.disabled);
  for (const button of all) button.disabled = true;
  try {
    const answer = await request("ui/message", { role: "user", content: [{ type: "text", text }] });
    if (answer?.isError) throw new Error("refused");
    chat.said = true;
    tell("Said in the chat.");
  } catch {
    all.forEach((button, at) => {
      button.disabled = before[at];
    });
    tell(`The chat did not take it. Say it yourself: ${text}`);
  }
}

/** The facts of a result: the same JSON stands in its text, which some clients pass on alone. */
function factsOf(result) {
  if (result.structuredContent) return result.structuredContent;
  const text = list(result.content).find((block) => block.type === "text")?.text ?? "";
  return result.isError ? { error: text } : JSON.parse(text);
}

let latest; // the last result, to be drawn anew in another language
let draw; // how this page draws facts

function show(...children) {
  const page = document.getElementById("page");
  page.replaceChildren(...children.flat().filter(Boolean));
  page.setAttribute("aria-busy", "false");
}

function drawLatest() {
  if (!latest) return;
  tell("");
  try {
    const facts = factsOf(latest);
    if (latest.isError) show(head("It did not work"), el("p", { role: "alert" }, sentence(facts.error)));
    else show(draw(facts), facts.note && soft(sentence(facts.note)));
  } catch {
    show(head("This cannot be drawn"), soft("The answer in the chat has it all."));
  }
  measure();
}

function measure() {
  const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
  if (height !== measure.last) send({ method: "ui/notifications/size-changed", params: { height } });
  measure.last = height;
}

function adapt(context) {
  Object.assign(chat.context, context);
  const root = document.documentElement;
  if (context.theme) root.dataset.theme = context.theme === "dark" ? "dark" : "light";
  for (const [name, value] of Object.entries(object(object(context.styles).variables))) {
    if (/^--(color|font)-[a-z0-9-]+$/.test(name) && typeof value === "string") root.style.setProperty(name, value);
  }
  if ("locale" in context || "timeZone" in context) drawLatest();
}

const HANDLERS = {
  "ui/notifications/tool-result": (params) => {
    latest = params;
    chat.said = false;
    drawLatest();
  },
  "ui/notifications/tool-cancelled": () => show(head("Stopped"), soft("The call was stopped before it had an answer.")),
  "ui/notifications/host-context-changed": adapt,
};
const ANSWERED = new Set(["ping", "ui/resource-teardown"]);

function hear({ source, data }) {
  if (source !== parent || data?.jsonrpc !== "2.0") return;
  if (data.method === undefined) {
    const { done, failed } = waiting.get(data.id) ?? {};
    waiting.delete(data.id);
    if (data.error) failed?.(new Error("refused"));
    else done?.(data.result);
  } else if (data.id === undefined) {
    if (Object.hasOwn(HANDLERS, data.method)) HANDLERS[data.method](object(data.params));
  } else if (ANSWERED.has(data.method)) {
    send({ id: data.id, result: {} });
  } else {
    send({ id: data.id, error: { code: -32601, message: "Not known here" } });
  }
}

/** Begin: say hello to the chat, and draw what it hands over. */
async function begin(name, drawing) {
  draw = drawing;
  addEventListener("message", hear);
  const answer = await request("ui/initialize", {
    appInfo: { name: `capgo-${name}`, version: "1" },
    appCapabilities: {},
    protocolVersion: "2026-01-26",
  });
  chat.takesMessages = object(answer.hostCapabilities).message !== undefined;
  adapt(object(answer.hostContext));
  send({ method: "ui/notifications/initialized" });
  new ResizeObserver(measure).observe(document.documentElement);
}
