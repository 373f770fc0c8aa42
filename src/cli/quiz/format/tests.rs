use super::*;

fn errors(text: &str) -> Vec<String> {
    parse("quizzes/cap.toml", text).errors.iter().map(ToString::to_string).collect()
}

const HEAD: &str = "schema = 1\ntopic = \"cap\"\ntitle = \"CAP\"\n";

/// One question of each kind, with the fields that it must have.
const ALL_KINDS: &str = r#"
[[scenario]]
id = "s"
kind = "history"
text = "A writes"
ops = [{ client = "A", op = "write", key = "x", value = 1, start = 0, end = 3 }, { client = "B", op = "read", key = "x", value = 1, start = 1 }]
claims = { linearizable = true }

[[question]]
id = "one"
rev = 1
kind = "single"
difficulty = 2
scenario = "s"
prompt = "p"
option = [{ text = "a", correct = true, why = "w", claims = { linearizable = true } }, { text = "b" }]

[[question]]
id = "tf"
rev = 3
kind = "true-false"
difficulty = 1
prompt = "p"
answer = false
why = { true = "no" }

[[question]]
id = "steps"
rev = 1
kind = "order"
difficulty = 1
prompt = "p"
items = ["a", "b"]
before = [[0, 1]]

[[question]]
id = "word"
rev = 1
kind = "short"
difficulty = 1
prompt = "p"
accept = ["a"]
near = [{ text = "b", why = "c" }]

[[question]]
id = "number"
rev = 1
kind = "numeric"
difficulty = 1
prompt = "p"
answer = 2

[[question]]
id = "design"
rev = 1
kind = "open"
difficulty = 1
prompt = "p"
minutes = 9
model_answer = "m"
rubric = [{ point = "q", weight = 2, must = true }]
"#;

#[test]
fn every_kind_is_read() {
    let topic = load("t", &format!("{HEAD}{ALL_KINDS}")).expect("it has no errors");
    let kinds: Vec<&str> = topic.questions.iter().map(|q| q.body.kind()).collect();
    assert_eq!(kinds, ["single", "true-false", "order", "short", "numeric", "open"]);
    let scenario = topic.scenario_of(&topic.questions[0]).expect("the first question names one");
    let (history, claims) = scenario.history().expect("it is a history");
    assert_eq!((history.ops.len(), history.ops[1].end), (2, None));
    assert_eq!((claims.linearizable, claims.sequential), (Some(true), None));
    assert!(matches!(topic.questions[4].body, Body::Numeric { answer: 2.0, tolerance: 0.0, .. }), "a whole number is a number");
}

#[test]
fn a_typo_is_named_with_its_place_and_its_cure() {
    let text = format!(
        "{HEAD}\n[[question]]\nid = \"a\"\nrev = 1\nkind = \"single\"\ndifficulty = 1\nprompt = \"p\"\noption = [\n  {{ text = \"x\", corect = true }},\n  {{ txet = \"y\" }},\n]\n"
    );
    assert_eq!(
        errors(&text),
        [
            "quizzes/cap.toml:12:17: unknown field 'corect'; did you mean 'correct'?",
            "quizzes/cap.toml:13:3: missing field 'text'",
            "quizzes/cap.toml:13:5: unknown field 'txet'; did you mean 'text'?",
        ]
    );
}

#[test]
fn all_errors_of_a_file_come_out_in_one_run() {
    let text = r#"schema = 2
topic = "cap"
titel = "CAP"

[[question]]
id = "First One"
rev = "1"
kind = "numeric"
difficulty = 9
answer = "many"
promt = "p"

[[question]]
id = "b"
kind = "singel"

[[question]]
id = "c"

[[scenario]]
id = "s"
kind = "history"
text = "t"
ops = [{ client = "A", op = "wirte", key = "x", value = 1, start = 5, end = 5 }, { client = "A", op = "read", key = "x", start = 5 }]

[[question]]
id = "d"
rev = 1
kind = "order"
difficulty = 1
prompt = "p"
items = ["a", 2]
before = [[0]]
"#;
    insta::assert_snapshot!(errors(text).join("\n"), @r##"
quizzes/cap.toml:1:1: schema 2 is not known here; this program reads 1
quizzes/cap.toml:1:1: missing field 'title'
quizzes/cap.toml:3:1: unknown field 'titel'; did you mean 'title'?
quizzes/cap.toml:5:1: missing field 'prompt'
quizzes/cap.toml:6:1: 'First One' is no id; write small letters, digits and '-': 'quorum-of-five'
quizzes/cap.toml:7:7: invalid type: string "1", expected a whole number
quizzes/cap.toml:9:1: difficulty 9 is not between 1 and 5
quizzes/cap.toml:10:10: invalid type: string "many", expected a number
quizzes/cap.toml:11:1: unknown field 'promt'; did you mean 'prompt'?
quizzes/cap.toml:15:8: unknown kind 'singel'; did you mean 'single'?
quizzes/cap.toml:17:1: missing field 'kind'; it may be single, multi, true-false, order, short, numeric, open, round
quizzes/cap.toml:20:1: missing field 'claims'
quizzes/cap.toml:24:24: unknown operation 'wirte'; did you mean 'write'?
quizzes/cap.toml:24:71: it ends at or before its start, 5
quizzes/cap.toml:24:82: missing field 'value'
quizzes/cap.toml:32:15: invalid type: integer '2', expected a string
quizzes/cap.toml:33:11: invalid length 1, expected two numbers
"##);
}

#[test]
fn broken_toml_is_said_at_its_place() {
    insta::assert_snapshot!(errors("schema = 1\ntopic = \"cap\ntitle = 3 4\n[[question]\n").join("\n"), @r##"
quizzes/cap.toml:2:13: invalid basic string, expected `"`
quizzes/cap.toml:3:9: string values must be quoted, expected literal string
quizzes/cap.toml:4:12: unclosed array table, expected `]`
"##);
}

#[test]
fn control_and_hidden_characters_are_refused() {
    let text = "schema = 1\ntopic = \"cap\"\ntitle = \"a\\u001b[31mred\\u202e\"\n[[question]]\nkind = \"sin\\u001bgle\"\n";
    insta::assert_snapshot!(errors(text).join("\n"), @r##"
quizzes/cap.toml:3:9: the character \u{1b} may not stand in a text; take it out
quizzes/cap.toml:5:8: the character \u{1b} may not stand in a text; take it out
quizzes/cap.toml:5:8: unknown kind 'sin\u{1b}gle'; did you mean 'single'?
"##);
}

#[test]
fn an_array_where_a_table_belongs_is_an_error_and_no_panic() {
    insta::assert_snapshot!(errors(&format!("{HEAD}question = 3\nscenario = [1, \"x\"]\n")).join("\n"), @r##"
quizzes/cap.toml:4:12: 'question' must be a list of tables: [[question]]
quizzes/cap.toml:5:13: a table belongs here: [[scenario]]
quizzes/cap.toml:5:16: a table belongs here: [[scenario]]
"##);
    insta::assert_snapshot!(errors(&format!("{HEAD}question = [1, [2], {{ kind = \"open\", rubric = 7 }}]\n")).join("\n"), @r##"
quizzes/cap.toml:4:13: a table belongs here: [[question]]
quizzes/cap.toml:4:16: a table belongs here: [[question]]
quizzes/cap.toml:4:21: missing field 'minutes'
quizzes/cap.toml:4:21: missing field 'model_answer'
quizzes/cap.toml:4:21: missing field 'id'
quizzes/cap.toml:4:21: missing field 'rev'
quizzes/cap.toml:4:21: missing field 'difficulty'
quizzes/cap.toml:4:21: missing field 'prompt'
quizzes/cap.toml:4:47: invalid type: integer '7', expected a list
"##);
}

#[test]
fn no_scrambled_file_panics() {
    let whole = format!("{HEAD}{ALL_KINDS}");
    let lines: Vec<&str> = whole.lines().collect();
    let mut rng = crate::rng::Rng::new(4);
    for _ in 0..3_000 {
        let mut text = String::new();
        for line in &lines {
            match rng.below(12) {
                0 => {}
                1 => text.push_str(rng.pick(&lines).copied().unwrap_or_default()),
                2 => text.extend(line.chars().filter(|_| rng.below(9) > 0)),
                _ => text.push_str(line),
            }
            text.push('\n');
        }
        let parsed = parse("t", &text);
        assert!(parsed.errors.iter().all(|e| e.place.line <= lines.len() + 1));
    }
}
