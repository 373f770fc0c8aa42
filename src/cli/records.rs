//! How a state file is written: TOML with one record a line. So a difference is small, and git's union merge, which keeps the
//! lines of both sides, leaves a file that holds the records of both. [`read`] takes such a file, where a key may stand twice, and
//! finds the two sides of one in which git has marked a conflict. Knows nothing of what the records mean.

use serde::Deserialize as _;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use toml::{Table, Value};

/// What a text is.
#[derive(Debug, PartialEq)]
pub enum Read {
    /// One table; or several to be put together, of a file in which a union merge left keys twice.
    Tables(Vec<Table>),
    /// git could not merge it: the line of the first mark, from 1, and the text of each side.
    Conflict(usize, [String; 2]),
    /// No TOML: why.
    Broken(String),
}

/// The text of a table.
#[must_use]
pub fn text_of(table: &Table) -> String {
    let is_records = |value: &Value| value.as_array().is_some_and(|rows| !rows.is_empty() && rows.iter().all(Value::is_table));
    let mut text = String::new();
    for (key, value) in table.iter().filter(|(_, value)| !value.is_table() && !is_records(value)) {
        text.push_str(&format!("{} = {}\n", key_of(key), inline(value)));
    }
    for (key, rows) in table.iter().filter(|(_, value)| is_records(value)) {
        text.push_str(&format!("{} = [\n", key_of(key)));
        for row in rows.as_array().into_iter().flatten() {
            text.push_str(&format!("{},\n", inline(row)));
        }
        text.push_str("]\n");
    }
    for (key, fields) in table.iter() {
        let Value::Table(fields) = fields else { continue };
        text.push_str(&format!("[{}]\n", key_of(key)));
        for (key, value) in fields {
            text.push_str(&format!("{} = {}\n", key_of(key), inline(value)));
        }
    }
    text
}

/// A value on one line.
#[must_use]
pub fn inline(value: &Value) -> String {
    let all = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::String(text) => quoted(text),
        Value::Array(values) => format!("[{}]", all(values.iter().map(inline).collect())),
        Value::Table(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Table(fields) => format!("{{ {} }}", all(fields.iter().map(|(k, v)| format!("{} = {}", key_of(k), inline(v))).collect())),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => value.to_string(),
    }
}

fn key_of(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { key.to_owned() } else { quoted(key) }
}

/// A string on one line. TOML knows JSON's escapes; what JSON lets pass and TOML does not is DEL.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// Reads a text.
#[must_use]
pub fn read(text: &str) -> Read {
    let error = match text.parse::<Table>() {
        Ok(table) => return Read::Tables(vec![table]),
        Err(e) => e,
    };
    if let Some((line, sides)) = sides(text) {
        return Read::Conflict(line, sides);
    }
    union(text).map_or_else(|| Read::Broken(format!("line {}: {}", line_of(text, &error), error.message())), Read::Tables)
}

/// The line at which a text stops being TOML, from 1.
#[must_use]
pub fn line_of(text: &str, error: &toml::de::Error) -> usize {
    error.span().map_or(1, |s| text[..s.start.min(text.len())].matches('\n').count() + 1)
}

/// The two sides of a text with git's marks in it.
fn sides(text: &str) -> Option<(usize, [String; 2])> {
    let is = |line: &str, mark: &str| line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\r']));
    // Which sides a line belongs to: both, the first, the one before (as `diff3` shows it), the second.
    let mut in_part = [true, true];
    let (mut first, mut ends, mut sides) = (None, 0, [String::new(), String::new()]);
    for (n, line) in (1..).zip(text.lines()) {
        if is(line, "<<<<<<<") {
            first = first.or(Some(n));
            in_part = [true, false];
        } else if is(line, "|||||||") {
            in_part = [false, false];
        } else if is(line, "=======") {
            in_part = [false, true];
        } else if is(line, ">>>>>>>") {
            ends += 1;
            in_part = [true, true];
        } else {
            for (side, _) in sides.iter_mut().zip(in_part).filter(|(_, is_in)| *is_in) {
                side.push_str(line);
                side.push('\n');
            }
        }
    }
    first.filter(|_| ends > 0).map(|line| (line, sides))
}

/// The tables of a text in which a union merge left keys or headings twice: the first has the first of each, the next the second
/// in its place, and so on. Records of a list are one list. What an older version wrote, a line a field, is a table of its own.
fn union(text: &str) -> Option<Vec<Table>> {
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut layers: Vec<BTreeMap<String, String>> = vec![BTreeMap::new()];
    let mut lists: BTreeMap<String, String> = BTreeMap::new();
    let (mut twice, mut headings) = (false, BTreeSet::new());
    let (mut section, mut list, mut in_blocks, mut blocks) = (String::new(), None, false, String::new());
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(rows) = list.as_ref().and_then(|key| lists.get_mut(key)) {
            if trimmed == "]" { list = None } else { rows.push_str(&format!("{line}\n")) }
        } else if trimmed.starts_with("[[") || in_blocks && !trimmed.ends_with("= [") {
            in_blocks = true;
            blocks.push_str(&format!("{line}\n"));
        } else if trimmed.starts_with('[') && trimmed.ends_with(']') {
            twice |= !headings.insert(trimmed);
            trimmed.clone_into(&mut section);
        } else if let Some((key, value)) = trimmed.split_once('=') {
            let key = key.trim().to_owned();
            if value.trim() == "[" {
                in_blocks = false;
                twice |= lists.contains_key(&key);
                lists.entry(key.clone()).or_default();
                list = Some(key);
                continue;
            }
            let nth = seen.entry((section.clone(), key)).or_insert(0);
            if layers.len() <= *nth {
                layers.push(BTreeMap::new());
            }
            layers[*nth].entry(section.clone()).or_default().push_str(&format!("{line}\n"));
            *nth += 1;
            twice |= *nth > 1;
        } else if !trimmed.is_empty() && !trimmed.starts_with('#') {
            return None;
        }
    }
    // Where nothing stands twice, it is something else that is wrong.
    if !twice && blocks.is_empty() {
        return None;
    }
    let lists: String = lists.iter().map(|(key, rows)| format!("{key} = [\n{rows}]\n")).collect();
    let mut tables: Vec<Table> = Vec::new();
    for layer in &layers {
        let body: String = layer.iter().map(|(section, lines)| format!("{section}\n{lines}")).collect();
        // Sections are sorted, and what is in none comes first.
        let table: Table = format!("{}{body}", if tables.is_empty() { &lists } else { "" }).parse().ok()?;
        let whole = tables.first().map(|first| over(first.clone(), table.clone()));
        tables.push(whole.unwrap_or(table));
    }
    if !blocks.is_empty() {
        let own: Table = blocks.parse().ok()?;
        let rest: Table = tables[0].iter().filter(|(key, _)| !own.contains_key(*key)).map(|(k, v)| (k.clone(), v.clone())).collect();
        tables.push(over(rest, own));
    }
    Some(tables)
}

/// One table with what another has put over it.
fn over(mut below: Table, above: Table) -> Table {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => *below = over(std::mem::take(below), above),
            (_, value) => drop(below.insert(key, value)),
        }
    }
    below
}

/// What tells a record from others; the keys of `apart` do not.
#[must_use]
pub fn identity(row: &Value, apart: &[&str]) -> String {
    match row {
        Value::Table(fields) => {
            let told = fields.iter().filter(|(key, _)| !apart.contains(&key.as_str()));
            inline(&Value::Table(told.map(|(k, v)| (k.clone(), v.clone())).collect()))
        }
        other => inline(other),
    }
}

/// Reads a text as [`text_of`] writes it, holding one record of the list of that name at a time; `row` gets each. The rest is the
/// result. `None` if the text has another form, or `row` does not take a record.
pub fn stream(text: impl BufRead, list: &str, row: &mut dyn FnMut(&Value) -> Option<()>) -> Option<Table> {
    /// More than this stands beside no list of ours.
    const MOST: usize = 64 << 10;
    let (mut rest, mut inside) = (String::new(), false);
    let head = format!("{list} = [");
    for line in text.lines() {
        let line = line.ok()?;
        if inside && line == "]" {
            rest.push_str("]\n");
            inside = false;
        } else if inside {
            let record = toml::de::ValueDeserializer::parse(line.strip_suffix(',')?).ok()?;
            row(&Value::deserialize(record).ok().filter(Value::is_table)?)?;
        } else {
            inside = line == head;
            rest.push_str(&line);
            rest.push('\n');
        }
        if rest.len() > MOST {
            return None;
        }
    }
    // A list that stands twice is no TOML; one in another form was not read.
    let rest: Table = rest.parse().ok().filter(|_| !inside)?;
    let is_empty = rest.get(list).is_none_or(|rows| rows.as_array().is_some_and(Vec::is_empty));
    Some(rest).filter(|_| is_empty)
}

/// Adds the records of another list that are not in this one yet. The keys of `apart` do not tell records apart.
pub fn add_new_records(rows: &mut Vec<Value>, others: &[Value], apart: &[&str], mut mark: impl FnMut(&mut Value)) {
    let mut there: BTreeSet<String> = rows.iter().map(|row| identity(row, apart)).collect();
    for row in others {
        if there.insert(identity(row, apart)) {
            let mut row = row.clone();
            mark(&mut row);
            rows.push(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_a_record_a_line() {
        let text = "version = 1\nfree = [1, 2]\nnone = []\n[[answer]]\nsaid = \"a \\\"b\\\"\\n\\u007f\\u0000 é 'c'\"\nscore = 1.0\nday = 2026-11-29\n\
                    at = 2026-11-29T01:02:03Z\n[[answer]]\nnested = { a = [{ b = true }] }\n[exercises.\"a b\"]\nx = 1\n[exercises.c.checked]\n2026-11-29 = 3\n";
        let table: Table = text.parse().unwrap();
        let written = text_of(&table);
        assert_eq!(written.parse::<Table>().unwrap(), table, "{written}");
        insta::assert_snapshot!(written, @r#"
        free = [1, 2]
        none = []
        version = 1
        answer = [
        { at = 2026-11-29T01:02:03Z, day = 2026-11-29, said = "a \"b\"\n\u007f\u0000 é 'c'", score = 1.0 },
        { nested = { a = [{ b = true }] } },
        ]
        [exercises]
        "a b" = { x = 1 }
        c = { checked = { 2026-11-29 = 3 } }
        "#);
    }

    #[test]
    fn a_union_merge_leaves_the_records_of_both_sides() {
        let text = "minutes = 3\nminutes = 4\nversion = 1\nanswer = [\n{ n = 1 },\n{ n = 2 },\n]\nanswer = [\n{ n = 3 },\n]\n\
                    [exercises]\na = { x = 1 }\na = { x = 2 }\nb = { x = 5 }\n[exercises]\nc = { x = 6 }\n";
        let Read::Tables(tables) = read(text) else { panic!() };
        assert_eq!(
            tables.iter().map(text_of).collect::<Vec<_>>(),
            [
                "minutes = 3\nversion = 1\nanswer = [\n{ n = 1 },\n{ n = 2 },\n{ n = 3 },\n]\n[exercises]\na = { x = 1 }\nb = { x = 5 }\nc = { x = 6 }\n",
                "minutes = 4\nversion = 1\nanswer = [\n{ n = 1 },\n{ n = 2 },\n{ n = 3 },\n]\n[exercises]\na = { x = 2 }\nb = { x = 5 }\nc = { x = 6 }\n",
            ]
        );
        // One side of an older version.
        let Read::Tables(tables) = read("version = 1\nanswer = [\n{ n = 1 },\n]\n\n[[answer]]\nn = 1\n\n[[answer]]\nn = 2\n") else {
            panic!()
        };
        assert_eq!(
            tables.iter().map(text_of).collect::<Vec<_>>(),
            ["version = 1\nanswer = [\n{ n = 1 },\n]\n", "version = 1\nanswer = [\n{ n = 1 },\n{ n = 2 },\n]\n",]
        );
        assert!(
            matches!(read("a = 1\na = \n"), Read::Broken(why) if why == "line 2: string values must be quoted, expected literal string"
            || why.starts_with("line 2: "))
        );
    }

    #[test]
    fn both_sides_of_a_conflict() {
        let text = "version = 1\n<<<<<<< HEAD\na = 1\n||||||| base\na = 0\n=======\na = 2\n>>>>>>> theirs\nb = 3\n";
        let sides = ["version = 1\na = 1\nb = 3\n".to_owned(), "version = 1\na = 2\nb = 3\n".to_owned()];
        assert_eq!(read(text), Read::Conflict(2, sides));
    }
}
