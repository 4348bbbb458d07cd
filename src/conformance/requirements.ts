/** The requirements table: every rule of the draft, of its branches and of the dialects around it, with what is done about it. */

import type { Requirement } from './requirement.ts'
import { clientRequirements } from './requirements/client.ts'
import { deployedRequirements } from './requirements/deployed.ts'
import { exchangeRequirements } from './requirements/exchange.ts'
import { exchangePolicyRequirements } from './requirements/exchange-policy.ts'
import { idJagRequirements } from './requirements/id-jag.ts'
import { branchRequirements } from './requirements/in-flight.ts'
import { resourceBranchRequirements } from './requirements/in-flight-resources.ts'
import { mcpRequirements } from './requirements/mcp.ts'
import { metadataRequirements } from './requirements/metadata.ts'
import { proofRequirements } from './requirements/proof-of-possession.ts'
import { protectedResourceRequirements } from './requirements/protected-resource.ts'
import { redemptionRequirements } from './requirements/redemption.ts'
import { revisionRequirements } from './requirements/revisions.ts'
import { samlRequirements } from './requirements/saml.ts'
import { securityRequirements } from './requirements/security.ts'
import { tenantRequirements } from './requirements/tenants.ts'

/** The rows that belong together, under the name that a reader knows them by. */
export interface RequirementGroup {
  name: string
  requirements: readonly Requirement[]
}

/** The whole table, in the order of the draft. */
export const requirementGroups: readonly RequirementGroup[] = [
  { name: 'The token', requirements: idJagRequirements },
  { name: 'The token exchange', requirements: exchangeRequirements },
  { name: 'The judgement at the identity provider', requirements: exchangePolicyRequirements },
  { name: 'The redemption', requirements: redemptionRequirements },
  { name: 'The protected resource', requirements: protectedResourceRequirements },
  { name: 'The client', requirements: clientRequirements },
  { name: 'SAML', requirements: samlRequirements },
  { name: 'Tenants', requirements: tenantRequirements },
  { name: 'Registration and metadata', requirements: metadataRequirements },
  { name: 'Proof of possession', requirements: proofRequirements },
  { name: 'Security', requirements: securityRequirements },
  { name: 'In flight: who governs a resource', requirements: resourceBranchRequirements },
  { name: 'In flight: the other branches', requirements: branchRequirements },
  { name: 'Older revisions', requirements: revisionRequirements },
  { name: 'Deployed products', requirements: deployedRequirements },
  { name: 'The MCP extension', requirements: mcpRequirements },
]

/** Every row, in the order of the draft. */
export const requirements: readonly Requirement[] = requirementGroups.flatMap(({ requirements }) => requirements)
