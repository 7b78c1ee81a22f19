//! `export`: masked rows as plain files for other tools: CSV, or a script that the engine's stock client loads as it is. The files
//! are the only thing that leaves the store unencrypted, so they are readable by their owner only, and appear whole or not at all.

mod file;

use super::Context;
use super::packs::PackReader;
use super::repository::{Repository, Snapshot};
use crate::codec::{csv, pack, rows};
use crate::engine::{script, sql};
use crate::error::{Error, Result};
use crate::model::manifest::{Manifest, TableEntry};
use crate::model::schema::{Column, EngineKind, SchemaObject, Table, TableKind, TableName};
use file::{Names, NewFile};
use std::path::{Path, PathBuf};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A CSV file for each table.
    Csv,
    /// One script for the snapshot's own engine.
    Sql,
}

/// What to export.
#[derive(Debug, Clone)]
pub struct Options {
    /// How.
    pub format: Format,
    /// Only these tables; all when empty.
    pub tables: Vec<String>,
    /// Write over files that are there.
    pub force: bool,
}

/// What was written.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Tables with their rows.
    pub tables: Vec<(TableName, u64)>,
    /// Bytes written.
    pub bytes: u64,
    /// What the script leaves out, and why.
    pub left_out: Vec<String>,
}

/// Writes the rows of a snapshot into `folder`.
///
/// # Errors
/// Kind `Usage` when a table is not in the snapshot, or a file is there already; kind `Guard` when the snapshot has expired; kind
/// `Store` when rows cannot be read.
pub fn export(
    context: &Context<'_>,
    repository: &Repository,
    snapshot: &Snapshot,
    folder: &Path,
    options: &Options,
) -> Result<Outcome> {
    if let Some(expires) = snapshot.manifest.expires.as_ref().filter(|_| snapshot.is_expired()) {
        return Err(Error::guard(format!("snapshot {} expired on {expires}", snapshot.label()))
            .hint("Capture a new one; an expired snapshot is not exported."));
    }
    let packs = PackReader::new(repository, snapshot.manifest.epoch)?;
    let export = Export { context, manifest: &snapshot.manifest, packs: &packs, folder, options };
    let wanted = export.wanted()?;
    file::make_folder(folder)?;
    match options.format {
        Format::Csv => export.csv(&wanted),
        Format::Sql => export.sql(&wanted),
    }
}

struct Export<'a> {
    context: &'a Context<'a>,
    manifest: &'a Manifest,
    packs: &'a PackReader<'a>,
    folder: &'a Path,
    options: &'a Options,
}

type Wanted<'a> = (&'a TableEntry, &'a Table);

impl<'a> Export<'a> {
    /// The tables, parents first.
    fn wanted(&self) -> Result<Vec<Wanted<'a>>> {
        let entries = &self.manifest.tables;
        let names = &self.options.tables;
        if let Some(unknown) = names.iter().find(|text| !entries.iter().any(|entry| entry.table.is_named(text))) {
            return Err(Error::usage(format!("the snapshot has no table '{}'", unknown.escape_debug()))
                .hint("'terp-fixtures show SNAPSHOT' lists its tables."));
        }
        let schema = &self.manifest.schema;
        let of = |table: &'a Table| Some((entries.iter().find(|entry| entry.table == table.name)?, table));
        let all = schema.parents_first().into_iter().filter_map(|at| of(&schema.tables[at]));
        Ok(all.filter(|(entry, _)| names.is_empty() || names.iter().any(|text| entry.table.is_named(text))).collect())
    }

    fn csv(&self, wanted: &[Wanted<'_>]) -> Result<Outcome> {
        let mut names = Names::default();
        let files: Vec<PathBuf> =
            wanted.iter().map(|(entry, _)| self.folder.join(names.of(&entry.table, "csv"))).collect();
        file::refuse_existing(&files, self.options.force)?;
        let mut outcome = Outcome::default();
        for ((entry, table), path) in wanted.iter().zip(files) {
            let mut file = NewFile::create(&path)?;
            let mut text = Vec::new();
            csv::write_head(&mut text, &entry.columns);
            file.write(&text)?;
            self.rows(entry, table, &mut |_, decode| {
                text.clear();
                csv::write_rows(&mut text, &decode()?);
                file.write(&text)
            })?;
            outcome.bytes += file.finish(self.options.force)?;
            outcome.tables.push((entry.table.clone(), entry.rows));
            outcome.files.push(path);
        }
        Ok(outcome)
    }

    fn sql(&self, wanted: &[Wanted<'_>]) -> Result<Outcome> {
        let path = self.folder.join(Names::default().of(&TableName::plain(self.manifest.name.clone()), "sql"));
        file::refuse_existing(std::slice::from_ref(&path), self.options.force)?;
        let engine = self.manifest.schema.engine;
        let mut outcome = Outcome { files: vec![path.clone()], ..Outcome::default() };
        let mut file = NewFile::create(&path)?;
        file.write(self.first_lines().as_bytes())?;
        file.write(script::head(engine).as_bytes())?;
        for object in &self.manifest.schema.pre {
            self.object(&mut file, object, &mut outcome)?;
        }
        for (_, table) in wanted.iter().filter(|(_, table)| table.kind != TableKind::Shadow) {
            let missing = table.foreign_keys.iter().filter(|key| !has(wanted, &key.parent));
            let missing: Vec<&str> = missing.map(|key| key.name.as_str()).collect();
            let create = sql::without_foreign_keys(engine, &table.create, &missing);
            file.write(script::statement(engine, &create).as_bytes())?;
        }
        for (entry, table) in wanted {
            self.script_rows(&mut file, entry, table)?;
            outcome.tables.push((entry.table.clone(), entry.rows));
        }
        for object in &self.manifest.schema.post {
            if self.is_due(object, wanted) {
                self.object(&mut file, object, &mut outcome)?;
            }
        }
        for (_, table) in wanted.iter().filter(|(_, table)| table.counter) {
            if let Some(advance) = sql::advance_counter(engine, &table.name) {
                file.write(script::statement(engine, advance.text()).as_bytes())?;
            }
        }
        file.write(script::tail(engine).as_bytes())?;
        outcome.bytes = file.finish(self.options.force)?;
        Ok(outcome)
    }

    /// What the script is, and settings that only an empty database takes.
    fn first_lines(&self) -> String {
        let engine = self.manifest.schema.engine;
        let client = match engine {
            EngineKind::Sqlite => "sqlite3 new.sqlite < FILE",
            EngineKind::Postgres => "psql -X -f FILE DATABASE",
            EngineKind::Mysql | EngineKind::Mariadb => "mysql --binary-mode DATABASE < FILE",
        };
        let plain = |text: &str| text.replace(|c: char| c.is_control(), " ");
        let mut text = format!(
            "-- {} of {}, {}: masked rows in plain text.\n-- Load into an empty database: {client}\n\n",
            plain(&self.manifest.name),
            self.manifest.created,
            plain(&format!("{engine} {}", self.manifest.schema.version)),
        );
        for (name, value) in &self.manifest.schema.settings {
            for sql in [sql::set_at_birth(engine, name, value), sql::set_setting(engine, name, value)].iter().flatten()
            {
                text.push_str(&script::statement(engine, sql.text()));
            }
        }
        text
    }

    fn object(&self, file: &mut NewFile, object: &SchemaObject, outcome: &mut Outcome) -> Result<()> {
        let engine = self.manifest.schema.engine;
        if object.create.is_empty() {
            let what = format!("{} {}", object.kind, object.name.escape_debug());
            outcome.left_out.push(format!("{what}: the account that captured it may not see its text"));
            return Ok(());
        }
        let mut create = object.create.clone();
        // References that dangled in the source were captured as they are.
        if object.kind == "foreign key" && self.manifest.results.closure.dangling.contains_key(&object.name) {
            create.push_str(sql::unchecked_suffix(engine, &create));
        }
        file.write(script::statement(engine, &create).as_bytes())
    }

    /// Whether what an object belongs to is exported. Views and routines come with all tables only.
    fn is_due(&self, object: &SchemaObject, wanted: &[Wanted<'_>]) -> bool {
        let is_whole = wanted.len() == self.manifest.schema.tables.len();
        let Some(name) = &object.table else { return is_whole };
        let Some((_, table)) = wanted.iter().find(|(_, table)| &table.name == name) else {
            // Triggers and indexes of views.
            return is_whole && self.manifest.schema.table(name).is_none();
        };
        let key = table.foreign_keys.iter().find(|key| key.name == object.name);
        object.kind != "foreign key" || key.is_none_or(|key| has(wanted, &key.parent))
    }

    fn script_rows(&self, file: &mut NewFile, entry: &TableEntry, table: &Table) -> Result<()> {
        if entry.rows == 0 {
            return Ok(());
        }
        let columns: Vec<&Column> = table.stored_columns().into_iter().map(|at| &table.columns[at]).collect();
        let writer = script::Rows::new(self.manifest.schema.engine, &entry.table, &columns);
        if writer.takes_copy_text() {
            file.write(writer.begin())?;
            self.rows(entry, table, &mut |text, _| file.write(text))?;
            return file.write(writer.end());
        }
        let mut text = Vec::new();
        self.rows(entry, table, &mut |_, decode| {
            text.clear();
            writer.insert(&mut text, &decode()?);
            file.write(&text)
        })
    }

    /// Hands over the rows of a table, a chunk at a time: as COPY text, or decoded where that is asked for.
    fn rows(&self, entry: &TableEntry, table: &Table, each: &mut Each<'_>) -> Result<()> {
        self.context.stage(format!("writing {}", entry.table));
        let layout = rows::Layout::new(self.manifest.schema.engine, table);
        let mut stream = blake3::Hasher::new();
        let read = entry.chunks.iter().try_for_each(|chunk| {
            self.context.cancel.check()?;
            let packed = self.packs.pack(&self.manifest.packs[chunk.pack as usize])?;
            let encoded = pack::open_chunk(&packed, chunk, self.packs.keys().id_key()?)?;
            stream.update(encoded.bytes());
            each(encoded.bytes(), &|| rows::decode(&encoded, &layout))
        });
        read.map_err(|error| error.within(format!("table {}", entry.table)))?;
        if stream.finalize().to_hex().as_str() != entry.digest {
            return Err(Error::store(format!(
                "table {}: the rows are not the ones that the manifest describes",
                entry.table
            ))
            .hint("Run 'terp-fixtures verify --read-data'; it names the damaged objects."));
        }
        Ok(())
    }
}

/// Takes the rows of a chunk: their COPY text, and a way to have them decoded.
type Each<'a> = dyn FnMut(&[u8], &dyn Fn() -> Result<crate::model::proof::Masked>) -> Result<()> + 'a;

fn has(wanted: &[Wanted<'_>], name: &TableName) -> bool {
    wanted.iter().any(|(_, table)| &table.name == name)
}
