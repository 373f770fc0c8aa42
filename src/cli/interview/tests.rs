//! Whole interviews by a script: what the screen says, what is kept, and what becomes of it.

use super::card::{Card, Course, shown};
use super::choice::{Case, Choice, Pool, choose};
use super::history::{Interview, Part, What};
use super::paper;
use super::talk::{Held, Keep, Talk};
use crate::cli::course::FollowUp;
use crate::cli::error::Exit;
use crate::cli::prompter::{Say, Scripted};
use crate::cli::quiz::Topic;
use crate::cli::quiz::format::load;
use crate::cli::quiz::session::{Answer, Ended, Record, Session};
use crate::cli::rules::Listed;
use crate::cli::style::Style;
use std::cell::Cell;
use std::collections::BTreeSet;
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
follow_ups = ["The old leader comes back: what happens?", "Why are timeouts random?", "What is pre-vote for?"]
explanation = "Votes, terms, majorities."
sources = [{ title = "Ongaro & Ousterhout 2014", loc = "section 5.2" }]
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
    choose(&Pool { topics: vec![(topic, 3)], cases: vec![case], lately: BTreeSet::new() }, 20, 1)
}

/// Holds an interview; the clock goes on by so many minutes each time it is looked at.
fn hold(script: &[Say], step_minutes: u64, kept: &mut Kept) -> (io::Result<Held>, String, Vec<String>) {
    hold_with(case(), script, step_minutes, kept)
}

fn hold_with(case: Case, script: &[Say], step_minutes: u64, kept: &mut Kept) -> (io::Result<Held>, String, Vec<String>) {
    let topic = topic();
    let clock = Cell::new(1_000_000_u64);
    let now = || {
        clock.set(clock.get() + step_minutes * 60);
        clock.get()
    };
    let session = Session { now: &now, ..Session::new(1) };
    let talk = Talk { session, minutes: 20, begun_unix_s: 1_000_000 };
    let mut scripted = Scripted::new(script.iter().cloned());
    let mut screen = Vec::new();
    let held = talk.hold(&chosen(&topic, case), &mut scripted, kept, &mut screen);
    (held, String::from_utf8(screen).unwrap(), scripted.asked.into_iter().map(|(message, _)| message).collect())
}

const ALL: [Say; 13] = [
    Say::Pick("The leader"),
    Say::Pick("sure"),
    Say::Number(5.0),
    Say::Pick("think"),
    Say::Text("A candidate needs a majority of the votes of one term; timeouts are random."),
    Say::Picks(&["A majority", "Random"]),
    Say::Text("It hears a higher term and steps down."),
    Say::Pick("well"),
    Say::Text("So that they do not tie."),
    Say::Pick("partly"),
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
    insta::assert_snapshot!("interview", screen);
    let whole = interview(&held.parts, true);
    let card = Card::of(&whole, &[], &course());
    insta::assert_snapshot!("scorecard", shown(&whole, &card, Style::PLAIN, 80));
    insta::assert_snapshot!("paper", paper::page(&whole, &card));
}

#[test]
fn what_is_asked_after_an_exercise_is_answered_once_it_is_passed() {
    let next = |n: u32| FollowUp { question: format!("Question {n}?"), answer: format!("Answer {n}."), weak: format!("Weak {n}.") };
    let script = [&ALL[..], &[Say::Text("It waits."), Say::Pick("well"), Say::Text("It asks."), Say::Pick("not")]].concat();
    for passed in [false, true] {
        let mut kept = Kept::default();
        let case = Case { follow_ups: (1..=3).map(next).collect(), passed, ..case() };
        let (held, screen, _) = hold_with(case, &script, 1, &mut kept);
        let held = held.unwrap();
        let screen = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        let asked: Vec<_> = held.parts.iter().skip(6).map(|part| (part.asked.as_str(), part.said.as_str(), part.score)).collect();
        assert_eq!(asked, [("Question 1?", "It waits.", 1.0), ("Question 2?", "It asks.", 0.0)]);
        assert_eq!(screen.contains("Answer 2.") && screen.contains("A weak answer: Weak 2."), passed, "{screen}");
        assert_eq!(screen.contains("splitbrain solution raft_election"), !passed, "{screen}");
    }
}

#[test]
fn whoever_leaves_keeps_what_was_said() {
    // Leaving at each question in turn, by Esc and by Ctrl-C.
    for at in 0..ALL.len() {
        for (leave, ended) in [(Say::Leave, Ended::Left), (Say::Interrupt, Ended::Asked(Exit::Interrupted))] {
            let script = [&ALL[..at], &[leave]].concat();
            let mut kept = Kept::default();
            let (held, _, asked) = hold(&script, 1, &mut kept);
            let held = held.unwrap();
            assert_eq!((held.ended, asked.len()), (ended, at + 1));
            assert_eq!(held.parts, kept.parts);
            // Two prompts to a quick question; two to an open one and to what is asked next; three to the exercise.
            assert_eq!(held.parts.len(), (at / 2).min(5), "left at {at}");
            let broken = interview(&held.parts, false);
            let text = shown(&broken, &Card::of(&broken, &[], &course()), Style::PLAIN, 80);
            assert!(text.contains("Scorecard") && (text.contains("broken off") || held.parts.is_empty()), "{text}");
        }
    }
}

#[test]
fn the_clock_asks_once_and_cuts_nothing_off() {
    let mut kept = Kept::default();
    // Fifteen minutes a look: the second question finds the time gone, and the first was answered in full.
    let stop = [&ALL[..2], &[Say::Confirm(false)]].concat();
    let (held, screen, _) = hold(&stop, 15, &mut kept);
    let held = held.unwrap();
    assert_eq!((held.ended, held.parts.len()), (Ended::Done, 1));
    assert!(screen.contains("[5 minutes left]") && screen.contains("The time is up."), "{screen}");
    let on = [&ALL[..2], &[Say::Confirm(true)], &ALL[2..]].concat();
    let (held, screen, asked) = hold(&on, 15, &mut Kept::default());
    assert_eq!(held.unwrap().parts.len(), 6);
    assert_eq!(asked.iter().filter(|message| message.starts_with("Go on")).count(), 1);
    assert!(screen.contains("minutes over the time]"), "{screen}");
}

#[test]
fn code_now_or_leave_it() {
    let to_code = [&ALL[..10], &[Say::Pick("code it")]].concat();
    let (held, ..) = hold(&to_code, 1, &mut Kept::default());
    let whole = interview(&held.unwrap().parts, true);
    assert_eq!(whole.parts.last().map(|part| part.what), Some(What::ToCode));
    let card = Card::of(&whole, &[], &course());
    assert!(shown(&whole, &card, Style::PLAIN, 80).contains("To write now: splitbrain show raft_election"));
    let left = [&ALL[..10], &[Say::Pick("leave")]].concat();
    assert_eq!(hold(&left, 1, &mut Kept::default()).0.unwrap().parts.len(), 5);
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
    let part = |topic: &str, score: f64| Part {
        what: What::Quick,
        topic: topic.into(),
        id: "q".into(),
        asked: "?".into(),
        said: "!".into(),
        score,
        missed: Vec::new(),
        sure_and_wrong: false,
    };
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
