//! What every mask promises, checked over the whole table of masks and over random cells.

use super::key::{Keyring, MasterKey};
use super::{Definition, Determinism, MASKS, Mask, Params, Row, Site, Uniqueness, canonical, find};
use crate::model::batch::{Cell, CellKind};
use crate::model::schema::Family;
use crate::secret::Secret32;
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

/// The parameters of the mask's first example.
fn params(definition: &'static Definition) -> Params {
    definition.examples[0].params_of(definition).unwrap()
}

fn site(key: u8, max_chars: Option<u32>, unique: bool) -> Site {
    let master = MasterKey::new(Secret32::new([key; 32]));
    let ring = Keyring::new(&master, "p", "dev", 1);
    Site { max_chars, unique, ..Site::free(&ring, "d", Family::Text) }
}

fn build(definition: &'static Definition, site: &Site) -> Option<Box<dyn Mask>> {
    (definition.build)(site, &params(definition)).ok()
}

fn run(mask: &dyn Mask, cell: &str, subject: Option<&str>) -> Option<String> {
    let mut out = b"before".to_vec();
    let kind = mask.mask(Cell::text(cell), &Row::of(subject.map(Cell::text)), &mut out).ok()?;
    assert!(out.starts_with(b"before"));
    if kind == CellKind::Null { None } else { Some(String::from_utf8(out).unwrap()[6..].to_owned()) }
}

/// Masks whose output is a function of the cell: those of rows have tests of their own.
fn changing() -> impl Iterator<Item = &'static Definition> {
    let by_cell =
        |mask: &Definition| !matches!(mask.determinism, Determinism::Constant | Determinism::Row) && !mask.after;
    MASKS.iter().copied().filter(move |mask| !mask.keeps_original && !mask.outside && by_cell(mask))
}

/// Runs `check` on 256 made-up originals for every mask whose output depends on the cell.
fn for_all(check: impl Fn(&'static Definition, &str) -> Result<(), TestCaseError>) {
    for mask in changing() {
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(256));
        let number = prop_oneof![0..10_000_u64, any::<u64>()];
        runner
            .run(&number, |number| check(mask, &(mask.sample)(number)))
            .unwrap_or_else(|error| panic!("{}: {error}", mask.name));
    }
}

#[test]
fn same_key_and_value_give_the_same_and_never_the_original() {
    for_all(|definition, cell| {
        let (one, two) = (build(definition, &site(1, None, false)), build(definition, &site(1, None, false)));
        let masked = run(&*one.unwrap(), cell, None);
        prop_assert!(masked.is_some(), "refused");
        prop_assert_eq!(&masked, &run(&*two.unwrap(), cell, None));
        prop_assert!(masked.is_some_and(|masked| !canonical::alike(masked.as_bytes(), cell.as_bytes())));
        Ok(())
    });
}

#[test]
fn spellings_of_one_value_give_the_same() {
    for name in ["first_name", "last_name", "full_name", "email", "address"] {
        let mask = build(find(name).unwrap(), &site(1, None, false)).unwrap();
        for (one, other) in [("Maria Garcia", " MARIA  garcia "), ("José", "JOSE\u{301}")] {
            if name != "email" {
                assert_eq!(run(&*mask, one, None), run(&*mask, other, None), "{name}");
            }
        }
        assert_eq!(run(&*mask, "a@b.test", None), run(&*mask, "A@B.test ", None), "{name}");
    }
}

#[test]
fn p09_masked_values_fit_the_column() {
    for_all(|definition, cell| {
        for room in [4, 8, 10, 11, 13, 16, 20, 28, 40, 60] {
            let cell: String = cell.chars().take(room as usize).collect();
            for unique in [false, true] {
                let Some(mask) = build(definition, &site(1, Some(room), unique)) else {
                    continue;
                };
                if let Some(masked) = run(&*mask, &cell, None) {
                    prop_assert!(masked.chars().count() <= room as usize, "{} characters in {room}", masked.len());
                    prop_assert!(!masked.is_empty());
                }
            }
        }
        Ok(())
    });
}

#[test]
fn what_a_mask_writes_it_could_have_written() {
    for_all(|definition, cell| {
        let Some(could_write) = definition.could_write else {
            return Ok(());
        };
        for (room, unique) in [(None, false), (None, true), (Some(32), false), (Some(50), true)] {
            let Some(mask) = build(definition, &site(1, room, unique)) else {
                continue;
            };
            if let Some(masked) = run(&*mask, cell, None) {
                prop_assert!(could_write(&params(definition), &masked), "{masked}");
            }
        }
        Ok(())
    });
}

#[test]
fn another_key_changes_nearly_everything() {
    // Masks without a key have no domain; a choice of few labels is often the same by chance.
    for definition in changing().filter(|mask| !mask.domain.is_empty() && mask.name != "enum_pick") {
        let (one, two) = (build(definition, &site(1, None, false)), build(definition, &site(2, None, false)));
        let (one, two) = (one.unwrap(), two.unwrap());
        let cells: Vec<String> = (0..5000).map(definition.sample).collect();
        let differ = cells.iter().filter(|cell| run(&*one, cell, None) != run(&*two, cell, None)).count();
        assert!(differ >= 4950, "{}: {differ} of 5000 differ", definition.name);
    }
}

#[test]
fn unique_masks_keep_100_000_values_apart() {
    for definition in changing()
        .filter(|mask| !matches!(mask.unique, Uniqueness::None | Uniqueness::Vacant) && mask.name != "date_shift")
    {
        let max = match definition.name {
            "phone" => 24,
            "url" => 50,
            _ => 28,
        };
        // Some masks want a parameter there, such as broken check digits.
        let site = site(1, Some(max), true);
        let built = |params: Params| (definition.build)(&site, &params).ok();
        let fitting = definition.examples.iter().find_map(|example| built(example.params_of(definition).unwrap()));
        let mask = fitting.unwrap();
        let mut seen = HashSet::new();
        for row in 0..100_000 {
            assert!(
                seen.insert(run(&*mask, &(definition.sample)(row), None).unwrap()),
                "{}: row {row}",
                definition.name
            );
        }
    }
}

#[test]
fn p17_emails_are_valid_and_only_under_reserved_domains() {
    let mask = build(find("email").unwrap(), &site(1, None, false)).unwrap();
    let mut domains: HashMap<String, u32> = HashMap::new();
    for row in 0..3000 {
        let masked = run(&*mask, &format!("person{row}@corp.test"), None).unwrap();
        let (local, domain) = masked.split_once('@').unwrap();
        assert!(
            local.len() <= 64
                && local.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.')
        );
        assert!(!local.contains("..") && !local.starts_with('.'));
        *domains.entry(domain.to_owned()).or_default() += 1;
    }
    assert!(domains.len() == 3 && ["com", "org", "net"].iter().all(|end| domains[&format!("example.{end}")] > 800));
}

#[test]
fn dictionaries_are_used_evenly() {
    let mask = build(find("last_name").unwrap(), &site(1, None, false)).unwrap();
    let mut counts: HashMap<String, u32> = HashMap::new();
    for row in 0..47_400 {
        *counts.entry(run(&*mask, &format!("Person {row}"), None).unwrap()).or_default() += 1;
    }
    // 474 names, 100 expected each, standard deviation 10; some names stand in the list twice.
    assert!(counts.len() > 460, "{} names", counts.len());
    let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
    assert!((55..=100).contains(least) && (100..=260).contains(most), "{least} to {most}");
}

#[test]
fn a_subject_decides_instead_of_the_value() {
    let site = site(1, None, false);
    let mask = |name: &str| build(find(name).unwrap(), &site).unwrap();
    let full = run(&*mask("full_name"), "Ann Lee", Some("17")).unwrap();
    assert_eq!(full, run(&*mask("full_name"), "Bob Ray", Some("17")).unwrap());
    let first = run(&*mask("first_name"), "Ann", Some("17")).unwrap();
    let last = run(&*mask("last_name"), "Lee", Some("17")).unwrap();
    assert_eq!(full, format!("{first} {last}"));
    let email = run(&*mask("email"), "ann@corp.test", Some("17")).unwrap();
    let plain = |name: &str| name.to_lowercase().replace('\'', "");
    assert!(email.starts_with(&format!("{}.{}.", plain(&first), plain(&last))));
    assert_ne!(full, run(&*mask("full_name"), "Ann Lee", Some("18")).unwrap());
    // A row without a subject falls back to the value.
    assert_eq!(run(&*mask("full_name"), "Ann Lee", Some("")), run(&*mask("full_name"), "Ann Lee", None));
}

#[test]
fn text_masks_refuse_numbers_and_binary_data() {
    for definition in changing().chain([find("text_replace").unwrap()]) {
        let mask = build(definition, &site(1, None, false)).unwrap();
        let takes = |family| definition.accepts_family(family);
        let blob = mask.mask(Cell { kind: CellKind::Blob, bytes: b"x" }, &Row::NONE, &mut Vec::new());
        assert!(blob.is_err() || takes(Family::Blob), "{}", definition.name);
        let real = mask.mask(Cell { kind: CellKind::Real, bytes: b"1.5" }, &Row::NONE, &mut Vec::new());
        assert!(real.is_err() || takes(Family::Real), "{}", definition.name);
    }
}

#[test]
fn invalid_text_is_masked_too() {
    let mut taken = 0;
    for definition in changing() {
        let mask = build(definition, &site(1, None, false)).unwrap();
        let mut out = Vec::new();
        let valid = run(&*mask, "Ann X", None).is_some();
        let exact = definition.unique == Uniqueness::Exact;
        let invalid = mask.mask(Cell { kind: CellKind::Text, bytes: b"Ann \xff\xfe" }, &Row::NONE, &mut out).is_ok();
        // Permutations and wallets have no place for what is no code at all; everything else makes something of it.
        assert!(valid == invalid || exact || definition.name == "crypto_wallet", "{}", definition.name);
        assert!(!invalid || std::str::from_utf8(&out).is_ok(), "{}", definition.name);
        taken += u32::from(invalid);
    }
    assert!(taken > 8, "{taken} masks of text");
}

#[test]
fn masks_know_what_they_may_have_written_again() {
    for_all(|definition, cell| {
        let Some(could_write) = definition.could_write else {
            return Ok(());
        };
        for example in definition.examples {
            let params = example.params_of(definition).unwrap();
            for unique in [false, true] {
                let Ok(mask) = (definition.build)(&site(1, None, unique), &params) else {
                    continue;
                };
                for cell in [cell, example.cell] {
                    let Some(masked) = run(&*mask, cell, None) else {
                        continue;
                    };
                    prop_assert!(could_write(&params, &masked), "{} became {}", cell, masked);
                }
            }
        }
        Ok(())
    });
}

#[test]
fn null_and_empty_text_go_through_apply_unchanged() {
    use super::{ColumnMask, Known, Rows, apply};
    use crate::model::batch::Batch;
    for definition in MASKS.iter().copied().filter(|mask| !mask.takes_empty && !mask.after) {
        let Ok(column) = ColumnMask::build(definition, "c", &site(1, None, false), params(definition)) else {
            continue;
        };
        let mut batch = Batch::new(1);
        for cell in [Cell::NULL, Cell::text(""), Cell::NULL] {
            batch.push(cell);
        }
        let table = crate::model::schema::TableName::plain("t");
        let rows = Rows { table: &table, columns: &[column], extras: 0, first: 0, known: Known::NOTHING };
        let masked = apply(rows, batch.clone()).unwrap();
        assert_eq!(*masked.rows(), batch, "{}", definition.name);
    }
}

#[test]
fn what_a_mask_writes_fits_the_column_or_the_cell_is_refused() {
    use super::{Charset, ColumnMask, Fit, Known, Rows, apply};
    use crate::model::batch::Batch;
    let limits = (1_u32..40, prop_oneof![Just(Charset::Unicode), Just(Charset::Latin1), Just(Charset::Ascii)]);
    for definition in changing() {
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(256));
        runner
            .run(&(limits.clone(), any::<u64>()), |((room, charset), number)| {
                let site = Site { max_chars: Some(room), charset, ..site(1, None, false) };
                let Ok(column) = ColumnMask::build(definition, "c", &site, params(definition)) else {
                    return Ok(());
                };
                let fit = Fit { max_chars: Some(room), charset, ..Fit::default() };
                let column = ColumnMask { fit, ..column };
                let mut batch = Batch::new(1);
                let cell: String = (definition.sample)(number).chars().take(room as usize).collect();
                batch.push(Cell::text(&cell));
                let table = crate::model::schema::TableName::plain("t");
                let rows = Rows { table: &table, columns: &[column], extras: 0, first: 0, known: Known::NOTHING };
                let masked = match apply(rows, batch) {
                    Ok(masked) => masked,
                    // The cut sample may be nothing that the mask takes; but what it writes has to fit its site.
                    Err(error) => {
                        prop_assert!(!error.what().contains("the masked value"), "{}", error.what());
                        return Ok(());
                    }
                };
                let written = std::str::from_utf8(masked.rows().cell(0, 0).bytes).unwrap();
                prop_assert!(written.chars().count() <= room as usize && charset.holds(written));
                Ok(())
            })
            .unwrap_or_else(|error| panic!("{}: {error}", definition.name));
    }
}
