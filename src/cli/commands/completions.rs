//! `completions SHELL`: a script for the shell, with the names of exercises and topics in it.

use crate::cli::args::Cli;
use crate::cli::bank;
use crate::cli::content::Content;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::out::Out;
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

pub fn run(shell: Shell, out: &mut Out) -> Result<Exit> {
    if out.wants_json()? {
        return Err(Trouble::usage("`completions` prints a script for a shell, and nothing else"));
    }
    let course = Content::Embedded.course()?;
    let exercises: Vec<String> = course.exercises().map(str::to_owned).collect();
    let topics: Vec<String> = bank::names(&course).into_iter().map(str::to_owned).collect();
    let mut command = named(Cli::command(), &exercises, &topics);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "splitbrain", &mut script);
    let mut script = String::from_utf8(script).map_err(|e| Trouble::bug(format!("the script is not UTF-8: {e}")))?;
    if shell == Shell::Fish {
        script.push_str(&arguments_for_fish(&command));
    }
    out.print_raw(&script);
    Ok(Exit::Passed)
}

/// The command line with the names that there are where an exercise or a topic is asked for. Only for the scripts: the
/// program itself answers an unknown name better (`did you mean …`).
fn named(command: Command, exercises: &[String], topics: &[String]) -> Command {
    let verbs: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).filter(|name| name != "dev").collect();
    verbs.iter().fold(command, |command, verb| {
        command.mut_subcommand(verb, |verb| {
            verb.mut_args(|arg| match arg.get_id().as_str() {
                "id" | "ids" => arg.value_parser(PossibleValuesParser::new(exercises.to_vec())),
                "topic" => arg.value_parser(PossibleValuesParser::new(topics.to_vec())),
                _ => arg,
            })
        })
    })
}

/// The generator leaves arguments without a dash out of fish's script.
fn arguments_for_fish(command: &Command) -> String {
    let mut lines = String::new();
    for verb in command.get_subcommands() {
        for argument in verb.get_positionals() {
            let names: Vec<String> = argument.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
            if !names.is_empty() {
                let (verb, names) = (verb.get_name(), names.join(" "));
                lines.push_str(&format!("complete -c splitbrain -n \"__fish_splitbrain_using_subcommand {verb}\" -f -a \"{names}\"\n"));
            }
        }
    }
    lines
}
