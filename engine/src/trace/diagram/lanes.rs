//! Which lanes are drawn, and in which order: nodes by number, each client where its arrows are shortest.

use super::super::story::Story;
use super::super::{Lane, What};
use super::select::Shown;
use std::collections::BTreeMap;

/// The lanes of the shown moments, at most `most` of them: those that the sentence names, then those with most to do. What is named
/// and marked is drawn in any case.
pub(super) fn order(story: &Story, shown: &Shown, most: usize, must: impl Fn(usize) -> bool) -> Vec<Lane> {
    let mut work: BTreeMap<Lane, usize> = BTreeMap::new();
    let mut pairs: Vec<(Lane, Lane)> = Vec::new();
    for &index in &shown.moments {
        let moment = &story.moments[index];
        *work.entry(moment.lane).or_default() += 2;
        if let Some(parcel) = story.arrives[index].map(|p| &story.parcels[p]) {
            pairs.push((parcel.from, parcel.to));
        }
        for event in moment.events {
            if let What::Loses { to, .. } = event.what {
                pairs.push((event.lane, to));
            }
        }
    }
    for (from, to) in &pairs {
        *work.entry(*from).or_default() += 1;
        *work.entry(*to).or_default() += 1;
    }
    work.remove(&Lane::Network);
    let mut by_work: Vec<(usize, Lane)> = work.into_iter().map(|(lane, n)| (n, lane)).collect();
    let named = story.named();
    let needed = |lane: &Lane| named.contains(lane) || shown.moments.iter().any(|m| must(*m) && story.moments[*m].lane == *lane);
    by_work.sort_by_key(|(n, lane)| (!needed(lane), std::cmp::Reverse(*n), *lane));
    let least = by_work.iter().filter(|(_, lane)| needed(lane)).count();
    by_work.truncate(most.max(least).max(2));
    let mut kept: Vec<Lane> = by_work.into_iter().map(|(_, lane)| lane).collect();
    kept.sort_unstable();
    let (clients, mut lanes): (Vec<Lane>, Vec<Lane>) = kept.into_iter().partition(|l| matches!(l, Lane::Client(_)));
    for client in clients {
        let places = 0..=lanes.len();
        let best = places.min_by_key(|&place| {
            let mut with = lanes.clone();
            with.insert(place, client);
            length(&with, &pairs)
        });
        lanes.insert(best.unwrap_or(0), client);
    }
    lanes
}

/// The sum of the arrows' lengths, in lanes.
fn length(lanes: &[Lane], pairs: &[(Lane, Lane)]) -> usize {
    let place = |lane: &Lane| lanes.iter().position(|l| l == lane);
    pairs.iter().filter_map(|(from, to)| Some(place(from)?.abs_diff(place(to)?))).sum()
}
