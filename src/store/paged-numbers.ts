/** A long row of numbers in pages, of which the last ones come and go: to grow and to shrink never copies what is there. */

/** Whole numbers of 32 bits with a sign, which need no object of their own, counted from 0; each is 0 until it is set. */
export interface PagedNumbers {
  get(index: number): number
  /** Keeps the lower 32 bits of a `value`. */
  set(index: number, value: number): void
  /** Lets go of the pages beyond so many numbers but one, which would soon be asked for again. */
  trim(length: number): void
}

/** A page of 256 KB: the system gives so much at once without filling it, and takes it back. */
const shift = 16
const mask = 2 ** shift - 1

/** An empty row: it takes no memory before a number is set. */
export function pagedNumbers(): PagedNumbers {
  const pages: Int32Array[] = []
  return {
    get: (index) => pages[index >>> shift]?.[index & mask] ?? 0,
    set(index, value) {
      for (let missing = pages.length; missing <= index >>> shift; missing++) pages.push(new Int32Array(mask + 1))
      const page = pages[index >>> shift]
      if (page !== undefined) page[index & mask] = value
    },
    trim(length) {
      while (pages.length > (length >>> shift) + 2) pages.pop()
    },
  }
}
