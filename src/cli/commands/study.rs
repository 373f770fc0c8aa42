//! All that is known of a learner, read at once: what `plan`, `progress`, `interview` and the program without a verb work from.

use super::{Desk, told};
use crate::cli::agenda::{Known, command};
use crate::cli::answers::{Answers, Standing};
use crate::cli::appointment::Appointment;
use crate::cli::bank;
use crate::cli::dates::Now;
use crate::cli::error::Result;
use crate::cli::interview::history::{self, Interview};
use crate::cli::memory::Memories;
use crate::cli::out::Out;
use crate::cli::plan::Task;
use crate::cli::quiz::Topic;
use jiff::civil::Date;
use std::collections::BTreeMap;

pub struct Study {
    pub desk: Desk,
    /// The quizzes that can be read. Of one that cannot, the author must know: `quiz` and `dev lint` say it.
    pub quizzes: Vec<Topic>,
    pub minutes: BTreeMap<String, u32>,
    pub answers: Answers,
    pub memories: Memories,
    /// The last mock interview.
    pub interview: Option<Interview>,
    pub appointment: Option<Appointment>,
    pub now: Now,
    mocks: Vec<Date>,
}

impl Study {
    pub fn open(out: &mut Out) -> Result<Study> {
        let desk = Desk::open(out)?;
        let content = desk.workspace.content();
        let store = desk.workspace.store();
        let answers = told(Answers::read(&store)?, out);
        let interviews = told(history::read(&store)?, out);
        let appointment = told(Appointment::read(&store)?, out);
        let now = Now::here();
        let quizzes = bank::names(&desk.course).into_iter().filter_map(|name| bank::outline(&content, name).ok()).collect();
        let minutes = desk.course.exercises().map(|id| Ok((id.to_owned(), content.about(id)?.minutes))).collect::<Result<_>>()?;
        let memories = Memories::of(&answers, &now);
        let mocks = interviews.iter().filter(|i| i.finished).map(|i| i.day).collect();
        let interview = interviews.into_iter().next_back();
        Ok(Study { desk, quizzes, minutes, answers, memories, interview, appointment, now, mocks })
    }

    /// How the learner stands in each quiz, by its name.
    pub fn standings(&self) -> BTreeMap<String, Standing> {
        self.quizzes.iter().map(|quiz| (quiz.id.clone(), self.answers.standing(quiz))).collect()
    }

    /// The one next thing to do: every verb that gives advice gives this.
    pub fn next(&self) -> Option<Task> {
        self.known().next(self.appointment.as_ref())
    }

    /// Its command, and what it is about.
    pub fn next_command(&self) -> (String, String) {
        match self.next() {
            Some(task) => command(&task, self.appointment.map_or(45, |a| a.minutes)),
            None => ("splitbrain interview".to_owned(), "everything is done here; a mock interview shows what stays".to_owned()),
        }
    }

    pub fn known(&self) -> Known<'_> {
        Known {
            course: &self.desk.course,
            quizzes: &self.quizzes,
            minutes: &self.minutes,
            answers: &self.answers,
            memories: &self.memories,
            progress: &self.desk.progress,
            mocks: &self.mocks,
            now: &self.now,
        }
    }
}
