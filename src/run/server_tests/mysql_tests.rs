//! What only MySQL and MariaDB do: triggers that cannot be silent, changes of shape that cannot be taken back.

use super::testing::{Line, MARIADB, MYSQL, Server, context, options, rolled_back, source, target};
use crate::engine::sql::Sql;
use crate::engine::{Enforce, Query};
use crate::error::Kind;
use crate::event::{Cancel, Silent};
use crate::model::schema::TableName;
use crate::run::load::OnConflict;
use crate::run::restore::{Options, Outcome};

macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_mysql { $(#[test] fn $test() { super::$test(&super::MYSQL); })* }
        mod on_mariadb { $(#[test] fn $test() { super::$test(&super::MARIADB); })* }
    };
}

on_both!(
    the_whole_line_is_exact,
    triggers_of_the_application_are_refused_or_suspended,
    another_snapshot_replaces_the_first,
    tables_without_their_parents_can_be_restored,
    a_killed_run_is_taken_back_by_the_next,
    a_table_that_cannot_take_rows_back_is_refused,
    tables_that_others_made_or_filled_are_never_dropped,
    a_dry_run_leaves_triggers_and_counters_as_they_were,
    floats_that_print_alike_are_told_apart,
);

const SCHEMA: &str = "
    CREATE TABLE `a team` (id INT AUTO_INCREMENT PRIMARY KEY, boss INT, name VARCHAR(40) NOT NULL, UNIQUE KEY (name)) AUTO_INCREMENT = 50;
    CREATE TABLE person (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, team INT, mentor BIGINT UNSIGNED, name VARCHAR(40), f FLOAT,
        doc JSON, raw VARBINARY(8), loud VARCHAR(41) GENERATED ALWAYS AS (CONCAT(name, '!')) VIRTUAL,
        CONSTRAINT person_team FOREIGN KEY (team) REFERENCES `a team` (id) ON DELETE CASCADE,
        CONSTRAINT person_mentor FOREIGN KEY (mentor) REFERENCES person (id));
    CREATE TABLE log (what TEXT);
    CREATE TABLE pair (a INT, b VARCHAR(20), note TEXT, PRIMARY KEY (b, a));
    CREATE VIEW zz AS SELECT id, name FROM person;
    CREATE VIEW aa AS SELECT name FROM zz;
    CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2;
    CREATE PROCEDURE say(IN what TEXT) BEGIN INSERT INTO log VALUES (what); INSERT INTO log VALUES (\"twice\"); END;
    CREATE TRIGGER person_in BEFORE INSERT ON person FOR EACH ROW SET NEW.name = CONCAT(NEW.name, '?');
    CREATE TRIGGER person_gone AFTER DELETE ON person FOR EACH ROW BEGIN INSERT INTO log VALUES ('gone'); END;
    CREATE EVENT never ON SCHEDULE AT '2037-01-01 00:00:00' DISABLE DO DELETE FROM log;";

fn rows(people: usize) -> String {
    let people: Vec<String> = (1..=people)
        .map(|n| {
            format!(
                "({n}, {}, {}, 'p{n}', {n} / 7, '{{\"n\": [{n}, 1.50]}}', x'00{:02x}')",
                1 + n % 3,
                1.max(n / 2),
                n % 256
            )
        })
        .collect();
    format!(
        "SET foreign_key_checks = 0; INSERT INTO `a team` (id, boss, name) VALUES (1, 1, 'x'), (2, NULL, 'y'), (3, 7, 'z');
         INSERT INTO person (id, team, mentor, name, f, doc, raw) VALUES {};
         INSERT INTO pair VALUES (1, 'x', 'one'), (2, 'ä☘', NULL); INSERT INTO log VALUES ('kept')",
        people.join(", ")
    )
}

/// Every CREATE text as the server renders it, counters included.
fn rendered(url: &str) -> Vec<String> {
    let mut source = source(url, &Cancel::default()).unwrap();
    let catalogue = source.catalogue().unwrap();
    let mut texts: Vec<String> = catalogue.post.iter().map(|object| object.create.clone()).collect();
    for table in &catalogue.tables {
        let sql = Sql::new(catalogue.engine).lit("SHOW CREATE TABLE ").table(&table.name);
        let read = source.read(&Query { sql, columns: 2 }, &mut |batch| {
            texts.push(String::from_utf8_lossy(batch.cell(0, 1).bytes).into_owned());
            Ok(())
        });
        read.unwrap();
    }
    texts
}

fn restore_with(line: &Line, url: &str, name: &str, options: &Options) -> crate::error::Result<Outcome> {
    line.restore_in(&context(&Silent, &Cancel::default()), url, name, options)
}

fn the_whole_line_is_exact(server: &Server) {
    let line = Line::new();
    let erp = server.with(&format!("{SCHEMA} {}", rows(300)));
    line.capture(&erp, "s").unwrap();
    let empty = (server.fresh)();
    let before = server.content(&empty);
    assert_eq!(line.restore(&empty, "s").unwrap().rows(), 306);
    // The fixtures are the source's rows, triggers or not, and everything was made.
    let mut source = source(&erp, &Cancel::default()).unwrap();
    let catalogue = source.catalogue().unwrap();
    let restored = super::testing::source(&empty, &Cancel::default()).unwrap().catalogue().unwrap();
    assert_eq!((&restored.tables, &restored.pre, &restored.post), (&catalogue.tables, &catalogue.pre, &catalogue.post));
    assert_eq!(server.content(&empty).0, server.content(&erp).0);
    assert!(line.restore(&empty, "s").unwrap().unchanged);
    rolled_back(&empty).unwrap();
    assert_eq!(server.content(&empty), before);

    let used = server.with(&format!(
        "{SCHEMA} DROP TRIGGER person_in; DROP TRIGGER person_gone; INSERT INTO `a team` (name, boss) VALUES ('mine', 1);
         INSERT INTO person (id, team, name, f) VALUES (3, 50, 'me', 0.1), (1000, 50, 'other', NULL); INSERT INTO pair VALUES (1, 'X', 'mine')"
    ));
    let before = (server.content(&used), rendered(&used));
    assert_eq!(line.restore(&used, "s").map(drop).unwrap_err().kind(), Kind::Rejected);
    assert_eq!((server.content(&used), rendered(&used)), before, "refused");
    for on_conflict in [OnConflict::Skip, OnConflict::Overwrite] {
        let options = Options { on_conflict, ..options() };
        let done = restore_with(&line, &used, "s", &options).unwrap();
        assert!(done.rows() >= 303, "{on_conflict:?}: {}", done.rows());
        assert!(restore_with(&line, &used, "s", &options).unwrap().unchanged, "{on_conflict:?}");
        rolled_back(&used).unwrap();
        assert_eq!((server.content(&used), rendered(&used)), before, "{on_conflict:?}");
        let dry = restore_with(&line, &used, "s", &Options { dry_run: true, ..options }).unwrap();
        assert!(dry.rows() >= 303);
        assert_eq!(server.content(&used), before.0, "dry run");
    }
    assert_eq!(line.restore(&erp, "s").map(drop).unwrap_err().kind(), Kind::Guard);
}

fn triggers_of_the_application_are_refused_or_suspended(server: &Server) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SCHEMA} {}", rows(20))), "s").unwrap();
    let url = server.with(&format!("{SCHEMA} INSERT INTO person (id, name) VALUES (500, 'me')"));
    let before = (server.content(&url), rendered(&url));
    let error = line.restore(&url, "s").map(drop).unwrap_err();
    assert!(error.kind() == Kind::Guard && error.to_string().contains("person_gone on person"), "{error}");
    assert_eq!((server.content(&url), rendered(&url)), before);
    let options = Options { suspend_triggers: true, ..options() };
    restore_with(&line, &url, "s", &options).unwrap();
    let sql = "SELECT count(*) FROM person WHERE name LIKE '%?'";
    assert_eq!(server.count(&url, sql), 21, "the source's 20 and the own one, as they were");
    assert_eq!(
        server.count(&url, "SELECT count(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()"),
        2
    );
    assert!(restore_with(&line, &url, "s", &options).unwrap().unchanged);
    rolled_back(&url).unwrap();
    // What the rows of the rollback would have logged is not there.
    assert_eq!((server.content(&url), rendered(&url)), before);
}

fn another_snapshot_replaces_the_first(server: &Server) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SCHEMA} {}", rows(20))), "first").unwrap();
    let second = server.with(&format!("{SCHEMA} {}", rows(31)));
    line.capture(&second, "second").unwrap();
    let (url, before) = ((server.fresh)(), server.content(&(server.fresh)()));
    line.restore(&url, "first").unwrap();
    let done = line.restore(&url, "second").unwrap();
    assert_eq!((done.rows(), done.replaced.len()), (37, 1));
    assert_eq!(server.content(&url).0, server.content(&second).0);
    rolled_back(&url).unwrap();
    assert_eq!(server.content(&url), before);

    // A table of the first run that the next snapshot has in another shape cannot become that shape inside a transaction.
    let third = server.with(&format!(
        "{SCHEMA} ALTER TABLE pair ADD COLUMN more INT; {}",
        rows(2).replace("pair VALUES", "pair (a, b, note) VALUES")
    ));
    line.capture(&third, "third").unwrap();
    line.restore(&url, "first").unwrap();
    let during = server.content(&url);
    assert_eq!(line.restore(&url, "third").map(drop).unwrap_err().kind(), Kind::Drift);
    assert_eq!(server.content(&url), during);
    rolled_back(&url).unwrap();
    line.restore(&url, "third").unwrap();
    rolled_back(&url).unwrap();
    assert_eq!(server.content(&url), before);
}

fn tables_without_their_parents_can_be_restored(server: &Server) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SCHEMA} {}", rows(20))), "s").unwrap();
    let url = (server.fresh)();
    let before = server.content(&url);
    let options = Options { tables: vec!["person".into()], create: true, ..options() };
    restore_with(&line, &url, "s", &options).unwrap();
    let catalogue = source(&url, &Cancel::default()).unwrap().catalogue().unwrap();
    let person = catalogue.table(&TableName::plain("person")).unwrap();
    assert_eq!(person.foreign_keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["person_mentor"]);
    rolled_back(&url).unwrap();
    assert_eq!(server.content(&url), before);
}

fn a_killed_run_is_taken_back_by_the_next(server: &Server) {
    let url = server.with(SCHEMA);
    let before = (server.content(&url), rendered(&url));
    let mut killed = target(&url, &Cancel::default()).unwrap();
    killed.lock("restore of s@0123456789ab", std::time::Duration::ZERO).unwrap();
    killed.begin(Enforce::Nothing).unwrap();
    let pair = TableName::plain("pair");
    for sql in [
        Sql::new(server.kind).lit("CREATE TABLE `extra` (id INT)"),
        Sql::new(server.kind).lit("CREATE VIEW `extra_view` AS SELECT 1"),
        crate::engine::sql::drop_trigger(server.kind, "person_in"),
    ]
    .into_iter()
    .chain(crate::engine::sql::add_markers(server.kind, &pair))
    {
        killed.execute(&sql).unwrap();
    }
    killed.execute(&Sql::new(server.kind).lit("INSERT INTO pair (a, b) VALUES (1, 'x')")).unwrap();
    // Nobody tidies up: neither a drop nor an end.
    let mut looking = target(&url, &Cancel::default()).unwrap();
    let holder = looking.holder().unwrap().unwrap();
    looking.release(&holder).unwrap();
    std::mem::forget(killed);
    assert_ne!(rendered(&url), before.1);
    drop(looking);
    server.is_taken_up(&url);
    assert_eq!((server.content(&url), rendered(&url)), before);
}

fn a_table_that_cannot_take_rows_back_is_refused(server: &Server) {
    let text = "CREATE TABLE old (id INT PRIMARY KEY) ENGINE = MyISAM";
    let line = Line::new();
    line.capture(&server.with(&format!("{text}; INSERT INTO old VALUES (1)")), "s").unwrap();
    let url = server.with(text);
    let before = server.content(&url);
    let error = line.restore(&url, "s").map(drop).unwrap_err();
    assert!(error.kind() == Kind::Rejected && error.to_string().contains("MyISAM"), "{error}");
    assert_eq!(server.content(&url), before);
}

fn tables_that_others_made_or_filled_are_never_dropped(server: &Server) {
    let statement = |text: &str| Sql::rendered(server.kind, text);
    // A table that was there already.
    let url = server.with("CREATE TABLE theirs (id INT PRIMARY KEY); INSERT INTO theirs VALUES (1)");
    let mut run = target(&url, &Cancel::default()).unwrap();
    run.lock("a test", std::time::Duration::from_secs(2)).unwrap();
    run.begin(Enforce::Nothing).unwrap();
    run.execute(&statement("CREATE TABLE `theirs` (id INT PRIMARY KEY)")).unwrap_err();
    run.end(false).unwrap();
    assert_eq!(server.count(&url, "SELECT count(*) FROM theirs"), 1);
    // A table of ours that somebody filled before it could go.
    run.begin(Enforce::Nothing).unwrap();
    for name in ["ours", "filled"] {
        run.execute(&statement(&format!("CREATE TABLE `{name}` (id INT PRIMARY KEY)"))).unwrap();
    }
    (server.script)(&url, "INSERT INTO filled VALUES (7)");
    run.end(false).unwrap();
    assert_eq!(server.count(&url, "SELECT count(*) FROM filled"), 1);
    run.begin(Enforce::Nothing).unwrap();
    run.execute(&statement("DROP TABLE `filled`")).unwrap();
    run.end(true).unwrap();
    assert_eq!(server.count(&url, "SELECT count(*) FROM filled"), 1);
    drop(run);
    let tables = source(&url, &Cancel::default()).unwrap().catalogue().unwrap().tables;
    assert_eq!(tables.iter().map(|table| table.name.name.as_str()).collect::<Vec<_>>(), ["filled", "theirs"]);
}

fn a_dry_run_leaves_triggers_and_counters_as_they_were(server: &Server) {
    let schema = "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, x TEXT);
        CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW SET NEW.x = CONCAT(NEW.x, 1);
        CREATE TRIGGER two BEFORE INSERT ON t FOR EACH ROW SET NEW.x = CONCAT(NEW.x, 2);";
    let last = "SET sql_mode = 'ANSI_QUOTES'; CREATE DEFINER = 'somebody else'@'%' TRIGGER \"the third\" BEFORE INSERT ON t FOR EACH ROW
        SET NEW.x = CONCAT(NEW.x, 3); CREATE FUNCTION \"quoted f\"() RETURNS INT DETERMINISTIC RETURN 1;";
    let line = Line::new();
    let rows: Vec<String> = (1..500).map(|n| format!("({n}, 'x')")).collect();
    line.capture(&server.with(&format!("{schema} INSERT INTO t VALUES {}; {last}", rows.join(", "))), "s").unwrap();
    let url = server.with(&format!("{schema} INSERT INTO t VALUES (1000, 'mine'); {last}"));
    let show = |url: &str| {
        let mut shown = rendered(url);
        for name in ["one", "two", "the third"] {
            let sql = Sql::new(server.kind).lit("SHOW CREATE TRIGGER ").name(name);
            source(url, &Cancel::default())
                .unwrap()
                .read(&Query { sql, columns: 7 }, &mut |batch| {
                    shown.push(String::from_utf8_lossy(batch.cell(0, 2).bytes).trim_end_matches(';').to_owned());
                    Ok(())
                })
                .unwrap();
        }
        shown
    };
    let before = (server.content(&url), show(&url));
    let options = Options { suspend_triggers: true, dry_run: true, ..options() };
    restore_with(&line, &url, "s", &options).unwrap();
    assert_eq!((server.content(&url), show(&url)), before, "dry run");
    restore_with(&line, &url, "s", &Options { dry_run: false, ..options }).unwrap();
    rolled_back(&url).unwrap();
    assert_eq!((server.content(&url), show(&url)), before);
    let empty = (server.fresh)();
    line.restore(&empty, "s").unwrap();
    rolled_back(&empty).unwrap();
}

fn floats_that_print_alike_are_told_apart(server: &Server) {
    let row = |value: u32| format!("CREATE TABLE t (id INT PRIMARY KEY, f FLOAT); INSERT INTO t VALUES (1, {value})");
    let line = Line::new();
    line.capture(&server.with(&row(1_234_567)), "s").unwrap();
    let url = server.with(&row(1_234_568));
    let before = server.content(&url);
    assert_eq!(line.restore(&url, "s").map(drop).unwrap_err().kind(), Kind::Rejected);
    let options = Options { on_conflict: OnConflict::Overwrite, ..options() };
    assert_eq!(restore_with(&line, &url, "s", &options).unwrap().rows(), 1);
    rolled_back(&url).unwrap();
    assert_eq!(server.content(&url), before);
}
