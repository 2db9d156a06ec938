// A session with one of the official TypeScript SDKs: node session.mjs PACKAGE MODE COMMAND ARGUMENT...
// Prints what it saw as JSON. MODE is the second SDK's way to agree on a revision; the first one knows only its own.
const [, , module, mode, command, ...args] = process.argv;
const second = module === "@modelcontextprotocol/client";
const { Client } = await import(second ? module : `${module}/client/index.js`);
const { StdioClientTransport } = await import(second ? `${module}/stdio` : `${module}/client/stdio.js`);

const client = new Client({ name: "session", version: "1" }, second ? { versionNegotiation: { mode } } : {});
await client.connect(new StdioClientTransport({ command, args }));
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const call = (name, given) => client.callTool({ name, arguments: given });
const apps = await call("capgo_list_apps", {});
const deletion = await call("capgo_delete_channel", { app_id: "com.demo.app", channel: "qa" });
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
    wrong: wrong.isError && wrong.content[0].text,
    unknown,
    server,
    revision,
  }),
);
