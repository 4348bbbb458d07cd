/** Questions to the store on behalf of a caller: a store that cannot answer is 503, as everywhere. */

import { unavailable } from '../protocol/errors.ts'
import { StoreFullError, StoreUnavailableError, StoreUnsafeError } from '../store/store.ts'

/** The answer of the store. Throws `temporarily_unavailable` when there is none, and whatever else `ask` throws as it is. */
export async function answered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (cause) {
    if (cause instanceof StoreFullError) throw unavailable('replay_store_full', cause.name, cause)
    if (cause instanceof StoreUnavailableError || cause instanceof StoreUnsafeError)
      throw unavailable('replay_store_unavailable', cause.name, cause)
    throw cause
  }
}
