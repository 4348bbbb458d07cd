/** SAML assertions for tests: written as an identity provider writes them, with single parts changed, and signed. */

import { X509Certificate } from 'node:crypto'
import { SignedXml } from 'xml-crypto'
import type { AssertionRules } from '../../src/saml/assertion.ts'
import { type Certified, certified } from '../fixture/certificate.ts'
import { testPorts } from '../fixture/ports.ts'

export const acmeSaml = 'https://login.acme.example/saml'
export const wikiSp = 'https://wiki.example/saml'
export const wikiAcs = 'https://wiki.example/saml/acs'

export const acmeKey: Certified = certified()
export const foreignKey: Certified = certified()

const algorithm = {
  exclusive: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  inclusive: 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315',
  enveloped: 'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
  rsaSha256: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  sha256: 'http://www.w3.org/2001/04/xmlenc#sha256',
} as const

/** What of an assertion can be changed, each as it is written. */
export interface Parts {
  id?: string
  version?: string
  issuer?: string
  issued?: string
  nameId?: string
  subject?: string
  confirmation?: string
  conditions?: string
  audience?: string
  validity?: string
  condition?: string
  recipient?: string
  statement?: string
  attributes?: string
  more?: string
  /** The prefix of the assertion's namespace; empty: none. */
  prefix?: string
  /** Further attributes of the root. */
  root?: string
}

/** A moment as SAML writes it. */
export function instant(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}

let count = 0

/** An assertion of Acme about alice for the wiki, made at `now`, without a signature. */
export function assertionXml(now: number, parts: Parts = {}): string {
  const { prefix = 'saml' } = parts
  const p = prefix === '' ? '' : `${prefix}:`
  const xmlns = prefix === '' ? 'xmlns' : `xmlns:${prefix}`
  const nameId =
    parts.nameId ?? `<${p}NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">alice</${p}NameID>`
  const confirmation =
    parts.confirmation ??
    `<${p}SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><${p}SubjectConfirmationData InResponseTo="_r1" Recipient="${parts.recipient ?? wikiAcs}" NotOnOrAfter="${instant(now + 300)}"/></${p}SubjectConfirmation>`
  const subject = parts.subject ?? `<${p}Subject>${nameId}${confirmation}</${p}Subject>`
  const audience =
    parts.audience ?? `<${p}AudienceRestriction><${p}Audience>${wikiSp}</${p}Audience></${p}AudienceRestriction>`
  const validity = parts.validity ?? `NotBefore="${instant(now - 10)}" NotOnOrAfter="${instant(now + 300)}"`
  const conditions =
    parts.conditions ?? `<${p}Conditions ${validity}>${audience}${parts.condition ?? ''}</${p}Conditions>`
  const statement =
    parts.statement ??
    `<${p}AuthnStatement AuthnInstant="${instant(now - 60)}" SessionIndex="_s1"><${p}AuthnContext><${p}AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</${p}AuthnContextClassRef></${p}AuthnContext></${p}AuthnStatement>`
  const attributes =
    parts.attributes ??
    `<${p}AttributeStatement><${p}Attribute Name="groups"><${p}AttributeValue>engineering</${p}AttributeValue><${p}AttributeValue>writers</${p}AttributeValue></${p}Attribute><${p}Attribute Name="mail"><${p}AttributeValue>alice@acme.example</${p}AttributeValue></${p}Attribute></${p}AttributeStatement>`
  count += 1
  const root = `${xmlns}="urn:oasis:names:tc:SAML:2.0:assertion" ID="${parts.id ?? `_a${count}`}" Version="${parts.version ?? '2.0'}" IssueInstant="${parts.issued ?? instant(now)}"${parts.root ?? ''}`
  return `<${p}Assertion ${root}><${p}Issuer>${parts.issuer ?? acmeSaml}</${p}Issuer>${subject}${conditions}${statement}${attributes}${parts.more ?? ''}</${p}Assertion>`
}

/** How it is signed. */
export interface Signing {
  key?: Certified
  signature?: string
  digest?: string
  canonicalization?: string
  transforms?: string[]
  inclusive?: string[]
  /** Signs what XPath finds; absent: the root. */
  xpath?: string
  emptyUri?: boolean
  /** The certificate in KeyInfo. */
  shown?: Certified
}

/** The same with a signature behind its Issuer. */
export function signed(xml: string, how: Signing = {}): string {
  const { key = acmeKey } = how
  const signer = new SignedXml({
    privateKey: key.privateKey,
    publicCert: (how.shown ?? key).certificate,
    signatureAlgorithm: how.signature ?? algorithm.rsaSha256,
    canonicalizationAlgorithm: how.canonicalization ?? algorithm.exclusive,
  })
  const xpath = how.xpath ?? '/*'
  signer.addReference({
    xpath,
    digestAlgorithm: how.digest ?? algorithm.sha256,
    transforms: how.transforms ?? [algorithm.enveloped, algorithm.exclusive],
    ...(how.inclusive === undefined ? {} : { inclusiveNamespacesPrefixList: how.inclusive }),
    ...(how.emptyUri === true ? { uri: '', isEmptyUri: true } : {}),
  })
  signer.computeSignature(xml, {
    prefix: 'ds',
    location: { reference: `${xpath}/*[local-name(.)='Issuer']`, action: 'after' },
  })
  return signer.getSignedXml()
}

/** A Response around it, which is not signed itself. */
export function responseOf(assertion: string, attributes = ''): string {
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response" Version="2.0" IssueInstant="2026-01-01T00:00:00Z"${attributes}><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>${assertion}</samlp:Response>`
}

export function encoded(xml: string | Buffer, encoding: 'base64' | 'base64url' = 'base64url'): string {
  return Buffer.from(xml).toString(encoding)
}

/** A world of one issuer and one client, for the reader alone. */
export function reading(changes: Partial<AssertionRules> = {}) {
  const world = testPorts()
  const rules: AssertionRules = {
    findIssuer: (entityId) =>
      entityId === acmeSaml
        ? { entityId, enabled: true, certificates: [new X509Certificate(acmeKey.certificate)] }
        : undefined,
    serviceProviderAt: () => ({ entityId: wikiSp, recipients: [wikiAcs] }),
    ports: world.ports,
    skew: 30,
    facts: {},
    ...changes,
  }
  return { ...world, rules, now: world.clock.now }
}
