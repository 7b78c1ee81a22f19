//! Templates and clones of a host, for `doctor`: what there is, who has it, what it takes, and the end of leftovers.

use crate::cli::args::DoctorArgs;
use crate::cli::render::{Answer, bytes, count, table};
use crate::cli::settings::Settings;
use crate::error::Result;
use crate::model::schema::EngineKind;
use crate::run::Context;
use crate::run::isolate::{Cleaned, Ground, Listed, Role, State};
use crate::secret::Address;
use serde_json::{Value, json};

/// Everything that is on the host. Where none is named and nothing was ever made, there is nothing to tell.
pub(super) fn list(context: &Context<'_>, settings: &Settings, args: &DoctorArgs) -> Result<Answer> {
    let named = settings.named_server(args.server.as_deref());
    let Ok(server) = server(settings, args) else { return Ok(Answer::new(Value::Null, "")) };
    let limits = settings.isolation_limits()?;
    let found = opened(context, &server).and_then(|ground| ground.map(|mut ground| ground.entries()).transpose());
    let found = match found {
        Ok(Some(found)) => found,
        // Nobody has asked for it.
        Ok(None) | Err(_) if named.is_none() => return Ok(Answer::new(Value::Null, "")),
        Ok(None) => Vec::new(),
        Err(error) => {
            let json = json!({ "server": server.to_string(), "databases": null });
            return Ok(Answer { failure: Some(error), ..Answer::new(json, "") });
        }
    };
    let total: u64 = found.iter().filter_map(|listed| listed.bytes).sum();
    let databases: Vec<Value> = found.iter().map(in_json).collect();
    let limits = json!({ "clones": limits.clones, "templates": limits.templates });
    let json = json!({ "server": server.to_string(), "limits": limits, "bytes": total, "databases": databases });
    let text = match found.len() {
        0 => format!("\n\n{server}: no templates and no clones."),
        many => {
            let rows: Vec<Vec<String>> = found.iter().map(in_row).collect();
            let head = ["database", "is", "of", "state", "held by", "used", "size"];
            let what = count(many as u64, "database");
            format!("\n\n{server}: {what}, {}\n\n{}", bytes(total), table(&head, &rows, &[6]))
        }
    };
    Ok(Answer::new(json, text))
}

/// Takes away what killed programs left, with `--all` also what is ready and nobody's.
pub(super) fn clean(context: &Context<'_>, settings: &Settings, args: &DoctorArgs) -> Result<Answer> {
    let server = server(settings, args)?;
    super::started(context, "doctor clean", vec![("server", server.to_string())]);
    let Cleaned { removed, in_use } = match opened(context, &server)? {
        Some(mut ground) => ground.clean(context, args.all)?,
        None => Cleaned::default(),
    };
    let gone: Vec<Value> =
        removed.iter().map(|it| json!({ "name": it.name, "role": it.role.word(), "state": it.state.word() })).collect();
    let json = json!({ "server": server.to_string(), "removed": gone, "in_use": in_use });
    let gone = removed.iter().map(|it| format!("removed {}, a {} that was {}", it.name, noun(it.role), left(it.state)));
    let kept = in_use.iter().map(|name| format!("kept    {name}, which is in use"));
    let mut lines: Vec<String> = gone.chain(kept).collect();
    lines.push(match lines.len() {
        0 => format!("Nothing is left over on {server}."),
        _ => format!("Removed {} from {server}.", count(removed.len() as u64, "database")),
    });
    Ok(Answer::new(json, lines.join("\n")))
}

fn server(settings: &Settings, args: &DoctorArgs) -> Result<Address> {
    settings.isolation_server(args.server.as_deref(), Some(EngineKind::Sqlite))
}

/// Opens a host where something was made there already. A folder is not made for being looked at.
pub(super) fn opened(context: &Context<'_>, server: &Address) -> Result<Option<Ground>> {
    Ground::find(server, &context.cancel)
}

fn noun(role: Role) -> &'static str {
    match role {
        Role::Template | Role::Clone => role.word(),
        Role::Scratch => "scratch database",
    }
}

/// What a state is called when nobody holds it.
fn left(state: State) -> &'static str {
    match state {
        State::Ready => "ready",
        State::Leased => "left by its holder",
        State::Resetting => "left while it was put back",
        State::Building => "left half-made",
        State::Kept => "kept to be looked at",
        State::Spoiled => "to go",
    }
}

fn in_row(listed: &Listed) -> Vec<String> {
    let Listed { entry, bytes: size, in_use } = listed;
    let keeper = &entry.keeper;
    let host = if keeper.host.is_empty() { String::new() } else { format!(" on {}", keeper.host.escape_debug()) };
    let (state, held) = if *in_use {
        (entry.state.word(), format!("process {}{host}", keeper.process))
    } else {
        (left(entry.state), String::new())
    };
    let size = size.map_or("gone".to_owned(), bytes);
    let label = entry.label.escape_debug().to_string();
    vec![entry.name.clone(), entry.role.word().into(), label, state.into(), held, entry.used.clone(), size]
}

fn in_json(listed: &Listed) -> Value {
    let Listed { entry, bytes, in_use } = listed;
    json!({
        "name": entry.name,
        "role": entry.role.word(),
        "template": entry.template,
        "snapshot": entry.snapshot,
        "label": entry.label,
        "state": entry.state.word(),
        "in_use": in_use,
        "host": entry.keeper.host,
        "process": entry.keeper.process,
        "since": entry.keeper.since,
        "address": entry.address,
        "made": entry.made,
        "used": entry.used,
        "note": entry.note,
        "bytes": bytes,
    })
}
