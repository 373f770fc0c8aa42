//! All that is known of a learner but for the single answers, read at once: what `plan`, `progress`, `interview` and the program without a verb work from.

use super::{Desk, told};
use crate::cli::agenda::{AN_EVENING, Known, command};
use crate::cli::answers::Standing;
use crate::cli::appointment::Appointment;
use crate::cli::bank::{self, Sketch};
use crate::cli::course::Topic;
use crate::cli::dates::Now;
use crate::cli::digest;
use crate::cli::error::Result;
use crate::cli::interview::history::{self, Interview};
use crate::cli::memory::Memories;
use crate::cli::out::Out;
use crate::cli::plan::{Task, mock_minutes};
use jiff::civil::Date;
use std::collections::BTreeMap;

pub struct Study {
    pub desk: Desk,
    /// The quizzes that are there. Of one that is not, or cannot be read, the author must know: `quiz` and `dev lint` say it.
    pub quizzes: Vec<Sketch>,
    pub minutes: BTreeMap<String, u32>,
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
        let interviews = told(history::read(&store)?, out);
        let appointment = told(Appointment::read(&store)?, out);
        let now = Now::here();
        let memories = told(digest::memories(&store, &now)?, out);
        let quizzes = bank::names(&desk.course).into_iter().filter_map(|name| bank::sketch(&content, name).ok()).collect();
        let minutes = desk.course.exercises().map(|id| Ok((id.to_owned(), content.about(id)?.minutes))).collect::<Result<_>>()?;
        let mocks = interviews.iter().filter(|i| i.finished).map(|i| i.day).collect();
        let interview = interviews.into_iter().next_back();
        Ok(Study { desk, quizzes, minutes, memories, interview, appointment, now, mocks })
    }

    /// How the learner stands in each quiz, by its name.
    pub fn standings(&self) -> BTreeMap<String, Standing> {
        self.quizzes.iter().map(|quiz| (quiz.id.clone(), self.memories.standing_of(quiz))).collect()
    }

    /// The quiz of a topic.
    pub fn quiz_of(&self, topic: &Topic) -> Option<&Sketch> {
        self.quizzes.iter().find(|quiz| Some(&quiz.id) == topic.quiz.as_ref())
    }

    /// The one next thing to do: every verb that gives advice gives this.
    pub fn next(&self) -> Option<Task> {
        self.known().next(self.appointment.as_ref())
    }

    /// Its command, and what it is about.
    pub fn next_command(&self) -> (String, String) {
        match self.next() {
            Some(task) => command(&task),
            None => (
                command(&Task::Mock { minutes: self.mock_minutes() }).0,
                "everything here is done; a mock interview shows what you remember".to_owned(),
            ),
        }
    }

    /// Minutes of a mock interview that fits into an evening.
    pub fn mock_minutes(&self) -> u32 {
        mock_minutes(self.appointment.map_or(AN_EVENING, |appointment| appointment.minutes))
    }

    /// The exercise that tonight is for.
    pub fn exercise_of_tonight(&self) -> Option<String> {
        let planned = self.appointment.as_ref().and_then(|appointment| self.known().plan(appointment).evenings.into_iter().next());
        let evening = planned.filter(|evening| !evening.is_empty()).unwrap_or_else(|| self.known().an_evening());
        evening.into_iter().find_map(|(task, _)| if let Task::Exercise { id, .. } = task { Some(id) } else { None })
    }

    pub fn known(&self) -> Known<'_> {
        Known {
            course: &self.desk.course,
            quizzes: &self.quizzes,
            minutes: &self.minutes,
            memories: &self.memories,
            progress: &self.desk.progress,
            mocks: &self.mocks,
            now: &self.now,
        }
    }
}
