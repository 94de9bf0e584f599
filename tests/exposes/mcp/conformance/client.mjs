// Drives a server with an official TypeScript client and prints what came back, as JSON.
// usage: node client.mjs PACKAGES CLIENT MODE (URL | COMMAND ARGUMENT...)   CLIENT: client | sdk   MODE: auto | legacy | 2026-07-28
import { createRequire } from "node:module";

const [packages, name, mode, ...target] = process.argv.slice(2);
const require = createRequire(`${packages}/`);

function load() {
    if (name === "client") {
        const { Client, StreamableHTTPClientTransport } = require("@modelcontextprotocol/client");
        const { StdioClientTransport } = require("@modelcontextprotocol/client/stdio");
        return { Client, StreamableHTTPClientTransport, StdioClientTransport };
    }
    const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");
    const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");
    return { Client, StreamableHTTPClientTransport, StdioClientTransport };
}

const { Client, StreamableHTTPClientTransport, StdioClientTransport } = load();
const pin = mode === "auto" || mode === "legacy" ? mode : { pin: mode };
const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode: pin } });
const [first, ...rest] = target;
const transport = first.startsWith("http")
    ? new StreamableHTTPClientTransport(new URL(first))
    : new StdioClientTransport({ command: first, args: rest, stderr: "inherit" });
await client.connect(transport);

const call = (tool, args) => client.callTool({ name: tool, arguments: args });
const tools = (await client.listTools()).tools;
const progress = [];
const steps = await client.callTool(
    { name: "test_tool_with_progress", arguments: {} },
    ...(name === "sdk" ? [undefined] : []),
    { onprogress: (one) => progress.push([one.progress, one.total, one.message]) },
);
const error = await call("no-such-tool", {}).then(() => null, (one) => one.code);

console.log(JSON.stringify({
    server: client.getServerVersion()?.name,
    tools: tools.map((tool) => tool.name),
    promised: tools.filter((tool) => tool.outputSchema).map((tool) => tool.name),
    success: await call("lookup", { id: "7" }),
    failure: await call("test_error_handling", {}),
    invalid: await call("lookup", {}),
    bare: await client.callTool({ name: "test_simple_text" }),
    left_out: await call("described", { id: "7" }),
    null_given: await call("described", { id: "7", note: null }),
    image: await call("test_image_content", {}),
    steps,
    progress,
    unknown: error,
    resources: (await client.listResources()).resources.map((one) => one.uri),
    templates: (await client.listResourceTemplates()).resourceTemplates.map((one) => one.uriTemplate),
    text: await client.readResource({ uri: "test://static-text" }),
    binary: await client.readResource({ uri: "test://static-binary" }),
    filled: await client.readResource({ uri: "test://template/9/data" }),
    prompts: (await client.listPrompts()).prompts.map((one) => one.name),
    prompt: await client.getPrompt({ name: "test_prompt_with_arguments", arguments: { arg1: "a", arg2: "b" } }),
}));
await client.close();
