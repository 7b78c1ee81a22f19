//! `pool serve`: databases for whoever asks, until it is ended.

use super::pooled::{self, Asked, Folder, Prepared};
use crate::cli::args::{PoolCommand, PoolServeArgs};
use crate::cli::render::{Answer, Screen, count};
use crate::cli::settings::Settings;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::run::Context;
use crate::run::isolate::pool::{Ending, Limits};
use crate::run::isolate::serve::Place;
use crate::run::isolate::supply::Stops;
use crate::secret::SecretText;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Templates there may be at least, where nothing is said.
const TEMPLATES: usize = 4;

pub(super) fn run(
    context: &Context<'_>,
    screen: &Arc<Screen>,
    settings: &Settings,
    command: &PoolCommand,
) -> Result<Answer> {
    match command {
        PoolCommand::Serve(args) => serve(context, screen, settings, args),
    }
}

fn serve(context: &Context<'_>, screen: &Arc<Screen>, settings: &Settings, args: &PoolServeArgs) -> Result<Answer> {
    let clones = usize::from(args.clones);
    let templates = args.templates.map_or(args.snapshots.len().max(TEMPLATES), usize::from);
    super::started(
        context,
        "pool serve",
        vec![("snapshots", args.snapshots.join(", ")), ("clones", clones.to_string())],
    );
    let limits = Limits { clones, templates, makers: context.jobs };
    let asked =
        Asked { snapshots: args.snapshots.clone(), server: args.server.clone(), allow_lossy: args.allow_lossy, limits };
    let prepared = Prepared::new(context, screen, settings, &asked, &Stops::default())?;
    let (place, folder) = place(args)?;
    let begun = prepared.begin((place, folder), usual_snapshot(args))?;
    let token_file = begun.token.as_ref().map(|token| write_token(&begun.folder, token)).transpose()?;
    tell(screen, &begun.address, token_file.as_deref());
    let (share, more) = (clones / args.snapshots.len(), clones % args.snapshots.len());
    for (at, snapshot) in args.snapshots.iter().enumerate() {
        begun.pool.keep_ready(snapshot, share + usize::from(at < more));
    }
    begun.wait(&context.cancel);
    context.report.event(&Event::Stage { what: "giving the databases back".to_owned() });
    let ending = if args.remove { Ending::Remove } else { Ending::Return };
    let wrong = begun.end(ending);
    for error in &wrong {
        let hint = "'terp-fixtures doctor --clean' removes what is left.".to_owned();
        context.warn(format!("a database was left behind: {error}"), Some(hint));
    }
    let what = match wrong.len() as u64 {
        0 => "the pool has ended; nothing is in use any longer".to_owned(),
        left => format!("the pool has ended; {} left behind", count(left, "database")),
    };
    context.report.event(&Event::Note { what });
    Ok(Answer::new(Value::String(String::new()), ""))
}

/// The snapshot that a lease means which names none.
fn usual_snapshot(args: &PoolServeArgs) -> Option<String> {
    args.snapshots.first().filter(|_| args.snapshots.len() == 1).cloned()
}

/// Where to listen, and the folder that goes with the server.
fn place(args: &PoolServeArgs) -> Result<(Place, Folder)> {
    match (&args.socket, args.listen) {
        (Some(path), _) => Ok((Place::Socket(path.clone()), Folder::default())),
        (None, Some(address)) => Ok((Place::Loopback(address), pooled::own_folder()?)),
        (None, None) => pooled::own_place(),
    }
}

/// Writes the token where nobody else can read it.
fn write_token(folder: &Folder, token: &SecretText) -> Result<PathBuf> {
    use std::io::Write as _;
    let path = folder.path().ok_or_else(|| Error::internal("there is no folder for the token"))?.join("token");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&path).and_then(|mut file| writeln!(file, "{}", token.expose()));
    written.map_err(|error| Error::usage(format!("cannot write the token to {}", path.display())).caused_by(error))?;
    Ok(path)
}

/// Says on stdout how to reach the pool, once, and lets go of stdout: whoever reads it need not wait for the pool's end.
fn tell(screen: &Screen, address: &str, token_file: Option<&Path>) {
    let mut lines = vec![format!("{}={}", pooled::SOCKET, quoted(address))];
    lines.extend(token_file.map(|path| format!("{}={}", pooled::TOKEN_FILE, quoted(&path.to_string_lossy()))));
    let json = json!({ "socket": address, "token_file": token_file, "process": std::process::id() });
    screen.answer(&Answer::new(json, lines.join("\n")));
    #[cfg(unix)]
    if let Ok(nowhere) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        // Where it cannot be let go of, the reader waits.
        rustix::stdio::dup2_stdout(nowhere).unwrap_or_default();
    }
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._:-+@%".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_for_a_shell_is_one_word() {
        assert_eq!(quoted("/run/user/0/terp-fixtures-0a/pool"), "/run/user/0/terp-fixtures-0a/pool");
        assert_eq!(quoted("/a b/it's"), "'/a b/it'\\''s'");
    }
}
