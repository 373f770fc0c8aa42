//! What needs no luck: one or two replicas of a counter by hand, the others are the script.

use super::{ANSWER_MS, BOUNDS, Counts, MERGE_LAWS, TELL_MS, Words};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId, Setup, Ticket, World};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use crate::words::{counted, shown};

pub(crate) const N1: NodeId = NodeId::from_index(0);
pub(crate) const N2: NodeId = NodeId::from_index(1);
pub(crate) const N3: NodeId = NodeId::from_index(2);

pub(crate) type Net<P> = World<'static, P>;
type Entries = &'static [(NodeId, u64)];

/// Messages that n1 hears: from whom, and of each kind what they say; with what they add up to.
type Merge = (&'static str, &'static [(NodeId, [Entries; 2])], [u64; 2]);

const MERGES: [Merge; 3] = [
    ("the same state twice", &[(N2, [&[(N2, 3)], &[(N2, 1)]]), (N2, [&[(N2, 3)], &[(N2, 1)]])], [3, 1]),
    (
        "a stale state after a newer one",
        &[(N2, [&[(N2, 3), (N3, 1)], &[(N2, 2)]]), (N2, [&[(N2, 1)], &[]]), (N2, [&[(N2, 2)], &[(N2, 1)]])],
        [4, 2],
    ),
    (
        "entries are merged one by one",
        &[(N2, [&[(N2, 9), (N3, 1)], &[(N2, 1), (N3, 3)]]), (N3, [&[(N2, 4), (N3, 6)], &[(N2, 2), (N3, 1)]])],
        [15, 5],
    ),
];

/// The trap of one net number in each entry: what was taken off looks like an older state.
const NEWS: Merge = ("a decrement is news, not an old state", &[(N2, [&[(N2, 3)], &[]]), (N2, [&[(N2, 3)], &[(N2, 2)]])], [3, 2]);

/// Three replicas, of which the first `started` run and the others are whoever the script says.
pub(crate) fn net<P: Words>(factory: Factory<P>, probe: &Probe, started: usize) -> Result<Net<P>, Broken>
where
    P::Config: Default + Clone,
{
    let mut world = World::by_hand(factory, Setup::new(1, vec![P::Config::default(); 3]), probe);
    for i in 0..started {
        world.boot(NodeId::from_index(i))?;
    }
    Ok(world)
}

pub(crate) fn told<P: Words>(counts: [&[(NodeId, u64)]; 2]) -> P::Message {
    P::message(counts.map(|entries| entries.iter().copied().collect::<Counts>()))
}

/// Asks `at` to count an operation of a kind, and gives it the time that an answer may take.
pub(crate) fn count<P: Words>(world: &mut Net<P>, at: NodeId, kind: usize, id: u64) -> Result<Ticket, Broken> {
    let ticket = world.request(at, P::request(Some((kind, id))))?;
    world.wait_for_answer(ticket, millis(ANSWER_MS))?;
    Ok(ticket)
}

/// The value of a replica must be `expected`; `story` says what came before.
pub(crate) fn value_is<P: Words>(world: &Net<P>, rule: &'static str, at: NodeId, expected: i128, story: &str) -> Check {
    let value = world.view(at).map_or(0, |view| P::value(&view));
    if value == expected {
        return Ok(());
    }
    // What it did by itself since does not change its value.
    let step = world.reached_in(at);
    Err(Broken::new(rule, format!("{story}: {at}'s value should be {expected}, and is {value}")).at([step]).in_step(step))
}

/// Twelve seconds of fair weather among those that are up.
pub(crate) fn talk<P: Words>(world: &mut Net<P>) -> Check {
    world.let_run(millis(TELL_MS), |_| false)
}

/// What so many of each kind make.
fn worth<P: Words>([up, down]: [u64; 2]) -> i128 {
    i128::from(up) - if P::KINDS.len() > 1 { i128::from(down) } else { 0 }
}

/// "three increments and a decrement", of one kind only the first.
fn story<P: Words>([up, down]: [u64; 2]) -> String {
    let ups = counted(up, P::KINDS[0]);
    P::KINDS.get(1).map_or(ups.clone(), |name| format!("{ups} and {}", counted(down, name)))
}

/// Asks `at` for so many of each kind, the second only where there is one.
fn counts<P: Words>(world: &mut Net<P>, at: NodeId, first: u64, all: [u64; 2]) -> Check {
    let ids = (first..).take(all.iter().take(P::KINDS.len()).sum::<u64>() as usize);
    ids.zip(0..).try_for_each(|(id, i)| count(world, at, usize::from(i >= all[0]), id).map(drop))
}

pub(crate) fn vectors<P: Words>(suite: &mut Suite, f: Factory<P>)
where
    P::Config: Default + Clone,
{
    suite.vector(P::ADDS_UP, "what one replica takes", move |p| {
        let mut w = net(f, p, 1)?;
        value_is(&w, P::ADDS_UP, N1, 0, "nothing was counted yet")?;
        counts(&mut w, N1, 1, [3, 1])?;
        value_is(&w, P::ADDS_UP, N1, worth::<P>([3, 1]), &format!("n1 took {}", story::<P>([3, 1])))
    });
    suite.vector(P::ADDS_UP, "counts of others are added to the own", move |p| {
        let mut w = net(f, p, 1)?;
        counts(&mut w, N1, 1, [1, 0])?;
        let (second, third) = (told::<P>([&[(N2, 4)], &[(N2, 1)]]), told::<P>([&[(N3, 3)], &[(N3, 2)]]));
        let story = format!("n1 took an increment, and heard {} and {}", shown(&second), shown(&third));
        w.tell(N2, N1, second)?;
        w.tell(N3, N1, third)?;
        value_is(&w, P::ADDS_UP, N1, worth::<P>([8, 3]), &story)
    });
    let merges = MERGES.iter().chain((P::KINDS.len() > 1).then_some(&NEWS));
    for (name, messages, all) in merges {
        suite.vector(MERGE_LAWS, name, move |p| {
            let mut w = net(f, p, 1)?;
            let messages: Vec<_> = messages.iter().map(|(from, counts)| (*from, told::<P>(*counts))).collect();
            let heard: Vec<String> = messages.iter().map(|(_, message)| shown(message)).collect();
            messages.into_iter().try_for_each(|(from, message)| w.tell(from, N1, message))?;
            value_is(&w, MERGE_LAWS, N1, worth::<P>(*all), &format!("n1 received {}", heard.join(", then ")))
        });
    }
    suite.vector(MERGE_LAWS, "an echo of the own state changes nothing", move |p| {
        let mut w = net(f, p, 1)?;
        counts(&mut w, N1, 1, [2, 1])?;
        w.tell(N3, N1, told::<P>([&[(N1, 2)], &[(N1, 1)]]))?;
        w.tell(N2, N1, told::<P>([&[(N1, 1)], &[]]))?;
        let story = format!("n1 took {}, then heard of all of them from n3, and of the first one alone from n2", story::<P>([2, 1]));
        value_is(&w, MERGE_LAWS, N1, worth::<P>([2, 1]), &story)
    });
    two_replicas(suite, f);
}

fn two_replicas<P: Words>(suite: &mut Suite, f: Factory<P>)
where
    P::Config: Default + Clone,
{
    suite.vector(P::ADDS_UP, "concurrent operations at two replicas", move |p| {
        let mut w = net(f, p, 2)?;
        counts(&mut w, N1, 1, [2, 1])?;
        counts(&mut w, N2, 11, [2, 1])?;
        w.take_sent();
        talk(&mut w)?;
        let story = format!("n1 and n2 took {} each, then talked for 12 s", story::<P>([2, 1]));
        value_is(&w, P::ADDS_UP, N2, worth::<P>([4, 2]), &story)?;
        value_is(&w, P::ADDS_UP, N1, worth::<P>([4, 2]), &story)
    });
    suite.vector(MERGE_LAWS, "the whole exchange, every message repeated", move |p| {
        let mut w = net(f, p, 2)?;
        for i in 0..4 {
            count(&mut w, N1, usize::from(i == 1).min(P::KINDS.len() - 1), i + 1)?;
            w.wait(millis(TELL_MS))?;
        }
        let letters = w.take_sent_to(N2);
        letters.iter().try_for_each(|l| w.deliver(l))?;
        let once = w.view(N2).map_or(0, |view| P::value(&view));
        letters.iter().rev().try_for_each(|l| w.deliver(l))?;
        value_is(&w, MERGE_LAWS, N2, once, "n1 took four operations; all that it sent reached n2, and again in reverse order")
    });
    suite.vector(BOUNDS, "what no message carried is not counted", move |p| {
        let mut w = net(f, p, 2)?;
        counts(&mut w, N1, 1, [2, 1])?;
        value_is(&w, BOUNDS, N2, 0, &format!("n1 took {}, and no message reached n2 since", story::<P>([2, 1])))
    });
}
