//! Scripts that narrate themselves: a cluster in the script's hands, as [`World::by_hand`] makes it, whose levers write down what they
//! did. When an expectation is not met, the sentence of the finding is made from that, and the rule, the step and the mark are
//! its own. A sentence of the judge's ([`Script::say`]) may take the story's place where it reads better.
//!
//! What is not narrated is a lever of the world itself, which a script lends ([`Script::world`]): `take_sent`, `deliver`, `on_disk` …

use super::story::{Did, span, tell};
use crate::rule::{Broken, Check};
use crate::sim::{ClientId, Envelope, Factory, NodeId, Protocol, Setup, Ticket, World};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use crate::words::shown;
use std::ops::Deref;
use std::time::Duration;

pub(crate) const N1: NodeId = NodeId::from_index(0);
pub(crate) const N2: NodeId = NodeId::from_index(1);
pub(crate) const N3: NodeId = NodeId::from_index(2);
pub(crate) const N4: NodeId = NodeId::from_index(3);
pub(crate) const N5: NodeId = NodeId::from_index(4);

/// More effects than a handler has that a sweep is about.
const SWEEP_MAX: usize = 40;

/// A cluster by hand. Looks like its world to whoever only looks.
pub(crate) struct Script<'r, P: Protocol> {
    /// For levers that tell nothing.
    pub world: World<'r, P>,
    did: Vec<Did<P>>,
    /// From where on it is told.
    told_from: usize,
    /// How many answers are told.
    heard: usize,
    cut: Vec<NodeId>,
    crashing: Option<NodeId>,
    /// How long an answer may take.
    patience: Duration,
}

impl<'r, P: Protocol> Deref for Script<'r, P> {
    type Target = World<'r, P>;

    fn deref(&self) -> &World<'r, P> {
        &self.world
    }
}

impl<P: Protocol> Script<'static, P> {
    /// A node for each configuration, none started. An answer is waited for for a second.
    pub fn new(factory: Factory<P>, probe: &Probe, configs: Vec<P::Config>) -> Self {
        Script::of(World::by_hand(factory, Setup::new(1, configs), probe))
    }

    /// The same, and all start.
    pub fn up(factory: Factory<P>, probe: &Probe, configs: Vec<P::Config>) -> Result<Self, Broken> {
        let mut script = Script::new(factory, probe, configs);
        let services: Vec<NodeId> = script.services().collect();
        (0..script.nodes()).map(NodeId::from_index).chain(services).try_for_each(|id| script.start(id))?;
        Ok(script)
    }
}

impl<'r, P: Protocol> Script<'r, P> {
    /// A world of one's own making, by hand.
    pub fn of(world: World<'r, P>) -> Self {
        Script { world, did: Vec::new(), told_from: 0, heard: 0, cut: Vec::new(), crashing: None, patience: millis(1_000) }
    }

    /// With another time in which an answer must come.
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Takes down what came of the lever that was just moved.
    fn came(&mut self) {
        for (ticket, response, _) in &self.world.answers()[self.heard..] {
            self.did.push(Did::Answers(*ticket, response.clone()));
        }
        self.heard = self.world.answers().len();
        if let Some(node) = self.crashing.take_if(|node| !self.world.is_up(*node)) {
            self.did.push(Did::Crashes(node, self.world.saved(node).cloned()));
        }
    }

    fn moved(&mut self, check: Check) -> Check {
        self.came();
        check
    }

    /// A sentence in the place of all that the levers have told so far.
    pub fn say(&mut self, story: impl Into<String>) {
        self.told_from = self.did.len();
        self.did.push(Did::Said(story.into()));
    }

    /// Starts a node: for the first time, or again.
    pub fn start(&mut self, node: NodeId) -> Check {
        let again = self.did.iter().any(|did| matches!(did, Did::Starts(n, _) if *n == node));
        self.did.push(if again { Did::Restarts(node) } else { Did::Starts(node, self.world.saved(node).cloned()) });
        let check = self.world.boot(node);
        self.moved(check)
    }

    /// Takes a node down.
    pub fn crash(&mut self, node: NodeId) -> Check {
        if self.world.is_up(node) {
            self.did.push(Did::Crashes(node, self.world.saved(node).cloned()));
        }
        self.world.kill(node)
    }

    /// Takes it down if it is up, and starts it again.
    pub fn restart(&mut self, node: NodeId) -> Check {
        self.crash(node)?;
        self.start(node)
    }

    /// Takes it down in the middle of its next handler call, after so many effects.
    pub fn crash_after(&mut self, node: NodeId, effects: usize) {
        self.crashing = Some(node);
        self.world.kill_after(node, effects);
    }

    /// Tells a node something in another's name.
    pub fn tell(&mut self, from: NodeId, to: NodeId, message: P::Message) -> Check {
        self.did.push(Did::Told(from, to, message.clone()));
        let check = self.world.tell(from, to, message);
        self.moved(check)
    }

    /// A client asks a node; nobody waits.
    pub fn ask(&mut self, node: NodeId, request: P::Request) -> Result<Ticket, Broken> {
        self.ask_by(0, node, request)
    }

    /// As [`Script::ask`], a client of one's choice (from 0).
    pub fn ask_by(&mut self, client: usize, node: NodeId, request: P::Request) -> Result<Ticket, Broken> {
        let ticket = self.world.request_of(ClientId::from_index(client), node, request.clone());
        if let Ok(ticket) = ticket {
            self.did.push(Did::Asked(node, ticket, request));
        }
        self.came();
        ticket
    }

    /// A client asks a node, and waits for the answer as long as it may take. No message arrives meanwhile.
    pub fn call(&mut self, node: NodeId, request: P::Request) -> Result<Ticket, Broken> {
        let ticket = self.ask(node, request)?;
        if self.world.answer_to(ticket).is_none() && self.world.is_up(node) {
            let check = self.world.wait_for_answer(ticket, self.patience);
            self.moved(check)?;
        }
        Ok(ticket)
    }

    /// Time passes; no message arrives.
    pub fn wait(&mut self, time: Duration) -> Check {
        self.did.push(Did::Waits(time));
        let check = self.world.wait(time);
        self.moved(check)
    }

    /// From now on nothing passes between these and the others.
    pub fn cut(&mut self, nodes: &[NodeId]) {
        self.cut = nodes.to_vec();
        self.did.push(Did::CutOff(nodes.to_vec()));
    }

    /// Everything passes again.
    pub fn heal(&mut self) {
        self.cut.clear();
        self.did.push(Did::Heals);
    }

    /// Fair weather but for what is cut off: each message is 1 ms under way.
    pub fn run(&mut self, time: Duration) -> Check {
        self.did.push(Did::Talk(time));
        self.run_losing(time, |_| false)
    }

    /// The same, in which more is lost; not told.
    pub fn run_losing(&mut self, time: Duration, lose: impl Fn(&Envelope<P>) -> bool) -> Check {
        let cut = &self.cut;
        let check = self.world.let_run(time, |l| cut.contains(&l.from) != cut.contains(&l.to) || lose(l));
        self.moved(check)
    }

    /// The same until a request is answered, and no longer than `most`.
    pub fn run_until_answered(&mut self, ticket: Ticket, most: Duration, lose: impl Fn(&Envelope<P>) -> bool) -> Check {
        let end = self.world.now() + most;
        while self.world.now() < end && self.world.answer_to(ticket).is_none() {
            self.run_losing(millis(1), &lose)?;
        }
        Ok(())
    }

    /// Time passes while the script plays those who are not started: they get what is sent to them and answer at once. Not told.
    pub fn play(&mut self, time: Duration, peer: impl FnMut(&Envelope<P>) -> Vec<P::Message>) -> Check {
        let check = self.world.play(time, |_| Duration::ZERO, peer);
        self.moved(check)
    }

    /// A broken rule: the story, then `seen`. In the last step of the script.
    pub fn broken(&self, rule: &'static str, seen: &str) -> Broken {
        Broken::new(rule, self.told(None, seen)).at([self.world.steps()])
    }

    /// It must be so; if it is not, `otherwise` says what is seen.
    pub fn expect(&self, rule: &'static str, so: bool, otherwise: impl FnOnce() -> String) -> Check {
        if so { Ok(()) } else { Err(self.broken(rule, &otherwise())) }
    }

    fn told(&self, untold: Option<Ticket>, seen: &str) -> String {
        let story = tell(&self.did, self.told_from, untold);
        if story.is_empty() { seen.to_owned() } else { format!("{story}; {seen}") }
    }

    fn asked(&self, ticket: Ticket) -> (NodeId, String) {
        let asked = |did: &Did<P>| if let Did::Asked(node, t, r) = did { (*t == ticket).then(|| (*node, shown(r))) } else { None };
        self.did.iter().rev().find_map(asked).unwrap_or((N1, "a request".to_owned()))
    }

    /// A request must have been answered, once, and as `fits` says; `kind` says what fits.
    pub fn one_answer(&self, rule: &'static str, ticket: Ticket, kind: &str, fits: impl Fn(&P::Response) -> bool) -> Check {
        let answers = self.world.answers_to(ticket);
        let (node, request) = self.asked(ticket);
        let seen = match answers[..] {
            [one] if fits(one) => return Ok(()),
            [] => {
                let seen = format!("{node} got {request}, and did not answer it within {}", span(self.patience));
                return Err(Broken::new(rule, self.told(Some(ticket), &seen)).at([self.world.steps()]).unanswered());
            }
            [one] => format!("{node} got {request}, which is answered with {kind}; it answered {}", shown(one)),
            [first, .., last] => format!("{node} got {request} once, and answered it twice: {} and {}", shown(first), shown(last)),
        };
        let step = self.world.answered_in(ticket, usize::from(answers.len() > 1));
        Err(Broken::new(rule, self.told(Some(ticket), &seen)).at(step).in_step(step))
    }

    /// If a request was answered, then with one of these.
    pub fn answered(&self, rule: &'static str, ticket: Ticket, allowed: &[P::Response]) -> Check
    where
        P::Response: PartialEq,
    {
        let Some(answer) = self.world.answer_to(ticket).filter(|answer| !allowed.contains(answer)) else { return Ok(()) };
        let (node, request) = self.asked(ticket);
        let expected: Vec<String> = allowed.iter().map(shown).collect();
        let seen = format!("{request} must then be answered with {}, and {node} answered {}", expected.join(" or "), shown(answer));
        let step = self.world.answered_in(ticket, 0);
        Err(Broken::new(rule, self.told(Some(ticket), &seen)).at(step).in_step(step))
    }

    /// What a node lets be seen must be this.
    pub fn shows(&self, rule: &'static str, node: NodeId, expected: &P::View) -> Check
    where
        P::View: PartialEq,
    {
        let Some(view) = self.world.view(node).filter(|view| view != expected) else { return Ok(()) };
        // What it did by itself since does not change it.
        let step = self.world.reached_in(node);
        let seen = format!("{node} must then show {}, and shows {}", shown(expected), shown(&view));
        Err(Broken::new(rule, self.told(None, &seen)).at([step]).in_step(step))
    }
}

/// A crash after each number of effects of one handler in turn, from none to all: `set` makes the script up to it, `act` is what the
/// handler of `node` runs for. Gives each script with what `act` gave, when `node` has started again: see then what holds.
pub(crate) fn crash_sweep<P: Protocol, T>(
    node: NodeId,
    set: impl Fn() -> Result<Script<'static, P>, Broken>,
    act: impl Fn(&mut Script<'static, P>) -> Result<T, Broken>,
) -> impl Iterator<Item = Result<(Script<'static, P>, T), Broken>> {
    let swept = move |effects| {
        let mut script = set()?;
        script.crash_after(node, effects);
        let did = act(&mut script)?;
        let was_cut_short = script.was_cut_short();
        script.start(node)?;
        Ok((script, did, was_cut_short))
    };
    let mut whole = false;
    (0..SWEEP_MAX).map_while(move |effects| {
        (!whole).then(|| {
            let swept = swept(effects);
            whole = !matches!(swept, Ok((.., true)));
            swept.map(|(script, did, _)| (script, did))
        })
    })
}

/// Vectors that differ in a value: rows of a name and the value, and one body.
pub(crate) fn rows<T: Send + Sync + 'static>(
    suite: &mut Suite,
    rule: &'static str,
    rows: impl IntoIterator<Item = (&'static str, T)>,
    body: impl Fn(&Probe, &T) -> Check + Copy + Send + Sync + 'static,
) {
    for (name, row) in rows {
        suite.vector(rule, name, move |probe| body(probe, &row));
    }
}
