//! What a terminal shows, as far as the program draws on one: text, line feeds, and the escape sequences of its
//! questions. An unknown one fails the test: it would have to be understood first.

/// A screen with everything above it.
pub struct Screen {
    columns: usize,
    rows: usize,
    /// All lines since the start; the screen is the last of them.
    lines: Vec<Vec<char>>,
    /// The line of the cursor, among all.
    row: usize,
    column: usize,
    /// The cursor stands behind the last column: the next character goes to a new line.
    full: bool,
    hidden: bool,
    pending: Vec<u8>,
    /// How often a character had to go to a new line because there was no room.
    pub broken_lines: usize,
}

impl Screen {
    pub fn new(columns: usize, rows: usize) -> Screen {
        let lines = vec![Vec::new()];
        Screen { columns, rows, lines, row: 0, column: 0, full: false, hidden: false, pending: Vec::new(), broken_lines: 0 }
    }

    pub fn cursor_is_shown(&self) -> bool {
        !self.hidden
    }

    /// The line of the cursor; where nothing is typed yet below the question for a long text, that question.
    pub fn current(&self) -> String {
        let line = |row: usize| self.lines[row].iter().collect::<String>();
        let above = self.row.checked_sub(1).map(line).filter(|above| above.starts_with("Write ("));
        above.filter(|_| line(self.row).trim().is_empty()).unwrap_or_else(|| line(self.row))
    }

    /// The number of that line, among all since the start.
    pub fn row(&self) -> usize {
        self.row
    }

    /// Every line, without blanks at its end.
    pub fn text(&self) -> String {
        let lines = self.lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned());
        lines.collect::<Vec<_>>().join("\n").trim_end().to_owned() + "\n"
    }

    /// Draws bytes; what ends in the middle of a character or a sequence waits for its rest.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.pending);
        let whole = match std::str::from_utf8(&bytes) {
            Ok(text) => text.len(),
            Err(e) if e.error_len().is_none() => e.valid_up_to(),
            Err(e) => panic!("no text at byte {}: {bytes:?}", e.valid_up_to()),
        };
        let text: Vec<char> = std::str::from_utf8(&bytes[..whole]).unwrap().chars().collect();
        let mut at = 0;
        while at < text.len() {
            match self.take(&text[at..]) {
                0 => break,
                used => at += used,
            }
        }
        self.pending = text[at..].iter().collect::<String>().into_bytes();
        self.pending.extend_from_slice(&bytes[whole..]);
    }

    /// Draws one character or sequence: how many characters it was, 0 if its end is not there yet.
    fn take(&mut self, text: &[char]) -> usize {
        match text[0] {
            '\r' => (self.column, self.full) = (0, false),
            '\n' => self.down(),
            '\u{8}' => self.column = self.column.saturating_sub(1),
            '\u{7}' => {}
            '\u{1b}' => return self.sequence(text),
            c if c.is_control() => panic!("the control character {c:?} reached the screen"),
            c => self.put(c),
        }
        1
    }

    fn put(&mut self, c: char) {
        if self.full {
            self.broken_lines += 1;
            self.column = 0;
            self.down();
        }
        let line = &mut self.lines[self.row];
        line.resize(line.len().max(self.column + 1), ' ');
        line[self.column] = c;
        self.full = self.column + 1 == self.columns;
        self.column = (self.column + 1).min(self.columns - 1);
    }

    fn down(&mut self) {
        self.full = false;
        self.row += 1;
        if self.row == self.lines.len() {
            self.lines.push(Vec::new());
        }
    }

    fn sequence(&mut self, text: &[char]) -> usize {
        match text.get(1) {
            None => return 0,
            Some('7' | '8') => return 2,
            Some('[') => {}
            Some(other) => panic!("an unknown sequence: ESC {other:?}"),
        }
        let Some(length) = text[2..].iter().position(|c| ('@'..='~').contains(c)) else { return 0 };
        let parameters: String = text[2..2 + length].iter().collect();
        let number = |default: usize| parameters.split(';').next().and_then(|n| n.parse().ok()).unwrap_or(default);
        let top = self.lines.len().saturating_sub(self.rows);
        match text[2 + length] {
            'm' | 'n' => {}
            'A' => self.row = self.row.saturating_sub(number(1)).max(top),
            'B' => self.row = (self.row + number(1)).min(self.lines.len() - 1),
            'C' => self.column = (self.column + number(1)).min(self.columns - 1),
            'D' => self.column = self.column.saturating_sub(number(1)),
            'G' => self.column = number(1).saturating_sub(1).min(self.columns - 1),
            'K' => match number(0) {
                0 => self.lines[self.row].truncate(self.column),
                _ => self.lines[self.row].clear(),
            },
            'J' if number(0) == 0 => {
                self.lines[self.row].truncate(self.column);
                self.lines.truncate(self.row + 1);
            }
            'h' | 'l' if parameters == "?25" => self.hidden = text[2 + length] == 'l',
            'h' | 'l' if parameters == "?2004" => {}
            other => panic!("an unknown sequence: ESC [ {parameters} {other}"),
        }
        if text[2 + length] != 'm' {
            self.full = false;
        }
        length + 3
    }
}

#[test]
fn a_screen_draws_what_a_terminal_would() {
    let mut screen = Screen::new(5, 2);
    screen.feed(b"abc\r\nde\x1b[1G\x1b[2Kx\xc3");
    screen.feed(b"\xa9\x1b[");
    screen.feed(b"31mz\x1b[0m");
    assert_eq!((screen.text().as_str(), screen.current().as_str()), ("abc\nxéz\n", "xéz"));
    screen.feed(b"45");
    assert_eq!(screen.broken_lines, 0, "as wide as the screen is no break");
    screen.feed(b"6");
    assert_eq!((screen.broken_lines, screen.text().as_str()), (1, "abc\nxéz45\n6\n"));
    screen.feed(b"\x1b[5A!\x1b[?25l");
    assert_eq!(screen.text(), "abc\nx!z45\n6\n", "no further up than the screen");
    assert!(!screen.cursor_is_shown());
}
