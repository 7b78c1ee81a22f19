//! `--prove`: the rows go into a new database of a server as an application would write them, with every constraint and trigger at
//! work. What is refused is told by table and constraint or trigger; then the database is dropped.

use crate::check::{self, Rules};
use crate::engine::sql::Sql;
use crate::engine::{self, Enforce, LoadTable, Target};
use crate::error::{Error, Kind, Result};
use crate::generate::world::World;
use crate::mask::invented;
use crate::model::manifest::Generated;
use crate::model::proof::Invented;
use crate::model::schema::{Catalogue, Table, TableKind};
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
    let live = target.catalogue()?;
    let mut waiting: BTreeMap<usize, Vec<(usize, String)>> = BTreeMap::new();
    let order = order(world);
    let late = late(world.catalogue, &order);
    for at in order {
        context.cancel.check()?;
        let Some(table) = live.table(&world.catalogue.tables[at].name) else { continue };
        let rows: Vec<usize> = (0..world.tables[at].rows).collect();
        let refused = load(&mut *target, table, world, (at, &late[at]), &rows)?;
        if !refused.is_empty() {
            waiting.insert(at, refused);
        }
    }
    for _ in 0..PASSES {
        let before: usize = waiting.values().map(Vec::len).sum();
        for (at, refused) in &mut waiting {
            let Some(table) = live.table(&world.catalogue.tables[*at].name) else { continue };
            let rows: Vec<usize> = refused.iter().map(|(row, _)| *row).collect();
            *refused = load(&mut *target, table, world, (*at, &late[*at]), &rows)?;
        }
        let left: usize = waiting.values().map(Vec::len).sum();
        if left == 0 || left == before {
            break;
        }
    }
    refuse(world, &waiting)?;
    for (at, columns) in late.iter().enumerate().filter(|(_, columns)| !columns.is_empty()) {
        context.cancel.check()?;
        let refused = point(&mut *target, world, at, columns)?;
        waiting.insert(at, refused);
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

/// The order in which an application would write the tables: behind every parent that a row cannot do without. Triggers may ask
/// for parents of references that nobody declares.
fn order(world: &World<'_>) -> Vec<usize> {
    let catalogue = world.catalogue;
    let waits = |at: usize, placed: &[usize], needed: bool| {
        let table = &catalogue.tables[at];
        let own = world.references.iter().filter(|it| it.child == table.name && it.parent != table.name);
        let mut parents = own.filter(|it| !needed || !may_wait(table, &it.columns)).map(|it| &it.parent);
        parents.any(|parent| {
            let at = catalogue.tables.iter().position(|table| &table.name == parent);
            at.is_some_and(|at| !placed.contains(&at))
        })
    };
    let (mut order, mut left) = (Vec::new(), catalogue.parents_first());
    while !left.is_empty() {
        let ready = |needed| left.iter().position(|&at| !waits(at, &order, needed));
        let next = ready(false).or_else(|| ready(true)).unwrap_or(0);
        let next = left.remove(next);
        order.push(next);
    }
    order
}

/// Whether a row may be written before its parent and get the reference in these columns later.
fn may_wait(table: &Table, columns: &[String]) -> bool {
    let free = |at: usize| table.columns[at].nullable && !table.primary_key.contains(&at);
    !table.primary_key.is_empty() && columns.iter().any(|name| table.column_index(name).is_some_and(free))
}

/// For each table the columns of references to tables that come behind it, as far as they may be NULL: whoever writes a cycle
/// of rows leaves them open at first.
fn late(catalogue: &Catalogue, order: &[usize]) -> Vec<Vec<usize>> {
    let mut late = vec![Vec::new(); catalogue.tables.len()];
    let mut seen = BTreeSet::new();
    for &at in order {
        let table = &catalogue.tables[at];
        seen.insert(&table.name);
        let open = table.foreign_keys.iter().filter(|key| !seen.contains(&key.parent) && may_wait(table, &key.columns));
        for column in open.flat_map(|key| &key.columns).filter_map(|name| table.column_index(name)) {
            let free = table.columns[column].nullable && !table.primary_key.contains(&column);
            if free && !late[at].contains(&column) {
                late[at].push(column);
            }
        }
    }
    late
}

/// Gives rows the references that were left open; returns those that are refused.
fn point(target: &mut dyn Target, world: &World<'_>, at: usize, columns: &[usize]) -> Result<Vec<(usize, String)>> {
    let (table, made) = (&world.catalogue.tables[at], &world.tables[at]);
    let is_open = |row: &usize| columns.iter().any(|&column| !made.columns[column][*row].is_null());
    let mut refused = Vec::new();
    for row in (0..made.rows).filter(is_open) {
        let equal = |sql: Sql, &column: &usize| {
            sql.name(&table.columns[column].name).lit(" = ").part(&world.literal(at, column, row))
        };
        let sql = Sql::new(world.catalogue.engine).lit("UPDATE ").table(&table.name).lit(" SET ");
        let sql = sql.list(columns, ", ", equal).lit(" WHERE ").list(&table.primary_key, " AND ", equal);
        target.begin(Enforce::Everything)?;
        let done = target.execute(&sql).map(drop);
        let ended = target.end(done.is_ok());
        if let Some(why) = refusal(done.and(ended))? {
            refused.push((row, why));
        }
    }
    Ok(refused)
}

/// Why the server refuses, if that is what it does.
fn refusal(done: Result<()>) -> Result<Option<String>> {
    match done {
        Ok(()) => Ok(None),
        Err(error) if error.kind() == Kind::Rejected => Ok(Some(match error.broken() {
            Some(broken) if !broken.name.is_empty() => format!("{} {}", broken.rule, broken.name.escape_debug()),
            _ => error.what().to_owned(),
        })),
        Err(error) => Err(error),
    }
}

/// Loads rows of a table, but for the columns that come later; returns those that were refused, each with the constraint or what the server says.
fn load(
    target: &mut dyn Target,
    table: &Table,
    world: &World<'_>,
    (at, late): (usize, &[usize]),
    rows: &[usize],
) -> Result<Vec<(usize, String)>> {
    let own = &world.catalogue.tables[at];
    let columns: Vec<String> = own.stored_columns().into_iter().map(|at| own.columns[at].name.clone()).collect();
    let rules = Rules::new(world.catalogue.engine, table, &columns)?;
    let into = LoadTable { table: table.name.clone(), columns, constants: Vec::new() };
    let mut refused = Vec::new();
    let mut put = |rows: &[usize]| -> Result<Option<String>> {
        let rows = invented::pass(world.invented_rows(at, rows, late));
        let (checked, violations) = check::rows(rows, &rules, 0)?;
        if let Some(violation) = violations.first() {
            return Ok(Some(format!("{} of {}", violation.rule, violation.column)));
        }
        target.begin(Enforce::Everything)?;
        let loaded = target.load(&into, &checked).map(drop);
        // Deferred constraints speak at the end.
        let ended = target.end(loaded.is_ok());
        refusal(loaded.and(ended))
    };
    // Halves of what is refused are tried again, down to the rows themselves.
    let mut parts: Vec<&[usize]> = rows.chunks(MANY).rev().collect();
    while let Some(part) = parts.pop() {
        match put(part)? {
            None => {}
            Some(why) if part.len() == 1 => refused.push((part[0], why)),
            Some(_) => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
        }
    }
    Ok(refused)
}

fn refuse(world: &World<'_>, waiting: &BTreeMap<usize, Vec<(usize, String)>>) -> Result<()> {
    let name = |at: usize| &world.catalogue.tables[at].name;
    let mut lines: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let mut hang = 0;
    for (&at, refused) in waiting {
        // Rows of a table whose parents were refused, too, are no news.
        let keys = world.catalogue.tables[at].foreign_keys.iter();
        let keys = keys.filter(|key| waiting.iter().any(|(other, of)| !of.is_empty() && *name(*other) == key.parent));
        let hanging: Vec<String> = keys.map(|key| format!("foreign key {}", key.name.escape_debug())).collect();
        for (_, why) in refused {
            if hanging.contains(why) {
                hang += 1;
            } else {
                *lines.entry((name(at).to_string(), why)).or_default() += 1;
            }
        }
    }
    if lines.is_empty() && hang == 0 {
        return Ok(());
    }
    let lines = lines.into_iter().map(|((table, why), rows)| format!("{rows} rows of {table}: {why}"));
    let more = (hang > 0).then(|| format!("{hang} rows of other tables, which reference refused ones"));
    let lines: Vec<String> = lines.chain(more).collect();
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
