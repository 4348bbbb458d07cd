/** A wrong command line of `xaa audit`. */

/** What was not understood, for the line above the help. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
