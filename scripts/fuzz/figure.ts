/** One measured figure beside its bound. */

/** What was measured, for people, and whether it is as it must be. */
export interface Figure {
  what: string
  bound: string
  figure: string
  holds: boolean
}
