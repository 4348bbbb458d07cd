/** What misses a deadline of our own on a busy machine is tried again: slowness is measured, and is no failure. */

const most = 5

/** Calls again, half a second later, after a rejection; throws the last of five. What it calls must not mind being called twice. */
export async function patiently<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++)
    try {
      return await call()
    } catch (cause) {
      if (attempt === most) throw cause
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
}
