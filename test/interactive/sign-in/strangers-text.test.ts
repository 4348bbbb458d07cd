import { describe, expect, it } from 'vitest'
import { strangersText } from '../../../src/interactive/sign-in/strangers-text.ts'

describe('the text of a stranger', () => {
  it.each([
    ['a name', 'Wiki of Café Zürich', 'Wiki of Café Zürich'],
    ['other letters', 'Вики 维基 ويكي', 'Вики 维基 ويكي'],
    ['a name on several lines', ' Wiki\r\n\tof\u2028Acme ', 'Wiki of Acme'],
    ['what turns the direction of writing', 'Wiki \u202eelbatsurt\u202c\u2066x\u2069', 'Wiki elbatsurtx'],
    ['what has no width', 'Wi\u200bki\ufeff\u00ad', 'Wiki'],
    ['controls', 'Wi\u0000k\u001bi\u0007', 'Wiki'],
    ['piled accents', `W${'\u0301'.repeat(50)}iki`, 'W\u0301\u0301\u0301iki'],
    ['half a character', 'Wiki\ud83d', 'Wiki'],
    ['blank letters', '\u3164\u115f', undefined],
    ['nothing', '', undefined],
    ['no text at all', undefined, undefined],
  ])('is shown without what deceives the eye: %s', (_, text, shown) => {
    expect(strangersText(text, 60)).toBe(shown)
  })

  it('is cut to what there is room for', () => {
    expect(strangersText('x'.repeat(60), 60)).toBe('x'.repeat(60))
    expect(strangersText('x'.repeat(61), 60)).toBe(`${'x'.repeat(59)}…`)
    expect([...(strangersText('😀'.repeat(1_000_000), 60) ?? '')]).toHaveLength(60)
  })
})
