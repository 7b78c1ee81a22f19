//! How fast free text and JSON are masked with 100,000 known people: `cargo bench --bench text`.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use terp_fixtures::mask::key::{Keyring, MasterKey};
use terp_fixtures::mask::known::Learning;
use terp_fixtures::mask::recognise::{Wanted, recognise};
use terp_fixtures::mask::{Known, Mask, Params, Row, Site, Teaches, dictionary, find};
use terp_fixtures::model::batch::Cell;
use terp_fixtures::model::schema::Family;
use terp_fixtures::secret::Secret32;

const PEOPLE: usize = 100_000;

fn ring() -> Keyring {
    Keyring::new(&MasterKey::new(Secret32::new([7; 32])), "bench", "dev", 1)
}

fn built(name: &str) -> Box<dyn Mask> {
    let mask = find(name).expect("the mask is in the table");
    (mask.build)(&Site::free(&ring(), mask.domain, Family::Text), &Params::default()).expect("it is built")
}

fn masked(mask: &dyn Mask, value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    mask.mask(Cell::text(value), &Row::NONE, &mut out).expect("it fits");
    out
}

/// A made-up person: names that are in no dictionary, so that most words of a text are nobody's.
fn person(number: usize) -> (String, String) {
    let syllables = ["ba", "ko", "ri", "mu", "ten", "sal", "vor", "lin", "dra", "esh"];
    let word = |mut number: usize, least: usize| {
        let mut word = String::new();
        for _ in 0..least {
            word.push_str(syllables[number % 10]);
            number /= 10;
        }
        word[..1].to_uppercase() + &word[1..]
    };
    (format!("{} {}", word(number % 1_000, 3), word(number, 5)), format!("person{number}@corp.test"))
}

fn known() -> Known {
    let (name, email) = (built("full_name"), built("email"));
    let mut learning = Learning::new(Learning::CAPACITY);
    for number in 0..PEOPLE / 2 {
        let (who, address) = person(number);
        learning.learn(Teaches::Name, Cell::text(&who), &masked(&*name, &who), None);
        learning.learn(Teaches::Whole, Cell::text(&address), &masked(&*email, &address), None);
    }
    learning.finish()
}

/// Notes of about 400 characters; in every fifth a known person, an email and a phone number.
fn notes() -> Vec<String> {
    let word = |at: usize| dictionary::FILLER[at * 7919 % dictionary::FILLER.len()];
    (0..5_000)
        .map(|note| {
            let mut text = String::new();
            for at in 0..60 {
                text.push_str(word(note * 60 + at));
                text.push_str(if at % 12 == 11 { ". " } else { " " });
            }
            if note % 5 == 0 {
                let (who, address) = person(note * 17 % PEOPLE);
                text.push_str(&format!("Call {who} at (415) 867-{:04} or {address}, order 10293.", note % 10_000));
            }
            text
        })
        .collect()
}

fn text(c: &mut Criterion) {
    let (known, notes) = (known(), notes());
    let bytes: usize = notes.iter().map(String::len).sum();
    let counts = known.counts();
    println!(
        "{} spellings of {PEOPLE} values in {} bytes, {} each; {} bytes of notes",
        counts.spellings,
        known.len_bytes(),
        known.len_bytes() as u64 / counts.spellings,
        bytes
    );
    let mut group = c.benchmark_group("text");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("recognise", |b| {
        b.iter(|| notes.iter().map(|note| recognise(black_box(note), Wanted::PERSONAL).len()).sum::<usize>());
    });
    for (name, mask, known) in [
        ("text_scrub, nothing known", built("text_scrub"), Known::NOTHING),
        ("text_scrub, 100,000 known", built("text_scrub"), &known),
    ] {
        let mut out = Vec::with_capacity(bytes * 2);
        group.bench_function(name, |b| {
            b.iter(|| {
                out.clear();
                for note in &notes {
                    mask.mask(Cell::text(black_box(note)), &Row { known, ..Row::NONE }, &mut out).unwrap();
                }
            });
        });
    }
    group.finish();
    let documents: Vec<String> = (0..2_000)
        .map(|number| {
            let (who, address) = person(number);
            format!(r#"{{"id": {number}, "name": "{who}", "email": "{address}", "tags": ["new", "vip"], "total": 12.50, "note": "Called about the order."}}"#)
        })
        .collect();
    let bytes: usize = documents.iter().map(String::len).sum();
    let mut group = c.benchmark_group("json");
    group.throughput(Throughput::Bytes(bytes as u64));
    let (mask, mut out) = (built("json"), Vec::with_capacity(bytes * 2));
    group.bench_function("json, 100,000 known", |b| {
        b.iter(|| {
            out.clear();
            for document in &documents {
                mask.mask(Cell::text(black_box(document)), &Row { known: &known, ..Row::NONE }, &mut out).unwrap();
            }
        });
    });
    group.finish();
}

criterion_group!(benches, text);
criterion_main!(benches);
