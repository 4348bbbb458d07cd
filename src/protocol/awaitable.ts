/** What is there at once or comes later: most of what a request asks for is in memory, and to wait for it costs more than to look it up. */

/** A value, or the promise of it. Whoever gives one may give either, and each time another. */
export type Awaitable<Value> = Value | Promise<Value>

/** Whether it has to be waited for: a promise, of whichever library. */
export function isPromise<Value>(value: Awaitable<Value>): value is Promise<Value> {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Promise || typeof (value as { then?: unknown }).then === 'function'
}

/** What follows from a value: at once when it is there. Throws, or rejects, as `next` does. */
export function following<Value, Next>(
  value: Awaitable<Value>,
  next: (value: Value) => Awaitable<Next>,
): Awaitable<Next> {
  return isPromise(value) ? value.then(next) : next(value)
}
