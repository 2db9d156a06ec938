// A session with one of the official TypeScript SDKs: node session.mjs PACKAGE MODE COMMAND ARGUMENT...
// Where the command is an address, the session goes over HTTP, and the first argument is the key.
// Prints what it saw as JSON. MODE is the second SDK's way to agree on a revision; the first one knows only its own.
const [, , module, mode, command, ...args] = process.argv;
const second = module === "@modelcontextprotocol/client";
const { Client } = await import(second ? module : `${module}/client/index.js`);

async function transport() {
  if (!command.startsWith("http")) {
    const { StdioClientTransport } = await import(second ? `${module}/stdio` : `${module}/client/stdio.js`);
    return new StdioClientTransport({ command, args });
  }
  const { StreamableHTTPClientTransport } = await import(second ? module : `${module}/client/streamableHttp.js`);
  return new StreamableHTTPClientTransport(new URL(command), {
    requestInit: { headers: { "x-capgo-api-key": args[0] } },
  });
}

const capabilities = { elicitation: { form: {} } };
const client = new Client(
  { name: "session", version: "1" },
  second ? { capabilities, versionNegotiation: { mode } } : { capabilities },
);
let asked = 0;
const agree = () => {
  asked += 1;
  return { action: "accept", content: { agree: true } };
};
if (second) {
  client.setRequestHandler("elicitation/create", agree);
} else {
  const { ElicitRequestSchema } = await import(`${module}/types.js`);
  client.setRequestHandler(ElicitRequestSchema, agree);
}
await client.connect(await transport());
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const call = (name, given) => client.callTool({ name, arguments: given });
const apps = await call("capgo_list_apps", {});
const target = { app_id: "com.demo.app", channel: "qa" };
const deletion = await call("capgo_delete_channel", target);
const consented = await call("capgo_delete_channel", { ...target, confirm: true });
const wrong = await call("capgo_get_app", { app_id: "com.other.app" });
const unknown = await call("capgo_list_planets", {}).then(
  () => null,
  (error) => error.code,
);
const server = client.getServerVersion().name;
const revision = second ? client.getNegotiatedProtocolVersion() : null;
await client.close();
console.log(
  JSON.stringify({
    tools,
    apps: apps.structuredContent.items.map((app) => app.app_id),
    same: JSON.stringify(apps.structuredContent) === apps.content[0].text,
    deleted: deletion.structuredContent.done,
    asked,
    consented: !consented.isError,
    wrong: wrong.isError && wrong.content[0].text,
    unknown,
    server,
    revision,
  }),
);
