//! `keys list`, `add`, `remove` and `rotate`: who is a member of the store.

use super::{audit, confirm, finished, keys, open, open_to_publish, started};
use crate::cli::args::{KeysAddArgs, KeysCommand, KeysRemoveArgs, KeysRotateArgs};
use crate::cli::render::{Answer, count, table};
use crate::cli::settings::Settings;
use crate::error::{Error, Result};
use crate::model::audit::{Deed, Operation};
use crate::run::Context;
use crate::run::keys::{self as store_keys, Listed, NewMember, Rotated};
use crate::run::repository::Repository;
use crate::seal::{Recipient, Role, SignerId};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;

pub(super) fn run(context: &Context<'_>, settings: &Settings, command: &KeysCommand) -> Result<Answer> {
    match command {
        KeysCommand::Init(args) => keys::init(context, settings, args),
        KeysCommand::New(args) => keys::new(settings, args),
        KeysCommand::List => list(context, settings),
        KeysCommand::Add(args) => add(context, settings, args),
        KeysCommand::Remove(args) => remove(context, settings, args),
        KeysCommand::Rotate(args) => rotate(context, settings, args),
    }
}

fn list(context: &Context<'_>, settings: &Settings) -> Result<Answer> {
    let repository = open(context, settings)?;
    let found = store_keys::members(&repository)?;
    for error in found.refused.iter().chain(&found.strays) {
        context.warn(error.to_string(), error.hint_text().map(str::to_owned));
    }
    let is_you = |member: &Listed| member.card.recipient == *repository.recipient();
    let json: Vec<Value> = found.members.iter().map(|member| listed_json(member, is_you(member))).collect();
    let lines: Vec<Vec<String>> = found.members.iter().map(|member| listed_line(member, is_you(member))).collect();
    let head = ["name", "role", "recipient", "signer", "since", "epochs"];
    let text = format!("{}\n\nEpoch {}.", table(&head, &lines, &[5]), repository.keys().epoch());
    Ok(Answer::new(Value::Array(json), text))
}

fn listed_json(member: &Listed, is_you: bool) -> Value {
    let Listed { card, epochs, is_whole } = member;
    json!({ "name": card.name, "role": card.role.word(), "recipient": card.recipient.to_string(),
        "signer": card.signer.map(|signer| signer.to_string()), "since": card.since, "added_by": card.by.to_string(),
        "epochs": epochs, "complete": is_whole, "you": is_you })
}

fn listed_line(member: &Listed, is_you: bool) -> Vec<String> {
    let Listed { card, epochs, is_whole } = member;
    let name = card.name.escape_debug();
    let name = if is_you { format!("{name} (you)") } else { name.to_string() };
    let signer = card.signer.map_or_else(|| "not told".to_owned(), |signer| signer.to_string());
    let epochs =
        if *is_whole { epochs.to_string() } else { format!("{epochs}, not yet the current one: add it again") };
    vec![name, card.role.word().to_owned(), card.recipient.to_string(), signer, card.since.clone(), epochs]
}

fn add(context: &Context<'_>, settings: &Settings, args: &KeysAddArgs) -> Result<Answer> {
    let (recipient, told) = recipient(&args.recipient)?;
    let new = NewMember {
        name: args.name.clone(),
        recipient,
        role: Role::ALL.into_iter().find(|role| role.word() == args.role).unwrap_or(Role::Restore),
        signer: args.signer.as_deref().map(str::parse).transpose()?.or(told),
        from_now: args.from_now,
    };
    crate::seal::check_name(&new.name)?;
    let deed = Deed { key: Some(new.recipient.to_string()), ..Deed::new(Operation::KeysAdd) };
    audit::attempt(context, settings, (deed, false), |_| {
        let repository = open_to_publish(context, settings)?;
        let start = begun(context, settings, "keys-add", &new.name);
        let done = store_keys::add(context, &repository, &new)?;
        if let Some(head) = &done.head {
            audit::remember(context, settings, &repository, head);
        }
        ended(context, "keys-add", start);
        let you = repository.signer().id();
        let json = json!({ "name": new.name, "role": new.role.word(), "recipient": new.recipient.to_string(),
            "signer": new.signer.map(|signer| signer.to_string()), "epochs": done.epochs, "your_signer": you.to_string() });
        Ok(Answer::new(json, added_text(settings, &new, &done.epochs, &you)))
    })
}

fn added_text(settings: &Settings, new: &NewMember, epochs: &[u32], you: &SignerId) -> String {
    let name = new.name.escape_debug();
    let what = match new.role {
        Role::Capture => "may capture, but not read a row",
        Role::Restore => "may do everything",
        Role::Gc => "may remove snapshots, but neither capture nor read a row",
    };
    let list = if new.role == Role::Capture { "publishers" } else { "signers" };
    let theirs = match new.signer {
        Some(signer) => format!("  Everybody:  {list} = [..., \"{signer}\"]  in [store] of terp-fixtures.toml"),
        None => format!(
            "  Everybody:  its signer ('keys new' shows it) into `{list}` of terp-fixtures.toml, if it is to write"
        ),
    };
    format!(
        "Added {name}, who {what}: {} of keys.\n  {name}:  signers = [\"{you}\"]  and the store {} in [store] of its \
         terp-fixtures.toml\n{theirs}",
        count(epochs.len() as u64, "epoch"),
        settings.store(),
    )
}

/// A recipient as it was typed, or out of a file, which may name the signer in a comment.
fn recipient(given: &str) -> Result<(Recipient, Option<SignerId>)> {
    let path = Path::new(given);
    if !path.is_file() {
        return Ok((given.parse()?, None));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("cannot read the recipient {}", path.display())).caused_by(error))?;
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let (comments, keys): (Vec<&str>, Vec<&str>) = lines.into_iter().partition(|line| line.starts_with('#'));
    let [key] = keys.as_slice() else {
        return Err(Error::usage(format!("{} does not hold exactly one recipient", path.display()))
            .hint("Name the file of a public key, such as id_ed25519.pub, or paste the recipient itself."));
    };
    let signer = comments.iter().find_map(|comment| comment.strip_prefix("# signer: "));
    let signer = signer.map(str::parse::<SignerId>).transpose().map_err(|error| error.within(path.display()))?;
    Ok((key.parse::<Recipient>().map_err(|error| error.within(path.display()))?, signer))
}

fn remove(context: &Context<'_>, settings: &Settings, args: &KeysRemoveArgs) -> Result<Answer> {
    let key = args.member.parse::<Recipient>().map_or_else(|_| args.member.clone(), |recipient| recipient.to_string());
    let deed = Deed { key: Some(key), ..Deed::new(Operation::KeysRemove) };
    audit::attempt(context, settings, (deed, false), |deed| {
        let repository = open_to_publish(context, settings)?;
        let removal = store_keys::removal(&repository, &args.member)?;
        let card = &removal.card;
        deed.key = Some(card.recipient.to_string());
        let name = card.name.escape_debug();
        confirm(
            args.yes,
            &format!("This removes {name} from {} and makes new keys for all others.", settings.store()),
        )?;
        let start = begun(context, settings, "keys-remove", &card.name);
        let done = store_keys::remove(context, &repository, &removal)?;
        remember(context, settings, &repository, done.as_ref());
        ended(context, "keys-remove", start);
        let begun = done.as_ref().map_or_else(
            || format!("{name} was removed before; what was left of its keys is gone now."),
            |done| format!("Removed {name}. {}", epoch_text(done, &repository)),
        );
        let pinned = card.signer.map_or_else(|| "its signer".to_owned(), |signer| signer.to_string());
        let text = format!(
            "{begun}\n\nStill to do, since keys cannot undo it:\n  - Change the credentials of the bucket or folder {} that {name} knows.\n  \
             - Take {pinned} out of `signers` and `publishers` of terp-fixtures.toml; what it captured is not believed after \
             that, so capture that again first.\n  - What {name} has read or copied stays read.",
            settings.store(),
        );
        let json = json!({ "name": card.name, "recipient": card.recipient.to_string(), "role": card.role.word(),
            "signer": card.signer.map(|signer| signer.to_string()),
            "epoch": done.as_ref().map_or(repository.keys().epoch(), |done| done.epoch),
            "members": done.as_ref().map(|done| &done.members), "finished": done.is_none() });
        Ok(Answer::new(json, text))
    })
}

fn rotate(context: &Context<'_>, settings: &Settings, args: &KeysRotateArgs) -> Result<Answer> {
    audit::attempt(context, settings, (Deed::new(Operation::KeysRotate), false), |_| {
        let repository = open_to_publish(context, settings)?;
        confirm(args.yes, &format!("This makes new keys for every member of {}.", settings.store()))?;
        let start = begun(context, settings, "keys-rotate", "");
        let done = store_keys::rotate(context, &repository)?;
        remember(context, settings, &repository, Some(&done));
        ended(context, "keys-rotate", start);
        let json = json!({ "epoch": done.epoch, "members": done.members });
        Ok(Answer::new(json, epoch_text(&done, &repository)))
    })
}

fn epoch_text(done: &Rotated, repository: &Repository) -> String {
    let names: Vec<String> = done.members.iter().map(|name| name.escape_debug().to_string()).collect();
    format!(
        "Epoch {} has begun, with {}.\n  The next capture shares nothing with what lies in the store: it uploads everything once. Snapshots of epoch {} stay readable.",
        done.epoch,
        names.join(", "),
        repository.keys().epoch(),
    )
}

fn remember(context: &Context<'_>, settings: &Settings, repository: &Repository, done: Option<&Rotated>) {
    if let Some(head) = done.and_then(|done| done.head.as_ref()) {
        audit::remember(context, settings, repository, head);
    }
}

fn begun(context: &Context<'_>, settings: &Settings, operation: &'static str, member: &str) -> Instant {
    let facts = vec![("store", settings.store().to_string()), ("member", member.escape_debug().to_string())];
    started(context, operation, facts);
    Instant::now()
}

fn ended(context: &Context<'_>, operation: &'static str, start: Instant) {
    finished(
        context,
        operation,
        Vec::new(),
        Vec::new(),
        u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
    );
}
