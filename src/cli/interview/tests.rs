//! Whole interviews by a script: what the screen says, what is kept, and what becomes of it.

mod rounds;

use super::card::{Card, Course, shown};
use super::choice::{Case, Choice, Pool, choose};
use super::history::Interview;
use super::paper;
use super::part::{Part, What};
use super::talk::{Held, Keep, Talk};
use crate::cli::course::FollowUp;
use crate::cli::error::Exit;
use crate::cli::prompter::{Asides, Deadline, Prompter, Reply, Say, Scripted};
use crate::cli::quiz::Topic;
use crate::cli::quiz::format::load;
use crate::cli::quiz::rubric::Point;
use crate::cli::quiz::session::{Answer, Ended, Record, Session};
use crate::cli::rules::Listed;
use crate::cli::style::Style;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

const QUIZ: &str = r#"
schema = 1
topic = "consensus"
title = "Consensus"

[[question]]
id = "nine"
rev = 1
kind = "numeric"
difficulty = 1
prompt = "How many of nine nodes are a majority?"
answer = 5
unit = "nodes"
explanation = "More than half."
sources = [{ title = "Gifford 1979" }]

[[question]]
id = "vote"
rev = 1
kind = "single"
difficulty = 2
prompt = "A node has voted and crashes. What must it still know?"
explanation = "Else it votes twice."
sources = [{ title = "Ongaro & Ousterhout 2014" }]
option = [
  { text = "Its vote and its term", correct = true, why = "Both decide on the next request." },
  { text = "The leader's address", why = "A heartbeat brings it." },
  { text = "Its commit index", why = "The leader tells it." },
]

[[question]]
id = "explain-raft"
rev = 1
kind = "open"
difficulty = 3
minutes = 10
prompt = "Explain how Raft elects a leader."
model_answer = "A follower that hears nothing becomes a candidate, raises its term and asks for votes."
rubric = [
  { point = "A majority of votes in one term", weight = 3, must = true },
  { point = "Random timeouts", weight = 1 },
  { point = "The vote is saved before it is sent", weight = 2, must = true },
  { point = "Logs are compared", weight = 2 },
]
red_flags = ["The fastest node wins"]
explanation = "Votes, terms, majorities."
sources = [{ title = "Ongaro & Ousterhout 2014", loc = "section 5.2" }]

[[question.follow_up]]
ask = "What is pre-vote for?"
why = "Who has run it has seen the node that comes back and deposes everybody."
answer = "A node that was cut off asks first whether it could win, and raises no term."
rubric = [{ point = "No term is raised", weight = 1, must = true }, { point = "A cut-off node disturbs nobody", weight = 1 }]

[[question.follow_up]]
ask = "You never said what is on the disk. A node votes, crashes and comes back: what does it do?"
when = 3
why = "Who keeps a vote in memory votes twice in a term."
answer = "Vote and term are on disk before the vote leaves."
rubric = [{ point = "It does not vote twice", weight = 2, must = true }, { point = "It saves before it answers", weight = 1 }]

[[question.follow_up]]
ask = "And whose log must the winner have?"
when = 4
why = "Else an entry that was committed is lost."
answer = "One that is as new as those of a majority."
rubric = [{ point = "A newer log wins", weight = 2, must = true }, { point = "Terms before lengths", weight = 1 }]
"#;

/// Keeps in memory what a disk would hold at any moment.
#[derive(Default)]
struct Kept {
    answers: Vec<Answer>,
    parts: Vec<Part>,
    /// Breaks at so many parts.
    breaks_at: Option<usize>,
}

impl Record for Kept {
    fn answered(&mut self, answer: &Answer) -> io::Result<()> {
        self.answers.push(answer.clone());
        Ok(())
    }

    fn taken_back(&mut self, _answer: &Answer) -> io::Result<()> {
        self.answers.pop();
        Ok(())
    }
}

impl Keep for Kept {
    fn part(&mut self, part: &Part) -> io::Result<()> {
        if self.breaks_at == Some(self.parts.len()) {
            return Err(io::Error::other("the disk is full"));
        }
        if self.parts.last().is_some_and(|last| last.is_same(part)) {
            self.parts.pop();
        }
        self.parts.push(part.clone());
        Ok(())
    }
}

fn case() -> Case {
    let rule = |name: &str, text: &str| Listed { name: name.into(), text: text.into() };
    Case {
        id: "raft_election".into(),
        topic: "consensus".into(),
        title: "Raft: leader election".into(),
        summary: "Choose a leader, and only one a term.".into(),
        minutes: 60,
        rules: vec![
            rule("one_vote_per_term", "a node votes at most once per term"),
            rule("terms_never_fall", "a node's term never falls"),
            rule("leader_emerges", "a leader emerges after the network heals"),
        ],
        follow_ups: Vec::new(),
        passed: false,
    }
}

fn topic() -> Topic {
    load("quizzes/consensus.toml", QUIZ).unwrap()
}

fn chosen(topic: &Topic, case: Case) -> Choice<'_> {
    choose(&Pool { topics: vec![(topic, 3)], cases: vec![case], lately: BTreeSet::new(), held: BTreeMap::new() }, 30, 1)
}

/// Plays a script; every answer takes a while. Writes down what the clock above it says.
struct Slow<'c> {
    script: Scripted,
    clock: &'c Cell<u64>,
    /// Seconds for an answer.
    takes_s: u64,
    deadline: Option<Deadline>,
    asked: Asked,
    /// What somebody in an editor saw.
    about: Vec<String>,
}

impl<'c> Slow<'c> {
    fn new(script: &[Say], clock: &'c Cell<u64>, takes_s: u64) -> Slow<'c> {
        let script = Scripted::new(script.iter().cloned());
        Slow { script, clock, takes_s, deadline: None, asked: Vec::new(), about: Vec::new() }
    }

    fn ask(&mut self, message: &str) -> &mut Scripted {
        self.asked.push((message.to_owned(), self.deadline.map(|deadline| deadline.said(self.clock.get()))));
        self.clock.set(self.clock.get() + self.takes_s);
        &mut self.script
    }
}

impl Prompter for Slow<'_> {
    fn offer(&mut self, asides: Asides) {
        self.script.offer(asides);
    }
    fn clock(&mut self, deadline: Option<Deadline>) {
        self.deadline = deadline;
    }
    fn one(&mut self, message: &str, labels: &[String]) -> Reply<usize> {
        self.ask(message).one(message, labels)
    }
    fn many(&mut self, message: &str, labels: &[String], ticked: &[usize]) -> Reply<Vec<usize>> {
        assert_eq!(ticked, [0usize; 0], "nothing is ticked by itself");
        self.ask(message).many(message, labels, ticked)
    }
    fn arrange(&mut self, message: &str, labels: &[String]) -> Reply<Vec<usize>> {
        self.ask(message).arrange(message, labels)
    }
    fn number(&mut self, message: &str, unit: Option<&str>) -> Reply<f64> {
        self.ask(message).number(message, unit)
    }
    fn text(&mut self, message: &str) -> Reply<String> {
        self.ask(message).text(message)
    }
    fn essay(&mut self, message: &str, about: &str) -> Reply<String> {
        self.about.push(about.to_owned());
        self.ask(message).essay(message, about)
    }
    fn confirm(&mut self, message: &str, default: bool) -> Reply<bool> {
        self.ask(message).confirm(message, default)
    }
}

/// What was asked, and the clock above it.
type Asked = Vec<(String, Option<String>)>;

/// Holds an interview in which every answer takes so many minutes.
fn hold(script: &[Say], minutes: u64, kept: &mut Kept) -> (io::Result<Held>, String, Asked) {
    hold_with(case(), script, minutes, kept)
}

fn hold_with(case: Case, script: &[Say], minutes: u64, kept: &mut Kept) -> (io::Result<Held>, String, Asked) {
    let (topic, clock) = (topic(), Cell::new(1_000_000_u64));
    let now = || clock.get();
    let session = Session { now: &now, ..Session::new(1) };
    let talk = Talk { session, minutes: 20, begun_unix_s: 1_000_000, earlier: Vec::new() };
    let mut slow = Slow::new(script, &clock, 60 * minutes);
    let mut screen = Vec::new();
    let held = talk.hold(&chosen(&topic, case), &mut slow, kept, &mut screen);
    (held, String::from_utf8(screen).unwrap(), slow.asked)
}

const ALL: [Say; 12] = [
    Say::Pick("The leader"),
    Say::Pick("sure"),
    Say::Number(5.0),
    Say::Pick("think"),
    Say::Text("A candidate needs a majority of the votes of one term; timeouts are random. The vote is not saved before it is sent."),
    Say::Picks(&["A majority", "Random"]),
    Say::Picks(&[]),
    Say::Text("It hears a higher term and steps down."),
    Say::Picks(&["It saves"]),
    Say::Pick("discuss"),
    Say::Text("A node votes once per term."),
    Say::Picks(&["a node votes"]),
];

fn interview(parts: &[Part], finished: bool) -> Interview {
    Interview { day: crate::cli::dates::read("2026-11-22").unwrap(), started_unix_s: 1, minutes: 20, finished, parts: parts.to_vec() }
}

fn course() -> Course {
    Course { weights: [("consensus".to_owned(), 3)].into(), exercises: [("consensus".to_owned(), "raft_election".to_owned())].into() }
}

#[test]
fn a_whole_interview() {
    let mut kept = Kept::default();
    let (held, screen, _) = hold(&ALL, 1, &mut kept);
    let held = held.unwrap();
    assert_eq!(held.ended, Ended::Done);
    assert_eq!(held.parts, kept.parts, "what is kept is what was held");
    assert_eq!(kept.answers.iter().map(|a| a.question.as_str()).collect::<Vec<_>>(), ["vote", "nine", "explain-raft"]);
    // 3 of 8 points would be half, but a must is missing.
    assert!((held.parts[2].score - 0.5).abs() < 1e-9 && held.parts[2].missed.len() == 2);
    assert_eq!(
        held.parts[2].more.reasons,
        ["Who keeps a vote in memory votes twice in a term.", "Else an entry that was committed is lost."]
    );
    let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("(there is a “not” in it: is it the same?)"), "{screen}");
    insta::assert_snapshot!("interview", screen);
    let whole = interview(&held.parts, true);
    let card = Card::of(&whole, &[], &course());
    insta::assert_snapshot!("scorecard", shown(&whole, &card, Style::PLAIN, 80));
    insta::assert_snapshot!("paper", paper::page(&whole, &card));
}

#[test]
fn what_is_asked_after_an_exercise_is_answered_once_it_is_passed() {
    let point = |text: &str, must| Point { point: text.into(), weight: 1, must, of: None };
    let next = |n: u32| FollowUp {
        question: format!("Question {n}?"),
        // The rule of the second is the one that was named.
        when: vec![["terms_never_fall", "one_vote_per_term", "leader_emerges"][n as usize - 1].to_owned()],
        answer: format!("Answer {n}."),
        weak: format!("Weak {n}."),
        why: format!("Reason {n}."),
        // Only the first says what is looked for.
        rubric: if n == 1 { vec![point("It waits", true), point("It asks", false)] } else { Vec::new() },
    };
    let script = [&ALL[..], &[Say::Text("It waits."), Say::Picks(&["It waits"]), Say::Text("It asks."), Say::Pick("not")]].concat();
    for passed in [false, true] {
        let mut kept = Kept::default();
        let case = Case { follow_ups: (1..=3).map(next).collect(), passed, ..case() };
        let (held, screen, _) = hold_with(case, &script, 1, &mut kept);
        let held = held.unwrap();
        let screen = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        let asked: Vec<_> = held.parts.iter().skip(5).map(|part| (part.asked.as_str(), part.said.as_str(), part.score)).collect();
        assert_eq!(asked, [("Question 1?", "It waits.", 0.5), ("Question 3?", "It asks.", 0.0)]);
        assert_eq!(
            screen.contains("Answer 1.") && screen.contains("Answer 3.") && screen.contains("A weak answer: Weak 3."),
            passed,
            "{screen}"
        );
        assert!(screen.contains("Why it is asked: Reason 1."), "{screen}");
        assert_eq!(screen.contains("splitbrain solution raft_election"), !passed, "{screen}");
        assert_eq!(held.parts[5].more.answer.is_empty(), !passed);
    }
}

#[test]
fn whoever_leaves_keeps_what_was_said() {
    // Leaving at each question in turn, by Esc and by Ctrl-C. An answer in words is kept before it is judged.
    const KEPT: [(usize, bool); 12] = [
        (0, false),
        (0, false),
        (1, false),
        (1, false),
        (2, false),
        (3, true),
        (3, true),
        (3, false),
        (4, true),
        (4, false),
        (4, false),
        (5, true),
    ];
    for (at, (parts, waits)) in KEPT.into_iter().enumerate() {
        for (leave, ended) in [(Say::Leave, Ended::Left), (Say::Interrupt, Ended::Asked(Exit::Interrupted))] {
            let script = [&ALL[..at], &[leave]].concat();
            let mut kept = Kept::default();
            let (held, _, asked) = hold(&script, 1, &mut kept);
            let held = held.unwrap();
            assert_eq!((held.ended, asked.len()), (ended, at + 1));
            assert_eq!(held.parts, kept.parts);
            assert_eq!((held.parts.len(), held.parts.iter().any(|part| part.more.unjudged)), (parts, waits), "left at {at}");
            let broken = interview(&held.parts, false);
            let text = shown(&broken, &Card::of(&broken, &[], &course()), Style::PLAIN, 80);
            assert!(text.contains("Scorecard") && (text.contains("broken off") || held.parts.is_empty()), "{text}");
            assert_eq!(text.contains("1 answer was given and not judged any more"), waits, "{text}");
        }
    }
}

#[test]
fn the_clock_asks_once_and_cuts_nothing_off() {
    let mut kept = Kept::default();
    // Fifteen minutes an answer: the second question finds the time gone, and the first was answered in full.
    let stop = [&ALL[..2], &[Say::Confirm(false)]].concat();
    let (held, screen, asked) = hold(&stop, 15, &mut kept);
    let held = held.unwrap();
    assert_eq!((held.ended, held.parts.len()), (Ended::Done, 1));
    assert!(asked[0].1.as_deref() == Some("[20 minutes left]") && asked[1].1.as_deref() == Some("[5 minutes left]"), "{asked:?}");
    assert!(screen.contains("The time is up."), "{screen}");
    let on = [&ALL[..2], &[Say::Confirm(true)], &ALL[2..]].concat();
    let (held, _, asked) = hold(&on, 15, &mut Kept::default());
    assert_eq!(held.unwrap().parts.len(), 5);
    assert_eq!(asked.iter().filter(|(message, _)| message.starts_with("Go on")).count(), 1);
    assert!(asked.iter().any(|(_, clock)| clock.as_deref() == Some("[40 minutes over the time]")), "{asked:?}");
    assert!(asked.iter().filter(|(message, _)| message.contains("did you say")).all(|(_, clock)| clock.is_none()), "it stands still");
}

#[test]
fn code_now_or_leave_it() {
    let to_code = [&ALL[..9], &[Say::Pick("code it")]].concat();
    let (held, ..) = hold(&to_code, 1, &mut Kept::default());
    let whole = interview(&held.unwrap().parts, true);
    assert_eq!(whole.parts.last().map(|part| part.what), Some(What::ToCode));
    let card = Card::of(&whole, &[], &course());
    assert!(shown(&whole, &card, Style::PLAIN, 80).contains("To write now: splitbrain show raft_election"));
    let left = [&ALL[..9], &[Say::Pick("leave")]].concat();
    assert_eq!(hold(&left, 1, &mut Kept::default()).0.unwrap().parts.len(), 4);
}

#[test]
fn what_cannot_be_kept_ends_it_at_once() {
    let mut kept = Kept { breaks_at: Some(1), ..Kept::default() };
    let (held, _, asked) = hold(&ALL, 1, &mut kept);
    assert_eq!(held.unwrap_err().to_string(), "the disk is full");
    assert_eq!(asked.len(), 4);
}

#[test]
fn topics_are_compared_with_the_last_time_they_were_asked() {
    let part = |topic: &str, score: f64| Part { said: "!".into(), score, ..Part::asked(What::Quick, topic, "q", "?") };
    let mixed = |topic: &str, right: usize| (0..10).map(|n| part(topic, if n < right { 1.0 } else { 0.0 })).collect::<Vec<_>>();
    let first = interview(&[mixed("consensus", 4), mixed("cap", 10)].concat(), true);
    let second = interview(&mixed("cap", 9), true);
    let third = interview(&[mixed("consensus", 7), mixed("locks", 5), mixed("queues", 0), mixed("sharding", 8)].concat(), false);
    let course = Course { weights: [("consensus".to_owned(), 3), ("locks".to_owned(), 1)].into(), ..Course::default() };
    let card = Card::of(&third, &[first, second], &course);
    assert_eq!((card.score, card.before), (Some(0.5), Some(0.9)));
    let text = shown(&third, &card, Style::PLAIN, 80);
    assert!(text.contains("40 % → 70 %") && text.contains("50 %, the last time 90 %"), "{text}");
    let things: Vec<&str> = card.things.iter().map(|thing| thing.topic.as_str()).collect();
    assert_eq!(things, ["queues", "consensus", "locks"], "10 points lost, 3 that count threefold, 5; never more than three");
    let perfect = interview(&mixed("cap", 10), true);
    assert_eq!(Card::of(&perfect, &[], &course).things, []);
}
