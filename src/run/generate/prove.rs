//! `--prove`: the rows go into a new database of a server as an application would write them, with every constraint and trigger at
//! work. What is refused is told by table and constraint or trigger; then the database is dropped.

use crate::check::{self, Rules};
use crate::engine::sql::Sql;
use crate::engine::{self, LoadTable, Target};
use crate::error::{Error, Kind, Result};
use crate::generate::world::World;
use crate::mask::invented;
use crate::model::manifest::Generated;
use crate::model::proof::Invented;
use crate::model::schema::{EngineKind, Table, TableKind};
use crate::policy::Mode;
use crate::run::invented::{Invention, Of, Rows, store};
use crate::run::publish::Label;
use crate::run::repository::Repository;
use crate::run::{Context, keys, restore, state};
use crate::seal::Member;
use crate::secret::Address;
use crate::store::memory::Memory;
use std::collections::{BTreeMap, BTreeSet};

/// Rows go in by so many, and one by one where some of them are refused.
const MANY: usize = 200;
/// A row may need one that comes behind it; so often what was refused is tried again.
const PASSES: usize = 8;

/// Loads the rows, and says what triggers made of them.
///
/// # Errors
/// Kind `Rejected`, naming tables and constraints, where rows are refused; kind `Unreachable` or `Guard` when no database can be made.
pub(super) fn prove(context: &Context<'_>, server: &Address, world: &World<'_>, label: &Label) -> Result<Vec<String>> {
    context.stage("loading the rows into a new database, with every constraint and trigger");
    let mut host = (engine::find(server)?.host)(server, &context.cancel)?;
    if host.engine() != world.catalogue.engine {
        let (theirs, ours) = (host.engine(), world.catalogue.engine);
        return Err(Error::usage(format!("the server of --prove is {theirs}, and the schema is {ours}'s"))
            .hint("Name a server of the same product."));
    }
    let name = format!("terp_proof_{}", data_encoding::HEXLOWER.encode(&crate::run::random::<6>()?));
    host.create(&name)?;
    let address = host.address(&name);
    let proved = in_database(context, &address, world, label);
    host.remove(&name).and(proved)
}

fn in_database(context: &Context<'_>, address: &Address, world: &World<'_>, label: &Label) -> Result<Vec<String>> {
    let mut target = (engine::find(address)?.target)(address, false, &context.cancel)?;
    make_schema(context, &mut *target, world, label)?;
    drop(target);
    // Another connection: nothing of the one that made the schema is left on.
    let mut target = (engine::find(address)?.target)(address, false, &context.cancel)?;
    if target.engine() == EngineKind::Sqlite {
        target.execute(&Sql::new(EngineKind::Sqlite).lit("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF"))?;
    }
    let live = target.catalogue()?;
    let mut waiting: BTreeMap<usize, Vec<(usize, String)>> = BTreeMap::new();
    for at in world.catalogue.parents_first() {
        context.cancel.check()?;
        let Some(table) = live.table(&world.catalogue.tables[at].name) else { continue };
        let refused = load(&mut *target, table, world, at, &(0..world.tables[at].rows).collect::<Vec<_>>())?;
        if !refused.is_empty() {
            waiting.insert(at, refused);
        }
    }
    for _ in 0..PASSES {
        let before: usize = waiting.values().map(Vec::len).sum();
        for (at, refused) in &mut waiting {
            let Some(table) = live.table(&world.catalogue.tables[*at].name) else { continue };
            let rows: Vec<usize> = refused.iter().map(|(row, _)| *row).collect();
            *refused = load(&mut *target, table, world, *at, &rows)?;
        }
        let left: usize = waiting.values().map(Vec::len).sum();
        if left == 0 || left == before {
            break;
        }
    }
    refuse(world, &waiting)?;
    changed(&mut *target, world)
}

/// Everything but the rows, as a restore makes it.
fn make_schema(context: &Context<'_>, target: &mut dyn Target, world: &World<'_>, label: &Label) -> Result<()> {
    let member = Member::generate();
    let memory = Memory::new();
    keys::init(&memory, &member)?;
    let repository = Repository::open(Box::new(memory), &member, &[])?;
    let mode = |table: &Table| if table.kind == TableKind::Ordinary { Mode::Structure } else { Mode::Exclude };
    let modes: Vec<Mode> = world.catalogue.tables.iter().map(mode).collect();
    let invention = Invention {
        catalogue: world.catalogue,
        modes: &modes,
        rows: &Nothing,
        references: &[],
        outside: &[],
        word: invented::MADE,
        of: Of::Generated(Generated::default()),
        label: &Label { expires: None, tags: BTreeSet::new(), ..label.clone() },
    };
    let stored = store(context, &repository, &invention)?;
    restore::fill(context, &repository, &stored.snapshot, target, false).map(drop)
}

struct Nothing;

impl Rows for Nothing {
    fn count(&self, _: usize) -> u64 {
        0
    }

    fn batches(&self, _: usize) -> Box<dyn Iterator<Item = Invented> + '_> {
        Box::new(std::iter::empty())
    }
}

/// Loads rows of a table; returns those that were refused, each with the constraint or what the server says.
fn load(
    target: &mut dyn Target,
    table: &Table,
    world: &World<'_>,
    at: usize,
    rows: &[usize],
) -> Result<Vec<(usize, String)>> {
    let own = &world.catalogue.tables[at];
    let columns: Vec<String> = own.stored_columns().into_iter().map(|at| own.columns[at].name.clone()).collect();
    let rules = Rules::new(world.catalogue.engine, table, &columns)?;
    let into = LoadTable { table: table.name.clone(), columns, constants: Vec::new() };
    let mut refused = Vec::new();
    let mut put = |rows: &[usize]| -> Result<Option<String>> {
        let rows = invented::pass(world.invented_rows(at, rows));
        let (checked, violations) = check::rows(rows, &rules, 0)?;
        if let Some(violation) = violations.first() {
            return Ok(Some(format!("{} of {}", violation.rule, violation.column)));
        }
        match target.load(&into, &checked) {
            Ok(_) => Ok(None),
            Err(error) if error.kind() == Kind::Rejected => Ok(Some(match error.broken() {
                Some(broken) if !broken.name.is_empty() => format!("{} {}", broken.rule, broken.name.escape_debug()),
                _ => error.what().to_owned(),
            })),
            Err(error) => Err(error),
        }
    };
    // SQLite takes the rows of a load one by one, so what came before a refusal would be there.
    let many = if world.catalogue.engine == EngineKind::Sqlite { 1 } else { MANY };
    for part in rows.chunks(many) {
        if put(part)?.is_some() {
            for row in part {
                if let Some(why) = put(&[*row])? {
                    refused.push((*row, why));
                }
            }
        }
    }
    Ok(refused)
}

fn refuse(world: &World<'_>, waiting: &BTreeMap<usize, Vec<(usize, String)>>) -> Result<()> {
    let mut lines: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for (at, refused) in waiting {
        for (_, why) in refused {
            *lines.entry((world.catalogue.tables[*at].name.to_string(), why)).or_default() += 1;
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> =
        lines.into_iter().map(|((table, why), rows)| format!("{rows} rows of {table}: {why}")).collect();
    Err(Error::rejected(format!("the server refuses made-up rows:\n  {}", lines.join("\n  "))).hint(
        "Nothing was published. Give the columns values in a profile that the constraint or trigger takes, or the table no rows: --rows TABLE=0.",
    ))
}

/// Where triggers added or took rows.
fn changed(target: &mut dyn Target, world: &World<'_>) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for (at, table) in world.catalogue.tables.iter().enumerate().filter(|(_, it)| it.kind == TableKind::Ordinary) {
        let (made, there) = (world.tables[at].rows as u64, state::count(target, &table.name)?);
        if made != there {
            notes.push(format!("triggers change {}: {made} rows went in, {there} are there", table.name));
        }
    }
    Ok(notes)
}
