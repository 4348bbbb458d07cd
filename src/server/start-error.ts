/** Why a server cannot start. */

/** A server that cannot start, as a sentence that names the setting, with its remedy. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
