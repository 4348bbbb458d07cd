/** Reads a body whole, and takes little more memory for it than its bytes, whatever pieces they come in. */

const firstRoom = 4096

/**
 * The bytes of a body. Throws what `tooLarge` gives as soon as there are more than `maxBytes`, and what the body itself throws. Pieces
 * are copied: kept as they are, each byte that comes as a chunk of its own would take some two hundred.
 */
export async function bodyBytes(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tooLarge: () => Error,
): Promise<Uint8Array> {
  let room = new Uint8Array(Math.min(firstRoom, maxBytes))
  let size = 0
  for await (const piece of body) {
    const needed = size + piece.length
    if (needed > maxBytes) throw tooLarge()
    if (needed > room.length) {
      const larger = new Uint8Array(Math.min(maxBytes, Math.max(needed, 2 * room.length)))
      larger.set(room.subarray(0, size))
      room = larger
    }
    room.set(piece, size)
    size = needed
  }
  return room.slice(0, size)
}
