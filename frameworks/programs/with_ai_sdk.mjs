// Vercel's AI SDK; its tools, with the schemas that it sends.
import { createMCPClient } from '@ai-sdk/mcp';
import { Experimental_StdioMCPTransport as Stdio } from '@ai-sdk/mcp/mcp-stdio';
import { ARGUMENTS, COMMAND, report } from './checks.mjs';

const client = await createMCPClient({ transport: new Stdio({ command: COMMAND, args: ARGUMENTS }) });
const tools = await client.tools();
await report('@ai-sdk/mcp', Object.keys(tools), Object.values(tools).map((tool) => tool.inputSchema), async (name, args) => {
  const result = await tools[name].execute(args, { toolCallId: '1', messages: [] });
  return [result.content[0].text, result.isError];
});
await client.close();
