/** The style sheet of the pages a person meets here: light and dark, from a phone's width up. */

export const styleSheet = `:root {
  color-scheme: light dark;
  --page: light-dark(#f3f4f2, #12161a);
  --card: light-dark(#ffffff, #1b2127);
  --text: light-dark(#1b2228, #e8ecef);
  --quiet: light-dark(#55616b, #a6b2bb);
  --line: light-dark(#d7dcdf, #343f48);
  --accent: light-dark(#1f5aa8, #86b5f5);
  --on-accent: light-dark(#ffffff, #0b1a2c);
  --tint: light-dark(#e9f0f9, #203047);
  --alert: light-dark(#95281b, #ffb4a6);
  --alert-tint: light-dark(#fdeeeb, #3c2320);
}
* { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
body {
  margin: 0;
  min-height: 100vh;
  display: flex;
  flex-direction: column;
  align-items: center;
  justify-content: center;
  gap: 1.1rem;
  padding: 1.5rem 1rem;
  background: var(--page);
  color: var(--text);
}
header { color: var(--quiet); font-size: .95rem; overflow-wrap: anywhere; }
main {
  width: 100%;
  max-width: 30rem;
  padding: 1.75rem;
  border: 1px solid var(--line);
  border-radius: .9rem;
  background: var(--card);
}
h1 { margin: 0; font-size: 1.4rem; line-height: 1.3; text-wrap: balance; overflow-wrap: anywhere; }
p { margin: .8rem 0 0; overflow-wrap: anywhere; }
main > p { color: var(--quiet); }
a { color: var(--accent); }
.proof { color: var(--text); }
.alert {
  padding: .7rem .9rem;
  border-left: .25rem solid var(--alert);
  border-radius: .4rem;
  background: var(--alert-tint);
  color: var(--alert);
}
main > p.alert { color: var(--alert); }
dl { margin: 1.25rem 0 0; border-top: 1px solid var(--line); }
dl > div { padding: .8rem 0; border-bottom: 1px solid var(--line); }
dt { color: var(--quiet); font-size: .9rem; }
dd { margin: .1rem 0 0; overflow-wrap: anywhere; }
dd a { white-space: nowrap; }
dd strong { font-weight: 600; }
dd ul { margin: .2rem 0; padding: 0 0 0 1.1rem; }
code { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
form { margin-top: 1.25rem; }
label { display: block; font-weight: 600; }
input[type=email] {
  width: 100%;
  margin-top: .35rem;
  padding: .65rem .75rem;
  border: 1px solid var(--quiet);
  border-radius: .5rem;
  background: var(--card);
  color: inherit;
  font: inherit;
}
.buttons { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .7rem; }
button, .button {
  display: block;
  width: 100%;
  padding: .65rem 1rem;
  border: 1px solid var(--accent);
  border-radius: .5rem;
  background: var(--card);
  color: var(--accent);
  font: inherit;
  font-weight: 600;
  text-align: center;
  text-decoration: none;
  cursor: pointer;
}
button:hover, .button:hover { background: var(--tint); }
button.first, .button.first { background: var(--accent); color: var(--on-accent); }
button.first:hover, .button.first:hover { filter: brightness(1.08); }
input + button, p + .button { margin-top: .9rem; }
button.quiet { border-color: transparent; font-weight: 400; }
:focus-visible { outline: .2rem solid var(--accent); outline-offset: .15rem; }
@media (forced-colors: active) { button, .button { border-color: ButtonText; } }
`
