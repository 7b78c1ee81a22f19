//! Free text keeps everything but what identifies somebody.

use super::super::known::Learning;
use super::super::recognise::{Dates, Kind, Wanted, recognise};
use super::super::{ColumnMask, Known, Rows, apply, find};
use super::*;
use crate::model::batch::Batch;
use crate::model::schema::TableName;
use proptest::prelude::*;

fn scrub(site: &Site, params: &[(&str, Value)], known: &Known, text: &str) -> String {
    let params =
        Params::new(&DEFINITION, params.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))).unwrap();
    let mut out = b"before".to_vec();
    let row = Row { known, ..Row::of(Some(Cell::text("17"))) };
    build(site, &params).unwrap().mask(Cell::text(text), &row, &mut out).unwrap();
    String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
}

fn plain(text: &str) -> String {
    scrub(&Site::for_tests("scrub"), &[], Known::NOTHING, text)
}

fn by(mask: &str, value: &str) -> String {
    let definition = find(mask).unwrap();
    let site = Site::for_tests("scrub");
    let part = Site::free(&site.ring, definition.domain, Family::Any);
    let mut out = Vec::new();
    (definition.build)(&part, &Params::default()).unwrap().mask(Cell::text(value), &Row::NONE, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_text_with_nothing_in_it_stays() {
    for text in ["", "Delivered 3 boxes on 2024-01-31, as ordered (no. 4711).", "Grüße – 日本語 ✓", "  \n"] {
        assert_eq!(plain(text), text);
    }
    assert!(DEFINITION.may_keep);
}

#[test]
fn what_is_found_gets_the_fake_of_its_own_column() {
    let (email, phone) = (by("email", "ann@corp.test"), by("phone", "(415) 867-5309"));
    assert_eq!(
        plain("Ann wrote from ann@corp.test, call (415) 867-5309! Ann@corp.test again."),
        format!("Ann wrote from {email}, call {phone}! {email} again.")
    );
    assert_ne!(by("email", "bob@corp.test"), email);
}

#[test]
fn every_kind_becomes_nobodys() {
    let text =
        "a.b@corp.test +44 20 7123 4567 / 4929 7226 5379 7141 / 219-45-6789 / from 8.8.4.4 or 2a00:1450:4001::8a2e /
        DE89 3704 0044 0532 0130 00 / https://corp.test/ann?x=1 / 00:1b:44:11:3a:b7 / born 12 March 1984";
    let masked = plain(text);
    for hit in recognise(text, Wanted::PERSONAL) {
        assert!(!masked.contains(&text[hit.range.clone()]), "{:?} in {masked}", hit.kind);
    }
    for hit in recognise(&masked, Wanted::PERSONAL) {
        assert!(hit.kind.is_date() || hit.kind.is_reserved(&masked[hit.range.clone()]), "{:?} in {masked}", hit.kind);
    }
    assert!(masked.contains("born ") && masked.contains(" / from "), "{masked}");
}

#[test]
fn recognisers_dates_and_patterns_are_chosen() {
    let site = Site::for_tests("scrub");
    let text = "CL-20931 ann@corp.test 2024-01-31";
    let only = scrub(&site, &[("recognise", Value::texts(&["phone"]))], Known::NOTHING, text);
    assert_eq!(only, text);
    let all = scrub(&site, &[("dates", Value::text("all"))], Known::NOTHING, text);
    assert!(all.starts_with("CL-20931 ") && !all.contains("2024-01-31"), "{all}");
    let patterns = [("patterns", Value::texts(&[r"CL-\d{5}"]))];
    let masked = scrub(&site, &patterns, Known::NOTHING, "See CL-20931 and CL-20931, CLX-20931");
    let code = &masked[4..12];
    assert!(
        code.as_bytes()[2] == b'-' && code != "CL-20931" && code[3..].bytes().all(|byte| byte.is_ascii_digit()),
        "{masked}"
    );
    assert_eq!(masked, format!("See {code} and {code}, CLX-20931"));
}

#[test]
fn wrong_parameters_say_what_to_write() {
    let error = |name: &str, value| {
        let params = Params::new(&DEFINITION, [(name.to_owned(), value)]).unwrap();
        build(&Site::for_tests("scrub"), &params).err().unwrap()
    };
    let unknown = error("recognise", Value::texts(&["passport"]));
    assert!(unknown.what().contains("'passport'") && unknown.hint_text().unwrap().contains("email, phone"));
    assert!(error("patterns", Value::texts(&["("])).what().contains("regular expression"));
    assert!(error("patterns", Value::texts(&["x*"])).hint_text().unwrap().contains('+'));
}

#[test]
fn the_output_is_cut_at_a_word_that_fits() {
    for (room, want) in
        [(60, "Ring Ann now or later"), (20, "Ring Ann now or"), (12, "Ring Ann now"), (11, "Ring Ann"), (3, "Rin")]
    {
        let site = Site { max_chars: Some(room), ..Site::for_tests("scrub") };
        assert_eq!(scrub(&site, &[], Known::NOTHING, "Ring Ann now or later"), want);
    }
}

/// A table of two clients, masked by the policy that a user would write.
fn table(known: &Known, rows: &[(&str, &str, &str)]) -> Vec<(String, String)> {
    let site = Site::for_tests("person.name");
    let mut name = ColumnMask::build(find("full_name").unwrap(), "full_name", &site, Params::default()).unwrap();
    let mut notes = ColumnMask::build(&DEFINITION, "notes", &site, Params::default()).unwrap();
    let id = ColumnMask::build(&crate::mask::KEEP, "id", &site, Params::default()).unwrap();
    (name.subject, notes.subject) = (Some(0), Some(0));
    let mut batch = Batch::new(3);
    for cell in rows.iter().flat_map(|(id, name, note)| [id, name, note]) {
        batch.push(Cell::text(cell));
    }
    let columns = [id, name, notes];
    let table = TableName::plain("clients");
    let masked = apply(Rows { table: &table, columns: &columns, extras: 0, first: 1, known }, batch).unwrap();
    let text = |row, at| String::from_utf8(masked.rows().cell(row, at).bytes.to_vec()).unwrap();
    (0..rows.len()).map(|row| (text(row, 1), text(row, 2))).collect()
}

#[test]
fn a_note_says_the_name_that_the_client_now_has() {
    let rows = [
        ("17", "Maria Garcia", "call Maria"),
        ("18", "Maria Lopez", "Maria's order; GARCIA, MARIA paid. See maria.lopez@corp.test"),
        ("19", "Will Young", "He will call Maria Lopez. Maria is well, Will."),
    ];
    // First the names are masked and learned, as a capture does, then the notes.
    let names = table(Known::NOTHING, &rows);
    let mut learning = Learning::new(Learning::CAPACITY);
    for ((id, original, _), (masked, _)) in rows.iter().zip(&names) {
        learning.learn(Teaches::Name, Cell::text(original), masked.as_bytes(), Some(Cell::text(id)));
    }
    let masked = table(&learning.finish(), &rows);
    let of = |row: usize| masked[row].0.split_once(' ').unwrap();
    let (maria, lopez, will) = (of(0), of(1), of(2));
    assert!(maria.0 != "Maria" && lopez.0 != "Maria" && maria.0 != lopez.0);
    assert_eq!(masked[0].1, format!("call {}", maria.0));
    let email = by("email", "maria.lopez@corp.test");
    let (last, first) = (maria.1.to_uppercase(), maria.0.to_uppercase());
    assert_eq!(masked[1].1, format!("{}'s order; {last}, {first} paid. See {email}", lopez.0));
    assert_eq!(masked[2].1, format!("He will call {} {}. {} is well, {}.", lopez.0, lopez.1, lopez.0, will.0));
}

/// Texts of words, numbers, marks and things that are recognised.
fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-zA-Z]{1,8}",
        "[ ,.;:()\n-]{1,3}",
        "[0-9]{1,10}",
        "\\PC{1,3}",
        "[a-z]{2,6}@[a-z]{2,6}\\.(de|com|test)",
        "\\([2-9][0-9]{2}\\) [2-9][0-9]{2}-[0-9]{4}",
        "\\+[1-9][0-9]{1,2} [0-9]{2,3} [0-9]{3,4} [0-9]{3,4}",
        "[0-9]{3}-[0-9]{2}-[0-9]{4}",
        "[1-9][0-9]?\\.[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{1,2}",
        "https://[a-z]{3,6}\\.(de|com)/[a-z]{0,4}",
        "(4111111111111111|4929 7226 5379 7141|DE89370400440532013000|00:1b:44:11:3a:b7|2a00:1450::8a2e:1)",
        "(tel|ssn|born|dob|order|call|no) ",
        "(Zorina|QUIBBLE|zorina quibble|Quibble, Zorina|Zórina_Quibble|ZORINA’S|zorina-quibble|quibble\\.zorina)",
        "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]",
    ];
    proptest::collection::vec(part, 0..14).prop_map(|parts| parts.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]
    #[test]
    fn nothing_live_and_nothing_known_is_left(text in texts()) {
        let mut learning = Learning::new(1 << 20);
        learning.learn(Teaches::Name, Cell::text("Zorina Quibble"), b"Therese Kuhn", Some(Cell::text("17")));
        learning.learn(Teaches::Whole, Cell::text("+44 20 7123 4567"), b"+44 00 1536 4534", Some(Cell::text("17")));
        let known = learning.finish();
        let site = Site::for_tests("scrub");
        let masked = scrub(&site, &[], &known, &format!("{text} +44 20 7123 4567"));
        prop_assert_eq!(&masked, &scrub(&site, &[], &known, &format!("{text} +44 20 7123 4567")));
        for word in ["zorina", "zórina", "quibble"] {
            prop_assert!(!masked.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|part| part == word), "{masked}");
        }
        for hit in recognise(&masked, Wanted::of(&[Kind::Email, Kind::Phone, Kind::Card, Kind::Ssn, Kind::Ip, Kind::Iban, Kind::Url, Kind::Mac])) {
            let left = &masked[hit.range.clone()];
            prop_assert!(hit.kind.is_reserved(left), "{:?} {left} in {masked}", hit.kind);
        }
        for hit in recognise(&text, Wanted::PERSONAL.with(Dates::Birth)) {
            let original = &text[hit.range];
            prop_assert!(hit.kind.is_date() || hit.kind.is_reserved(original) || !masked.contains(original), "{original} in {masked}");
        }
    }
}
