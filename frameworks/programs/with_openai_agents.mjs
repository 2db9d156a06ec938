// OpenAI Agents for TypeScript, in its strict mode.
import { MCPServerStdio, getAllMcpTools, setTracingDisabled } from '@openai/agents';
import { ARGUMENTS, COMMAND, report } from './checks.mjs';

setTracingDisabled(true);
const server = new MCPServerStdio({ command: COMMAND, args: ARGUMENTS, timeout: 120000 });
await server.connect();
const tools = await getAllMcpTools({ mcpServers: [server], convertSchemasToStrict: true });
await report('@openai/agents', tools.map((tool) => tool.name), tools.map((tool) => tool.strict && tool.parameters), async (name, args) => {
  const result = await server.callTool(name, args);
  const content = Array.isArray(result) ? result : result.content;
  return [content[0].text, result.isError];
});
await server.close();
