//! What is built while nothing else is to do: the hidden tests of the exercise that comes next, so that its first verdict does not
//! wait for them. It takes the time that others leave, and ends, with all that it started, as soon as a build is wanted.

use crate::cli::error::Result;
use crate::cli::runner;
use crate::cli::workspace::Workspace;
use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Rest is when nothing was saved for so long: who mends at once what they read is not disturbed.
const REST: Duration = Duration::from_secs(3);

type Building = Pin<Box<dyn Future<Output = Result<()>>>>;

/// At most one build that nobody waits for.
#[derive(Default)]
pub struct Ahead {
    /// What is to be built, and from when on.
    wanted: Option<(String, Instant)>,
    building: Option<(String, Building)>,
    /// What was built, or cannot be. Nothing is tried twice.
    done: BTreeSet<String>,
}

impl Ahead {
    /// There is nothing else to do from now on.
    pub fn rest(&mut self, id: &str) {
        if !self.done.contains(id) && self.building.is_none() {
            self.wanted = Some((id.to_owned(), Instant::now() + REST));
        }
    }

    /// Something else is to be done: its processes are killed.
    pub fn stop(&mut self) {
        (self.wanted, self.building) = (None, None);
    }

    /// What is being built.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.building.as_ref().map(|(id, _)| id.as_str())
    }

    /// Waits until a build has begun or ended; for ever if there is nothing to build. Nothing is lost if this is dropped.
    pub async fn next(&mut self, workspace: &Workspace) {
        if let Some((id, building)) = &mut self.building {
            // What came of it is said when somebody wants it.
            let _ = building.await;
            self.done.insert(id.clone());
            self.building = None;
            return;
        }
        let Some((id, when)) = self.wanted.clone() else { return std::future::pending().await };
        sleep_until(when).await;
        self.wanted = None;
        let (workspace, of) = (workspace.clone(), id.clone());
        self.building = Some((id, Box::pin(async move { runner::build_ahead(&workspace, &of).await })));
    }
}
