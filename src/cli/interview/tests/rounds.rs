//! Whole design rounds: five candidates of known quality, a clock that runs out, and leaving at any moment.

use super::*;
use crate::cli::interview::marks;
use crate::cli::memory::Memories;
use crate::cli::quiz::rubric::Skill;

/// A small round, with the head of its file.
fn views() -> Topic {
    let text = format!("schema = 1\ntopic = \"design\"\ntitle = \"Design\"\n{}", include_str!("../../../../tests/fixtures/round.toml"));
    load("quizzes/design.toml", &text).unwrap()
}

/// Somebody who says the same whatever stage it is, and ticks honestly: what their answers make, as somebody who knows the matter judged
/// it beforehand.
#[derive(Clone, Copy)]
struct Candidate {
    says: &'static str,
    /// The points that they make, by their beginnings.
    makes: &'static [&'static str],
    flags: &'static [&'static str],
    /// Seconds for an answer.
    takes_s: u64,
}

const EXCELLENT: Candidate = Candidate {
    says: "How late may a number be, and does money hang on it? Ten billion a day are 116,000 a second, three times that at the peak. The edge adds \
           up a second and appends to a log; the hot counter has sixteen buckets. Offset and counts are one write.",
    makes: &[
        "Asks",
        "Says that reads",
        "Over a hundred",
        "Three times",
        "A view carries",
        "Reads never",
        "Views are added",
        "A log stands",
        "Batching",
        "The hot counter",
        "A read sums",
        "Splitting",
        "Offset and",
        "The successor",
        "Somebody",
        "Measures",
        "Names",
        "One key",
        "The rate",
    ],
    flags: &[],
    takes_s: 100,
};
const THIN: Candidate = Candidate {
    says: "I would ask how late it may be. About a hundred thousand a second, I think. A queue, and some counters that read it.",
    makes: &["Asks how late", "Over a hundred", "A log stands", "The successor"],
    flags: &[],
    takes_s: 100,
};
const CONFIDENT_AND_WRONG: Candidate = Candidate {
    says: "One row for each page, which every view updates in a transaction. A bigger machine is enough. Over a hundred thousand a second.",
    makes: &["Over a hundred", "Measures"],
    flags: &["Draws", "One row", "A bigger machine", "Everything"],
    takes_s: 100,
};
const OFF_TOPIC: Candidate = Candidate { says: "I like Rust, and teams that talk to each other.", makes: &[], flags: &[], takes_s: 100 };
/// The model answers of another question: words of the rubric, and none of its points.
const PASTED: Candidate = Candidate {
    says: "The client makes an idempotency key for each order, and retries carry it. The store keeps key and response in one transaction, so a \
           retry counts once. The log of orders is read again by the successor of a node that dies, from the offset that was stored.",
    makes: &[],
    flags: &[],
    takes_s: 100,
};

/// Plays a candidate.
struct Plays<'c> {
    candidate: Candidate,
    slow: Slow<'c>,
    /// Leaves at this question.
    leaves_at: usize,
}

impl<'c> Plays<'c> {
    fn of(candidate: Candidate, clock: &'c Cell<u64>) -> Plays<'c> {
        Plays { candidate, slow: Slow::new(&[], clock, candidate.takes_s), leaves_at: usize::MAX }
    }

    fn ask(&mut self, message: &str, takes: bool) -> Reply<()> {
        if self.slow.asked.len() == self.leaves_at {
            return Err(crate::cli::prompter::Leave::Quit);
        }
        let clock = self.slow.clock.get();
        self.slow.ask(message);
        if !takes {
            // Ticking takes twice as long as answering, and does not count.
            self.slow.clock.set(clock + 2 * self.slow.takes_s);
        }
        Ok(())
    }
}

impl Prompter for Plays<'_> {
    fn offer(&mut self, _: Asides) {}
    fn clock(&mut self, deadline: Option<Deadline>) {
        self.slow.clock(deadline);
    }
    fn one(&mut self, message: &str, labels: &[String]) -> Reply<usize> {
        panic!("{message}: {labels:?}");
    }
    fn many(&mut self, message: &str, labels: &[String], ticked: &[usize]) -> Reply<Vec<usize>> {
        assert!(ticked.is_empty(), "nothing is ticked by itself");
        self.ask(message, false)?;
        let made = if message.starts_with("Did") { self.candidate.flags } else { self.candidate.makes };
        Ok((0..labels.len()).filter(|i| made.iter().any(|begin| labels[*i].starts_with(begin))).collect())
    }
    fn arrange(&mut self, message: &str, _: &[String]) -> Reply<Vec<usize>> {
        panic!("{message}");
    }
    fn number(&mut self, message: &str, _: Option<&str>) -> Reply<f64> {
        panic!("{message}");
    }
    fn text(&mut self, message: &str) -> Reply<String> {
        panic!("{message}");
    }
    fn essay(&mut self, message: &str, about: &str) -> Reply<String> {
        self.ask(message, true)?;
        self.slow.about.push(about.to_owned());
        Ok(self.candidate.says.to_owned())
    }
    fn confirm(&mut self, message: &str, _: bool) -> Reply<bool> {
        self.ask(message, false)?;
        Ok(true)
    }
}

struct Came {
    held: Held,
    screen: String,
    kept: Kept,
    asked: Asked,
    about: Vec<String>,
}

/// Holds the round with a candidate who leaves at a question.
fn round_with(candidate: Candidate, leaves_at: usize) -> Came {
    round_after(candidate, leaves_at, Vec::new())
}

/// The same, of a round that was broken off after these parts.
fn round_after(candidate: Candidate, leaves_at: usize, earlier: Vec<Part>) -> Came {
    let (topic, clock) = (views(), Cell::new(1_795_379_400_u64));
    let now = || clock.get();
    let talk = Talk { session: Session { now: &now, ..Session::new(1) }, minutes: 45, begun_unix_s: clock.get(), earlier };
    let mut kept = Kept { parts: talk.earlier.clone(), ..Kept::default() };
    let pool = Pool { topics: vec![(&topic, 3)], cases: vec![case()], lately: BTreeSet::new(), held: BTreeMap::new() };
    let choice = choose(&pool, 45, 1);
    assert!(choice.round.is_some() && choice.quick.is_empty() && choice.open.is_empty() && choice.case.is_none());
    let mut prompter = Plays { leaves_at, ..Plays::of(candidate, &clock) };
    let mut screen = Vec::new();
    let held = talk.hold(&choice, &mut prompter, &mut kept, &mut screen).unwrap();
    let Plays { slow: Slow { asked, about, .. }, .. } = prompter;
    Came { held, screen: String::from_utf8(screen).unwrap(), kept, asked, about }
}

fn round(candidate: Candidate) -> Came {
    round_with(candidate, usize::MAX)
}

#[test]
fn lengths_hold_what_fits_into_them() {
    let (mut topics, mut bank) = (vec![views()], topic());
    let mut other = topics[0].rounds[0].clone();
    other.head.id = "round-other".to_owned();
    topics[0].rounds.push(other);
    bank.rounds.clear();
    let of = |minutes, held: &[(&str, usize)]| {
        let held = held.iter().map(|(id, times)| ((*id).to_owned(), *times)).collect();
        let pool = Pool { topics: vec![(&topics[0], 1), (&bank, 3)], cases: vec![case()], lately: BTreeSet::new(), held };
        let Choice { quick, round, open, case } = choose(&pool, minutes, 5);
        (quick.len(), round.map(|(_, round)| round.head.id.clone()), open.len(), case.is_some())
    };
    assert_eq!(of(15, &[]), (2, None, 1, false), "two quick ones are all that there are");
    assert_eq!(of(20, &[]), (2, None, 1, false));
    assert_eq!(of(45, &[("round-other", 1)]), (0, Some("round-views".into()), 0, false), "the one that was held less often");
    assert_eq!(of(45, &[("round-other", 1), ("round-views", 2)]).1.as_deref(), Some("round-other"));
    assert_eq!(of(60, &[("round-other", 1)]), (2, Some("round-views".into()), 0, true));
    assert_eq!(of(90, &[("round-other", 1)]), (2, Some("round-views".into()), 1, true), "the rest is as an interview of that length");
    let none = Pool { topics: vec![(&bank, 3)], cases: vec![case()], lately: BTreeSet::new(), held: BTreeMap::new() };
    let Choice { round, open, case, .. } = choose(&none, 45, 5);
    assert!(round.is_none() && open.len() == 1 && case.is_some(), "topics without a round");
}

#[test]
fn five_answers_of_known_quality_are_ordered_so() {
    let mark = |candidate| marks::score(&round(candidate).held.parts, None).unwrap();
    let all = [EXCELLENT, THIN, CONFIDENT_AND_WRONG, OFF_TOPIC, PASTED].map(mark);
    let [excellent, thin, confident, off_topic, pasted] = all;
    assert!(excellent > 0.8 && thin < 0.5 && excellent > thin + 0.3, "{all:?}");
    assert!(thin > confident + 0.1 && confident > off_topic, "{all:?}");
    assert_eq!((off_topic, pasted), (0.0, 0.0), "words that are there are no points");
}

#[test]
fn what_was_left_out_is_asked_for() {
    let asked = |candidate| {
        let parts = round(candidate).held.parts;
        parts.into_iter().filter(|part| part.what == What::FollowUp).map(|part| part.asked).collect::<Vec<_>>()
    };
    let thin = asked(THIN);
    assert!(thin.iter().any(|ask| ask.starts_with("You never said where the offset is")), "{thin:?}");
    assert!(
        thin.iter().any(|ask| ask.starts_with("Your sum is one number per page")),
        "what was left out comes before what always may: {thin:?}"
    );
    assert!(!thin.iter().any(|ask| ask.starts_with("You never asked how late")), "that was asked: {thin:?}");
    let excellent = asked(EXCELLENT);
    assert_eq!(excellent, ["How much of it goes to the hottest page?", "And who decides that a page is hot?"], "nothing was left out");
}

#[test]
fn a_whole_round() {
    let Came { held, screen, kept, asked, about } = round(THIN);
    assert_eq!((held.ended, &held.parts), (Ended::Done, &kept.parts));
    insta::assert_snapshot!("round", screen);
    let whole = Interview { minutes: 45, ..interview(&held.parts, true) };
    let card = Card::of(&whole, &[], &Course::default());
    insta::assert_snapshot!("round_scorecard", shown(&whole, &card, Style::PLAIN, 80));
    insta::assert_snapshot!("round_paper", paper::page(&whole, &card));
    assert_eq!(card.stages.len(), 7);
    let skills: Vec<_> = card.skills.iter().map(|(skill, made, all)| (*skill, *made, *all)).collect();
    assert_eq!(skills, [(Skill::Scope, 1, 2), (Skill::Assumption, 0, 2), (Skill::TradeOff, 0, 3)]);
    // The clock: ticking does not count, a follow-up is within its stage.
    let clocks: Vec<&str> = asked.iter().filter_map(|(_, clock)| clock.as_deref()).take(3).collect();
    assert_eq!(
        clocks,
        [
            "[6 minutes left of this stage, 45 of the interview]",
            "[5 minutes left of this stage, 44 of the interview]",
            "[4 minutes left of this stage, 42 of the interview]"
        ]
    );
    // An editor has the task, the time, what is known, and the numbers.
    let failures = about.iter().find(|about| about.contains("Stage 6 of 7, failures: 7 minutes from ")).unwrap();
    for part in ["Design the counter", "A counter node dies", "- How late may a number be? Ten seconds.", "= 116,000 views a second"] {
        assert!(failures.contains(part), "{part}: {failures}");
    }
    assert!(about[0].contains("from 21:30 on") && !about[0].contains("Ten seconds"), "what was not asked yet is not known: {}", about[0]);
}

#[test]
fn an_answer_of_the_round_is_shown_after_it_was_ticked() {
    let screen = round(EXCELLENT).screen;
    let at = |text: &str| screen.find(text).unwrap_or_else(|| panic!("{text}: {screen}"));
    assert!(at("The successor reads the log again") < at("Its successor reads the log from"), "first the points, then the answer");
    assert!(at("Nothing is ever lost in memory") < at("Its successor reads the log from"), "and the red flags");
    assert!(screen.contains("client --> edge --> log (by page)\n                       |"), "a drawing is drawn: {screen}");
    assert!(at("What the interviewer answers to those who ask:") > at("Draws before it asks"), "facts come when it is compared");
}

#[test]
fn overtime_is_said_and_costs_and_cuts_nothing_off() {
    let slow = Candidate { takes_s: 400, ..EXCELLENT };
    let (in_time, late) = (round(EXCELLENT), round(slow));
    assert_eq!(late.held.parts.len(), in_time.held.parts.len());
    let [fast, slow] = [&in_time, &late].map(|came| marks::score(&came.held.parts, None).unwrap());
    assert!(slow < fast && slow > 0.85 * fast, "a tenth at most: {slow} {fast}");
    assert!(late.screen.contains("over the time of this stage") && !in_time.screen.contains("over the time"), "{}", late.screen);
    let card = |came: &Came| {
        shown(&interview(&came.held.parts, true), &Card::of(&interview(&came.held.parts, true), &[], &Course::default()), Style::PLAIN, 80)
    };
    assert!(card(&in_time).contains("kept 7 of 7") && card(&late).contains("kept 2 of 7"), "{}", card(&late));
    assert!(card(&late).contains(", over the time"), "{}", card(&late));
}

#[test]
fn whoever_leaves_a_round_has_all_that_was_said() {
    let all = round(THIN).asked.len();
    for at in 0..all {
        let came = round_with(THIN, at);
        assert_eq!((came.held.ended, &came.held.parts), (Ended::Left, &came.kept.parts), "{at}");
        let essays = came.asked.iter().filter(|(message, _)| message == "Your answer").count();
        assert_eq!(came.held.parts.len(), essays, "every answer that was given is there, left at {at}");
        assert!(came.held.parts.iter().all(|part| part.said == THIN.says));
    }
}

/// Wherever it was left, what comes of it in the end is the same.
#[test]
fn a_round_that_was_broken_off_goes_on_where_it_was() {
    let whole = round(THIN);
    let given = |answers: &[Answer]| answers.iter().map(|answer| (answer.question.clone(), answer.right)).collect::<Vec<_>>();
    for at in 1..whole.asked.len() {
        let before = round_with(THIN, at);
        let after = round_after(THIN, usize::MAX, before.kept.parts.clone());
        assert_eq!(after.held.ended, Ended::Done);
        assert_eq!((&after.held.parts, &after.kept.parts), (&whole.held.parts, &whole.held.parts), "left at {at}");
        assert_eq!(given(&[before.kept.answers, after.kept.answers].concat()), given(&whole.kept.answers), "left at {at}");
        // Points that were ticked are kept with the red flags: who left at those ticks again.
        let again = usize::from(whole.asked[at].0.starts_with("Did"));
        assert_eq!(before.asked.len() + after.asked.len(), whole.asked.len() + again, "nothing else is asked twice, left at {at}");
        assert!(after.screen.contains("You continue where you broke it off"), "{}", after.screen);
    }
    // The clock goes on with what the answers took, a stage's too.
    let before = round_with(THIN, 2);
    let after = round_after(THIN, 1, before.kept.parts);
    assert_eq!(after.asked[0].1.as_deref(), whole.asked[2].1.as_deref());
}

/// What was missed of a round comes back in three days, a stage alone.
#[test]
fn missed_stages_come_back_in_three_days() {
    let (topics, kept) = ([views()], round(THIN).kept);
    let dir = tempfile::tempdir().unwrap();
    let store = crate::cli::state::Store::new(dir.path());
    for answer in &kept.answers {
        crate::cli::answers::keep(&store, answer).unwrap();
    }
    let answers = crate::cli::answers::Answers::read(&store).unwrap().value;
    let due = |days: u64| -> Vec<String> {
        let now = crate::cli::dates::Now::at(1_795_379_400 + days * 86_400, crate::cli::clock::zone());
        Memories::of(&answers, &now).due(&topics).iter().map(|ask| ask.question.id.clone()).collect()
    };
    assert_eq!(due(2), Vec::<String>::new());
    let mut back = due(3);
    back.sort();
    let stages = ["deep-dive", "drawing", "estimate", "failures", "interfaces", "scope", "wrap-up"];
    assert_eq!(back, stages.map(|stage| format!("round-views/{stage}")));
    // Of a stage that was passed and then not defended there is a second answer, a wrong one.
    let wrong = kept.answers.iter().filter(|answer| answer.question == "round-views/estimate").map(|answer| answer.right);
    assert_eq!(wrong.collect::<Vec<_>>(), [true, false]);
    let asked = topics[0].remembered().find(|question| question.id == "round-views/failures").unwrap();
    assert!(asked.prompt.contains("- How late may a number be? Ten seconds.") && asked.prompt.ends_with("Go on."), "{}", asked.prompt);
}
