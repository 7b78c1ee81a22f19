//! Values raise, lower and confirm what names say, and leave nothing behind.

use super::*;
use crate::classify;

fn judged(name: &str, declared: &str, cells: &[String]) -> Guess {
    let list = classify::read("t.csv", &format!("table,column,type\nthings,{name},{declared}\n")).unwrap();
    let guesses = Guesses::of(&list.tables);
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    Values::of(&cells).judge(&list.tables[0].columns[0], guesses.at(0, 0).unwrap())
}

fn many(each: impl Fn(usize) -> String) -> Vec<String> {
    (0..40).map(each).collect()
}

#[test]
fn values_find_what_names_hide() {
    for (kind, cells) in [
        ("email", many(|at| format!("person{at}@corp.test"))),
        ("phone", many(|at| format!("+1 212 736 {:04}", 5000 + at))),
        ("ip", many(|at| format!("81.2.69.{at}"))),
        ("card_number", many(|_| "4111 1111 1111 1111".to_owned())),
    ] {
        let guess = judged("f7", "text", &cells);
        assert_eq!((guess.kind, guess.confidence), (kind, 90), "{guess:?}");
        assert!(guess.reason.starts_with("100 % of sampled values look like"), "{}", guess.reason);
    }
    let names: Vec<String> = dictionary::FIRST_NAMES.iter().take(40).map(|name| format!("{name} Smith")).collect();
    assert_eq!(judged("f7", "text", &names).kind, "person_name");
}

#[test]
fn flags_and_strangers_lower_a_guess() {
    let flags = judged("phone", "text", &many(|at| (at % 2).to_string()));
    assert_eq!((flags.tier, flags.kind), (Tier::None, "none"));
    let strangers = judged("email", "text", &many(|at| format!("word{at}")));
    assert_eq!((strangers.kind, strangers.confidence), ("email", 55));
    let same = judged("password", "text", &many(|_| "x".to_owned()));
    assert_eq!((same.kind, same.confidence), ("password", 55));
}

#[test]
fn a_few_values_say_nothing_and_right_ones_confirm() {
    let few: Vec<String> = (0..3).map(|at| format!("person{at}@corp.test")).collect();
    assert_eq!(judged("f7", "text", &few).tier, Tier::None);
    assert!(judged("email", "text", &many(|at| format!("person{at}@corp.test"))).confidence >= 98);
    assert_eq!(judged("amount", "integer", &many(|at| at.to_string())).tier, Tier::None);
}

#[test]
fn reasons_hold_no_value() {
    for name in ["f7", "email", "phone", "password", "name", "notes"] {
        let guess = judged(name, "text", &many(|at| format!("canary{at}@corp.test")));
        assert!(!guess.reason.contains("canary"), "{}", guess.reason);
    }
}
