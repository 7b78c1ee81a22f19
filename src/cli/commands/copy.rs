//! `copy`: snapshots into another store.

use super::open;
use crate::cli::args::CopyArgs;
use crate::cli::render::{Answer, bytes, count, seconds};
use crate::cli::settings::{Settings, member_of};
use crate::error::{Error, Result};
use crate::model::audit::{Deed, Named, Operation};
use crate::run::Context;
use crate::run::audit::copied;
use crate::run::copy::{self, Outcome};
use crate::run::repository::Repository;
use crate::run::tags::Tags;
use crate::secret::Address;
use crate::store;
use serde_json::{Value, json};

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &CopyArgs) -> Result<Answer> {
    let from = open(context, settings)?;
    let to = other(settings, args)?;
    let mut done = Vec::new();
    for wanted in &args.snapshot {
        let snapshot = from.find(wanted)?;
        let tags = Tags::read(&from)?.of(&snapshot);
        let outcome = copy::copy(context, &from, &snapshot, &to, &tags).inspect_err(|error| {
            let deed = Deed { snapshot: Some(Named { name: wanted.clone(), id: None }), ..Deed::new(Operation::Copy) };
            // That it cannot be written down never hides why the copy failed.
            drop(crate::run::audit::record(&to, deed.stopped_by(error)));
        })?;
        if !outcome.unchanged {
            crate::run::audit::record(&to, copied(&outcome.snapshot)).map_err(|error| {
                let label = outcome.snapshot.label();
                error
                    .within(format!("{label} is published, but the other store's audit trail does not say so"))
                    .hint(format!("Remove it there and copy again: terp-fixtures rm {label} --store {}", args.to))
            })?;
        }
        done.push((snapshot.label(), outcome));
    }
    Ok(Answer::new(done.iter().map(as_json).collect(), done.iter().map(text).collect::<Vec<_>>().join("\n")))
}

/// The store to copy into, opened as one of its members.
fn other(settings: &Settings, args: &CopyArgs) -> Result<Repository> {
    let address = Address::new(args.to.clone());
    let member = match &args.to_identity {
        Some(path) => member_of(path)?,
        None => settings.member()?.0,
    };
    if Settings::here(Some(&args.to)).is_public() {
        return Err(Error::guard(format!("the store {address} is public: its identity lies in it"))
            .hint("Copy into a store of your own; 'terp-fixtures keys init --store DIR' makes one."));
    }
    let (name, host) = settings.actor();
    let opened = Repository::open(store::open(&address, false)?, &member, &settings.signers()?)
        .map_err(|error| error.within(format!("the store {address}")))?;
    opened.check_current()?;
    Ok(opened.believing(&settings.publishers()?).acting_as(name, host, false))
}

fn as_json((from, done): &(String, Outcome)) -> Value {
    json!({ "from": from, "snapshot": { "name": done.snapshot.manifest.name, "id": done.snapshot.id },
        "unchanged": done.unchanged, "chunks": done.chunks.0, "known_chunks": done.chunks.1,
        "uploaded_packs": done.uploaded_packs, "uploaded_bytes": done.uploaded_bytes, "millis": done.millis })
}

fn text((from, done): &(String, Outcome)) -> String {
    let to = done.snapshot.label();
    if done.unchanged {
        return format!("{from} is there already, as {to}.");
    }
    format!(
        "Copied {from} as {to}: {}, {} of them there already; {} uploaded ({}) in {}.",
        count(done.chunks.0, "chunk"),
        done.chunks.1,
        count(done.uploaded_packs as u64, "pack"),
        bytes(done.uploaded_bytes),
        seconds(done.millis)
    )
}
