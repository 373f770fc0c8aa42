fn main() -> std::process::ExitCode {
    splitbrain::cli::main()
}
