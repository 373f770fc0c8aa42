//! The fixed parts of the page: style, panel and script. Nothing of a run is in them.

pub(super) const PANEL: &str = r#"<aside>
<div id="bar">
<button id="back" title="one step back (←)">◀</button>
<input id="slider" type="range" min="0" value="0" aria-label="step">
<button id="forward" title="one step forward (→)">▶</button>
<button id="wrong" title="to the broken rule (v)">!</button>
</div>
<h2 id="where"></h2>
<ul id="events"></ul>
<div id="states"></div>
<p class="quiet">← → step · Home End first, last · v the broken rule · point at an arrow to read it</p>
</aside>
"#;

pub(super) const CSS: &str = r#":root { --bg: #fff; --fg: #1d2329; --quiet: #66707a; --rule: #d5dae0; --now: #fff3c4; --bad: #c62828; --mark: #b26a00;
  --arrow: #2f6db3; --panel: #f6f8fa; --cut: #c6282814; }
@media (prefers-color-scheme: dark) { :root { --bg: #14181d; --fg: #e3e7eb; --quiet: #8d98a3; --rule: #3a434d; --now: #3c3412;
  --bad: #ff7b72; --mark: #f0b429; --arrow: #79b8ff; --panel: #1c2229; --cut: #ff7b721c; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 0 1.2rem 1rem; background: var(--bg); color: var(--fg); font: 15px/1.45 system-ui, sans-serif;
  height: 100vh; display: flex; flex-direction: column; }
header { max-width: 75rem; overflow-wrap: anywhere; }
h1 { font-size: 1.15rem; margin: .8rem 0 .3rem; } h2 { font-size: 1rem; margin: .6rem 0 .3rem; }
header p { margin: .15rem 0; } .quiet { color: var(--quiet); font-size: .85rem; }
main { flex: 1; min-height: 20rem; display: flex; gap: 1rem; margin-top: .7rem; }
#picture { flex: 1 1 60%; overflow: auto; scroll-padding-top: 34px; border: 1px solid var(--rule); border-radius: 6px; }
aside { scroll-padding-top: 3rem; flex: 0 0 26rem; max-width: 42vw; overflow: auto; background: var(--panel); border-radius: 6px; padding: .7rem; }
#bar { display: flex; gap: .4rem; position: sticky; top: -.7rem; padding: .5rem 0; background: var(--panel); z-index: 1; } #slider { flex: 1; accent-color: var(--arrow); }
button { color: var(--fg); background: var(--bg); border: 1px solid var(--rule); border-radius: 4px; cursor: pointer; }
#wrong { color: var(--bad); font-weight: bold; }
#events { list-style: none; margin: 0; padding: 0; font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
#events li + li { padding-left: 1.2rem; } #events .bad { color: var(--bad); font-weight: bold; }
.node { border-top: 1px solid var(--rule); margin-top: .6rem; padding-top: .3rem; } .node h3 { margin: 0; font-size: .9rem; }
.node.down { opacity: .55; } .node.acts h3 { color: var(--arrow); }
table { border-collapse: collapse; font: 13px/1.4 ui-monospace, monospace; } td { padding: 0 .7rem 0 0; vertical-align: top; overflow-wrap: anywhere; }
td:first-child { color: var(--quiet); } tr.changed td { background: var(--now); } .old { color: var(--quiet); text-decoration: line-through; }
svg { display: block; font: 13px ui-monospace, monospace; fill: var(--fg); }
#heads { position: sticky; top: 0; background: var(--bg); border-bottom: 1px solid var(--rule); z-index: 1; }
#states { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 0 .8rem; }
.head { text-anchor: middle; font-weight: bold; } .number, .time { text-anchor: end; } .time { fill: var(--quiet); font-size: 11px; }
.lane { stroke: var(--rule); stroke-width: 2; } .pause { stroke: var(--bg); stroke-width: 3; stroke-dasharray: 5 4; }
.cut { fill: var(--cut); } #now { fill: var(--now); } .hit { fill: transparent; } .step { cursor: pointer; }
.step circle { fill: var(--fg); } .sign { text-anchor: middle; } .wall { fill: var(--bad); }
.mark circle, .mark .number { fill: var(--mark); font-weight: bold; }
.violation circle, .violation .number { fill: var(--bad); font-weight: bold; }
.msg line { stroke: var(--arrow); stroke-width: 1.5; } .msg.copy line { stroke-dasharray: 2 3; } .msg.lost line { stroke: var(--bad); stroke-dasharray: 5 3; }
.msg.open line { opacity: .45; } .msg.lost .sign { fill: var(--bad); } #tip { fill: var(--arrow); }
.msg .label { display: none; text-anchor: middle; font-size: 12px; paint-order: stroke; stroke: var(--bg); stroke-width: 4px; }
.msg.on .label, .msg.key .label, .msg:hover .label { display: inline; } .msg.on line { stroke-width: 3; }
.later { opacity: .25; }
@media (max-width: 60rem) { body { height: auto; } main { flex-direction: column; } aside { max-width: none; flex: none; order: -1; } }
"#;

pub(super) const SCRIPT: &str = r#""use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const last = Math.max(0, data.moments.length - 1);
const byId = id => document.getElementById(id);
const slider = byId("slider");
const steps = [...document.querySelectorAll(".step")], messages = [...document.querySelectorAll(".msg")];
slider.max = last;

// Always by textContent: what a node says is text, whatever it looks like.
function element(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

// What is known of each lane after moment `now`; a field counts as changed only if it changed in that moment.
function statesAt(now) {
  const lanes = data.lanes.map(() => ({ state: null, saved: null, down: false, fresh: {} }));
  for (let i = 0; i <= now; i++) {
    for (const [lane, kind, fields] of data.moments[i].changes) {
      const known = lanes[lane];
      if (kind === "down") { known.down = true; known.state = null; continue; }
      known.down = false;
      known[kind] = fields;
      if (i === now) known.fresh[kind] = true;
    }
  }
  return lanes;
}

function table(title, fields, fresh) {
  const box = element("table");
  for (const [name, value, before] of fields) {
    const row = element("tr", undefined, fresh && before !== null ? "changed" : "");
    row.append(element("td", name === "" ? title : name));
    const cell = element("td", value);
    if (fresh && before) { cell.append(" "); cell.append(element("span", before, "old")); }
    row.append(cell);
    box.append(row);
  }
  return box;
}

function show(now) {
  now = Math.min(last, Math.max(0, now));
  slider.value = now;
  const moment = data.moments[now];
  if (!moment) return;
  document.body.dataset.step = moment.step;
  byId("where").textContent = "step " + moment.step + " · " + moment.at;
  byId("events").replaceChildren(...moment.events.map(e => element("li", e, / breaks |^breaks /.test(e) ? "bad" : "")));
  const cards = statesAt(now).map((known, lane) => {
    const name = data.lanes[lane];
    if (!known.state && !known.saved && !known.down) return null;
    const card = element("div", undefined, "node" + (known.down ? " down" : "") + (moment.lane === lane ? " acts" : ""));
    card.append(element("h3", name + (known.down ? " is down" : "")));
    if (known.state) card.append(table("state", known.state, known.fresh.state));
    if (known.saved) { card.append(element("div", "saved", "quiet")); card.append(table("saved", known.saved, known.fresh.saved)); }
    return card;
  });
  byId("states").replaceChildren(...cards.filter(c => c));
  const acting = document.querySelector(".acts");
  if (acting) acting.scrollIntoView({ block: "nearest" });
  steps.forEach((s, i) => s.classList.toggle("later", i > now));
  for (const m of messages) {
    m.classList.toggle("later", +m.dataset.a > now);
    m.classList.toggle("on", +m.dataset.a === now || +m.dataset.b === now);
  }
  const bar = byId("now"), hit = steps[now].querySelector(".hit");
  bar.setAttribute("y", hit.getAttribute("y"));
  hit.scrollIntoView({ block: "nearest" });
}

const at = () => Number(slider.value);
slider.addEventListener("input", () => show(at()));
byId("back").addEventListener("click", () => show(at() - 1));
byId("forward").addEventListener("click", () => show(at() + 1));
byId("wrong").addEventListener("click", () => show(data.start));
steps.forEach((s, i) => s.addEventListener("click", () => show(i)));
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const to = { ArrowLeft: at() - 1, ArrowUp: at() - 1, ArrowRight: at() + 1, ArrowDown: at() + 1, Home: 0, End: last, v: data.start }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  show(to);
});
show(data.start);
"#;
