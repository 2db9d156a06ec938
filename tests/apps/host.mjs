// A chat made of the official bridge: it finds the page of a tool by the server's own lists, shows it, and hands over
// results. What happens is kept in `host`, for the tests to look at.
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import pixelmatch from "pixelmatch";

const EXTENSION = "io.modelcontextprotocol/ui";
const MIME_TYPE = "text/html;profile=mcp-app";
const FONTS = { "--font-sans": "DejaVu Sans", "--font-mono": "DejaVu Sans Mono" };

const host = { messages: [], sizes: [], calls: [], strange: [], refuses: false, client: null, bridge: null };
window.host = host;

addEventListener("message", ({ data }) => {
  if (data?.jsonrpc !== "2.0") host.strange.push(data);
});

/** A session with a running server. */
host.connect = async (url, key, mode) => {
  const capabilities = { extensions: { [EXTENSION]: { mimeTypes: [MIME_TYPE] } } };
  const client = new Client({ name: "apps", version: "1" }, { capabilities, versionNegotiation: { mode } });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { "x-capgo-api-key": key } } }),
  );
  host.client = client;
  return client.getNegotiatedProtocolVersion();
};

/** Call a tool of that server, and show its answer in the page that the server's list names for it. */
host.call = async (name, given) => {
  const { tools } = await host.client.listTools();
  const uri = tools.find((tool) => tool.name === name)._meta.ui.resourceUri;
  const {
    contents: [page],
  } = await host.client.readResource({ uri });
  if (page.mimeType !== MIME_TYPE) throw new Error(page.mimeType);
  const result = await host.client.callTool({ name, arguments: given });
  await host.show(page.text, result, {}, given);
};

const NO_NETWORK =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'none'; frame-src 'none'; object-src 'none'; base-uri 'self'";

/** Show a result in a page; resolves to the milliseconds until it was drawn. */
host.show = async (
  html,
  result,
  { context = {}, width = 640, capabilities = { message: { text: {} } } } = {},
  given = {},
) => {
  document.querySelector("iframe")?.remove();
  Object.assign(host, { messages: [], sizes: [], calls: [], strange: [], refuses: false });
  const frame = document.createElement("iframe");
  frame.title = "page";
  frame.sandbox = "allow-scripts";
  frame.setAttribute("csp", NO_NETWORK);
  frame.style = `width:${width}px;height:300px;border:0;display:block`;
  document.body.append(frame);
  const hostContext = { theme: "light", locale: "en-US", timeZone: "UTC", styles: { variables: FONTS }, ...context };
  const bridge = new AppBridge(null, { name: "tests", version: "1" }, capabilities, { hostContext });
  host.bridge = bridge;
  bridge.onmessage = async ({ role, content }) => {
    host.messages.push({ role, text: content.map(({ text }) => text).join("") });
    return host.refuses ? { isError: true } : {};
  };
  bridge.oncalltool = async (params) => {
    host.calls.push(params);
    return { content: [] };
  };
  const begun = performance.now();
  const sized = new Promise((done) =>
    bridge.addEventListener("sizechange", (size) => {
      host.sizes.push(size);
      frame.style.height = `${size.height}px`;
      if (host.handed) done(performance.now() - begun);
    }),
  );
  host.handed = false;
  const ready = new Promise((done) => bridge.addEventListener("initialized", done));
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.srcdoc = html;
  await ready;
  await bridge.sendToolInput({ arguments: given });
  host.handed = true;
  await bridge.sendToolResult(result);
  return sized;
};

host.widen = (width) => {
  document.querySelector("iframe").style.width = `${width}px`;
};
host.adapt = (context) =>
  host.bridge.setHostContext({
    theme: "light",
    locale: "en-US",
    timeZone: "UTC",
    styles: { variables: FONTS },
    ...context,
  });

async function pixels(png) {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  return canvas.getImageData(0, 0, bitmap.width, bitmap.height);
}

/** The share of pixels in which two pictures differ; all of them where their sizes do. */
host.difference = async (one, other) => {
  const [a, b] = [await pixels(one), await pixels(other)];
  if (a.width !== b.width || a.height !== b.height) return 1;
  return pixelmatch(a.data, b.data, undefined, a.width, a.height, { threshold: 0.15 }) / (a.width * a.height);
};
