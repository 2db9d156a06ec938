// What every framework is asked to do, as checks.py says for those in Python.
import { readFileSync } from 'node:fs';

export const COMMAND = process.env.CAPGO_MCP;
export const ARGUMENTS = ['--sandbox', '--log-level', 'WARNING'];

const APP = { app_id: 'com.demo.app' };
const CALLS = {
  call: ['capgo_list_devices', { ...APP, limit: 2 }],
  preview: ['capgo_delete_channel', { ...APP, channel: 'qa' }],
  error: ['capgo_get_channel', { ...APP, channel: 'nope' }],
};

/** Prints what the framework sees; `call` gives what a model reads, and whether the framework takes it for a failure. */
export async function report(home, names, schemas, call) {
  const { version } = JSON.parse(readFileSync(`node_modules/${home}/package.json`, 'utf8'));
  const seen = { version, tools: names.length, schemas: schemas.filter(Boolean).length };
  for (const [what, [name, args]] of Object.entries(CALLS)) {
    try {
      const [text, failed] = await call(name, args);
      seen[what] = { text: String(text).slice(0, 2000), failed: Boolean(failed) };
    } catch (error) {
      seen[what] = { text: String(error), failed: true };
    }
  }
  console.log(`\n${JSON.stringify(seen)}`);
}
