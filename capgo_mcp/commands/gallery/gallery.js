// The least a chat has to be to show a page: it says hello, hands over a result, and takes what the page says.

const byId = (id) => document.getElementById(id);
const frame = byId("frame");
const theme = byId("theme");
theme.value = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

let shown; // the example in the frame

const send = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
const context = () => ({ theme: theme.value, locale: navigator.language });

const ANSWERS = {
  "ui/initialize": () => ({
    protocolVersion: "2026-01-26",
    hostInfo: { name: "capgo-mcp apps", version: "1" },
    hostCapabilities: { message: { text: {} } },
    hostContext: context(),
  }),
  "ui/message": ({ content }) => {
    const said = document.createElement("li");
    said.textContent = content.map(({ text }) => text).join("\n");
    byId("chat").append(said);
    return {};
  },
};
const HEARD = {
  "ui/notifications/initialized": () => {
    send({ method: "ui/notifications/tool-input", params: { arguments: shown.arguments } });
    send({ method: "ui/notifications/tool-result", params: shown.result });
  },
  "ui/notifications/size-changed": ({ height }) => {
    frame.style.height = `${height + 2}px`;
  },
};

addEventListener("message", ({ source, data }) => {
  if (source !== frame.contentWindow || data?.jsonrpc !== "2.0") return;
  if (data.id === undefined) HEARD[data.method]?.(data.params ?? {});
  else if (Object.hasOwn(ANSWERS, data.method)) send({ id: data.id, result: ANSWERS[data.method](data.params ?? {}) });
  else if (data.method) send({ id: data.id, error: { code: -32601, message: "Not known here" } });
});

theme.addEventListener("change", () => send({ method: "ui/notifications/host-context-changed", params: context() }));
const resize = () => {
  frame.style.width = `${byId("width").value}px`;
};
byId("width").addEventListener("input", resize);
resize();

async function show(name) {
  shown = await (await fetch(`answers/${name}`)).json();
  byId("call").textContent = `${shown.tool} ${JSON.stringify(shown.arguments)}`;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  frame.src = `pages/${shown.page}?${name}`;
}

const examples = await (await fetch("answers")).json();
byId("examples").append(
  ...examples.map(({ name, title }) => {
    const link = document.createElement("a");
    link.href = `#${name}`;
    link.textContent = title;
    const item = document.createElement("li");
    item.append(link);
    return item;
  }),
);
const chosen = () => examples.find(({ name }) => location.hash === `#${name}`)?.name ?? examples[0].name;
addEventListener("hashchange", () => show(chosen()));
await show(chosen());
