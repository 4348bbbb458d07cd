/** A client that nobody entered: a document on this machine, a person who is asked, and what it does with the code. */

import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ConsentDecision, type Consented, walkConsent } from '../../src/testing/headless-sign-in.ts'
import { postForm } from './flow.ts'

/** Where it goes: the authorization server, and what the token is to be for. */
export interface Place {
  issuer: string
  resource: string
}

export type Asked = Consented & { verifier: string; clientId: string }

export const redirectUri = 'http://127.0.0.1:8765/callback'

/** Publishes its document, under a name that would like to be HTML. */
export async function unmanagedClient() {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        client_id: clientId,
        client_name: 'Bookmarks <b>',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'none',
      }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const clientId = `http://127.0.0.1:${(server.address() as AddressInfo).port}/client.json`
  return {
    clientId,
    /** Asks a person for the right to read and write. */
    async ask(
      { issuer, resource }: Place,
      change: { [name: string]: string } = {},
      answer: { person?: string; decision?: ConsentDecision } = {},
    ): Promise<Asked> {
      const verifier = randomBytes(32).toString('base64url')
      const request = new URL(`${issuer}/authorize`)
      const form = {
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        resource,
        scope: 'chat.read chat.write',
        state: 'a-state',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...change,
      }
      request.search = new URLSearchParams(form).toString()
      const walked = await walkConsent(request, { person: 'alice', decision: 'allow', ...answer })
      return { ...walked, verifier, clientId: form.client_id }
    },
    close: () => void server.close(),
  }
}

/** Redeems the code that a person's consent came to. */
export async function redeemCode(endpoint: string, { callback, verifier, clientId }: Asked) {
  return await postForm(endpoint, {
    grant_type: 'authorization_code',
    code: callback.searchParams.get('code') ?? '',
    redirect_uri: redirectUri,
    code_verifier: verifier,
    client_id: clientId,
  })
}

/** The metadata of an authorization server. */
export async function metadataOf(issuer: string): Promise<{ [member: string]: unknown }> {
  return (await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()) as {
    [member: string]: unknown
  }
}

/** Registers as a client without a document (RFC 7591). */
export async function register(endpoint: unknown): Promise<{ status: number; id: string }> {
  const answer = await fetch(String(endpoint), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'Jackdaw', redirect_uris: [redirectUri] }),
  })
  const { client_id: id } = (await answer.json()) as { client_id: string }
  return { status: answer.status, id }
}

/** What the MCP server says of a token. */
export async function whoami(mcp: string, token: unknown): Promise<string> {
  const answer = await fetch(mcp, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${String(token)}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami', arguments: {} } }),
  })
  return await answer.text()
}
