//! How the page looks: in the light and in the dark, narrow and wide, and on paper.

use super::film::Film;

/// What hangs on the run: how wide the columns are, and from which width on there is room for words between the lanes.
pub(super) fn of(film: &Film) -> String {
    let lanes = film.lanes.len();
    let numbers = film.moments().map(|(_, m)| (m.step.to_string().len(), m.at.to_string().len()));
    let (number, time) = numbers.fold((1, 1), |(a, b), (c, d)| (a.max(c), b.max(d)));
    let columns = if lanes == 0 {
        "var(--num) var(--time) minmax(0, 1fr)".to_owned()
    } else {
        // Two lanes need room for what stands over their arrows, too.
        let (least, most) = (lanes * 26, (lanes * 132).max(400));
        format!("var(--num) var(--time) clamp({least}px, 46%, {most}px) minmax(0, 1fr)")
    };
    // A sign stands before a number; times are set in smaller letters.
    let (number, time) = (number + 3, if film.timeless { 0 } else { time + 1 });
    let room = lanes * 62;
    format!(
        ":root {{ --num: {number}ch; --time: {time}ch; }}\n\
         .row {{ grid-template-columns: {columns}; }}\n\
         @container lanes (min-width: {room}px) {{ .label {{ display: block; }} }}\n"
    )
}

pub(super) const CSS: &str = r#":root { --bg: #fff; --fg: #1d2329; --quiet: #5c6670; --rule: #d5dae0; --life: #b9c1ca; --now: #fff3c4; --bad: #c62828; --mark: #9a5b00;
  --arrow: #2f6db3; --panel: #f6f8fa; --down: #c9ced4; --side0: #2f6db314; --side1: #c6282814; --side2: #2e7d3214;
  --lease: #e6a23c99; --promised: #4caf5099; }
@media (prefers-color-scheme: dark) { :root { --bg: #14181d; --fg: #e3e7eb; --quiet: #9aa5af; --rule: #3a434d; --life: #4a545f; --now: #3c3412;
  --bad: #ff7b72; --mark: #f0b429; --arrow: #79b8ff; --panel: #1c2229; --down: #39424c; --side0: #79b8ff1c; --side1: #ff7b721c; --side2: #7ee78720; --lease: #e6a23ca0; --promised: #4caf50a0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 15px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
main { display: grid; grid-template-columns: minmax(0, 1fr) clamp(20rem, 31vw, 42rem); height: 100vh; height: 100dvh; }
#run { grid-column: 1; grid-row: 1; overflow: auto; padding: 0 .6rem 1rem 1rem; } #words { margin-top: 1rem; }
#side { grid-column: 2; grid-row: 1; overflow: auto; padding: .6rem 1rem 1rem .6rem; scroll-padding-top: 3rem; }
header p, footer p { margin: .25rem 0; } .rule { color: var(--quiet); font-size: .9rem; }
h1 { font-size: 1.1rem; line-height: 1.35; margin: .2rem 0 .4rem; } h2 { font-size: 1rem; margin: .4rem 0 .2rem; }
footer { font-size: .9rem; color: var(--quiet); border-top: 1px solid var(--rule); margin-top: .8rem; padding-top: .3rem; }
.quiet, s { color: var(--quiet); text-decoration: none; } .quiet { font-size: .85rem; } a { color: inherit; }
#marks a { color: var(--mark); font-weight: bold; margin-right: .5rem; text-decoration: none; white-space: nowrap; }
#marks a:hover, .num:hover { text-decoration: underline; }
.row { display: grid; min-height: 2.4rem; font-size: 13px; }
.row > * { padding: .55rem 0; }
.num { text-align: right; font-family: ui-monospace, monospace; text-decoration: none; padding-right: .5ch; white-space: nowrap; } .num i { font-style: normal; margin-right: .5ch; }
.time { font: 11px/1.75 ui-monospace, monospace; text-align: right; color: var(--quiet); white-space: nowrap; padding-right: .5ch; }
.row .lanes { position: relative; padding: 0; container: lanes / inline-size; }
.above, .below { display: block; position: absolute; left: 0; width: 100%; overflow: visible; } .above { top: 0; height: 1.25rem; } .below { top: 1.25rem; height: calc(100% - 1.25rem); }
.said { margin: 0; padding-left: .8rem; line-height: 1.4; } .said b { font-weight: inherit; } .said > span { color: var(--quiet); } .said b { color: var(--fg); }
.said .sends b, .said .gets b, .said .saves b { font-weight: 600; } .said .timer b, .said .state b { color: var(--quiet); }
.said .state b { font-style: italic; }
.said .bad, .said .bad b, .said .breaks, .said .breaks b, .said .net b { color: var(--bad); } .said .breaks b { font-weight: 600; }
.step { cursor: pointer; scroll-margin: 3rem 0; border-radius: 4px; } .step:hover { background: var(--panel); } .step.now, .step:target { background: var(--now); }
.mark .num { color: var(--mark); font-weight: bold; } .violation .num { color: var(--bad); font-weight: bold; }
.later { opacity: .38; }
#heads { position: sticky; top: 0; background: var(--bg); border-bottom: 1px solid var(--rule); z-index: 2; min-height: 1.9rem; }
#heads .lanes { height: 1.9rem; } .head { white-space: nowrap; position: absolute; top: .3rem; transform: translateX(-50%); font-weight: bold; }
.label { display: none; position: absolute; top: -.5rem; margin: 0 8px; padding: 0 3px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; z-index: 1;
  font-size: 12px; line-height: 1.3; border-radius: 3px; background: color-mix(in srgb, var(--bg) 60%, transparent); color: var(--arrow); }
.now .label { background: color-mix(in srgb, var(--now) 60%, transparent); }
.lane { stroke: var(--life); stroke-width: 2; } .paused { stroke-dasharray: 3 5; } .down { fill: var(--down); }
.side0 { fill: var(--side0); } .side1 { fill: var(--side1); } .side2 { fill: var(--side2); }
.lease { fill: var(--lease); } .promised { fill: var(--promised); }
.plots { display: grid; grid-template-columns: max-content minmax(0, 1fr) max-content; gap: .15rem .6rem; margin: .3rem 0 1rem; font: 12px/1.4 ui-monospace, monospace; color: var(--quiet); align-items: end; }
.plots svg { width: 100%; height: 2.6rem; border-bottom: 1px solid var(--rule); overflow: visible; } .curve { fill: var(--arrow); opacity: .75; } .when { stroke: var(--bad); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.axis { position: relative; grid-column: 2; height: 1.3rem; } .axis span { position: absolute; border-left: 1px solid var(--rule); padding-left: .3ch; white-space: nowrap; } .axis .bad { color: var(--bad); border-color: var(--bad); top: 1.2rem; font-weight: bold; }
.sign { fill: var(--fg); color: var(--fg); } .mark .sign { fill: var(--mark); } .violation .sign { fill: var(--bad); }
.face { fill: var(--bg); stroke: var(--fg); stroke-width: 1.6; } .hand { fill: none; stroke: var(--fg); stroke-width: 1.4; } .cross { stroke: var(--bad); stroke-width: 2.4; }
.goes, .copy, .open, .lost { stroke: var(--arrow); stroke-width: 1.5; } .copy { stroke-dasharray: 2 3; } .open { opacity: .5; stroke-dasharray: 1 3; }
.lost { stroke: var(--bad); stroke-dasharray: 5 3; } .on { stroke-width: 3.2; } #tip { fill: var(--arrow); } #signs { position: absolute; }
#bar { display: flex; gap: .4rem; position: sticky; top: -.6rem; padding: .4rem 0; background: var(--bg); z-index: 1; } #slider { flex: 1; min-width: 4rem; accent-color: var(--arrow); }
button { color: var(--fg); background: var(--panel); border: 1px solid var(--rule); border-radius: 4px; cursor: pointer; min-width: 2.2rem; } #wrong { color: var(--bad); font-weight: bold; }
#legend { margin: .4rem 0 0; } #events { list-style: none; margin: .6rem 0 0; padding: 0; font: 12px/1.45 ui-monospace, monospace; } #events li + li { padding-left: 1.2rem; } #events .bad { color: var(--bad); font-weight: bold; }
#states { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); gap: .5rem; margin-top: .5rem; align-items: start; }
.node { border: 1px solid var(--rule); border-radius: 5px; padding: .25rem .5rem .4rem; } .node h3 { margin: 0 0 .15rem; font-size: .9rem; } .node h3 a { color: var(--quiet); font-weight: normal; font-size: .8rem; }
.node.down { background: var(--down); } .node.acts { border-color: var(--arrow); } .node.acts h3 { color: var(--arrow); }
table { border-collapse: collapse; font: 12.5px/1.4 ui-monospace, monospace; width: 100%; } caption { text-align: left; color: var(--quiet); }
td { padding: 0 .2rem; vertical-align: top; } td.name { color: var(--quiet); width: 1%; padding-right: .6rem; overflow-wrap: normal; white-space: nowrap; } td.long { white-space: normal; overflow-wrap: anywhere; min-width: 12ch; }
.kept { color: var(--quiet); font-size: .7em; } tr.changed td { background: var(--now); } .old { color: var(--quiet); text-decoration: line-through; }
#words summary { cursor: pointer; color: var(--quiet); } #words pre { font: 12px/1.45 ui-monospace, monospace; white-space: pre-wrap; }
.still #stepper { display: none; }
@media (max-width: 60rem) {
  main { grid-template-columns: minmax(0, 1fr); grid-auto-rows: max-content; overflow: auto; padding: 0 .6rem; } #side, #run { display: contents; }
  header { order: 0; padding: .5rem 0; } #picture { order: 1; } footer { order: 2; } #words { order: 3; margin-bottom: 1rem; }
  #stepper { order: 4; position: sticky; bottom: 0; max-height: 42vh; overflow: auto; background: var(--bg); border-top: 2px solid var(--rule); z-index: 3; padding-bottom: .4rem; }
  #bar { top: 0; } .step { scroll-margin-bottom: 44vh; } h1 { font-size: 1rem; } #keys { display: none; }
}
@media (max-width: 42rem) { .row { font-size: 12px; } .said { padding-left: .5rem; } .time { font-size: 9.5px; line-height: 2; } }
@media print {
  :root { color-scheme: light; } main, #side, #run { display: block; height: auto; overflow: visible; }
  #stepper { display: none; } .later { opacity: 1; } .step { break-inside: avoid; } #heads { position: static; } .now { background: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"#;
