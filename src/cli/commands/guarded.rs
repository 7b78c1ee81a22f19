//! What the guards of restore and rollback ask, and the answers.

use super::confirm;
use crate::engine::{Engine, Target, Whereabouts};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::model::audit::Deed;
use crate::run::Context;
use crate::run::guard::{self, Passed, Verdict};
use crate::run::surroundings::{Question, Said, Surroundings};
use crate::secret::Address;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// What stands for an answer on the command line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answers<'a> {
    /// `--yes`.
    pub(super) yes: bool,
    /// `--confirm`.
    pub(super) confirm: Option<&'a str>,
}

impl Answers<'_> {
    /// Answers one question from the command line or on the terminal, and keeps the answer.
    pub(super) fn answer(self, question: Question, said: &mut Surroundings) -> Result<()> {
        match question {
            Question::Yes { topic, text } => {
                confirm(self.yes, &text)?;
                said.agreed.insert(topic);
            }
            Question::Name { database, text } => {
                let name = match self.confirm {
                    Some(name) => name.to_owned(),
                    None => typed(&database, text)?,
                };
                guard::confirmed(&name, &database)?;
                said.name = Some(name);
            }
        }
        Ok(())
    }
}

/// The name of a database, typed on the terminal.
fn typed(database: &str, text: String) -> Result<String> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Question::Name { database: database.to_owned(), text }.unanswered());
    }
    write!(std::io::stderr(), "{text} Type the database's name ({}) to go on: ", database.escape_debug())
        .unwrap_or_default();
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Error::guard("no answer could be read").caused_by(error))?;
    Ok(answer.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks what the guards ask until they pass. `look` is the dry run that is shown before a name is asked for.
pub(super) fn passed(
    context: &Context<'_>,
    answers: Answers<'_>,
    said: &mut Surroundings,
    check: &mut dyn FnMut(&Surroundings) -> Result<Verdict>,
    look: &dyn Fn(&Surroundings) -> Result<Deed>,
) -> Result<Passed> {
    loop {
        match check(said)? {
            Verdict::Passed(passed) => return Ok(passed),
            Verdict::Ask(question) => {
                if matches!(question, Question::Name { .. }) {
                    show(context, &look(said)?);
                }
                answers.answer(question, said)?;
            }
        }
    }
}

/// Tells what a dry run would have done.
fn show(context: &Context<'_>, deed: &Deed) {
    let rows = deed.counts.get("rows").copied().unwrap_or_default();
    let mut text = format!("Dry run of the {}: {rows} rows in {} tables.", deed.operation.word(), deed.tables.len());
    for table in &deed.tables {
        let counts: Vec<String> = table.counts.iter().map(|(what, count)| format!("{what} {count}")).collect();
        text.push_str(&format!("\n  {}: {}", table.table, counts.join(", ")));
    }
    context.report.event(&Event::Note { what: text });
}

/// Opens a target that may have to be made, where the guards do not refuse it whatever it is.
pub(super) fn open(
    context: &Context<'_>,
    (engine, address): (&Engine, &Address),
    said: &Surroundings,
    create: bool,
) -> Result<Box<dyn Target>> {
    let may_make = match said.whereabouts {
        // An empty file is removed again.
        Whereabouts::File => true,
        // What is not there declares nothing, so that it cannot be production.
        Whereabouts::Here => !said.refuses_anyway() && !said.says_production(),
        Whereabouts::Elsewhere => false,
    };
    (engine.target)(address, create && may_make, &context.cancel)
        .map_err(|error| guard::refusal_unopened(said).unwrap_or(error))
}

/// What the log says of a target's environment.
pub(super) fn facts(environment: &Said) -> [(&'static str, String); 2] {
    [("environment", environment.environment.clone()), ("environment_by", environment.by.to_owned())]
}
