/** One call of one tool by an MCP client of the demonstration. */

import { Client, type StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

/** Connects, calls, and closes. Gives the JSON of the tool's text. Rejects with what the transport throws, and for a tool that failed. */
export async function callTool(
  caller: { name: string; transport: StreamableHTTPClientTransport },
  tool: string,
  args: { [name: string]: string } = {},
): Promise<unknown> {
  const client = new Client({ name: caller.name, version: '1.0.0' })
  try {
    await client.connect(caller.transport)
    const { content, isError } = await client.callTool({ name: tool, arguments: args })
    const [first] = content
    if (isError === true || first?.type !== 'text') throw new Error(`the tool ${tool} did not answer with text`)
    return JSON.parse(first.text)
  } finally {
    await client.close()
  }
}
