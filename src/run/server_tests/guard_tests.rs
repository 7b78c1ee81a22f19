//! Guards on servers: the declaration in the database, what is refused without one, and what production takes.

use super::testing::{Line, POSTGRES_PLAIN, SMALL, Server, on_every_server, options, rolled_back, small_rows, target};
use crate::engine::{self, Whereabouts};
use crate::error::{Error, Kind, Result};
use crate::event::{Cancel, Silent};
use crate::run::backup::Place;
use crate::run::declaration::{self, Declaration, Wish};
use crate::run::guard::{self, Verdict};
use crate::run::marking::Marker;
use crate::run::surroundings::{ARGUMENT, Question, Said, Surroundings, Topic};
use crate::run::{restore, rollback};
use std::time::Duration;

on_every_server!(
    a_declaration_stays_through_restores_and_rollbacks,
    another_machine_takes_a_declaration,
    rows_of_others_are_asked_about,
    far_more_rows_are_asked_about,
    the_source_is_refused_whatever_is_agreed_to,
    production_takes_a_declaration_and_reference_tables,
    a_declaration_waits_for_the_lock,
);

mod without_superuser {
    #[test]
    fn a_declaration_stays_through_restores_and_rollbacks() {
        super::a_declaration_stays_through_restores_and_rollbacks(&super::POSTGRES_PLAIN);
    }

    #[test]
    fn far_more_rows_are_asked_about() {
        super::far_more_rows_are_asked_about(&super::POSTGRES_PLAIN);
    }

    #[test]
    fn production_takes_a_declaration_and_reference_tables() {
        super::production_takes_a_declaration_and_reference_tables(&super::POSTGRES_PLAIN);
    }
}

const WAIT: Duration = Duration::from_secs(5);

fn wish(environment: &str) -> Wish {
    Wish { environment: environment.into(), allowed: None, owner: Some("o'ps \\ 🌿".into()), by: "me on here".into() }
}

fn declared(url: &str) -> Option<Declaration> {
    declaration::read(&mut *target(url, &Cancel::default()).unwrap()).unwrap()
}

fn declare(url: &str, environment: &str) -> Declaration {
    let there = declared(url);
    let new = wish(environment).beside(there.as_ref());
    let cancel = Cancel::default();
    let context = super::testing::context(&Silent, &cancel);
    declaration::declare(&context, &mut *target(url, &cancel).unwrap(), (there.as_ref(), &new), WAIT).unwrap();
    assert_eq!(declared(url), Some(new.clone()));
    new
}

/// Restores the newest snapshot of a name, as a user in these surroundings.
fn restored(line: &Line, url: &str, name: &str, surroundings: Surroundings) -> Result<restore::Outcome> {
    let cancel = Cancel::default();
    let context = super::testing::context(&Silent, &cancel);
    line.restore_in(&context, url, name, &restore::Options { surroundings, ..options() })
}

/// A user who has said nothing yet.
fn silent(whereabouts: Whereabouts) -> Surroundings {
    Surroundings { whereabouts, ..Surroundings::default() }
}

/// What the guards of a restore ask.
fn asked(line: &Line, url: &str, surroundings: Surroundings) -> Option<Question> {
    let snapshot = line.repository.find("s").unwrap();
    let options = restore::Options { surroundings, ..options() };
    match guard::restore(&mut *target(url, &Cancel::default()).unwrap(), &snapshot, &options).unwrap() {
        Verdict::Ask(question) => Some(question),
        Verdict::Passed(_) => None,
    }
}

fn is_about(question: Option<&Question>, wanted: Topic) -> bool {
    matches!(question, Some(Question::Yes { topic, .. }) if *topic == wanted)
}

fn refusal<T: std::fmt::Debug>(done: Result<T>) -> Error {
    let error = done.unwrap_err();
    assert!(error.kind() == Kind::Guard && error.hint_text().is_some(), "{error}");
    error
}

/// A snapshot `s` of twenty parents and forty children, and an empty target of that shape.
fn bench(server: &Server) -> (Line, String) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(0, 20))), "s").unwrap();
    (line, server.with(SMALL))
}

fn a_declaration_stays_through_restores_and_rollbacks(server: &Server) {
    let (line, url) = bench(server);
    let before = server.content(&url).0;
    let first = declare(&url, "dev");
    let content = server.content(&url);
    assert_eq!(content.0, before, "a declaration is no content");
    assert_eq!((first.owner.as_str(), first.allowed.len()), ("o'ps \\ 🌿", 3));
    line.restore(&url, "s").unwrap();
    assert_eq!(declared(&url), Some(first.clone()));
    rolled_back(&url).unwrap();
    assert_eq!((server.content(&url), declared(&url)), (content, Some(first)));
    // A capture does not see it either.
    line.capture(&url, "declared").unwrap();
    assert!(
        line.repository.find("declared").unwrap().manifest.schema.tables.iter().all(|table| table.name.name.len() < 9)
    );

    // Into an empty database, through a staging place.
    let empty = (server.fresh)();
    let second = declare(&empty, "staging");
    let content = server.content(&empty);
    let streams = Some(crate::run::parallel::Streams { least_rows: 0, stretch: 1 });
    let cancel = Cancel::default();
    let context = super::testing::context(&Silent, &cancel);
    line.restore_in(&context, &empty, "s", &restore::Options { streams, ..options() }).unwrap();
    let backups = rollback::Backups::Never;
    let without = rollback::Options { backups, ..super::testing::rollback_options() };
    rollback::rollback(&context, &mut *target(&empty, &cancel).unwrap(), &without).unwrap();
    assert_eq!((server.content(&empty), declared(&empty)), (content, Some(second.clone())));
    declaration::remove(&context, &mut *target(&empty, &cancel).unwrap(), Some(&second), WAIT).unwrap();
    assert_eq!(declared(&empty), None);
}

fn another_machine_takes_a_declaration(server: &Server) {
    let (line, url) = bench(server);
    let before = server.content(&url);
    let mut elsewhere = Surroundings { whereabouts: Whereabouts::Elsewhere, ..Surroundings::on_this_machine() };
    elsewhere.address = "postgres://db.example/erp".into();
    let error = refusal(restored(&line, &url, "s", elsewhere.clone()));
    assert!(
        error.to_string().contains("60 rows of s@") && error.to_string().contains("into 2 tables of terp_"),
        "{error}"
    );
    assert!(error.hint_text().unwrap().contains("target init"));
    assert_eq!(server.content(&url), before);
    declare(&url, "dev");
    restored(&line, &url, "s", elsewhere.clone()).unwrap();
    // The way back goes by it as well.
    let there = declared(&url).unwrap();
    let cancel = Cancel::default();
    let context = super::testing::context(&Silent, &cancel);
    declaration::remove(&context, &mut *target(&url, &cancel).unwrap(), Some(&there), WAIT).unwrap();
    let between = server.content(&url);
    let options = rollback::Options { surroundings: elsewhere, ..super::testing::rollback_options() };
    let error = refusal(rollback::rollback(&context, &mut *target(&url, &cancel).unwrap(), &options));
    assert!(
        error.to_string().contains("60 rows of s@") && error.to_string().contains("taken out of 2 tables"),
        "{error}"
    );
    assert_eq!(server.content(&url), between);
    declare(&url, "dev");
    rollback::rollback(&context, &mut *target(&url, &cancel).unwrap(), &options).unwrap();
}

fn rows_of_others_are_asked_about(server: &Server) {
    let (line, url) = bench(server);
    // Rows in a ledger of keys are fixtures too.
    let cancel = Cancel::default();
    let context = super::testing::context(&Silent, &cancel);
    let listed = restore::Options { marker: Marker::Ledger, surroundings: silent(Whereabouts::Here), ..options() };
    line.restore_in(&context, &url, "s", &listed).unwrap();
    assert_eq!(asked(&line, &url, silent(Whereabouts::Here)), None, "nothing but listed fixtures");
    (server.script)(&url, "INSERT INTO child (id) VALUES (5000)");
    assert!(is_about(asked(&line, &url, silent(Whereabouts::Here)).as_ref(), Topic::OthersRows));
    (server.script)(&url, "DELETE FROM child WHERE id = 5000");
    rolled_back(&url).unwrap();

    let here = silent(Whereabouts::Here);
    assert_eq!(asked(&line, &url, here.clone()), None, "nothing but empty tables");
    restored(&line, &url, "s", here.clone()).unwrap();
    assert_eq!(asked(&line, &url, here.clone()), None, "nothing but fixtures");
    (server.script)(&url, "INSERT INTO parent (id) VALUES (5000)");
    assert!(is_about(asked(&line, &url, here.clone()).as_ref(), Topic::OthersRows));
    let between = server.content(&url);
    refusal(restored(&line, &url, "s", here.clone()));
    assert_eq!(server.content(&url), between);
    let mut agreed = here.clone();
    agreed.agreed.insert(Topic::OthersRows);
    assert_eq!(asked(&line, &url, agreed), None);
    // Whoever declares has said enough.
    declare(&url, "dev");
    assert_eq!(asked(&line, &url, here), None);
}

fn far_more_rows_are_asked_about(server: &Server) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(0, 20))), "s").unwrap();
    // The second is not looked at by the server's statistics before it is asked about.
    for analyse in [true, false] {
        let url = server.with(SMALL);
        for from in 0..12 {
            (server.script)(&url, &small_rows(from * 4000 + 1000, 1000));
        }
        if analyse {
            (server.script)(
                &url,
                if server.kind == crate::model::schema::EngineKind::Postgres {
                    "ANALYZE"
                } else {
                    "ANALYZE TABLE parent; ANALYZE TABLE child"
                },
            );
        }
        let mut here = silent(Whereabouts::Here);
        here.agreed.insert(Topic::OthersRows);
        assert!(is_about(asked(&line, &url, here.clone()).as_ref(), Topic::ManyRows), "analysed: {analyse}");
        // A declaration says what the database is, not that it is the one that is meant.
        declare(&url, "dev");
        assert!(is_about(asked(&line, &url, silent(Whereabouts::Elsewhere)).as_ref(), Topic::ManyRows));
        here.agreed.insert(Topic::ManyRows);
        assert_eq!(asked(&line, &url, here), None);
    }
}

fn the_source_is_refused_whatever_is_agreed_to(server: &Server) {
    let line = Line::new();
    let url = server.with(&format!("{SMALL} {}", small_rows(0, 20)));
    line.capture(&url, "s").unwrap();
    declare(&url, "dev");
    let before = server.content(&url);
    let error = refusal(restored(&line, &url, "s", Surroundings::on_this_machine()));
    assert!(error.to_string().contains("or a copy of its server's files"), "{error}");
    assert!(error.hint_text().unwrap().contains("load a dump into it"));
    assert_eq!(server.content(&url), before);
}

fn production_takes_a_declaration_and_reference_tables(server: &Server) {
    let from = server.with(&format!("{SMALL} {}", small_rows(0, 20)));
    let policy = "version = 1
        [tables.parent]
        mode = \"reference\"
        keep = [\"id\", \"code\", \"note\"]
        [tables.child]
        mode = \"capture\"
        keep = [\"id\", \"parent_id\", \"up\", \"note\"]";
    let repository = crate::run::server_tests::captured(&from, policy);
    let line = Line { repository };
    let url = server.with(SMALL);
    declare(&url, "production");
    let before = server.content(&url);
    let database = guard::database_name(&mut *target(&url, &Cancel::default()).unwrap()).unwrap();
    let whole = Surroundings {
        said: Some(Said { environment: "production".into(), by: ARGUMENT }),
        allows_production: true,
        production_variable: Some("NODE_ENV"),
        name: Some(database),
        ..silent(Whereabouts::Elsewhere)
    };
    for said in [
        Surroundings { said: None, ..whole.clone() },
        Surroundings { allows_production: false, ..whole.clone() },
        Surroundings { name: None, ..whole.clone() },
        Surroundings { name: Some("erp".into()), ..whole.clone() },
        Surroundings::on_this_machine(),
    ] {
        refusal(restored(&line, &url, "s", said.clone()));
        assert_eq!(server.content(&url), before);
    }
    let done = restored(&line, &url, "s", whole.clone()).unwrap();
    assert_eq!((done.rows(), done.tables.len()), (20, 1));
    assert_eq!(done.left_out.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["child"]);
    assert!(restored(&line, &url, "s", whole.clone()).unwrap().unchanged);
    let between = server.content(&url);
    refusal(rolled_back(&url));
    assert_eq!(server.content(&url), between);
    let place = Place { repository: &line.repository, database: "erp".into(), address: String::new(), expires: None };
    let options = rollback::Options { surroundings: whole, place: Some(place), ..super::testing::rollback_options() };
    let cancel = Cancel::default();
    let context = super::testing::context(&Silent, &cancel);
    rollback::rollback(&context, &mut *target(&url, &cancel).unwrap(), &options).unwrap();
    assert_eq!(server.content(&url), before);
}

fn a_declaration_waits_for_the_lock(server: &Server) {
    let url = server.with(SMALL);
    let cancel = Cancel::default();
    let context = super::testing::context(&Silent, &cancel);
    let mut holding = target(&url, &cancel).unwrap();
    holding.lock("restore of s@0123456789ab", Duration::ZERO).unwrap();
    let new = wish("dev").beside(None);
    let mut other = target(&url, &cancel).unwrap();
    let error = declaration::declare(&context, &mut *other, (None, &new), Duration::from_millis(50)).unwrap_err();
    assert!(error.kind() == Kind::Locked && error.to_string().contains("restore of s@"), "{error}");
    drop((holding, other));
    server.is_left_alone(&url, WAIT);
    assert_eq!(declared(&url), None);
    // What was declared since the user looked is not overwritten.
    let there = declare(&url, "staging");
    let error = declaration::declare(&context, &mut *target(&url, &cancel).unwrap(), (None, &new), WAIT).unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    assert_eq!(declared(&url), Some(there));
}

/// A role that may not read the declaration does nothing, and a role that may only read it goes by it.
#[test]
fn a_declaration_that_may_not_be_read_stops_everything_on_postgresql() {
    let (line, url) = bench(&super::testing::POSTGRES);
    declare(&url, "production");
    let plain = engine::postgres::testing::plain(&url);
    let before = super::testing::POSTGRES.content(&url);
    let error = refusal(restored(&line, &plain, "s", Surroundings::on_this_machine()));
    assert!(
        error.to_string().contains("cannot be read") && error.hint_text().unwrap().contains("Grant SELECT"),
        "{error}"
    );
    engine::postgres::testing::script(&url, "GRANT SELECT ON terp_fixtures_target TO terp_plain");
    let error = refusal(restored(&line, &plain, "s", Surroundings::on_this_machine()));
    assert!(error.to_string().contains("declared production"), "{error}");
    assert_eq!(super::testing::POSTGRES.content(&url), before);
}
