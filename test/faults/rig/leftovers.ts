/** What must not outlive the program that started it, however that ends. */

const leftovers = new Set<() => void>()

process.once('exit', () => {
  for (const end of leftovers) end()
})

/** Calls `end` at the exit of this program, unless the function that it gives was called before. */
export function atExit(end: () => void): () => void {
  leftovers.add(end)
  return () => void leftovers.delete(end)
}
