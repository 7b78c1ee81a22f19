//! `export`: masked rows into plain files.

use super::{audit, open};
use crate::cli::args::{ExportArgs, ExportFormat};
use crate::cli::render::{Answer, bytes, count};
use crate::cli::settings::Settings;
use crate::error::Result;
use crate::model::audit::{Deed, Named, Operation};
use crate::run::Context;
use crate::run::audit::exported;
use crate::run::export::{self, Format, Options};
use serde_json::{Value, json};

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &ExportArgs) -> Result<Answer> {
    let wanted = Named { name: args.snapshot.clone(), id: None };
    let deed = Deed { snapshot: Some(wanted), ..Deed::new(Operation::Export) };
    audit::attempt(context, settings, (deed, false), |deed| {
        let repository = open(context, settings)?;
        let snapshot = repository.find(&args.snapshot)?;
        *deed = exported(&snapshot, 0);
        let format = match args.format {
            ExportFormat::Csv => Format::Csv,
            ExportFormat::Sql => Format::Sql,
        };
        let options = Options { format, tables: args.table.clone(), force: args.force };
        let done = export::export(context, &repository, &snapshot, &args.dir, &options)?;
        let rows = done.tables.iter().map(|(_, rows)| rows).sum();
        audit::record(context, settings, &repository, exported(&snapshot, rows))?;
        for left_out in &done.left_out {
            context.warn(format!("left out: {left_out}"), None);
        }
        let text = format!(
            "Wrote {} of {} into {} ({}).\nThey are masked, but plain text: whoever reads the files needs no key. Delete them when they are not needed.",
            count(rows, "row"),
            snapshot.label(),
            count(done.files.len() as u64, "file"),
            bytes(done.bytes)
        );
        let files: Vec<Value> = done.files.iter().map(|path| json!(path.display().to_string())).collect();
        let tables: Vec<Value> =
            done.tables.iter().map(|(table, rows)| json!({ "table": table.to_string(), "rows": rows })).collect();
        let json = json!({ "snapshot": { "name": snapshot.manifest.name, "id": snapshot.id }, "files": files, "tables": tables,
            "rows": rows, "bytes": done.bytes, "left_out": done.left_out });
        Ok(Answer::new(json, text))
    })
}
