/** When a command that stays up is to end: at a signal, also at one that only reached the npm in front of it. */

/** What ended it, in a word for the log. */
export type StopReason = 'SIGTERM' | 'SIGINT' | 'npm' | 'parent'

/**
 * Resolves once the process is told to stop. `npm run` hands a signal to the shell between npm and us, which dies of it and
 * passes nothing on: under npm the end of that shell counts as the signal. So does, everywhere, the end of the process whose number
 * `XAA_PARENT` holds, which started this one and may be killed without a word.
 */
export function stopSignal(env: NodeJS.ProcessEnv): Promise<StopReason> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve)
    if (env.XAA_PARENT === undefined && env.npm_lifecycle_event === undefined) return
    const parent = env.XAA_PARENT === undefined ? process.ppid : Number(env.XAA_PARENT)
    const watch = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(watch)
      resolve(env.XAA_PARENT === undefined ? 'npm' : 'parent')
    }, 200)
    watch.unref()
  })
}

/** Resolves at the next signal: to be called when {@link stopSignal} has resolved. One more after it ends the process without a word. */
export function nextSignal(): Promise<StopReason> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve)
  })
}
