"""The MCP adapter: capabilities as tools, resources and prompts, over HTTP and stdio, in both eras of the protocol."""
