//! Scenarios of code and of runs.

use super::{GOOD, lint_files};

/// The good topic with one scenario and one question more; what is found, with the place's line counted from the scenario.
fn with(scenario: &str, question: &str) -> Vec<String> {
    let start = GOOD.lines().count();
    let text = format!("{}\n[[scenario]]\nid = \"more\"\n{scenario}\n{}", GOOD, QUESTION.replace("BODY", question));
    let found = lint_files(&[("quizzes/consistency.toml", &text)]);
    let relative = |line: String| {
        let (rule, rest) = line.split_once(' ').unwrap();
        let mut parts = rest.splitn(4, ':').skip(1);
        let number: usize = parts.next().unwrap().parse().unwrap();
        format!("{rule} line {}{}", number - start - 1, parts.nth(1).unwrap())
    };
    found.into_iter().map(relative).collect()
}

const QUESTION: &str = r#"
[[question]]
id = "stands-on-more"
rev = 1
difficulty = 3
scenario = "more"
explanation = "What is returned must be with a majority first."
sources = [{ title = "Attiya, Bar-Noy & Dolev 1995" }]
BODY
"#;

const WHICH_LINE: &str = "kind = \"numeric\"\nprompt = \"Which row holds the mistake?\"\nanswer = 2\nunit = \"line\"";

const MUTANT: &str = "kind = \"mutant\"\nmutant = \"quorum_register/reads_do_not_write_back\"\nbreaks = \"reads_write_back\"";

const TRACE: &str = "kind = \"trace\"\ntrace = '''\n1  0  n1  starts  false  None\n2  50  c1  asks  n1  1  Read\n3  90  n1  takes  c1  1  Read\n3  90  n1  answers  c1  1  0\n'''";

fn nothing() -> Vec<String> {
    Vec::new()
}

#[test]
fn a_mutant_and_a_run_without_a_mistake() {
    assert_eq!(with(MUTANT, WHICH_LINE), nothing());
    assert_eq!(with(TRACE, "kind = \"numeric\"\nprompt = \"How many messages between nodes?\"\nanswer = 0"), nothing());
}

#[test]
fn e09_and_e13_mutants_are_looked_up() {
    let gives = |find: &str, replace: &str, expected: &str| {
        assert_eq!(MUTANT.matches(find).count(), 1);
        assert_eq!(with(&MUTANT.replace(find, replace), WHICH_LINE), [expected]);
    };
    gives("reads_do_not", "reads_dont", "E13 line 4 no mutant 'quorum_register/reads_dont_write_back'");
    gives(
        "breaks = \"reads_write_back\"",
        "breaks = \"linearizable\"",
        "E09 line 5 the catalogue says that this mutant breaks 'reads_write_back', not 'linearizable'; correct it",
    );
    gives(
        "quorum_register/",
        "",
        "format line 4 'reads_do_not_write_back' names no mutant; write exercise and name: \"raft_election/nothing_is_saved\"",
    );
    gives("kind = \"mutant\"", "kind = \"mutant\"\ntrace = \"\"", "format line 4 'trace' belongs to a scenario of kind 'trace'");
    gives("mutant = \"quorum_register/reads_do_not_write_back\"\n", "", "format line 1 missing field 'mutant'");
}

#[test]
fn lines_that_are_named_are_there_and_the_answer_was_changed() {
    assert_eq!(
        with(MUTANT, &WHICH_LINE.replace("answer = 2", "answer = 3")),
        ["E09 line 16 line 3 is as it should be; the mutant changed 2"]
    );
    assert_eq!(
        with(MUTANT, &WHICH_LINE.replace("Which row", "Line 3 ends it, line 4 does not. Which row")),
        ["E13 line 15 line 4 is named, and the code that is shown has 3 lines"]
    );
}

#[test]
fn e14_runs_are_in_order_short_and_do_not_tell() {
    let question = "kind = \"numeric\"\nprompt = \"How many messages between nodes?\"\nanswer = 0";
    let gives = |find: &str, replace: &str, expected: &str| {
        assert_eq!(TRACE.matches(find).count(), 1);
        assert_eq!(with(&TRACE.replace(find, replace), question), [expected]);
    };
    gives(
        "c1  1  0\n",
        "c1  1  0\n3  90  n1  breaks  linearizable  it is old\n",
        "E14 line 4 the run says itself which rule it breaks; take the event 'breaks' out",
    );
    gives("2  50  c1", "9  50  c1", "E14 line 4 step 3 at 0.090 ms comes after step 9 at 0.050 ms; events stand in order");
    gives(
        "2  50  c1  asks",
        "2  50  c1  begs",
        "format line 4 line 2 of the run is no event: '2  50  c1  begs  n1  1  Read'; `splitbrain dev scenario` writes such lines",
    );
    gives(
        "2  50  c1",
        "2  50  n9000",
        "format line 4 line 2 of the run is no event: '2  50  n9000  asks  n1  1  Read'; `splitbrain dev scenario` writes such lines",
    );
    let long: String = (4..80).map(|n| format!("{n}  100  n1  fires  Retry\n")).collect();
    gives("c1  1  0\n", &format!("c1  1  0\n{long}"), "E14 line 4 the picture has 80 lines, up to 45 can be read; shorten the run");
    assert_eq!(with("kind = \"trace\"\ntrace = \"\"", question), ["E14 line 4 there is nothing to draw in this run"]);
}
