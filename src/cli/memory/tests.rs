use super::super::answers::believed;
use super::*;
use crate::cli::bank;
use crate::cli::content::Content;
use crate::cli::state::Store;
use jiff::tz::TimeZone;

const NOW: u64 = 1_800_000_000;

/// `(question, right, day)`, answered with `think`, the day counted back from [`NOW`]; in any order.
fn answers(rows: &[(&str, bool, f64)]) -> Answers {
    let mut stamped: Vec<(&str, bool, u64)> = rows.iter().map(|(q, right, ago)| (*q, *right, NOW - (ago * DAY_S as f64) as u64)).collect();
    stamped.sort_by_key(|row| row.2);
    stamps(&stamped)
}

fn stamps(rows: &[(&str, bool, u64)]) -> Answers {
    let dir = tempfile::tempdir().unwrap();
    let mut text = "version = 1\n".to_owned();
    for (question, right, at) in rows {
        text += &format!(
            "[[answer]]\ntopic = 'cap'\nquestion = '{question}'\nrev = 1\nright = {right}\nscore = 1.0\nconfidence = 'think'\nat_unix_s = {at}\n"
        );
    }
    std::fs::write(dir.path().join("quiz.toml"), text).unwrap();
    let told = Answers::read(&Store::new(dir.path())).unwrap();
    assert_eq!(told.notices, Vec::<String>::new());
    told.value
}

fn topic() -> Topic {
    let mut topic = bank::load(&Content::Embedded, "cap").unwrap();
    topic.questions.retain(|question| !question.body.is_open());
    topic.questions.truncate(4);
    for (question, id) in topic.questions.iter_mut().zip(["a", "b", "c", "d"]) {
        (question.id, question.rev) = (id.to_owned(), 1);
    }
    topic
}

fn memories(answers: &Answers, now_unix_s: u64) -> Memories {
    Memories::of(answers, &Now::at(now_unix_s, TimeZone::UTC))
}

fn due(answers: &Answers, at: u64) -> Vec<String> {
    let topics = [topic()];
    memories(answers, at).due(&topics).iter().map(|ask| ask.question.id.clone()).collect()
}

#[test]
fn what_is_due_is_due_the_whole_day_and_never_on_the_day_of_its_answer() {
    // It is eight in the morning. Right: two days; wrong: one. A day ends at four.
    let given = answers(&[("a", true, 1.8), ("b", true, 1.1), ("c", false, 0.2), ("d", false, 0.1)]);
    let hour = DAY_S / 24;
    let at = |hours: u64| due(&given, NOW + hours * hour);
    assert_eq!(at(0), ["c", "a"], "c was wrong at three, before the end of yesterday; the most forgotten first");
    assert_eq!(at(19), ["c", "a"], "at three in the night it is still the same day");
    assert_eq!(at(20), ["c", "d", "a", "b"]);
    assert_eq!(due(&given, NOW - 5 * hour), Vec::<String>::new(), "at three nothing was due");
    assert_eq!(due(&Answers::default(), NOW), Vec::<String>::new(), "what was never asked is not due");
    assert_eq!(memories(&given, NOW).next_due(&[topic()]), Some(1), "b and d, tomorrow");
}

/// Whenever one sits down: what is answered wrong now is not asked for again before tomorrow, and tomorrow it is.
#[test]
fn what_was_answered_a_minute_ago_is_not_due() {
    for hour in 0..24 {
        let at = NOW + hour * DAY_S / 24;
        let given = stamps(&[("a", false, at - 60)]);
        let minute_ago_was_yesterday = hour == 20;
        assert_eq!(due(&given, at).len(), usize::from(minute_ago_was_yesterday), "{hour}");
        assert_eq!(due(&given, at + DAY_S).len(), 1, "{hour}");
    }
}

#[test]
fn evening_after_evening_is_a_day_each_through_summer_time_and_journeys() {
    let regular = answers(&[("a", true, 3.0), ("a", true, 1.0)]);
    // An hour early, an hour late, and eight time zones to the west.
    for shift in [1.0 / 24.0, -1.0 / 24.0, 8.0 / 24.0] {
        let shifted = answers(&[("a", true, 3.0), ("a", true, 1.0 - shift)]);
        let of = |answers: &Answers| memories(answers, NOW).card(&topic(), &topic().questions[0]).unwrap().memory;
        assert_eq!(of(&shifted), of(&regular), "{shift}");
    }
}

#[test]
fn the_last_revision_counts_alone() {
    let mut changed = topic();
    changed.questions[0].rev = 2;
    let known = memories(&answers(&[("a", true, 9.0)]), NOW);
    assert!(known.card(&topic(), &topic().questions[0]).is_some() && known.card(&changed, &changed.questions[0]).is_none());
    assert!(known.due(&[changed]).is_empty());
}

#[test]
fn a_clock_that_was_wrong_neither_loses_an_answer_nor_makes_years() {
    let true_times = stamps(&[("a", true, NOW - 9 * DAY_S), ("b", true, NOW - 9 * DAY_S), ("a", true, NOW - 7 * DAY_S)]);
    let truth = memories(&true_times, NOW);
    let far = NOW + 3_000 * DAY_S;
    let wrong = [
        // For one sitting the clock stood in 1970, or years ahead.
        stamps(&[("a", true, NOW - 9 * DAY_S), ("b", true, 12), ("a", true, NOW - 7 * DAY_S)]),
        stamps(&[("a", true, NOW - 9 * DAY_S), ("b", true, far), ("a", true, NOW - 7 * DAY_S)]),
    ];
    for answers in &wrong {
        assert_eq!(memories(answers, NOW), truth);
    }
    // Ahead at the end: it is taken for the last believed one, so the question comes back as it would have.
    let last = stamps(&[("a", true, NOW - 9 * DAY_S), ("b", true, NOW - 7 * DAY_S), ("a", true, far)]);
    let known = memories(&last, NOW);
    assert_eq!(known.cards.len(), 2);
    assert!(known.cards.values().all(|card| card.answered_unix_s == NOW - 7 * DAY_S));
    // Set back before everything: nothing is lost, and nothing panics.
    assert_eq!(memories(&true_times, 5).cards.len(), 2);
    assert_eq!(memories(&stamps(&[("a", true, i64::MAX as u64)]), 0).cards.len(), 1);
}

#[test]
fn believed_is_the_longest_run_that_does_not_fall() {
    assert_eq!(believed(&[5, 6, 6, 7], 9), [5, 6, 6, 7]);
    assert_eq!(believed(&[5, 1, 6], 9), [5, 5, 6]);
    assert_eq!(believed(&[1, 5, 6], 5), [1, 5, 5]);
    assert_eq!(believed(&[8, 2, 3, 4], 9), [2, 2, 3, 4]);
    assert_eq!(believed(&[8, 9], 5), [5, 5]);
    assert_eq!(believed(&[], 5), Vec::<u64>::new());
}

#[test]
fn cramming_before_it_is_due_moves_nothing_back() {
    let plain = answers(&[("a", true, 5.0), ("a", true, 3.0)]);
    let crammed = answers(&[("a", true, 5.0), ("a", true, 3.0), ("a", true, 2.99), ("a", true, 2.98)]);
    let of = |answers: &Answers| *memories(answers, NOW).card(&topic(), &topic().questions[0]).unwrap();
    assert!((of(&plain).memory.stability - of(&crammed).memory.stability).abs() < 1e-9);
    assert_eq!(of(&crammed).due_on, of(&plain).due_on);
}

#[test]
fn ratings_follow_the_answer_and_how_sure_it_was() {
    let given = |right, confidence, score| Given {
        topic: "t".into(),
        question: "q".into(),
        rev: 1,
        right,
        score,
        confidence,
        at_unix_s: 0,
        day: None,
        seed: None,
        by: 0,
    };
    let of = |right, confidence, score| rating(&given(right, confidence, score));
    assert_eq!(of(false, Some(Confidence::Sure), 0.0), Rating::Again);
    assert_eq!(of(true, Some(Confidence::Guess), 1.0), Rating::Hard);
    assert_eq!([of(true, Some(Confidence::Think), 1.0), of(true, Some(Confidence::Sure), 1.0)], [Rating::Good; 2]);
    assert_eq!([of(true, None, 0.6), of(true, None, 0.8), of(false, None, 0.4)], [Rating::Hard, Rating::Good, Rating::Again]);
}

#[test]
fn the_most_useful_come_first() {
    let topic = topic();
    let known = memories(&answers(&[("a", false, 0.1), ("b", true, 20.0), ("c", false, 1.1)]), NOW);
    let mut asks: Vec<Ask<'_>> = topic.questions.iter().map(|question| Ask { topic: &topic, question }).collect();
    known.most_useful_first(&mut asks);
    assert_eq!(asks.iter().map(|ask| ask.question.id.as_str()).collect::<Vec<_>>(), ["c", "d", "b", "a"], "a was wrong today");
}

/// An open answer that lacks something comes back in three days, whatever the schedule of what is chosen; one that lacks little no sooner.
#[test]
fn what_was_missed_in_words_comes_back_in_three_days() {
    let of = |right: bool, score: f64| {
        let dir = tempfile::tempdir().unwrap();
        let row = format!("[[answer]]\ntopic = 'cap'\nquestion = 'a'\nrev = 1\nright = {right}\nscore = {score:?}\nat_unix_s = {NOW}\n");
        std::fs::write(dir.path().join("quiz.toml"), format!("version = 1\n{row}")).unwrap();
        let answers = Answers::read(&Store::new(dir.path())).unwrap().value;
        let card = *memories(&answers, NOW).card(&topic(), &topic().questions[0]).unwrap();
        dates::days_between(card.answered_on, card.due_on)
    };
    assert_eq!([of(false, 0.0), of(true, 0.6), of(true, 0.9)], [3, 3, 3]);
    assert_eq!(due(&answers(&[("a", false, 1.1)]), NOW), ["a"], "what is chosen comes back on the next day");
}
