//! Ways through snapshots that are made by hand.

use super::*;
use crate::codec::chunker::Chunk;
use crate::codec::{self, origins, rows as copy, testing};
use crate::error::Kind;
use crate::event::{Cancel, Silent};
use crate::model::batch::{Batch, Cell};
use crate::model::manifest::{ChunkRef, ClosedReference, RootProof, SubsetProof, TableEntry};
use crate::model::proof::Masked;
use crate::model::schema::EngineKind;
use crate::model::subset::{OfType, Reference};
use crate::run::keys;
use crate::run::writer::Writer;
use crate::seal::{Member, SnapshotStamp, seal_manifest};
use crate::store::memory::Memory;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Instant;

/// A table: its name, rows of four cells, and why each is there.
struct Made<'a> {
    name: &'a str,
    rows: Vec<[Option<String>; 4]>,
    origins: Vec<(Why, u32)>,
}

#[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "reads as a cell in the tables below")]
fn cell(text: impl ToString) -> Option<String> {
    Some(text.to_string())
}

/// Tables with columns `c0` to `c3` and the primary key (`c0`, `c1`), or `c0` where `single`.
fn published(tables: &[Made<'_>], references: &[Reference], single: bool) -> (Repository, Snapshot) {
    let member = Member::generate();
    let store = Memory::new();
    keys::init(&store, &member).unwrap();
    let repository = Repository::open(Box::new(store), &member, &[]).unwrap();
    let mut manifest = testing::manifest();
    manifest.schema.tables.clear();
    manifest.tables.clear();
    let key: &[usize] = if single { &[0] } else { &[0, 1] };
    let schema = testing::table(&["INTEGER", "INTEGER", "INTEGER", "TEXT"], key);
    let mut writer = Writer::new(&repository, &[]).unwrap();
    let mut put = |chunk: Chunk| -> ChunkRef {
        let cut = writer.known.compress(&chunk).unwrap();
        writer.packer.add(cut).unwrap()
    };
    for made in tables {
        let table = Table { name: TableName::plain(made.name), ..schema.clone() };
        let layout = copy::Layout::new(EngineKind::Sqlite, &table);
        let mut stream = blake3::Hasher::new();
        let mut entry = TableEntry {
            table: table.name.clone(),
            columns: table.columns.iter().map(|column| column.name.clone()).collect(),
            masks: BTreeMap::new(),
            rows: made.rows.len() as u64,
            bytes: 0,
            chunks: Vec::new(),
            ..testing_entry()
        };
        for part in made.rows.chunks(5000) {
            let mut batch = Batch::new(4);
            for text in part.iter().flatten() {
                batch.push(text.as_deref().map_or(Cell::NULL, Cell::text));
            }
            let encoded = copy::encode(Masked::vouch(batch), &layout);
            stream.update(encoded.bytes());
            entry.bytes += encoded.bytes().len() as u64;
            entry.chunks.push(put(Chunk { rows: part.len() as u64, encoded }));
        }
        entry.digest = stream.finalize().to_hex().to_string();
        entry.origins = made.origins.chunks(origins::PER_CHUNK).map(|part| put(origins::encode(part))).collect();
        manifest.schema.tables.push(table);
        manifest.tables.push(entry);
    }
    writer.packer.finish().unwrap();
    manifest.packs = writer.packer.packs();
    (manifest.repo, manifest.epoch) = (repository.id().to_owned(), repository.keys().epoch());
    (manifest.prev, manifest.seq, manifest.name) = (None, 1, "made".into());
    let closed = |reference: &Reference| ClosedReference { reference: reference.clone(), rows: 0, dangling: 0 };
    manifest.results.closure.references = references.iter().map(closed).collect();
    if tables.iter().any(|made| !made.origins.is_empty()) {
        let root = RootProof { table: TableName::plain("a"), condition: Some("c2 > 3".into()), rows: 1 };
        manifest.subset = Some(SubsetProof { size: None, roots: vec![root], whole: Vec::new(), edges: Vec::new() });
    }
    let body = codec::manifest::encode(&manifest).unwrap();
    let stamp = SnapshotStamp { created_compact: manifest.created.replace(['-', ':'], "") };
    let (sealed, _) = seal_manifest(&body, &stamp, repository.keys(), repository.signer()).unwrap();
    repository.store().put(&sealed).unwrap();
    let snapshot = repository.find("made").unwrap();
    (repository, snapshot)
}

fn testing_entry() -> TableEntry {
    testing::manifest().tables.remove(0)
}

fn reference(child: &str, columns: &[&str], parent: &str, parent_columns: &[&str]) -> Reference {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Reference {
        name: "r".into(),
        child: TableName::plain(child),
        columns: names(columns),
        parent: TableName::plain(parent),
        parent_columns: names(parent_columns),
        of_type: None,
        undeclared: false,
    }
}

fn asked(made: &(Repository, Snapshot), table: &str, key: &[&str], row: Option<u64>) -> Result<Outcome> {
    let context = Context { report: &Silent, cancel: Cancel::default(), jobs: 1 };
    let key = key.iter().map(|part| (*part).to_owned()).collect();
    why(&context, &made.0, &made.1, &Wanted { table: table.into(), key, row })
}

/// `table row because`, a line for each step.
fn shown(outcome: &Outcome) -> Vec<String> {
    outcome
        .first
        .iter()
        .chain(&outcome.last)
        .map(|step| format!("{} {} {:?}", step.place.table, step.place.row, step.because))
        .collect()
}

/// Orders (a) chosen by the root, their lines (b) as children, the products (c) of those as parents.
fn shop() -> (Repository, Snapshot) {
    let a = vec![
        [cell(1), cell(1), None, cell("x")],
        [cell(1), cell(2), None, cell("x")],
        [cell(7), cell(0), None, cell("x")],
    ];
    let b = vec![[cell(10), cell(0), cell(2), cell("1")], [cell(11), cell(0), cell(2), cell("1")]];
    // A text that refers to a number.
    let c = vec![[cell(5), cell(0), None, None], [cell(2), cell(9), None, None]];
    let mut polymorphic = reference("a", &["c0"], "c", &["c0"]);
    polymorphic.of_type = Some(OfType { column: "c3".into(), value: "x".into() });
    let references = [
        reference("b", &["c3", "c2"], "a", &["c0", "c1"]),
        reference("b", &["c2"], "c", &["c0"]),
        polymorphic,
        reference("a", &["c1"], "w", &["c0"]),
    ];
    let w = vec![[cell(0), cell(0), None, None], [cell(1), cell(1), None, None]];
    published(
        &[
            Made { name: "a", rows: a, origins: vec![(Why::Parent(0), 9), (Why::Root(0), 1), (Why::Child(3), 4)] },
            Made { name: "b", rows: b, origins: vec![(Why::Child(0), 2), (Why::Child(0), 3)] },
            Made { name: "c", rows: c, origins: vec![(Why::Whole, 0), (Why::Parent(1), 5)] },
            Made { name: "w", rows: w, origins: Vec::new() },
        ],
        &references,
        false,
    )
}

#[test]
fn a_way_leads_back_to_the_root() {
    let shop = shop();
    let way = asked(&shop, "c", &["2", "9"], None).unwrap();
    assert_eq!(
        shown(&way),
        [
            "c 2 Parent(\"b.c2 -> c.c0\")",
            "b 1 Child(\"b.(c3, c2) -> a.(c0, c1)\")",
            "a 2 Root { number: 1, condition: Some(\"c2 > 3\") }",
        ]
    );
    assert_eq!(shown(&asked(&shop, "C", &["5", "0"], None).unwrap()), ["c 1 Whole"]);
    // A table without origins was taken whole.
    assert_eq!(shown(&asked(&shop, "a", &["7", "0"], None).unwrap()), ["a 3 Child(\"a.c1 -> w.c0\")", "w 1 Whole"]);
    assert_eq!(shown(&asked(&shop, "b", &[], Some(2)).unwrap()).len(), 2);
}

#[test]
fn what_is_not_there_is_said() {
    let shop = shop();
    let refused = |table: &str, key: &[&str], row: Option<u64>| {
        let error = asked(&shop, table, key, row).unwrap_err();
        (error.kind(), error.what().to_owned(), error.hint_text().unwrap_or_default().to_owned())
    };
    let (kind, what, hint) = refused("c", &["4711", "0"], None);
    assert_eq!((kind, what.as_str()), (Kind::Usage, "the snapshot has no row with that key in c"));
    assert!(hint.contains("after masking"));
    let (_, what, hint) = refused("c", &["4711"], None);
    assert_eq!(what, "the primary key of c has 2 columns, not 1");
    assert!(hint.contains("c0, c1"));
    assert_eq!(refused("nowhere", &["1"], None).0, Kind::Usage);
    assert!(refused("b", &[], Some(3)).1.contains("has 2 rows"));
    assert_eq!(refused("b", &[], Some(0)).0, Kind::Usage);
    // An origin that leads nowhere is damage: no line of the table b refers to the first order.
    let (kind, what, _) = refused("a", &["1", "1"], None);
    assert_eq!(kind, Kind::Store);
    assert!(what.contains("made@") && what.contains("leads to one that is not in the snapshot"), "{what}");
}

#[test]
fn a_snapshot_that_is_no_subset_says_so() {
    let rows = vec![[cell(1), None, None, None]];
    let whole = published(&[Made { name: "a", rows, origins: Vec::new() }], &[], true);
    assert_eq!(shown(&asked(&whole, "a", &["1"], None).unwrap()), ["a 1 Everything"]);
}

#[test]
fn a_long_chain_is_walked_quickly_and_told_in_part() {
    const DEEP: usize = 150_000;
    let rows = (0..DEEP).map(|at| [cell(at), at.checked_sub(1).and_then(cell), None, None]).collect();
    let origin = |at: usize| (if at == 0 { Why::Root(0) } else { Why::Child(0) }, u32::try_from(at).unwrap());
    let origins = (0..DEEP).map(origin).collect();
    let chain = published(&[Made { name: "a", rows, origins }], &[reference("a", &["c1"], "a", &["c0"])], true);
    let start = Instant::now();
    let way = asked(&chain, "a", &[&(DEEP - 1).to_string()], None).unwrap();
    assert_eq!((way.first.len(), way.last.len(), way.left_out), (TOLD, TOLD, (DEEP - 2 * TOLD) as u64));
    assert_eq!(way.first[0].place.row, DEEP as u64);
    assert_eq!(way.last[TOLD - 1].because, Because::Root { number: 1, condition: Some("c2 > 3".into()) });
    // Once per step would take hours.
    assert!(start.elapsed().as_secs() < 120);
}

/// Rows by table and number, pulled in one after the other as a walk would.
fn walked(links: &[(usize, usize)], picks: &[(usize, bool)]) -> (Vec<Option<(Why, u32)>>, usize) {
    let count = links.len();
    let mut origins: Vec<Option<(Why, u32)>> = vec![None; count];
    origins[0] = Some((Why::Root(0), 1));
    let mut step = 1;
    for &(pick, up) in picks {
        step += 1;
        let there: Vec<usize> = (0..count).filter(|&at| origins[at].is_some()).collect();
        let from = there[pick % there.len()];
        for reference in 0..2_u16 {
            let target = |at: usize| if reference == 0 { links[at].0 } else { links[at].1 };
            let found = if up {
                Some(target(from))
                    .filter(|&at| at < count && origins[at].is_none())
                    .map(|at| (at, Why::Parent(reference)))
            } else {
                let child = (0..count).find(|&at| origins[at].is_none() && target(at) == from);
                child.map(|at| (at, Why::Child(reference)))
            };
            if let Some((at, why)) = found {
                origins[at] = Some((why, step));
                break;
            }
        }
    }
    (origins, count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_row_has_a_way_and_every_step_of_it_holds(
        links in prop::collection::vec((0..40_usize, 0..40_usize), 30),
        picks in prop::collection::vec((any::<usize>(), any::<bool>()), 60),
    ) {
        let (origins, count) = walked(&links, &picks);
        let taken: Vec<usize> = (0..count).filter(|&at| origins[at].is_some()).collect();
        let to = |at: usize| cell(at).filter(|_| at < count);
        let rows = taken.iter().map(|&at| [cell(at), to(links[at].0), to(links[at].1), None]).collect();
        let all = taken.iter().map(|&at| origins[at].unwrap()).collect();
        let references = [reference("a", &["c1"], "a", &["c0"]), reference("a", &["c2"], "a", &["c0"])];
        let made = published(&[Made { name: "a", rows, origins: all }], &references, true);
        for &at in &taken {
            let way = asked(&made, "a", &[&at.to_string()], None).unwrap();
            let steps: Vec<&Step> = way.first.iter().chain(&way.last).collect();
            let node = |step: &Step| taken[usize::try_from(step.place.row).unwrap() - 1];
            let is_root = matches!(steps[steps.len() - 1].because, Because::Root { .. });
            prop_assert!(is_root);
            for pair in steps.windows(2) {
                let (own, next) = (node(pair[0]), node(pair[1]));
                prop_assert!(origins[next].unwrap().1 < origins[own].unwrap().1);
                let link = |at: usize, along: &str| if along.contains("c1") { links[at].0 } else { links[at].1 };
                match &pair[0].because {
                    Because::Child(along) => prop_assert_eq!(link(own, along), next),
                    Because::Parent(along) => prop_assert_eq!(link(next, along), own),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }
}
