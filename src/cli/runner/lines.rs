//! Lines of a pipe as they come, each of a bounded length: what writes them is not trusted to end any.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A longer line is dropped. rustc's messages have some kilobytes, even where a whole line of source is quoted.
const LONGEST: usize = 4 << 20;

/// The lines of a pipe.
pub struct Lines<R> {
    pipe: Option<R>,
    /// Read, and not handed out yet; up to `searched` there is no end of a line.
    buffer: Vec<u8>,
    searched: usize,
    /// The rest of the present line is dropped.
    skipping: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Of that pipe; of none, if there is none.
    pub fn new(pipe: Option<R>) -> Lines<R> {
        Lines { pipe, buffer: Vec::new(), searched: 0, skipping: false }
    }

    /// True if nothing comes any more.
    pub fn ended(&self) -> bool {
        self.pipe.is_none() && self.buffer.is_empty()
    }

    /// The next line without its end; `None` at the end of the pipe. Nothing is lost if this is dropped.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(i) = self.buffer[self.searched..].iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=self.searched + i).collect();
                self.searched = 0;
                if !std::mem::take(&mut self.skipping) {
                    return Some(String::from_utf8_lossy(&line[..line.len() - 1]).into_owned());
                }
                continue;
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > LONGEST || self.skipping {
                (self.skipping, self.searched) = (true, 0);
                self.buffer.clear();
            }
            let Some(pipe) = &mut self.pipe else {
                let rest = std::mem::take(&mut self.buffer);
                self.searched = 0;
                return (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned());
            };
            if !matches!(pipe.read_buf(&mut self.buffer).await, Ok(1..)) {
                self.pipe = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut lines = Lines::new(Some(text));
            let mut all = Vec::new();
            while let Some(line) = lines.next().await {
                all.push(line);
            }
            assert!(lines.ended());
            all
        })
    }

    #[test]
    fn each_line_and_the_rest() {
        assert_eq!(all(b"one\n\ntwo\nrest"), ["one", "", "two", "rest"]);
        assert!(all(b"").is_empty());
    }

    #[test]
    fn a_line_without_an_end_is_dropped() {
        let text = [b"first\n".to_vec(), vec![b'x'; 3 * LONGEST], b"\nlast\n".to_vec()].concat();
        assert_eq!(all(&text), ["first", "last"]);
        assert_eq!(all(&vec![b'x'; 3 * LONGEST]).iter().map(String::len).max().unwrap_or(0), 0);
    }
}
