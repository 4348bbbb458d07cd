import { describe, expect, it } from 'vitest'
import { boundedCalls } from '../../src/store/bounded-calls.ts'
import { ConflictError } from '../../src/store/store.ts'

const never = () => new Promise<never>(() => {})

describe('calls to a store', () => {
  it('give their answer, and errors of ours as they are', async () => {
    const { run } = boundedCalls()
    expect(await run(async () => 'answer')).toBe('answer')
    const error = new ConflictError('meanwhile')
    await expect(run(() => Promise.reject(error))).rejects.toBe(error)
    const throwing = () => {
      throw error
    }
    await expect(run(throwing)).rejects.toBe(error)
  })

  it('hide the text of foreign errors, which may hold a password', async () => {
    const { run } = boundedCalls()
    const foreign = Object.assign(new Error('redis://:hunter2@cache'), { code: 'ENOSPC' })
    await expect(run(() => Promise.reject(foreign))).rejects.toMatchObject({
      name: 'StoreUnavailableError',
      message: 'the store failed: Error ENOSPC',
      cause: foreign,
    })
  })

  it('end at the deadline, and count as long as they hang', async () => {
    const { run } = boundedCalls({ deadline: 20, mostAtOnce: 3 })
    const hung = await Promise.allSettled([run(never), run(never), run(never)])
    expect(hung.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await expect(run(async () => 'answer')).rejects.toThrow('3 calls wait for the store already')
    const other = boundedCalls({ deadline: 20, mostAtOnce: 1 })
    expect(await other.run(async () => 'answer')).toBe('answer')
    expect(await other.run(async () => 'again')).toBe('again')
  })
})
