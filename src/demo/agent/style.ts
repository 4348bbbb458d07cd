/** The style sheet of the agent's pages: light and dark, from a phone's width up. */

export const style = `:root {
  color-scheme: light dark;
  --page: light-dark(#f6f7f5, #11161a);
  --card: light-dark(#ffffff, #1a2127);
  --text: light-dark(#1b2426, #e7edee);
  --quiet: light-dark(#55646a, #a5b3b8);
  --line: light-dark(#d8dfdd, #33404a);
  --accent: light-dark(#0f6b63, #5ad1c0);
  --on-accent: light-dark(#ffffff, #06201d);
  --tint: light-dark(#e3f2ef, #17302f);
  --idp: light-dark(#1d5fbf, #7fb2ff);
  --idp-tint: light-dark(#e8f0fc, #1d2c43);
  --chat: light-dark(#8a3f8f, #dfa0e3);
  --chat-tint: light-dark(#f7ebf8, #33203a);
  --good: light-dark(#17662f, #86dba0);
  --good-tint: light-dark(#e2f4e6, #183322);
  --bad: light-dark(#9c1c1c, #ffb3ab);
  --bad-tint: light-dark(#fdecea, #3d2022);
}
* { box-sizing: border-box; }
html { font: 100%/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; background: var(--page); color: var(--text); }
body { margin: 0; }
.width { width: 100%; max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; padding: .5rem .8rem; background: var(--card); z-index: 1; }
.bar { border-bottom: 1px solid var(--line); background: var(--card); }
.bar .width { display: flex; align-items: center; justify-content: space-between; gap: 1rem; min-height: 3.75rem; }
.brand { display: flex; align-items: center; gap: .6rem; color: var(--text); font-weight: 650; text-decoration: none; white-space: nowrap; }
.who { display: flex; align-items: center; gap: .6rem; font-size: .95rem; min-width: 0; white-space: nowrap; }
.who span { overflow: hidden; text-overflow: ellipsis; }
main { padding-bottom: 2rem !important; }
section { margin: 3rem 0; }
h1, h2, h3, h4, h5, p, figure, ul, ol, dl, dd { margin: 0; }
h1 { font-size: clamp(1.9rem, 5vw, 2.9rem); line-height: 1.12; letter-spacing: -.02em; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 1.4rem; line-height: 1.25; letter-spacing: -.01em; margin-bottom: 1rem; }
h3 { font-size: 1.05rem; line-height: 1.35; }
h4 { font-size: 1rem; }
h5 { font-size: .8rem; margin-top: .9rem; color: var(--quiet); font-weight: 600; }
p + p { margin-top: .75rem; }
p + h1 { margin-top: .6rem; }
a { color: var(--accent); }
code { font: .86em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
:focus-visible { outline: .2rem solid var(--accent); outline-offset: .15rem; border-radius: .3rem; }
.kicker { color: var(--accent); font-weight: 600; margin-bottom: .6rem; }
.lead { font-size: 1.15rem; color: var(--quiet); max-width: 44rem; margin-top: 1rem; overflow-wrap: anywhere; }
.small { font-size: .9rem; color: var(--quiet); }
.hero { display: grid; gap: 2.5rem; grid-template-columns: 1.15fr 1fr; align-items: center; }
.hero.narrow { grid-template-columns: 1fr; }
.hero .button { margin-top: 1rem; }
.button, button {
  display: inline-block; font: inherit; font-weight: 600; padding: .6rem 1.15rem; border: 1px solid transparent;
  border-radius: .6rem; background: var(--accent); color: var(--on-accent); text-decoration: none; cursor: pointer;
}
.button:hover, button:hover { filter: brightness(1.08); }
button.second { background: none; border-color: var(--accent); color: var(--accent); }
button.second:hover { background: var(--tint); filter: none; }
button.quiet { background: none; color: var(--accent); padding: .3rem .4rem; }
.picture { width: 100%; max-width: 30rem; display: block; margin: 0 auto; font: inherit; }
.picture .box rect { fill: var(--card); stroke: var(--line); stroke-width: 1.5; }
.picture .idp rect { stroke: var(--idp); fill: var(--idp-tint); }
.picture .agent rect { stroke: var(--accent); fill: var(--tint); }
.picture .chat rect { stroke: var(--chat); fill: var(--chat-tint); }
.picture text { fill: var(--text); text-anchor: middle; }
.picture .note { text-anchor: end; }
.picture .name { font-size: 16px; font-weight: 650; }
.picture .part, .picture .note { font-size: 13px; fill: var(--quiet); }
.picture .way { fill: none; stroke: var(--text); stroke-width: 1.6; }
.picture .trust { fill: none; stroke: var(--quiet); stroke-width: 1.5; stroke-dasharray: 5 5; }
.picture marker path { fill: var(--text); }
.picture .number circle { fill: var(--text); }
.picture .number text { fill: var(--page); font-size: 13px; font-weight: 650; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(14rem, 100%), 1fr)); gap: 1rem; list-style: none; padding: 0; }
.cards:not(:first-child) { margin-top: 1rem; }
.card { display: flex; flex-direction: column; align-items: flex-start; gap: .6rem; padding: 1.25rem; border: 1px solid var(--line); border-radius: .9rem; background: var(--card); }
.card p, .card ul { margin: 0; color: var(--quiet); }
.card ul { padding-left: 1.1rem; display: grid; gap: .4rem; }
.cards.wide { grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); }
.card ul.record { list-style: none; padding: 0; width: 100%; font-size: .92rem; }
.record li { overflow-wrap: anywhere; padding-top: .4rem; border-top: 1px solid var(--line); }
.record b { color: var(--text); }
.verdict { margin-top: 1rem; font-weight: 600; }
.after, form.try { margin-top: 1rem; }
.answer + .cards { margin-top: 1.5rem; }
.cards + p, form.try + p { margin-top: 1rem; }
.told { margin-top: 1.5rem; }
.card button { margin-top: auto; }
input[name="text"] { width: 100%; font: inherit; color: inherit; padding: .5rem .7rem; border: 1px solid var(--quiet); border-radius: .5rem; background: var(--page); }
fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .95rem; }
legend { padding: 0; color: var(--quiet); }
input[type="radio"] { accent-color: var(--accent); }
.notice { display: flex; flex-wrap: wrap; gap: .8rem 1.2rem; align-items: center; margin-top: 1.5rem; padding: 1rem 1.2rem; border-radius: .8rem; background: var(--bad-tint); color: var(--bad); }
.notice button.second { border-color: currentColor; color: inherit; }
.pill { display: inline-block; padding: .05rem .6rem; border-radius: 1rem; font-size: .85rem; font-weight: 600; background: var(--page); color: var(--quiet); border: 1px solid var(--line); }
.card .pill.good, .pill.good { background: var(--good-tint); color: var(--good); border-color: transparent; }
.card .pill.bad, .pill.bad { background: var(--bad-tint); color: var(--bad); border-color: transparent; }
.way-list { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(14rem, 100%), 1fr)); gap: 1rem 1.5rem; padding: 0; list-style: none; counter-reset: way; }
.way-list li { counter-increment: way; border-top: 2px solid var(--text); padding-top: .7rem; color: var(--quiet); }
.way-list li::before { content: counter(way); display: block; font-weight: 650; color: var(--text); }
.way-list b, .way-list em { color: var(--text); font-style: normal; }
.way-list em { font-weight: 600; border-bottom: 2px solid var(--accent); }
.rows > div { display: grid; grid-template-columns: minmax(7rem, 11rem) 1fr; gap: .1rem 1rem; padding: .4rem 0; border-top: 1px solid var(--line); }
.rows > div:first-child { border-top: 0; }
.rows dt { font-weight: 600; font-size: .92rem; overflow-wrap: anywhere; }
.rows dd { grid-column: 2; overflow-wrap: anywhere; min-width: 0; }
.rows.parts > div { grid-template-columns: 9rem 1.1fr 1fr; }
.rows.parts dd { grid-column: auto; }
.rows.parts dt { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .86rem; }
.meaning { color: var(--quiet); font-size: .92rem; }
[aria-labelledby="who"] .rows > div { grid-template-columns: 10rem 13rem 1fr auto; }
[aria-labelledby="who"] .rows dd { grid-column: auto; }
.answer { list-style: none; margin-top: 1.5rem; padding: .5rem 1.25rem; border: 1px solid var(--line); border-radius: .9rem; background: var(--card); max-width: 44rem; }
.answer li { padding: .6rem 0; overflow-wrap: anywhere; }
.answer li + li { border-top: 1px solid var(--line); }
p.answer { padding: 1rem 1.25rem; }
.answer p { margin: 0; }
.meta { color: var(--quiet); font-size: .88rem; }
.meta b { color: var(--text); }
.timeline { list-style: none; counter-reset: step; padding: 0; margin-top: 1.75rem; }
.timeline > li { counter-increment: step; position: relative; padding: 0 0 2rem 3.1rem; }
.timeline > li::before {
  content: counter(step); position: absolute; left: 0; top: -.15rem; width: 2rem; height: 2rem; display: grid; place-items: center;
  border-radius: 50%; background: var(--text); color: var(--page); font-weight: 650; font-size: .9rem;
}
.timeline > li.refused::before { background: var(--bad); }
.timeline > li:not(:last-child)::after { content: ""; position: absolute; left: .95rem; top: 2.25rem; bottom: .5rem; width: 2px; background: var(--line); }
.line { margin-top: .2rem; color: var(--quiet); }
details { margin-top: .6rem; }
summary { cursor: pointer; color: var(--accent); font-weight: 600; width: fit-content; }
details h4 { margin-top: .8rem; font-size: .9rem; color: var(--quiet); }
details .rows { margin-top: .2rem; }
.token { margin-top: 1rem; padding: 1.1rem 1.25rem; border: 1px solid var(--line); border-radius: .9rem; background: var(--card); border-left: .35rem solid var(--idp); }
.token.access-token { border-left-color: var(--chat); }
.token h4 { font-size: 1.1rem; color: var(--idp); }
.token.access-token h4 { color: var(--chat); }
.token p { margin-top: .3rem; color: var(--quiet); }
.token .made { color: var(--text); }
.audit { margin-top: 1rem; padding: .7rem 1rem; border-radius: .6rem; border: 1px dashed var(--line); font-size: .92rem; }
.audit .detail { display: block; color: var(--quiet); overflow-wrap: anywhere; }
footer { border-top: 1px solid var(--line); color: var(--quiet); font-size: .9rem; padding-top: 1.25rem !important; padding-bottom: 2rem !important; }
@media (max-width: 46rem) {
  .bar .width { gap: .5rem; }
  .who { gap: .3rem; font-size: .85rem; }
  section { margin: 2.25rem 0; }
  .hero { grid-template-columns: 1fr; gap: 2rem; }
  .rows > div, .rows.parts > div, [aria-labelledby="who"] .rows > div { grid-template-columns: 1fr; }
  .rows dd, .rows.parts dd { grid-column: 1; }
  .timeline > li { padding-left: 2.6rem; }
  .token { padding: 1rem; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
`
