//! The hidden tests of `byzantine_generals`: what one general may do is in `spec`, what shows only between the loyal ones in `safety`, `swarm` and
//! `exploration`; here are examples, and the traitor's two faces, which are shown. The traitor is a service of ours.

mod book;
mod exploration;
mod inputs;
mod rules;
mod safety;
mod spec;
mod swarm;
mod traitor;

use super::{ByzantineGenerals, Config, GRACE, Message, Order, ROUND, Request, Response};
use crate::exercises::kit::{N1, N2, N3, N4, Script, rows};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, Node, NodeId, Role, Service, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use book::{Battle, Book};
use rules::{AGREE, APART, LATE, MAJORITY, MISSING, RELAYS, ROUNDS, RULES, SENDERS, TELLS};
use traitor::Traitor;

static SERVICES: [Service<ByzantineGenerals>; 1] = [Service::of::<Traitor>(Role::Traitor)];

/// Behind three nodes.
const TRAITOR: NodeId = NodeId::service(Role::Traitor, 3);

/// Three nodes of the learner's, and the traitor.
fn generals() -> [NodeId; 4] {
    [N1, N2, N3, TRAITOR]
}

/// One for each of the four.
fn configs(generals: [NodeId; 4]) -> Vec<Config> {
    vec![Config { generals }; 4]
}

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<ByzantineGenerals>>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(f: Factory<ByzantineGenerals>) -> Suite {
    let with_traitor = f.with(&SERVICES);
    let mut suite = Suite::new("byzantine_generals", &RULES, swarm::swarm(with_traitor)).with_storms(inputs::storms(f));
    examples(&mut suite, f);
    suite.scenario(AGREE, "a commander with two faces", move |p| two_faces(with_traitor, p));
    exploration::add(&mut suite, with_traitor);
    suite
}

const FOUR: Order = Order::Attack(4);
const FIVE: Order = Order::Attack(5);
const SIX: Order = Order::Attack(6);
const NO: Order = Order::Retreat;

type S = Script<'static, ByzantineGenerals>;

fn ordered(battle: u64, by: NodeId, order: Order) -> Message {
    Message::Order { battle, by, order }
}

fn relayed(battle: u64, by: NodeId, order: Order) -> Message {
    Message::Relay { battle, by, order }
}

/// n1 of four is up, and the script speaks for the others.
fn up(f: Factory<ByzantineGenerals>, p: &Probe) -> Result<S, Broken> {
    let mut s = Script::new(f, p, configs([N3, N1, N4, N2]));
    s.start(N1)?;
    Ok(s)
}

/// A battle begins, in which n2 commands.
fn begins(s: &mut S, number: u64) -> Result<Ticket, Broken> {
    s.ask(N1, Request::Battle { number, commander: N2, order: None })
}

/// The second round of all battles is over: this is decided.
fn decides(s: &mut S, rule: &'static str, ticket: Ticket, order: Order) -> Check {
    s.wait(ROUND * 2 + GRACE)?;
    decided(s, rule, ticket, order)
}

fn decided(s: &S, rule: &'static str, ticket: Ticket, order: Order) -> Check {
    let late = "the second round has been over for 10 ms, and n1 has not decided";
    match s.answers_to(ticket)[..] {
        [] => Err(s.broken(ROUNDS, late).unanswered()),
        [_] => s.answered(rule, ticket, &[Response::Decided(order)]),
        _ => s.one_answer(ROUNDS, ticket, "one Decided when the second round is over", |_| true),
    }
}

/// What n1 has sent to each of these two since the last time must be this, and nothing else.
fn has_sent(s: &mut S, rule: &'static str, to: &[NodeId], message: &Message) -> Check {
    let sent = s.world.take_sent();
    for to in to {
        let got: Vec<&Message> = sent.iter().filter(|e| e.to == *to).map(|e| &e.message).collect();
        let right = !got.is_empty() && got.iter().all(|m| *m == message);
        s.expect(rule, right, || format!("n1 must by then have sent {to} {message:?}, but has sent it {got:?}"))?;
    }
    Ok(())
}

/// Who sends n1 what in a battle that n2 commands, in this order.
type Said = &'static [(NodeId, Message)];

const fn order_of(by: NodeId, order: Order) -> (NodeId, Message) {
    (by, Message::Order { battle: 1, by, order })
}

const fn relay_of(by: NodeId, order: Order) -> (NodeId, Message) {
    (by, Message::Relay { battle: 1, by, order })
}

/// A relay of n4 with n3's name in it.
const fn forged(order: Order) -> (NodeId, Message) {
    (N4, Message::Relay { battle: 1, by: N3, order })
}

const COUNTED: [(&str, (&str, Said, Order)); 12] = [
    ("three votes that agree", (MAJORITY, &[order_of(N2, FOUR), relay_of(N3, FOUR), relay_of(N4, FOUR)], FOUR)),
    ("a relay that lies", (MAJORITY, &[order_of(N2, FOUR), relay_of(N3, FOUR), relay_of(N4, NO)], FOUR)),
    ("two relays against the order it was given", (MAJORITY, &[order_of(N2, NO), relay_of(N3, FIVE), relay_of(N4, FIVE)], FIVE)),
    ("three votes, no two of which agree", (MAJORITY, &[order_of(N2, FOUR), relay_of(N3, FIVE), relay_of(N4, SIX)], NO)),
    ("a silent commander", (MISSING, &[relay_of(N3, FOUR), relay_of(N4, FOUR)], FOUR)),
    ("a silent commander, and one relay", (MISSING, &[relay_of(N4, FOUR)], NO)),
    ("an order, and no relay", (MISSING, &[order_of(N2, FOUR)], NO)),
    ("two relays of one general", (SENDERS, &[order_of(N2, FOUR), relay_of(N4, NO), relay_of(N4, FOUR), relay_of(N3, NO)], NO)),
    ("a relay in another's name", (SENDERS, &[order_of(N2, FOUR), relay_of(N4, NO), forged(NO), relay_of(N3, FOUR)], FOUR)),
    ("an order of a lieutenant", (SENDERS, &[order_of(N4, NO), order_of(N2, FOUR), relay_of(N3, FOUR), relay_of(N4, NO)], FOUR)),
    ("a relay of the commander", (SENDERS, &[relay_of(N2, FOUR), relay_of(N3, FOUR), relay_of(N4, NO)], NO)),
    ("two orders of the commander", (SENDERS, &[order_of(N2, FOUR), order_of(N2, NO), relay_of(N3, FOUR), relay_of(N4, NO)], FOUR)),
];

fn examples(suite: &mut Suite, f: Factory<ByzantineGenerals>) {
    suite.vector(TELLS, "n1 commands", move |p| {
        let mut s = up(f, p)?;
        let ticket = s.ask(N1, Request::Battle { number: 1, commander: N1, order: Some(FOUR) })?;
        s.wait(GRACE)?;
        has_sent(&mut s, TELLS, &[N2, N3, N4], &ordered(1, N1, FOUR))?;
        s.tell(N3, N1, relayed(1, N3, NO))?;
        s.tell(N4, N1, relayed(1, N4, NO))?;
        decides(&mut s, TELLS, ticket, FOUR)
    });
    suite.vector(RELAYS, "n2 commands, and n1 relays", move |p| {
        let mut s = up(f, p)?;
        begins(&mut s, 1)?;
        s.tell(N2, N1, ordered(1, N2, FOUR))?;
        s.tell(N3, N1, relayed(1, N3, NO))?;
        s.tell(N4, N1, relayed(1, N4, NO))?;
        s.wait(ROUND + GRACE)?;
        has_sent(&mut s, RELAYS, &[N3, N4], &relayed(1, N1, FOUR))
    });
    for (name, (rule, said, order)) in COUNTED {
        rows(suite, rule, [(name, (said, order))], move |p, (said, order): &(Said, Order)| {
            let mut s = up(f, p)?;
            let ticket = begins(&mut s, 1)?;
            let mut book = Book::new(N1, [N1, N2, N3, N4]);
            book.begins(1, Battle::new(ticket, s.now(), s.steps(), N2, None));
            for (from, message) in *said {
                s.tell(*from, N1, message.clone())?;
                book.hears(*from, message, s.now(), s.steps());
            }
            s.say(format!("n1 had {} in battle 1, which makes {order:?}", book.story(&book.battles[&1])));
            decides(&mut s, rule, ticket, *order)
        });
    }
    suite.vector(LATE, "an order after the first round", move |p| {
        let mut s = up(f, p)?;
        let ticket = begins(&mut s, 1)?;
        s.tell(N3, N1, relayed(1, N3, FOUR))?;
        s.wait(ROUND + GRACE * 2)?;
        s.world.take_sent();
        s.tell(N2, N1, ordered(1, N2, FOUR))?;
        decides(&mut s, LATE, ticket, NO)
    });
    suite.vector(ROUNDS, "nobody says anything", move |p| {
        let mut s = up(f, p)?;
        let ticket = begins(&mut s, 1)?;
        decides(&mut s, MISSING, ticket, NO)
    });
    suite.vector(APART, "two battles at once", move |p| {
        let mut s = up(f, p)?;
        let one = begins(&mut s, 7)?;
        s.wait(millis(50))?;
        let two = s.ask(N1, Request::Battle { number: 8, commander: N3, order: None })?;
        s.tell(N2, N1, ordered(7, N2, FOUR))?;
        s.tell(N3, N1, ordered(8, N3, FIVE))?;
        s.tell(N4, N1, relayed(8, N4, FIVE))?;
        s.tell(N3, N1, relayed(7, N3, FOUR))?;
        decides(&mut s, APART, one, FOUR)?;
        s.wait(millis(50))?;
        decided(&s, APART, two, FIVE)
    });
    suite.vector(APART, "three hundred battles at once", move |p| many(f, p, 300));
    suite.vector(APART, "three hundred battles, one after the other", move |p| many(f, p, 1));
}

/// Many battles, so many of them at a time. In every fifth n1 commands; else in every third the commander is silent to it, and in every fourth a relay
/// lies.
fn many(f: Factory<ByzantineGenerals>, p: &Probe, at_once: u64) -> Check {
    let mut s = up(f, p)?;
    let hour = |number: u64| Order::Attack((number % 250) as u8);
    let commands = |number: &u64| number.is_multiple_of(5);
    for first in (0..300).step_by(at_once as usize).take(if at_once > 1 { 1 } else { 300 }) {
        let mut tickets = Vec::new();
        for number in first + 1..=first + at_once {
            let (commander, order) = if commands(&number) { (N1, Some(hour(number))) } else { (N2, None) };
            tickets.push((number, s.ask(N1, Request::Battle { number, commander, order })?));
        }
        for (number, _) in tickets.iter().rev() {
            if number % 3 > 0 && !commands(number) {
                s.tell(N2, N1, ordered(*number, N2, hour(*number)))?;
            }
            s.tell(N3, N1, relayed(*number, N3, hour(*number)))?;
            s.tell(N4, N1, relayed(*number, N4, if number % 4 > 0 { hour(*number) } else { NO }))?;
        }
        s.wait(ROUND + GRACE)?;
        s.say(format!("the first round of battle {} was over", first + at_once));
        let sent = s.world.take_sent();
        for (number, _) in &tickets {
            let (rule, due) = match number {
                n if commands(n) => (TELLS, ordered(*n, N1, hour(*n))),
                n if n % 3 > 0 => (RELAYS, relayed(*n, N1, hour(*n))),
                _ => continue,
            };
            for to in [N3, N4] {
                s.expect(rule, sent.iter().any(|e| e.to == to && e.message == due), || {
                    format!("n1 must have sent {to} {due:?}, but has not")
                })?;
            }
        }
        s.wait(ROUND)?;
        s.say(format!("the second round of battle {} was over", first + at_once));
        for (number, ticket) in &tickets {
            let lost = number % 3 == 0 && number % 4 == 0 && !commands(number);
            decided(&s, APART, *ticket, if lost { NO } else { hour(*number) })?;
        }
    }
    Ok(())
}

/// The traitor commands, and tells one of three something else: what each has heard then, and what it decides. The picture is shown.
fn two_faces(f: Factory<ByzantineGenerals>, p: &Probe) -> Check {
    let mut s = Script::new(f, p, configs(generals()));
    let loyal = [N1, N2, N3];
    loyal.into_iter().try_for_each(|node| s.start(node))?;
    let begin = |s: &mut S, node| s.ask(node, Request::Battle { number: 1, commander: TRAITOR, order: None });
    let tickets = loyal.map(|node| begin(&mut s, node));
    let faces = [FOUR, NO, FOUR];
    for (node, face) in loyal.into_iter().zip(faces) {
        s.tell(TRAITOR, node, ordered(1, TRAITOR, face))?;
    }
    s.run(ROUND * 2 + GRACE)?;
    s.say("the traitor commands, and told n1 Attack(4), n2 Retreat and n3 Attack(4)");
    let tickets = tickets.into_iter().collect::<Result<Vec<Ticket>, Broken>>()?;
    let answers = loyal.into_iter().zip(&tickets).filter_map(|(node, ticket)| {
        let Response::Decided(order) = s.answer_to(*ticket)?;
        Some((node, (*order, s.answered_in(*ticket, 0).unwrap_or(0))))
    });
    if let Some(found) = safety::contradiction(1, TRAITOR, None, &answers.collect()) {
        return Err(
            found.broken("the traitor told n1 Attack(4), n2 Retreat and n3 Attack(4), and each of them tells the others; ", |_| None)
        );
    }
    tickets.iter().try_for_each(|ticket| decided(&s, MAJORITY, *ticket, FOUR))?;
    p.remark(picture(loyal, faces));
    Ok(())
}

/// Who had what of whom. Lines that begin with two spaces are a table.
fn picture(loyal: [NodeId; 3], faces: [Order; 3]) -> String {
    let mut text = "The traitor's two faces. It commands, and tells n1 and n3 to attack at 4, and n2 to retreat. Each tells the two others what it was \
                    told. What each has then:"
        .to_owned();
    let cells = |cells: [&str; 6]| {
        let [me, traitor, a, b, c, does] = cells;
        format!("\n  {me:<4}{traitor:<13}{a:<11}{b:<11}{c:<11}{does}")
    };
    text += &cells(["", "the traitor", "n1", "n2", "n3", "two of three"]);
    for (me, own) in loyal.into_iter().zip(faces) {
        let own = format!("{own:?}");
        let [a, b, c] = [0, 1, 2].map(|i| if loyal[i] == me { "-".to_owned() } else { format!("{:?}", faces[i]) });
        text += &cells([&me.to_string(), &own, &a, &b, &c, &format!("{FOUR:?}")]);
    }
    text + "\nEach row has the same three votes, Attack(4) twice and Retreat once; only who said which differs. So all decide the same, and n2, which was \
            told to retreat, attacks with the others. With three generals there would be two votes in a row, one against one, and n2 could not tell \
            whether the commander has two faces or the other lieutenant lies: that is why there are four."
}
