//! The story of a script, told from what its levers did: "n1 answered Write(7) with Written, crashed and restarted; then n2 was
//! told …". Made only for a finding.

use crate::sim::{NodeId, Protocol, Ticket};
use crate::time::micros;
use crate::words::shown;
use std::time::Duration;

/// So many parts of a long story are told at its beginning and at its end.
const FIRST: usize = 3;
const LAST: usize = 6;

/// What a lever did, or what came of it.
pub(super) enum Did<P: Protocol> {
    /// A sentence of the judge's.
    Said(String),
    Starts(NodeId, Option<P::Durable>),
    Restarts(NodeId),
    /// With what on its disk.
    Crashes(NodeId, Option<P::Durable>),
    Told(NodeId, NodeId, P::Message),
    Asked(NodeId, Ticket, P::Request),
    Answers(Ticket, P::Response),
    CutOff(Vec<NodeId>),
    Heals,
    Waits(Duration),
    Talk(Duration),
}

/// `12 s`, `1.5 s`, `20 ms`.
pub(crate) fn span(span: Duration) -> String {
    let us = micros(span);
    match us {
        0..1_000_000 => format!("{} ms", us / 1_000),
        _ if us.is_multiple_of(1_000_000) => format!("{} s", us / 1_000_000),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}

/// `n1, n2 and n3`; `nobody`.
pub(crate) fn names(nodes: impl IntoIterator<Item = NodeId>) -> String {
    listed(&nodes.into_iter().map(|n| n.to_string()).collect::<Vec<_>>()).unwrap_or_else(|| "nobody".to_owned())
}

/// `a`, `a and b`, `a, b and c`.
fn listed(parts: &[String]) -> Option<String> {
    match parts {
        [] => None,
        [one] => Some(one.clone()),
        [most @ .., last] => Some(format!("{} and {last}", most.join(", "))),
    }
}

/// The story of all that was done from the one at `from` on; `untold`: a request that the finding speaks of itself.
pub(super) fn tell<P: Protocol>(did: &[Did<P>], from: usize, untold: Option<Ticket>) -> String {
    let mut parts: Vec<(Option<NodeId>, String)> = Vec::new();
    for (i, what) in did.iter().enumerate().skip(from) {
        parts.extend(part(did, i, what, untold));
    }
    if parts.len() > FIRST + LAST + 1 {
        let left = parts.len() - FIRST - LAST;
        parts.splice(FIRST..FIRST + left, [(None, format!("so it went on, {left} times"))]);
    }
    let mut groups: Vec<(Option<NodeId>, Vec<String>)> = Vec::new();
    for (who, text) in parts {
        match groups.last_mut() {
            Some((last, texts)) if *last == who && who.is_some() => texts.push(text),
            _ => groups.push((who, vec![text])),
        }
    }
    let sentence = |(who, texts): &(Option<NodeId>, Vec<String>)| {
        let text = listed(texts).unwrap_or_default();
        who.map_or(text.clone(), |who| format!("{who} {text}"))
    };
    groups.iter().map(sentence).collect::<Vec<_>>().join("; then ")
}

/// One part: whom it is about, and what it did. A request and its answer are one where nothing came between them.
fn part<P: Protocol>(did: &[Did<P>], i: usize, what: &Did<P>, untold: Option<Ticket>) -> Option<(Option<NodeId>, String)> {
    let asked_of =
        |ticket: &Ticket| did.iter().find_map(|d| if let Did::Asked(node, t, r) = d { (t == ticket).then_some((*node, r)) } else { None });
    let some = |who: &NodeId, text: String| Some((Some(*who), text));
    match what {
        Did::Said(text) => Some((None, text.clone())),
        Did::Starts(_, None) => None,
        Did::Starts(node, Some(saved)) => some(node, format!("started with {} on its disk", shown(saved))),
        Did::Restarts(node) => some(node, "restarted".to_owned()),
        Did::Crashes(node, None) => some(node, "crashed with nothing on its disk".to_owned()),
        Did::Crashes(node, Some(saved)) => some(node, format!("crashed with {} on its disk", shown(saved))),
        Did::Told(from, to, message) => {
            // Of several from one node: "was told A, B and C by n2".
            let same = |other: Option<&Did<P>>| matches!(other, Some(Did::Told(f, t, _)) if (f, t) == (from, to));
            let told = if same(did.get(i.wrapping_sub(1))) { "" } else { "was told " };
            let by = if same(did.get(i + 1)) { String::new() } else { format!(" by {from}") };
            some(to, format!("{told}{}{by}", shown(message)))
        }
        Did::Asked(_, ticket, _) | Did::Answers(ticket, _) if Some(*ticket) == untold => None,
        Did::Asked(node, ticket, request) => match did.get(i + 1) {
            Some(Did::Answers(t, response)) if t == ticket => some(node, format!("answered {} with {}", shown(request), shown(response))),
            _ => some(node, format!("took {}", shown(request))),
        },
        Did::Answers(ticket, response) => match did.get(i.wrapping_sub(1)) {
            Some(Did::Asked(_, t, _)) if t == ticket => None,
            _ => {
                let (node, request) = asked_of(ticket)?;
                some(&node, format!("answered {} with {}", shown(request), shown(response)))
            }
        },
        Did::CutOff(nodes) => {
            Some((None, format!("{} {} cut off", names(nodes.iter().copied()), if nodes.len() == 1 { "was" } else { "were" })))
        }
        Did::Heals => Some((None, "the network healed".to_owned())),
        Did::Waits(time) => Some((None, format!("{} passed", span(*time)))),
        Did::Talk(time) => Some((None, format!("messages went to and fro for {}", span(*time)))),
    }
}
