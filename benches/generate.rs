//! What made-up cells cost on one core: ten ordinary columns of customers, each by itself and as rows, beside the same ten
//! by the crate `fake`, whose word lists these are.
//!
//!   cargo bench --bench generate

use criterion::{Criterion, Throughput};
use fake::Fake;
use fake::faker::{address, company, internet, lorem, name, phone_number};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;
use terp_fixtures::classify::Guesses;
use terp_fixtures::generate::draw::{Place, Seed};
use terp_fixtures::generate::field::{Field, Row, Spec, Subject, field};
use terp_fixtures::generate::restriction::Restriction;
use terp_fixtures::generate::value::Value;
use terp_fixtures::model::schema::{Catalogue, Column, EngineKind, Family, Table, TableKind, TableName, Traces};

const ROWS: u64 = 1_000;

const COLUMNS: [(&str, &str, Family, Option<u32>); 10] = [
    ("first_name", "varchar(40)", Family::Text, Some(40)),
    ("last_name", "varchar(40)", Family::Text, Some(40)),
    ("email", "varchar(120)", Family::Text, Some(120)),
    ("phone", "varchar(30)", Family::Text, Some(30)),
    ("company_name", "varchar(80)", Family::Text, Some(80)),
    ("city", "varchar(80)", Family::Text, Some(80)),
    ("credit_limit", "decimal(10,2)", Family::Numeric, None),
    ("visits", "int", Family::Integer, None),
    ("created_at", "datetime", Family::Timestamp, None),
    ("note", "varchar(255)", Family::Text, Some(255)),
];

fn catalogue() -> Catalogue {
    let column = |(name, declared, family, length): (&str, &str, Family, Option<u32>)| Column {
        name: name.to_owned(),
        declared: declared.to_owned(),
        family,
        length,
        nullable: false,
        default: None,
        generated: false,
        collation: None,
        comment: None,
    };
    let table = Table {
        name: TableName::plain("customers"),
        kind: TableKind::Ordinary,
        columns: COLUMNS.into_iter().map(column).collect(),
        primary_key: Vec::new(),
        uniques: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        create: String::new(),
        counter: false,
        strict: true,
    };
    Catalogue {
        engine: EngineKind::Mysql,
        version: String::new(),
        settings: BTreeMap::new(),
        tables: vec![table],
        pre: Vec::new(),
        post: Vec::new(),
        own: Traces::default(),
    }
}

fn fields(catalogue: &Catalogue) -> Vec<(Box<dyn Field>, Place)> {
    let (table, open, seed) = (&catalogue.tables[0], Restriction::default(), Seed::new(1));
    let guesses = Guesses::of(&catalogue.tables);
    let made = |column: usize| {
        let spec = Spec {
            engine: catalogue.engine,
            catalogue,
            table,
            column,
            guess: guesses.at(0, column),
            restriction: &open,
            labels: &[],
            now: 1_767_182_400_000_000,
            edge: false,
        };
        let place = seed.place(&table.name, &table.columns[column].name);
        field(&spec).ok().map(|field| (field, place))
    };
    (0..table.columns.len()).filter_map(made).collect()
}

fn make(number: u64, field: &dyn Field, place: Place) -> Value {
    let row = Row { number, cells: &[], subject: Subject(number), people: &[] };
    field.make(&row, &mut place.draw(number))
}

/// The same ten by `fake`, as texts where it has no numbers of its own.
fn faked() -> [String; 10] {
    [
        name::en::FirstName().fake(),
        name::en::LastName().fake(),
        internet::en::SafeEmail().fake(),
        phone_number::en::PhoneNumber().fake(),
        company::en::CompanyName().fake(),
        address::en::CityName().fake(),
        (5..5000).fake::<u32>().to_string(),
        (0..5000).fake::<u32>().to_string(),
        (1_700_000_000..1_767_182_400).fake::<u64>().to_string(),
        lorem::en::Sentence(8..14).fake(),
    ]
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let catalogue = catalogue();
    let fields = fields(&catalogue);
    let mut group = criterion.benchmark_group("generate");
    group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(800));
    group.throughput(Throughput::Elements(ROWS));
    for (name, (field, place)) in COLUMNS.iter().map(|column| column.0).zip(&fields) {
        group.bench_function(name, |bencher| {
            bencher.iter(|| (0..ROWS).for_each(|number| drop(black_box(make(number, &**field, *place)))));
        });
    }
    group.bench_function("rows", |bencher| {
        bencher.iter(|| {
            for number in 0..ROWS {
                for (field, place) in &fields {
                    drop(black_box(make(number, &**field, *place)));
                }
            }
        });
    });
    group.bench_function("rows by fake", |bencher| bencher.iter(|| (0..ROWS).for_each(|_| drop(black_box(faked())))));
    group.finish();
    criterion.final_summary();
}
