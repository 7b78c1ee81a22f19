//! `reset`: a clone's address to the state of its snapshot.

use super::{isolated, pooled};
use crate::cli::args::ResetArgs;
use crate::cli::render::{Answer, count};
use crate::cli::settings::Settings;
use crate::engine::isolate::{How, Rung};
use crate::error::{Error, Result};
use crate::run::Context;
use crate::run::isolate::client::Client;
use crate::run::isolate::pool::Ask;
use crate::run::isolate::{Report, home};
use crate::secret::Address;
use serde_json::json;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &ResetArgs) -> Result<Answer> {
    let url = Address::new(&args.url);
    super::started(context, "reset", vec![("url", url.to_string())]);
    let report = match by_pool(args, &url)? {
        Some(report) => report,
        None => on_host(context, settings, args, &url)?,
    };
    for note in &report.notes {
        context.report.event(&crate::event::Event::Note { what: note.clone() });
    }
    let tables = report.tables.iter().map(|table| (table.clone(), 0)).collect();
    super::finished(context, "reset", vec![("rung", report.rung.word().to_owned())], tables, report.millis);
    let (_, name) = home(&url)?;
    let json = json!({
        "database": name,
        "rung": report.rung.word(),
        "rows": report.rows,
        "tables": report.tables.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "counters": report.counters,
        "millis": report.millis,
        "micros": report.micros,
        "notes": report.notes,
        "verified": report.verified,
    });
    Ok(Answer::new(json, told(&report)))
}

/// Asks the pool that the environment names, if that one made the clone: it has it open, and needs no account from here.
fn by_pool(args: &ResetArgs, url: &Address) -> Result<Option<Report>> {
    let Some(place) = pooled::place()?.filter(|_| args.server.is_none()) else { return Ok(None) };
    let mut client = Client::connect(&place)?;
    let Some(lease) = client.find(url)? else { return Ok(None) };
    let ask = Ask { verify: args.verify, exact_ids: args.exact_ids };
    client.put_back(&lease.id, ask)?.report().map(Some)
}

/// Opens the host itself: with the account that is named or configured for it, or else with the clone's own.
fn on_host(context: &Context<'_>, settings: &Settings, args: &ResetArgs, url: &Address) -> Result<Report> {
    let (own, name) = home(url)?;
    let same_engine = |server: &Address| server.scheme() == own.scheme();
    let named = match args.server.as_deref() {
        Some(named) => Some(Address::new(named)),
        None => settings.named_server(None).filter(same_engine),
    };
    let server = named.as_ref().unwrap_or(&own);
    let opened = isolated::opened(context, server).map_err(|error| match &named {
        Some(_) => error,
        None => error
            .hint("Add --server URL with an account that may make databases; that of the clone reaches nothing else."),
    })?;
    let mut ground = opened.ok_or_else(|| {
        Error::guard(format!("'{url}' is not put back: nothing was ever made on its host {server}"))
            .hint("Only clones that 'exec' and 'pool serve' made are reset. Name their host with --server URL.")
    })?;
    let mut leased = ground.attach(&name, url)?;
    let how = How { exact_ids: args.exact_ids || settings.exact_ids(), ..How::default() };
    ground.reset_attached(context, &mut leased, &how, args.verify)
}

/// One line: the rung, what was done, and how long it took.
pub(super) fn told(report: &Report) -> String {
    let how = match report.rung {
        Rung::Clean => "nothing to put back",
        Rung::Journal => "put back what was touched",
        Rung::Difference => "put back by the difference to the template",
        Rung::Reload => "put back by loading tables again",
        Rung::Clone => "made anew",
    };
    let what = match (report.rung, report.counters) {
        (Rung::Clean, _) => String::new(),
        (_, counters) => {
            let changed = format!(": {} in {}", count(report.rows, "row"), count(report.tables.len() as u64, "table"));
            if counters == 0 { changed } else { format!("{changed}, {}", count(counters, "counter")) }
        }
    };
    let time = match report.micros {
        micros if micros < 10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        _ => format!("{} ms", report.millis),
    };
    let verified = if report.verified == Some(true) { "; every table is as the snapshot has it" } else { "" };
    format!("{how}{what}, {time}{verified}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::TableName;

    #[test]
    fn a_reset_is_told_in_one_line() {
        let report = Report {
            rung: Rung::Journal,
            rows: 31,
            tables: ["a", "b", "c", "d", "e"].map(TableName::plain).to_vec(),
            counters: 0,
            millis: 12,
            micros: 12_345,
            notes: Vec::new(),
            verified: None,
        };
        assert_eq!(told(&report), "put back what was touched: 31 rows in 5 tables, 12 ms");
        let clean = Report { rung: Rung::Clean, micros: 432, millis: 0, verified: Some(true), ..report.clone() };
        assert_eq!(told(&clean), "nothing to put back, 0.4 ms; every table is as the snapshot has it");
        let anew = Report { rung: Rung::Clone, counters: 1, ..report };
        assert_eq!(told(&anew), "made anew: 31 rows in 5 tables, 1 counter, 12 ms");
    }
}
