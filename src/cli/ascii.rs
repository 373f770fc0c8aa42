//! Signs for who cannot see others than ASCII: asked for by `--ascii`, or because the locale names another charset than UTF-8.
//! Every stream of the program goes through here then, so no verb has to think of it.

use super::sanitize::safe;
use crate::trace::columns::width;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// True if the surroundings name a charset, or a locale without one, that has no signs beside ASCII. Who names none gets all
/// signs: in containers nothing is set, and their terminals are no older for it.
#[must_use]
pub fn wanted_by_locale() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).is_some_and(|locale| !is_utf8(&locale))
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// What stands for a sign. What is drawn in columns takes as many as before; words may become longer.
fn of(c: char) -> Option<&'static str> {
    Some(match c {
        '✓' => "+",
        '✗' | '×' | '╳' => "x",
        '…' => "...",
        '·' | '∙' | '•' | '▪' => "-",
        '→' | '⇒' | '▶' | '►' | '▷' | '▸' | '↩' => ">",
        '←' | '◀' | '◁' => "<",
        '↑' | '▲' => "^",
        '↓' => "v",
        '↔' | '◇' => "<>",
        'Σ' => "sum",
        'ᵇ' => "b",
        '₁' => "1",
        '₂' => "2",
        '₃' => "3",
        '₄' => "4",
        '─' | '━' | '═' | '–' | '−' | '‐' | '‑' | '╌' | '┄' => "-",
        '—' => "--",
        '│' | '┃' | '┆' | '┇' | '╎' | '┊' | '║' | '‖' | '⋮' | '▌' => "|",
        '■' | '●' | '▮' | '█' => "#",
        // The rows of a plot: the same signs as in the engine's `trace/plot.rs`.
        '▁' => ".",
        '▂' => ":",
        '▃' => "-",
        '▄' => "=",
        '▅' => "+",
        '▆' => "o",
        '▇' => "*",
        '□' | '○' | '▯' | '░' | '◌' => ".",
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╭' | '╮' | '╯' | '╰' => "+",
        '“' | '”' | '„' | '«' | '»' => "\"",
        '‘' | '’' | '‚' => "'",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "!=",
        '≈' => "~",
        '⌈' | '⌊' => "[",
        '⌉' | '⌋' => "]",
        '°' => " deg",
        'µ' | 'μ' => "u",
        '∞' => "inf",
        '½' => "1/2",
        '±' => "+-",
        '÷' => "/",
        '╲' => "\\",
        '✂' => "x",
        '◷' => "@",
        'ρ' => "rho",
        'ε' => "epsilon",
        'δ' | 'Δ' => "delta",
        'π' => "pi",
        'θ' => "theta",
        'α' => "alpha",
        'λ' => "lambda",
        'φ' | 'ϕ' => "phi",
        'σ' => "sigma",
        '∈' => " in ",
        '∪' => " or ",
        '∩' => " and ",
        '√' => "sqrt ",
        '∅' => "{}",
        'ä' => "ae",
        'ö' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'Ä' => "Ae",
        'Ö' => "Oe",
        'Ü' => "Ue",
        'à' | 'á' | 'â' | 'ã' | 'å' => "a",
        'è' | 'é' | 'ê' | 'ë' | 'ě' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' => "o",
        'ù' | 'ú' | 'û' | 'ů' => "u",
        'ç' | 'č' | 'ć' => "c",
        'ñ' => "n",
        'ž' => "z",
        'š' | 'ş' => "s",
        'ř' => "r",
        'ý' => "y",
        'É' => "E",
        'Å' | 'Á' => "A",
        '§' => "section ",
        '\u{a0}' | '\u{202f}' | '\u{2009}' => " ",
        '\u{200b}' => "",
        _ => return None,
    })
}

/// The digit, letter or sign that is written raised.
fn superscript(c: char) -> Option<char> {
    const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ";
    RAISED.chars().position(|raised| raised == c).and_then(|at| "0123456789-n".chars().nth(at))
}

/// The text in ASCII. A sign that nothing stands for (a learner's, perhaps) is `?`, as often as it takes columns.
#[must_use]
pub fn to_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut raised = false;
    for c in text.chars() {
        if let Some(digit) = superscript(c) {
            // 10⁻⁶ is 10^-6.
            out.push_str(if raised { "" } else { "^" });
            out.push(digit);
            raised = true;
            continue;
        }
        raised = false;
        match of(c) {
            _ if c.is_ascii() => out.push(c),
            Some(sign) => out.push_str(sign),
            None => (0..width(c)).for_each(|_| out.push('?')),
        }
    }
    out
}

/// A row of a screen in ASCII: no longer than it was, so `…` is `~`.
#[must_use]
pub fn row_to_ascii(row: &str) -> String {
    let mut out = String::with_capacity(row.len());
    for c in row.chars() {
        match of(c).filter(|sign| sign.len() == width(c)) {
            _ if c.is_ascii() => out.push(c),
            Some(sign) => out.push_str(sign),
            None if c == '…' => out.push('~'),
            None => (0..width(c)).for_each(|_| out.push('?')),
        }
    }
    out
}

/// Whether this process writes ASCII alone.
static WANTED: AtomicBool = AtomicBool::new(false);

/// Says so, for those few lines that are written where no [`super::out::Out`] is at hand ([`passing`]).
pub fn want(ascii: bool) {
    WANTED.store(ascii, Ordering::Relaxed);
}

/// A line that comes and goes (how far a build is) as this process writes it.
#[must_use]
pub fn passing(text: &str) -> String {
    let text = safe(text);
    if WANTED.load(Ordering::Relaxed) { to_ascii(&text) } else { text.into_owned() }
}

/// A page of markup in ASCII: a browser and whoever reads XML see the same signs as before. What stands in a script has a script's
/// own escapes.
#[must_use]
pub fn markup_to_ascii(page: &str) -> String {
    let (markup, script) = page.split_at(page.find("<script").unwrap_or(page.len()));
    let entity = |c: char| if c.is_ascii() { c.to_string() } else { format!("&#{};", u32::from(c)) };
    markup.chars().map(entity).collect::<String>() + &literals_to_ascii(script)
}

/// JSON, or a script, in ASCII: what is none stands in its texts by its number, and means the same.
#[must_use]
pub fn literals_to_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

/// A stream that a person reads: what could steer their terminal becomes visible, whatever file it comes from, and all is in
/// ASCII if that is wanted.
pub struct Stream<W> {
    stream: W,
    ascii: bool,
}

impl<W: Write> Stream<W> {
    /// That stream.
    pub fn new(stream: W, ascii: bool) -> Stream<W> {
        Stream { stream, ascii }
    }
}

impl<W: Write> Write for Stream<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Whoever writes text writes whole characters.
        let text = String::from_utf8_lossy(bytes);
        let text = safe(&text);
        self.stream.write_all(if self.ascii { to_ascii(&text).into_bytes() } else { text.into_owned().into_bytes() }.as_slice())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn a_locale_that_names_another_charset_wants_ascii() {
        assert!(["C.UTF-8", "en_US.utf8", "de_DE.UTF-8@euro"].into_iter().all(is_utf8));
        assert!(!["C", "POSIX", "de_DE", "de_DE.ISO-8859-15", "ja_JP.eucJP"].into_iter().any(is_utf8));
    }

    #[test]
    fn text_becomes_ascii_and_rows_keep_their_columns() {
        assert_eq!(to_ascii("✓ 3 ≥ 2 … “yes” → n² 10⁻⁶ 2ⁿ⁻¹ 漢"), "+ 3 >= 2 ... \"yes\" > n^2 10^-6 2^n-1 ??");
        for row in ["── ✓ ok … ≥ 漢 ──", "plain"] {
            let columns: usize = row.chars().map(width).sum();
            assert!(row_to_ascii(row).is_ascii() && row_to_ascii(row).len() == columns, "{}", row_to_ascii(row));
        }
        let mut out = Vec::new();
        write!(Stream::new(&mut out, true), "✗ …").unwrap();
        assert_eq!(out, b"x ...");
        assert_eq!(
            markup_to_ascii("<p title=\"é\">▶</p><script>\"· 🦀\"</script>"),
            "<p title=\"&#233;\">&#9654;</p><script>\"\\u00b7 \\ud83e\\udd80\"</script>"
        );
        assert_eq!(literals_to_ascii("{\"said\":\"n₁\"}"), "{\"said\":\"n\\u2081\"}");
    }

    #[test]
    fn nothing_steers_the_terminal_through_a_stream() {
        let mut out = Vec::new();
        let mut stream = Stream::new(&mut out, false);
        let theirs = "a\x1b]0;title\x07\x1b[2Jb";
        write!(stream, "\x1b[1mour own\x1b[0m {theirs}\x1b").unwrap();
        stream.write_all(b"[2J\xff").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\x1b[1mour own\x1b[0m a\\u{1b}]0;title\\u{7}\\u{1b}[2Jb\\u{1b}[2J\u{fffd}");
    }

    /// What learners read is theirs to read: a sign of ours that would become `?` is missing above.
    #[test]
    fn every_sign_of_the_course_has_one_that_stands_for_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files: Vec<_> =
            ["exercises", "lessons", "quizzes", "solutions", "src/cli", "src/exercises", "engine/src"].map(|f| root.join(f)).to_vec();
        let mut missing = std::collections::BTreeMap::new();
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if path.components().any(|c| c.as_os_str() == "tests" || c.as_os_str() == "judge") {
                // Texts that are hard on purpose.
            } else if let Ok(text) = fs::read_to_string(&path) {
                let ours = text.split("#[cfg(test)]").next().unwrap_or_default();
                for c in ours.chars().filter(|c| !c.is_ascii() && of(*c).or(superscript(*c).map(|_| "")).is_none()) {
                    missing.entry(c).or_insert_with(|| path.clone());
                }
            }
        }
        assert!(missing.is_empty(), "{missing:?}");
    }
}
