//! The questions of the course: which topics have a quiz, and the quiz itself, read. Knows neither who is asked nor what
//! was answered.

use super::content::Content;
use super::course::Course;
use super::error::{Result, Trouble};
use super::lessons;
use super::mutants;
use super::nearest::nearest;
use super::quiz::Topic;
use super::quiz::format::{self, Seeds};
use super::quiz::model::id_of;
use super::toml_reader::lines_of;

/// The names of the quizzes, in the order of the course.
#[must_use]
pub fn names(course: &Course) -> Vec<&str> {
    course.topics.iter().filter_map(|topic| topic.quiz.as_deref()).collect()
}

/// The quiz that a person means: by its own name, or by that of its topic.
///
/// # Errors
/// If there is none; names the nearest.
pub fn named<'a>(course: &'a Course, word: &str) -> Result<&'a str> {
    let all = names(course);
    if let Some(name) = all.iter().find(|name| **name == word) {
        return Ok(name);
    }
    let there_are = || if all.is_empty() { "there are none yet".to_owned() } else { format!("there are {}", all.join(", ")) };
    // An exercise's name is no slip of a topic's.
    let of_exercise = course.topics.iter().find(|topic| topic.exercises.iter().any(|id| id == word));
    if let Some(quiz) = of_exercise.and_then(|topic| topic.quiz.as_ref()) {
        return Err(Trouble::usage(format!("`{word}` is an exercise (`splitbrain show {word}`); its topic is `{quiz}`")));
    }
    // `list` shows titles: one of them will do.
    match course.topics.iter().find(|topic| topic.id == word || topic.title == word) {
        Some(topic) => match &topic.quiz {
            Some(name) => Ok(name),
            None => Err(Trouble::usage(format!("topic `{word}` has no questions yet; {}", there_are()))),
        },
        None => {
            let plain = |text: &str| text.trim().to_lowercase();
            let titled = course.topics.iter().find(|topic| plain(&topic.title) == plain(word)).and_then(|topic| topic.quiz.as_deref());
            let near =
                titled.or_else(|| nearest(word, all.iter().copied())).map_or_else(there_are, |near| format!("did you mean `{near}`?"));
            Err(Trouble::usage(format!("there are no questions on `{word}`; {near}")))
        }
    }
}

/// Reads a quiz as far as it is needed to tell its questions apart and to judge answers: without the code that its scenarios show.
///
/// # Errors
/// Every mistake in its file, one a line.
pub fn outline(content: &Content, name: &str) -> Result<Topic> {
    outline_drawn(content, name, &|_| 0)
}

fn outline_drawn(content: &Content, name: &str, seeds: Seeds<'_>) -> Result<Topic> {
    let path = format!("quizzes/{name}.toml");
    format::load_drawn(&path, &content.text(&path)?, seeds).map_err(|mistakes| mistake(content, lines_of(&mistakes)))
}

/// What is known of a quiz without reading its texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Sketch {
    /// The quiz.
    pub id: String,
    /// Its questions.
    pub questions: Vec<Line>,
    /// The stages of its rounds, which nobody need answer, but which come back.
    pub stages: Vec<Line>,
    /// The lesson that goes with it.
    pub lesson: Option<Reading>,
}

/// What a lesson takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Minutes to read it.
    pub minutes: f64,
    /// Minutes to skim it.
    pub skim_minutes: f64,
    /// The questions that are asked between its parts.
    pub asked: Vec<String>,
}

/// What is known of a question without reading its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// The question.
    pub id: String,
    /// Its revision.
    pub rev: u32,
    /// Of an open question, the minutes to answer it in.
    pub open_minutes: Option<u32>,
}

/// The questions of a quiz, without reading their texts: for marks and plans, which are shown often. A file that the reader of
/// questions would refuse may have some, too.
///
/// # Errors
/// If there is no such file.
pub fn sketch(content: &Content, name: &str) -> Result<Sketch> {
    let text = content.text(&format!("quizzes/{name}.toml"))?;
    let (questions, stages) = lines_of_questions(&text);
    let lesson = lessons::outline(content, name).map(|lesson| Reading {
        minutes: lesson.reading(),
        skim_minutes: lesson.skimmed().reading(),
        asked: lesson.asked().into_iter().map(str::to_owned).collect(),
    });
    Ok(Sketch { id: name.to_owned(), questions, stages, lesson })
}

/// The questions of a file, and the stages of its rounds.
fn lines_of_questions(text: &str) -> (Vec<Line>, Vec<Line>) {
    let (mut questions, mut stages): (Vec<Line>, Vec<Line>) = Default::default();
    let mut rounds = Vec::new();
    let mut table = "";
    for line in text.lines() {
        if line.starts_with("[[") {
            table = line.split("]]").next().unwrap_or_default();
            match table {
                "[[question" => questions.push(Line::default()),
                "[[question.stage" => stages.push(Line { rev: questions.last().map_or(0, |round| round.rev), ..Line::default() }),
                _ => {}
            }
        } else if let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
            // The first of each counts: a later line may stand in a text.
            let word = value.trim_matches(['"', '\'']);
            match (table, questions.last_mut(), stages.last_mut()) {
                ("[[question", Some(question), _) => match key {
                    "id" if question.id.is_empty() => word.clone_into(&mut question.id),
                    "rev" if question.rev == 0 => question.rev = value.parse().unwrap_or(0),
                    "kind" if word == "round" => rounds.push(questions.len() - 1),
                    "minutes" if question.open_minutes.is_none() => question.open_minutes = value.parse().ok(),
                    _ => {}
                },
                ("[[question.stage", Some(round), Some(stage)) => match key {
                    "name" if stage.id.is_empty() => stage.id = id_of(&round.id, word),
                    "minutes" if stage.open_minutes.is_none() => stage.open_minutes = value.parse().ok(),
                    _ => {}
                },
                _ => {}
            }
        }
    }
    let mut at = 0..;
    questions.retain(|_| at.next().is_some_and(|at| !rounds.contains(&at)));
    (questions, stages)
}

fn mistake(content: &Content, lines: String) -> Trouble {
    if *content == Content::Embedded { Trouble::bug(lines) } else { Trouble::environment(lines) }
}

/// Reads a quiz, with the paragraphs of its lesson that answer it.
///
/// # Errors
/// Every mistake in its file, one a line.
pub fn load(content: &Content, name: &str) -> Result<Topic> {
    load_drawn(content, name, &|_| 0)
}

/// The same, with the variables of each question drawn by its seed.
///
/// # Errors
/// Every mistake in its file, one a line.
pub fn load_drawn(content: &Content, name: &str, seeds: Seeds<'_>) -> Result<Topic> {
    let path = format!("quizzes/{name}.toml");
    let mut topic = outline_drawn(content, name, seeds)?;
    topic.answers = lessons::outline(content, name).map(|lesson| lesson.answers).unwrap_or_default();
    topic
        .look_up(&|exercise, name| mutants::shown(content, exercise, name))
        .and_then(|()| topic.look_up_runs(&|run| lessons::run(content, run)))
        .map_err(|(place, why)| mistake(content, format!("{path}:{}:{}: {why}", place.line, place.column)))?;
    Ok(topic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::quiz::model::{Body, Question};

    #[test]
    fn a_quiz_is_found_by_its_name_or_its_topics() {
        let course = "[[topic]]\nid='theorem'\ntitle='t'\nexercises=[]\nquiz='cap'\n[[topic]]\nid='rings'\ntitle='r'\nexercises=[]\n";
        let course = Course::parse("c", course).unwrap();
        assert_eq!(named(&course, "cap"), Ok("cap"));
        assert_eq!(named(&course, "theorem"), Ok("cap"));
        let said = |word| named(&course, word).unwrap_err().message;
        assert_eq!(said("cpa"), "there are no questions on `cpa`; did you mean `cap`?");
        assert_eq!(said("capp"), "there are no questions on `capp`; did you mean `cap`?");
        assert_eq!(said("rings"), "topic `rings` has no questions yet; there are cap");
    }

    #[test]
    fn a_sketch_has_what_the_reader_finds() {
        let course = Content::Embedded.course().unwrap();
        for name in names(&course) {
            let quiz = load(&Content::Embedded, name).unwrap();
            let minutes = |body: &Body| if let Body::Open { minutes, .. } = body { Some(*minutes) } else { None };
            let line = |q: Question| Line { open_minutes: minutes(&q.body), id: q.id, rev: q.rev };
            let stages = quiz.rounds.into_iter().flat_map(|round| round.stages).map(|stage| line(stage.question)).collect();
            let read = quiz.questions.into_iter().map(line).collect();
            let found = sketch(&Content::Embedded, name).unwrap();
            assert_eq!((found.id, found.questions, found.stages), (quiz.id, read, stages), "{name}");
            assert!(found.lesson.is_some_and(|lesson| lesson.minutes > 2.0 * lesson.skim_minutes), "{name}");
        }
    }

    #[test]
    fn every_quiz_of_the_program_can_be_read() {
        let course = Content::Embedded.course().unwrap();
        for name in names(&course) {
            assert!(!load(&Content::Embedded, name).unwrap().questions.is_empty(), "{name}");
        }
    }
}
