/** Text of strangers, made fit to be shown: of bounded length, on one line, and without characters that deceive the eye. */

/** Controls, what turns the direction of writing, what has no width, what is not assigned. */
const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u2800]+/gu
/** A fourth accent on one letter, and those after it: they would reach into the lines above and below. */
const piled = /(\p{M}{3})\p{M}+/gu

/**
 * The text in at most `longest` characters, `…` included. What it means is not judged, nor whether it looks like another text in other
 * letters. Undefined when nothing is left. It is NOT escaped: that is for the template.
 */
export function strangersText(text: string | undefined, longest: number): string | undefined {
  // Only the beginning is read at all: the rest cannot be shown.
  const clean = (text ?? '')
    .slice(0, longest * 8)
    .replace(/\s+/gu, ' ')
    .replace(unseen, '')
    .replace(piled, '$1')
    .trim()
  const characters = [...clean]
  if (characters.length === 0) return undefined
  return characters.length <= longest ? clean : `${characters.slice(0, longest - 1).join('')}…`
}
