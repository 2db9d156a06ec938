// Mastra; its tools, with the schemas that it made of ours.
import { MCPClient } from '@mastra/mcp';
import { ARGUMENTS, COMMAND, report } from './checks.mjs';

const client = new MCPClient({ servers: { capgo: { command: COMMAND, args: ARGUMENTS } }, timeout: 120000 });
const tools = await client.listTools();
await report('@mastra/mcp', Object.keys(tools), Object.values(tools).map((tool) => tool.inputSchema), async (name, args) => {
  const result = await tools[`capgo_${name}`].execute(args, {});
  return [result?.content?.[0]?.text ?? JSON.stringify(result), result?.isError || result?.error];
});
await client.disconnect();
