/** Waiting for company before a write: one for many costs little more than one for each, and what waits on it then goes on together. */

/** Nobody waits longer for others than so many milliseconds, however many still come. */
const longest = 10

/**
 * Resolves when those who come at once are there: after a turn of the event loop that brought nobody, and a millisecond after that where
 * they are not half of as many as `usual`; in any case after some ten milliseconds. Whoever comes alone time after time waits one turn.
 */
export async function gathered(count: () => number, usual: number): Promise<void> {
  const until = performance.now() + longest
  let before = -1
  while (before !== count() && performance.now() < until) {
    before = count()
    await new Promise<void>((next) => setImmediate(next))
  }
  if (2 * count() < usual) await new Promise<void>((next) => setTimeout(next, 1))
}
