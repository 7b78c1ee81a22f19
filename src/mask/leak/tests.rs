//! The scan finds what leaks, in every disguise, and nothing on the ordinary path.

use super::*;

const MASKED: u16 = 1;
const NOTES: u16 = 2;

fn scan(capacity: usize) -> LeakScan {
    LeakScan::new(&Secret32::new([3; 32]), capacity)
}

fn finds(original: &str, output: &str) -> bool {
    let mut scan = scan(1000);
    scan.observe_original(MASKED, original.as_bytes(), Scan::Identifier);
    scan.observe_output(NOTES, output.as_bytes(), false);
    let report = scan.finish();
    assert!(report.hits.iter().all(|hit| (hit.original, hit.output) == (MASKED, NOTES)));
    !report.hits.is_empty()
}

#[test]
fn planted_leaks_are_found_in_every_disguise() {
    for (original, output) in [
        ("ann.lee@corp.test", "ann.lee@corp.test"),
        ("ann.lee@corp.test", " ANN.LEE@CORP.TEST "),
        ("ann.lee@corp.test", "wrote to Ann.Lee@corp.test, twice"),
        ("ann.lee@corp.test", "{\"to\":\"ann.lee@corp.test\"}"),
        ("ann.lee@corp.test", "<mailto:ann.lee@corp.test>."),
        ("219-09-9999", "ssn 219099999 on file"),
        ("219099999", "ssn: 219-09-9999."),
        ("(415) 867-5309", "+1 415 867 5309"),
        ("+1 (415) 867-5309", "call 415.867.5309 or 212-555-0100"),
        ("415-867-5309", "212-555-0100 415-867-5309"),
        ("Maria Gutierrez", "called maria gutierrez today"),
        ("Maria Gutierrez", "called GUTIERREZ, Maria today"),
        ("Gutierrez, Maria", "called Maria Gutierrez today"),
        ("Ana de Gutierrez", "ask ana de gutierrez now"),
        ("José Núñez", "seen: JOSE\u{301} NÚÑEZ."),
        ("A-1029384756", "ref=A-1029384756;"),
        ("zebrafish77", "zebrafish77_old"),
    ] {
        assert!(finds(original, output), "{original} in {output}");
    }
}

#[test]
fn the_ordinary_path_has_no_hits() {
    for (original, output) in [
        ("ann.lee@corp.test", "ann lee"),
        ("219-09-9999", "219-09-9998"),
        ("Maria Gutierrez", "Maria Lopez met Juan Gutierrez"),
        ("Maria", "Maria"),
        ("Mississippi", "Mississippi"),
        ("ab-12", "ab-12"),
    ] {
        assert!(!finds(original, output), "{original} in {output}");
    }
}

#[test]
fn what_masks_write_from_their_lists_is_no_leak() {
    let mut scan = scan(1000);
    for original in ["John Smith", "415-555-0134", "12 Maple Avenue", "ann.lee@corp.test"] {
        scan.observe_original(MASKED, original.as_bytes(), Scan::Identifier);
    }
    for output in ["John Smith", "(415) 555-0134", "12 Maple Avenue"] {
        scan.observe_output(MASKED, output.as_bytes(), true);
    }
    assert!(scan.outputs.len() == 0);
    scan.observe_output(MASKED, b"ann.lee@corp.test", true);
    scan.observe_output(NOTES, b"met John Smith", false);
    let hits = scan.finish().hits;
    assert_eq!(hits.iter().map(|hit| (hit.output, hit.count)).collect::<Vec<_>>(), [(MASKED, 1), (NOTES, 1)]);
}

#[test]
fn free_text_is_looked_for_only_where_it_is_telling_and_rare() {
    let mut scan = scan(1000);
    let rare = "left the key with the neighbour";
    let common = "paid in full on day of delivery";
    for original in ["Delivered", "Net 30", rare, common, common, common, common] {
        scan.observe_original(MASKED, original.as_bytes(), Scan::FreeText);
    }
    for output in ["Delivered", "Net 30", rare, common] {
        scan.observe_output(NOTES, output.as_bytes(), false);
    }
    let report = scan.finish();
    assert_eq!(report.hits, [Hit { original: MASKED, output: NOTES, count: 1 }]);
    assert_eq!((report.originals, report.cells), (1, 4));
    assert_eq!(report.skipped, BTreeMap::from([("common", 6)]));
}

#[test]
fn memory_is_bounded_and_systematic_leaks_are_still_found() {
    let mut scan = scan(500);
    for row in 0..50_000 {
        let email = format!("person{row}@corp.test");
        scan.observe_original(MASKED, email.as_bytes(), Scan::Identifier);
        scan.observe_output(NOTES, email.as_bytes(), false);
        scan.observe_output(3, format!("other{row}@corp.test").as_bytes(), false);
    }
    assert!(scan.originals.len() <= 750 && scan.outputs.len() <= 750);
    let report = scan.finish();
    assert!(report.hits.len() == 1 && report.hits[0].count > 20, "{report:?}");
    assert_eq!(report.originals + report.skipped["sampled"], 50_000);
}

#[test]
fn workers_merge_to_the_same_result() {
    let (mut whole, mut left, mut right) = (scan(300), scan(300), scan(300));
    for row in 0..3_000 {
        let email = format!("person{row}@corp.test");
        let side = if row % 2 == 0 { &mut left } else { &mut right };
        for scan in [&mut whole, side] {
            scan.observe_original(MASKED, email.as_bytes(), Scan::Identifier);
        }
        let other = if row % 3 == 0 { &mut left } else { &mut right };
        for scan in [&mut whole, other] {
            scan.observe_output(NOTES, email.as_bytes(), false);
        }
    }
    assert_eq!(left.merge(right).finish(), whole.finish());
}

#[test]
fn numbers_that_meet_by_chance_are_no_leak_and_planted_ones_are() {
    let scan = |planted: bool| {
        let mut scan = LeakScan::new(&Secret32::new([3; 32]), 1 << 20);
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            100_000_000 + (state >> 33) % 900_000_000
        };
        for _ in 0..200_000 {
            let number = next().to_string();
            scan.observe_original(
                0,
                format!("{}-{}-{}", &number[..3], &number[3..5], &number[5..]).as_bytes(),
                Scan::Identifier,
            );
            if planted {
                scan.observe_output(2, number.as_bytes(), false);
            }
        }
        for _ in 0..200_000 {
            scan.observe_output(1, next().to_string().as_bytes(), false);
        }
        scan.finish()
    };
    let report = scan(false);
    assert!(report.hits.is_empty(), "{:?}", report.hits);
    assert!(report.skipped["chance"] > 10, "numbers of nine digits must meet by chance here");
    let report = scan(true);
    assert_eq!(report.hits.iter().map(|hit| (hit.original, hit.output)).collect::<Vec<_>>(), [(0, 2)]);
}
