"""The style sheet of the page."""

from __future__ import annotations

import base64
import hashlib

CSS = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #59636e; --paper: #f6f8fa; --card: #ffffff; --line: #d1d9e0;
  --accent: #0b5cad; --good: #1a7f37; --bad: #b3261e; --warn: #8a5a00; --field: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9aa7b4; --paper: #0d1117; --card: #161b22;
  --line: #30363d; --accent: #79b8ff; --good: #56d364; --bad: #ff8a80; --warn: #e3b341; --field: #0d1117; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 76rem; margin: 0 auto; padding: 1rem 1.25rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; }
h1 { font-size: 1.35rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 0 0 .6rem; }
code, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .86em; }
nav { display: flex; flex-wrap: wrap; gap: .5rem; margin-bottom: 1rem; }
nav a { padding: .25rem .8rem; border: 1px solid var(--line); border-radius: 999px; text-decoration: none; }
nav a[aria-current] { background: var(--accent); border-color: var(--accent); color: var(--card); }
a { color: var(--accent); }
.dim { color: var(--dim); }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.message { border: 1px solid var(--accent); border-radius: 8px; padding: .6rem .9rem; margin: 0 0 1rem;
  background: var(--card); overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem;
  margin-bottom: 1rem; min-width: 0; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--dim); font-size: .85rem; white-space: nowrap; }
tr:last-child > td { border-bottom: 0; }
tr.open > td { border-bottom: 0; padding-bottom: 0; }
td.tight { white-space: nowrap; }
td.name { min-width: 11rem; overflow-wrap: anywhere; }
td.tags { min-width: 8rem; overflow-wrap: anywhere; }
td.wide { min-width: 13rem; }
td.path { overflow-wrap: anywhere; min-width: 12rem; }
form { margin: 0; }
form.inline { display: inline-block; margin-right: .35rem; }
.fields { display: flex; flex-wrap: wrap; gap: .6rem; align-items: end; }
label { display: inline-flex; flex-direction: column; font-size: .85rem; color: var(--dim); gap: .15rem; }
label.check { flex-direction: row; align-items: center; gap: .4rem; color: var(--ink); }
.checks { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .2rem .8rem;
  margin: .4rem 0 .8rem; }
input, select, button { font: inherit; color: var(--ink); background: var(--field); border: 1px solid var(--line);
  border-radius: 6px; padding: .3rem .55rem; max-width: 100%; min-height: 2.2rem; }
input[type=checkbox] { min-height: 0; }
input[type=number] { width: 6.5rem; }
button { cursor: pointer; font-weight: 600; }
button:hover { border-color: var(--accent); }
button.danger { color: var(--bad); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
details > summary { cursor: pointer; }
details table { margin: .3rem 0 .5rem; }
@media (max-width: 40rem) { header, main { padding: .75rem; } section { padding: .75rem; }
  td.name { min-width: 8rem; } }
"""

#: The hash of this style sheet for the content security policy.
CSS_HASH = "sha256-" + base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode("ascii")
