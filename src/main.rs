//! The program `splitbrain`: all of it is in `cli`.

fn main() -> std::process::ExitCode {
    splitbrain::cli::main()
}
