/** Every attack that is tried, by its id: what must be so, and what of it no test shows, with the reason. */

import { fieldRows } from './field-rows.ts'

/** One attack, or one fault that was seen in the field. */
export interface Row {
  /** The right answer, as a sentence. */
  says: string
  /** Why no test shows it. Absent: at least one does. */
  why?: string
  /** What of it is not shown, and why. */
  butNot?: string
  /** Where it is shown, when that is not by requests over sockets, each refusal under the one contract. */
  shown?: Elsewhere
}

/** Where what is no request to one of our endpoints is shown, by an assertion of its own kind. */
export type Elsewhere =
  | 'at start'
  | 'at the end of a process'
  | 'at the API'
  | 'in the administration'
  | 'in the browser'
  | 'in the client'
  | 'in the verifiers'
  | 'on the command line'

const tokens: Record<string, string | Row> = {
  'ATK-001': 'An ID Token is no assertion.',
  'ATK-002': 'Only the typ of an ID-JAG is one, in any case and with or without application/ before it.',
  'ATK-003': 'An access token of the server itself is no assertion, and its own issuer and key make none.',
  'ATK-004': 'An ID-JAG does not authenticate a client.',
  'ATK-005': 'Only an ID Token is an ID Token, whatever the request says it is.',
  'ATK-006': 'The identity provider does not redeem what it issued.',
  'ATK-007': {
    says: 'An API takes neither ID-JAGs nor ID Tokens nor access tokens for another API.',
    shown: 'at the API',
  },
  'ATK-008': 'Introspection and revocation say and do nothing about ID-JAGs and tokens of other clients.',
  'ATK-009': 'alg none is refused in every spelling, with any signature.',
  'ATK-010': 'A public key is never the secret of an HMAC.',
  'ATK-011': 'The algorithm is that of the key and of the configuration, never that of the header.',
  'ATK-012': 'A key in the header is not used.',
  'ATK-013': 'An address of a key in the header is not visited.',
  'ATK-014': 'A kid is compared and used for nothing else.',
  'ATK-015': 'Without a kid the only key that fits is used, and of two neither.',
  'ATK-016': 'A critical header is refused.',
  'ATK-017': 'b64, zip and enc are refused in the header of a signed token.',
  'ATK-018': 'A signature of zeros, of the order, in DER, of another token or with a bit changed is refused.',
  'ATK-019': 'A weak or broken key verifies nothing, and harms no other key.',
  'ATK-020': 'A token has three segments that are not empty, and is not JSON.',
  'ATK-021': 'What is inside an encrypted token must be signed as if it came without.',
  'ATK-022': 'An encrypted token makes nobody derive a key from a password or unpack anything.',
  'ATK-023': 'A token has one spelling: base64url without padding, blanks and stray bits.',
  'ATK-024': 'A member that stands twice is refused, at every depth.',
  'ATK-025': 'Claims are one JSON object in UTF-8, and nothing more.',
  'ATK-026': 'What is deep or long is refused and never exhausts the process.',
  'ATK-027': { says: 'The vectors of Wycheproof are accepted and refused as they say.', shown: 'in the verifiers' },
}

const claims: Record<string, string | Row> = {
  'ATK-028': 'An issuer that is not configured is refused, and nobody goes there.',
  'ATK-029': 'An issuer that was switched off is refused at every instance within five seconds, until it is on again.',
  'ATK-030': 'iss is text.',
  'ATK-031': 'iss is compared to the letter.',
  'ATK-032': 'Only the keys of the issuer that iss names verify a token.',
  'ATK-033': 'aud is the issuer identifier of the server, not an address of it.',
  'ATK-034': 'aud is exactly one, as text or as an array of one.',
  'ATK-035': 'aud is compared to the letter.',
  'ATK-036': 'An ID-JAG is for the client in its client_id alone, which can still redeem it after another tried.',
  'ATK-037': 'client_id must be there, as text, to the letter.',
  'ATK-038': 'The tenant of an ID-JAG must be the one of the connection.',
  'ATK-039': 'An issuer that speaks for one customer cannot speak for another.',
  'ATK-040': 'The same sub of two issuers or two tenants is two people.',
  'ATK-041': 'An e-mail address brings nobody into the account of another issuer.',
  'ATK-042': 'An e-mail address that resembles one of the domain is not of the domain.',
  'ATK-043': 'sub is a sound text of at most 255 characters, compared to the letter.',
  'ATK-044': 'A sub_id that is not tied to the issuer decides nothing, and a broken one is refused.',
  'ATK-045': 'A person or client that is disabled gets nothing at any instance.',
  'ATK-046': 'act changes neither the person nor the policy.',
  'ATK-047': 'A scope only ever becomes smaller.',
  'ATK-048': 'A resource is one that the server governs and the ID-JAG names.',
  'ATK-049': 'A client without a policy, or that its issuer may not speak for, gets nothing.',
  'ATK-050': 'exp must be there, as a number, and not past by more than the skew.',
  'ATK-051': 'An end that never comes is refused, and leaves no record for ever.',
  'ATK-052': 'No ID-JAG lives longer than the cap.',
  'ATK-053': 'iat must be there, as a number, neither ahead nor older than any life.',
  'ATK-054': 'nbf is a number that is not ahead.',
}

const use: Record<string, string | Row> = {
  'ATK-055': 'No step of any clock buys a second token, and a clock that is wrong makes its instance not ready.',
  'ATK-056': 'An ID-JAG is good once.',
  'ATK-057': 'Of many that present it at once, at one instance or at three, one gets a token.',
  'ATK-058': 'jti must be there, as a sound text of at most 256 characters.',
  'ATK-059': 'The same jti of two issuers or two tenants is two tokens.',
  'ATK-060': 'A refusal uses nothing up.',
  'ATK-061': 'What was used is remembered until the slowest clock has passed its end.',
  'ATK-062': 'Another spelling of the signature is the same token.',
  'ATK-063': 'An issuer set to until-exp allows reuse by its client until the end, and what was used stays marked.',
  'ATK-064': 'A client assertion is good once, in a space of its own.',
  'ATK-065': 'A full memory refuses, and forgets nothing that is still of use.',
}

const clients: Record<string, string | Row> = {
  'ATK-066': 'Without credentials nobody gets anything, and a public client no ID-JAG.',
  'ATK-067': 'A client authenticates in one way, and names no other client beside it.',
  'ATK-068': {
    says: 'A wrong secret, none, and an unknown client look the same, byte for byte.',
    butNot: 'The same time: a measured median would fail on a busy machine. ATK-075 shows the same steps instead.',
  },
  'ATK-069': 'Basic credentials are form-encoded UTF-8.',
  'ATK-070': 'One Authorization header, of a scheme that is known, in canonical base64.',
  'ATK-071': 'A client assertion is for the issuer alone, of the client itself, short, and has an id.',
  'ATK-072': 'A client assertion is signed by a key of its client, by an algorithm of that key.',
  'ATK-073': 'A client authenticates in a way that was agreed.',
  'ATK-074': 'Who guesses is not heard any more at any instance, and the client is from everywhere else.',
  'ATK-075': {
    says: 'A wrong secret costs one keyed hash.',
    butNot:
      'The latency of others meanwhile: npm run bench measures it, and a test that did would fail on a busy machine.',
  },
  'ATK-076': 'A binding that is not understood, or not proved, is never unbound.',
  'ATK-077': 'The key of the proof is the one that the ID-JAG is bound to.',
  'ATK-078': 'Two proofs are none.',
  'ATK-079': 'A proof has the typ, key, algorithm, signature and claims of RFC 9449.',
  'ATK-080': 'A proof is for this method, this address and this minute.',
  'ATK-081': 'A proof is good once.',
  'ATK-082': 'A key of a proof that is weak or slow is refused before anything is verified.',
  'ATK-083': 'A broken proof is refused also where none is needed, and where one is needed none is refused.',
  'ATK-084': 'A proof at the exchange binds the ID-JAG, and a broken one is refused.',
}

const requests: Record<string, string | Row> = {
  'ATK-085': 'A parameter stands once.',
  'ATK-086': 'A token request is a form in UTF-8.',
  'ATK-087': 'Nothing is read from the query, and nothing of it is kept.',
  'ATK-088': 'Only POST, whatever a header says.',
  'ATK-089':
    'A body that is long, compressed or of many parameters is refused, and a hundred at once take less than 20 MB.',
  'ATK-090': 'A request has ten seconds to be whole.',
  'ATK-091': 'NUL, broken escapes and what is no UTF-8 are refused.',
  'ATK-092': 'Brackets and names of the language mean nothing in a form.',
  'ATK-093': 'An empty parameter is an absent one.',
  'ATK-094': 'A request that two parsers may read in two ways is refused and its connection closed.',
  'ATK-095': 'Names and addresses that a stranger gives the server change nothing.',
}

const exchange: Record<string, string | Row> = {
  'ATK-096': 'An ID Token is for the client that shows it, and for nobody else.',
  'ATK-097': 'An ID Token is alive, genuine, of a known issuer, and of a person who is not disabled.',
  'ATK-098': 'The types of both tokens must be said and must be true, and no other grant fills the gap.',
  'ATK-099': 'The audience is one, and is known to the letter.',
  'ATK-100': 'An audience that is not connected looks like one that is not there.',
  'ATK-101': 'Parameters are no claims, and client_id names the client that authenticated.',
  'ATK-102': 'Each resource is one that the audience governs.',
  'ATK-103': 'A scope beyond the connection is left out, and nothing is left to grant is refused.',
  'ATK-104': 'authorization_details are an array of known types.',
  'ATK-105': 'An actor token is never ignored.',
  'ATK-106': 'A refresh token is alive, of this client and this person, and is not used up by the exchange.',
  'ATK-107': 'A sign-in that is too weak is told which one is needed.',
  'ATK-108': 'Nothing of the ID Token travels but the sign-in; the ID-JAG is short, and its id cannot be guessed.',
  'ATK-109': 'Where SAML is off no XML is read.',
  'ATK-110': 'Of a SAML assertion only the signed bytes are read.',
  'ATK-111': 'A signature in XML is of the configured key, by a sound algorithm, over text without comments.',
  'ATK-112': 'XML has no document type and no entity, and makes nobody go anywhere.',
  'ATK-113': 'A SAML assertion is for this identity provider, now, and once.',
}

const fetches: Record<string, string | Row> = {
  'ATK-114': 'No fetch goes to an address that is not public unless it is configured.',
  'ATK-115': 'The address that was vetted is the one that is connected to.',
  'ATK-116': 'No redirect is followed.',
  'ATK-117': 'A fetch has a deadline and a size, also unpacked, and seven at once take less than 10 MB.',
  'ATK-118': 'A key set that is not sound is refused, and the last good one stays.',
  'ATK-119': 'Without the issuer known keys serve for an hour, and the rest is 503.',
  'ATK-120': 'Keys that nobody publishes lead to a bounded number of fetches.',
  'ATK-121': 'A new key is found at once, a withdrawn one refused after ten minutes, a purged one within five seconds.',
  'ATK-122': 'Metadata is that of the issuer it was fetched for, and its keys are for nobody else.',
  'ATK-123': 'A client metadata document is at its own plain address, and holds no secret.',
  'ATK-124': 'Metadata documents are kept for a day at most, a bounded number of them, and fetched a few at a time.',
  'ATK-125': 'A store that is away, hangs or is slow is 503 and no token, and is taken again by itself.',
  'ATK-126': { says: 'A Redis that forgets is not used.', shown: 'at start' },
  'ATK-127': 'What cannot be recorded is not issued.',
  'ATK-128': {
    says: 'No text and no JSON makes the reader of it slow.',
    butNot: 'The delay of the event loop in milliseconds: the bound is the deadline of the test.',
  },
  'ATK-129': {
    says: 'Who is told to end answers what it accepted, and who is killed spends nothing twice.',
    shown: 'at the end of a process',
  },
}

const operations: Record<string, string | Row> = {
  'ATK-130': {
    shown: 'in the administration',
    says: 'The administration takes the token of the administrator and nothing else.',
    butNot: 'A viewer and other tenants’ objects: there is one administrator, without roles.',
  },
  'ATK-131': {
    shown: 'in the administration',
    says: 'A page of somebody else can make nobody’s browser administer.',
    butNot: 'Cookies, CSRF tokens and frames of a console: there is none.',
  },
  'ATK-132': {
    shown: 'in the browser',
    says: 'What a stranger called itself is text wherever a person reads it.',
    butNot: 'A console: there is none; the consent page and the terminal are shown.',
  },
  'ATK-133': {
    shown: 'in the administration',
    says: 'The administration takes no member that it does not know.',
    butNot: 'Passwords and sessions of administrators: there are none.',
  },
  'ATK-134': { says: 'A secret is not shown after it was set.', shown: 'in the administration' },
  'ATK-135': 'An event is one line, and nothing in it steers a terminal.',
  'ATK-136': 'No token, secret or proof is kept anywhere.',
  'ATK-137': {
    says: 'A key file that is open, linked away, sealed or of the wrong kind ends the start.',
    shown: 'at start',
  },
}

/** Every row, by its id. */
export const rows: ReadonlyMap<string, Row> = new Map(
  Object.entries({
    ...tokens,
    ...claims,
    ...use,
    ...clients,
    ...requests,
    ...exchange,
    ...fetches,
    ...operations,
    ...fieldRows,
  }).map(([id, row]): [string, Row] => [id, typeof row === 'string' ? { says: row } : row]),
)
