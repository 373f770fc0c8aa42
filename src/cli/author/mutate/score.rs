//! `tests/mutants/<id>.score.toml`: what came of an exercise's mutants, and a fingerprint of all that it hangs on. Written by
//! `dev mutate`, read by `dev sync` and the tests.

use super::equivalent::{Class, Row};
use super::matrix::Mutant;
use super::program::RUNTIME;
use crate::cli::disk;
use crate::cli::error::{Result, Trouble};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// A mutant that passes, and nobody has said why it may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hole {
    pub operator: String,
    pub function: String,
    pub line: usize,
    pub text: String,
    /// The statement that it stands within, or its line, if it is not the statement that is changed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub within: String,
    /// False if it did the same as the reference in the whole judging: what would tell it apart never happened.
    pub differs: bool,
}

/// What came of the mutants of one exercise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    pub exercise: String,
    /// Of engine, judge, contract, reference, rows and operators, when this was judged.
    pub fingerprint: String,
    /// Statements whose deletion is refused.
    pub statements: usize,
    /// Those of which every guard and every narrowing is refused, or has a reason to pass.
    pub closed: usize,
    pub mutants: usize,
    pub refused: usize,
    pub equivalent: usize,
    pub allowed: usize,
    pub unreached: usize,
    #[serde(default, rename = "hole")]
    pub holes: Vec<Hole>,
}

impl Score {
    /// Counts. `judged` has each mutant with the rule that refuses it.
    pub fn of(exercise: &str, fingerprint: String, judged: &[(Mutant, Option<String>)], rows: &[Row]) -> Score {
        let mut score = Score {
            exercise: exercise.to_owned(),
            fingerprint,
            statements: 0,
            closed: 0,
            mutants: judged.len(),
            refused: 0,
            equivalent: 0,
            allowed: 0,
            unreached: 0,
            holes: Vec::new(),
        };
        let mut statements: BTreeMap<usize, bool> = BTreeMap::new();
        for (mutant, refused) in judged {
            if let (Some(at), "delete", Some(_)) = (mutant.statement, mutant.operator.as_str(), refused) {
                statements.insert(at, true);
            }
        }
        for (mutant, refused) in judged {
            let class = rows.iter().find(|row| row.covers(mutant)).map(|row| row.class);
            let open = match (refused, class) {
                (Some(_), _) => {
                    score.refused += 1;
                    false
                }
                (None, Some(Class::Equivalent)) => {
                    score.equivalent += 1;
                    false
                }
                (None, Some(Class::Allowed)) => {
                    score.allowed += 1;
                    false
                }
                (None, Some(Class::Unreached)) => {
                    score.unreached += 1;
                    true
                }
                (None, None) => {
                    score.holes.push(Hole {
                        operator: mutant.operator.clone(),
                        function: mutant.function.clone(),
                        line: mutant.line,
                        text: mutant.text.clone(),
                        within: if mutant.text.starts_with(&mutant.within) { String::new() } else { mutant.within.clone() },
                        differs: mutant.differs,
                    });
                    true
                }
            };
            let in_matrix = matches!(mutant.operator.as_str(), "guard" | "narrow");
            if let Some(closed) = mutant.statement.filter(|_| open && in_matrix).and_then(|at| statements.get_mut(&at)) {
                *closed = false;
            }
        }
        score.statements = statements.len();
        score.closed = statements.values().filter(|closed| **closed).count();
        score
    }

    /// The score that is written down; nothing if there is none.
    ///
    /// # Errors
    /// A file that is none.
    pub fn read(root: &Path, id: &str) -> Result<Option<Score>> {
        let path = path(id);
        let Ok(text) = disk::read_text(&root.join(&path)) else { return Ok(None) };
        let said =
            |e: toml::de::Error| Trouble::environment(format!("{path}: {}: `splitbrain dev mutate {id}` writes it anew", e.message()));
        toml::from_str(&text).map(Some).map_err(said)
    }

    /// Writes it down.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, root: &Path) -> Result<()> {
        let mut text = "# What came of the mutants of the reference. Written by `splitbrain dev mutate`.\n".to_owned();
        let body = toml::to_string(self).map_err(|e| Trouble::bug(format!("the score cannot be written: {e}")))?;
        let _ = write!(text, "{body}");
        disk::write_atomically(&root.join(path(&self.exercise)), &text)
    }
}

/// Where it stands.
pub fn path(id: &str) -> String {
    format!("tests/mutants/{id}.score.toml")
}

/// Where the rows stand.
pub fn rows_path(id: &str) -> String {
    format!("tests/mutants/{id}.equivalent.toml")
}

/// What the operators are made of: another program may have other mutants.
const OWN: [&str; 7] = [
    include_str!("../functions.rs"),
    include_str!("matrix.rs"),
    include_str!("operators.rs"),
    include_str!("places.rs"),
    include_str!("program.rs"),
    include_str!("types.rs"),
    RUNTIME,
];

/// Whether sentences count: the words of rules and findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sentences {
    /// For what shows them.
    Count,
    /// For what hangs on verdicts alone: a better word is no reason to judge for an hour. Of a sentence only what it fills in counts.
    Pass,
}

/// A string of so many words is a sentence: names, ids and what a clue looks for are shorter.
const SENTENCE: usize = 3;

/// A fingerprint of all that a judging hangs on. What only people read, comments and the form, and tests, is no part of it, nor are rooms of the
/// kit that are compiled for other exercises alone.
///
/// # Errors
/// A file that cannot be read.
pub fn fingerprint(root: &Path, id: &str, sentences: Sentences) -> Result<String> {
    let mut paths = BTreeSet::from([root.join(format!("solutions/{id}.rs")), root.join(rows_path(id))]);
    for folder in ["engine/src", KIT, &format!("src/exercises/{id}")] {
        files(&root.join(folder), &mut paths);
    }
    let map = root.join(KIT).join("mod.rs");
    let (map_for_it, others) = rooms(&disk::read_text(&map).unwrap_or_default(), id);
    paths.retain(|path| {
        !others.iter().any(|room| path == &map.with_file_name(format!("{room}.rs")) || path.starts_with(map.with_file_name(room)))
    });
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix = |text: &str| {
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for path in paths.into_iter().filter(|path| decides(path)) {
        let Ok(text) = (if path == map { Ok(map_for_it.clone()) } else { disk::read_text(&path) }) else { continue };
        mix(&path.strip_prefix(root).unwrap_or(&path).display().to_string());
        // The text of a row is code that it looks for.
        mix(&essence(&text, if path.extension().is_some_and(|e| e == "rs") { sentences } else { Sentences::Count }));
    }
    OWN.iter().for_each(|text| mix(&essence(text, Sentences::Count)));
    Ok(format!("{hash:016x}"))
}

/// What judges share.
const KIT: &str = "src/exercises/kit";

/// The kit's map without the items that a `cfg` keeps for the features of other exercises, and the names of such modules. Only a choice among
/// features is understood: any other condition stands for every exercise.
fn rooms(map: &str, id: &str) -> (String, BTreeSet<String>) {
    let Ok(tokens) = map.parse::<TokenStream>() else { return (map.to_owned(), BTreeSet::new()) };
    let own = format!("feature=\"{id}\"");
    let elsewhere = |said: &str| {
        let Some(said) = said.strip_prefix("cfg(").and_then(|said| said.strip_suffix(')')) else { return false };
        let choice = said.strip_prefix("any(").and_then(|said| said.strip_suffix(')')).unwrap_or(said);
        choice.split(',').all(|part| part.starts_with("feature=") && part != own)
    };
    let (mut kept, mut others) = (Vec::new(), BTreeSet::new());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if !(matches!(&token, TokenTree::Punct(p) if p.as_char() == '#') && tokens.peek().is_some_and(|t| elsewhere(&attribute(t)))) {
            kept.push(token);
            continue;
        }
        let ends = |t: &TokenTree| {
            matches!(t, TokenTree::Punct(p) if p.as_char() == ';') || matches!(t, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace)
        };
        let item: Vec<String> = tokens.by_ref().take_while(|t| !ends(t)).map(|t| t.to_string()).collect();
        others.extend(item.windows(2).filter(|pair| pair[0] == "mod").map(|pair| pair[1].clone()));
    }
    (kept.into_iter().collect::<TokenStream>().to_string(), others)
}

/// Whether a verdict can hang on a file. How a run is shrunk and shown, which broken rule leads, and where to look, is worked out when a
/// rule is broken; and that the engine's files are laid out for learners is a list of them.
fn decides(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let shows = path.parent().is_some_and(|folder| folder.ancestors().any(|f| f.ends_with("engine/src/trace")));
    let shrinks = ["shrink.rs", "smaller.rs", "weaken.rs", "leads.rs"].contains(&name);
    let lists = path.ends_with("engine/src/sources.rs");
    !name.ends_with("clues.rs") && !shrinks && !lists && (!shows || name == "tape.rs")
}

fn files(folder: &Path, paths: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if name != "tests" {
                files(&path, paths);
            }
        } else if name != "tests.rs" && path.extension().is_some_and(|e| e == "rs") {
            paths.insert(path);
        }
    }
}

/// Code without comments, form and tests; any other text as it is.
fn essence(text: &str, sentences: Sentences) -> String {
    let mut out = String::new();
    match text.parse::<TokenStream>() {
        Ok(tokens) => write_essence(tokens, sentences, &mut out),
        Err(_) => out.push_str(text),
    }
    out
}

fn write_essence(tokens: TokenStream, sentences: Sentences, out: &mut String) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(p) if p.as_char() == '#' => {
                let _ = tokens.next_if(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == '!'));
                if tokens.next_if(|t| attribute(t).starts_with("cfg(test)")).is_some() {
                    // And what it stands before.
                    while let Some(token) = tokens.next()
                        && !matches!(&token, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace)
                        && !matches!(&token, TokenTree::Punct(p) if p.as_char() == ';')
                    {}
                } else if tokens.next_if(|t| attribute(t).starts_with("doc=")).is_none() {
                    out.push('#');
                }
            }
            TokenTree::Group(g) => {
                let (open, close) = match g.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                let from = out.len();
                write_essence(g.stream(), sentences, out);
                // Behind the last of several a comma is form; behind a single one it makes a tuple.
                if let Some(list) = out[from..].strip_suffix(", ").filter(|list| list.contains(',')) {
                    out.truncate(from + list.len());
                }
                out.push_str(close);
            }
            TokenTree::Literal(literal) if sentences == Sentences::Pass => out.push_str(&of_literal(&literal.to_string())),
            other => {
                let _ = write!(out, "{other} ");
            }
        }
    }
}

/// A literal; of a sentence only what stands in braces, and of names not their order.
fn of_literal(literal: &str) -> String {
    let sentence = literal.strip_prefix('"').filter(|text| text.split_whitespace().count() >= SENTENCE);
    let Some(sentence) = sentence else { return format!("{literal} ") };
    let mut filled: Vec<&str> = sentence.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
    filled.sort_by_key(|name| name.split(':').next());
    format!("\"{}\" ", filled.iter().map(|name| format!("{{{name}}}")).collect::<String>())
}

/// What stands in the brackets of an attribute, without spaces.
fn attribute(token: &TokenTree) -> String {
    match token {
        TokenTree::Group(g) if g.delimiter() == Delimiter::Bracket => g.stream().to_string().split_whitespace().collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(operator: &str, text: &str, statement: usize) -> Mutant {
        Mutant {
            operator: operator.to_owned(),
            function: "f".to_owned(),
            line: 1,
            text: text.to_owned(),
            statement: Some(statement),
            within: String::new(),
            program: String::new(),
            differs: true,
        }
    }

    #[test]
    fn a_statement_is_closed_if_nothing_of_its_matrix_is_open() {
        let refused = Some("r".to_owned());
        let judged = [
            (mutant("delete", "a", 1), refused.clone()),
            (mutant("guard", "a unless x", 1), refused.clone()),
            (mutant("narrow", "a in 8 bits", 1), None),
            (mutant("delete", "b", 2), refused.clone()),
            (mutant("guard", "b unless x", 2), None),
            (mutant("delete", "c", 3), refused),
            (mutant("guard", "c unless x", 3), None),
            (mutant("delete", "d", 4), None),
        ];
        let row = |operator: &str, text: &str, class: &str| {
            format!("[[passes]]\noperator = \"{operator}\"\nfunction = \"*\"\ntext = \"{text}\"\nclass = \"{class}\"\nreason = \"r\"\n")
        };
        let rows = row("narrow", "*", "equivalent") + &row("delete", "d", "allowed") + &row("guard", "c *", "unreached");
        let score = Score::of("x", String::new(), &judged, &super::super::equivalent::rows("x", &rows, "").unwrap());
        assert_eq!((score.statements, score.closed), (3, 1));
        assert_eq!((score.mutants, score.refused, score.equivalent, score.allowed, score.unreached), (8, 4, 1, 1, 1));
        assert_eq!(score.holes.iter().map(|h| h.text.as_str()).collect::<Vec<_>>(), ["b unless x"]);
    }

    #[test]
    fn a_score_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("tests/mutants")).unwrap();
        let judged = [(mutant("guard", "self.save(cx); unless \"x\"", 1), None)];
        let score = Score::of("x", "abc".to_owned(), &judged, &[]);
        assert_eq!(Score::read(dir.path(), "x").unwrap(), None);
        score.write(dir.path()).unwrap();
        assert_eq!(Score::read(dir.path(), "x").unwrap(), Some(score));
        fs::write(dir.path().join(path("x")), "exercise = 3\n").unwrap();
        assert!(Score::read(dir.path(), "x").unwrap_err().message.contains("`splitbrain dev mutate x` writes it anew"));
    }

    #[test]
    fn how_a_run_is_shown_makes_no_score_stale() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let print = || fingerprint(dir.path(), "x", Sentences::Pass).unwrap();
        for path in [
            "engine/src/sim/world/mod.rs",
            "engine/src/trace/tape.rs",
            "engine/src/trace/page/row.rs",
            "src/exercises/kit/counters/clues.rs",
            "engine/src/sim/storm/shrink.rs",
            "engine/src/report/leads.rs",
            "engine/src/sources.rs",
        ] {
            put(path, "fn f() {}\n");
        }
        let before = print();
        for shows in [
            "engine/src/trace/page/row.rs",
            "engine/src/trace/mod.rs",
            "src/exercises/kit/counters/clues.rs",
            "engine/src/sim/storm/shrink.rs",
            "engine/src/report/leads.rs",
            "engine/src/sources.rs",
        ] {
            put(shows, "fn f() { g() }\n");
        }
        assert_eq!(print(), before);
        for decides in ["engine/src/sim/world/mod.rs", "engine/src/trace/tape.rs", "solutions/x.rs", "src/exercises/x/judge/spec.rs"] {
            let before = print();
            put(decides, "fn f() { g() }\n");
            assert_ne!(print(), before, "{decides}");
        }
    }

    #[test]
    fn a_room_of_the_kit_for_other_exercises_makes_no_score_stale() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let prints = || ["x", "y"].map(|id| fingerprint(dir.path(), id, Sentences::Pass).unwrap());
        put("src/exercises/kit/mod.rs", "mod all;\nuse all::A;\n");
        put("src/exercises/kit/all.rs", "fn f() {}\n");
        let before = prints();
        put("src/exercises/kit/mod.rs", "mod all;\n#[cfg(any(feature = \"y\", feature = \"z\"))]\npub(crate) mod some;\nuse all::A;\n");
        for path in ["src/exercises/kit/some/mod.rs", "src/exercises/kit/some/more.rs"] {
            put(path, "fn f() {}\n");
        }
        let after = prints();
        assert_eq!(before[0], after[0]);
        assert_ne!(before[1], after[1]);
        put("src/exercises/kit/some/more.rs", "fn f() { g() }\n");
        assert_eq!(prints()[0], after[0]);
        assert_ne!(prints()[1], after[1]);
        // A condition that is something else is everybody's, and what follows an item with a body is not part of it.
        put("src/exercises/kit/mod.rs", "mod all;\n#[cfg(any(feature = \"y\", debug_assertions))]\npub(crate) mod some;\nuse all::A;\n");
        assert_ne!(prints()[0], after[0]);
        let body =
            |f: &str| put("src/exercises/kit/mod.rs", &format!("#[cfg(feature = \"y\")]\nfn f() {{ {f} }}\nmod all;\nuse all::A;\n"));
        body("a()");
        let before = prints();
        body("b()");
        assert_eq!(prints()[0], before[0]);
        assert_ne!(prints()[1], before[1]);
        assert_eq!(rooms("#[cfg(feature = \"y\")]\nfn f() { }\nmod all;", "x").0.matches("mod all").count(), 1);
        put("src/exercises/kit/mod.rs", "mod all;\n#[cfg(not(feature = \"y\"))]\npub(crate) mod some;\nuse all::A;\n");
        assert_ne!(prints()[0], after[0]);
    }

    #[test]
    fn only_what_a_program_does_is_its_essence() {
        let essence = |code: &str| essence(code, Sentences::Pass);
        let code = "/// Says x.\n#[derive(Clone)]\nstruct A { b: u8 } // end\n";
        assert_eq!(essence(code), essence("#![doc = \"m\"] #[derive(Clone)] struct A {\n    b: u8\n}"));
        assert_eq!(
            essence(code),
            essence("#[cfg(test)] mod tests;\n#[derive(Clone)] struct A { b: u8 }\n#[cfg(test)]\nmod more { fn f() {} }\n")
        );
        assert_ne!(essence(code), essence("#[derive(Clone)] struct A { b: u16 }"));
        assert_ne!(essence(code), essence("#[derive(Debug)] struct A { b: u8 }"));
    }

    #[test]
    fn a_better_word_makes_no_score_stale() {
        let both = |code: &str| [Sentences::Pass, Sentences::Count].map(|sentences| essence(code, sentences));
        let [before, with_words] = both(r#"fn f(n: u8) { g("ends", format!("node {n} is not to be had: {{}} {:>3}", n)) }"#);
        let [better, other_words] = both(r#"fn f(n: u8) { g("ends", format!("nobody reaches {n}; {:>3}", n)) }"#);
        assert!(before.contains(r#""ends""#) && before.contains("{n}") && before.contains("{:>3}") && !before.contains("had"), "{before}");
        assert_ne!(with_words, other_words);
        // What is looked for, and what is filled in, decides.
        for other in [r#"g("ends up")"#, r#"g("an {a} and {b}")"#, r#"g("two and {a}")"#, "g(b\"one two three\")"] {
            let changed = other.replace("ends", "end").replace("{a}", "{c}").replace("three", "four");
            assert_ne!(both(other)[0], both(&changed)[0], "{other}");
        }
        assert_eq!(before.replace("{}", ""), better);
        // The order of names, and the comma behind the last of a list, hang on words and lines.
        assert_eq!(both(r#"f(a, "{x} and {y:?} or", ("b", ), )"#)[0], both(r#"f(a, "or {y:?} and {x}", ("b",))"#)[0]);
        assert_ne!(both(r#"f(a, "{} and {:?} or")"#)[0], both(r#"f(a, "or {:?} and {}")"#)[0]);
        assert_ne!(both("(a, )")[0], both("(a)")[0]);
    }
}
