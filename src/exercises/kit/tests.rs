//! A node that saves too late, in a script: what the script says of itself.

use super::*;
use crate::rule::{Broken, Check};
use crate::sim::{Context, Factory, Node, NodeId, Observe, Protocol, Ticket};
use crate::time::millis;
use crate::trace::Probe;

const RULE: &str = "counts";

#[derive(Clone, Debug, Hash)]
struct Words;

impl Protocol for Words {
    type Config = ();
    type Message = u8;
    type Timer = ();
    type Request = char;
    type Response = u8;
    type Durable = u8;
    type View = u8;
}

/// Counts its requests, answers with their number, and saves that when it has answered; `?` it does not answer.
#[derive(Clone, Debug, Hash)]
struct Late(u8);

impl Node<Words> for Late {
    fn new(_: NodeId, _: &[NodeId], _: &(), saved: Option<u8>) -> Self {
        Late(saved.unwrap_or(0))
    }

    fn on_message(&mut self, from: NodeId, message: u8, cx: &mut Context<'_, Words>) {
        self.0 = self.0.max(message);
        cx.send(from, self.0);
    }

    fn on_request(&mut self, request: char, ticket: Ticket, cx: &mut Context<'_, Words>) {
        if request != '?' {
            self.0 += 1;
            cx.reply(ticket, self.0);
            cx.save(self.0);
        }
    }
}

impl Observe<Late> for Words {
    fn view(node: &Late) -> u8 {
        node.0
    }
}

fn up(nodes: usize) -> Result<Script<'static, Words>, Broken> {
    Script::up(Factory::of::<Late>(), &Probe::default(), vec![(); nodes])
}

fn seen(check: Check) -> String {
    check.unwrap_err().seen
}

#[test]
fn a_script_says_who_did_what_in_its_order() {
    let mut s = up(3).unwrap();
    s.tell(N2, N1, 3).unwrap();
    s.tell(N2, N1, 4).unwrap();
    s.call(N1, 'a').unwrap();
    s.restart(N1).unwrap();
    s.cut(&[N1, N3]);
    s.run(millis(1_500)).unwrap();
    let story = "n1 was told 3, 4 by n2, answered 'a' with 5, crashed with 5 on its disk and restarted; then n1 and n3 were cut off; then \
                 messages went to and fro for 1.5 s";
    let shows = s.shows(RULE, N1, &6).unwrap_err();
    assert_eq!((shows.seen, shows.step), (format!("{story}; n1 must then show 6, and shows 5"), Some(11)));
    assert_eq!(s.shows(RULE, N1, &5), Ok(()));
    assert_eq!(seen(s.expect(RULE, false, || "and that is wrong".to_owned())), format!("{story}; and that is wrong"));
    s.say("n1 knows 5");
    let ticket = s.call(N1, 'b').unwrap();
    assert_eq!(seen(s.answered(RULE, ticket, &[7])), "n1 knows 5; 'b' must then be answered with 7, and n1 answered 6");
    let ticket = s.call(N1, '?').unwrap();
    let silent = s.one_answer(RULE, ticket, "a number", |_| true);
    assert_eq!(seen(silent), "n1 knows 5; then n1 answered 'b' with 6; n1 got '?', and did not answer it within 1 s");
}

#[test]
fn a_long_story_is_told_from_both_ends() {
    let mut s = up(3).unwrap();
    (0..100).for_each(|i| s.tell([N2, N3][i % 2], N1, i as u8).unwrap());
    let told = s.broken(RULE, "so").seen;
    assert!(
        told.starts_with("n1 was told 0 by n2, was told 1 by n3 and was told 2 by n2; then so it went on, 91 times; then n1"),
        "{told}"
    );
    assert!(told.ends_with("was told 98 by n2 and was told 99 by n3; so"), "{told}");
}

#[test]
fn what_is_cut_off_hears_nothing_until_it_heals() {
    let mut s = up(2).unwrap();
    s.cut(&[N2]);
    s.tell(N2, N1, 9).unwrap();
    s.run(millis(10)).unwrap();
    assert_eq!(s.view(N2), Some(0));
    s.heal();
    s.tell(N2, N1, 9).unwrap();
    s.run(millis(10)).unwrap();
    assert_eq!(s.view(N2), Some(9));
}

#[test]
fn a_sweep_crashes_after_none_to_all_of_the_effects() {
    let sweep = || crash_sweep(N1, || up(1), |s| s.ask(N1, 'a')).map(Result::unwrap);
    let swept: Vec<_> = sweep().map(|(s, ticket)| (s.answer_to(ticket).copied(), s.saved(N1).copied())).collect();
    assert_eq!(swept, [(None, None), (Some(1), None), (Some(1), Some(1))]);
    let broken = sweep().try_for_each(|(s, ticket)| s.answer_to(ticket).map_or(Ok(()), |answer| s.shows(RULE, N1, answer)));
    assert_eq!(seen(broken), "n1 answered 'a' with 1, crashed with nothing on its disk and restarted; n1 must then show 1, and shows 0");
}
