//! What a plan is made from, and of: topics as they stand, the frame of evenings, and tasks.

/// A question takes about so long, with its explanation read.
pub const MINUTES_A_QUESTION: f64 = 1.2;
/// An open one takes what an interviewer gives, and so long to be compared with the model answer.
const MINUTES_TO_COMPARE: f64 = 2.0;
/// Questions of a lesson that are asked where it is skimmed.
pub const SKIM_QUESTIONS: usize = 1;
/// Mocks: so long, in an evening of so many minutes and a preparation of so many. Two of them take no more than a fifth of it: a mock shows
/// what is missing, and the rest is there to learn it. But for an evening of an hour, there is time left to mend something at once.
const MOCKS: [(u32, u32, u32); 4] = [(60, 60, 600), (45, 55, 450), (30, 40, 300), (SHORT_MOCK, 20, 140)];
/// A mock interview in a short evening.
pub const SHORT_MOCK: u32 = 20;

/// One topic as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// Its quiz's name.
    pub id: String,
    /// How often interviews come to it, from 1.
    pub weight: u32,
    /// Its questions.
    pub questions: usize,
    /// Those whose last answer was right.
    pub known: usize,
    /// Those whose last answer was wrong: they come back as reviews, so no evening asks for them once more.
    pub wrong: usize,
    /// Minutes that one of the others takes, which were never asked.
    pub pace: f64,
    /// Minutes that those take which were answered.
    pub answered_minutes: f64,
    /// Whether its lesson has yet to be read: nothing of it was ever answered.
    pub fresh: bool,
    /// Minutes of its lesson, with the questions that it asks between its parts.
    pub lesson_minutes: u32,
    /// Minutes of it where it is skimmed: its traps, what is asked next, the numbers to know, and a question.
    pub skim_minutes: u32,
    /// Questions, never asked, that are asked between the parts of its lesson.
    pub lesson_questions: usize,
    /// Its exercises that are not passed, in order: each builds on those before it.
    pub exercises: Vec<Exercise>,
    /// Exercises of other topics in which this one is practised, too.
    pub also: Vec<String>,
    /// How many of all these are passed.
    pub passed: usize,
}

/// An exercise that is not passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exercise {
    /// Its id.
    pub id: String,
    /// Minutes that are left of it.
    pub minutes: u32,
    /// Whether it was worked at: what is begun is finished first.
    pub begun: bool,
}

impl Topic {
    /// Questions that were never asked.
    #[must_use]
    pub fn unseen(&self) -> usize {
        self.questions.saturating_sub(self.known + self.wrong)
    }

    /// The share of its questions that is not known. All, if it has none.
    #[must_use]
    pub fn unknown(&self) -> f64 {
        unknown(self.questions.saturating_sub(self.known), self.questions)
    }

    /// Questions of the lesson that are met where it is skimmed.
    #[must_use]
    pub fn skim_questions(&self) -> usize {
        self.lesson_questions.min(SKIM_QUESTIONS)
    }
}

pub fn unknown(left: usize, questions: usize) -> f64 {
    if questions == 0 { 1.0 } else { left as f64 / questions as f64 }
}

/// What is planned for.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Minutes of each evening.
    pub minutes: u32,
    /// Minutes of tonight that are spent already.
    pub spent: u32,
    /// Questions that fall due on each evening, tonight first: one for each evening there is.
    pub due: Vec<usize>,
    /// Whether no exercise was passed yet: the first one comes before everything.
    pub warm_up: bool,
    /// Mock interviews; `None`: there are none, as no interview is prepared for.
    pub mocks: Option<Mocks>,
}

/// What is known of mock interviews.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mocks {
    /// Evenings that are over since the plan was made.
    pub over: usize,
    /// On which of them a mock was held, the first being 0; tonight is `over`.
    pub held: Vec<usize>,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// What is due.
    Review {
        /// How many questions.
        questions: usize,
        /// How many are due.
        due: usize,
    },
    /// A topic's lesson.
    Lesson {
        /// The quiz.
        topic: String,
        /// Whether only its idea, its traps and its numbers are read.
        skim: bool,
        /// How many questions are answered between its parts.
        questions: usize,
    },
    /// Questions of a topic that were never asked.
    Questions {
        /// The quiz.
        topic: String,
        /// How many.
        questions: usize,
    },
    /// An exercise, or a part of it.
    Exercise {
        /// Its id.
        id: String,
        /// True: it was begun before.
        begun: bool,
        /// False: it goes on the next evening.
        whole: bool,
    },
    /// A mock interview.
    Mock {
        /// How long it is.
        minutes: u32,
    },
}

/// One evening: what to do, each with its minutes.
pub type Evening = Vec<(Task, u32)>;

/// The plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Tonight first.
    pub evenings: Vec<Evening>,
    /// What does not fit, the most needed first.
    pub left_out: Vec<Task>,
}

/// Minutes that a question takes: an open one those that it says, and some to compare.
#[must_use]
pub fn minutes_of(open_minutes: Option<u32>) -> f64 {
    open_minutes.map_or(MINUTES_A_QUESTION, |minutes| f64::from(minutes) + MINUTES_TO_COMPARE)
}

/// Minutes of a lesson that takes so long to read, with so many questions between its parts, which are quick ones.
#[must_use]
pub fn minutes_of_lesson(reading: f64, questions: usize) -> u32 {
    (reading + questions as f64 * MINUTES_A_QUESTION).ceil() as u32
}

/// Minutes of a mock interview that fit into an evening: 20, 45 or 60.
#[must_use]
pub fn mock_minutes(evening: u32) -> u32 {
    [60, 45].into_iter().find(|minutes| *minutes <= evening).unwrap_or(SHORT_MOCK)
}

/// Minutes of a mock interview that so many evenings can spare; `None` if they are too few for one.
#[must_use]
pub fn mock_of(evenings: usize, minutes: u32) -> Option<u32> {
    let all = u32::try_from(evenings).unwrap_or(u32::MAX).saturating_mul(minutes);
    MOCKS.into_iter().find(|(_, evening, least)| *evening <= minutes && all >= *least).map(|(mock, ..)| mock)
}
