//! Numbers as people write them. A comma is a decimal one wherever a group of thousands makes no sense, and a point between groups
//! of thousands is none; where both are possible, what was read is said before anything rests on it.

/// A number that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Read {
    pub(super) value: f64,
    /// It could have been meant otherwise: what it was taken for, in a sentence.
    pub(super) doubt: Option<String>,
}

/// Reads `1,000,000`, `0,975`, `12 ms`, `2.5e6`; `50%` stays 50 if the unit is `%`, else it is 0.5. The error says what is expected.
pub(super) fn read(line: &str, unit: Option<&str>) -> Result<Read, String> {
    let mut text = line.trim().to_lowercase();
    if let Some(unit) = unit.map(str::to_lowercase) {
        // "1 node" for "nodes", but never "m" for "ms".
        let singular = unit.strip_suffix('s').filter(|word| word.len() > 2);
        if let Some(bare) = text.strip_suffix(&unit).or_else(|| singular.and_then(|one| text.strip_suffix(one))) {
            text = bare.trim_end().to_owned();
        }
    }
    let (mut text, scale) = match text.strip_suffix('%') {
        Some(bare) if unit != Some("%") => (bare.trim_end().to_owned(), 0.01),
        _ => (text, 1.0),
    };
    // Marks between groups that mean nothing else; a minus as it is printed.
    text.retain(|c| !matches!(c, '_' | '\'' | '’') && !c.is_whitespace());
    let text = text.replace('−', "-");
    let plain = understood(&text).and_then(|(plain, other)| Some((plain.parse::<f64>().ok().filter(|value| value.is_finite())?, other)));
    let Some((value, other)) = plain else { return Err("a number, as in 12 or 0.5".to_owned()) };
    let doubt = other.map(|other| format!("{text} means {value} here, not {other}."));
    Ok(Read { value: value * scale, doubt })
}

/// The number as a machine writes it, and how else it could have been meant.
fn understood(text: &str) -> Option<(String, Option<String>)> {
    let (commas, points) = (text.matches(',').count(), text.matches('.').count());
    let without = |sign: char| text.replace(sign, "");
    let grouped = |part: &str, sign| are_thousands(part, sign);
    match (commas, points) {
        (0, 0) => Some((text.to_owned(), None)),
        (0, 1) => Some((text.to_owned(), grouped(text, '.').then(|| without('.')))),
        (1, 0) if grouped(text, ',') => Some((without(','), Some(text.replace(',', ".")))),
        (1, 0) => Some((text.replace(',', "."), None)),
        (_, 0) => grouped(text, ',').then(|| (without(','), None)),
        (0, _) => grouped(text, '.').then(|| (without('.'), None)),
        _ => {
            // The last of them parts the fraction; the others are between groups.
            let last = text.rfind([',', '.'])?;
            let (whole, fraction) = (&text[..last], &text[last + 1..]);
            let between = if text[last..].starts_with(',') { '.' } else { ',' };
            (grouped(whole, between) && !fraction.contains([',', '.']))
                .then(|| (format!("{}.{fraction}", whole.replace(between, "")), None))
        }
    }
}

/// Whether these are groups of thousands: one to three digits, of which the first is no 0, then three each.
fn are_thousands(text: &str, between: char) -> bool {
    let mut groups = text.trim_start_matches(['-', '+']).split(between);
    let first = groups.next().unwrap_or_default();
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    (1..=3).contains(&first.len()) && digits(first) && !first.starts_with('0') && groups.all(|group| group.len() == 3 && digits(group))
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_read_as_people_write_them() {
        let sure = |line, unit| super::read(line, unit).ok().filter(|read| read.doubt.is_none()).map(|read| read.value);
        for (line, value) in [
            ("2", 2.0),
            ("1,000,000", 1e6),
            ("1.000.000", 1e6),
            ("1 000 000", 1e6),
            ("1_000,5", 1000.5),
            ("0,5", 0.5),
            ("0,975", 0.975),
            ("-0,975", -0.975),
            ("0.975", 0.975),
            ("00,125", 0.125),
            ("1234,567", 1234.567),
            ("1,23", 1.23),
            ("1,2345", 1.2345),
            ("1,234.5", 1234.5),
            ("1.234,5", 1234.5),
            ("1.234.567,8", 1_234_567.8),
            ("2.5e6", 2.5e6),
            ("2,5e6", 2.5e6),
            ("1,234e3", 1234.0),
            ("50%", 0.5),
            ("97,5%", 0.975),
            ("1'234'567,5", 1_234_567.5),
            ("1’000", 1000.0),
            ("−5", -5.0),
        ] {
            assert!(sure(line, None).is_some_and(|read| (read - value).abs() < 1e-9), "{line}: {:?}", super::read(line, None));
        }
        assert_eq!(sure(" 12 ms", Some("ms")), Some(12.0));
        assert_eq!(sure("1 node", Some("nodes")), Some(1.0));
        assert_eq!(sure("0.81%", Some("%")), Some(0.81));
        assert_eq!(super::read("12 m", Some("ms")), Err("a number, as in 12 or 0.5".to_owned()));
        for none in ["many", "inf", "nan", "1e999", "", ",", "1,2,3", "1.2.3", "1,23.4", "1,2345,678", "1,234,5", "1.234,5,6"] {
            assert!(super::read(none, None).is_err(), "{none}: {:?}", super::read(none, None));
        }
    }

    #[test]
    fn what_can_be_meant_in_two_ways_is_said() {
        let read = |line, unit| super::read(line, unit).map(|read| (read.value, read.doubt.unwrap_or_default()));
        assert_eq!(read("1,234", None), Ok((1234.0, "1,234 means 1234 here, not 1.234.".to_owned())));
        assert_eq!(read("12,288 bytes", Some("bytes")), Ok((12_288.0, "12,288 means 12288 here, not 12.288.".to_owned())));
        assert_eq!(read("1.234", None), Ok((1.234, "1.234 means 1.234 here, not 1234.".to_owned())));
        assert_eq!(read("-1,500", None).unwrap().0, -1500.0);
    }
}
