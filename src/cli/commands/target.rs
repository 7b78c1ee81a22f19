//! `target`: what a database declares to be.

use super::guarded::Answers;
use super::{address, audit, finished, started};
use crate::cli::args::{TargetCommand, TargetInitArgs, TargetRemoveArgs, TargetShowArgs};
use crate::cli::render::Answer;
use crate::cli::settings::Settings;
use crate::cli::surroundings::{self, place};
use crate::engine::{self, Target, Whereabouts};
use crate::error::{Kind, Result};
use crate::model::audit::{Database, Deed, Operation};
use crate::run::declaration::{self, Declaration, Wish};
use crate::run::surroundings::{Question, Surroundings};
use crate::run::{Context, guard};
use crate::secret::Address;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn run(context: &Context<'_>, settings: &Settings, command: &TargetCommand) -> Result<Answer> {
    let deed = |operation, environment| Deed { environment, ..Deed::new(operation) };
    match command {
        TargetCommand::Show(args) => show(context, settings, args),
        TargetCommand::Init(args) => {
            let deed = deed(Operation::Declare, Some(args.env.clone()));
            audit::attempt(context, settings, (deed, false), |deed| init(context, settings, args, deed))
        }
        TargetCommand::Remove(args) => {
            let deed = deed(Operation::Undeclare, None);
            audit::attempt(context, settings, (deed, false), |deed| remove(context, settings, args, deed))
        }
    }
}

/// An open target, and what is known of it.
struct Opened {
    target: Box<dyn Target>,
    address: Address,
    database: String,
    said: Surroundings,
}

impl Opened {
    fn new(context: &Context<'_>, settings: &Settings, named: Option<&str>) -> Result<Self> {
        let address = address(named, "target", "DATABASE_URL")?;
        let said = surroundings::of(settings, &address, None)?;
        let mut target = (engine::find(&address)?.target)(&address, false, &context.cancel)?;
        let database = guard::database_name(&mut *target)?;
        Ok(Self { target, address, database, said })
    }

    fn json(&self, declared: Option<&Declaration>) -> serde_json::Map<String, Value> {
        let declaration = declared.map(|it| {
            json!({ "environment": it.environment, "allowed": it.allowed, "owner": it.owner, "declared": it.at, "by": it.by })
        });
        let facts = [
            ("target", json!(self.address.to_string())),
            ("database", json!(self.database)),
            ("whereabouts", json!(self.said.whereabouts.word())),
            ("declaration", json!(declaration)),
        ];
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn init(context: &Context<'_>, settings: &Settings, args: &TargetInitArgs, deed: &mut Deed) -> Result<Answer> {
    let mut opened = Opened::new(context, settings, args.target.as_deref())?;
    deed.database = Some(database(&mut opened));
    let there = declaration::read(&mut *opened.target)?;
    let (name, host) = settings.actor();
    let allowed = (!args.allow.is_empty()).then(|| args.allow.clone());
    let wish =
        Wish { environment: args.env.clone(), allowed, owner: args.owner.clone(), by: format!("{name} on {host}") };
    let new = wish.beside(there.as_ref());
    warn_of_source(context, settings, &mut opened);
    let shown = opened.address.to_string();
    let Some(question) =
        declaration::question(there.as_ref(), &new, (opened.said.whereabouts, &opened.database, &shown))
    else {
        let mut json = opened.json(there.as_ref());
        json.insert("changed".to_owned(), json!(false));
        return Ok(Answer::new(json.into(), format!("{shown} declares that already; nothing was changed.")));
    };
    let answers = Answers { yes: args.yes, confirm: args.confirm.as_deref() };
    answers.answer(question, &mut opened.said)?;
    started(context, "target init", vec![("target", shown.clone()), ("environment", args.env.clone())]);
    let wait = Duration::from_secs(args.lock_timeout);
    declaration::declare(context, &mut *opened.target, (there.as_ref(), &new), wait)?;
    record(context, settings, deed);
    finished(context, "target init", vec![("target", shown.clone())], Vec::new(), 0);
    let mut json = opened.json(Some(&new));
    json.insert("changed".to_owned(), json!(true));
    let before = there.map(|there| format!(" (it was {})", there.environment)).unwrap_or_default();
    let text = format!("{shown} is declared {}{before}.\n{}", new.environment, lines(&new));
    Ok(Answer::new(json.into(), text))
}

fn show(context: &Context<'_>, settings: &Settings, args: &TargetShowArgs) -> Result<Answer> {
    let mut opened = Opened::new(context, settings, args.target.as_deref())?;
    let there = declaration::read(&mut *opened.target)?;
    let means = meaning(there.as_ref(), opened.said.whereabouts);
    let mut json = opened.json(there.as_ref());
    json.insert("means".to_owned(), json!(means));
    let text = match &there {
        None => format!("{} declares nothing.\n  {means}", opened.address),
        Some(there) => {
            format!("{} is declared {}.\n{}\n  {means}", opened.address, there.environment, lines(there))
        }
    };
    Ok(Answer::new(json.into(), text))
}

fn remove(context: &Context<'_>, settings: &Settings, args: &TargetRemoveArgs, deed: &mut Deed) -> Result<Answer> {
    let mut opened = Opened::new(context, settings, args.target.as_deref())?;
    deed.database = Some(database(&mut opened));
    // One that nobody can read can be forgotten all the same.
    let (there, is_damaged) = match declaration::read(&mut *opened.target) {
        Err(error) if error.kind() == Kind::Guard => (None, true),
        there => (there?, false),
    };
    let shown = opened.address.to_string();
    let mut json = opened.json(None);
    json.insert("changed".to_owned(), json!(there.is_some() || is_damaged));
    if there.is_none() && !is_damaged {
        return Ok(Answer::new(json.into(), format!("{shown} declares nothing; nothing was changed.")));
    }
    deed.environment = there.as_ref().map(|there| there.environment.clone());
    let text = match &there {
        Some(there) => format!("This forgets that {} ({shown}) is declared {}.", opened.database, there.environment),
        None => format!("This forgets the damaged declaration of {} ({shown}).", opened.database),
    };
    let question = Question::Name { database: opened.database.clone(), text };
    Answers { yes: false, confirm: args.confirm.as_deref() }.answer(question, &mut opened.said)?;
    started(context, "target remove", vec![("target", shown.clone())]);
    declaration::remove(context, &mut *opened.target, there.as_ref(), Duration::from_secs(args.lock_timeout))?;
    record(context, settings, deed);
    finished(context, "target remove", vec![("target", shown.clone())], Vec::new(), 0);
    let means = meaning(None, opened.said.whereabouts);
    Ok(Answer::new(json.into(), format!("{shown} declares nothing any more.\n  {means}")))
}

fn database(opened: &mut Opened) -> Database {
    audit::database(&mut *opened.target, &opened.address)
}

/// Writes a deed that is done into the trail of the store, where one can be opened.
fn record(context: &Context<'_>, settings: &Settings, deed: &Deed) {
    if let Some(repository) = audit::open_quietly(settings)
        && let Err(error) = audit::record(context, settings, &repository, deed.clone())
    {
        let what = format!(
            "the {} is done, but could not be written into the store's audit trail: {error}",
            deed.operation.word()
        );
        context.warn(what, None);
    }
}

fn lines(declared: &Declaration) -> String {
    let shown =
        |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.escape_debug().to_string() };
    format!(
        "  allows    {}\n  owner     {}\n  declared  {} by {}",
        shown(&declared.allowed.join(", "), "nothing"),
        shown(&declared.owner, "nobody is named"),
        declared.at.escape_debug(),
        declared.by.escape_debug()
    )
}

/// What a declaration means for a restore.
fn meaning(declared: Option<&Declaration>, whereabouts: Whereabouts) -> String {
    match (declared, whereabouts) {
        (None, Whereabouts::File) => "A restore is accepted: it is a file.".to_owned(),
        (None, Whereabouts::Here) => {
            "A restore is accepted, after a question where it holds rows of others: it is on this machine.".to_owned()
        }
        (None, Whereabouts::Elsewhere) => {
            format!("A restore is refused: it is {}. 'terp-fixtures target init' declares it.", place(whereabouts))
        }
        (Some(declared), _) if declared.environment == "production" => guard::PRODUCTION_PROCEDURE.to_owned(),
        (Some(declared), _) => {
            format!("Snapshots that are masked for {} go into it.", accepted(&declared.environment))
        }
    }
}

fn accepted(environment: &str) -> &'static str {
    if environment == "dev" { "dev" } else { "dev or staging" }
}

/// Warns where the database is one that snapshots are captured from.
fn warn_of_source(context: &Context<'_>, settings: &Settings, opened: &mut Opened) {
    let Ok(identity) = opened.target.identity() else { return };
    let hint = || Some("Nothing is restored into the source of a snapshot, whatever it declares.".to_owned());
    if let Some(url) = std::env::var("SOURCE_DATABASE_URL").ok().filter(|url| !url.is_empty()) {
        let address = Address::new(url);
        let source = engine::find(&address).and_then(|engine| (engine.source)(&address, &context.cancel));
        match source.and_then(|mut source| source.identity()) {
            Ok(source) if source.is_same_as(&identity) => {
                context.warn("this database is the one that SOURCE_DATABASE_URL names", hint());
            }
            Ok(_) => {}
            Err(error) => context.warn(format!("whether it is the source was not found out: {error}"), None),
        }
    }
    let Some(repository) = audit::open_quietly(settings) else { return };
    let mut of = None;
    let walked = repository.walk(&mut |found| {
        if let Ok(snapshot) = found
            && snapshot.manifest.source.is_same_as(&identity)
        {
            of = Some(snapshot.label());
        }
        Ok(())
    });
    if let Err(error) = walked {
        context.warn(format!("whether it is the source of a snapshot was not found out: {error}"), None);
    }
    if let Some(label) = of {
        context.warn(format!("snapshots were captured from this database, such as {label}"), hint());
    }
}
