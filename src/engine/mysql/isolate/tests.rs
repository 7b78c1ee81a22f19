//! Tests of templates, clones and resets, on real servers.

mod testing;

use crate::engine::isolate::{How, Rung};
use crate::engine::mysql::testing::{Server, script};
use crate::error::Kind;
use std::time::{Duration, Instant};
use testing::{App, Ground, WORLD, host};

/// What tests do to a clone, and the rung that puts it right.
const DEEDS: &[(&str, Rung)] = &[
    ("SELECT 1", Rung::Clean),
    ("BEGIN; DELETE FROM parents; UPDATE orders SET total = 0; ROLLBACK", Rung::Clean),
    (
        "INSERT INTO parents (code) VALUES ('new'); UPDATE parents SET note = 'x' WHERE id = 2; DELETE FROM k_big WHERE k = 0",
        Rung::Journal,
    ),
    // Cascades, to the grandchildren, and SET NULL beside them.
    ("DELETE FROM parents WHERE id = 1", Rung::Journal),
    ("DELETE FROM parents", Rung::Journal),
    ("UPDATE parents SET id = 100 + id; DELETE FROM parents WHERE id = 102", Rung::Journal),
    (
        "UPDATE parents SET code = CONCAT('z', code) ORDER BY id DESC; UPDATE parents SET code = 'y' WHERE id = 1",
        Rung::Journal,
    ),
    (
        "UPDATE parents SET code = 'q' WHERE id = 2; DELETE FROM parents WHERE id = 2; DELETE FROM kids WHERE id = 4",
        Rung::Journal,
    ),
    ("UPDATE kids SET parent = 3 WHERE id = 1; DELETE FROM parents WHERE id = 3", Rung::Journal),
    ("UPDATE parents SET code = UPPER(code) WHERE id < 3", Rung::Journal),
    // Two rows change places under a unique key.
    (
        "UPDATE parents SET code = 'tmp' WHERE id = 1; UPDATE parents SET code = 'a' WHERE id = 2; UPDATE parents SET code = 'b' WHERE id = 1",
        Rung::Journal,
    ),
    (
        "SET foreign_key_checks = 0; DELETE FROM parents WHERE id = 1; INSERT INTO parents VALUES (1, 'other', 'x'); SET foreign_key_checks = 1; DELETE FROM parents WHERE id = 1",
        Rung::Journal,
    ),
    (
        "UPDATE orders SET shop = 9, no = 'n' WHERE shop = 1 AND no = 'x'; DELETE FROM orders WHERE shop = 2",
        Rung::Difference,
    ),
    ("UPDATE orders SET no = 'w' WHERE shop = 1 AND no = 'x'; DELETE FROM orders WHERE no = 'w'", Rung::Difference),
    ("DELETE FROM tree WHERE id = 1; INSERT INTO tree VALUES (1, NULL), (7, 1)", Rung::Journal),
    ("DELETE FROM b_side WHERE id = 2", Rung::Journal),
    (
        "SET foreign_key_checks = 0; UPDATE a_side SET b = 1; DELETE FROM b_side; INSERT INTO b_side VALUES (1, 1)",
        Rung::Journal,
    ),
    // Keys of all types.
    (
        "UPDATE k_text SET k = 'A' WHERE k = 'a'; DELETE FROM k_text WHERE v > 1; INSERT INTO k_text VALUES ('b', 1), ('ü''\"\\\\', 2)",
        Rung::Journal,
    ),
    (
        "UPDATE k_latin SET k = 'è', v = 7 WHERE v = 1; DELETE FROM k_latin WHERE v = 3; UPDATE k_latin SET v = 9 WHERE v = 2",
        Rung::Journal,
    ),
    ("UPDATE k_bin SET k = x'01' WHERE v = 1; DELETE FROM k_bin WHERE v > 1", Rung::Journal),
    ("UPDATE k_dec SET v = 0; DELETE FROM k_dec WHERE k < 0; INSERT INTO k_dec VALUES (0, 0)", Rung::Journal),
    (
        "SET sql_mode = ''; UPDATE k_date SET v = 7; DELETE FROM k_date WHERE t < '00:00:00'; UPDATE k_when SET v = 8; DELETE FROM k_when WHERE v = 8",
        Rung::Journal,
    ),
    (
        "SET sql_mode = ''; SET time_zone = '+05:00'; UPDATE k_stamp SET v = 1 + v; SET time_zone = '-03:00'; DELETE FROM k_stamp WHERE v > 2",
        Rung::Journal,
    ),
    (
        "SET sql_mode = ''; UPDATE k_enum SET v = 9; DELETE FROM k_enum WHERE k = 'b'; UPDATE k_enum SET s = 'z' WHERE y = 1901",
        Rung::Journal,
    ),
    (
        "UPDATE k_big SET v = 9; DELETE FROM k_big; UPDATE k_unique SET a = 9 WHERE a = 1; DELETE FROM k_unique WHERE a = 2",
        Rung::Journal,
    ),
    ("UPDATE k_float SET v = 5 WHERE v = 1", Rung::Difference),
    ("INSERT INTO loose VALUES (2, 'x'); UPDATE loose SET note = 'y' WHERE shelf = 1", Rung::Reload),
    ("DELETE FROM shelves WHERE id = 1", Rung::Reload),
    ("UPDATE made SET a = 5; INSERT INTO made (id, a) VALUES (3, 3); DELETE FROM made WHERE id = 2", Rung::Journal),
    ("UPDATE parts SET v = 9; UPDATE parts SET id = 30 WHERE id = 3; DELETE FROM parts WHERE id = 1", Rung::Journal),
    (
        "UPDATE words SET t = 'other words'; INSERT INTO words (t) VALUES ('more'); UPDATE spots SET f = 0.5, j = '[]', p = ST_GeomFromText('POINT(3 4)')",
        Rung::Journal,
    ),
    (
        "UPDATE `select ``☘ \"t\" /#p#` SET `select` = 7; DELETE FROM `select ``☘ \"t\" /#p#` WHERE `a ``b` = 1",
        Rung::Journal,
    ),
    (
        "UPDATE hidden SET h = 5; DELETE FROM hidden WHERE id = 2; DELETE FROM zeros; INSERT INTO zeros (id) VALUES (9)",
        Rung::Journal,
    ),
    (
        "REPLACE INTO parents VALUES (1, 'rep', NULL); INSERT INTO kids VALUES (3, 2, 'q') ON DUPLICATE KEY UPDATE name = 'dup'",
        Rung::Journal,
    ),
    ("DELETE k, g FROM kids k JOIN grandkids g ON g.kid = k.id", Rung::Journal),
    // The application's triggers change what comes, and write elsewhere.
    (
        "UPDATE docs SET body = 'x'; DELETE FROM docs; INSERT INTO docs VALUES (1, 'again', 5), (9, 'new', 9)",
        Rung::Journal,
    ),
    // No transaction takes these back.
    (
        "BEGIN; UPDATE mine SET v = 'x'; INSERT INTO memo VALUES (2, 'b'); UPDATE parents SET note = 'x'; ROLLBACK",
        Rung::Difference,
    ),
    // No trigger fires.
    ("TRUNCATE parts", Rung::Difference),
    ("TRUNCATE loose; UPDATE parents SET note = 't'", Rung::Reload),
    ("TRUNCATE `select ``☘ \"t\" /#p#`; TRUNCATE empty_one", Rung::Difference),
    ("ALTER TABLE parts TRUNCATE PARTITION p1; INSERT INTO parts VALUES (1, 7)", Rung::Difference),
    ("SET foreign_key_checks = 0; TRUNCATE parents; INSERT INTO parents VALUES (1, 'zz', 'y')", Rung::Difference),
    ("TRUNCATE words; INSERT INTO words (t) VALUES ('after')", Rung::Difference),
    ("OPTIMIZE TABLE kids; UPDATE kids SET name = 'o' WHERE id = 1", Rung::Difference),
];

fn everything_is_put_back(server: &'static Server) {
    let mut ground = Ground::new(server, WORLD);
    ground.assert_pristine("a new clone");
    for (text, rung) in DEEDS {
        ground.after(text, *rung);
    }
    let both: Vec<&str> = DEEDS
        .iter()
        .map(|(text, _)| *text)
        .filter(|text| !text.starts_with("SELECT") && !text.contains("OPTIMIZE"))
        .collect();
    for pair in both.chunks(9) {
        script(
            &ground.url(),
            &pair.join("; SET sql_mode = DEFAULT; SET foreign_key_checks = 1; SET time_zone = DEFAULT; "),
        );
        ground.done(&How::default());
        ground.assert_pristine(&pair.join("\n"));
    }
}

#[test]
fn everything_that_was_done_to_a_clone_is_put_back_on_mysql() {
    everything_is_put_back(Server::mysql());
}

#[test]
fn everything_that_was_done_to_a_clone_is_put_back_on_mariadb() {
    everything_is_put_back(Server::mariadb());
}

fn lower_rungs_do_the_same(server: &'static Server) {
    let mut ground = Ground::new(server, WORLD);
    for from in [Rung::Difference, Rung::Reload] {
        let how = How { from, ..How::default() };
        script(
            &ground.url(),
            "DELETE FROM parents WHERE id < 3; UPDATE docs SET n = 7; UPDATE spots SET f = 0.25; DELETE FROM hidden",
        );
        let done = ground.done(&how);
        ground.assert_pristine("a lower rung");
        assert_eq!(done.rung, from);
        let names: Vec<&str> = done.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["audit", "by_code", "docs", "grandkids", "hidden", "kids", "of_code", "parents", "spots"]);
        // What the row journal said is done.
        assert_eq!(ground.done(&How::default()).rung, Rung::Clean);
    }
    // More rows than are undone one by one.
    let many = "INSERT INTO empty_one (v) SELECT 1 FROM parents a, parents b, parents c, parents d, parents e, parents f, parents g, parents h";
    script(&ground.url(), &format!("{many}; DELETE FROM kids WHERE id = 1"));
    let done = ground.done(&How::default());
    ground.assert_pristine("many rows");
    assert!(done.rung == Rung::Difference && done.rows >= 65_536, "{done:?}");
}

#[test]
fn lower_rungs_do_the_same_on_mysql() {
    lower_rungs_do_the_same(Server::mysql());
}

#[test]
fn lower_rungs_do_the_same_on_mariadb() {
    lower_rungs_do_the_same(Server::mariadb());
}

/// A small schema, of which a clone is made quickly.
const SMALL: &str = "CREATE TABLE parents (id int PRIMARY KEY, v int); CREATE TABLE kids (id int PRIMARY KEY, p int, \
    FOREIGN KEY (p) REFERENCES parents (id) ON DELETE CASCADE); CREATE TABLE mine (id int PRIMARY KEY) ENGINE = MyISAM; \
    CREATE TABLE parts (id int PRIMARY KEY, v int) PARTITION BY HASH (id) PARTITIONS 3; INSERT INTO parents VALUES (1, 1); \
    INSERT INTO kids VALUES (1, 1); INSERT INTO parts VALUES (1, 1); INSERT INTO mine VALUES (1); \
    CREATE FUNCTION twice (n int) RETURNS int DETERMINISTIC RETURN 2 * n";

fn changes_of_shape_spoil(server: &'static Server) {
    let mut ground = Ground::new(server, SMALL);
    // Undone before anybody looked: nothing was changed.
    ground.after("CREATE TABLE x (id int); DROP TABLE x; CREATE TEMPORARY TABLE y (id int)", Rung::Clean);
    for (text, why) in [
        ("ALTER TABLE kids ADD COLUMN extra int", "the schema was changed: table kids was changed"),
        ("DROP TRIGGER terp_fixtures_0_i", "a trigger of the row journal is gone"),
        ("CREATE VIEW v AS SELECT 1 AS one", "the schema was changed: view v is new"),
        ("DROP TABLE kids", "the schema was changed: table kids is gone"),
        ("DROP FUNCTION twice", "the schema was changed: function twice is gone"),
        (
            "CREATE TRIGGER mine_1 AFTER INSERT ON mine FOR EACH ROW SET @x = 1",
            "the schema was changed: trigger mine_1 is new",
        ),
        ("DROP DATABASE IF EXISTS {}", "the schema was changed: "),
    ] {
        script(&ground.url(), &text.replace("{}", &ground.clone));
        let told = ground.why_spoiled();
        assert!(told.starts_with(why), "{text}: {told}");
        // Whoever opens it later is told the same.
        if !text.starts_with("DROP DATABASE") {
            ground.warm = ground.host.open(&ground.template, &ground.clone).unwrap();
            assert_eq!(ground.why_spoiled(), told);
        }
        ground.host.remove(&ground.clone).unwrap();
        ground.host.clone_template(&ground.template, &ground.clone).unwrap();
        ground.warm = ground.host.open(&ground.template, &ground.clone).unwrap();
    }
    // A table that was emptied is found by whoever opens the clone later.
    script(&ground.url(), "TRUNCATE parts");
    ground.warm = ground.host.open(&ground.template, &ground.clone).unwrap();
    assert_eq!(ground.done(&How::default()).rung, Rung::Difference);
    ground.warm = ground.host.open(&ground.template, &ground.clone).unwrap();
    assert_eq!(ground.done(&How::default()).rung, Rung::Clean);
    ground.assert_pristine("emptied");
}

#[test]
fn changes_of_shape_spoil_a_clone_on_mysql() {
    changes_of_shape_spoil(Server::mysql());
}

#[test]
fn changes_of_shape_spoil_a_clone_on_mariadb() {
    changes_of_shape_spoil(Server::mariadb());
}

fn counters_are_put_back(server: &'static Server) {
    let mut ground = Ground::new(server, WORLD);
    let next = |ground: &Ground| {
        let mut app = App::new(&ground.url());
        app.run("BEGIN; INSERT INTO parents (code) VALUES ('probe')");
        let next = app.number("SELECT LAST_INSERT_ID()");
        app.run("ROLLBACK");
        next
    };
    let how = How { exact_ids: true, ..How::default() };
    assert_eq!(ground.done(&how).counters, 0);
    assert_eq!(next(&ground), Some(50));
    script(&ground.url(), "INSERT INTO parents (code) VALUES ('p'); INSERT INTO empty_one (v) VALUES (1), (2)");
    assert_eq!(ground.done(&How::default()).counters, 0);
    assert_eq!(next(&ground), Some(52));
    let done = ground.done(&how);
    assert!(done.counters >= 2, "{done:?}");
    assert_eq!(next(&ground), Some(50));
    assert_eq!(ground.done(&how).counters, 1);
    let clean = ground.done(&how);
    assert_eq!((clean.rung, clean.counters), (Rung::Clean, 0));
    // A session that forgot its transaction stands in the way of the counters only: the rows are told all the same.
    let mut app = App::new(&ground.url());
    app.run("INSERT INTO parents (code) VALUES ('q'); BEGIN");
    assert_eq!(app.number("SELECT COUNT(*) FROM parents"), Some(5));
    let done = ground.done(&How { wait: Duration::from_secs(1), ..how });
    assert_eq!((done.rung, done.rows, done.counters, done.notes.len()), (Rung::Journal, 1, 1, 1), "{done:?}");
    ground.assert_pristine("counters behind an idle session");
}

#[test]
fn counters_are_put_back_where_that_is_asked_for_on_mysql() {
    counters_are_put_back(Server::mysql());
}

#[test]
fn counters_are_put_back_where_that_is_asked_for_on_mariadb() {
    counters_are_put_back(Server::mariadb());
}

fn others_go_on(server: &'static Server) {
    let mut ground = Ground::new(server, WORLD);
    let (mut first, mut second) = (App::new(&ground.url()), App::new(&ground.url()));
    let quick = How { wait: Duration::from_secs(1), ..How::default() };
    // Two writers of one table: neither waits for the other. A cascade locks the gap up to the next row, so the rows that go are
    // no neighbours: InnoDB would have whoever puts one back wait for whoever took the other out, once the first is purged.
    for app in [&mut first, &mut second] {
        app.run("SET innodb_lock_wait_timeout = 1, lock_wait_timeout = 1; BEGIN");
    }
    first.run("INSERT INTO parents (code) VALUES ('one'); UPDATE parents SET note = '1' WHERE id = 1; DELETE FROM kids WHERE id = 3");
    second.run("INSERT INTO parents (code) VALUES ('two'); UPDATE parents SET note = '2' WHERE id = 2; DELETE FROM kids WHERE id = 1");
    // What is not committed belongs to the next reset.
    assert_eq!(ground.done(&quick).rung, Rung::Clean);
    first.run("COMMIT");
    let done = ground.done(&quick);
    assert_eq!(done.rung, Rung::Journal);
    second.run("COMMIT");
    let done = ground.done(&quick);
    assert_eq!((done.rung, done.notes.len()), (Rung::Journal, 0));
    ground.assert_pristine("two writers");
    // Both are still connected, and see the rows as they are now.
    for app in [&mut first, &mut second] {
        assert_eq!(app.number("SELECT COUNT(*) FROM parents"), Some(4));
    }
    // A session that forgot its transaction is ended, the other is not.
    first.run("UPDATE parents SET note = 'mine' WHERE id = 1; BEGIN; UPDATE parents SET note = 'kept' WHERE id = 1");
    let done = ground.done(&quick);
    assert_eq!(done.notes, ["a session that was idle in a transaction was ended"]);
    ground.assert_pristine("an idle session");
    assert!(first.try_run("SELECT 1").is_err());
    assert_eq!(second.number("SELECT COUNT(*) FROM parents"), Some(4));
}

#[test]
fn others_go_on_working_on_mysql() {
    others_go_on(Server::mysql());
}

#[test]
fn others_go_on_working_on_mariadb() {
    others_go_on(Server::mariadb());
}

fn a_busy_session_spoils(server: &'static Server) {
    let mut ground = Ground::new(server, "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)");
    let mut app = App::new(&ground.url());
    app.run("UPDATE t SET v = 2");
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            app.run("BEGIN; UPDATE t SET v = 3");
            ready.send(()).unwrap();
            // It is ended with the clone.
            drop(app.try_run("SELECT SLEEP(60)"));
        });
        is_ready.recv().unwrap();
        let quick = How { wait: Duration::from_secs(1), ..How::default() };
        let mut looks = 0;
        while App::new(&ground.server.url(""))
            .number("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP(60%'")
            == Some(0)
        {
            looks += 1;
            assert!(looks < 1000);
        }
        let outcome = ground.outcome(&quick);
        assert_eq!(
            outcome,
            crate::engine::isolate::Outcome::Spoiled("another session holds locks and is not idle".to_owned())
        );
        let start = Instant::now();
        ground.host.remove(&ground.clone).unwrap();
        assert!(start.elapsed() < Duration::from_secs(20));
    });
}

#[test]
fn a_busy_session_spoils_a_clone_on_mysql() {
    a_busy_session_spoils(Server::mysql());
}

#[test]
fn a_busy_session_spoils_a_clone_on_mariadb() {
    a_busy_session_spoils(Server::mariadb());
}

fn accounts_reach_one_clone(server: &'static Server) {
    let mut ground = Ground::new(server, SMALL);
    let first = ground.host.admit(&ground.template, &ground.clone).unwrap();
    assert_eq!(first.unlimited, None);
    let again = ground.host.admit(&ground.template, &ground.clone).unwrap();
    assert_ne!(first.address, again.address);
    let mut app = App::new(again.address.expose());
    app.run("DELETE FROM parents WHERE id = 1; INSERT INTO mine VALUES (7); SELECT twice(2); CREATE TEMPORARY TABLE y (id int)");
    assert_eq!(app.number("SELECT COUNT(*) FROM kids"), Some(0));
    assert_eq!(app.number("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'terp%'"), Some(1));
    for database in [ground.template.as_str(), "terp_fixtures_registry", "mysql"] {
        assert!(app.try_run(&format!("USE {database}")).is_err(), "{database}");
    }
    assert_eq!(ground.done(&How::default()).rung, Rung::Difference);
    ground.assert_pristine("a user of the clone");
    // A clone that was made anew is for the same account, with the same password.
    app.run("DROP TABLE kids");
    assert_eq!(ground.host.replace(&ground.template, &ground.clone, &again).unwrap().address, again.address);
    assert!(app.try_run("SELECT 1").is_err());
    ground.warm = ground.host.open(&ground.template, &ground.clone).unwrap();
    let mut app = App::new(again.address.expose());
    app.run("DELETE FROM kids");
    assert_eq!(ground.done(&How::default()).rung, Rung::Journal);
    ground.assert_pristine("a clone that was made anew");
    ground.host.remove(&ground.clone).unwrap();
    assert!(app.try_run("SELECT 1").is_err());
    let mut root = App::new(&server.url("mysql"));
    let left = format!("SELECT COUNT(*) FROM user WHERE User = '{}'", ground.clone);
    assert_eq!(root.number(&left), Some(0));
}

#[test]
fn an_account_reaches_one_clone_on_mysql() {
    accounts_reach_one_clone(Server::mysql());
}

#[test]
fn an_account_reaches_one_clone_on_mariadb() {
    accounts_reach_one_clone(Server::mariadb());
}

/// The address of an account that may not make triggers, look at others, or end them.
fn poor(server: &Server, may: &str) -> String {
    let name = format!("poor_{}", crate::engine::testing::database_name());
    let create = format!("CREATE USER '{name}'@'%' IDENTIFIED BY 'Poor-1'; GRANT {may} ON *.* TO '{name}'@'%'");
    script(&server.url(""), &create);
    let url = server.url("");
    let (scheme, rest) = url.split_once("://").unwrap();
    format!("{scheme}://{name}:Poor-1@{}", rest.rsplit_once('@').unwrap().1)
}

fn a_clone_without_a_journal(server: &'static Server, may: &str, why: &str) {
    let tables = "CREATE TABLE p (id int PRIMARY KEY, v int); CREATE TABLE k (id int PRIMARY KEY, p int, \
        FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE); CREATE TABLE n (v int); \
        INSERT INTO p VALUES (1, 1), (2, 2); INSERT INTO k VALUES (1, 1), (2, 2), (3, 1); INSERT INTO n VALUES (1), (1)";
    let url = poor(server, may);
    let mut ground = Ground::by(server, &url, tables);
    let mut done = |text: &str| {
        script(&ground.url(), text);
        let done = ground.done(&How::default());
        ground.assert_pristine(text);
        assert!(done.notes.iter().any(|note| note.contains(why)), "{done:?}");
        done
    };
    assert_eq!(done("SELECT 1").rung, Rung::Clean);
    let by_keys = done("DELETE FROM p WHERE id = 1; UPDATE p SET v = 9");
    assert_eq!((by_keys.rung, by_keys.rows), (Rung::Difference, 4));
    assert_eq!(done("TRUNCATE k").rung, Rung::Difference);
    assert_eq!(done("DELETE FROM n LIMIT 1; TRUNCATE k").rung, Rung::Reload);
    let admission = ground.host.admit(&ground.template, &ground.clone).unwrap();
    assert!(admission.unlimited.is_some_and(|why| why.contains("may not make accounts")));
    drop(ground);
    let name = url.split_once("://").unwrap().1.split_once(':').unwrap().0.to_owned();
    script(&server.url(""), &format!("DROP USER '{name}'@'%'"));
}

const FEW: &str = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, EVENT";

#[test]
fn a_clone_without_triggers_is_put_back_by_differences_on_mysql() {
    a_clone_without_a_journal(Server::mysql(), FEW, "triggers");
}

#[test]
fn a_clone_without_triggers_is_put_back_by_differences_on_mariadb() {
    a_clone_without_a_journal(Server::mariadb(), FEW, "may not make triggers");
}

#[test]
fn a_binary_log_may_forbid_the_row_journal_on_mysql() {
    let server = Server::mysql();
    let mut root = App::new(&server.url(""));
    let forbids = root.number("SELECT @@log_bin = 1 AND @@log_bin_trust_function_creators = 0") == Some(1);
    let may = format!("{FEW}, TRIGGER, PROCESS");
    if forbids {
        a_clone_without_a_journal(server, &may, "(1419)");
    } else {
        // Without a binary log the same account is enough.
        let ground = Ground::by(server, &poor(server, &may), "CREATE TABLE t (id int PRIMARY KEY)");
        ground.assert_pristine("made by an account without SUPER");
    }
}

#[test]
fn versions_and_sequences_are_put_back_on_mariadb() {
    let text = "CREATE SEQUENCE s START WITH 5; CREATE TABLE t (id int PRIMARY KEY DEFAULT nextval(s), v int); \
        INSERT INTO t (v) VALUES (1), (2); CREATE TABLE h (id int PRIMARY KEY, v int) WITH SYSTEM VERSIONING; \
        CREATE TABLE u (k uuid PRIMARY KEY, i inet6 NOT NULL, v int); INSERT INTO u VALUES ('123e4567-e89b-12d3-a456-426655440000', '::1', 1)";
    let mut ground = Ground::new(Server::mariadb(), text);
    ground.assert_pristine("a new clone");
    ground.after("UPDATE u SET v = 2; DELETE FROM u; INSERT INTO t (v) VALUES (3)", Rung::Journal);
    ground.after("INSERT INTO h VALUES (1, 1); UPDATE h SET v = 2; DELETE FROM h", Rung::Reload);
    let mut app = App::new(&ground.url());
    assert_eq!(app.number("SELECT COUNT(*) FROM h FOR SYSTEM_TIME ALL"), Some(0));
    let next = app.number(&format!("SELECT next_not_cached_value FROM {}.s", ground.template));
    app.run("SELECT nextval(s); SELECT setval(s, 5000)");
    assert_eq!(ground.done(&How { exact_ids: true, ..How::default() }).counters, 1);
    assert_eq!(app.number("SELECT next_not_cached_value FROM s"), next);
    assert_eq!(ground.done(&How::default()).rung, Rung::Clean);
}

fn a_host_holds_and_refuses(server: &'static Server) {
    let (mut one, mut other) = (host(&server.url("")), host(&server.url("")));
    let name = format!("template {}", crate::engine::testing::database_name().repeat(4));
    let held = one.hold(&name, Duration::ZERO).unwrap();
    assert!(held.is_some());
    assert!(one.hold(&name, Duration::ZERO).unwrap().is_none());
    assert!(other.hold(&name, Duration::from_millis(60)).unwrap().is_none());
    drop(held);
    assert!(other.hold(&name, Duration::from_secs(5)).unwrap().is_some());
    assert_eq!(one.remove("mysql").unwrap_err().kind(), Kind::Guard);
    one.remove("terp_w_nobody").unwrap();
    let mut ground = Ground::new(server, "CREATE TABLE t (id int)");
    assert!(ground.host.exists(&ground.clone).unwrap());
    assert!(ground.host.bytes(&ground.clone).unwrap() > 0);
    assert_eq!(ground.host.create(&ground.clone.clone()).unwrap_err().kind(), Kind::Guard);
    assert_eq!(ground.host.clone_template(&ground.template, &ground.clone).unwrap_err().kind(), Kind::Guard);
    assert_eq!(ground.host.open(&ground.template, "terp_w_nobody").err().map(|error| error.kind()), Some(Kind::Drift));
    // What was begun of a clone that cannot be made is gone.
    assert!(ground.host.clone_template("terp_t_nobody", "terp_w_nobody").is_err());
    assert!(!ground.host.exists("terp_w_nobody").unwrap());
    let mut registry = ground.host.registry().unwrap();
    assert_eq!(registry.catalogue().map(|catalogue| catalogue.tables.is_empty()).ok(), Some(false));
}

#[test]
fn a_host_holds_and_refuses_on_mysql() {
    a_host_holds_and_refuses(Server::mysql());
}

#[test]
fn a_host_holds_and_refuses_on_mariadb() {
    a_host_holds_and_refuses(Server::mariadb());
}
