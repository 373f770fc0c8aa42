mod bank;
mod files;
mod fuzz;
mod rounds;
mod scenarios;
mod warnings;

use super::*;
use crate::cli::author::prove::Proof;
use crate::cli::quiz::excerpt::{Excerpt, Wrong};
use crate::cli::quiz::history::{Action, History};

/// A topic without a finding. Each test below breaks one thing of it.
const GOOD: &str = r#"schema = 1
topic = "consistency"
title = "Reads and quorums"
retired = ["old-question"]
# A comment,
# and more of it,
# says what a head is for.

[[scenario]]
id = "inversion"
kind = "history"
text = "A writes 1 slowly; B reads 1; then C reads 0"
ops = [
  { client = "A", op = "write", key = "x", value = 1, start = 0, end = 10 },
  { client = "B", op = "read", key = "x", value = 1, start = 2, end = 4 },
  { client = "C", op = "read", key = "x", value = 0, start = 5, end = 8 },
]
claims = { linearizable = false, sequential = true }

[[question]]
id = "which-model"
rev = 1
kind = "single"
difficulty = 4
tags = ["trace"]
scenario = "inversion"
exercise = "quorum_register"
prompt = "Which model does this history break?"
explanation = "B ended before C began, so one copy cannot have answered both."
sources = [{ title = "Herlihy & Wing 1990" }]
option = [
  { text = "Linearizability alone", correct = true, why = "Real time is all that is broken.", claims = { linearizable = false, sequential = true } },
  { text = "Linearizability and sequential consistency", why = "C, A, B is legal without real time.", claims = { linearizable = false, sequential = false } },
  { text = "Neither of the two models", why = "B's read fixes the write before C.", claims = { linearizable = true, sequential = true } },
]

[[question]]
id = "inversion-is-sequential"
rev = 1
kind = "true-false"
difficulty = 3
scenario = "inversion"
prompt = "One total order that keeps each client's own order explains these results."
answer = true
claims = { sequential = true }
why = { true = "C, A, B does.", false = "Each client did one thing, so any order is allowed." }
explanation = "Sequential consistency drops real time."
sources = [{ title = "Lamport 1979" }]

[[question]]
id = "small-read-quorum"
rev = 1
kind = "numeric"
difficulty = 1
prompt = "N = 5 and W = 4. What is the smallest R that meets every write?"
answer = 2
verify = "min r: r + 4 > 5"
near = [{ value = 1, why = "1 + 4 = 5 leaves one replica that missed the write." }]
explanation = "Sets of W and R share a member when W + R > N."
sources = [{ title = "Gifford 1979" }]

[[question]]
id = "order-of-abd"
rev = 1
kind = "order"
difficulty = 2
prompt = "Put the steps of an atomic read in order."
items = ["Ask a majority", "Choose the newest", "Write it back", "Answer the client"]
before = [[0, 1], [1, 2], [2, 3]]
explanation = "The write-back comes before the answer."
sources = [{ title = "Attiya, Bar-Noy & Dolev 1995" }]

[[question]]
id = "name-of-the-token"
rev = 1
kind = "short"
difficulty = 1
prompt = "Storage refuses a write whose number is too small. What is the number called?"
accept = ["fencing token"]
near = [{ text = "lease", why = "A lease ends; it refuses nothing." }]
explanation = "The storage enforces the order."
sources = [{ title = "Kleppmann 2016" }]

[[question]]
id = "design-a-register"
rev = 1
kind = "open"
difficulty = 5
prompt = "Design a register that survives two crashes of five nodes."
minutes = 10
model_answer = "Each operation talks to a majority, three of five. A write first asks for the newest timestamp and then stores a larger one; a read writes back what it found before it answers, so that no later read can go back in time."
rubric = [
  { point = "Majorities overlap", weight = 2, must = true },
  { point = "Timestamps are unique", weight = 2 },
  { point = "Reads write back", weight = 2 },
  { point = "State survives a restart", weight = 1 },
]
explanation = "Overlap carries the newest value, write-back keeps order."
sources = [{ title = "Attiya, Bar-Noy & Dolev 1995" }]

[[question.follow_up]]
ask = "Client 1 read the new value. Client 2 reads after it. What does it see, and why?"
when = 1
why = "An old read after a new one is what the overlap has to prevent."
answer = "It sees the new value or a newer one. The first read has written its value back to three of five before it answered; the second asks three of five. Three and three are six, more than five, so one node is in both, and it sends the value with the largest timestamp. If the first read had not written back, the value might have been on one node alone, and the second read could have missed it."
rubric = [{ point = "Says that it sees the new value", weight = 1 }, { must = true, point = "Finds the node that is in both majorities", weight = 2 }]
"#;

/// A checker for one history: the inversion.
fn checker(history: &History) -> Option<Proof> {
    let reads = history.ops.iter().filter(|op| op.action == Action::Read).map(|op| op.value);
    Some(Proof { linearizable: reads.collect::<Vec<_>>() != [1, 0], sequential: true })
}

/// The register's rules, as its README would list them.
fn two_rules(exercise: &str) -> Vec<String> {
    if exercise == "quorum_register" { ["reads_write_back", "linearizable"].map(str::to_owned).to_vec() } else { Vec::new() }
}

fn no_mutant(exercise: &str, name: &str) -> Result<Wrong, String> {
    Err(format!("no mutant '{exercise}/{name}'"))
}

/// A catalogue of one wrong register, in which line 2 was changed.
fn one_mutant(exercise: &str, name: &str) -> Result<Wrong, String> {
    if (exercise, name) != ("quorum_register", "reads_do_not_write_back") {
        return no_mutant(exercise, name);
    }
    let lines = ["fn answer(&mut self) {", "    self.reply();", "}"].map(str::to_owned).to_vec();
    let code = Excerpt { lines, changed: [2].into(), ..Excerpt::default() };
    Ok(Wrong { code, breaks: "reads_write_back".to_owned() })
}

fn lint_files(files: &[(&str, &str)]) -> Vec<String> {
    let rules = Rules {
        exercises: &["quorum_register", "quorum_write"],
        topics: &["cap", "consistency"],
        prove: &checker,
        mutants: &one_mutant,
        hidden_tests: &two_rules,
        in_lessons: &|_, _| false,
    };
    lint_with(files, &rules).iter().map(|d| format!("{} {d}", d.rule)).collect()
}

/// The findings of the good topic with one edit.
fn broken(find: &str, replace: &str) -> Vec<String> {
    let good = GOOD.to_owned();
    assert_eq!(good.matches(find).count(), 1, "{find:?} must stand once in the good topic");
    lint_files(&[("quizzes/consistency.toml", &good.replace(find, replace))])
}

/// One edit, one finding: its rule and message.
#[track_caller]
fn gives(find: &str, replace: &str, expected: &str) {
    let found = broken(find, replace);
    let shown: Vec<String> = found
        .iter()
        .map(|line| {
            let (rule, rest) = line.split_once(' ').expect("a rule comes first");
            let message = rest.splitn(4, ':').nth(3).expect("path, line, column, message").trim_start();
            format!("{rule} {message}")
        })
        .collect();
    assert_eq!(shown, [expected]);
}

#[test]
fn the_good_topic_has_no_finding() {
    assert_eq!(lint_files(&[("quizzes/consistency.toml", GOOD)]), Vec::<String>::new());
}

#[test]
fn a_finding_names_file_line_and_column() {
    let found = broken("exercise = \"quorum_register\"", "exercise = \"quorum_registre\"");
    assert_eq!(found, ["E01 quizzes/consistency.toml:27:1: no exercise 'quorum_registre'; did you mean 'quorum_register'?"]);
}

#[test]
fn e01_a_rule_is_one_of_the_exercise_beside_it() {
    let exercise = "exercise = \"quorum_register\"\n";
    assert_eq!(broken(exercise, &format!("{exercise}rule = \"reads_write_back\"\n")), Vec::<String>::new());
    let unknown = format!("{exercise}rule = \"reads_writeback\"\n");
    gives(exercise, &unknown, "E01 no rule 'reads_writeback' in exercises/quorum_register/README.md; did you mean 'reads_write_back'?");
    gives(
        exercise,
        "rule = \"linearizable\"\n",
        "E01 whose rule is 'linearizable'? name the exercise beside it: exercise = \"raft_election\"",
    );
}

#[test]
fn e01_names_that_exist() {
    let found = broken("topic = \"consistency\"", "topic = \"consistancy\"");
    assert_eq!(
        found,
        [
            "E01 quizzes/consistency.toml:2:1: no topic 'consistancy'; did you mean 'consistency'?",
            "E01 quizzes/consistency.toml:2:1: the file is named 'consistency' and its topic 'consistancy'; they are one name",
        ]
    );
    gives("tags = [\"trace\"]", "tags = [\"Trace it\"]", "E01 'Trace it' is no tag; write small letters, digits and '-'");
    let lonely = "[[scenario]]\nid = \"lonely\"\nkind = \"text\"\ntext = \"t\"\n\n[[scenario]]\nid = \"inversion\"";
    gives(
        "[[scenario]]\nid = \"inversion\"",
        lonely,
        "E01 no question stands on scenario 'lonely', and no lesson shows it; use it or take it out",
    );
    gives(
        "rev = 1\nkind = \"short\"",
        "rev = 1\nscenario = \"inversoin\"\nkind = \"short\"",
        "E01 no scenario 'inversoin' in this file; did you mean 'inversion'?",
    );
}

#[test]
fn e02_ids_are_unique_and_stay_retired() {
    gives(
        "id = \"name-of-the-token\"",
        "id = \"which-model\"",
        "E02 'which-model' is taken, at quizzes/consistency.toml:21; ids are unique in the bank",
    );
    gives(
        "id = \"name-of-the-token\"",
        "id = \"old-question\"",
        "E02 'old-question' was retired in quizzes/consistency.toml; a new question needs a new id",
    );
}

#[test]
fn e03_everything_has_a_reason_and_a_source() {
    gives(
        "explanation = \"Sets of W and R share a member when W + R > N.\"",
        "",
        "E03 no explanation; say what the learner should take away",
    );
    gives("sources = [{ title = \"Gifford 1979\" }]", "", "E03 no source; name a book, paper or page that says so");
    gives("{ title = \"Gifford 1979\" }", "{ title = \" \" }", "E03 a source without a title");
    gives(", why = \"C, A, B is legal without real time.\"", "", "E03 no 'option[1].why'; say why it is right or wrong");
    gives(", why = \"A lease ends; it refuses nothing.\"", "", "E03 no 'near[0].why'; say why it is right or wrong");
    gives("true = \"C, A, B does.\", ", "", "E03 no 'why.true'; say why it is right or wrong");
    gives(
        "Real time is all that is broken.",
        "c, a, b is LEGAL without real time",
        "E03 the same reason twice; say what is wrong with this one",
    );
    gives("\"Which model does this history break?\"", "\"\"", "E03 the prompt is empty; ask something");
}

#[test]
fn e04_the_number_of_options() {
    let found = broken("correct = true, why = \"Real time", "why = \"Real time");
    assert!(found[0].contains("E04 quizzes/consistency.toml:31:1: 0 options are correct; a 'single' has exactly one"), "{found:?}");
    let two = format!(
        "{MULTI}option = [\n  {{ text = \"one\", correct = true, why = \"a\" }},\n  {{ text = \"two\", why = \"b\" }},\n]\n\n{SHORT}"
    );
    gives(SHORT, &two, "E04 2 options; write 3 to 6");
    let none = format!(
        "{MULTI}option = [\n  {{ text = \"one\", why = \"a\" }},\n  {{ text = \"two\", why = \"b\" }},\n  {{ text = \"three\", why = \"c\" }},\n]\n\n{SHORT}"
    );
    gives(SHORT, &none, "E04 no option is correct; a 'multi' has at least one");
}

const SHORT: &str = "[[question]]\nid = \"name-of-the-token\"";
const MULTI: &str = "[[question]]\nid = \"more\"\nrev = 1\nkind = \"multi\"\ndifficulty = 2\nprompt = \"What else holds?\"\nexplanation = \"e\"\nsources = [{ title = \"t\" }]\n";

#[test]
fn e05_options_stand_on_their_own() {
    gives("Neither of the two models", "None of the above", "E05 'none of above' is no answer; write an option of its own");
    gives("Neither of the two models", "linearizability  ALONE!", "E05 the same option twice");
    for (text, found) in [
        ("As option B says", "option B"),
        ("The second option is nearer", "second option"),
        ("Answer C is nearer", "Answer C"),
        ("Choice 3 is nearer", "Choice 3"),
    ] {
        let expected = format!("E05 '{found}': options are shuffled; name what it says, not where it stands");
        gives("Real time is all that is broken.", text, &expected);
    }
    assert_eq!(broken("Real time is all that is broken.", "Replicas answer 3, and C must answer B next."), Vec::<String>::new());
}

#[test]
fn e06_options_fit_a_line_and_prompts_a_breath() {
    let long = "x".repeat(111);
    gives(
        "Linearizability and sequential consistency",
        &long,
        "E06 an option is one line of up to 110 characters, this has 111; shorten it",
    );
    gives(
        "Linearizability and sequential consistency",
        "Both\\nof them, that is",
        "E06 an option is one line of up to 110 characters, this has 21; shorten it",
    );
    gives(
        "Design a register that",
        &"why ".repeat(90),
        "E06 the prompt has 96 words, 90 are enough; move what it stands on into a scenario",
    );
}

#[test]
fn e06_scenarios_fit_the_screen() {
    let wide = format!("text = \"{}\"", "x".repeat(77));
    let cure = format!("E06 a line of 77 characters, up to 76 fit: '{}'; break it", "x".repeat(77));
    gives("text = \"A writes 1 slowly; B reads 1; then C reads 0\"", &wide, &cure);
}

#[test]
fn e07_accepted_words() {
    gives(
        "accept = [\"fencing token\"]",
        "accept = [\"fencing token\", \"the Number\"]",
        "E07 'the Number' stands in the prompt; ask without it",
    );
    gives(
        "accept = [\"fencing token\"]",
        "accept = [\"fencing token\", \"Fencing-Token\"]",
        "E07 'Fencing-Token' is accepted twice; case, punctuation and articles do not count",
    );
    gives("accept = [\"fencing token\"]", "accept = [\"fencing token\", \"a lease\"]", "E07 'a lease' is accepted and a near miss; choose");
}

#[test]
fn e08_numbers_prove_themselves() {
    gives("verify = \"min r: r + 4 > 5\"", "verify = \"min r: r + 3 > 5\"", "E08 verify gives 3, the answer is 2; correct one of them");
    gives("verify = \"min r: r + 4 > 5\"", "verify = \"answer > 2\"", "E08 verify does not hold for the answer 2; correct one of them");
    gives("verify = \"min r: r + 4 > 5\"", "verify = \"min r r + 4\"", "E08 verify cannot be read: ':' is missing before 'r'");
    gives("near = [{ value = 1,", "tolerance = 1\nnear = [{ value = 1,", "E08 1 is within the tolerance, so it is right; take it out");
}

#[test]
fn e09_claims_are_proved() {
    let found = broken(
        "claims = { linearizable = false, sequential = true }\n\n[[question]]",
        "claims = { linearizable = true, sequential = true }\n\n[[question]]",
    );
    assert_eq!(found[0], "E09 quizzes/consistency.toml:18:12: the checker says linearizable = false; correct the claim or the history");
    assert!(found[1].contains("this option is marked correct, and contradicts the scenario's claims"), "{found:?}");
    gives(
        "claims = { linearizable = true, sequential = true } },",
        "claims = { linearizable = false } },",
        "E09 this option is marked wrong, and agrees with the scenario's claims; correct one of them",
    );
    gives("answer = true", "answer = false", "E09 the scenario's claims contradict this answer; correct one of them");
}

#[test]
fn e09_a_client_does_one_thing_at_a_time() {
    let found = broken("client = \"C\"", "client = \"A\"");
    assert_eq!(found, ["E09 quizzes/consistency.toml:16:3: two operations of client A overlap; a client does one thing at a time"]);
}

#[test]
fn e10_orders_can_be_kept() {
    gives(
        "before = [[0, 1], [1, 2], [2, 3]]",
        "before = [[0, 1], [1, 2], [2, 1]]",
        "E10 the items [1, 2] wait for each other in a circle; take a pair out",
    );
    gives("before = [[0, 1], [1, 2], [2, 3]]", "before = [[0, 1], [1, 4]]", "E10 [1, 4] names no item; they count from 0 to 3");
    gives("before = [[0, 1], [1, 2], [2, 3]]", "before = []", "E10 every order is right; say what comes before what");
    gives(
        "\"Write it back\", \"Answer the client\"]\nbefore = [[0, 1], [1, 2], [2, 3]]",
        "]\nbefore = [[0, 1]]",
        "E10 2 items; write 3 to 8",
    );
}

#[test]
fn e11_rubrics() {
    gives(", must = true", "", "E11 no point is a must; mark what an answer cannot do without");
    gives("  { point = \"Reads write back\", weight = 2 },\n", "", "E11 3 of at least 4 points; say what else an interviewer looks for");
    let model = GOOD.lines().find(|l| l.starts_with("model_answer")).expect("it has one");
    gives(model, "model_answer = \"Quorums.\"", "E11 the model answer is too short to learn from");
}

#[test]
fn e12_prompts_differ_across_files() {
    let good = GOOD.to_owned();
    let copy = good.replace("\"consistency\"", "\"cap\"").replace("retired = [\"old-question\"]", "").replace("id = \"", "id = \"cap-");
    let copy = copy
        .replace("scenario = \"", "scenario = \"cap-")
        .replace("five nodes", "five node")
        .replace("Put the steps", "In which order do steps");
    let found = lint_files(&[("quizzes/consistency.toml", &good), ("quizzes/cap.toml", &copy)]);
    let of_e12: Vec<&String> = found.iter().filter(|f| f.starts_with("E12")).collect();
    assert_eq!(of_e12.len(), found.len(), "{found:?}");
    // The scenario questions stand on scenarios of their own, and the reworded one is another question.
    assert_eq!(of_e12.len(), 3, "{found:?}");
    assert!(
        of_e12[2].ends_with("nearly the prompt of 'design-a-register' at quizzes/consistency.toml:89; ask something else"),
        "{found:?}"
    );
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_the_others() {
    let found =
        lint_files(&[("quizzes/cap.toml", "schema = \n"), ("quizzes/consistency.toml", &GOOD.replace("answer = 2\n", "answer = 3\n"))]);
    assert!(found[0].starts_with("format quizzes/cap.toml:1:"), "{found:?}");
    assert!(found.iter().any(|f| f.contains("verify gives 2, the answer is 3")), "{found:?}");
}
