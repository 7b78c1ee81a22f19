//! What a cell costs on one core: every mask of the table through `mask::apply`, and the leak scan.
//!
//!   cargo bench --bench masks            all of it, about a second per line
//!   cargo bench --bench masks -- email   only what has `email` in its name
//!
//! Each mask is measured on a batch of one MiB of its own sample cells, once all distinct and once with 200 values that
//! repeat, which `apply` copies where the mask is a function of the cell. A mask that later joins the table appears here by
//! itself.

#![expect(clippy::print_stderr, reason = "a benchmark says what it leaves out")]

use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use std::time::Duration;
use terp_fixtures::mask::key::{Keyring, MasterKey};
use terp_fixtures::mask::leak::{LeakScan, Output};
use terp_fixtures::mask::{self, ColumnMask, Definition, Known, MASKS, Rows, Scan, Site, find};
use terp_fixtures::model::batch::{Batch, Cell};
use terp_fixtures::model::schema::{Family, TableName};
use terp_fixtures::secret::Secret32;

/// Makes a cell of a number.
type Make = Box<dyn Fn(u64) -> String>;

fn column(definition: &'static Definition) -> Option<ColumnMask> {
    let ring = Keyring::new(&MasterKey::new(Secret32::new([7; 32])), "bench", "dev", 1);
    let site = Site::free(&ring, definition.domain, Family::Text);
    let params = definition.examples.first()?.params_of(definition).ok()?;
    ColumnMask::build(definition, "c", &site, params).ok()
}

/// A full batch of one column.
fn batch(mut cell: impl FnMut(u64) -> String) -> Batch {
    let mut batch = Batch::new(1);
    for number in 0.. {
        if batch.is_full() {
            break;
        }
        batch.push(Cell::text(&cell(number)));
    }
    batch
}

fn masks(criterion: &mut Criterion) {
    let table = TableName::plain("t");
    for definition in MASKS {
        let Some(column) = column(definition) else {
            eprintln!("{}: cannot be built on a free column, left out", definition.name);
            continue;
        };
        let columns = [column];
        let rows = Rows { table: &table, columns: &columns, extras: 0, first: 0, known: Known::NOTHING };
        let mut group = criterion.benchmark_group(format!("mask/{}", definition.name));
        settings(&mut group);
        for (name, distinct) in [("distinct", u64::MAX), ("repeating", 200)] {
            let cells = batch(|number| (definition.sample)(number % distinct));
            if let Err(error) = mask::apply(rows, cells.clone()) {
                eprintln!("{}: {error}, left out", definition.name);
                continue;
            }
            group.throughput(Throughput::Elements(cells.rows() as u64));
            group.bench_function(name, |bencher| {
                bencher.iter_batched(|| cells.clone(), |cells| mask::apply(rows, cells), BatchSize::LargeInput);
            });
        }
    }
}

/// The scan in the state that it has in the middle of a large capture: most fingerprints lie above the threshold.
fn scan(criterion: &mut Criterion) {
    let (Some(email), Some(ssn)) = (find("email"), find("ssn_tail")) else { return };
    let (email, ssn) = (email.sample, ssn.sample);
    let note = |number| format!("Called about order {number}, she said that the delivery of Monday was two days late");
    let mut group = criterion.benchmark_group("scan");
    settings(&mut group);
    let originals: [(&str, Make, Scan); 4] = [
        ("original/email", Box::new(email), Scan::Identifier),
        ("original/ssn", Box::new(ssn), Scan::Identifier),
        ("original/name", Box::new(|number| format!("Maria{number} Garcia")), Scan::Identifier),
        ("original/first_name", Box::new(|number| format!("Maria{}", number % 900)), Scan::FreeText),
    ];
    for (name, make, how) in originals {
        let cells = batch(make);
        let mut scan = LeakScan::new(&Secret32::new([3; 32]), 1 << 11);
        run(&mut group, name, &cells, |cell| scan.observe_original(1, cell, how));
    }
    let made = |number: u64| {
        let letter = |shift: u64| char::from(b"abcdefghijklmnop"[(number >> shift & 15) as usize]);
        format!("greyson.homenick.mvv6k{}{}q{}t{}omw3jt@example.net", letter(0), letter(4), letter(8), letter(12))
    };
    let outputs: [(&str, Make, Output); 8] = [
        ("output/email, made", Box::new(made), Output::Made),
        (
            "output/first_name, made",
            Box::new(|number| if number % 2 == 0 { "Therese" } else { "Brenden" }.to_owned()),
            Output::Made,
        ),
        ("output/email, kept", Box::new(email), Output::Kept),
        ("output/id, kept", Box::new(|number| (1_000_000 + number).to_string()), Output::Kept),
        (
            "output/moment, kept",
            Box::new(|number| format!("2024-02-{:02} 13:45:{:02}", 1 + number % 28, number % 60)),
            Output::Kept,
        ),
        (
            "output/word, kept",
            Box::new(|number| if number % 2 == 0 { "active" } else { "closed" }.to_owned()),
            Output::Kept,
        ),
        ("output/note, kept", Box::new(note), Output::Kept),
        ("output/note, mixed", Box::new(note), Output::Mixed),
    ];
    for (name, make, how) in outputs {
        let cells = batch(make);
        let mut scan = LeakScan::new(&Secret32::new([3; 32]), 1 << 11);
        run(&mut group, name, &cells, |cell| scan.observe_output(1, cell, how));
    }
}

fn run(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, cells: &Batch, mut look: impl FnMut(&[u8])) {
    group.throughput(Throughput::Elements(cells.rows() as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| (0..cells.rows()).for_each(|row| look(cells.cell(row, 0).bytes)));
    });
}

fn settings(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(800));
}

fn main() {
    let mut criterion = Criterion::default().without_plots().configure_from_args();
    masks(&mut criterion);
    scan(&mut criterion);
    criterion.final_summary();
}
