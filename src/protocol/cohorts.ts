/** Those who come at once go on together: code that runs many times in a row stays in the processor's caches, and one write does for many. */

/** So many go on without looking whether more come. */
const enough = 64

/** Resolves after a turn of the event loop that left the number as it was, and as soon as it is 64 or more. */
export async function settled(count: () => number): Promise<void> {
  let before = -1
  while (before !== count() && count() < enough) {
    before = count()
    await new Promise<void>((next) => setImmediate(next))
  }
}

/** Makes a place where whoever comes waits for those who come at once; each kind of work wants one of its own. */
export function newCohorts(): () => Promise<void> {
  let members = 0
  let together: Promise<void> | undefined
  const goOn = () => {
    members = 0
    together = undefined
  }
  return () => {
    members += 1
    together ??= settled(() => members).then(goOn)
    return together
  }
}
