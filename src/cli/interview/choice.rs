//! What an interview asks, by its minutes and topics: in a quarter of an hour quick questions and a short open one; in three of them a design
//! round in stages, as real ones are; where there is no round, open questions and an exercise. Pure: the same seed asks the same.

use crate::cli::course::FollowUp;
use crate::cli::quiz::Topic;
use crate::cli::quiz::model::{Body, Round};
use crate::cli::quiz::session::Ask;
use crate::cli::rules::Listed;
use crate::rng::Rng;
use std::collections::{BTreeMap, BTreeSet};

/// Minutes of the shortest interview: a quick question or two, and one to talk about.
pub const SHORTEST: u32 = 10;
/// Minutes of the longest.
pub const LONGEST: u32 = 180;
/// Minutes that a quick question takes.
const QUICK: f64 = 0.8;

/// An exercise that can be talked about or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its id.
    pub id: String,
    /// The quiz of its topic.
    pub topic: String,
    /// Its name for people.
    pub title: String,
    /// What it is about, in one sentence.
    pub summary: String,
    /// How long it takes to write.
    pub minutes: u32,
    /// What its hidden tests hold.
    pub rules: Vec<Listed>,
    /// What is asked after it.
    pub follow_ups: Vec<FollowUp>,
    /// Whether it was passed: only then are the answers to what is asked after it shown.
    pub passed: bool,
}

/// What may be asked.
pub struct Pool<'a> {
    /// The topics that were named, or all; each with its weight.
    pub topics: Vec<(&'a Topic, u32)>,
    /// The exercises of these topics, in the order of the course.
    pub cases: Vec<Case>,
    /// What the last interview asked, as topic and question.
    pub lately: BTreeSet<(String, String)>,
    /// How often each round was held, by its id.
    pub held: BTreeMap<String, usize>,
}

/// What is asked.
pub struct Choice<'a> {
    /// Quick questions.
    pub quick: Vec<Ask<'a>>,
    /// A design round.
    pub round: Option<(&'a Topic, &'a Round)>,
    /// Open ones.
    pub open: Vec<Ask<'a>>,
    /// The exercise.
    pub case: Option<Case>,
}

/// The parts of an interview of some length.
struct Shape {
    quick: usize,
    /// Minutes for open questions, each of which takes what it says and two more for what comes next.
    open: u32,
    at_most: usize,
    /// Minutes to talk about the exercise.
    case: u32,
}

/// Minutes to talk about the exercise, beside a round.
const CASE: u32 = 8;

impl Shape {
    fn of(minutes: u32) -> Shape {
        // Minutes, quick questions, minutes for open ones, minutes for the exercise. A length between two rows is between them.
        const ROWS: [[f64; 4]; 7] = [
            [0.0; 4],
            [15.0, 6.0, 10.0, 0.0],
            [20.0, 6.0, 15.0, 0.0],
            [30.0, 6.0, 20.0, 5.0],
            [45.0, 8.0, 30.0, 8.0],
            [60.0, 10.0, 42.0, 10.0],
            [180.0, 30.0, 126.0, 30.0],
        ];
        let length = f64::from(minutes.min(LONGEST));
        let row = ROWS.windows(2).find(|pair| length <= pair[1][0]).unwrap_or(&ROWS[5..]);
        let share = (length - row[0][0]) / (row[1][0] - row[0][0]);
        let between = |column: usize| row[0][column] + share * (row[1][column] - row[0][column]);
        Shape {
            quick: between(1).round() as usize,
            open: between(2).round() as u32,
            at_most: match minutes {
                0..=20 => 1,
                21..60 => 2,
                _ => 1 + minutes as usize / 30,
            },
            case: between(3).round() as u32,
        }
    }

    /// Of what a round leaves. Of half an hour and more the same as of an interview of that length.
    fn beside_a_round(minutes: u32) -> Shape {
        if minutes >= 30 {
            return Shape::of(minutes);
        }
        let case = if minutes >= CASE + 4 { CASE } else { 0 };
        Shape { quick: (f64::from(minutes - case) / QUICK) as usize, open: 0, at_most: 0, case }
    }
}

/// Minutes for what is asked after an open question.
const AFTERWARDS: u32 = 2;
/// Minutes of a short open question, all in all.
const SHORT: u32 = 12;

/// Chooses. Topics come in an order of chance in which heavy ones are early; each gives one question before any gives a second.
#[must_use]
pub fn choose<'a>(pool: &Pool<'a>, minutes: u32, seed: u64) -> Choice<'a> {
    let mut rng = Rng::stream(seed, 2);
    let topics = in_turn(pool, &mut rng);
    // Of another stream: what else is asked does not hang on how many rounds there are.
    let round = round(pool, minutes, &mut Rng::stream(seed, 3));
    let shape = round.map_or_else(|| Shape::of(minutes), |(_, round)| Shape::beside_a_round(minutes - round.minutes));
    let open = open_ones(&alternating(&topics, pool, &mut rng, true), &shape);
    let room = shape.open.saturating_sub(open.iter().map(needed).sum());
    let case = case(pool, &topics).filter(|_| shape.case > 0);
    // Time that nothing else takes is for quick questions.
    let spare = room + if case.is_none() { shape.case } else { 0 };
    let quick = shape.quick + (f64::from(spare) / QUICK / 2.0) as usize;
    let quick = alternating(&topics, pool, &mut rng, false).into_iter().take(quick).collect();
    Choice { quick, round, open, case }
}

/// A round for which there is time, of those that were held least often.
fn round<'a>(pool: &Pool<'a>, minutes: u32, rng: &mut Rng) -> Option<(&'a Topic, &'a Round)> {
    let all = pool.topics.iter().flat_map(|(topic, _)| topic.rounds.iter().map(move |round| (*topic, round)));
    let mut fit: Vec<_> = all.filter(|(_, round)| round.minutes <= minutes).collect();
    rng.shuffle(&mut fit);
    fit.into_iter().min_by_key(|(_, round)| pool.held.get(&round.head.id).copied().unwrap_or(0))
}

/// Minutes of an open question with what is asked after it.
fn needed(ask: &Ask<'_>) -> u32 {
    if let Body::Open { minutes, .. } = ask.question.body { minutes + AFTERWARDS } else { 0 }
}

/// The first that fit. The very first leaves room for a short second one where two are wanted; if none is short enough, the
/// shortest is asked all the same: the clock cuts nothing off.
fn open_ones<'a>(asks: &[Ask<'a>], shape: &Shape) -> Vec<Ask<'a>> {
    let mut room = shape.open;
    let mut open: Vec<Ask<'a>> = Vec::new();
    for ask in asks {
        let most = if open.is_empty() && shape.open >= 2 * SHORT { room - SHORT } else { room };
        if open.len() < shape.at_most && needed(ask) <= most {
            room -= needed(ask);
            open.push(*ask);
        }
    }
    if open.is_empty() && shape.at_most > 0 {
        open.extend(asks.iter().min_by_key(|ask| needed(ask)));
    }
    open
}

/// The topics by chance, a heavy one before a light one more often than not.
fn in_turn<'a>(pool: &Pool<'a>, rng: &mut Rng) -> Vec<&'a Topic> {
    let mut drawn: Vec<(u64, &'a Topic)> =
        pool.topics.iter().map(|(topic, weight)| (rng.below(1_000) * u64::from(*weight), *topic)).collect();
    drawn.sort_by_key(|(draw, _)| std::cmp::Reverse(*draw));
    drawn.into_iter().map(|(_, topic)| topic).collect()
}

/// All questions of that kind, one of each topic in turn; what was asked lately comes after all others of its topic.
fn alternating<'a>(topics: &[&'a Topic], pool: &Pool<'a>, rng: &mut Rng, open: bool) -> Vec<Ask<'a>> {
    let mut stacks: Vec<Vec<Ask<'a>>> = Vec::new();
    for topic in topics {
        let mut asks: Vec<Ask<'a>> =
            topic.questions.iter().filter(|q| q.body.is_open() == open).map(|question| Ask { topic, question }).collect();
        rng.shuffle(&mut asks);
        asks.sort_by_key(|ask| pool.lately.contains(&(ask.topic.id.clone(), ask.question.id.clone())));
        stacks.push(asks);
    }
    let longest = stacks.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|n| stacks.iter().filter_map(move |stack| stack.get(n)).copied().collect::<Vec<_>>()).collect()
}

/// The exercise of the first topic in turn that has one that is not passed; else one that is, to talk about.
fn case(pool: &Pool<'_>, topics: &[&Topic]) -> Option<Case> {
    let of = |passed: bool| {
        let fits = move |topic: &&Topic| pool.cases.iter().find(|case| case.topic == topic.id && case.passed == passed);
        topics.iter().find_map(fits)
    };
    of(false).or_else(|| of(true)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bank;
    use crate::cli::content::Content;

    fn bank() -> Vec<Topic> {
        let course = Content::Embedded.course().unwrap();
        bank::names(&course).iter().map(|name| bank::outline(&Content::Embedded, name).unwrap()).collect()
    }

    /// As if the topics that have rounds were not named.
    fn without_rounds() -> Vec<Topic> {
        bank().into_iter().map(|topic| Topic { rounds: Vec::new(), ..topic }).collect()
    }

    #[test]
    fn every_round_of_the_bank_comes_and_fills_its_time() {
        let topics = bank();
        let all = topics.iter().map(|topic| topic.rounds.len()).sum::<usize>();
        let of = |seed, minutes| choose(&pool(&topics, &[]), minutes, seed);
        let come: BTreeSet<String> = (0..200).filter_map(|seed| Some(of(seed, 45).round?.1.head.id.clone())).collect();
        assert!(come.len() == all && all >= 12, "{come:?}");
        for seed in 0..20 {
            let (whole, hour) = (of(seed, 45), of(seed, 60));
            assert!(whole.quick.is_empty() && whole.open.is_empty() && whole.case.is_none(), "{seed}");
            assert!((7..=9).contains(&hour.quick.len()) && hour.open.is_empty() && hour.case.is_some() && hour.round.is_some(), "{seed}");
            assert!(of(seed, 44).round.is_none(), "{seed}");
        }
    }

    fn pool<'a>(topics: &'a [Topic], only: &[&str]) -> Pool<'a> {
        let case = |topic: &str, id: &str, passed| Case {
            id: id.into(),
            topic: topic.into(),
            title: id.into(),
            summary: String::new(),
            minutes: 30,
            rules: Vec::new(),
            follow_ups: Vec::new(),
            passed,
        };
        let wanted = |t: &&Topic| only.is_empty() || only.contains(&t.id.as_str());
        let cases = vec![case("counters", "done", true), case("consensus", "raft", false)];
        Pool { topics: topics.iter().filter(wanted).map(|t| (t, 1)).collect(), cases, lately: BTreeSet::new(), held: BTreeMap::new() }
    }

    #[test]
    fn an_interview_of_45_minutes_and_more_has_a_round_of_the_bank() {
        let topics = bank();
        for seed in 0..50 {
            for (minutes, has_round) in [(20, false), (45, true), (60, true)] {
                let choice = choose(&pool(&topics, &[]), minutes, seed);
                assert_eq!(choice.round.is_some(), has_round, "{minutes}");
                let round = choice.round.map_or(0, |(_, round)| round.minutes);
                let total = f64::from(round + choice.open.iter().map(needed).sum::<u32>()) + choice.quick.len() as f64 * QUICK;
                assert!(total <= f64::from(minutes) * 1.15 || !has_round, "{minutes} {seed}: {total}");
            }
        }
    }

    #[test]
    fn every_length_asks_what_fits_into_it() {
        let topics = without_rounds();
        for seed in 0..100 {
            for (minutes, open) in [(10, 1..=1), (15, 1..=1), (20, 1..=1), (30, 1..=2), (45, 2..=2), (60, 2..=3), (90, 3..=4), (180, 5..=7)]
            {
                let choice = choose(&pool(&topics, &[]), minutes, seed);
                let long: u32 = choice.open.iter().map(needed).sum();
                let total = f64::from(long) + choice.quick.len() as f64 * QUICK + f64::from(Shape::of(minutes).case);
                assert!(open.contains(&choice.open.len()), "{minutes} {seed}: {}", choice.open.len());
                assert!(total <= f64::from(minutes) * 1.15 || choice.open.len() == 1, "{minutes} {seed}: {total}");
                assert!(total >= f64::from(minutes) * 0.75, "{minutes} {seed}: {total}");
                let topics: BTreeSet<&str> = choice.quick.iter().map(|ask| ask.topic.id.as_str()).collect();
                assert!(topics.len() >= 4.min(choice.quick.len()) && topics.len() >= 2);
                assert_eq!((choice.case.is_some(), choice.round.is_some()), (minutes > 20, false), "{minutes}");
            }
        }
    }

    #[test]
    fn named_topics_alone_are_asked_and_what_was_asked_lately_comes_last() {
        let topics = bank();
        let mut pool = pool(&topics, &["consensus"]);
        let first = choose(&pool, 45, 3);
        assert!(first.quick.iter().chain(&first.open).all(|ask| ask.topic.id == "consensus"));
        assert_eq!(first.case.as_ref().map(|case| case.id.as_str()), Some("raft"));
        let ids = |choice: &Choice<'_>| -> Vec<String> { choice.quick.iter().map(|ask| ask.question.id.clone()).collect() };
        assert_eq!(ids(&first), ids(&choose(&pool, 45, 3)), "the same seed asks the same");
        pool.lately = first.quick.iter().map(|ask| ("consensus".to_owned(), ask.question.id.clone())).collect();
        let (before, after) = (ids(&first), ids(&choose(&pool, 45, 4)));
        let fresh = topics.iter().find(|t| t.id == "consensus").unwrap().questions.len() - before.len() - 1;
        assert!(after.iter().filter(|id| before.contains(id)).count() <= after.len().saturating_sub(fresh), "{before:?} {after:?}");
    }

    #[test]
    fn without_an_exercise_or_an_open_question_there_are_more_quick_ones() {
        let topics = bank();
        let with = choose(&pool(&topics, &["consensus"]), 45, 1).quick.len();
        let mut none = pool(&topics, &["consensus"]);
        none.cases.clear();
        assert!(choose(&none, 45, 1).quick.len() > with);
        assert!(
            choose(&Pool { topics: Vec::new(), cases: Vec::new(), lately: BTreeSet::new(), held: BTreeMap::new() }, 45, 1).quick.is_empty()
        );
    }
}
