//! The scan finds what leaks, in every disguise, and nothing on the ordinary path.

use super::*;
use crate::mask::definition::Scan;
use crate::mask::{ColumnMask, Params, Site, find};
use crate::model::batch::{Batch, Cell};

const MASKED: u16 = 1;
const NOTES: u16 = 2;

fn scan(capacity: usize) -> LeakScan {
    LeakScan::new(&Secret32::new([3; 32]), capacity)
}

fn finds(original: &str, output: &str, how: Output) -> bool {
    let mut scan = scan(1000);
    scan.observe_original(MASKED, original.as_bytes(), Scan::Identifier);
    scan.observe_output(NOTES, output.as_bytes(), how);
    let report = scan.finish();
    assert!(report.hits.iter().all(|hit| (hit.original, hit.output) == (MASKED, NOTES)));
    !report.hits.is_empty()
}

/// Disguises by name; `{}` stands for the original in that disguise.
const PLACES: &[(&str, &str)] = &[
    ("alone", "{}"),
    ("with space around", "  {}\n"),
    ("in free text", "wrote to {}, twice"),
    ("at the end of a sentence", "we asked {}."),
    ("in brackets", "<{}>"),
    ("in a JSON leaf", "{\"a\":1,\"to\":\"{}\",\"b\":[true]}"),
    ("in an array of JSON", "[\"x\",\"{}\"]"),
    ("in XML", "<contact kind='main'>{}</contact>"),
    ("in a list", "red;{};blue"),
    ("in a line of a text", "first line\n{}\nlast line"),
    ("in the query of a URL", "https://shop.test/x?u={}&b=2"),
    ("in a file name", "scan_{}_2024.png"),
    ("in the name of a folder", "/home/{}/x.txt"),
    ("behind other words that are not ASCII", "Grüße an {} – später"),
];

type Disguise = (&'static str, fn(&str) -> String);

const DISGUISES: &[Disguise] = &[
    ("as it is", str::to_owned),
    ("upper case", str::to_uppercase),
    ("lower case", str::to_lowercase),
    ("accents removed", |text| text.replace('é', "e").replace('ú', "u").replace('ñ', "n")),
    ("accents as marks of their own", |text| {
        text.replace('é', "e\u{301}").replace('ú', "u\u{301}").replace('ñ', "n\u{303}")
    }),
    ("underscores instead of spaces", |text| text.replace(' ', "_")),
    ("URL-encoded", |text| {
        text.bytes()
            .map(
                |byte| {
                    if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
                },
            )
            .collect()
    }),
    ("URL-encoded with plus", |text| text.replace('@', "%40").replace(' ', "+")),
    ("URL-encoded twice", |text| text.replace('@', "%2540").replace(' ', "%2520")),
    ("HTML entities by number", |text| text.replace('@', "&#64;").replace('é', "&#233;").replace('-', "&#x2d;")),
    ("HTML entities by name", |text| {
        text.replace('é', "&eacute;").replace('ú', "&uacute;").replace('ñ', "&ntilde;").replace(' ', "&nbsp;")
    }),
    ("JSON escapes", |text| {
        text.chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) })
            .collect()
    }),
    ("JSON inside of a JSON string", |text| format!("{{\\\"to\\\":\\\"{text}\\\"}}")),
    ("JSON escapes inside of a JSON string", |text| {
        format!("{{\\\"to\\\":\\\"{}\\\"}}", text.replace('@', "\\\\u0040"))
    }),
    ("behind an escaped line break", |text| format!("hello\\n{text}\\t")),
    ("base64", |text| data_encoding::BASE64.encode(text.as_bytes())),
    ("base64 without padding", |text| data_encoding::BASE64_NOPAD.encode(text.as_bytes())),
    ("base64 for URLs", |text| data_encoding::BASE64URL.encode(text.as_bytes())),
    ("base64 for URLs without padding", |text| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes())),
    ("base64 of JSON", |text| data_encoding::BASE64.encode(format!("{{\"sub\":\"{text}\",\"n\":7}}").as_bytes())),
    ("hex, lower case", |text| data_encoding::HEXLOWER.encode(text.as_bytes())),
    ("hex, upper case", |text| data_encoding::HEXUPPER.encode(text.as_bytes())),
    ("bytea of PostgreSQL", |text| format!("\\x{}", data_encoding::HEXLOWER.encode(text.as_bytes()))),
    ("hex of base64", |text| data_encoding::HEXLOWER.encode(data_encoding::BASE64.encode(text.as_bytes()).as_bytes())),
];

const ORIGINALS: &[&str] = &[
    "ann.lee@corp.test",
    "maria.garcia+shop@mail.corp.test",
    "219-09-9999",
    "(415) 867-5309",
    "+44 20 7123 4567",
    "4012888888881881",
    "DE89 3704 0044 0532 0130 00",
    "Maria Gutierrez",
    "Gutierrez, Maria",
    "José Núñez",
    "Ana de la Gutierrez",
    "Patrick O'Halloran",
    "A-1029384756",
    "zebrafish77",
    "742 Evergreen Terrace",
    "sk_live_51H8exampleQx",
];

#[test]
fn planted_leaks_are_found_in_every_disguise_and_place() {
    let mut missed = Vec::new();
    for original in ORIGINALS {
        for (disguise, disguised) in DISGUISES {
            for (place, frame) in PLACES {
                // A token inside of a word, or of a longer token, is one that nobody could read.
                let glued = disguise.contains("base64") || disguise.contains("hex") || disguise.contains("bytea");
                if glued && matches!(*place, "in a file name") {
                    continue;
                }
                let output = frame.replace("{}", &disguised(original));
                for how in [Output::Kept, Output::Mixed] {
                    if !finds(original, &output, how) {
                        missed.push(format!("{original}: {disguise}, {place}, {how:?}: {output}"));
                    }
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

/// Disguises that only some kinds of originals have: (original, output).
const SPECIAL: &[(&str, &str)] = &[
    // Digits without separators, and with others.
    ("219-09-9999", "ssn 219099999 on file"),
    ("219-09-9999", "SSN219099999"),
    ("219-09-9999", "219 09 9999"),
    ("219-09-9999", "scan-219-09-9999.png"),
    ("219099999", "ssn: 219-09-9999."),
    ("219099999", "219.09.9999"),
    ("(415) 867-5309", "+1 415 867 5309"),
    ("(415) 867-5309", "14158675309"),
    ("+1 (415) 867-5309", "call 415.867.5309 or 212-555-0100"),
    ("+1 (415) 867-5309", "4158675309"),
    ("14158675309", "(415) 867-5309"),
    ("415-867-5309", "212-555-0100 415-867-5309"),
    ("415-867-5309", "tel:4158675309;ext=2"),
    ("4012888888881881", "4012 8888 8888 1881"),
    ("4012-8888-8888-1881", "card 4012888888881881"),
    ("DE89 3704 0044 0532 0130 00", "iban=DE89370400440532013000"),
    ("DE89370400440532013000", "DE89 3704 0044 0532 0130 00"),
    ("A-1029384756", "ref=1029384756;"),
    // Names the other way round.
    ("Maria Gutierrez", "called GUTIERREZ, Maria today"),
    ("Maria Gutierrez", "gutierrez maria"),
    ("Maria Gutierrez", "Gutierrez;Maria"),
    ("Maria Gutierrez", "gutierrez_maria_2.pdf"),
    ("Gutierrez, Maria", "called Maria Gutierrez today"),
    ("Gutierrez, Maria", "MARIA GUTIERREZ"),
    ("Ana Maria Gutierrez", "Gutierrez, Ana Maria"),
    ("Ana Gutierrez Solana", "GUTIERREZ SOLANA, Ana"),
    ("José Núñez", "NUNEZ, JOSE"),
    ("Jose Nunez", "seen: JOSE\u{301} NÚÑEZ."),
    ("Łukasz Żółkiewski", "lukasz.zolkiewski"),
    // File names.
    ("Maria Garcia", "maria_garcia_passport.pdf"),
    ("Maria Garcia", "MariaGarcia.pdf"),
    ("Maria Garcia", "uploads/2024/garcia-maria.jpg"),
    ("ann.lee@corp.test", "ann.lee@corp.test.vcf"),
    ("ann.lee@corp.test", "backup_ann.lee@corp.test_2.zip"),
    ("zebrafish77", "zebrafish77_old"),
    // Whole addresses in the middle of a text.
    ("1742 Old Mill Road East, Springfield", "he lives at 1742 Old Mill Road East, Springfield, since May"),
    // Part of a basic authorisation, a JWT, a data URL.
    ("hunter2hunter2", "Authorization: Basic YW5uLmxlZTpodW50ZXIyaHVudGVyMg=="),
    ("ann.lee@corp.test", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ubGVlQGNvcnAudGVzdCJ9.c2lnbmF0dXJl"),
    ("ann.lee@corp.test", "data:text/plain;base64,YW5uLmxlZUBjb3JwLnRlc3Q="),
    // Shapes as databases and pages write them.
    ("ann.lee@corp.test", "{ann.lee@corp.test,bob@x.test}"),
    ("ann.lee@corp.test", "\"email\"=>\"ann.lee@corp.test\""),
    ("ann.lee@corp.test", "<mailto:ann.lee@corp.test>."),
];

#[test]
fn planted_leaks_are_found_in_special_disguises() {
    let missed: Vec<_> = SPECIAL.iter().filter(|(original, output)| !finds(original, output, Output::Kept)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn long_free_text_is_found_as_a_leaf_and_a_line() {
    let original = "Called about the late delivery and left the key with the neighbour";
    for output in [
        format!("{{\"id\":7,\"note\":\"{original}\",\"by\":\"x\"}}"),
        format!("<n>{original}</n><n>other</n>"),
        format!("yesterday\n{}\ntoday", original.to_uppercase()),
        data_encoding::BASE64.encode(original.as_bytes()),
        format!("{} {original}", "x y ".repeat(3000)).replace(&format!(" {original}"), &format!("\n{original}")),
    ] {
        assert!(finds(original, &output, Output::Kept), "{}", &output[..40]);
    }
    let deep = format!("{} ann.lee@corp.test {}", "lorem ipsum ".repeat(5000), "dolor sit ".repeat(5000));
    assert!(finds("ann.lee@corp.test", &deep, Output::Kept));
    assert!(finds("ann.lee@corp.test", &format!("ü {deep}"), Output::Kept));
}

#[test]
fn every_place_of_a_long_text_is_looked_at() {
    for before in (0..9000).step_by(37) {
        let text = format!("{} ann.lee@corp.test maria gutierrez", "x".repeat(before));
        assert!(finds("ann.lee@corp.test", &text, Output::Kept), "{before}");
        let text = format!("{}ann.lee@corp.test maria gutierrez", "lorem ".repeat(before / 6));
        assert!(finds("Maria Gutierrez", &text, Output::Kept), "{before}");
    }
}

#[test]
fn binary_cells_are_looked_at() {
    for blob in [
        b"\x00\x01PDF ann.lee@corp.test \xff\xfe".to_vec(),
        "ann.lee@corp.test".bytes().flat_map(|byte| [byte, 0]).collect(),
        "ann.lee@corp.test".bytes().flat_map(|byte| [0, byte]).collect(),
        "Grüße, ann.lee@corp.test".as_bytes().to_vec(),
    ] {
        let mut scan = scan(1000);
        scan.observe_original(MASKED, b"ann.lee@corp.test", Scan::Identifier);
        scan.observe_blob(NOTES, &blob);
        assert_eq!(scan.finish().hits.len(), 1, "{blob:?}");
    }
    let mut scan = scan(1000);
    scan.observe_blob(NOTES, &vec![7; (1 << 20) + 1]);
    assert_eq!(scan.finish().skipped, BTreeMap::from([("blob", 1)]));
}

#[test]
fn the_ordinary_path_has_no_hits() {
    for (original, output) in [
        ("ann.lee@corp.test", "ann lee"),
        ("ann.lee@corp.test", "ann.lee@corp.example"),
        ("ann.lee@corp.test", "joann.lee@corp.test"),
        ("219-09-9999", "219-09-9998"),
        ("219-09-9999", "x2190999995"),
        ("219-09-9999", "totals of 219,09,9999 pieces"),
        ("219-09-9999", "[219, 9, 9999]"),
        ("Maria Gutierrez", "Maria Lopez met Juan Gutierrez"),
        ("Maria Gutierrez", "Maria was there. So Gutierrez left."),
        ("Maria", "Maria"),
        ("Mississippi", "Mississippi"),
        ("ab-12", "ab-12"),
        ("20240229", "2024-02-29 13:45:00"),
        ("2024022913", "2024-02-29T13:45:00Z"),
        ("446655440000", "550e8400-e29b-41d4-a716-446655440000"),
        ("42 Elm", "42 elms and 7 oaks"),
        ("12345678", "1234,5678.00"),
        ("pay@shop.test", "https://shop.test/pay"),
        ("Springfield Mills", "Springfield, mills and more"),
    ] {
        // The last one is the same two words in a row.
        let expected = original == "Springfield Mills";
        assert_eq!(finds(original, output, Output::Kept), expected, "{original} in {output}");
    }
}

#[test]
fn what_masks_write_from_their_lists_is_no_leak() {
    let mut scan = scan(1000);
    for original in ["John Smith", "415-555-0134", "12 Maple Avenue", "ann.lee@corp.test"] {
        scan.observe_original(MASKED, original.as_bytes(), Scan::Identifier);
    }
    for output in ["John Smith", "(415) 555-0134", "12 Maple Avenue"] {
        scan.observe_output(MASKED, output.as_bytes(), Output::Made);
    }
    scan.observe_output(MASKED, b"John Smith of 12 Maple Avenue, 415-555-0134, 1 415 555 0134", Output::Mixed);
    assert!(!scan.finish().hits.iter().any(|hit| hit.output == MASKED));

    let mut scan = self::scan(1000);
    for original in ["John Smith", "ann.lee@corp.test"] {
        scan.observe_original(MASKED, original.as_bytes(), Scan::Identifier);
    }
    scan.observe_output(MASKED, b"ann.lee@corp.test", Output::Made);
    scan.observe_output(NOTES, b"met John Smith", Output::Kept);
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
        scan.observe_output(NOTES, output.as_bytes(), Output::Kept);
    }
    let report = scan.finish();
    assert_eq!(report.hits, [Hit { original: MASKED, output: NOTES, count: 1 }]);
    assert_eq!((report.originals, report.cells), (1, 4));
    assert_eq!(report.skipped, BTreeMap::from([("common", 6)]));
}

#[test]
fn what_is_passed_over_is_counted_by_reason() {
    let mut scan = scan(1000);
    for original in ["Ann", "a-1", "Keeling", "ACME Trading", "Initech GmbH"] {
        scan.observe_original(MASKED, original.as_bytes(), Scan::Identifier);
    }
    scan.observe_reference(b"Acme trading");
    scan.observe_output(NOTES, b"ACME Trading", Output::Kept);
    let report = scan.finish();
    assert!(report.hits.is_empty());
    assert_eq!(report.originals, 1);
    assert_eq!(report.skipped, BTreeMap::from([("dictionary", 1), ("reference", 1), ("short", 2)]));
}

#[test]
fn texts_that_are_no_cells_are_looked_at() {
    let mut scan = scan(1000);
    scan.observe_original(MASKED, b"Maria Gutierrez", Scan::Identifier);
    scan.observe_text(u16::MAX, "before-maria-gutierrez-calls");
    let report = scan.finish();
    assert_eq!(report.hits, [Hit { original: MASKED, output: u16::MAX, count: 1 }]);
}

#[test]
fn memory_is_bounded_and_systematic_leaks_are_still_found() {
    let mut scan = scan(500);
    for row in 0..50_000 {
        let email = format!("person{row}@corp.test");
        scan.observe_original(MASKED, email.as_bytes(), Scan::Identifier);
        scan.observe_output(NOTES, email.as_bytes(), Output::Kept);
        scan.observe_output(3, format!("other{row}@corp.test").as_bytes(), Output::Kept);
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
            scan.observe_output(NOTES, email.as_bytes(), Output::Kept);
        }
    }
    assert_eq!(left.merge(right).finish(), whole.finish());
}

/// Numbers that follow no rule.
fn numbers() -> impl FnMut() -> u64 {
    let mut state = 1_u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

fn ssn(number: u64) -> String {
    let number = 100_000_000 + number % 900_000_000;
    format!("{}-{:02}-{:04}", number / 1_000_000, number / 10_000 % 100, number % 10_000)
}

#[test]
fn numbers_that_meet_by_chance_are_no_leak_and_planted_ones_are() {
    let scan = |planted: bool| {
        let mut scan = LeakScan::new(&Secret32::new([3; 32]), 1 << 20);
        let mut next = numbers();
        for _ in 0..200_000 {
            let number = ssn(next());
            scan.observe_original(0, number.as_bytes(), Scan::Identifier);
            if planted {
                scan.observe_output(2, number.replace('-', "").as_bytes(), Output::Kept);
            }
        }
        for _ in 0..200_000 {
            scan.observe_output(1, ssn(next()).replace('-', "").as_bytes(), Output::Kept);
        }
        scan.finish()
    };
    let report = scan(false);
    assert!(report.hits.is_empty(), "{:?}", report.hits);
    assert!(report.skipped["chance"] > 10, "numbers of nine digits must meet by chance here");
    let report = scan(true);
    assert_eq!(report.hits.iter().map(|hit| (hit.original, hit.output)).collect::<Vec<_>>(), [(0, 2)]);
}

#[test]
fn numbers_that_were_given_out_in_a_row_tell_nothing() {
    let mut scan = scan(1 << 16);
    for number in 1_000_001..1_010_000_u64 {
        scan.observe_original(0, number.to_string().as_bytes(), Scan::Identifier);
        scan.observe_output(1, (number + 500).to_string().as_bytes(), Output::Kept);
    }
    scan.observe_original(0, b"219-09-9999", Scan::Identifier);
    scan.observe_output(2, b"seen 219099999", Output::Kept);
    let report = scan.finish();
    assert_eq!(report.hits, [Hit { original: 0, output: 2, count: 1 }]);
    assert!(report.skipped["chance"] > 9000);
}

#[test]
fn random_tags_of_a_million_emails_hold_none_of_a_million_numbers() {
    let site = Site::for_tests("person.email");
    let email = (find("email").unwrap().build)(&site, &Params::default()).unwrap();
    // Everything is kept: nothing may hide behind sampling.
    let mut scan = LeakScan::new(&Secret32::new([3; 32]), 1 << 21);
    let mut next = numbers();
    let mut masked = Vec::new();
    let planted = "219-09-9999";
    for row in 0..1_000_000_u64 {
        scan.observe_original(0, ssn(next()).as_bytes(), Scan::Identifier);
        masked.clear();
        let original = format!("person{row}@corp.test");
        email.mask(Cell::text(&original), &crate::mask::Row::NONE, &mut masked).unwrap();
        scan.observe_output(1, &masked, Output::Made);
    }
    scan.observe_original(0, planted.as_bytes(), Scan::Identifier);
    scan.observe_output(2, b"she gave 219 09 9999 on the phone", Output::Kept);
    scan.observe_output(3, b"ssn 219-09-9999 x", Output::Made);
    let report = scan.finish();
    let hits: Vec<_> = report.hits.iter().map(|hit| (hit.original, hit.output, hit.count)).collect();
    assert_eq!(hits, [(0, 2, 1), (0, 3, 1)]);
    assert_eq!(report.originals, 1_000_001);
}

#[test]
fn permutations_are_compared_row_by_row() {
    let columns = |mask: &str| {
        let site = Site { unique: true, max_chars: Some(40), ..Site::for_tests("p") };
        [ColumnMask::build(find(mask).unwrap(), "c", &site, Params::default()).unwrap()]
    };
    let batch = |cells: &[&str]| {
        let mut batch = Batch::new(1);
        for cell in cells {
            batch.push(Cell::text(cell));
        }
        batch
    };
    let hits = |before: &[&str], after: &[&str]| {
        let mut scan = scan(1000);
        scan.observe_originals(7, &columns("phone"), &batch(before));
        scan.observe_masked(7, &columns("phone"), &batch(after));
        scan.finish().hits
    };
    // What another row held is what a permutation writes.
    assert_eq!(hits(&["plate AB12CD", "plate XY98ZW"], &["plate XY98ZW", "plate AB12CD"]), []);
    let unchanged = hits(&["plate AB12CD", "plate XY98ZW"], &["PLATE ab12cd", "plate AB12CD"]);
    assert_eq!(unchanged, [Hit { original: 7, output: 7, count: 1 }]);
}

#[test]
fn rows_that_a_condition_keeps_are_no_leak_of_their_own_column() {
    let site = Site::for_tests("w");
    let mut masked = ColumnMask::build(find("email").unwrap(), "email", &site, Params::default()).unwrap();
    masked.when = Some(2);
    let kept = ColumnMask::build(&crate::mask::KEEP, "note", &site, Params::default()).unwrap();
    let columns = [masked, kept];
    let (mut before, mut after) = (Batch::new(3), Batch::new(2));
    for row in [
        ["ann.lee@corp.test", "asked bob.ray@corp.test", "0"],
        ["bob.ray@corp.test", "-", "1"],
        ["ann.lee@corp.test", "-", "1"],
    ] {
        for cell in row {
            before.push(Cell::text(cell));
        }
    }
    for row in [["ann.lee@corp.test", "asked bob.ray@corp.test"], ["x@example.com", "-"], ["y@example.com", "-"]] {
        for cell in row {
            after.push(Cell::text(cell));
        }
    }
    let mut scan = scan(1000);
    scan.observe_originals(0, &columns, &before);
    scan.observe_masked(0, &columns, &after);
    let report = scan.finish();
    assert_eq!(report.hits, [Hit { original: 0, output: 1, count: 1 }]);
    assert_eq!(report.skipped["kept"], 1);
}
