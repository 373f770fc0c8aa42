//! One thing that was asked in an interview, and what came of it, in words: a later course changes nothing of it. As it is kept, a row.

use crate::cli::quiz::rubric::Skill;
use toml::{Table, Value};

/// What a part of an interview was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A quick question.
    Quick,
    /// An open one.
    Open,
    /// A stage of a design round.
    Stage,
    /// What was asked next, after one of them or an exercise.
    FollowUp,
    /// An exercise that was talked about.
    Discussed,
    /// An exercise to write after the interview.
    ToCode,
}

impl What {
    /// All of them.
    pub const ALL: [What; 6] = [What::Quick, What::Open, What::Stage, What::FollowUp, What::Discussed, What::ToCode];

    fn word(self) -> &'static str {
        match self {
            What::Quick => "quick",
            What::Open => "open",
            What::Stage => "stage",
            What::FollowUp => "follow-up",
            What::Discussed => "discussed",
            What::ToCode => "to-code",
        }
    }
}

/// One thing that was asked, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it was.
    pub what: What,
    /// The quiz it counts for.
    pub topic: String,
    /// The question's id, or the exercise's; of a follow-up that of what it follows.
    pub id: String,
    /// What was asked.
    pub asked: String,
    /// What was answered, in words.
    pub said: String,
    /// From 0 to 1.
    pub score: f64,
    /// What was missing: points of the rubric, those that are a must first; the key of a quick question.
    pub missed: Vec<String>,
    /// Answered "sure", and wrong.
    pub sure_and_wrong: bool,
    /// What there is to learn from it.
    pub more: More,
}

/// What a scorecard says of a part beyond its score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct More {
    /// It was answered, and the interview broke off before the answer was judged: it does not count.
    pub unjudged: bool,
    /// The stage's name.
    pub stage: String,
    /// Minutes that there were for it; 0 if that was not said.
    pub minutes: u32,
    /// Seconds that the answer took.
    pub took_s: u64,
    /// Of each skill the points that were made, of how many.
    pub skills: Vec<(Skill, u32, u32)>,
    /// The points that were made.
    pub made: Vec<String>,
    /// The red flags that the answer had.
    pub red_flags: Vec<String>,
    /// To each of what was missed why it is wanted, as far as that is known.
    pub reasons: Vec<String>,
    /// Why it is asked, or what there is to understand.
    pub why: String,
    /// A good answer.
    pub answer: String,
    /// What the lesson says of it.
    pub lesson: Vec<String>,
    /// What it stands on: the facts that the interviewer gave, or the scenario.
    pub facts: Vec<String>,
}

impl Part {
    /// One that was asked, and not answered yet.
    #[must_use]
    pub fn asked(what: What, topic: &str, id: &str, asked: &str) -> Part {
        Part {
            what,
            topic: topic.to_owned(),
            id: id.to_owned(),
            asked: asked.to_owned(),
            said: String::new(),
            score: 0.0,
            missed: Vec::new(),
            sure_and_wrong: false,
            more: More::default(),
        }
    }

    /// Whether both are answers to the same.
    #[must_use]
    pub fn is_same(&self, other: &Part) -> bool {
        (self.what, &self.topic, &self.id, &self.asked) == (other.what, &other.topic, &other.id, &other.asked)
    }

    /// What it counts beside the others: about its minutes, two of them one.
    #[must_use]
    pub fn weight(&self) -> f64 {
        match self.what {
            _ if self.more.unjudged => 0.0,
            What::Quick => 1.0,
            What::Open | What::Discussed => 5.0,
            What::Stage => f64::from(self.more.minutes) / 2.0,
            What::FollowUp => 1.5,
            What::ToCode => 0.0,
        }
    }
}

/// The row of a part.
#[must_use]
pub fn row(part: &Part) -> Table {
    let mut row = Table::new();
    let texts = [("what", part.what.word()), ("topic", &part.topic), ("id", &part.id), ("asked", &part.asked), ("said", &part.said)];
    for (key, text) in texts {
        row.insert(key.to_owned(), text.into());
    }
    row.insert("score".to_owned(), part.score.into());
    row.insert("missed".to_owned(), part.missed.clone().into());
    row.insert("sure_and_wrong".to_owned(), part.sure_and_wrong.into());
    let more = more_row(&part.more);
    if !more.is_empty() {
        row.insert("more".to_owned(), Value::Table(more));
    }
    row
}

/// Only what there is: a quick question that was right has nothing of it.
fn more_row(more: &More) -> Table {
    let mut row = Table::new();
    for (key, text) in [("stage", &more.stage), ("why", &more.why), ("answer", &more.answer)] {
        if !text.is_empty() {
            row.insert(key.to_owned(), text.as_str().into());
        }
    }
    let lists = [
        ("made", &more.made),
        ("red_flags", &more.red_flags),
        ("reasons", &more.reasons),
        ("lesson", &more.lesson),
        ("facts", &more.facts),
    ];
    for (key, list) in lists {
        if !list.is_empty() {
            row.insert(key.to_owned(), list.clone().into());
        }
    }
    for (key, number) in [("minutes", i64::from(more.minutes)), ("took_s", i64::try_from(more.took_s).unwrap_or(i64::MAX))] {
        if number != 0 {
            row.insert(key.to_owned(), number.into());
        }
    }
    if more.unjudged {
        row.insert("unjudged".to_owned(), true.into());
    }
    for (skill, made, all) in &more.skills {
        row.insert(skill.word().to_owned(), Value::Array(vec![i64::from(*made).into(), i64::from(*all).into()]));
    }
    row
}

/// Reads a row; the error is the key that is not what it should be.
///
/// # Errors
/// A row of another shape.
pub fn read(row: &Value) -> Result<Part, &'static str> {
    let text = |key: &'static str| row.get(key).and_then(Value::as_str).map(str::to_owned).ok_or(key);
    let word = text("what")?;
    let score = row.get("score").and_then(|s| s.as_float().or_else(|| s.as_integer().map(|n| n as f64)));
    Ok(Part {
        what: What::ALL.into_iter().find(|what| what.word() == word).ok_or("what")?,
        topic: text("topic")?,
        id: text("id")?,
        asked: text("asked")?,
        said: text("said")?,
        score: score.filter(|score| (0.0..=1.0).contains(score)).ok_or("score")?,
        missed: texts(row.get("missed").ok_or("missed")?).ok_or("missed")?,
        sure_and_wrong: row.get("sure_and_wrong").and_then(Value::as_bool).ok_or("sure_and_wrong")?,
        more: row.get("more").map_or(Ok(More::default()), read_more)?,
    })
}

fn read_more(row: &Value) -> Result<More, &'static str> {
    let text = |key: &'static str| row.get(key).map_or(Some(""), Value::as_str).map(str::to_owned).ok_or(key);
    let list = |key: &'static str| row.get(key).map_or(Some(Vec::new()), texts).ok_or(key);
    let number = |key: &'static str| row.get(key).map_or(Some(0), Value::as_integer).and_then(|n| u64::try_from(n).ok()).ok_or(key);
    let mut skills = Vec::new();
    for skill in Skill::ALL {
        let Some(pair) = row.get(skill.word()) else { continue };
        let pair = pair.as_array().map(Vec::as_slice).unwrap_or_default();
        let count = |at: usize| pair.get(at).and_then(Value::as_integer).and_then(|n| u32::try_from(n).ok()).ok_or(skill.word());
        skills.push((skill, count(0)?, count(1)?));
    }
    Ok(More {
        unjudged: row.get("unjudged").map_or(Some(false), Value::as_bool).ok_or("unjudged")?,
        stage: text("stage")?,
        minutes: u32::try_from(number("minutes")?).map_err(|_| "minutes")?,
        took_s: number("took_s")?,
        skills,
        made: list("made")?,
        red_flags: list("red_flags")?,
        reasons: list("reasons")?,
        why: text("why")?,
        answer: text("answer")?,
        lesson: list("lesson")?,
        facts: list("facts")?,
    })
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}
