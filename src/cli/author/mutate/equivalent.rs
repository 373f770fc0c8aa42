//! `tests/mutants/<id>.equivalent.toml`: which mutants may pass, and why. A row covers every mutant whose operator, function and text
//! match, where `*` stands for anything; and, where one text is that of several mutants, the statement that it stands within, or, of a
//! classical change, its line, or the arm of a `match`.

use super::matrix::{Mutant, OPERATORS};
use crate::cli::nearest::{did_you_mean, nearest};
use crate::cli::toml_reader::{At, Problem, Reader};
use std::collections::BTreeSet;
use std::ops::Range;
use toml::de::DeValue;

/// Why a mutant may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// In every run that the contract allows it does what the reference does.
    Equivalent,
    /// It does something else, and README permits that.
    Allowed,
    /// It is wrong only where no budget comes: said, and not hidden.
    Unreached,
}

impl Class {
    pub const NAMES: [&str; 3] = ["equivalent", "allowed", "unreached"];

    fn parse(text: &str) -> Option<Class> {
        [Class::Equivalent, Class::Allowed, Class::Unreached].into_iter().zip(Self::NAMES).find(|(_, name)| *name == text).map(|(c, _)| c)
    }
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    operator: String,
    function: String,
    /// One or several.
    texts: Vec<String>,
    /// The statement, or the line, if several have such a mutant.
    within: Option<String>,
    /// The lines that are meant, if several have such a mutant.
    lines: Option<BTreeSet<usize>>,
    /// Only where it never made a difference, if others of the same text do.
    idle: bool,
    pub class: Class,
    at: Range<usize>,
}

impl Row {
    pub fn covers(&self, mutant: &Mutant) -> bool {
        matches(&self.operator, &mutant.operator)
            && matches(&self.function, &mutant.function)
            && self.texts.iter().any(|text| matches(text, &mutant.text))
            && self.within.as_ref().is_none_or(|within| matches(within, &mutant.within))
            && self.lines.as_ref().is_none_or(|lines| lines.contains(&mutant.line))
            && !(self.idle && mutant.differs)
    }
}

/// Whether a text is what a pattern says; `*` is anything, and `\*` is a star.
fn matches(pattern: &str, text: &str) -> bool {
    // A star that is meant is another character for a moment, which stands in no source.
    let (pattern, text) = (pattern.replace("\\*", "\u{1}"), &text.replace('*', "\u{1}"));
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The lines that stand in an arm of a `match` whose pattern is so: it begins at the nearest `=>` above them, or on them.
fn lines_of_arm(pattern: &str, source: &str) -> BTreeSet<usize> {
    let mut arm = "";
    let lines = source.lines().enumerate().filter(|(_, line)| {
        arm = line.split_once(" => ").or_else(|| line.split_once(" =>")).map_or(arm, |(arm, _)| arm.trim());
        matches(pattern, arm)
    });
    lines.map(|(at, _)| at + 1).collect()
}

/// The lines of which this is the text.
fn lines_with(pattern: &str, source: &str) -> BTreeSet<usize> {
    (1..).zip(source.lines()).filter(|(_, line)| matches(pattern, line.trim())).map(|(at, _)| at).collect()
}

/// The rows of a file, for this reference.
///
/// # Errors
/// Every mistake in it.
pub fn rows(path: &str, text: &str, source: &str) -> Result<Vec<Row>, Vec<Problem>> {
    let (mut reader, table) = Reader::parse(path, text);
    let top: At<'_, '_> = (table.get_ref(), table.span());
    reader.only(&top, &["passes"]);
    let mut rows = Vec::new();
    let tables = if top.0.contains_key("passes") { reader.tables(&top, "passes", "[[passes]]") } else { Vec::new() };
    for at in tables {
        reader.only(&at, &["operator", "function", "text", "within", "arm", "on", "where", "class", "reason"]);
        let operator = reader.string(&at, "operator", "\"guard\"");
        let function = reader.string(&at, "function", "\"Raft::follow\"");
        let is_list = at.0.get("text").is_some_and(|value| matches!(value.get_ref(), DeValue::Array(_)));
        let texts = if is_list {
            reader.strings(&at, "text", "[\"self.save(cx) unless *\"]").map(|(texts, _)| texts.into_iter().map(|(text, _)| text).collect())
        } else {
            reader.string(&at, "text", "\"self.save(cx) unless *\"").map(|(text, _)| vec![text])
        };
        let within =
            at.0.contains_key("within").then(|| reader.string(&at, "within", "\"self.ask(*\"")).flatten().map(|(within, _)| within);
        let mut lines: Option<BTreeSet<usize>> = None;
        let arm = at.0.contains_key("arm").then(|| reader.string(&at, "arm", "\"Outcome::Paid\"")).flatten();
        let on = at.0.contains_key("on").then(|| reader.string(&at, "on", "\"let ttl = *\"")).flatten();
        let meant = arm.map(|(arm, said)| (lines_of_arm(&arm, source), format!("no arm `{arm} => …`"), said));
        let meant = meant.into_iter().chain(on.map(|(on, said)| (lines_with(&on, source), format!("no line `{on}`"), said)));
        for (found, what, said) in meant {
            if found.is_empty() {
                reader.report(said, format!("the reference has {what}"));
            }
            lines = Some(lines.map_or_else(|| found.clone(), |lines| &lines & &found));
        }
        let idle = reader.optional_string(&at, "where", "\"idle\"").is_some_and(|(text, said)| {
            if text != "idle" {
                reader.problem(said, format!("`where` is {text:?}"), "write \"idle\" (where it never made a difference), or delete it");
            }
            true
        });
        let class = reader.string(&at, "class", "\"equivalent\"");
        let reason = reader.string(&at, "reason", "\"A leader has no election timer.\"");
        if let Some((operator, of)) = &operator
            && operator != "*"
            && !OPERATORS.contains(&operator.as_str())
        {
            let near = did_you_mean(operator, OPERATORS);
            reader.report(of.clone(), format!("there is no operator `{operator}`{near}"));
        }
        let class = class.and_then(|(class, said)| {
            let known = Class::parse(&class);
            if known.is_none() {
                let near = did_you_mean(&class, Class::NAMES);
                reader.report(said, format!("there is no class `{class}`{near}"));
            }
            known
        });
        if let (Some((operator, _)), Some((function, _)), Some(texts), Some(class), Some(_)) = (operator, function, texts, class, reason) {
            rows.push(Row { operator, function, texts, within, lines, idle, class, at: at.1.clone() });
        }
    }
    if reader.problems.is_empty() { Ok(rows) } else { Err(reader.sorted()) }
}

/// What is wrong with the rows, now that the mutants are judged: one with a text that covers nothing, and one that covers what is refused.
pub fn wrong_rows(path: &str, text: &str, rows: &[Row], mutants: &[(Mutant, Option<String>)]) -> Vec<Problem> {
    let (mut reader, _) = Reader::parse(path, text);
    for row in rows {
        for text in &row.texts {
            let alone = Row { texts: vec![text.clone()], ..row.clone() };
            if !mutants.iter().any(|(m, _)| alone.covers(m)) {
                let near = nearest_to(row, text, mutants).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                reader.report(row.at.clone(), format!("`{text}` covers no mutant that is judged{near} Mend it, or delete it"));
            }
        }
        let covered: Vec<_> = mutants.iter().filter(|(m, _)| row.covers(m)).collect();
        let refused: Vec<_> = covered.iter().filter_map(|(m, rule)| Some((m, rule.as_ref()?))).collect();
        if let Some((first, rule)) = refused.first() {
            let said = format!("{} of the {} mutants of this row are refused, `{}` by {rule}", refused.len(), covered.len(), first.text);
            reader.problem(row.at.clone(), said, "narrow its text, or delete it");
        }
    }
    reader.sorted()
}

/// What a row that covers nothing was perhaps meant to say.
fn nearest_to<'m>(row: &Row, text: &str, mutants: &'m [(Mutant, Option<String>)]) -> Option<&'m str> {
    let functions = mutants.iter().map(|(m, _)| m.function.as_str());
    if !functions.clone().any(|function| matches(&row.function, function)) {
        return nearest(&row.function, functions);
    }
    let of_the_row = |m: &Mutant| matches(&row.function, &m.function) && matches(&row.operator, &m.operator);
    nearest(text, mutants.iter().filter(|(m, _)| of_the_row(m)).map(|(m, _)| m.text.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        rows("x.equivalent.toml", text, "").unwrap_err().iter().map(ToString::to_string).collect()
    }

    const ROW: &str = "[[passes]]\noperator = \"guard\"\nfunction = \"Raft::*\"\ntext = \"self.save(cx); unless self.term >= *\"\nclass = \"equivalent\"\nreason = \"r\"\n";

    fn mutant(function: &str, text: &str) -> Mutant {
        Mutant {
            operator: "guard".to_owned(),
            function: function.to_owned(),
            line: 1,
            text: text.to_owned(),
            statement: None,
            within: String::new(),
            program: String::new(),
            differs: true,
        }
    }

    #[test]
    fn a_star_is_anything() {
        for (pattern, text, is) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("*b*", "abc", true),
            ("abc", "abcd", false),
            ("a*b*c", "axbxc", true),
            ("a => a \\* 1", "a => a * 1", true),
            ("a => a \\* 1", "a => a - 1", false),
            ("*have \\* *", "*have * 2", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, text), is, "{pattern} {text}");
        }
    }

    #[test]
    fn a_row_covers_a_family() {
        let rows = rows("x", ROW, "").unwrap();
        assert_eq!(rows[0].class, Class::Equivalent);
        assert!(rows[0].covers(&mutant("Raft::follow", "self.save(cx); unless self.term >= 256")));
        let several =
            super::rows("x", &ROW.replace("text = \"self.save(cx); unless self.term >= *\"", "text = [\"a\", \"b *\"]"), "").unwrap();
        assert!(several[0].covers(&mutant("Raft::a", "b unless x")) && !several[0].covers(&mutant("Raft::a", "a unless x")));
        assert!(!rows[0].covers(&mutant("newer", "self.save(cx); unless self.term >= 256")));
        assert!(!rows[0].covers(&mutant("Raft::follow", "self.save(cx); unless self.term is odd")));
    }

    #[test]
    fn a_row_may_say_which_of_several_statements() {
        let rows = rows("x", &ROW.replace("class", "within = \"self.save(*\"\nclass"), "").unwrap();
        let of = |within: &str| Mutant { within: within.to_owned(), ..mutant("Raft::follow", "self.save(cx); unless self.term >= 256") };
        assert!(rows[0].covers(&of("self.save(cx);")) && !rows[0].covers(&of("self.send(cx);")));
        let idle = super::rows("x", &ROW.replace("class", "where = \"idle\"\nclass"), "").unwrap();
        assert!(!idle[0].covers(&of("")) && idle[0].covers(&Mutant { differs: false, ..of("") }));
        assert_eq!(
            said(&ROW.replace("class", "where = \"here\"\nclass")),
            ["x.equivalent.toml:5:9: `where` is \"here\"; write \"idle\" (where it never made a difference), or delete it"]
        );
    }

    #[test]
    fn a_row_may_say_which_arm() {
        let source = "match a {\n    A(b) => {\n        go();\n    }\n    B | C =>\n        go(),\n    D if d => go(),\n}\n";
        let in_arm = |arm: &str| {
            let rows = rows("x", &ROW.replace("class", &format!("arm = \"{arm}\"\nclass")), source).unwrap();
            let at = |line: usize| Mutant { line, ..mutant("Raft::a", "self.save(cx); unless self.term >= 3") };
            (1..=7).filter(|line| rows[0].covers(&at(*line))).collect::<Vec<_>>()
        };
        assert_eq!([in_arm("A(*)"), in_arm("B | C"), in_arm("D *")], [vec![2, 3, 4], vec![5, 6], vec![7]]);
        assert_eq!(said(&ROW.replace("class", "arm = \"E\"\nclass")), ["x.equivalent.toml:5:7: the reference has no arm `E => …`"]);
    }

    #[test]
    fn mistakes_are_said_with_their_line() {
        assert_eq!(
            said(&ROW.replace("\"guard\"", "\"gard\"")),
            ["x.equivalent.toml:2:12: there is no operator `gard`; did you mean 'guard'?"]
        );
        assert_eq!(
            said(&ROW.replace("\"equivalent\"", "\"equal\"")),
            ["x.equivalent.toml:5:9: there is no class `equal`; it may be equivalent, allowed, unreached"]
        );
        let several = said(&ROW.replace("reason", "reson").replace("guard", "gard"));
        for part in ["unknown key `reson`; did you mean `reason`?", "`reason` is missing", "there is no operator `gard`"] {
            assert!(several.iter().any(|p| p.contains(part)), "{several:?}");
        }
        assert!(said("[[pass]]\n")[0].contains("unknown key `pass`; did you mean `passes`?"));
    }

    #[test]
    fn a_row_of_nothing_and_a_row_of_what_is_refused_are_said() {
        let all = rows("x", ROW, "").unwrap();
        let said = |mutants: &[(Mutant, Option<String>)]| -> Vec<String> {
            wrong_rows("x.toml", ROW, &all, mutants).iter().map(ToString::to_string).collect()
        };
        let passes = (mutant("Raft::a", "self.save(cx); unless self.term >= 10"), None);
        let refused = (mutant("Raft::a", "self.save(cx); unless self.term >= 3"), Some("votes".to_owned()));
        assert!(said(std::slice::from_ref(&passes)).is_empty());
        assert_eq!(
            said(&[passes, refused]),
            [
                "x.toml:1:1: 1 of the 2 mutants of this row are refused, `self.save(cx); unless self.term >= 3` by votes; narrow its text, or delete it"
            ]
        );
        let other = (mutant("Raft::a", "self.save(cx); unless self.trm >= 3"), None);
        assert_eq!(
            said(&[other]),
            [
                "x.toml:1:1: `self.save(cx); unless self.term >= *` covers no mutant that is judged; did you mean `self.save(cx); unless self.trm >= 3`? Mend it, or delete it"
            ]
        );
    }
}
