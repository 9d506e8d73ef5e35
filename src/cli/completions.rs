//! `completions`: what shells need to complete the command line.
//!
//! clap_complete writes the scripts. A FILE may stand where a command does, which they get wrong, so here is added what
//! knows it.

use std::io::Write;

use clap::Command;
use clap_complete::Shell;

use super::output::Output;

/// What the scripts complete.
const NAME: &str = env!("CARGO_PKG_NAME");

/// Arguments of `completions`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect completions bash > ~/.local/share/bash-completion/completions/h4inspect
  h4inspect completions zsh > ~/.zfunc/_h4inspect     # with fpath+=~/.zfunc before compinit
  h4inspect completions fish > ~/.config/fish/completions/h4inspect.fish")]
pub struct Args {
    /// The shell to write for
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Writes what a shell needs to complete this command line.
pub fn run(args: &Args, command: &Command) -> anyhow::Result<()> {
    let script = match args.shell {
        Shell::Bash => bash(command),
        Shell::Zsh => zsh(command),
        Shell::Fish => fish(command),
        shell => generated(shell, command.clone()),
    };
    let mut out = Output::stdout();
    out.write_all(script.as_bytes())?;
    out.finish()
}

fn generated(shell: Shell, mut command: Command) -> String {
    // clap_complete panics where it can't write, so it gets memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, NAME, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Clap's function offers options before a letter is typed, where bash would offer files, and never a file instead of a
/// command.
fn bash(command: &Command) -> String {
    let script = generated(Shell::Bash, command.clone());
    let (commands, with_value) = (commands(command), options_with_value(command));
    format!(
        r#"{script}
# What the function above gives, as far as it is asked for.
_h4inspect_or_files() {{
    local cur=$2 prev=$3 first= word i
    # --format=json is three words to bash.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${{COMP_WORDS[i]}}
        case $word in
            {with_value}) ((i++)); [[ ${{COMP_WORDS[i]}} == = ]] && ((i++)) ;;
            -*) ;;
            *) first=$word; break ;;
        esac
    done
    _h4inspect "$1" "$cur" "$prev"
    case $prev in
        {with_value}) return ;;
    esac
    [[ $cur == -* ]] && return
    local given=("${{COMPREPLY[@]}}") words=()
    for word in "${{given[@]}}"; do
        [[ $word == -* ]] || words+=("$word")
    done
    case $first in
        '')
            compopt -o filenames 2>/dev/null
            while IFS= read -r word; do words+=("$word"); done < <(compgen -f -- "$cur")
            ;;
        {commands}) ;;
        *) words=() ;;
    esac
    # Where there are no words, bash offers files.
    COMPREPLY=("${{words[@]}}")
}}

complete -F _h4inspect_or_files -o bashdefault -o default h4inspect
"#
    )
}

/// Clap's function takes a FILE for the word before the command, not for one instead of it. So it gets a command line
/// without FILE, and another function one without commands.
fn zsh(command: &Command) -> String {
    let of_commands = bare(command.get_opts()).subcommands(command.get_subcommands().cloned());
    let renamed = |command: Command, name: &str| {
        let script = generated(Shell::Zsh, command).replace("_h4inspect", name);
        // `*::` would take all words from the first file on for files.
        let script = script.replace("\n'*::", "\n'*:");
        let body = script.split_once('\n').map_or("", |(_, body)| body);
        body.split("\nif [ \"$funcstack[1]\"").next().unwrap_or_default().to_owned()
    };
    let of_commands = renamed(of_commands, "_h4inspect_command")
        .replace("\":: :_h4inspect_command_commands\"", "\":: :_h4inspect_command_or_file\"");
    let of_file = renamed(bare(command.get_arguments()), "_h4inspect_file");
    let (commands, with_value) = (commands(command), options_with_value(command));
    format!(
        r#"#compdef h4inspect
{of_commands}
{of_file}

_h4inspect_command_or_file() {{
    _alternative 'commands:command:_h4inspect_command_commands' 'files:container or folder:_files'
}}

_h4inspect() {{
    local -i at=2
    while (( at < CURRENT )) && [[ $words[at] == -* ]]; do
        [[ $words[at] == ({with_value}) ]] && (( at += 1 ))
        (( at += 1 ))
    done
    if (( at < CURRENT )) && [[ $words[at] != ({commands}) ]]; then
        _h4inspect_file "$@"
    else
        _h4inspect_command "$@"
    fi
}}

if [ "$funcstack[1]" = "_h4inspect" ]; then
    _h4inspect "$@"
else
    compdef _h4inspect h4inspect
fi
"#
    )
}

/// Clap's script takes a FILE for a command that it doesn't know, and an option that waits for its value for an error; and
/// it leaves out the values of what isn't an option.
fn fish(command: &Command) -> String {
    let script = generated(Shell::Fish, command.clone()).replacen(
        "2>/dev/null\n    or return\n",
        "2>/dev/null\n    or return 0\n",
        1,
    );
    let of_file = generated(Shell::Fish, bare(command.get_arguments()));
    let of_file = of_file.replace("complete -c h4inspect ", "complete -c h4inspect -n __fish_h4inspect_has_file ");
    let commands = commands(command).replace('|', " ");
    let values: String = command.get_subcommands().filter_map(positional_values).collect();
    format!(
        r#"{script}
# A file where a command could stand.
function __fish_h4inspect_has_file
    set -l first (__fish_h4inspect_needs_command)
    test -n "$first"
    and not contains -- "$first" {commands}
end

{of_file}
{values}"#
    )
}

/// For fish, the values of a command's argument, where there are some to choose from.
fn positional_values(command: &Command) -> Option<String> {
    let values = command.get_positionals().find_map(|arg| arg.get_value_parser().possible_values())?;
    let values: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
    let (name, values) = (command.get_name(), values.join(" "));
    Some(format!("complete -c h4inspect -n \"__fish_h4inspect_using_subcommand {name}\" -f -a \"{values}\"\n"))
}

/// The command line with these arguments and no commands.
fn bare<'a>(args: impl Iterator<Item = &'a clap::Arg>) -> Command {
    Command::new(NAME).version(env!("CARGO_PKG_VERSION")).args(args.cloned().collect::<Vec<_>>())
}

/// The commands as a pattern: `info|chunks|help`.
fn commands(command: &Command) -> String {
    let names = command.get_subcommands().map(Command::get_name);
    names.chain(["help"]).collect::<Vec<_>>().join("|")
}

/// The options before a command that take the next word as their value, as a pattern.
fn options_with_value(command: &Command) -> String {
    let with_value = command.get_opts().filter(|option| option.get_action().takes_values());
    with_value.filter_map(|option| Some(format!("--{}", option.get_long()?))).collect::<Vec<_>>().join("|")
}
