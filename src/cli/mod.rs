//! The program: everything with a dependency.

pub mod course;
pub mod error;
pub mod state;
pub mod toml_reader;
pub mod words;

/// The program's entry: reads the command line, runs the verb, and gives its exit code.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
