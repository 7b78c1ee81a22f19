//! Templates: made once per snapshot and host, however many programs ask for it at once.

use super::registry::{Entry, Role, State};
use super::rows::Rows;
use super::{Ground, names};
use crate::engine::{self, Source};
use crate::error::{Error, Kind, Result};
use crate::model::schema::{Catalogue, TableKind, TableName, Traces};
use crate::run::repository::{Repository, Snapshot};
use crate::run::{Context, guard, now, restore, state};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A template that is ready.
#[derive(Debug, Clone)]
pub struct Template {
    /// The database.
    pub name: String,
    /// The id of the snapshot.
    pub snapshot: String,
    /// The snapshot's name with the beginning of its id.
    pub label: String,
    /// What its tables hold.
    pub(super) content: Arc<Vec<Content>>,
    /// The snapshot; none where only the registry is at hand.
    pub(super) rows: Option<Rows>,
}

/// What a table of a template holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) table: TableName,
    pub(super) columns: Vec<String>,
    pub(super) rows: u64,
    /// Order-independent digest of the rows in `columns`.
    pub(super) digest: String,
}

impl Template {
    /// The template that a line of the registry tells of.
    pub(super) fn of(entry: &Entry) -> Result<Self> {
        let content = serde_json::from_str(&entry.detail).map_err(|error| {
            Error::guard(format!("the registry's line of {} is damaged", entry.name.escape_debug())).caused_by(error)
        })?;
        let (name, snapshot, label) = (entry.name.clone(), entry.snapshot.clone(), entry.label.clone());
        Ok(Self { name, snapshot, label, content: Arc::new(content), rows: None })
    }

    /// Tables, and rows in them.
    #[must_use]
    pub fn size(&self) -> (usize, u64) {
        (self.content.len(), self.content.iter().map(|content| content.rows).sum())
    }
}

impl Ground {
    /// The template of a snapshot, made where there is none. Whoever else wants the same one waits for it.
    ///
    /// # Errors
    /// Kind `Guard` for a snapshot that has expired, or when a database has the template's name that is not ours; `Drift` where this
    /// engine would lose something of it and `allow_lossy` does not say that this is accepted; else as a restore.
    pub fn template(
        &mut self,
        context: &Context<'_>,
        repository: &Arc<Repository>,
        snapshot: &Snapshot,
        allow_lossy: bool,
    ) -> Result<Template> {
        self.wake()?;
        refuse_snapshot(snapshot)?;
        let empty = Catalogue {
            engine: self.host.engine(),
            version: String::new(),
            settings: BTreeMap::new(),
            tables: Vec::new(),
            pre: Vec::new(),
            post: Vec::new(),
            own: Traces::default(),
        };
        restore::refuse_losses(context, snapshot, &empty, allow_lossy)?;
        if self.machine.is_empty() {
            self.machine.clone_from(&repository.actor().host);
        }
        let name = names::template(&snapshot.id, self.host.engine());
        let rows = Rows { repository: Arc::clone(repository), snapshot: Arc::new(snapshot.clone()) };
        let template = match self.ready(&name)? {
            Some(template) => template,
            None => self.make_template(context, &name, &rows, allow_lossy)?,
        };
        self.keep_few(context, &name)?;
        Ok(Template { rows: Some(rows), ..template })
    }

    /// A template that is ready, and is noted as used now.
    pub(super) fn ready(&mut self, name: &str) -> Result<Option<Template>> {
        let Some(mut entry) = self.registry.find(name)?.filter(|entry| entry.state == State::Ready) else {
            return Ok(None);
        };
        if !self.host.exists(name)? {
            return Ok(None);
        }
        entry.used = now();
        self.registry.touch(&entry)?;
        Template::of(&entry).map(Some)
    }

    fn make_template(&mut self, context: &Context<'_>, name: &str, rows: &Rows, allow_lossy: bool) -> Result<Template> {
        let label = rows.snapshot.label();
        let why = format!("waiting for another program that makes the template of {label}");
        let held = self.wait_for(context, &names::template_lock(name), &why)?;
        if let Some(template) = self.ready(name)? {
            return Ok(template);
        }
        if self.registry.find(name)?.is_some() {
            context.note(format!("the template of {label} was left unfinished; it is made anew"));
            self.host.remove(name)?;
            self.registry.remove(name)?;
        }
        self.refuse_foreign(name)?;
        let short: String = label.chars().take(200).collect();
        let mut entry = Entry {
            template: name.to_owned(),
            snapshot: rows.snapshot.id.clone(),
            detail: "[]".to_owned(),
            ..Entry::begun(Role::Template, name, &short, self.me())
        };
        let registry = self.hold_registry()?;
        self.registry.add(&entry)?;
        drop(registry);
        if let Err(error) = self.host.create(name) {
            return Err(self.not_made(name, error));
        }
        let content = match self.fill(context, name, rows, allow_lossy) {
            Ok(content) => content,
            Err(error) => return Err(self.undo(name, error)),
        };
        entry.detail = serde_json::to_string(&content)
            .map_err(|error| Error::internal("the content of a template cannot be written").caused_by(error))?;
        entry.state = State::Ready;
        self.registry.save(&entry)?;
        drop(held);
        Template::of(&entry)
    }

    /// Refuses a name that a database has which the registry does not list.
    pub(super) fn refuse_foreign(&mut self, name: &str) -> Result<()> {
        if !self.host.exists(name)? {
            return Ok(());
        }
        Err(Error::guard(format!("there is a database {name} that the registry of this host does not list"))
            .hint("Only what the registry lists is ever dropped. Drop it by hand if it is a leftover."))
    }

    fn fill(&mut self, context: &Context<'_>, name: &str, rows: &Rows, allow_lossy: bool) -> Result<Vec<Content>> {
        context.stage(format!("making the template of {}", rows.snapshot.label()));
        let address = self.host.address(name);
        let mut target = (engine::find(&address)?.target)(&address, false, &context.cancel)?;
        let outcome = restore::fill(context, &rows.repository, &rows.snapshot, &mut *target, allow_lossy)?;
        context.stage("closing the template");
        let content = content(&mut *target, &outcome)?;
        drop(target);
        self.host.seal(name)?;
        Ok(content)
    }

    /// Takes away what is left where a database could not be made. A name that somebody else took just now is not ours to drop.
    pub(super) fn not_made(&mut self, name: &str, error: Error) -> Error {
        if error.kind() == Kind::Guard { self.strike(name, error) } else { self.undo(name, error) }
    }

    /// Takes away what an error left of a template or a clone. Where that fails, too, its line still says that it is unfinished.
    pub(super) fn undo(&mut self, name: &str, error: Error) -> Error {
        match self.host.remove(name) {
            Ok(()) => self.strike(name, error),
            Err(second) => error.caused_by(second),
        }
    }

    fn strike(&mut self, name: &str, error: Error) -> Error {
        match self.registry.remove(name) {
            Ok(()) => error,
            Err(second) => error.caused_by(second),
        }
    }
}

/// What never becomes a template: what has expired, and rows that were saved from a target, which go back there only.
fn refuse_snapshot(snapshot: &Snapshot) -> Result<()> {
    guard::refuse_expired(snapshot)?;
    if snapshot.manifest.backup.is_none() {
        return Ok(());
    }
    Err(Error::guard(format!("{} is a backup, which goes back into its own database only", snapshot.label()))
        .hint("Name a snapshot that was captured."))
}

/// What every table holds, after `outcome`. Rows are read again only where the load does not know how the server shows them.
fn content(target: &mut dyn engine::Target, outcome: &restore::Outcome) -> Result<Vec<Content>> {
    let catalogue = target.catalogue()?;
    let mut found = Vec::new();
    for table in catalogue.tables.iter().filter(|table| table.kind == TableKind::Ordinary) {
        let columns: Vec<String> =
            table.stored_columns().into_iter().map(|at| table.columns[at].name.clone()).collect();
        let loaded = outcome.tables.iter().find(|loaded| loaded.table == table.name);
        let (rows, digest) = match loaded {
            Some(loaded) if loaded.columns == columns => (loaded.inserted, loaded.digest.clone()),
            _ => {
                let digest = state::marked_digest(target, table, &columns, None)?;
                (digest.rows(), digest.to_hex())
            }
        };
        found.push(Content { table: table.name.clone(), columns, rows, digest });
    }
    Ok(found)
}

/// The tables of a clone whose rows are not those of its template.
pub(super) fn differing(source: &mut dyn Source, content: &[Content]) -> Result<Vec<TableName>> {
    let catalogue = source.catalogue()?;
    let mut found = Vec::new();
    for known in content {
        let table = catalogue.table(&known.table);
        let table = table.filter(|table| known.columns.iter().all(|name| table.column_index(name).is_some()));
        let is_same = match table {
            Some(table) => state::marked_digest(source, table, &known.columns, None)?.to_hex() == known.digest,
            None => false,
        };
        if !is_same {
            found.push(known.table.clone());
        }
    }
    let is_known = |name: &TableName| content.iter().any(|known| &known.table == name);
    let tables = catalogue.tables.iter().filter(|table| table.kind == TableKind::Ordinary);
    found.extend(tables.map(|table| &table.name).filter(|name| !is_known(name)).cloned());
    Ok(found)
}
