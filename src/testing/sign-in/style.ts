/** The style sheet of the sign-in pages: light and dark, from a phone's width up. */

export const styleSheet = `:root {
  color-scheme: light dark;
  --page: light-dark(#eef1f5, #10151c);
  --card: light-dark(#ffffff, #19212b);
  --text: light-dark(#17202b, #e8edf3);
  --quiet: light-dark(#526070, #a3b0bf);
  --line: light-dark(#d5dce4, #313d4b);
  --accent: light-dark(#1d5fbf, #7fb2ff);
  --tint: light-dark(#e8f0fc, #22344d);
  --alert: light-dark(#9c1c1c, #ffb3ab);
  --alert-tint: light-dark(#fdecea, #3d2022);
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
  gap: 1.25rem;
  padding: 1.5rem 1rem;
  background: var(--page);
  color: var(--text);
}
header { display: flex; align-items: center; gap: .6rem; font-size: 1.15rem; font-weight: 650; }
.for { color: var(--quiet); font-weight: 400; }
.mark {
  width: 1.6rem;
  height: 1.6rem;
  border-radius: .45rem;
  background: linear-gradient(135deg, var(--accent) 50%, var(--text) 50%);
}
main {
  width: 100%;
  max-width: 27rem;
  padding: 1.75rem;
  border: 1px solid var(--line);
  border-radius: 1rem;
  background: var(--card);
  box-shadow: 0 .75rem 2rem rgb(0 0 0 / 8%);
}
h1 { margin: 0; font-size: 1.4rem; line-height: 1.25; text-wrap: balance; overflow-wrap: anywhere; }
.application { color: var(--accent); }
main > p { margin: .6rem 0 0; color: var(--quiet); }
main > p.refusal {
  margin-top: 1rem;
  padding: .7rem .9rem;
  border-left: .25rem solid var(--alert);
  border-radius: .4rem;
  background: var(--alert-tint);
  color: var(--alert);
}
ul { list-style: none; margin: 1.25rem 0 1rem; padding: 0; display: grid; gap: .6rem; }
button { font: inherit; color: inherit; cursor: pointer; }
.person {
  width: 100%;
  display: flex;
  align-items: center;
  gap: .9rem;
  padding: .7rem .8rem;
  border: 1px solid var(--line);
  border-radius: .7rem;
  background: var(--card);
  text-align: left;
}
.person:hover { border-color: var(--accent); background: var(--tint); }
.initials {
  flex: none;
  display: grid;
  place-items: center;
  width: 2.5rem;
  height: 2.5rem;
  border-radius: 50%;
  background: var(--tint);
  color: var(--accent);
  font-weight: 650;
  font-size: .95rem;
}
.who { flex: 1; min-width: 0; display: flex; flex-wrap: wrap; column-gap: .7rem; }
.who strong { flex: 100%; }
.who > span { color: var(--quiet); font-size: .9rem; overflow-wrap: anywhere; }
.who > span + span { font-style: italic; }
.disabled .initials { background: none; border: 1px dashed var(--quiet); color: var(--quiet); }
.disabled strong { font-weight: 500; color: var(--quiet); }
.badge {
  margin-left: .3rem;
  padding: .1rem .55rem;
  border-radius: 1rem;
  background: var(--alert-tint);
  color: var(--alert);
  font-size: .8rem;
}
.cancel { width: 100%; padding: .5rem; border: 0; border-radius: .5rem; background: none; color: var(--accent); }
.cancel:hover { text-decoration: underline; }
:focus-visible { outline: .2rem solid var(--accent); outline-offset: .15rem; }
footer { max-width: 27rem; text-align: center; color: var(--quiet); font-size: .85rem; }
footer p { margin: 0; }
`
