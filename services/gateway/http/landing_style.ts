/**
 * The style sheet of the landing page, and its hash for the content security policy.
 * Runs on a gateway thread; constants only.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** The style sheet; it stands inside the page, which loads nothing. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --back: #f6f7f4; --card: #ffffff; --line: #dfe3dc; --text: #1b2429; --soft: #5a686f; --mark: #0f6e78;
}
@media (prefers-color-scheme: dark) {
  :root { --back: #10151a; --card: #182027; --line: #2a353e; --text: #e4eaec; --soft: #93a3ab; --mark: #5cc8cf; }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--back); color: var(--text);
  font: 16px/1.55 ui-sans-serif, system-ui, sans-serif;
}
main { max-width: 46rem; margin: 0 auto; padding: 3.5rem 1.25rem 2.5rem; }
header { display: flex; gap: 1.1rem; align-items: center; margin-bottom: 1.75rem; }
header img, header svg { width: 4rem; height: 4rem; border-radius: 1rem; flex: none; object-fit: cover; }
h1 { font-size: 2rem; line-height: 1.15; margin: 0; letter-spacing: -0.02em; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 0.9rem; }
p { margin: 0; overflow-wrap: anywhere; }
a { color: var(--mark); }
a:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
code { font: 0.92em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
section, .address {
  background: var(--card); border: 1px solid var(--line); border-radius: 0.9rem; padding: 1.25rem 1.4rem;
}
section { margin-top: 1rem; }
.soft, dt, footer { color: var(--soft); }
.address { border-left: 4px solid var(--mark); margin-top: 1.25rem; }
.address code {
  display: block; font-size: 1.2rem; color: var(--mark); user-select: all; margin-bottom: 0.35rem;
}
.intro { font-size: 1.1rem; }
dl { display: grid; grid-template-columns: minmax(9rem, auto) 1fr; gap: 0.4rem 1.25rem; margin: 0; }
dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.5rem; }
li a {
  display: block; border: 1px solid var(--line); border-radius: 2rem; padding: 0.2rem 0.8rem;
  text-decoration: none; color: var(--text);
}
li a:hover { border-color: var(--mark); }
li b { color: var(--mark); font-variant-numeric: tabular-nums; }
footer { margin-top: 1.75rem; font-size: 0.9rem; display: flex; flex-wrap: wrap; gap: 0.35rem 1.1rem; }
@media (max-width: 34rem) {
  main { padding-top: 2rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.6rem; }
}
`;

/** The source expression that allows this style sheet and no other (CSP level 2). */
export const STYLE_HASH: string = `sha256-${createHash("sha256").update(STYLE).digest("base64")}`;
