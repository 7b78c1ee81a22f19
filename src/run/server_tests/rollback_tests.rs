//! Rollbacks of every kind on every server: in part, of all runs, forced, as a whole, let go, and with a backup before.

use super::dialect_testing::Schema;
use super::testing::{
    Line, POSTGRES, POSTGRES_PLAIN, SMALL, Server, context, on_every_server, options, rollback_options, rolled_back,
    small_rows, target,
};
use crate::error::{Error, Kind, Result};
use crate::event::{Cancel, Silent};
use crate::model::schema::EngineKind;
use crate::run::backup::Place;
use crate::run::load::OnConflict;
use crate::run::marking::Marker;
use crate::run::restore;
use crate::run::rollback::{self, Backups, Does, Options, Outcome, Strategy, Taken};
use crate::run::surroundings::{ARGUMENT, Said, Surroundings};

on_every_server!(
    p14_what_hangs_on_fixture_rows_does_what_its_key_says,
    a_plain_reference_is_never_broken,
    chains_and_cycles_go_as_far_as_they_hang,
    a_backup_puts_the_rows_back,
    some_rows_go_and_come_back,
    rows_that_stay_keep_their_parents,
    random_tables_go_one_by_one,
    a_table_with_nothing_else_is_emptied_as_a_whole,
    rows_that_are_let_go_stay,
    every_run_goes_the_newest_first,
    what_is_left_is_gone_on_with,
    p15_what_was_deleted_is_told_by_count_and_digest,
);

#[test]
fn random_tables_go_one_by_one_without_superuser() {
    random_tables_go_one_by_one(&POSTGRES_PLAIN);
}

#[test]
fn what_hangs_on_fixture_rows_does_what_its_key_says_without_superuser() {
    p14_what_hangs_on_fixture_rows_does_what_its_key_says(&POSTGRES_PLAIN);
}

fn roll_back(url: &str, options: &Options<'_>) -> Result<Outcome> {
    rollback::rollback(&context(&Silent, &Cancel::default()), &mut *target(url, &Cancel::default())?, options)
}

fn roll_back_all(url: &str, options: &Options<'_>) -> (Vec<Outcome>, Result<()>) {
    let mut done = Vec::new();
    let mut opened = target(url, &Cancel::default()).unwrap();
    let ended = rollback::all(&context(&Silent, &Cancel::default()), &mut *opened, options, &mut |outcome| {
        done.push(outcome.clone());
    });
    (done, ended)
}

fn forced() -> Options<'static> {
    Options { force: true, ..rollback_options() }
}

fn of_tables(tables: &[&str], condition: Option<&str>) -> Options<'static> {
    let tables = tables.iter().map(|name| (*name).to_owned()).collect();
    Options { tables, condition: condition.map(str::to_owned), ..rollback_options() }
}

fn restored(line: &Line, url: &str, name: &str, options: &restore::Options) -> restore::Outcome {
    line.restore_in(&context(&Silent, &Cancel::default()), url, name, options).unwrap()
}

/// A target on this machine that the user says to be of an environment.
fn said(environment: &str) -> Surroundings {
    let said = Some(Said { environment: environment.to_owned(), by: ARGUMENT });
    Surroundings { said, ..Surroundings::on_this_machine() }
}

fn refusal(done: Result<Outcome>) -> Error {
    let error = done.unwrap_err();
    assert_eq!(error.kind(), Kind::Rollback, "{error}");
    error
}

fn taken<'a>(done: &'a Outcome, table: &str) -> &'a Taken {
    done.tables.iter().find(|taken| taken.table.name == table).unwrap()
}

/// A parent with one child for each action, and a grandchild; a pair of columns as a key.
const HANGING: &str =
    "CREATE TABLE parent (id INTEGER NOT NULL, part INTEGER NOT NULL, note VARCHAR(40), PRIMARY KEY (id, part));
    CREATE TABLE goes (id INTEGER NOT NULL PRIMARY KEY, p INTEGER, q INTEGER,
        CONSTRAINT goes_with FOREIGN KEY (p, q) REFERENCES parent (id, part) ON DELETE CASCADE);
    CREATE TABLE deeper (id INTEGER NOT NULL PRIMARY KEY, g INTEGER,
        CONSTRAINT deeper_with FOREIGN KEY (g) REFERENCES goes (id) ON DELETE CASCADE);
    CREATE TABLE loses (id INTEGER NOT NULL PRIMARY KEY, p INTEGER, q INTEGER, note VARCHAR(40),
        CONSTRAINT loses_it FOREIGN KEY (p, q) REFERENCES parent (id, part) ON DELETE SET NULL);
    CREATE TABLE firm (id INTEGER NOT NULL PRIMARY KEY, g INTEGER,
        CONSTRAINT firm_on FOREIGN KEY (g) REFERENCES deeper (id));";

fn p14_what_hangs_on_fixture_rows_does_what_its_key_says(server: &Server) {
    let line = Line::new();
    let erp = server.with(&format!("{HANGING} INSERT INTO parent VALUES (1, 1, 'a'), (1, 2, 'b');"));
    line.capture(&erp, "s").unwrap();
    let own = "INSERT INTO parent VALUES (7, 7, 'mine'); INSERT INTO goes VALUES (70, 7, 7);";
    let used = server.with(&format!("{HANGING} {own}"));
    line.restore(&used, "s").unwrap();
    let app = "INSERT INTO goes VALUES (1, 1, 1), (2, 1, 2), (3, 1, NULL); INSERT INTO deeper VALUES (1, 1), (2, 70);
        INSERT INTO loses VALUES (1, 1, 1, 'x'), (2, 7, 7, 'y'), (3, 1, 2, 'z');";
    (server.script)(&used, app);
    let between = server.content(&used);
    let error = refusal(roll_back(&used, &rollback_options()));
    for part in [
        "2 rows of goes reference parent by goes_with (p, q): ON DELETE CASCADE would delete them",
        "1 rows of deeper reference goes by deeper_with (g): ON DELETE CASCADE would delete them",
        "2 rows of loses reference parent by loses_it (p, q): ON DELETE SET NULL would take their reference away",
    ] {
        // PostgreSQL's keys are named with their table.
        let plain =
            ["goes.", "deeper.", "loses."].iter().fold(error.to_string(), |text, table| text.replace(table, ""));
        assert!(plain.contains(part), "{part}: {plain}");
    }
    assert!(error.hint_text().unwrap().contains("--force"));
    assert_eq!(server.content(&used), between);

    let dry = roll_back(&used, &Options { dry_run: true, ..forced() }).unwrap();
    assert_eq!(server.content(&used), between);
    let done = roll_back(&used, &forced()).unwrap();
    assert_eq!((&dry.tables, &dry.effects), (&done.tables, &done.effects), "a dry run says the same");
    let effects: Vec<(&str, Does, u64)> =
        done.effects.iter().map(|effect| (effect.table.name.as_str(), effect.does, effect.rows)).collect();
    assert_eq!(effects, [("deeper", Does::Delete, 1), ("goes", Does::Delete, 2), ("loses", Does::Null, 2)]);
    let left = "INSERT INTO goes VALUES (3, 1, NULL); INSERT INTO deeper VALUES (2, 70);
        INSERT INTO loses VALUES (1, NULL, NULL, 'x'), (2, 7, 7, 'y'), (3, NULL, NULL, 'z');";
    let expected = server.with(&format!("{HANGING} {own} {left}"));
    assert_eq!(server.content(&used), server.content(&expected));
}

fn a_plain_reference_is_never_broken(server: &Server) {
    let line = Line::new();
    let erp = server.with(&format!("{HANGING} INSERT INTO parent VALUES (1, 1, 'a');"));
    line.capture(&erp, "s").unwrap();
    let used = server.with(HANGING);
    line.restore(&used, "s").unwrap();
    let app = "INSERT INTO goes VALUES (1, 1, 1); INSERT INTO deeper VALUES (1, 1); INSERT INTO firm VALUES (1, 1);";
    (server.script)(&used, app);
    let between = server.content(&used);
    for options in [rollback_options(), forced()] {
        let error = refusal(roll_back(&used, &options));
        let text = error.to_string();
        assert!(
            text.contains("1 rows of") && text.contains("firm_on (g): the foreign key does not let them go"),
            "{text}"
        );
        assert_eq!(server.content(&used), between);
    }
    (server.script)(&used, "DELETE FROM firm;");
    roll_back(&used, &forced()).unwrap();
    assert_eq!(server.content(&used), server.content(&server.with(HANGING)));
}

fn chains_and_cycles_go_as_far_as_they_hang(server: &Server) {
    let schema = "CREATE TABLE node (id INTEGER NOT NULL PRIMARY KEY, up INTEGER, side INTEGER,
            CONSTRAINT node_up FOREIGN KEY (up) REFERENCES node (id) ON DELETE CASCADE);
        CREATE TABLE other (id INTEGER NOT NULL PRIMARY KEY, node INTEGER,
            CONSTRAINT other_node FOREIGN KEY (node) REFERENCES node (id) ON DELETE CASCADE);
        ALTER TABLE node ADD CONSTRAINT node_side FOREIGN KEY (side) REFERENCES other (id) ON DELETE SET NULL;";
    let line = Line::new();
    let erp = server.with(&format!(
        "{schema} INSERT INTO node VALUES (1, NULL, NULL), (2, 1, NULL); INSERT INTO other VALUES (1, 1); UPDATE node SET side = 1;"
    ));
    line.capture(&erp, "s").unwrap();
    let own = "INSERT INTO node VALUES (50, NULL, NULL), (51, 50, NULL);";
    let used = server.with(&format!("{schema} {own}"));
    let before = server.content(&used);
    line.restore(&used, "s").unwrap();
    rolled_back(&used).unwrap();
    assert_eq!(server.content(&used), before, "a cycle goes out by itself");
    line.restore(&used, "s").unwrap();
    // A chain that goes through both tables and closes, and a row beside it that only loses its reference.
    let app =
        "INSERT INTO node VALUES (10, 2, NULL), (11, 10, NULL), (12, 11, NULL); INSERT INTO other VALUES (10, 12);
        INSERT INTO node VALUES (13, 50, 10), (14, 50, NULL); UPDATE node SET side = 10 WHERE id = 10;";
    (server.script)(&used, app);
    let done = roll_back(&used, &forced()).unwrap();
    let rows = |does: Does| -> u64 {
        done.effects.iter().filter(|effect| effect.does == does).map(|effect| effect.rows).sum()
    };
    assert_eq!((rows(Does::Delete), rows(Does::Null)), (4, 1));
    let expected = server.with(&format!("{schema} {own} INSERT INTO node VALUES (13, 50, NULL), (14, 50, NULL);"));
    assert_eq!(server.content(&used), server.content(&expected));
}

fn overwriting() -> restore::Options {
    restore::Options { on_conflict: OnConflict::Overwrite, keep_others: true, ..options() }
}

/// On staging: what a rollback deletes, replaces, and changes by the keys of others is in the store before, and comes back from there.
fn a_backup_puts_the_rows_back(server: &Server) {
    let line = Line::new();
    let rows = "INSERT INTO parent VALUES (1, 1, 'a'), (1, 2, 'b'), (7, 7, 'theirs'); INSERT INTO goes VALUES (1, 1, 1), (2, 7, 7);";
    let erp = server.with(&format!("{HANGING} {rows}"));
    line.capture(&erp, "s").unwrap();
    let used = server.with(&format!("{HANGING} INSERT INTO parent VALUES (7, 7, 'mine'), (8, 8, 'mine too');"));
    let before = server.content(&used);
    restored(&line, &used, "s", &overwriting());
    let app = "UPDATE parent SET note = 'edited' WHERE part = 2; INSERT INTO goes VALUES (20, 1, 2); INSERT INTO deeper VALUES (5, 20);
        INSERT INTO loses VALUES (1, 1, 1, 'x'), (2, 8, 8, 'y');";
    (server.script)(&used, app);
    let between = server.content(&used);
    let place = Place { repository: &line.repository, database: "used".into(), address: "here".into(), expires: None };
    let staging = || Options { surroundings: said("staging"), ..forced() };
    // Without a store nothing happens, and a dry run publishes nothing.
    let error = refusal(roll_back(&used, &staging()));
    assert!(error.to_string().contains("staging") && error.hint_text().unwrap().contains("keys init"), "{error}");
    let with_place = || Options { place: Some(place.clone()), ..staging() };
    let dry = roll_back(&used, &Options { dry_run: true, ..with_place() }).unwrap();
    assert_eq!((server.content(&used), line.snapshots()), (between.clone(), 1));
    assert_eq!(dry.backup.as_ref().map(|saved| (saved.snapshot.is_none(), saved.rows)), Some((true, 8)));

    let done = roll_back(&used, &with_place()).unwrap();
    let saved = done.backup.as_ref().unwrap();
    let label = saved.snapshot.clone().unwrap();
    assert!(label.starts_with("backup-used-") && saved.rows == 8, "{label} {}", saved.rows);
    assert!(taken(&done, "parent").edited && !taken(&done, "goes").edited);
    let app = "INSERT INTO loses VALUES (1, NULL, NULL, 'x'), (2, 8, 8, 'y');";
    let expected =
        server.with(&format!("{HANGING} INSERT INTO parent VALUES (7, 7, 'mine'), (8, 8, 'mine too'); {app}"));
    assert_eq!(server.content(&used), server.content(&expected));
    let after = server.content(&used);

    // It goes back into its own database, and into no other one.
    let elsewhere = server.with(HANGING);
    let error = line.restore_in(&context(&Silent, &Cancel::default()), &elsewhere, &label, &overwriting());
    assert_eq!(error.map(drop).unwrap_err().kind(), Kind::Guard);
    restored(&line, &used, &label, &overwriting());
    assert_eq!(server.content(&used).0, between.0, "every row is as it was before the rollback");
    // The backup's own run is of staging, so what goes is saved once more.
    roll_back(&used, &Options { place: Some(place.clone()), ..rollback_options() }).unwrap();
    assert_eq!((server.content(&used), line.snapshots()), (after.clone(), 3));
    assert_ne!(after, before);
    let verified = crate::run::audit::verify::store(&line.repository, &[]).unwrap();
    assert!(!verified.findings.iter().any(|finding| finding.contains(&label)), "{:?}", verified.findings);
    // Nothing is saved where nothing is touched, and production is never without.
    restored(&line, &used, "s", &overwriting());
    let production = |backups| Options { surroundings: said("production"), backups, ..rollback_options() };
    let never = Options { place: Some(place.clone()), ..production(Backups::Never) };
    assert_eq!(roll_back(&used, &never).unwrap_err().kind(), Kind::Guard);
    roll_back(&used, &Options { backups: Backups::Never, ..staging() }).unwrap();
    assert_eq!(line.snapshots(), 3);
}

fn some_rows_go_and_come_back(server: &Server) {
    for marker in [Marker::Columns, Marker::Ledger] {
        let line = Line::new();
        let erp = server.with(&format!("{SMALL} {}", small_rows(0, 40)));
        line.capture(&erp, "s").unwrap();
        let own = "INSERT INTO parent VALUES (1, 'c1', 'mine'); INSERT INTO child VALUES (2, NULL, NULL, 'mine'), (3, 1, NULL, NULL);";
        let used = server.with(&format!("{SMALL} {own}"));
        let before = server.content(&used);
        let options = restore::Options { marker, ..overwriting() };
        restored(&line, &used, "s", &options);
        let whole = server.content(&used);

        let done = roll_back(&used, &of_tables(&["child"], Some("id > 60 OR id IN (2)"))).unwrap();
        assert!(done.partial && done.dropped.is_empty());
        assert_eq!((done.tables.len(), taken(&done, "child").deleted, taken(&done, "child").put_back), (1, 20, 1));
        assert_eq!(server.count(&used, "SELECT count(*) FROM child WHERE note = 'mine'"), 1);
        assert_eq!(server.count(&used, "SELECT count(*) FROM child"), 60);
        // Again there is nothing left of them, and the run is still there.
        let again = roll_back(&used, &of_tables(&["child"], Some("id > 60"))).unwrap();
        assert_eq!((again.deleted(), again.put_back()), (0, 0));
        let standing = rollback::standing(&mut *target(&used, &Cancel::default()).unwrap()).unwrap();
        assert!(standing.len() == 1 && standing[0].run.detail.partial);

        // The same restore puts the missing rows back, instead of finding nothing to do.
        let filled = restored(&line, &used, "s", &options);
        assert!(!filled.unchanged && filled.replaced.len() == 1);
        assert_eq!(server.content(&used), whole);
        assert!(restored(&line, &used, "s", &options).unchanged);
        // Or the rest goes, too.
        roll_back(&used, &of_tables(&["child"], None)).unwrap();
        roll_back(&used, &of_tables(&["parent"], Some("id <> 1"))).unwrap();
        assert_eq!(server.count(&used, "SELECT count(*) FROM parent"), 1);
        rolled_back(&used).unwrap();
        assert_eq!(server.content(&used), before, "{marker:?}");
    }
}

fn rows_that_stay_keep_their_parents(server: &Server) {
    let line = Line::new();
    let erp = server.with(&format!("{SMALL} {}", small_rows(0, 4)));
    line.capture(&erp, "s").unwrap();
    let used = server.with(SMALL);
    line.restore(&used, "s").unwrap();
    let whole = server.content(&used);
    let error = refusal(roll_back(&used, &of_tables(&["parent"], None)));
    assert!(error.to_string().contains("8 rows of") && error.to_string().contains("of run s@"), "{error}");
    // A row that the others of its table hang on.
    let error = refusal(roll_back(&used, &of_tables(&["child"], Some("id = 1"))));
    assert!(error.to_string().contains("rows that stay"), "{error}");
    for (wrong, kind) in [
        (of_tables(&["orders"], None), Kind::Usage),
        (of_tables(&["child"], Some("nothing = 1")), Kind::Usage),
        (of_tables(&["child"], Some("1 = 1; DROP TABLE child")), Kind::Usage),
        (of_tables(&["child", "parent"], Some("id = 1")), Kind::Usage),
    ] {
        assert_eq!(roll_back(&used, &wrong).unwrap_err().kind(), kind);
    }
    assert_eq!(server.content(&used), whole);
}

/// Whatever the schema: a table goes alone or is refused and nothing changes; in the end everything is as it was.
fn random_tables_go_one_by_one(server: &Server) {
    let (mut gone, mut refused) = (0, 0);
    for seed in 3000..3012 {
        let marker = if seed % 2 == 0 { Marker::Columns } else { Marker::Ledger };
        let line = Line::new();
        let mut schema = Schema::new(server.dialect, seed);
        let (tables, rows, others) = (schema.tables(), schema.rows(0, 20), schema.rows(5000, 10));
        let erp = server.with(&format!("{tables}\n{rows}\n{}", schema.foreign_keys()));
        let used = server.with(&format!("{tables}\n{others}\n{}", schema.foreign_keys()));
        let before = server.content(&used);
        line.capture(&erp, "s").unwrap();
        let options = restore::Options { marker, ..options() };
        let Ok(done) = line.restore_in(&context(&Silent, &Cancel::default()), &used, "s", &options) else { continue };
        for table in done.tables.iter().filter(|table| table.inserted > 0) {
            let now = server.content(&used);
            match roll_back(&used, &of_tables(&[table.table.name.as_str()], None)) {
                Ok(done) if !done.partial => break,
                Ok(_) => gone += 1,
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Rollback, "seed {seed}: {error} {:?}\n{tables}", error.causes());
                    assert_eq!(server.content(&used), now, "seed {seed}");
                    refused += 1;
                }
            }
        }
        if !rollback::runs(&mut *target(&used, &Cancel::default()).unwrap()).unwrap().is_empty() {
            rolled_back(&used).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{tables}"));
        }
        assert_eq!(server.content(&used), before, "seed {seed}, {marker:?}:\n{tables}");
    }
    assert!(gone > 3 && refused > 0, "{gone} went, {refused} were refused");
}

fn a_table_with_nothing_else_is_emptied_as_a_whole(server: &Server) {
    let line = Line::new();
    let erp = server.with(&format!("{SMALL} {}", small_rows(0, 30)));
    line.capture(&erp, "s").unwrap();
    let truncating = Options { strategy: Strategy::Truncate, ..rollback_options() };
    let can = !matches!(server.kind, EngineKind::Mysql | EngineKind::Mariadb);
    for own in ["", "INSERT INTO parent VALUES (900, 'mine', NULL);"] {
        let used = server.with(&format!("{SMALL} {own}"));
        let before = server.content(&used);
        line.restore(&used, "s").unwrap();
        let done = roll_back(&used, &truncating).unwrap();
        assert_eq!((taken(&done, "child").deleted, taken(&done, "parent").deleted), (60, 30));
        assert_eq!(taken(&done, "child").truncated, can, "{own}");
        assert_eq!(taken(&done, "parent").truncated, can && own.is_empty());
        assert_eq!(server.content(&used), before);
    }
    // A table that one of the application's references is not emptied as a whole where that would not be allowed.
    let used = server.with(&format!(
        "{SMALL} CREATE TABLE mine (id INTEGER NOT NULL PRIMARY KEY, p INTEGER, FOREIGN KEY (p) REFERENCES parent (id));"
    ));
    let before = server.content(&used);
    line.restore(&used, "s").unwrap();
    let done = roll_back(&used, &truncating).unwrap();
    assert_eq!(taken(&done, "parent").truncated, can && server.kind != EngineKind::Postgres);
    assert_eq!(server.content(&used), before);
}

fn rows_that_are_let_go_stay(server: &Server) {
    for marker in [Marker::Columns, Marker::Ledger] {
        let line = Line::new();
        for (name, rows) in [("s", small_rows(0, 5)), ("t", small_rows(100, 5))] {
            line.capture(&server.with(&format!("{SMALL} {rows}")), name).unwrap();
        }
        let used = server.with(&format!("{SMALL} INSERT INTO parent VALUES (1, 'c1', 'mine');"));
        let options = restore::Options { marker, ..overwriting() };
        restored(&line, &used, "s", &options);
        restored(&line, &used, "t", &options);
        let all = server.content(&used).0;
        let none = |run: &str| Options { wanted: Some(run.into()), strategy: Strategy::None, ..rollback_options() };
        let done = roll_back(&used, &none("s")).unwrap();
        assert_eq!((done.kept(), done.deleted()), (15, 0));
        assert_eq!(server.content(&used).0, all);
        assert_eq!(refusal(roll_back(&used, &none("s"))).kind(), Kind::Rollback);
        // The other run is not touched by that, and goes as ever.
        roll_back(&used, &Options { wanted: Some("t".into()), ..rollback_options() }).unwrap();
        let expected = server.with(&format!("{SMALL} {}", small_rows(0, 5)));
        assert_eq!(server.content(&used), server.content(&expected), "{marker:?}");
        refusal(roll_back(&used, &rollback_options()));
    }
}

/// Three runs, each of which replaces rows of the one below.
fn stacked(server: &Server, line: &Line) -> (String, Vec<(String, String)>) {
    let used = server.with(&format!("{SMALL} INSERT INTO parent VALUES (1, 'c1', 'mine');"));
    let mut contents = vec![server.content(&used)];
    for (name, note) in [("a", "one"), ("b", "two"), ("c", "three")] {
        let rows = format!("INSERT INTO parent VALUES (1, 'c1', '{note}'), (2, 'c2', '{note}'), (3, 'c3', NULL);");
        line.capture(&server.with(&format!("{SMALL} {rows}")), name).unwrap();
        restored(line, &used, name, &overwriting());
        contents.push(server.content(&used));
    }
    (used, contents)
}

fn every_run_goes_the_newest_first(server: &Server) {
    let line = Line::new();
    let (used, contents) = stacked(server, &line);
    let standing = rollback::standing(&mut *target(&used, &Cancel::default()).unwrap()).unwrap();
    let after: Vec<bool> = standing.iter().map(|standing| standing.after.is_some()).collect();
    assert_eq!(after, [true, true, false]);
    let error = refusal(roll_back(&used, &Options { wanted: Some("a".into()), ..rollback_options() }));
    assert!(error.to_string().contains("run c@") && error.hint_text().unwrap().contains("--all"), "{error}");
    let (dry, ended) = roll_back_all(&used, &Options { dry_run: true, ..rollback_options() });
    ended.unwrap();
    assert_eq!(server.content(&used), contents[3]);
    let (done, ended) = roll_back_all(&used, &rollback_options());
    ended.unwrap();
    let told = |outcomes: &[Outcome]| -> Vec<(String, Vec<Taken>)> {
        outcomes.iter().map(|outcome| (outcome.run.clone(), outcome.tables.clone())).collect()
    };
    assert_eq!(told(&dry), told(&done), "a dry run says the same");
    assert_eq!(done.iter().map(|outcome| &outcome.run[..1]).collect::<Vec<_>>(), ["c", "b", "a"]);
    assert_eq!(server.content(&used), contents[0]);
    assert_eq!(roll_back_all(&used, &rollback_options()).1.unwrap_err().kind(), Kind::Rollback);
}

fn what_is_left_is_gone_on_with(server: &Server) {
    let line = Line::new();
    let (used, contents) = stacked(server, &line);
    // Row 3 came with the first run, and a row of the application hangs on it.
    (server.script)(&used, "INSERT INTO child (id, parent_id) VALUES (1, 3);");
    let (done, ended) = roll_back_all(&used, &rollback_options());
    assert_eq!(done.len(), 2);
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), Kind::Rollback);
    assert!(error.to_string().contains(&done[0].run) && error.to_string().contains(&done[1].run), "{error}");
    (server.script)(&used, "DELETE FROM child;");
    assert_eq!(server.content(&used), contents[1]);
    let (done, ended) = roll_back_all(&used, &rollback_options());
    ended.unwrap();
    assert_eq!((done.len(), server.content(&used)), (1, contents[0].clone()));
}

fn p15_what_was_deleted_is_told_by_count_and_digest(server: &Server) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(0, 5))), "s").unwrap();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(10, 5))), "t").unwrap();
    let mut keys = Vec::new();
    for name in ["s", "s", "t"] {
        let used = server.with(SMALL);
        line.restore(&used, name).unwrap();
        if keys.len() == 1 {
            // What is not a key does not matter, and what is gone is told.
            (server.script)(
                &used,
                "UPDATE child SET note = 'edited' WHERE id = 2; UPDATE child SET up = NULL; DELETE FROM parent WHERE id = 77;",
            );
        }
        let collected = crate::event::Collected::default();
        let context = context(&collected, &Cancel::default());
        let done = rollback::rollback(&context, &mut *target(&used, &Cancel::default()).unwrap(), &rollback_options())
            .unwrap();
        let child = taken(&done, "child");
        assert_eq!((child.deleted, child.keys.len(), child.gone), (10, 64, 0));
        assert_eq!(child.edited, keys.len() == 1);
        let told = collected.events().into_iter().any(|event| {
            matches!(event, crate::event::Event::RowsTaken { table, deleted, keys, .. }
                if table == child.table && deleted == 10 && keys == child.keys)
        });
        assert!(told, "the log has it");
        assert_eq!(done.deed.digests.get(&format!("keys deleted from {}", child.table)), Some(&child.keys));
        keys.push(child.keys.clone());
    }
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
}

/// PostgreSQL alone has a default for a reference that is lost, and keys that lose only some of their columns.
#[test]
fn set_default_on_postgresql() {
    let schema = "CREATE TABLE p (id int PRIMARY KEY, t int NOT NULL DEFAULT 0, UNIQUE (t, id));
        CREATE TABLE c (id int PRIMARY KEY, p int DEFAULT 7 REFERENCES p ON DELETE SET DEFAULT);
        INSERT INTO p VALUES (7);";
    let line = Line::new();
    line.capture(&POSTGRES.with(&format!("{schema} INSERT INTO p VALUES (1); DELETE FROM p WHERE id = 7;")), "s")
        .unwrap();
    let used = POSTGRES.with(schema);
    line.restore(&used, "s").unwrap();
    (POSTGRES.script)(&used, "INSERT INTO c VALUES (1, 1)");
    let error = refusal(roll_back(&used, &rollback_options()));
    assert!(error.to_string().contains("ON DELETE SET DEFAULT would change their reference"), "{error}");
    let done = roll_back(&used, &forced()).unwrap();
    assert_eq!((done.effects.len(), done.effects[0].does, done.effects[0].rows), (1, Does::Default, 1));
    assert_eq!(
        POSTGRES.content(&used),
        POSTGRES.content(&POSTGRES.with(&format!("{schema} INSERT INTO c VALUES (1, 7)")))
    );
}
