//! What is learned is found again, in every spelling, and nothing else is.

use super::super::Teaches;
use super::*;

fn learn(values: &[(Teaches, &str, &str, &str)]) -> Known {
    let mut learning = Learning::new(1 << 20);
    for (teaches, original, masked, subject) in values {
        learning.learn(*teaches, Cell::text(original), masked.as_bytes(), Some(Cell::text(subject)));
    }
    learning.finish()
}

fn masked(known: &Known, value: &str, subject: &str) -> Option<String> {
    known.masked(value.as_bytes(), Some(Cell::text(subject))).map(|masked| String::from_utf8(masked.to_vec()).unwrap())
}

/// The text with every known value replaced.
fn said(known: &Known, text: &str, subject: &str) -> String {
    let mut out = Vec::new();
    let mut about = About::of(Some(Cell::text(subject)));
    let mut words = Words::new(text);
    let mut copied = 0;
    while let Some(word) = words.next() {
        let number = || known.number(text, word.start).filter(|_| text.as_bytes()[word.start].is_ascii_digit());
        let Some(found) = known.longest(text, &word, words).or_else(number) else {
            continue;
        };
        out.extend_from_slice(&text.as_bytes()[copied..word.start]);
        known.write(&found, &text[word.start..found.end], &mut about, &mut out);
        copied = found.end;
        words.go(copied);
    }
    out.extend_from_slice(&text.as_bytes()[copied..]);
    String::from_utf8(out).unwrap()
}

#[test]
fn nothing_is_known_of_nothing() {
    assert!(Known::NOTHING.is_empty() && Learning::new(10).finish().is_empty());
    assert_eq!(masked(Known::NOTHING, "Maria", ""), None);
    assert_eq!(said(Known::NOTHING, "call Maria 415", ""), "call Maria 415");
}

#[test]
fn a_name_is_found_in_every_spelling() {
    let known = learn(&[(Teaches::Name, "Maria Garcia", "Therese Kuhn", "17")]);
    for (text, want) in [
        ("call Maria", "call Therese"),
        ("MARIA GARCIA called", "THERESE KUHN called"),
        ("maria's dog", "therese's dog"),
        ("María García", "Therese Kuhn"),
        ("Garcia, Maria", "Kuhn, Therese"),
        ("GARCIA MARIA", "KUHN THERESE"),
        ("maria_garcia.pdf", "therese_kuhn.pdf"),
        ("maria-garcia", "therese-kuhn"),
        ("(Maria)  Garcia!", "(Therese)  Kuhn!"),
        ("Ms. Garcia's", "Ms. Kuhn's"),
        ("Maria\nGarcia", "Therese\nKuhn"),
        ("Mariah Garciaparra", "Mariah Garciaparra"),
        ("M. Garcia", "M. Kuhn"),
        ("“Maria”—she", "“Therese”—she"),
    ] {
        assert_eq!(said(&known, text, "17"), want, "{text}");
    }
    assert_eq!(masked(&known, " garcia,maria ", "17").as_deref(), Some("Kuhn, Therese"));
    assert_eq!(masked(&known, "Maria called", "17"), None);
}

#[test]
fn names_of_other_forms_are_taken_apart() {
    let known = learn(&[
        (Teaches::Name, "O'Brien-Smithson, Anne-Marie", "Littel, Brenden", "1"),
        (Teaches::Name, "Dr. Ludwig van der Bergh Jr.", "Corwin Abbott", "2"),
        (Teaches::Name, "Lucia Elena Ferrero", "Ottilie O'Keefe", "3"),
        (Teaches::Name, "张伟", "Greyson Homenick", "4"),
        (Teaches::Name, "山田 太郎", "Toni Ruecker", "5"),
        (Teaches::Name, "Madonna", "Therese Kuhn", "6"),
    ]);
    for (text, want) in [
        ("Anne-Marie O'Brien-Smithson", "Brenden Littel"),
        ("anne and Marie", "brenden and Brenden"),
        ("Mrs. Smithson", "Mrs. Littel"),
        ("van der Bergh", "van der Abbott"),
        ("Ludwig van der Bergh", "Corwin Abbott"),
        ("Lucia Ferrero and Elena", "Ottilie O'Keefe and Ottilie"),
        ("FERRERO, LUCIA", "O'KEEFE, OTTILIE"),
        ("给张伟打电话", "给Greyson Homenick打电话"),
        ("山田さん", "Rueckerさん"),
        ("MADONNA", "THERESE KUHN"),
    ] {
        assert_eq!(said(&known, text, ""), want, "{text}");
    }
}

#[test]
fn ordinary_words_need_a_capital() {
    let known = learn(&[(Teaches::Name, "Will Rose", "Therese Kuhn", "1"), (Teaches::Whole, "Mark", "Toni", "2")]);
    assert_eq!(said(&known, "will rose prices mark this", ""), "therese kuhn prices mark this");
    assert_eq!(
        said(&known, "it will do; a rose. So Will and Rose, Mark", ""),
        "it will do; a rose. So Therese and Kuhn, Toni"
    );
    assert_eq!(masked(&known, "will", ""), None);
    assert_eq!(masked(&known, "Will", "").as_deref(), Some("Therese"));
}

#[test]
fn what_says_nothing_is_not_learned() {
    let known = learn(&[
        (Teaches::Whole, "N/A", "x1", "1"),
        (Teaches::Whole, "unknown", "x2", "1"),
        (Teaches::Whole, "Al", "x3", "1"),
        (Teaches::Whole, "12345", "x4", "1"),
        (Teaches::Whole, "--", "x5", "1"),
        (Teaches::Name, "Al von Li", "Therese Kuhn", "1"),
        (Teaches::Nothing, "Maria", "Therese", "1"),
        (Teaches::Whole, "Therese", "Therese", "1"),
    ]);
    assert_eq!(known.counts().unfit, 5);
    assert_eq!(
        said(&known, "n/a unknown Al 12345 von Li Maria Therese", ""),
        "n/a unknown Al 12345 von Li Maria Therese"
    );
    assert_eq!(said(&known, "Al von Li", ""), "Therese Kuhn");
}

#[test]
fn numbers_are_found_by_their_digits() {
    let known = learn(&[
        (Teaches::Whole, "(415) 867-5309", "(428) 555-0134", "1"),
        (Teaches::Whole, "219-45-6789", "***-**-6397", "1"),
        (Teaches::Whole, "+44 20 7123 4567", "+44 00 1536 4534", "2"),
        (Teaches::Whole, "AC-20931-X", "token7", "2"),
        (Teaches::Whole, "DE89 3704 0044 0532 0130 00", "DE00 1111", "3"),
        (Teaches::Whole, "20931777", "83111222", "3"),
    ]);
    for (text, want) in [
        ("415.867.5309", "428.555.0134"),
        ("+1 415-867-5309 x2", "+1 428-555-0134 x2"),
        ("4158675309,", "4285550134,"),
        ("(415) 867 5309", "(428) 555 0134"),
        ("ssn 219456789", "ssn ***-**-6397"),
        ("020 7123 4567", "+44 00 1536 4534"),
        ("442071234567", "440015364534"),
        ("ac 20931 x", "token7"),
        ("DE89370400440532013000", "DE00 1111"),
        ("#20931777.", "#83111222."),
        ("14158675310 x20931777 2093177", "14158675310 x20931777 2093177"),
    ] {
        assert_eq!(said(&known, text, ""), want, "{text}");
    }
}

#[test]
fn the_subject_decides_then_who_was_named_then_the_smallest() {
    let known = learn(&[
        (Teaches::Name, "Maria Garcia", "Therese Kuhn", "17"),
        (Teaches::Name, "Maria Lopez", "Brenden Littel", "18"),
        (Teaches::Name, "Maria Silva", "Corwin Abbott", "19"),
    ]);
    assert_eq!(said(&known, "call Maria", "17"), "call Therese");
    assert_eq!(said(&known, "call Maria", "18"), "call Brenden");
    assert_eq!(said(&known, "call Maria", "99"), "call Brenden");
    assert_eq!(said(&known, "Maria Silva called. Maria is well.", "99"), "Corwin Abbott called. Corwin is well.");
    assert_eq!(said(&known, "Maria Silva called. Maria is well.", "17"), "Corwin Abbott called. Therese is well.");
}

#[test]
fn the_order_of_reading_and_the_number_of_workers_decide_nothing() {
    let values = [
        (Teaches::Name, "Maria Garcia", "Therese Kuhn", "17"),
        (Teaches::Name, "Maria Lopez", "Brenden Littel", "18"),
        (Teaches::Whole, "maria", "Corwin", "18"),
        (Teaches::Name, "Garcia, Maria", "Abbott, Toni", "20"),
        (Teaches::Whole, "ann@corp.test", "b@example.com", "17"),
        (Teaches::Whole, "ann@corp.test", "a@example.com", "18"),
    ];
    let text = "Maria, GARCIA; maria garcia and Garcia, Maria; lopez: Ann@corp.test";
    let mut turned = values;
    turned.reverse();
    let (mut one, mut two) = (Learning::new(1 << 20), Learning::new(1 << 20));
    for (at, (teaches, original, masked, subject)) in values.iter().chain(&values).enumerate() {
        let half = if at % 3 == 0 { &mut one } else { &mut two };
        half.learn(*teaches, Cell::text(original), masked.as_bytes(), Some(Cell::text(subject)));
    }
    two.merge(one);
    let merged = two.finish();
    for subject in ["17", "18", "20", "99"] {
        let want = said(&learn(&values), text, subject);
        assert_eq!(said(&learn(&turned), text, subject), want);
        assert_eq!(said(&merged, text, subject), want);
    }
}

#[test]
fn a_value_takes_little_room_and_what_has_none_is_counted() {
    let mut learning = Learning::new(Learning::CAPACITY);
    let mut small = Learning::new(100_000);
    for number in 0..20_000_u32 {
        let (subject, name) = (number.to_string(), format!("Person{number} Number{}", number % 777));
        let email = format!("person{number}@corp.test");
        for learning in [&mut learning, &mut small] {
            for _ in 0..2 {
                learning.learn(Teaches::Name, Cell::text(&name), b"Brenden Littel", Some(Cell::text(&subject)));
                learning.learn(
                    Teaches::Whole,
                    Cell::text(&email),
                    b"brenden.littel.mvv6kqtomw3jtye2@example.net",
                    None,
                );
            }
        }
    }
    let known = learning.finish();
    let spellings = usize::try_from(known.counts().spellings).unwrap();
    assert_eq!(known.counts().passed_over, 0);
    assert!(known.len_bytes() / spellings <= 64, "{} bytes for {spellings}", known.len_bytes());
    let known = small.finish();
    assert!(known.counts().passed_over > 30_000 && known.counts().spellings > 500 && known.len_bytes() <= 120_000);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(512))]
    #[test]
    fn whatever_is_learned_is_found_and_no_text_breaks(
        values in proptest::collection::vec(("\\PC{0,16}|[A-Z][a-z]{2,6} [A-Z][a-z]{2,6}|[0-9 ()-]{6,12}", "\\PC{1,12}"), 0..20),
        text in "\\PC{0,60}|([A-Za-z]{1,6}[ ,.0-9-]{1,3}){0,9}",
    ) {
        let mut learning = Learning::new(1 << 20);
        for (original, masked) in &values {
            learning.learn(Teaches::Name, Cell::text(original), masked.as_bytes(), None);
        }
        let unfit = learning.finish();
        let (original, _) = values.first().cloned().unwrap_or_default();
        let _ = said(&unfit, &text, "1");
        let _ = said(&unfit, &format!("{text} {original} {text}"), "1");
        for (original, masked) in &values {
            let mut alone = Learning::new(1 << 20);
            alone.learn(Teaches::Name, Cell::text(original), masked.as_bytes(), None);
            let alone = alone.finish();
            if alone.counts().unfit == 0 && original != masked && !original.is_empty() {
                proptest::prop_assert!(alone.is_empty() || alone.masked(original.as_bytes(), None).is_some() || original.chars().all(char::is_lowercase));
            }
        }
    }
}
