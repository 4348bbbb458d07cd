/** Finds the known word that a misspelt one was probably meant to be. */

/** The nearest of the known words, or undefined when none is near: at most a third of the letters may differ. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const near = known
    .map((candidate) => ({ candidate, distance: distanceOf(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(
      ({ candidate, distance }) => distance <= Math.max(1, Math.floor(Math.max(candidate.length, word.length) / 3)),
    )
    .sort((one, other) => one.distance - other.distance)
  return near[0]?.candidate
}

/** The number of letters to add, drop or change (Levenshtein). */
function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [at, letter] of [...one.slice(0, 64)].entries()) {
    const next = [at + 1]
    for (let index = 0; index < other.length; index++) {
      const change = (row[index] ?? 0) + (letter === other[index] ? 0 : 1)
      next.push(Math.min(change, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
