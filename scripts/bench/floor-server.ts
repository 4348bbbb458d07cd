/** The floor: Fastify with form parsing, the signatures that nobody can do without, on fixed inputs, and an answer of the usual size. */

import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import formbody from '@fastify/formbody'
import Fastify from 'fastify'

/** So many verifications and signatures for each request, or `start` for a server that does nothing. */
const [verifications = 0, signatures = 0] = process.argv.slice(2).map(Number)

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const privateKey = createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }))
const publicKey = createPublicKey(privateKey)
/** As long as what is signed of an ID-JAG. */
const signed = Buffer.from(randomBytes(380).toString('base64url'))
const dsaEncoding = 'ieee-p1363'
const signature = sign('sha256', signed, { key: privateKey, dsaEncoding })
const token = `${signed.toString('latin1')}.${signature.toString('base64url')}`

const app = Fastify()
await app.register(formbody)
app.post('/token', (_request, reply) => {
  for (let at = 0; at < verifications; at++)
    if (!verify('sha256', signed, { key: publicKey, dsaEncoding }, signature)) throw new Error('a signature is wrong')
  for (let at = 0; at < signatures; at++) sign('sha256', signed, { key: privateKey, dsaEncoding })
  reply.header('cache-control', 'no-store')
  reply.send({ access_token: token, token_type: 'Bearer', expires_in: 600, scope: 'chat.read' })
})
app.get('/mcp', (_request, reply) => {
  reply.send({ you: 'account-of-person-1', through: 'assistant-at-chat' })
})
await app.listen({ port: 0, host: '127.0.0.1' })
console.log(`listening http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
process.once('SIGINT', () => void app.close().then(() => process.exit(0)))
