//! `lock status` and `lock release` on a file, as they are typed. Servers have theirs in `src/run/server_tests`.

use crate::support::Scratch;
use std::time::Duration;
use terp_fixtures::engine;
use terp_fixtures::event::Cancel;
use terp_fixtures::secret::Address;

#[test]
fn a_files_lock_is_shown_and_ends_with_its_process() {
    let scratch = Scratch::with_sample();
    let status = ["lock", "status", "--target", "sqlite:erp.sqlite"];
    let release = ["lock", "release", "--target", "sqlite:erp.sqlite"];
    assert!(scratch.ok(&status).contains("is free"));
    assert_eq!(scratch.json(&status)["held"], false);
    assert!(scratch.ok(&release).contains("nothing to release"));
    assert!(!scratch.path("erp.sqlite.terp-lock").exists(), "looking makes no lock");

    let address = Address::new(format!("sqlite:{}", scratch.path("erp.sqlite").display()));
    let mut holding = (engine::find(&address).unwrap().target)(&address, false, &Cancel::default()).unwrap();
    holding.lock("restore of s@0123456789ab", Duration::ZERO).unwrap();
    let me = std::process::id();
    let text = scratch.ok(&status);
    assert!(text.contains("restore of s@0123456789ab") && text.contains(&me.to_string()), "{text}");
    let holder = scratch.json(&status)["holder"].clone();
    assert_eq!(holder["process"], me);
    assert!(holder["since"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{holder}");
    assert!(!holder["host"].as_str().unwrap().is_empty());

    assert!(scratch.fails(8, &release).contains("confirmation"));
    let message = scratch.fails(2, &[&release[..], &["--yes"]].concat());
    assert!(message.contains(&format!("End process {me}")), "{message}");
    drop(holding);
    assert!(scratch.ok(&status).contains("is free"));

    // What a killed process left behind holds up nobody.
    std::fs::write(scratch.path("erp.sqlite.terp-lock"), "").unwrap();
    std::fs::write(scratch.path("erp.sqlite.terp-lock-holder"), "restore of s\nhere\n1\nlong ago\n").unwrap();
    assert!(scratch.ok(&status).contains("is free"));
    assert!(scratch.fails(9, &["lock", "status", "--target", "sqlite:missing.sqlite"]).contains("does not exist"));
}
