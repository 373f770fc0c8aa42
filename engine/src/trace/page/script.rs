//! What moves on the page. Nothing of a run is in it.

pub(super) const SCRIPT: &str = r##""use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const last = Math.max(0, data.moments.length - 1);
const byId = id => document.getElementById(id);
const slider = byId("slider");
const steps = [...document.querySelectorAll(".step")];
const marked = data.moments.map((m, i) => m.mark > 0 ? i : -1).filter(i => i >= 0);
const narrow = matchMedia("(max-width: 60rem)");
slider.max = last;

// Always by textContent: what a node says is text, whatever it looks like.
function element(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

// What is known of each lane after moment `now`, and which moment last changed it; a field counts as changed only if it changed in
// this moment.
function statesAt(now) {
  const lanes = data.lanes.map(() => ({ state: null, saved: null, down: false, fresh: {}, since: null }));
  for (let i = 0; i <= now; i++) {
    for (const [lane, kind, fields] of data.moments[i].changes) {
      const known = lanes[lane];
      if (kind === "down") { known.down = true; known.state = null; known.since = i; continue; }
      if (known.down || !known[kind] || fields.some(f => f[2] !== null)) known.since = i;
      known.down = false;
      known[kind] = fields;
      if (i === now) known.fresh[kind] = true;
    }
  }
  return lanes;
}

// Rows of [name, value, before, whether it is saved so].
function table(title, fields) {
  const box = element("table");
  if (title) box.append(element("caption", title));
  for (const [name, value, before, isSaved] of fields) {
    const row = element("tr", undefined, before !== null ? "changed" : "");
    if (name !== "") row.append(element("td", name, name.length > 20 ? "name long" : "name"));
    const cell = element("td", value);
    if (name === "") cell.colSpan = 2;
    if (isSaved) { const mark = element("span", " \u25a0", "kept"); mark.title = "saved"; cell.append(mark); }
    if (before) { cell.append(" "); cell.append(element("span", before, "old")); }
    row.append(cell);
    box.append(row);
  }
  return box;
}

// What a node holds, and what it has saved: one table, where both are the same.
function tables(known) {
  const of = kind => (known[kind] || []).map(([name, value, before]) => [name, value, known.fresh[kind] ? before : null]);
  const state = of("state"), saved = of("saved"), boxes = [];
  const same = (a, b) => a[0] === b[0] && a[1] === b[1];
  if (state.length > 0) {
    boxes.push(table("", state.map(field => {
      const kept = saved.find(s => same(s, field));
      return [field[0], field[1], field[2] ?? (kept ? kept[2] : null), kept !== undefined];
    })));
  }
  const others = saved.filter(s => !state.some(field => same(s, field)));
  if (others.length > 0) boxes.push(table("saved", others));
  return boxes;
}

function card(known, lane, moment, now) {
  if (!known.state && !known.saved && !known.down) return null;
  const made = element("div", undefined, "node" + (known.down ? " down" : "") + (moment.lane === lane ? " acts" : ""));
  const head = element("h3", data.lanes[lane] + (known.down ? " is down " : " "));
  if (known.since !== null && known.since !== now) {
    const link = element("a", "since step " + data.moments[known.since].step);
    link.href = "#" + steps[known.since].id;
    head.append(link);
  }
  made.append(head);
  made.append(...tables(known));
  return made;
}

let here = -1;
function show(now, how = {}) {
  now = Math.min(last, Math.max(0, now));
  slider.value = now;
  const moment = data.moments[now];
  if (!moment || now === here) return;
  here = now;
  document.body.dataset.step = moment.step;
  byId("where").textContent = "step " + moment.step + (data.timeless ? "" : " · " + moment.at);
  byId("events").replaceChildren(...moment.events.map(e => element("li", e, / breaks |^breaks /.test(e) ? "bad" : "")));
  byId("states").replaceChildren(...statesAt(now).map((known, lane) => card(known, lane, moment, now)).filter(c => c));
  steps.forEach((s, i) => { s.classList.toggle("later", i > now); s.classList.toggle("now", i === now); });
  document.querySelectorAll(".on").forEach(line => line.classList.remove("on"));
  const row = steps[now];
  for (const parcel of row.dataset.out.split(" ").concat(row.dataset.in || "")) {
    if (parcel !== "") document.querySelectorAll('line[data-m="' + parcel + '"]').forEach(line => line.classList.add("on"));
  }
  if (how.scroll !== false) row.scrollIntoView({ block: "nearest" });
  if (how.first) return;
  try { history.replaceState(null, "", "#" + row.id); } catch (e) { /* a page inside of another may not */ }
}

const next = () => marked.find(i => i > here) ?? here, before = () => marked.findLast(i => i < here) ?? here;
slider.addEventListener("input", () => show(+slider.value));
byId("back").addEventListener("click", () => show(here - 1));
byId("forward").addEventListener("click", () => show(here + 1));
byId("wrong").addEventListener("click", () => show(data.start));
steps.forEach((s, i) => s.addEventListener("click", () => { if (getSelection().isCollapsed) show(i, { scroll: false }); }));
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const keys = { ArrowLeft: () => here - 1, ArrowRight: () => here + 1, k: () => here - 1, j: () => here + 1, Home: () => 0, End: () => last,
    v: () => data.start, n: next, p: before };
  const to = Object.hasOwn(keys, event.key) ? keys[event.key]() : undefined;
  if (to === undefined) return;
  event.preventDefault();
  show(to);
});
const linked = () => steps.findIndex(s => "#" + s.id === decodeURIComponent(location.hash));
addEventListener("hashchange", () => { if (linked() >= 0) show(linked()); });
document.documentElement.classList.remove("still");
if (linked() >= 0) show(linked());
// A narrow window begins with the headline; a wide one has it beside the step that matters.
else show(data.start, { first: true, scroll: !narrow.matches });
"##;
