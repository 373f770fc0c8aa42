//! The curriculum: topics in order, their exercises, and what is said of each exercise. Read from `exercises/course.toml`
//! and `exercises/<id>/exercise.toml`; knows neither where these files come from nor how they are shown.

use super::nearest::nearest;
use super::quiz::rubric::Point;
use super::toml_reader::{At, Problem, Reader};

/// Where the curriculum stands in a clone, and in what is embedded.
pub const COURSE: &str = "exercises/course.toml";

/// The greatest weight of a topic.
const HEAVIEST: u32 = 3;

/// Topics in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// The topics.
    pub topics: Vec<Topic>,
}

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its id in snake case.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Ids of its exercises, in order.
    pub exercises: Vec<String>,
    /// Exercises of other topics in which this one is practised, too.
    pub also: Vec<String>,
    /// Its quiz: `quizzes/<quiz>.toml`.
    pub quiz: Option<String>,
    /// How often interviews come to it: 1 to 3.
    pub weight: u32,
}

/// What is said of an exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name for people.
    pub title: String,
    /// How long it takes.
    pub minutes: u32,
    /// Lines of a good solution.
    pub lines: u32,
    /// What it is about, in one sentence.
    pub summary: String,
    /// A ladder: from a nudge to almost the code.
    pub hints: Vec<String>,
    /// Where to read on.
    pub references: Vec<Reference>,
    /// What an interviewer asks next.
    pub follow_ups: Vec<FollowUp>,
}

/// A question that follows an exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// The question; it stands in the exercise's README, too.
    pub question: String,
    /// The rules that it is about: who never spoke of one of them is asked this first.
    pub when: Vec<String>,
    /// What a good answer says.
    pub answer: String,
    /// What a weak answer says, or lacks.
    pub weak: String,
    /// Why it is asked; empty where a file does not say so yet.
    pub why: String,
    /// What is looked for in an answer; empty where a file does not say so yet.
    pub rubric: Vec<Point>,
}

/// A source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it is called.
    pub title: String,
    /// Where it is: an address, or a section of a book or paper.
    pub loc: String,
}

impl Topic {
    /// The exercises in which it is practised: its own, then those of other topics.
    pub fn practice(&self) -> impl Iterator<Item = &str> {
        self.exercises.iter().chain(&self.also).map(String::as_str)
    }
}

impl Course {
    /// All exercises in order.
    pub fn exercises(&self) -> impl Iterator<Item = &str> {
        self.topics.iter().flat_map(|t| t.exercises.iter().map(String::as_str))
    }

    /// The topic of an exercise.
    #[must_use]
    pub fn topic_of(&self, id: &str) -> Option<&Topic> {
        self.topics.iter().find(|t| t.exercises.iter().any(|e| e == id))
    }

    /// The exercise id nearest to a misspelt one.
    #[must_use]
    pub fn nearest(&self, id: &str) -> Option<&str> {
        nearest(id, self.exercises())
    }

    /// Reads the curriculum.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(file: &str, text: &str) -> Result<Course, Vec<Problem>> {
        let (mut r, root) = Reader::parse(file, text);
        let root = (root.get_ref(), 0..0);
        r.only(&root, &["topic"]);
        let mut topics: Vec<Topic> = Vec::new();
        let mut pointers = Vec::new();
        for at in r.tables(&root, "topic", "[[topic]] tables") {
            r.only(&at, &["id", "title", "exercises", "also", "quiz", "weight"]);
            let id = r.string(&at, "id", "\"counters\"");
            let title = r.string(&at, "title", "\"Counters\"");
            let exercises = r.strings(&at, "exercises", "[\"g_counter\"]");
            let also = if at.0.contains_key("also") { r.strings(&at, "also", "[\"lease_lock\"]") } else { None };
            let quiz = r.optional_string(&at, "quiz", "\"counters\"");
            let weight = r.optional_count(&at, "weight", "2");
            if let Some((weight, span)) = weight.as_ref().filter(|(weight, _)| *weight > HEAVIEST) {
                r.problem(span.clone(), format!("a weight of {weight}"), "weights are 1, 2 and 3: what interviews ask most has 3");
            }
            for (name, span) in id.iter().chain(&quiz).chain(exercises.iter().flat_map(|(e, _)| e)) {
                if !is_id(name) {
                    r.problem(span.clone(), format!("`{name}` is not an id"), "use a-z, 0-9 and _, a letter first");
                }
            }
            let mut listed = Vec::new();
            for (name, span) in exercises.map(|(e, _)| e).unwrap_or_default() {
                if listed.contains(&name) || topics.iter().any(|t| t.exercises.contains(&name)) {
                    r.problem(span, format!("exercise `{name}` is listed twice"), "keep one of the two");
                } else if name == "splitbrain" {
                    r.problem(span, "`splitbrain` is the program's own name", "choose another id");
                }
                listed.push(name);
            }
            if let Some((id, span)) = &id
                && topics.iter().any(|t| t.id == *id)
            {
                r.problem(span.clone(), format!("topic `{id}` is there twice"), "merge the two");
            }
            let (id, title) = (id.unwrap_or_default().0, title.unwrap_or_default().0);
            let also = also.map(|(names, _)| names).unwrap_or_default();
            pointers.extend(also.iter().map(|(name, span)| (topics.len(), name.clone(), span.clone())));
            let also = also.into_iter().map(|(name, _)| name).collect();
            topics.push(Topic { id, title, exercises: listed, also, quiz: quiz.map(|q| q.0), weight: weight.map_or(1, |w| w.0) });
        }
        for (at, name, span) in pointers {
            if !topics.iter().enumerate().any(|(other, topic)| other != at && topic.exercises.contains(&name)) {
                r.problem(span, format!("`{name}` is no exercise of another topic"), "name one that another topic lists under `exercises`");
            }
        }
        finish(r, Course { topics })
    }
}

impl About {
    /// Reads what is said of an exercise.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(file: &str, text: &str) -> Result<About, Vec<Problem>> {
        let (mut r, root) = Reader::parse(file, text);
        let root = (root.get_ref(), 0..0);
        r.only(&root, &["title", "minutes", "lines", "summary", "hints", "references", "follow_ups"]);
        let title = r.string(&root, "title", "\"Grow-only counter\"").unwrap_or_default().0;
        let minutes = r.count(&root, "minutes", "30").unwrap_or(0);
        let lines = r.count(&root, "lines", "40").unwrap_or(0);
        let summary = r.string(&root, "summary", "\"Count without a coordinator.\"").unwrap_or_default().0;
        let hints = r.strings(&root, "hints", "[\"a nudge\", \"the idea\", \"almost the code\"]");
        if let Some((hints, span)) = &hints
            && hints.len() < 3
        {
            r.problem(span.clone(), format!("only {} hints", hints.len()), "give at least 3: a nudge, the idea, almost the code");
        }
        let mut references = Vec::new();
        for at in r.tables(&root, "references", "[{ title = \"…\", loc = \"…\" }]") {
            r.only(&at, &["title", "loc"]);
            let title = r.string(&at, "title", "\"Designing Data-Intensive Applications\"");
            let loc = r.string(&at, "loc", "\"chapter 5\"");
            references.extend(title.zip(loc).map(|((title, _), (loc, _))| Reference { title, loc }));
        }
        let mut follow_ups = Vec::new();
        // A draft has none yet; the linter asks for them.
        let tables = if root.0.contains_key("follow_ups") { r.tables(&root, "follow_ups", "[[follow_ups]] tables") } else { Vec::new() };
        for at in tables {
            r.only(&at, &["question", "when", "answer", "weak", "why", "rubric"]);
            let when = if at.0.contains_key("when") { r.strings(&at, "when", "[\"one_vote_per_term\"]") } else { None };
            let when = when.map(|(names, _)| names.into_iter().map(|(name, _)| name).collect()).unwrap_or_default();
            let rubric = if at.0.contains_key("rubric") { rubric(&mut r, &at) } else { Vec::new() };
            let why = r.optional_string(&at, "why", "\"Who fails over without fencing has two leaders.\"").unwrap_or_default().0;
            let mut prose =
                |key: &str, example: &str| Some(r.string(&at, key, example)?.0.split_whitespace().collect::<Vec<_>>().join(" "));
            let question = prose("question", "\"What if the disk burns?\"");
            let answer = prose("answer", "\"what a good candidate says, in four to eight sentences\"");
            let weak = prose("weak", "\"what a weak answer says, or lacks\"");
            if let (Some(question), Some(answer), Some(weak)) = (question, answer, weak) {
                follow_ups.push(FollowUp { question, when, answer, weak, why, rubric });
            }
        }
        let hints = hints.map(|(h, _)| h.into_iter().map(|(h, _)| h).collect()).unwrap_or_default();
        finish(r, About { title, minutes, lines, summary, hints, references, follow_ups })
    }
}

/// What is looked for in the answer to a follow-up.
fn rubric(r: &mut Reader<'_>, at: &At<'_, '_>) -> Vec<Point> {
    let mut points = Vec::new();
    for at in r.tables(at, "rubric", "[{ point = \"…\", weight = 2, must = true }]") {
        r.only(&at, &["point", "weight", "must"]);
        let point = r.string(&at, "point", "\"Fences the old leader\"").unwrap_or_default().0;
        let weight = r.count(&at, "weight", "2").unwrap_or(1);
        let must = r.optional_truth(&at, "must").unwrap_or(false);
        points.push(Point { point, weight, must, of: None });
    }
    points
}

fn finish<T>(reader: Reader<'_>, value: T) -> Result<T, Vec<Problem>> {
    let problems = reader.sorted();
    if problems.is_empty() { Ok(value) } else { Err(problems) }
}

/// True for a name that can be a module, a feature and a file at once.
#[must_use]
pub fn is_id(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::toml_reader::lines_of;

    #[test]
    fn a_course_in_order() {
        let text =
            "[[topic]]\nid = 'b'\ntitle = 'B'\nexercises = ['two', 'one']\nquiz = 'b'\n[[topic]]\nid = 'a'\ntitle = 'A'\nexercises = []\n";
        let course = Course::parse("course.toml", text).unwrap();
        assert_eq!(course.exercises().collect::<Vec<_>>(), ["two", "one"]);
        assert_eq!(course.topic_of("one").unwrap().id, "b");
        assert_eq!(course.nearest("twoo"), Some("two"));
        assert_eq!(course.topics[1].quiz, None);
        assert_eq!(course.topics[1].weight, 1);
    }

    #[test]
    fn a_topic_points_to_what_another_one_has() {
        let text =
            "[[topic]]\nid = 'a'\ntitle = 'A'\nexercises = []\nalso = ['one']\n[[topic]]\nid = 'b'\ntitle = 'B'\nexercises = ['one']\n";
        let course = Course::parse("course.toml", text).unwrap();
        assert_eq!(course.topics[0].practice().collect::<Vec<_>>(), ["one"]);
        assert_eq!((course.exercises().count(), course.topic_of("one").unwrap().id.as_str()), (1, "b"));
        let own = text.replace("exercises = []", "exercises = ['two']").replace("['one']\n[[", "['two', 'none']\n[[");
        insta::assert_snapshot!(lines_of(&Course::parse("course.toml", &own).unwrap_err()), @r#"
        course.toml:5:9: `two` is no exercise of another topic; name one that another topic lists under `exercises`
        course.toml:5:16: `none` is no exercise of another topic; name one that another topic lists under `exercises`
        "#);
    }

    /// What an interview asks about can be practised: every topic has an exercise, or points to one.
    #[test]
    fn no_topic_is_without_an_exercise() {
        let exceptions = [("design", "a design is spoken, not run: it is practised in interviews")];
        let course = Course::parse(COURSE, include_str!("../../exercises/course.toml")).unwrap();
        let without: Vec<&str> = course.topics.iter().filter(|t| t.practice().next().is_none()).map(|t| t.id.as_str()).collect();
        assert_eq!(without, exceptions.map(|(id, _)| id));
    }

    #[test]
    fn all_mistakes_of_a_course_at_once() {
        let text = "colour = 1\n[[topic]]\nid = 'counters'\ntitel = 'Counters'\nexercises = ['g_counter', 3, 'G-Counter']\n\
                    [[topic]]\nid = 'counters'\ntitle = ''\nexercises = 'g_counter'\n[[topic]]\nid = 'x'\ntitle = 'é' \nexercises = ['g_counter']\n[[topic]]\nid = 'y'\ntitle = 'Y'\nexercises = ['g_counter']\n";
        insta::assert_snapshot!(lines_of(&Course::parse("exercises/course.toml", text).unwrap_err()), @r#"
        exercises/course.toml:1:1: unknown key `colour`; known here: topic
        exercises/course.toml:2:1: `title` is missing; add `title = "Counters"`
        exercises/course.toml:4:1: unknown key `titel`; did you mean `title`?
        exercises/course.toml:5:27: `exercises` is a number, not text; write it like "…"
        exercises/course.toml:5:30: `G-Counter` is not an id; use a-z, 0-9 and _, a letter first
        exercises/course.toml:7:6: topic `counters` is there twice; merge the two
        exercises/course.toml:8:9: `title` is empty; write one, like "Counters"
        exercises/course.toml:9:13: `exercises` is text, not a list; write it like ["g_counter"]
        exercises/course.toml:13:14: exercise `g_counter` is listed twice; keep one of the two
        exercises/course.toml:17:14: exercise `g_counter` is listed twice; keep one of the two
        "#);
    }

    #[test]
    fn syntax_errors_have_a_place() {
        let text = "[[topic]]\nid = 'a\ntitle = 'A'\nexercises = [\n";
        insta::assert_snapshot!(lines_of(&Course::parse("course.toml", text).unwrap_err()), @r#"
        course.toml:2:8: invalid literal string, expected `'`; see https://toml.io for the syntax
        course.toml:4:14: unclosed array, expected `]`; see https://toml.io for the syntax
        "#);
    }

    #[test]
    fn all_mistakes_of_an_exercise_at_once() {
        let text = "title = 3\nminutes = 0\nsumary = 'x'\nhints = ['a', 'b']\nreferences = [{ title = 'T' }, 3]\n";
        insta::assert_snapshot!(lines_of(&About::parse("exercise.toml", text).unwrap_err()), @r#"
        exercise.toml:1:1: `lines` is missing; add `lines = 40`
        exercise.toml:1:1: `summary` is missing; add `summary = "Count without a coordinator."`
        exercise.toml:1:9: `title` is a number, not text; write it like "Grow-only counter"
        exercise.toml:2:11: `minutes` is not a whole number above 0; write it like `minutes = 30`
        exercise.toml:3:1: unknown key `sumary`; did you mean `summary`?
        exercise.toml:4:9: only 2 hints; give at least 3: a nudge, the idea, almost the code
        exercise.toml:5:15: `loc` is missing; add `loc = "chapter 5"`
        exercise.toml:5:32: `references` holds a number; write it like [{ title = "…", loc = "…" }]
        "#);
    }
}
