//! Text on a grid of columns: measured, cut, wrapped, made harmless. It knows nothing of what the text means.

/// One line without anything that steers a terminal or stands on no column of its own.
pub(super) fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\r' => out.push(' '),
            c if c.is_control() || width(c) == 0 => out.push('?'),
            c => out.push(c),
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Columns of a text that [`tidy`] has seen.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// At most `limit` columns of `text`; a `…` says that something is missing.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if columns(text) <= limit {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        if used + width(c) + 1 > limit {
            break;
        }
        used += width(c);
        out.push(c);
    }
    if limit > 0 {
        out.truncate(out.trim_end().len());
        out.push('…');
    }
    out
}

/// Lines of at most `width` columns, broken at spaces; a longer word is broken anywhere.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut rest = word;
        loop {
            let last = lines.last_mut().expect("there is always a line");
            let gap = usize::from(!last.is_empty());
            if columns(last) + gap + columns(rest) <= width {
                last.push_str(&" ".repeat(gap));
                last.push_str(rest);
                break;
            }
            if !last.is_empty() {
                lines.push(String::new());
                continue;
            }
            let end = rest.char_indices().map(|(i, c)| i + c.len_utf8()).take_while(|&i| columns(&rest[..i]) <= width).last();
            let Some(end) = end else { break };
            last.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    lines
}

/// Every character that is left outside ASCII is a learner's or an arrow in words. Columns stay as they are.
pub(super) fn to_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            '→' => out.push('>'),
            '…' => out.push('~'),
            c => (0..width(c)).for_each(|_| out.push('?')),
        }
    }
    out
}

/// Columns of a character: 2 for the wide scripts and emoji, 0 for what combines with the character before it.
pub fn width(c: char) -> usize {
    match c as u32 {
        // Most of all text, and what pictures are drawn with.
        0..=0xAC | 0xAE..=0x2FF | 0x2500..=0x25FC => 1,
        0x300..=0x36F | 0x483..=0x489 | 0x591..=0x5BD | 0x610..=0x61A | 0x64B..=0x65F | 0x6D6..=0x6DC => 0,
        0xAD | 0x900..=0x902 | 0x93C | 0x941..=0x948 | 0x94D | 0xE31 | 0xE34..=0xE3A | 0xE47..=0xE4E => 0,
        0x115F..=0x11FF | 0x180B..=0x180E | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x200B..=0x200F | 0x2028..=0x202E => 0,
        0x2060..=0x206F | 0x20D0..=0x20FF | 0x302A..=0x302D | 0x3099..=0x309A | 0xFE00..=0xFE0F | 0xFE20..=0xFE2F => 0,
        0xFEFF | 0xFFF9..=0xFFFB | 0x1F3FB..=0x1F3FF | 0xE0000..=0xE0FFF => 0,
        0x1100..=0x115E | 0x231A..=0x231B | 0x2329..=0x232A | 0x23E9..=0x23F3 | 0x25FD..=0x25FE | 0x2614..=0x2615 => 2,
        0x2648..=0x2653 | 0x267F | 0x2693 | 0x26A1 | 0x26AA..=0x26AB | 0x26BD..=0x26BE | 0x26C4..=0x26C5 | 0x26CE | 0x26D4 => 2,
        0x26EA | 0x26F2..=0x26F3 | 0x26F5 | 0x26FA | 0x26FD | 0x2705 | 0x270A..=0x270B | 0x2728 | 0x274C | 0x274E => 2,
        0x2753..=0x2755 | 0x2757 | 0x2795..=0x2797 | 0x27B0 | 0x27BF | 0x2B1B..=0x2B1C | 0x2B50 | 0x2B55 => 2,
        0x2E80..=0x3029 | 0x302E..=0x303E | 0x3041..=0x3098 | 0x309B..=0x33FF | 0x3400..=0xA4CF | 0xA960..=0xA97F => 2,
        0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE10..=0xFE19 | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 => 2,
        0x16FE0..=0x18DFF | 0x1AFF0..=0x1B2FF | 0x1F004 | 0x1F0CF | 0x1F18E | 0x1F191..=0x1F19A | 0x1F200..=0x1F265 => 2,
        0x1F300..=0x1F64F | 0x1F680..=0x1F6FF | 0x1F7E0..=0x1F7EB | 0x1F90C..=0x1F9FF | 0x1FA70..=0x1FAFF => 2,
        0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_commands_are_no_words() {
        assert_eq!(tidy("a\u{1b}[31mb\nc\u{200b}d"), "a?[31mb c?d");
    }

    #[test]
    fn cutting_and_wrapping_never_split_a_character() {
        for text in ["žluťoučký kůň", "漢字漢字漢字", "a漢b字c 🦀🦀", ""] {
            for limit in 0..12 {
                assert!(columns(&cut(text, limit)) <= limit);
            }
            for limit in 2..12 {
                let lines = wrap(text, limit);
                assert!(lines.iter().all(|l| columns(l) <= limit), "{lines:?}");
                let whole = |t: &str| t.chars().filter(|c| *c != ' ').collect::<String>();
                assert_eq!(whole(&lines.concat()), whole(text));
            }
        }
        assert_eq!(cut("漢字漢字", 6), "漢字…");
    }

    #[test]
    fn ascii_keeps_the_columns() {
        for text in ["a→b…", "漢字 │", "n1 ►"] {
            let plain = to_ascii(text);
            assert!(plain.is_ascii());
            assert_eq!(plain.len(), columns(text));
        }
    }
}
