//! Random databases with random subsets, held against the oracle.

use crate::error::Kind;
use crate::model::manifest::Manifest;
use crate::model::schema::{EngineKind, TableName};
use crate::run::repository::Snapshot;
use crate::run::state;
use crate::run::subset_testing::{
    Answer, Children, Given, Place, Places, Question, Row, Rules, Takes, World, question, snapshot_rows,
};
use crate::run::verify;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

#[test]
fn random_subsets_are_what_the_rules_say_on_sqlite() {
    run(EngineKind::Sqlite, 0..75);
}

#[test]
fn more_random_subsets_are_what_the_rules_say_on_sqlite() {
    run(EngineKind::Sqlite, 75..150);
}

#[test]
fn random_subsets_are_what_the_rules_say_on_postgresql() {
    run(EngineKind::Postgres, 0..20);
}

#[test]
fn random_subsets_are_what_the_rules_say_on_mariadb() {
    run(EngineKind::Mariadb, 0..20);
}

#[test]
fn random_subsets_are_what_the_rules_say_on_mysql() {
    run(EngineKind::Mysql, 0..20);
}

/// What the seeds brought, so that nobody believes tests that test nothing.
#[derive(Debug, Default)]
struct Tally {
    refused: usize,
    /// Subsets that are neither empty nor everything.
    partial: usize,
    permuted: usize,
    shares: usize,
    rows: usize,
}

fn run(engine: EngineKind, seeds: Range<u64>) {
    // TEST_SUBSET_SEEDS=150..1500 looks at others.
    let given = std::env::var("TEST_SUBSET_SEEDS").ok();
    let given = given.as_deref().and_then(|given| given.split_once(".."));
    let seeds = given.map_or(seeds, |(from, to)| from.parse().unwrap()..to.parse().unwrap());
    let places = Places::new(engine);
    let empty = places.fresh();
    let mut tally = Tally::default();
    let mut faults = Vec::new();
    let count = seeds.clone().count();
    for seed in seeds {
        if let Err(fault) = one(&places, &empty, seed, &mut tally) {
            faults.push(format!("seed {seed} on {engine}: {fault}"));
        }
    }
    println!("{engine}: {count} seeds, {tally:?}");
    assert!(faults.is_empty(), "{} of {count} seeds: {tally:?}\n{}", faults.len(), faults.join("\n"));
    if count >= 20 {
        assert!(tally.partial * 2 > count && tally.refused < count / 4 && tally.permuted > 2, "{tally:?}");
    }
}

fn one(places: &Places, empty: &Place, seed: u64, tally: &mut Tally) -> Result<(), String> {
    let world = World::new(places.engine, seed);
    let rules = Rules::new(&world, seed);
    let given = Given::new(places.with(&world.script()));
    let mut shares = BTreeMap::new();
    for (number, root) in rules.roots.iter().enumerate().filter(|(_, root)| root.percent.is_some()) {
        tally.shares += 1;
        shares.insert(number, share(&given, &world, &rules, root.table, number)?);
    }
    let asked = question(&given.place, &world, &rules, &shares);
    let policy = rules.toml(&world);
    let captured = given.capture(&policy, "s", 2);
    let taken = match asked.answer() {
        Answer::Refused(link) => {
            tally.refused += 1;
            let link = &asked.links[link];
            let (child, parent) = (&asked.tables[link.child].name, &asked.tables[link.parent].name);
            let error = captured.map(drop).err().ok_or(format!("{child} references {parent}, which gives no rows"))?;
            let is_named = error.what().contains(&parent.to_string()) && error.kind() == Kind::Policy;
            return if is_named { Ok(()) } else { Err(format!("{child} references {parent}: {error}")) };
        }
        Answer::Nowhere => {
            let error = captured.map(drop).err().ok_or("no root has a row")?;
            return if error.what().contains("no root") { Ok(()) } else { Err(format!("no root has a row: {error}")) };
        }
        Answer::Taken(taken) => taken,
    };
    let snapshot = captured.map_err(|error| format!("{error} {:?}\n{policy}", error.causes()))?;
    let mut expected = BTreeMap::new();
    for (at, held) in asked.tables.iter().enumerate() {
        let mut rows = asked.rows(&taken, at);
        for (_, column) in rules.nulls.iter().filter(|(table, _)| *table == at) {
            for row in &mut rows {
                row[*column] = None;
            }
        }
        rows.sort();
        expected.insert(held.name.clone(), rows);
    }
    let (all, chosen): (usize, usize) =
        (asked.tables.iter().map(|held| held.rows.len()).sum(), expected.values().map(Vec::len).sum());
    tally.rows += chosen;
    tally.partial += usize::from(chosen > 0 && chosen < all);
    compare(&expected, &snapshot_rows(&given.repository, &snapshot.manifest), "captured")
        .map_err(|fault| format!("{fault}\n{policy}"))?;
    closure(&asked, &taken, &snapshot.manifest)?;
    for (name, jobs) in [("again", 2), ("alone", 1), ("many", 4)] {
        let again = given.capture(&policy, name, jobs).map_err(|error| format!("{name}: {error}"))?;
        if content(&again) != content(&snapshot) {
            return Err(format!("{name}: the same subset has other chunks"));
        }
    }
    let verified =
        verify::verify(&crate::run::subset_testing::context(2), &given.repository, Some("s"), verify::Depth::Rows);
    verified.and_then(verify::Outcome::into_result).map_err(|error| format!("verify: {error}"))?;
    there_and_back(&given, empty, &expected)?;
    if let Some(rules) = rules.permuted(&world).filter(|_| shares.is_empty()) {
        tally.permuted += 1;
        permuted(&given, empty, &world, &rules, &expected).map_err(|fault| format!("permuted: {fault}"))?;
    }
    Ok(())
}

/// The rows that the share of a root chooses: those of a capture that nothing else can bring any to.
fn share(given: &Given, world: &World, rules: &Rules, table: usize, number: usize) -> Result<HashSet<Row>, String> {
    let mut root = rules.roots[number].clone();
    (root.limit, root.order) = (None, Vec::new());
    let takes = rules.takes.iter().map(|(_, said)| (Takes::Rows, *said)).collect();
    let (roots, children, depth) = (vec![root], Children::None, None);
    let (edges, nulls) = (Vec::new(), Vec::new());
    let alone = Rules { roots, children, depth, edges, takes, nulls, permuted: None };
    let name = format!("share{number}");
    let found = match given.capture(&alone.toml(world), &name, 2) {
        Err(error) if error.what().starts_with("no root of the subset") => return Ok(HashSet::new()),
        found => found.map_err(|error| format!("{name}: {error}"))?,
    };
    let rows = snapshot_rows(&given.repository, &found.manifest);
    let (_, rows) = rows.into_iter().find(|(name, _)| name.name == world.tables[table].name).unwrap();
    let full = rules.roots[number].percent == Some(100.0) && rules.roots[number].condition.is_none();
    if full && rows.len() != world.tables[table].rows.len() {
        return Err("100 percent are not all rows".to_owned());
    }
    Ok(rows.into_iter().collect())
}

/// Says which tables differ, by numbers of rows.
fn compare(
    expected: &BTreeMap<TableName, Vec<Row>>,
    found: &BTreeMap<TableName, Vec<Row>>,
    when: &str,
) -> Result<(), String> {
    let mut faults = Vec::new();
    let none = Vec::new();
    for (table, wanted) in expected {
        let found = found.get(table).unwrap_or(&none);
        if wanted != found {
            let count = |rows: &[Row]| {
                rows.iter().fold(HashMap::<Row, i64>::new(), |mut counts, row| {
                    *counts.entry(row.clone()).or_default() += 1;
                    counts
                })
            };
            let (a, b) = (count(wanted), count(found));
            let lacks: i64 = a.iter().map(|(row, n)| (n - b.get(row).unwrap_or(&0)).max(0)).sum();
            let more: i64 = b.iter().map(|(row, n)| (n - a.get(row).unwrap_or(&0)).max(0)).sum();
            faults.push(format!(
                "  {table}: {} rows expected, {} found: {lacks} lack, {more} too many",
                wanted.len(),
                found.len()
            ));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("{when}:\n{}", faults.join("\n"))) }
}

/// What the manifest says about references must be so.
fn closure(asked: &Question, taken: &[Vec<bool>], manifest: &Manifest) -> Result<(), String> {
    let closure = &manifest.results.closure;
    if !closure.dangling.is_empty() {
        return Err(format!("foreign keys dangle: {:?}", closure.dangling));
    }
    for said in &closure.references {
        let names = |table: usize, columns: &[usize]| -> Vec<String> {
            columns.iter().map(|&at| asked.tables[table].columns[at].clone()).collect()
        };
        let reference = &said.reference;
        let of_type = reference.of_type.as_ref().map(|of| of.value.clone().into_bytes());
        let link = asked.links.iter().find(|link| {
            asked.tables[link.child].name == reference.child
                && asked.tables[link.parent].name == reference.parent
                && names(link.child, &link.columns) == reference.columns
                && link.of_type.as_ref().map(|(_, value)| value.clone()) == of_type
        });
        let Some(link) = link else { return Err(format!("nobody knows the reference {reference}")) };
        let counted = asked.counted(link, taken);
        if (said.rows, said.dangling) != counted {
            let said = (said.rows, said.dangling);
            return Err(format!("{reference}: rows and dangling are {counted:?}, the manifest says {said:?}"));
        }
    }
    Ok(())
}

/// What must be the same in every capture: digests and chunks, and why each row is there.
fn content(snapshot: &Snapshot) -> Vec<(String, String, Vec<String>)> {
    let entries = snapshot.manifest.tables.iter();
    let chunks = |entry: &crate::model::manifest::TableEntry| {
        entry.chunks.iter().chain(&entry.origins).map(|chunk| chunk.id.clone()).collect()
    };
    entries.map(|entry| (entry.table.to_string(), entry.digest.clone(), chunks(entry))).collect()
}

fn there_and_back(given: &Given, empty: &Place, expected: &BTreeMap<TableName, Vec<Row>>) -> Result<(), String> {
    let digest = || {
        let mut source = empty.source();
        let catalogue = source.catalogue().unwrap();
        (state::database_digest(&mut *source, &catalogue).unwrap(), catalogue.tables.len())
    };
    let before = digest();
    empty.restore(&given.repository, "s").map_err(|error| format!("restore: {error} {:?}", error.causes()))?;
    let restored = compare(expected, &empty.rows(), "restored");
    let again = empty.restore(&given.repository, "s").map(|done| done.unchanged);
    empty.roll_back().map_err(|error| format!("rollback: {error} {:?}", error.causes()))?;
    restored?;
    if again.as_ref().ok() != Some(&true) {
        return Err("a second restore changes something".to_owned());
    }
    if digest() != before {
        return Err("the rollback left something".to_owned());
    }
    Ok(())
}

/// The same rows, but for keys of one table that are others everywhere alike.
fn permuted(
    given: &Given,
    empty: &Place,
    world: &World,
    rules: &Rules,
    expected: &BTreeMap<TableName, Vec<Row>>,
) -> Result<(), String> {
    let snapshot = given.capture(&rules.toml(world), "permuted", 2).map_err(|error| error.to_string())?;
    let found = snapshot_rows(&given.repository, &snapshot.manifest);
    let columns = crate::run::subset_testing::permuted(world, rules.permuted.unwrap());
    let mut new: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    for (at, shape) in world.tables.iter().enumerate() {
        let of = |all: &BTreeMap<TableName, Vec<Row>>| -> Vec<Row> {
            all.iter().find(|(name, _)| name.name == shape.name).map(|(_, rows)| rows.clone()).unwrap_or_default()
        };
        let own: Vec<usize> = columns.iter().filter(|(table, _)| *table == at).map(|(_, column)| *column).collect();
        // The kept cells first, so that both sides have the same order.
        let turned = |rows: Vec<Row>| -> Vec<(Row, Row)> {
            let split = |row: Row| {
                let kept = row.iter().enumerate().filter(|(at, _)| !own.contains(at)).map(|(_, cell)| cell.clone());
                (kept.collect(), own.iter().map(|&at| row[at].clone()).collect())
            };
            let mut rows: Vec<(Row, Row)> = rows.into_iter().map(split).collect();
            rows.sort();
            rows
        };
        let (wanted, got) = (turned(of(expected)), turned(of(&found)));
        let kept = |rows: &[(Row, Row)]| rows.iter().map(|(kept, _)| kept.clone()).collect::<Vec<_>>();
        if kept(&wanted) != kept(&got) {
            return Err(format!("{}: {} rows expected, {} found", shape.name, wanted.len(), got.len()));
        }
        if shape.key.is_empty() {
            continue; // Rows may be alike but for what was permuted.
        }
        for (old, now) in wanted.iter().zip(&got).flat_map(|((_, old), (_, now))| old.iter().zip(now)) {
            let (Some(old), Some(now)) = (old, now) else {
                if old != now {
                    return Err(format!("{}: a NULL is none any more", shape.name));
                }
                continue;
            };
            if new.insert(old.clone(), now.clone()).is_some_and(|other| other != *now) || old == now {
                return Err(format!("{}: a key is not the same everywhere", shape.name));
            }
        }
    }
    let distinct: HashSet<&Vec<u8>> = new.values().collect();
    if distinct.len() < new.len() {
        return Err("two keys became one".to_owned());
    }
    empty.restore(&given.repository, "permuted").map_err(|error| format!("restore: {error}"))?;
    empty.roll_back().map(drop).map_err(|error| format!("rollback: {error}"))
}
