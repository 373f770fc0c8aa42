//! Colours by stream, closed pipes, and forms of output.

use crate::bench::{program, shared_toy};
use std::io::Read as _;
use std::process::Stdio;

const ESCAPE: char = '\u{1b}';

fn coloured(envs: &[(&str, &str)], args: &[&str]) -> (bool, bool) {
    let output = program(shared_toy()).args(args).envs(envs.iter().copied()).output().unwrap();
    let has = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(ESCAPE);
    (has(&output.stdout), has(&output.stderr))
}

#[test]
fn colours_are_off_in_a_pipe_and_on_when_asked_for() {
    assert_eq!(coloured(&[], &["list"]), (false, false));
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")], &["list"]), (true, false));
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")], &["show", "x"]), (false, true), "the other stream");
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &["list"]), (false, false));
    assert_eq!(coloured(&[("NO_COLOR", "1")], &["list", "--color", "always"]), (true, false));
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")], &["list", "--color", "never"]), (false, false));
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")], &["list", "--format", "json"]), (false, false));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    for verb in ["list", "progress"] {
        let mut child = program(shared_toy()).arg(verb).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let status = child.wait().unwrap();
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((status.code(), err.as_str()), (Some(0), ""));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_is_said() {
    for args in
        [&["list"][..], &["progress"], &["show", "toy"], &["list", "--format", "json"], &["completions", "bash"], &["doctor"], &["--help"]]
    {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = program(shared_toy()).args(args).stdout(full).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{args:?}: {err}");
        assert!(err.contains("error: cannot write to standard output: the disk is full"), "{args:?}: {err}");
    }
}
