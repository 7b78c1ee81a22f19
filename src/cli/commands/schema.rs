//! Where a command's schema comes from: a database, a snapshot, or files of DDL.

use super::{Context, open};
use crate::cli::args::policy::{EngineName, SchemaArgs};
use crate::cli::settings::Settings;
use crate::ddl;
use crate::engine::{self, Source};
use crate::error::{Error, Kind, Result};
use crate::model::schema::{Catalogue, EngineKind};
use crate::policy::file::Place;
use crate::policy::findings::{Finding, Severity};
use crate::policy::lock::LockFile;
use crate::secret::Address;
use std::path::{Path, PathBuf};

/// A schema, and where it is from.
pub(super) struct Schema {
    pub(super) catalogue: Catalogue,
    /// In words: `sqlite:erp.sqlite`, `snapshot demo@...`, `DDL for PostgreSQL in schema.sql`.
    pub(super) origin: String,
    /// The database, where it is from one.
    pub(super) source: Option<Box<dyn Source>>,
    /// Statements that could not be read.
    pub(super) findings: Vec<Finding>,
}

impl SchemaArgs {
    /// The schema; none where nothing names one.
    pub(super) fn schema(&self, context: &Context<'_>, settings: &Settings) -> Result<Option<Schema>> {
        if !self.ddl.is_empty() {
            return self.of_files().map(Some);
        }
        if let Some(name) = &self.snapshot {
            let snapshot = open(context, settings)?.find(name)?;
            let origin = format!("snapshot {}", snapshot.label());
            let catalogue = snapshot.manifest.schema;
            return Ok(Some(Schema { catalogue, origin, source: None, findings: Vec::new() }));
        }
        let usual = || std::env::var("SOURCE_DATABASE_URL").ok().filter(|url| !url.trim().is_empty());
        let Some(url) = self.source.clone().or_else(usual) else { return Ok(None) };
        let address = Address::new(url);
        let mut source = (engine::find(&address)?.source)(&address, &context.cancel)?;
        let (catalogue, origin) = (source.catalogue()?, address.to_string());
        Ok(Some(Schema { catalogue, origin, source: Some(source), findings: Vec::new() }))
    }

    fn of_files(&self) -> Result<Schema> {
        let mut files = Vec::new();
        for path in &self.ddl {
            for path in within(path)? {
                files.push(file(&path)?);
            }
        }
        let Some(engine) = self.engine.map(EngineName::kind).or_else(|| ddl::guess(&files)) else {
            return Err(Error::usage("nothing in the DDL tells which engine it is for")
                .hint("Add --engine postgres, mysql, mariadb or sqlite."));
        };
        let (catalogue, problems) = ddl::read(&files, engine);
        if catalogue.tables.is_empty() && !problems.iter().any(|problem| problem.of_table) {
            return Err(Error::usage(format!("there is no CREATE TABLE in {}", listed(&self.ddl)))
                .hint("Name the files that create the tables, in the order in which they run."));
        }
        let findings = problems.into_iter().map(|problem| finding(problem, engine)).collect();
        let origin = format!("DDL for {engine} in {}", listed(&self.ddl));
        Ok(Schema { catalogue, origin, source: None, findings })
    }
}

fn finding(problem: ddl::Problem, engine: EngineKind) -> Finding {
    let table = problem.of_table;
    Finding {
        rule: if table { "unreadable-ddl" } else { "skipped-ddl" },
        severity: if table { Severity::Error } else { Severity::Warning },
        kind: if table { Kind::Usage } else { Kind::Policy },
        file: problem.file,
        place: Some(Place { line: problem.line, column: problem.column }),
        table: None,
        column: None,
        what: problem.what,
        hint: Some(format!(
            "It was read as {engine}; --engine says otherwise. A database or a snapshot can be checked instead."
        )),
    }
}

/// The file, or the `.sql` files of a folder in the order of their names.
fn within(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unread = |error| Error::usage(format!("cannot read the folder {}", path.display())).caused_by(error);
    let entries = std::fs::read_dir(path).map_err(unread)?.collect::<std::io::Result<Vec<_>>>().map_err(unread)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("sql")));
    files.sort();
    Ok(files)
}

/// Text in any encoding: what is no UTF-8 can only be a value or a name that nobody looks for.
fn file(path: &Path) -> Result<ddl::File> {
    let bytes = std::fs::read(path)
        .map_err(|error| Error::usage(format!("cannot read the DDL {}", path.display())).caused_by(error))?;
    Ok(ddl::File { name: path.display().to_string(), text: String::from_utf8_lossy(&bytes).into_owned() })
}

fn listed(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    match names.as_slice() {
        [first, .., last] if names.len() > 3 => format!("{first} to {last}"),
        _ => names.join(", "),
    }
}

/// The lock that is meant: the named one, which must be there, else the one beside the policy, if it is.
pub(super) fn lock(policy: &Path, named: Option<&Path>) -> Result<Option<LockFile>> {
    let beside = LockFile::path(policy);
    let Some(path) = named.or_else(|| beside.is_file().then_some(beside.as_path())) else { return Ok(None) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("cannot read the lock {}", path.display())).caused_by(error))?;
    LockFile::parse(&path.display().to_string(), &text).map(Some)
}

/// The policy that is meant: the named one, that of the configuration, else `pii.toml`.
pub(super) fn policy_path(settings: &Settings, named: Option<&Path>) -> Result<PathBuf> {
    settings.policy(named).or_else(|error| match named {
        Some(_) => Err(error),
        None => settings.policy(Some(Path::new("pii.toml"))),
    })
}
