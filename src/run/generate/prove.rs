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
use crate::model::schema::{Catalogue, Table, TableKind, TableName};
use crate::policy::Mode;
use crate::run::invented::{Invention, Of, Rows, store};
use crate::run::isolate::Ground;
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
/// Where so many rows of a table are refused and none is taken, the others are not tried.
const ENOUGH: usize = 20;

/// Why a row is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    /// The server refuses it.
    Refused(String),
    /// A row that it references is not there.
    Hangs,
    /// Too many before it were refused.
    Untried,
}

/// The rows that are not there, by table and row.
type Missing = BTreeMap<usize, BTreeMap<usize, Why>>;

/// Loads the rows, and says what triggers made of them.
///
/// # Errors
/// Kind `Rejected`, naming tables and constraints, where rows are refused; kind `Unreachable` or `Guard` when no database can be made.
pub(super) fn prove(
    context: &Context<'_>,
    ground: &mut Ground,
    world: &World<'_>,
    label: &Label,
) -> Result<Vec<String>> {
    context.stage("loading the rows into a new database, with every constraint and trigger");
    if ground.engine() != world.catalogue.engine {
        let (theirs, ours) = (ground.engine(), world.catalogue.engine);
        return Err(Error::usage(format!("the server of --prove is {theirs}, and the schema is {ours}'s"))
            .hint("Name a server of the same product."));
    }
    ground.scratch(&format!("generate {} --prove", label.name), |address| in_database(context, address, world, label))
}

fn in_database(context: &Context<'_>, address: &Address, world: &World<'_>, label: &Label) -> Result<Vec<String>> {
    let mut target = (engine::find(address)?.target)(address, false, &context.cancel)?;
    make_schema(context, &mut *target, world, label)?;
    drop(target);
    // Another connection: nothing of the one that made the schema is left on.
    let mut target = (engine::find(address)?.target)(address, false, &context.cancel)?;
    let live = target.catalogue()?;
    let order = order(world);
    let late = late(world.catalogue, &order);
    let mut missing = Missing::new();
    for &at in &order {
        context.cancel.check()?;
        let Some(table) = live.table(&world.catalogue.tables[at].name) else { continue };
        load(
            &mut *target,
            table,
            world,
            (at, &late[at]),
            &(0..world.tables[at].rows).collect::<Vec<_>>(),
            &mut missing,
        )?;
    }
    let left = |missing: &Missing| missing.values().map(BTreeMap::len).sum::<usize>();
    for _ in 0..PASSES {
        let before = left(&missing);
        for at in order.iter().copied().filter(|at| missing.contains_key(at)).collect::<Vec<usize>>() {
            context.cancel.check()?;
            let Some(table) = live.table(&world.catalogue.tables[at].name) else { continue };
            let rows: Vec<usize> = missing.get(&at).into_iter().flat_map(BTreeMap::keys).copied().collect();
            load(&mut *target, table, world, (at, &late[at]), &rows, &mut missing)?;
        }
        if left(&missing) == before {
            break;
        }
    }
    refuse(world, &missing)?;
    for (at, columns) in late.iter().enumerate().filter(|(_, columns)| !columns.is_empty()) {
        context.cancel.check()?;
        missing.insert(at, point(&mut *target, world, at, columns)?);
    }
    refuse(world, &missing)?;
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
fn point(target: &mut dyn Target, world: &World<'_>, at: usize, columns: &[usize]) -> Result<BTreeMap<usize, Why>> {
    let (table, made) = (&world.catalogue.tables[at], &world.tables[at]);
    let is_open = |row: &usize| columns.iter().any(|&column| !made.columns[column][*row].is_null());
    let mut refused = BTreeMap::new();
    for row in (0..made.rows).filter(is_open) {
        let equal = |sql: Sql, &column: &usize| {
            sql.name(&table.columns[column].name).lit(" = ").part(&world.literal(at, column, row))
        };
        let sql = Sql::new(world.catalogue.engine).lit("UPDATE ").table(&table.name).lit(" SET ");
        let sql = sql.list(columns, ", ", equal).lit(" WHERE ").list(&table.primary_key, " AND ", equal);
        target.begin(Enforce::Everything)?;
        let done = target.execute(&sql).map(drop);
        let ended = target.end(done.is_ok());
        if let Some(why) = refusal(done.and(ended), world, at)? {
            refused.insert(row, Why::Refused(why));
        }
    }
    Ok(refused)
}

/// Why the server refuses rows of a table, if that is what it does.
fn refusal(done: Result<()>, world: &World<'_>, at: usize) -> Result<Option<String>> {
    let error = match done {
        Ok(()) => return Ok(None),
        Err(error) if error.kind() == Kind::Rejected => error,
        Err(error) => return Err(error),
    };
    let Some(broken) = error.broken() else { return Ok(Some(error.what().to_owned())) };
    let name = &world.catalogue.tables[at].name;
    let own = world.catalogue.post.iter().filter(|it| it.kind == "trigger" && it.table.as_ref() == Some(name));
    let triggers: Vec<String> = own.map(|it| it.name.escape_debug().to_string()).collect();
    Ok(Some(match broken.rule {
        rule if !broken.name.is_empty() => format!("{rule} {}", broken.name.escape_debug()),
        "foreign key" => "a foreign key".to_owned(),
        // No server says which; a function may be called by a CHECK, too.
        "rule" if !triggers.is_empty() => {
            format!("a trigger, or a function that refuses; triggers: {}", triggers.join(", "))
        }
        _ => error.what().to_owned(),
    }))
}

/// Loads rows of a table, but for the columns that come later, and notes which are missing behind it.
fn load(
    target: &mut dyn Target,
    table: &Table,
    world: &World<'_>,
    (at, late): (usize, &[usize]),
    rows: &[usize],
    missing: &mut Missing,
) -> Result<()> {
    let own = &world.catalogue.tables[at];
    let columns: Vec<String> = own.stored_columns().into_iter().map(|at| own.columns[at].name.clone()).collect();
    let rules = Rules::new(world.catalogue.engine, table, &columns)?;
    let into = LoadTable { table: table.name.clone(), columns, constants: Vec::new() };
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
        refusal(loaded.and(ended), world, at)
    };
    let parents = parents(world, at, late);
    let mut earlier = missing.remove(&at).unwrap_or_default();
    let (mut taken, mut refused) = (0, 0);
    // Halves of what is refused are tried again, down to the rows themselves.
    let mut parts: Vec<Vec<usize>> = rows.chunks(MANY).rev().map(<[usize]>::to_vec).collect();
    while let Some(part) = parts.pop() {
        let (all, mut part) = (part, Vec::new());
        for row in all {
            // What hangs on this one is looked at behind it.
            if hangs(&parents, row, missing) {
                missing.entry(at).or_default().insert(row, Why::Hangs);
            } else {
                part.push(row);
            }
        }
        let lost = missing.entry(at).or_default();
        if taken == 0 && refused >= ENOUGH {
            lost.extend(part.into_iter().map(|row| (row, earlier.remove(&row).unwrap_or(Why::Untried))));
            continue;
        }
        if part.is_empty() {
            continue;
        }
        match put(&part)? {
            None => taken += part.len(),
            Some(why) if part.len() == 1 => {
                refused += 1;
                lost.insert(part[0], Why::Refused(why));
            }
            Some(_) => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second.to_vec(), first.to_vec()]);
            }
        }
    }
    missing.retain(|_, rows| !rows.is_empty());
    Ok(())
}

/// Where the parents of a table's rows are: by table, and by row of the child. Those that come later do not count.
fn parents<'w>(world: &'w World<'_>, at: usize, late: &[usize]) -> Vec<(usize, &'w [Option<u32>])> {
    let own = &world.catalogue.tables[at];
    let is_late = |name: &String| own.column_index(name).is_some_and(|at| late.contains(&at));
    let references = world.references.iter().zip(&world.parents).filter(|(reference, _)| {
        reference.child == own.name && !reference.undeclared && !reference.columns.iter().any(is_late)
    });
    let table = |name: &TableName| world.catalogue.tables.iter().position(|table| &table.name == name);
    references.filter_map(|(reference, rows)| Some((table(&reference.parent)?, rows.as_slice()))).collect()
}

/// Whether a row that this one references is not there.
fn hangs(parents: &[(usize, &[Option<u32>])], row: usize, missing: &Missing) -> bool {
    parents.iter().any(|(table, rows)| {
        let parent = rows.get(row).copied().flatten().map(|parent| parent as usize);
        let lost = missing.get(table);
        parent.is_some_and(|parent| lost.is_some_and(|lost| lost.contains_key(&parent)))
    })
}

fn refuse(world: &World<'_>, missing: &Missing) -> Result<()> {
    let name = |at: usize| &world.catalogue.tables[at].name;
    let (mut lines, mut untried, mut hang) = (BTreeMap::new(), BTreeMap::new(), 0);
    for (at, why) in missing.iter().flat_map(|(&at, rows)| rows.values().map(move |why| (at, why))) {
        match why {
            Why::Refused(why) => *lines.entry((name(at), why)).or_insert(0) += 1,
            Why::Untried => *untried.entry(name(at)).or_insert(0) += 1,
            Why::Hangs => hang += 1,
        }
    }
    let plain = |rows: u64| if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
    let lines = lines.into_iter().map(|((table, why), rows)| format!("{} of {table}: {why}", plain(rows)));
    let untried = untried.into_iter().map(|(table, rows)| format!("{} more of {table} not tried", plain(rows)));
    let hang = (hang > 0).then(|| format!("{} hanging on refused ones", plain(hang)));
    let lines: Vec<String> = lines.chain(untried).chain(hang).collect();
    if lines.is_empty() {
        return Ok(());
    }
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
