/** Every id of the draft's rules as they were counted by hand, by family: the table is held against it. */

/** From 1 to a number, with two digits: `JAG-01` … */
function numbered(family: string, ...ranges: readonly (readonly [from: number, to: number])[]): string[] {
  return ranges.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, at) => `${family}-${String(from + at).padStart(2, '0')}`),
  )
}

/** The rules of revision -04. */
const published = [
  ...numbered('JAG', [1, 22]),
  ...numbered('IDP', [1, 12], [20, 32], [40, 47]),
  ...numbered('RAS', [1, 10], [12, 18], [20, 24]),
  ...numbered('RS', [1, 6]),
  ...numbered('CL', [1, 13]),
  ...numbered('SAML', [1, 11]),
  ...numbered('TEN', [1, 8]),
  ...numbered('MAP', [1, 4]),
  ...numbered('META', [1, 10]),
  ...numbered('POP', [1, 9]),
  ...numbered('SEC', [1, 7]),
]

/** The rules of branches that are not merged. */
const inFlight = [
  ...numbered('FL-SUB', [1, 2]),
  ...numbered('FL-ISS', [1, 7]),
  ...numbered('FL-WL', [1, 3]),
  ...numbered('FL-MTLS', [1, 2]),
  ...numbered('FL-JWE', [1, 3]),
  ...['FL-DEN-01', 'FL-PRV-01', 'FL-SUBJ-01', 'FL-NID-01', 'FL-STEP-01', 'FL-ADJ-01'],
]

/** What older revisions, deployed products and the MCP extension say otherwise. */
const dialects = [
  ...numbered('VER', [1, 18]),
  ...numbered('OKTA', [1, 11]),
  ...['AUTH0-01', 'KC-01', 'OTH-01', 'OTH-02'],
  ...numbered('EMA', [1, 11]),
]

export const idsOfTheDraft: readonly string[] = [...published, ...inFlight, ...dialects]
