/** The same without Cross-App Access: an application that no company manages asks the person, and two companies write down what they see. */

import { type ConsentSeen, walkConsent } from '../../testing/headless-sign-in.ts'
import { agentName, type Cast, companies, employer } from '../agent/cast.ts'
import type { Caller } from '../agent/errands.ts'
import type { Observed } from '../agent/observed.ts'
import type { Shown } from '../agent/shown-step.ts'
import { footsteps } from '../magpie/footsteps.ts'
import { type Magpie, magpieFor } from '../magpie/magpie.ts'
import { twoAudits } from '../two-audits.ts'
import { answered, type Scene, sceneOf } from './scene.ts'

/** What happened, for the scenes to be cut from. */
export interface UnmanagedFootage {
  observed: readonly Observed[]
  consent: ConsentSeen | undefined
  caller: Caller | undefined
  /** Who it still was while the connection of the managed agent was removed; undefined when it was stopped. */
  afterRemoval: Caller | undefined
}

const { identityProvider, chat, unmanaged } = companies

/** Lets it in as a person would: Alice signs in and clicks Allow. */
export async function letIn(cast: Cast): Promise<{ magpie: Magpie } & Pick<UnmanagedFootage, 'consent' | 'caller'>> {
  const magpie = magpieFor({ origin: cast.unmanaged.origin, mcpUrl: cast.chat.mcpUrl })
  const first = await magpie.ask()
  if (first.kind === 'answered') return { magpie, consent: undefined, caller: first.caller }
  const { callback, consent } = await walkConsent(first.address, { person: 'alice', decision: 'allow' })
  await magpie.finish(callback.searchParams)
  return { magpie, consent, caller: await callerOf(magpie) }
}

/** Whom it acts for; undefined when somebody would have to be asked first. */
export async function callerOf(magpie: Magpie): Promise<Caller | undefined> {
  const asked = await magpie.ask()
  return asked.kind === 'answered' ? asked.caller : undefined
}

/** The scenes, in order. */
export function withoutCrossAppAccess(footage: UnmanagedFootage, cast: Cast): Scene[] {
  return [consentScene(footage, cast), recordsScene(footage, cast)]
}

function consentScene({ observed, consent, caller }: UnmanagedFootage, cast: Cast): Scene {
  const { host } = new URL(cast.unmanaged.origin)
  const row = (pattern: RegExp) => consent?.rows.find(([name]) => pattern.test(name))?.[1] ?? ''
  return sceneOf({
    name: 'unmanaged',
    title: `The same without Cross-App Access: ${unmanaged.name} asks Alice`,
    says: `${unmanaged.name} is an MCP client from the internet. It knows the address of the chat and nothing else, and nobody at ${employer} knows it.`,
    observed: observed.find(({ name, answer }) => name === 'token' && answer.status === 200),
    cast,
    show: {},
    promises: (token) => [
      ['without a token it is told where to read on', observed.some((one) => one.answer.status === 401)],
      ['the consent page says whose application it is', consent?.proof.includes(host) === true],
      ['it says who is asked', row(/^You are$/).startsWith('alice@')],
      ['it says what is wanted, all of it', /read the messages.*; write messages/.test(row(/wants to$/))],
      ['it says where the browser goes afterwards', row(/^Afterwards/).includes('a program on this computer')],
      ['the token is for just that', answered(token, 'scope') === 'chat.read chat.write'],
      ['there is a refresh token, so that nobody is asked again', answered(token, 'refresh_token') !== undefined],
      ['the chat answers as Alice', caller?.email?.startsWith('alice@') === true],
      ['it saw the address of a document as the client', caller?.client === cast.unmanaged.clientId],
    ],
    facts: [
      ...footsteps(observed, cast).map(({ name, line }): Shown => [name, line]),
      ...(consent === undefined ? [] : consentText(consent)),
    ],
  })
}

function consentText({ heading, proof, rows }: ConsentSeen): Shown[] {
  return [
    ['the consent page', heading],
    ['  what it knows', proof],
    ...rows.map(([name, text]): Shown => [`  ${name}`, text]),
  ]
}

function recordsScene({ observed, caller, afterRemoval }: UnmanagedFootage, cast: Cast): Scene {
  const { employer: atEmployer, vendor } = twoAudits(cast)
  const said = ({ text }: { text: string } = { text: 'nothing' }) => text
  return sceneOf({
    name: 'two-records',
    title: 'Who sees what, and who can end it',
    says: `What ${employer}’s IT reads at ${identityProvider.name}, and what the operator of ${chat.name} reads. While the connection was removed, ${agentName} was stopped; ${unmanaged.name} was not.`,
    observed: observed.find(({ name, answer }) => name === 'token' && answer.status === 200),
    cast,
    show: {},
    promises: () => [
      [`${identityProvider.name} wrote down what ${agentName} did`, atEmployer.managed.length > 0],
      [`it wrote down that Alice signed in to ${chat.name}`, atEmployer.unmanaged.length > 0],
      [`none of its lines names ${unmanaged.name}`, atEmployer.namingUnmanaged === 0],
      [`${chat.name} wrote down the consent and the code`, vendor.unmanaged.length >= 2],
      [`${unmanaged.name} goes on when the connection is removed`, afterRemoval?.account === caller?.account],
    ],
    facts: [
      [
        `${identityProvider.name}, ${agentName}`,
        said(atEmployer.managed.findLast(({ text }) => text.startsWith('exchange, granted'))),
      ],
      [`${identityProvider.name}, ${unmanaged.name}`, said(atEmployer.unmanaged.at(-1))],
      [`${chat.name}, ${agentName}`, said(vendor.managed.findLast(({ text }) => text.startsWith('redeem, granted')))],
      ...vendor.unmanaged
        .slice(-2)
        .map(({ text }, at): Shown => [`${chat.name}, ${unmanaged.name}${at === 0 ? '' : ' again'}`, text]),
      [
        'the connection removed',
        `${agentName}: refused. ${unmanaged.name}: ${afterRemoval === undefined ? 'stopped' : `still ${afterRemoval.account}`}`,
      ],
      [
        `to end ${unmanaged.name}`,
        `the operator of ${chat.name} blocks it, or Alice, there; ${employer} has nothing to remove`,
      ],
    ],
  })
}
