//! A service of ours beside a node: in a swarm's world, in a script, in storms and in exploration, under its own name.

use super::*;
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::suite::Run;
use crate::time::{Time, millis};
use crate::trace::{Event, Lane, Probe, Tape, What};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A counter that leaves its number to a database: each request is one more, and once only, whatever is lost or comes twice.
#[derive(Clone, Debug, Hash)]
struct Shop;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Message {
    /// To the database: one more, under this id.
    More(u32),
    /// From it: so many are there, with that one.
    There(u32, u64),
}

impl Protocol for Shop {
    /// The database's address.
    type Config = NodeId;
    type Message = Message;
    type Timer = u32;
    type Request = ();
    type Response = u64;
    type Durable = Vec<u32>;
    type View = ();
}

/// Keeps which ids it has counted on its disk.
#[derive(Clone, Debug, Hash)]
struct Database(Vec<u32>);

impl Node<Shop> for Database {
    fn new(_: NodeId, _: &[NodeId], _: &NodeId, saved: Option<Vec<u32>>) -> Self {
        Database(saved.unwrap_or_default())
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, Shop>) {
        let Message::More(id) = message else { return };
        if !self.0.contains(&id) {
            self.0.push(id);
            cx.save(self.0.clone());
        }
        cx.send(from, Message::There(id, self.0.len() as u64));
    }
}

/// How a node is written.
const RIGHT: usize = 0;
/// It takes another id at each try.
const COUNTS_TWICE: usize = 1;
/// It asks once.
const ASKS_ONCE: usize = 2;
/// Its handler panics at an answer.
const PANICS: usize = 3;

#[derive(Clone, Debug, Hash)]
struct Clerk<const CODE: usize> {
    me: NodeId,
    database: NodeId,
    open: Vec<(u32, Ticket)>,
    tries: u32,
}

impl<const CODE: usize> Clerk<CODE> {
    fn ask(&mut self, id: u32, cx: &mut Context<'_, Shop>) {
        self.tries += 1;
        let under = if CODE == COUNTS_TWICE { id * 1_000 + self.tries } else { id };
        cx.send(self.database, Message::More(under * 16 + self.me.index() as u32));
        if CODE != ASKS_ONCE {
            cx.set_timer(id, millis(50));
        }
    }
}

impl<const CODE: usize> Node<Shop> for Clerk<CODE> {
    fn new(me: NodeId, peers: &[NodeId], config: &NodeId, _: Option<Vec<u32>>) -> Self {
        assert!(peers.iter().all(|peer| peer.role().is_none()), "a service is nobody's peer");
        Clerk { me, database: *config, open: Vec::new(), tries: 0 }
    }

    fn on_request(&mut self, (): (), ticket: Ticket, cx: &mut Context<'_, Shop>) {
        self.open.push((ticket.number(), ticket));
        self.ask(ticket.number(), cx);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, Shop>) {
        assert!(CODE != PANICS, "this node does not like answers");
        let Message::There(id, count) = message else { return };
        let id = if CODE == COUNTS_TWICE { id / 16 / 1_000 } else { id / 16 };
        if let Some(at) = self.open.iter().position(|(open, _)| *open == id) {
            let (_, ticket) = self.open.swap_remove(at);
            cx.cancel_timer(id);
            cx.reply(ticket, count);
        }
    }

    fn on_timer(&mut self, id: u32, cx: &mut Context<'_, Shop>) {
        self.ask(id, cx);
    }
}

impl<const CODE: usize> Observe<Clerk<CODE>> for Shop {
    fn view(_: &Clerk<CODE>) {}
}

static SERVICES: [Service<Shop>; 1] = [Service::of::<Database>(Role::Database)];

fn factory<const CODE: usize>() -> Factory<Shop> {
    Factory::of::<Clerk<CODE>>().with(&SERVICES)
}

const N1: NodeId = NodeId::from_index(0);
const RULE: &str = "counted_once";

/// Every request is answered, and with no more than there were.
#[derive(Clone, Debug, Default)]
struct Ghost {
    asked: u64,
    open: Vec<(u32, Time)>,
    told: u64,
}

impl Spec<Shop> for Ghost {
    fn step(&mut self, seen: &Seen<'_, Shop>) -> Check {
        if seen.is_start() {
            self.open.clear();
        }
        if let Cause::Request { ticket, .. } = seen.cause {
            self.asked += 1;
            self.open.push((ticket.number(), seen.now));
        }
        for effect in seen.effects {
            let Effect::Reply { ticket, response } = effect else { continue };
            self.open.retain(|(open, _)| *open != ticket.number());
            self.told += 1;
            if *response > self.asked {
                return Err(Broken::new(RULE, format!("{} were asked for, and the database has {response}", self.asked)));
            }
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        match self.open.iter().find(|(_, since)| now > *since + millis(5_000)) {
            Some((open, _)) => Err(Broken::new(RULE, format!("request {open} was not answered"))),
            None => Ok(()),
        }
    }
}

impl Storm<Shop> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<Shop>) {
        let nodes = 1 + rng.below(3) as usize;
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let database = NodeId::service(Role::Database, nodes);
        (Ghost::default(), Setting { mail: Mail::Faulty, rest_ms: 6_000, ..Setting::new(nodes, me, database) })
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<Shop>> {
        Some(Input::Request(ClientId::from_index(rng.below(3) as usize), ()))
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.add("answers", self.told);
    }
}

fn storms<const CODE: usize>(probe: &Probe) -> (u64, Option<(u64, Run)>) {
    let mut answers = 0;
    for seed in 0..400 {
        let run = storm::<Shop, Ghost>(factory::<CODE>(), seed, probe);
        answers += run.coverage.0.get("answers").copied().unwrap_or(0);
        if run.check.is_err() {
            return (answers, Some((seed, run)));
        }
    }
    (answers, None)
}

#[test]
fn a_storm_has_the_service_beside_the_node() {
    let (answers, broken) = storms::<RIGHT>(&Probe::default());
    assert!(broken.is_none() && answers > 2_000, "{answers} {:?}", broken.map(|(seed, run)| (seed, run.check)));
    assert!(storms::<COUNTS_TWICE>(&Probe::default()).1.is_some(), "an answer that is lost makes it count twice");
    assert!(storms::<ASKS_ONCE>(&Probe::default()).1.is_some(), "a question that is lost is not asked again");
}

#[test]
fn every_id_is_its_own() {
    let ids: std::collections::BTreeSet<NodeId> = (0..256).map(NodeId::from_index).collect();
    assert_eq!(ids.len(), 256, "a stamp may be of any of them");
    assert!(ids.iter().enumerate().all(|(i, id)| id.index() == i && id.role().is_none() && id.to_string() == format!("n{}", i + 1)));
    for role in Role::ALL {
        let service = NodeId::service(role, 3);
        assert!(!ids.contains(&service) && service.index() == 3 && service.role() == Some(role) && service.to_string() == role.name());
    }
}

#[test]
fn a_script_holds_the_mail_of_a_service_too() {
    let database = NodeId::service(Role::Database, 2);
    let mut world = World::by_hand(factory::<RIGHT>(), Setup::new(1, vec![database; 3]), &Probe::default());
    assert_eq!((world.nodes(), world.services().collect::<Vec<_>>()), (2, vec![database]));
    [N1, database].into_iter().for_each(|id| world.boot(id).expect("it starts"));
    let ticket = world.request(N1, ()).expect("it is asked");
    for _ in 0..2 {
        for envelope in world.take_sent() {
            assert!(envelope.from == database || envelope.to == database);
            world.deliver(&envelope).expect("it arrives");
        }
    }
    assert_eq!(world.answer_to(ticket), Some(&1));
    assert_eq!(world.saved(database), Some(&vec![ticket.number() * 16]));
}

/// Clients ask n1 and n2; the answers may never be more than what was asked for.
#[derive(Default)]
struct Watch {
    asked: u64,
    answered: u64,
}

impl Referee<Shop> for Watch {
    fn begin(&mut self, clients: &mut Clients<'_, Shop>) {
        (0..2).for_each(|c| clients.wake(ClientId::from_index(c), millis(5), 0));
    }

    fn wake(&mut self, client: ClientId, _: u64, clients: &mut Clients<'_, Shop>, world: &World<'_, Shop>) -> Check {
        self.asked += 1;
        clients.ask(client, NodeId::from_index(client.index() % world.nodes()), ());
        clients.wake(client, millis(30), 0);
        Ok(())
    }

    fn response(&mut self, from: NodeId, _: Ticket, response: &u64, _: &mut Clients<'_, Shop>) -> Check {
        self.answered += 1;
        if *response > self.asked {
            return Err(Broken::new(RULE, format!("{} were asked for, and {from} says {response}", self.asked)));
        }
        Ok(())
    }
}

fn swarm<const CODE: usize>(seed: u64, probe: &Probe) -> (Run, u64) {
    let allowed = Allowed { services: 1, ..Allowed::everything(millis(60)) };
    let plan = Plan::draw(seed, 3, &allowed, Time::from_millis(600));
    assert_eq!(plan.down_for_good, 0, "one of two nodes is no minority, and a service is never lost");
    let database = NodeId::service(Role::Database, 2);
    let setup = Setup { plan, end: Time::from_millis(900), ..Setup::new(seed, vec![database; 3]) };
    let answered = std::cell::Cell::new(0);
    let run = trial(factory::<CODE>(), &setup, probe, Watch::default, |watch, _| answered.set(watch.answered));
    (run, answered.get())
}

#[test]
fn faults_meet_a_service_and_it_is_drawn_under_its_name() {
    let mut answered = 0;
    for seed in 0..60 {
        let (run, more) = swarm::<RIGHT>(seed, &Probe::default());
        assert_eq!(run.check, Ok(()), "seed {seed}");
        answered += more;
    }
    assert!(answered > 500, "{answered}");
    let seed = (0..60).find(|seed| swarm::<COUNTS_TWICE>(*seed, &Probe::default()).0.check.is_err()).expect("a repeated try is counted");
    let whole = |shrink| {
        let tape = Tape::new();
        let run = swarm::<COUNTS_TWICE>(seed, &Probe { tape: Some(tape.clone()), shrink, ..Probe::default() }).0;
        (run, tape.trace().events)
    };
    let (run, events) = whole(true);
    assert_eq!(run.shrunk.map(|s| s.broken.rule), Some(RULE));
    let is_there = |event: &&Event| event.lane == Lane::Service(Role::Database);
    assert!(events.len() < 40 && events.iter().any(|e| is_there(&e) && matches!(e.what, What::Saves { .. })), "{events:#?}");
    assert!(events.iter().all(|event| Event::from_fields(&event.to_fields()).as_ref() == Some(event)), "a report carries it");
    let splits = (0..60).find_map(|seed| {
        let tape = Tape::new();
        let _ = swarm::<RIGHT>(seed, &Probe { tape: Some(tape.clone()), ..Probe::default() });
        let text = |event: Event| if let What::Splits { text } = event.what { Some(text) } else { None };
        tape.trace().events.into_iter().filter_map(text).find(|text| text.contains('|'))
    });
    assert!(splits.as_ref().is_some_and(|text| text.contains("database") && !text.contains("n3")), "{splits:?}");
}

#[test]
fn a_panic_beside_a_service_is_the_learners() {
    let probe = Probe::default();
    catch_unwind(AssertUnwindSafe(|| swarm::<PANICS>(1, &probe))).expect_err("it panics");
    assert_eq!(
        probe.pulse.load(std::sync::atomic::Ordering::Relaxed) & 1,
        1,
        "whoever catches it sees that the learner's code was running"
    );
}

/// Nobody is told a number of more than there were requests.
#[derive(Clone, Debug, Hash, Default)]
struct Once(u64);

impl Invariant<Shop> for Once {
    fn asked(&mut self, _: When, _: NodeId, _: Ticket, (): &()) {
        self.0 += 1;
    }

    fn response(&mut self, _: When, from: NodeId, _: Ticket, response: &u64) -> Check {
        if *response > self.0 {
            return Err(Broken::new(RULE, format!("{from} says {response}")));
        }
        Ok(())
    }
}

fn scope() -> Scope<Shop> {
    let database = NodeId::service(Role::Database, 1);
    let requests = vec![(ClientId::from_index(0), N1, ())];
    Scope { firings: vec![2, 0], repeats: 1, crashes: 1, requests, ..Scope::new(vec![database; 2]) }
}

#[test]
fn an_exploration_has_the_service_and_spares_it() {
    let right = explore(factory::<RIGHT>(), &scope(), &Once::default(), &Probe::default());
    assert!(right.complete && right.broken.is_none(), "{right}");
    let wrong = explore(factory::<COUNTS_TWICE>(), &scope(), &Once::default(), &Probe::default());
    assert_eq!(wrong.broken.as_ref().map(|b| b.rule), Some(RULE), "{wrong}");
    let tape = Tape::new();
    let told = explored(factory::<COUNTS_TWICE>(), &scope(), &Once::default(), &Probe { tape: Some(tape.clone()), ..Probe::default() });
    assert_eq!(told.map_err(|b| b.rule), Err(RULE));
    let events = tape.trace().events;
    assert!(events.iter().any(|event| event.lane == Lane::Service(Role::Database)), "{events:#?}");
    assert!(!events.iter().any(|e| e.lane.is_place() && e.lane != N1.lane() && matches!(e.what, What::Crashes { .. })), "{events:#?}");
}

#[test]
fn each_effect_knows_its_line_in_the_learners_file() {
    let source: Vec<&str> = include_str!("tests.rs").lines().collect();
    let checked = |tape: &Tape| {
        let trace = tape.trace();
        let mut lines = 0;
        for event in trace.events.iter().filter(|e| matches!(e.what, What::Answers { .. } | What::Sends { .. } | What::Sets { .. })) {
            let is_effect =
                |e: &&Event| e.step == event.step && e.what.is_effect() && !matches!(e.what, What::Draws { .. } | What::State { .. });
            let at = trace.events.iter().filter(is_effect).position(|e| e == event).unwrap();
            let line = trace.lines_of(event.step).get(at).map(|line| source[*line as usize - 1]);
            let code = match (event.lane, &event.what) {
                (Lane::Service(_), _) => None,
                (_, What::Answers { .. }) => Some("cx.reply(ticket, count);"),
                (_, What::Sends { .. }) => Some("cx.send(self.database, Message::More(under * 16 + self.me.index() as u32));"),
                _ => Some("cx.set_timer(id, millis(50));"),
            };
            assert_eq!(line.map(str::trim), code, "{event:?}");
            lines += 1;
        }
        lines
    };
    let tape = Tape::new();
    let _ = swarm::<RIGHT>(3, &Probe { tape: Some(tape.clone()), ..Probe::default() });
    assert!(checked(&tape) > 20);
    let tape = Tape::new();
    let _ = explored(factory::<COUNTS_TWICE>(), &scope(), &Once::default(), &Probe { tape: Some(tape.clone()), ..Probe::default() });
    assert!(checked(&tape) > 2);
}
