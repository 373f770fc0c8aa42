use super::*;
use crate::cli::error::Exit;
use crate::cli::prompter::{Asides, Lines, Reply, Say, Scripted};
use crate::cli::quiz::format::load;
use std::cell::Cell;

const TOPIC: &str = r#"
schema = 1
topic = "cap"
title = "CAP"

[[scenario]]
id = "split"
kind = "text"
text = """
n1 n2 | n3 n4 n5
"""

[[question]]
id = "minority-write"
rev = 2
kind = "single"
difficulty = 2
scenario = "split"
exercise = "quorum_write"
prompt = "A client writes to n1. The store promises linearizable writes. What does n1 do?"
explanation = "Only a majority can order the write."
sources = [{ title = "Gilbert & Lynch 2002", loc = "section 3", url = "https://example.org/cap" }]
option = [
  { text = "Refuse it", correct = true, why = "Two of five are no majority." },
  { text = "Take it and merge later", why = "Then another client may have read an older value after this one was told OK." },
  { text = "Take it when the others look idle", why = "It cannot see them." },
]

[[question]]
id = "which-lose"
rev = 1
kind = "multi"
difficulty = 3
prompt = "Which of these give up availability in a partition?"
explanation = "What needs a majority stops where there is none."
sources = [{ title = "Brewer 2012" }]
option = [
  { text = "A majority quorum", correct = true, why = "The minority side stops." },
  { text = "A single leader", correct = true, why = "Who cannot reach it waits." },
  { text = "A grow-only counter", why = "Each side counts on." },
]

[[question]]
id = "majority-of-nine"
rev = 1
kind = "numeric"
difficulty = 1
prompt = "How many of nine nodes are a majority?"
answer = 5
unit = "nodes"
near = [{ value = 4, why = "Two groups of four fit into nine." }]
explanation = "More than half."
sources = [{ title = "Gifford 1979" }]

[[question]]
id = "pick-two"
rev = 1
kind = "true-false"
difficulty = 1
prompt = "CAP lets a designer give up P."
answer = false
why = { true = "The network decides on P.", false = "Right: links fail whether one likes it or not." }
explanation = "The choice is between C and A, while a partition lasts."
sources = [{ title = "Brewer 2012" }]

[[question]]
id = "steps"
rev = 1
kind = "order"
difficulty = 1
prompt = "Order them."
items = ["cut", "detect", "heal"]
before = [[0, 1], [1, 2]]
explanation = "First it breaks."
sources = [{ title = "Brewer 2012" }]

[[question]]
id = "word"
rev = 1
kind = "short"
difficulty = 1
prompt = "What is a cut network called?"
accept = ["partition"]
near = [{ text = "outage", why = "An outage is of a node." }]
explanation = "The nodes fall into parts."
sources = [{ title = "Brewer 2012" }]

[[question]]
id = "design"
rev = 1
kind = "open"
difficulty = 4
prompt = "Design a store."
minutes = 10
model_answer = "Quorums."
rubric = [{ point = "Says quorum", weight = 3, must = true }, { point = "Says lease", weight = 2 }]
red_flags = ["Picks two of three"]
follow_ups = ["And with four nodes?"]
explanation = "Overlap is what matters."
sources = [{ title = "Brewer 2012" }]
"#;

fn topic() -> Topic {
    load("quizzes/cap.toml", TOPIC).expect("the test's topic is in order")
}

fn play(script: Vec<Say>) -> (Outcome, String, Vec<Answer>) {
    let (topic, mut out, mut kept) = (topic(), Vec::new(), Vec::new());
    let session = Session { now: &|| 1_800_000_000, ..Session::new(7) };
    let outcome = session.run(&in_order(&topic), Vec::new(), &mut Scripted::new(script), &mut kept, &mut out).expect("nothing breaks");
    (outcome, String::from_utf8(out).expect("text"), kept)
}

fn all_wrong_but_two() -> Vec<Say> {
    vec![
        Say::Pick("Take it and"),
        Say::Pick("sure"),
        Say::Picks(&["A single", "A majority"]),
        Say::Pick("think"),
        Say::Number(4.0),
        Say::Pick("guess"),
        Say::Pick("true"),
        Say::Pick("sure"),
        Say::Picks(&["cut", "detect", "heal"]),
        Say::Pick("sure"),
        Say::Text("an outage"),
        Say::Pick("think"),
        Say::Text("It has a leader"),
        Say::Picks(&["Says lease"]),
        Say::Picks(&["Picks two"]),
        // What was wrong comes again; the first of them is missed once more.
        Say::Pick("Take it and"),
        Say::Pick("think"),
        Say::Number(5.0),
        Say::Pick("sure"),
        Say::Pick("false"),
        Say::Pick("sure"),
        Say::DontKnow,
        Say::Pick("Refuse"),
        Say::Pick("sure"),
        Say::DontKnow,
    ]
}

#[test]
fn a_whole_session_from_the_first_question_to_the_summary() {
    let (outcome, screen, kept) = play(all_wrong_but_two());
    assert_eq!(outcome.ended, Ended::Done);
    assert_eq!(outcome.answers, kept[..7], "what counts is the first answer to each");
    insta::assert_snapshot!("session", screen);
}

#[test]
fn answers_are_kept_in_the_order_of_the_file() {
    let (_, screen, kept) = play(all_wrong_but_two());
    let lines: Vec<String> = kept
        .iter()
        .map(|a| format!("{} r{} {} [{}] {} {:?} {:+}", a.question, a.rev, a.kind, a.chosen, a.right, a.confidence, a.marks()))
        .collect();
    assert_eq!(
        lines,
        [
            "minority-write r2 single [1] false Some(Sure) -6",
            "which-lose r1 multi [0 1] true Some(Think) +2",
            "majority-of-nine r1 numeric [4] false Some(Guess) +0",
            "pick-two r1 true-false [true] false Some(Sure) -6",
            "steps r1 order [0 1 2] true Some(Sure) +3",
            "word r1 short [an outage] false Some(Think) -2",
            "design r1 open [1 2] false None +0",
            "minority-write r2 single [1] false Some(Think) -2",
            "majority-of-nine r1 numeric [5] true Some(Sure) +3",
            "pick-two r1 true-false [false] true Some(Sure) +3",
            "word r1 short [don't know] false Some(Guess) +0",
            "minority-write r2 single [0] true Some(Sure) +3",
            "word r1 short [don't know] false Some(Guess) +0",
        ]
    );
    let heads: Vec<&str> = screen.lines().filter(|line| line.starts_with("── once more")).collect();
    assert_eq!(heads.len(), 6, "a question is asked three times at most, an open one once: {heads:?}");
    assert!(heads[4].starts_with("── once more, 5 of 6 · CAP"), "{heads:?}");
    assert!(kept.iter().all(|a| (a.at_unix_s, a.seed, a.topic.as_str()) == (1_800_000_000, 7, "cap")));
    assert_eq!(sure_and_wrong(&kept).len(), 2, "who does not know is not sure");
}

#[test]
fn leaving_keeps_what_was_answered_and_nothing_else() {
    for (leave, ended) in [(Say::Leave, Ended::Left), (Say::Interrupt, Ended::Asked(Exit::Interrupted))] {
        let half = vec![Say::Pick("Refuse"), Say::Pick("sure"), Say::Picks(&[]), leave];
        let (outcome, screen, kept) = play(half);
        assert_eq!(outcome.ended, ended);
        assert_eq!(kept.len(), 1, "an answer without its confidence is none: the key was not shown either");
        assert!(!screen.contains("The minority side stops."));
        let (line, marks) = (
            "1 of 1 right · +3 marks · 6 left for another time\nsure: 1 of 1 right\n",
            "Marks: right guess +1, think +2, sure +3; wrong guess 0, think −2, sure −6\n",
        );
        assert!(screen.ends_with(&format!("{line}{marks}")), "{screen}");
    }
}

#[test]
fn lines_of_input_drive_a_session_and_its_end_is_a_clean_one() {
    let (topic, mut out, mut kept, mut prompts) = (topic(), Vec::new(), Vec::new(), Vec::new());
    let input = "Refuse\nsure\nnonsense\n1 2\n2\n";
    let mut prompter = Lines::new(input.as_bytes(), &mut prompts);
    let outcome = run(&topic, &mut prompter, &mut kept, 3, &mut out).expect("nothing breaks");
    assert_eq!((outcome.ended, kept.len()), (Ended::Left, 2));
    assert!(kept[0].right);
    let prompts = String::from_utf8(prompts).expect("text");
    assert!(prompts.contains("All that apply (numbers such as 1 3; 0 for none; ? for don't know): "), "{prompts}");
    assert!(prompts.contains("Expected a number from 1 to 3; q leaves."), "{prompts}");
}

#[test]
fn an_answer_is_taken_back_until_the_next_is_given() {
    let right = [Say::Pick("Refuse"), Say::Pick("sure")];
    let slip = [Say::Pick("Take it and"), Say::Pick("sure"), Say::Back];
    let (outcome, screen, kept) = play(slip.into_iter().chain(right).chain([Say::Leave]).collect());
    assert_eq!((outcome.answers.len(), kept.len()), (1, 1), "the slip is forgotten");
    assert!(kept[0].right && screen.contains("Taken back."));
    // What a slip would have brought back does not come.
    let rest = all_wrong_but_two().into_iter().skip(2).take(13);
    let again = [Say::Number(5.0), Say::Pick("sure"), Say::Pick("false"), Say::Pick("sure"), Say::Text("partition"), Say::Pick("sure")];
    let right = [Say::Pick("Refuse"), Say::Pick("sure")];
    let slip = [Say::Pick("Take it and"), Say::Pick("sure"), Say::Back];
    let (outcome, _, kept) = play(slip.into_iter().chain(right).chain(rest).chain(again).collect());
    assert_eq!((outcome.ended, kept.len()), (Ended::Done, 7 + 3));
}

#[test]
fn a_sitting_that_goes_on_brings_back_what_was_wrong_before() {
    let (topic, mut out, mut kept) = (topic(), Vec::new(), Vec::new());
    let asks = in_order(&topic);
    let session = Session { now: &|| 1_800_000_000, ..Session::new(7) };
    let earlier: Vec<Answer> = asks[..6].iter().map(|ask| session.judged(ask, Chosen::Nothing, Some(Confidence::Guess))).collect();
    let mut script = Scripted::new([Say::Text("x"), Say::Picks(&[]), Say::Picks(&[]), Say::Pick("Refuse"), Say::Pick("sure"), Say::Leave]);
    let outcome = session.run(&asks, earlier, &mut script, &mut kept, &mut out).expect("nothing breaks");
    assert_eq!((outcome.answers.len(), kept.len()), (7, 2));
    assert!(String::from_utf8(out).expect("text").contains("── once more, 1 of 6 · CAP"));
}

/// Someone who turns pages over: what they were asked at each, and how often they take the answer back there.
struct Turning(Scripted, Vec<String>, usize);

/// Pages of reasons are turned so.
const REASONS: &str = "Read on";

mod turning {
    use super::*;

    impl Prompter for Turning {
        fn offer(&mut self, asides: Asides) {
            self.0.offer(asides);
        }
        fn one(&mut self, message: &str, labels: &[String]) -> Reply<usize> {
            self.0.one(message, labels)
        }
        fn many(&mut self, message: &str, labels: &[String], ticked: &[usize]) -> Reply<Vec<usize>> {
            self.0.many(message, labels, ticked)
        }
        fn arrange(&mut self, message: &str, labels: &[String]) -> Reply<Vec<usize>> {
            self.0.arrange(message, labels)
        }
        fn number(&mut self, message: &str, unit: Option<&str>) -> Reply<f64> {
            self.0.number(message, unit)
        }
        fn text(&mut self, message: &str) -> Reply<String> {
            self.0.text(message)
        }
        fn essay(&mut self, message: &str, about: &str) -> Reply<String> {
            self.0.essay(message, about)
        }
        fn confirm(&mut self, message: &str, default: bool) -> Reply<bool> {
            self.0.confirm(message, default)
        }
        fn pause(&mut self, message: &str) -> Reply<()> {
            self.1.push(message.to_owned());
            if self.2 == 0 || !message.starts_with(REASONS) {
                return Ok(());
            }
            self.2 -= 1;
            Err(Leave::Back)
        }
    }
}

/// While its reasons are read, an answer is taken back as well; then the same may be said as before, and no answer of another day goes.
#[test]
fn an_answer_is_taken_back_while_its_reasons_are_read() {
    let (topic, mut out, mut kept) = (topic(), Vec::new(), Vec::new());
    let asks = in_order(&topic);
    let session = Session { look: Look { rows: Some(9), ..Look::default() }, ..Session::new(7) };
    let earlier = vec![session.judged(&asks[0], Chosen::Options(vec![0]), Some(Confidence::Sure))];
    // Back, before anything of this sitting is answered; a slip, twice; then the key of who does not know.
    let slip = || [Say::Picks(&["A grow"]), Say::Pick("sure")];
    let script = slip().into_iter().chain(slip()).chain([Say::DontKnow, Say::Leave]);
    let mut prompter = Turning(Scripted::new(script), Vec::new(), 2);
    let outcome = session.run(&asks, earlier, &mut prompter, &mut kept, &mut out).expect("nothing breaks");
    assert_eq!((outcome.answers.len(), kept.len()), (2, 1), "{:?}", prompter.1);
    assert_eq!((&kept[0].question[..], &kept[0].chosen), ("which-lose", &Chosen::Nothing));
    assert_eq!(String::from_utf8(out).expect("text").matches("Taken back.").count(), 2);
}

/// Nothing scrolls out of sight unread: what is longer than the screen is turned over.
#[test]
fn what_is_longer_than_the_screen_is_turned_over() {
    let mut topic = topic();
    topic.answers.insert("minority-write".into(), vec!["A paragraph of the lesson.".into(), "- and a list".into()]);
    let turns = |rows| {
        let mut prompter = Turning(Scripted::new(all_wrong_but_two().into_iter().take(2)), Vec::new(), 0);
        let session = Session { look: Look { rows, ..Look::default() }, ..Session::new(7) };
        let mut out = Vec::new();
        session.run(&in_order(&topic), Vec::new(), &mut prompter, &mut Vec::new(), &mut out).expect("nothing breaks");
        (prompter.1, String::from_utf8(out).expect("text"))
    };
    let (paused, screen) = turns(None);
    assert_eq!(paused, ["Next question"], "off a terminal nobody waits");
    assert!(screen.contains("The lesson, `splitbrain learn cap`:\n  A paragraph of the lesson.\n"), "{screen}");
    assert_eq!(turns(Some(40)).0, ["Next question"]);
    assert_eq!(turns(Some(18)).0, ["Read on, 1 of 2", "Next question"]);
    assert_eq!(turns(Some(9)).0[0], "The question", "what it stands on is read first");
}

/// A record that counts what the screen showed when it was called.
struct Watching<'a>(&'a Cell<usize>);

impl Record for Watching<'_> {
    fn answered(&mut self, _: &Answer) -> io::Result<()> {
        self.0.set(self.0.get() + 1);
        if self.0.get() == 2 { Err(io::Error::other("disk full")) } else { Ok(()) }
    }

    fn taken_back(&mut self, _: &Answer) -> io::Result<()> {
        unreachable!("nobody takes anything back")
    }
}

#[test]
fn a_record_that_fails_stops_the_session_before_the_key_is_shown() {
    let (topic, mut out, calls) = (topic(), Vec::new(), Cell::new(0));
    let result = run(&topic, &mut Scripted::new(all_wrong_but_two()), &mut Watching(&calls), 7, &mut out);
    assert_eq!(result.expect_err("the second answer is not kept").to_string(), "disk full");
    let screen = String::from_utf8(out).expect("text");
    assert!(screen.contains("Two of five are no majority."), "the first was kept, then explained");
    assert!(!screen.contains("The minority side stops."), "the second was not kept, and not explained");
}

#[test]
fn one_seed_gives_one_order_and_seeds_put_the_key_everywhere() {
    let topic = topic();
    let labels = |seed: u64| {
        let mut prompter = Scripted::new([]);
        run(&topic, &mut prompter, &mut Vec::new(), seed, &mut Vec::new()).expect("nothing breaks");
        prompter.asked[0].1.clone()
    };
    assert_eq!(labels(5), labels(5));
    let mut places = [0; 3];
    for seed in 0..300 {
        places[labels(seed).iter().position(|l| l == "Refuse it").expect("it is there")] += 1;
    }
    assert!(places.iter().all(|&n| (70..130).contains(&n)), "{places:?}");
}

#[test]
fn a_mixed_session_has_every_question_once() {
    let topics = [topic(), topic()];
    let ids = |seed| mixed(&topics, seed).iter().map(|a| a.question.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
    let mut sorted = ids(1);
    sorted.sort();
    sorted.dedup();
    assert_eq!((ids(1).len(), sorted.len()), (14, 7));
}

#[test]
fn what_is_asked_has_a_fingerprint_that_an_explanation_does_not_change() {
    let content = |text: &str| {
        let topic = load("t", text).expect("it parses");
        topic.questions[0].content(topic.scenario_of(&topic.questions[0]))
    };
    let first = content(TOPIC);
    assert_eq!(first, content(&TOPIC.replace("Only a majority can", "Nobody but a majority can")));
    assert_ne!(first, content(&TOPIC.replace("Refuse it", "Refuse")));
    assert_ne!(first, content(&TOPIC.replace("n1 n2 |", "n1 n2 n3 |")));
    assert_eq!(first, 15914898672751648725, "stored in state files: it may not change within schema 1");
}

/// Every question and every reveal of the bank on a small screen: what does not fit is turned over, and most of it fits.
#[test]
fn the_bank_on_a_screen_of_24_rows() {
    use crate::cli::bank;
    use crate::cli::content::Content;
    let course = Content::Embedded.course().unwrap();
    let look = Look { rows: Some(24), ..Look::default() };
    let session = Session { look, ..Session::new(7) };
    let (mut all, mut right_fits, mut asked_fits) = (0, 0, 0);
    for name in bank::names(&course) {
        let topic = bank::load(&Content::Embedded, name).unwrap();
        for ask in in_order(&topic).into_iter().filter(|ask| !ask.question.body.is_open()) {
            let order = session.order_of(ask.question);
            let rows = |right: bool| {
                let answer = Answer { right, ..session.judged(&ask, Chosen::Nothing, Some(Confidence::Think)) };
                let grade = crate::cli::quiz::grade::Grade { right, score: 0.0, note: None };
                look.reveal(&ask, &order, &answer, &grade)
            };
            for text in [rows(true), rows(false)] {
                let wide: Vec<&str> = text.lines().filter(|line| crate::cli::wrap::columns(line) > 80 && !line.contains("<http")).collect();
                assert!(wide.is_empty(), "{}: {wide:#?}", ask.question.id);
            }
            let (ground, prompt) = look.question(&ask, "1 of 9");
            let options = session.labels(ask.question).map_or(0, |labels| look.listed(&labels).lines().count() + 1);
            all += 1;
            right_fits += usize::from(rows(true).lines().count() <= 22);
            asked_fits += usize::from(ground.lines().count() + prompt.lines().count() + options + 4 <= 24);
        }
    }
    assert!(right_fits * 100 >= all * 95 && asked_fits * 100 >= all * 75, "{all} questions, {asked_fits} and {right_fits} fit");
}
