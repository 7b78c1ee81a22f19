//! Loads through a staging place: equal to the one transaction, whatever interrupts them, and nothing of them stays.

use super::proxy_testing::{Cut, Proxy, Way};
use super::testing::{
    Line, MARIADB, MYSQL, POSTGRES, POSTGRES_PLAIN, SMALL, Server, context, options, rolled_back, small_rows, source,
    target,
};
use crate::error::Kind;
use crate::event::{Cancel, Collected, Event, Report, Silent};
use crate::model::mark;
use crate::model::schema::EngineKind;
use crate::run::ledger::Run;
use crate::run::parallel::Streams;
use crate::run::{restore, rollback};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A server, a schema that has everything, and rows for it.
struct Case {
    server: &'static Server,
    schema: &'static str,
    rows: &'static str,
}

thread_local! {
    static FOLDER: tempfile::TempDir = tempfile::tempdir().unwrap();
}

/// SQLite, as if it were a server.
const SQLITE: Server = Server {
    kind: EngineKind::Sqlite,
    fresh: || {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{}.sqlite", NEXT.fetch_add(1, Ordering::SeqCst));
        let path = FOLDER.with(|folder| folder.path().join(name));
        std::fs::File::create(&path).unwrap();
        format!("sqlite:{}", path.display())
    },
    script: |url, text| {
        let connection = rusqlite::Connection::open(url.strip_prefix("sqlite:").unwrap()).unwrap();
        connection.execute_batch(&format!("PRAGMA foreign_keys = 0; {text}")).unwrap();
    },
    columns: "SELECT count(*) FROM sqlite_master m JOIN pragma_table_xinfo(m.name)",
    ..POSTGRES
};

const ON_SQLITE: Case = Case {
    server: &SQLITE,
    schema: "CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT UNIQUE, note TEXT,
            twice INTEGER GENERATED ALWAYS AS (id * 2) STORED, best INTEGER REFERENCES child (id));
        CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id), up INTEGER REFERENCES child (id), note);
        CREATE TABLE \"Select From\" (\"order\" TEXT, \"x\"\"y 🌿\" BLOB); CREATE TABLE \"nothing\" (id INTEGER PRIMARY KEY);
        CREATE INDEX by_note ON child (note, up); CREATE UNIQUE INDEX part ON parent (note) WHERE id < 10;
        CREATE VIEW v AS SELECT code FROM parent; CREATE TRIGGER boom AFTER INSERT ON parent BEGIN SELECT RAISE(ABORT, 'no'); END;
        PRAGMA user_version = 7;",
    rows: "DROP TRIGGER boom; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
        INSERT INTO parent (id, code, note, best) SELECT i * 3, 'c' || i, hex(randomblob(40)), i FROM n;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
        INSERT INTO child SELECT i, i * 3, 1 + i % 50, hex(randomblob(30)) FROM n;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
        INSERT INTO \"Select From\" SELECT 'same', CASE WHEN i % 2 THEN randomblob(50) END FROM n;
        INSERT INTO \"Select From\" VALUES (NULL, zeroblob(3000000));
        CREATE TRIGGER boom AFTER INSERT ON parent BEGIN SELECT RAISE(ABORT, 'no'); END;",
};

const ON_POSTGRESQL: Case = Case {
    server: &POSTGRES,
    schema: "CREATE TYPE mood AS ENUM ('ok', 'odd one'); CREATE TYPE pair AS (a int, b text); CREATE DOMAIN short AS text CHECK (length(VALUE) < 90);
        CREATE TYPE spans AS RANGE (SUBTYPE = int); CREATE SEQUENCE counted START 5; CREATE SCHEMA \"Other Schema\";
        CREATE FUNCTION doubled(x bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT x * 2';
        CREATE FUNCTION quadrupled(x bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT doubled(doubled(x))';
        CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
        CREATE TABLE parent (id bigint GENERATED ALWAYS AS IDENTITY (INCREMENT BY 3) PRIMARY KEY, code short UNIQUE NULLS NOT DISTINCT, note text, m mood,
            p pair, s spans, four bigint GENERATED ALWAYS AS (quadrupled(id)) STORED, n bigint DEFAULT nextval('counted'),
            best integer, CHECK (doubled(id) > id OR id <= 0));
        CREATE TABLE \"Other Schema\".child (id serial PRIMARY KEY, parent_id bigint REFERENCES parent ON DELETE CASCADE,
            up integer REFERENCES \"Other Schema\".child DEFERRABLE INITIALLY DEFERRED, at timestamptz, note text);
        ALTER TABLE parent ADD CONSTRAINT \"best child\" FOREIGN KEY (best) REFERENCES \"Other Schema\".child;
        CREATE TABLE \"Select From\" (\"order\" text, \"x\"\"y 🌿\" bytea); CREATE TABLE nothing (id int PRIMARY KEY, UNIQUE (id) INCLUDE (id));
        CREATE TABLE parted (k int, at date, parent bigint REFERENCES parent, PRIMARY KEY (k, at)) PARTITION BY RANGE (at);
        CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
        CREATE TABLE parted_rest PARTITION OF parted DEFAULT; CREATE INDEX on_parted ON parted (parent);
        CREATE INDEX by_note ON \"Other Schema\".child (lower(note), up DESC) WHERE up > 3; CREATE UNIQUE INDEX part ON parent (note) WHERE id < 10;
        CREATE INDEX by_double ON parent (quadrupled(id)); CREATE VIEW v AS SELECT code, m FROM parent; CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM parent;
        CREATE UNLOGGED TABLE fleeting (a int, EXCLUDE USING btree (a WITH =)); COMMENT ON TABLE parent IS 'it''s'; COMMENT ON COLUMN parent.note IS 'n';
        CREATE TRIGGER t BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION boom();",
    rows: "SET session_replication_role = replica;
        INSERT INTO parent (code, note, m, p, s, best) SELECT 'c' || i, md5(i::text) || md5((-i)::text), 'odd one', ROW(i, 'x')::pair, '[1,5)', i FROM generate_series(1, 4000) i;
        INSERT INTO \"Other Schema\".child (parent_id, up, at, note) SELECT 1 + 3 * (i % 4000), 1 + i % 50, 'infinity', md5(i::text) FROM generate_series(1, 4000) i;
        INSERT INTO \"Select From\" SELECT 'same', CASE WHEN i % 2 = 0 THEN decode(md5(i::text), 'hex') END FROM generate_series(1, 2000) i;
        INSERT INTO \"Select From\" VALUES (NULL, decode(repeat('00', 3000000), 'hex'));
        INSERT INTO parted SELECT i, '2020-12-01'::date + i, 1 + 3 * i FROM generate_series(1, 2000) i; INSERT INTO fleeting SELECT i FROM generate_series(1, 20) i;
        RESET session_replication_role",
};

const MYSQL_SCHEMA: &str = "CREATE TABLE parent (id BIGINT AUTO_INCREMENT PRIMARY KEY, code VARCHAR(40) UNIQUE, note VARCHAR(200), m ENUM('ok', 'odd one'),
            twice BIGINT GENERATED ALWAYS AS (best * 2) STORED, best INT, KEY (note), CHECK (best > 0));
        CREATE TABLE child (id INT NOT NULL PRIMARY KEY, parent_id BIGINT, up INT, note VARCHAR(90), CONSTRAINT `to parent` FOREIGN KEY (parent_id)
            REFERENCES parent (id) ON DELETE CASCADE, CONSTRAINT up FOREIGN KEY (up) REFERENCES child (id));
        ALTER TABLE parent ADD FOREIGN KEY (best) REFERENCES child (id);
        CREATE TABLE `Select From` (`order` TEXT, `x``y` LONGBLOB) DEFAULT CHARSET latin1; CREATE TABLE nothing (id INT PRIMARY KEY);
        CREATE TABLE parted (k INT, y INT, note VARCHAR(70), PRIMARY KEY (k, y)) PARTITION BY HASH (y) PARTITIONS 3;
        CREATE VIEW v AS SELECT code, m FROM parent; CREATE FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1;
        CREATE TRIGGER t BEFORE INSERT ON parent FOR EACH ROW SET NEW.note = CONCAT('changed ', NEW.note);";

const MYSQL_ROWS: &str = "SET foreign_key_checks = 0; DROP TRIGGER t;
        INSERT INTO parent (id, code, note, m, best) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            SELECT (a.i - 1) * 1000 + b.i, CONCAT('c', (a.i - 1) * 1000 + b.i), SHA2(b.i, 256), 'odd one', b.i FROM n a JOIN n b WHERE a.i <= 4;
        INSERT INTO child WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            SELECT (a.i - 1) * 1000 + b.i, b.i, 1 + b.i % 50, SHA2(b.i, 256) FROM n a JOIN n b WHERE a.i <= 4;
        INSERT INTO `Select From` WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            SELECT 'same', IF(i % 2, UNHEX(REPEAT(SHA2(i, 256), 8)), NULL) FROM n;
        INSERT INTO `Select From` SELECT NULL, UNHEX(REPEAT('00', 1000000));
        INSERT INTO parted WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i, i % 7, SHA2(i, 256) FROM n;
        CREATE TRIGGER t BEFORE INSERT ON parent FOR EACH ROW SET NEW.note = CONCAT('changed ', NEW.note);";

const ON_MYSQL: Case = Case { server: &MYSQL, schema: MYSQL_SCHEMA, rows: MYSQL_ROWS };
const ON_MARIADB: Case = Case { server: &MARIADB, schema: MYSQL_SCHEMA, rows: MYSQL_ROWS };

/// Tests that need a connection to cut.
macro_rules! on_servers {
    ($($test:ident),* $(,)?) => {
        mod cut_on_postgresql { $(#[test] fn $test() { super::$test(&super::ON_POSTGRESQL); })* }
        mod cut_on_mysql { $(#[test] fn $test() { super::$test(&super::ON_MYSQL); })* }
        mod cut_on_mariadb { $(#[test] fn $test() { super::$test(&super::ON_MARIADB); })* }
    };
}

on_servers!(a_cut_load_goes_on_or_is_whole, a_cut_swap_is_before_or_after);

macro_rules! on_every_engine {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite { $(#[test] fn $test() { super::$test(&super::ON_SQLITE); })* }
        mod on_postgresql { $(#[test] fn $test() { super::$test(&super::ON_POSTGRESQL); })* }
        mod on_mysql { $(#[test] fn $test() { super::$test(&super::ON_MYSQL); })* }
        mod on_mariadb { $(#[test] fn $test() { super::$test(&super::ON_MARIADB); })* }
    };
}

on_every_engine!(
    it_is_equal_to_the_one_transaction,
    an_interruption_at_every_chunk_goes_on,
    another_snapshot_takes_the_place,
    a_rollback_removes_what_was_left,
    things_of_others_are_not_touched,
    rows_that_somebody_changed_aside_are_found,
);

/// Every chunk a transaction of its own.
pub(super) fn aside() -> restore::Options {
    restore::Options { streams: Some(Streams { least_rows: 0, stretch: 1 }), ..options() }
}

/// How many staging places lie beside a database.
fn places(url: &str) -> usize {
    target(url, &Cancel::default()).unwrap().places().unwrap().len()
}

impl Case {
    fn captured(&self) -> Line {
        let line = Line::new();
        line.capture(&self.server.with(&format!("{} {}", self.schema, self.rows)), "s").unwrap();
        line
    }

    /// All that can be told two databases apart by: content, schema, runs.
    fn seen(&self, url: &str) -> Seen {
        let mut source = source(url, &Cancel::default()).unwrap();
        let catalogue = source.catalogue().unwrap();
        let shown = format!("{:?} {:?} {:?} {:?}", catalogue.tables, catalogue.pre, catalogue.post, catalogue.own);
        drop(source);
        let runs: Vec<Run> = rollback::runs(&mut *target(url, &Cancel::default()).unwrap()).unwrap();
        let runs = runs.into_iter().map(|run| Run { restored: String::new(), ..run });
        (self.server.content(url).0, shown, format!("{:?}", runs.collect::<Vec<_>>()))
    }

    /// A database where a load was interrupted after so many chunks.
    fn interrupted(&self, line: &Line, after: usize) -> String {
        let url = (self.server.fresh)();
        interrupted_at(line, &url, after);
        assert_eq!(places(&url), 1);
        url
    }
}

/// Interrupts after a number of chunks.
struct Stopped {
    cancel: Cancel,
    left: Mutex<usize>,
}

impl Stopped {
    fn at(left: usize) -> Self {
        Self { cancel: Cancel::default(), left: Mutex::new(left) }
    }
}

impl Report for Stopped {
    fn event(&self, event: &Event) {
        if let Event::TableProgress { .. } = event {
            let mut left = self.left.lock().unwrap();
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.cancel.cancel();
            }
        }
    }
}

/// What a report tells of a continued load: chunks that were in before, all chunks, and those that came now.
fn continued(report: &Collected) -> Option<(usize, usize, usize)> {
    let events = report.events();
    let said = events.iter().find_map(|event| match event {
        Event::Note { what } => what.strip_prefix("going on after an interruption: ").map(str::to_owned),
        _ => None,
    })?;
    let numbers: Vec<usize> = said.split(' ').filter_map(|word| word.parse().ok()).collect();
    let now = events.iter().filter(|event| matches!(event, Event::TableProgress { .. })).count();
    Some((numbers[0], numbers[1], now))
}

fn it_is_equal_to_the_one_transaction(case: &Case) {
    let line = case.captured();
    let (serial, parallel) = ((case.server.fresh)(), (case.server.fresh)());
    let before = case.seen(&parallel);
    line.restore(&serial, "s").unwrap();
    let report = Collected::default();
    let done = line.restore_in(&context(&report, &Cancel::default()), &parallel, "s", &aside()).unwrap();
    assert!(
        report.events().iter().any(|event| matches!(event, Event::Stage { what } if what.starts_with("loading aside"))),
        "{:?}",
        report.events()
    );
    assert_eq!(case.seen(&parallel), case.seen(&serial));
    assert_eq!(places(&parallel), 0);
    assert!(done.rows() > 10_000 && done.foreign_keys >= 3 && !done.unchanged);
    assert!(line.restore_in(&context(&Silent, &Cancel::default()), &parallel, "s", &aside()).unwrap().unchanged);
    rolled_back(&parallel).unwrap();
    assert_eq!(case.seen(&parallel), before);
}

fn an_interruption_at_every_chunk_goes_on(case: &Case) {
    let line = case.captured();
    let whole = (case.server.fresh)();
    line.restore(&whole, "s").unwrap();
    let whole = case.seen(&whole);
    let mut chunks = 1;
    let mut after = 1;
    while after <= chunks {
        let url = (case.server.fresh)();
        let before = case.seen(&url);
        interrupted_at(&line, &url, after);
        assert_eq!(case.seen(&url), before, "after {after}");
        let report = Collected::default();
        line.restore_in(&context(&report, &Cancel::default()), &url, "s", &aside()).unwrap();
        if let Some((was_in, all, now)) = continued(&report) {
            assert_eq!(was_in + now, all, "none twice, after {after}");
            assert!(was_in + 2 >= after, "what was in stays: {was_in} of {after}");
            chunks = all;
        } else {
            assert!(after <= 3, "nothing was in after {after}");
            chunks = chunks.max(after + 1);
        }
        assert_eq!(case.seen(&url), whole, "after {after}");
        assert_eq!(places(&url), 0);
        after += 1 + after / 6;
    }
    assert!(chunks > 10, "only {chunks} chunks");
}

/// Restores, and is interrupted after so many chunks.
fn interrupted_at(line: &Line, url: &str, after: usize) {
    let stopped = Stopped::at(after);
    let done = line.restore_in(&context(&stopped, &stopped.cancel), url, "s", &aside());
    assert_eq!(done.map(drop).unwrap_err().kind(), Kind::Interrupted);
}

fn another_snapshot_takes_the_place(case: &Case) {
    let line = case.captured();
    let url = case.interrupted(&line, 4);
    line.capture(&case.server.with(&format!("{SMALL} {}", small_rows(0, 1500))), "other").unwrap();
    let (serial, done) =
        ((case.server.fresh)(), line.restore_in(&context(&Silent, &Cancel::default()), &url, "other", &aside()));
    assert_eq!(done.unwrap().rows(), 4500);
    line.restore(&serial, "other").unwrap();
    assert_eq!(case.seen(&url), case.seen(&serial));
    assert_eq!(places(&url), 0);
    // The one transaction removes a place, too.
    let url = case.interrupted(&line, 4);
    line.restore(&url, "s").unwrap();
    assert_eq!(places(&url), 0);
}

fn a_rollback_removes_what_was_left(case: &Case) {
    let line = case.captured();
    let url = case.interrupted(&line, 4);
    let before = case.seen(&(case.server.fresh)());
    let error = rolled_back(&url).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::Rollback);
    assert_eq!((places(&url), case.seen(&url)), (0, before));
}

fn things_of_others_are_not_touched(case: &Case) {
    let line = case.captured();
    let url = case.interrupted(&line, 4);
    let key = target(&url, &Cancel::default()).unwrap().places().unwrap().remove(0).key;
    let place = match case.server.kind {
        EngineKind::Sqlite => format!("{url}.terp-load-{key}"),
        EngineKind::Postgres => url.clone(),
        EngineKind::Mysql | EngineKind::Mariadb => format!("{url}_terp_load_{key}"),
    };
    let name = if case.server.kind == EngineKind::Postgres {
        format!("{}{key}.mine", mark::PLACE_SCHEMA)
    } else {
        "mine".to_owned()
    };
    (case.server.script)(&place, &format!("CREATE TABLE {name} (a INTEGER)"));
    for options in [aside(), options()] {
        let error = line.restore_in(&context(&Silent, &Cancel::default()), &url, "s", &options).map(drop).unwrap_err();
        assert_eq!(error.kind(), Kind::Guard, "{error}");
    }
    assert_eq!(rolled_back(&url).map(drop).unwrap_err().kind(), Kind::Guard);
    (case.server.script)(&place, &format!("DROP TABLE {name}"));
    let report = Collected::default();
    line.restore_in(&context(&report, &Cancel::default()), &url, "s", &aside()).unwrap();
    assert!(continued(&report).is_some());
}

/// The script that changes a row in the place, and the place to run it in.
fn in_place(case: &Case, url: &str, change: &dyn Fn(&str) -> String) {
    let key = target(url, &Cancel::default()).unwrap().places().unwrap().remove(0).key;
    match case.server.kind {
        EngineKind::Sqlite => (case.server.script)(&format!("{url}.terp-load-{key}"), &change("")),
        EngineKind::Postgres => (case.server.script)(url, &change(&format!("{}{key}.", mark::PLACE_SCHEMA))),
        EngineKind::Mysql | EngineKind::Mariadb => {
            let change = format!("SET foreign_key_checks = 0; {}", change(""));
            (case.server.script)(&format!("{url}_terp_load_{key}"), &change);
        }
    }
}

fn rows_that_somebody_changed_aside_are_found(case: &Case) {
    let line = case.captured();
    let before = case.seen(&(case.server.fresh)());
    let report = Collected::default();
    line.restore_in(&context(&report, &Cancel::default()), &(case.server.fresh)(), "s", &aside()).unwrap();
    let is_chunk = |event: &&Event| matches!(event, Event::TableProgress { .. });
    let chunks = report.events().iter().filter(is_chunk).count();
    // A type that reads otherwise than it was written, as the enum of the servers' tables may, has no digest to compare: those rows
    // are counted.
    let edits = match case.server.kind {
        EngineKind::Sqlite => &["UPDATE {}parent SET note = 'x' WHERE best = 3"][..],
        _ => &[],
    };
    for change in ["DELETE FROM {}parent WHERE best < 20"].iter().chain(edits) {
        let url = case.interrupted(&line, chunks - 2);
        in_place(case, &url, &|place| change.replace("{}", place));
        let error = line.restore_in(&context(&Silent, &Cancel::default()), &url, "s", &aside()).map(drop).unwrap_err();
        assert!(error.kind() == Kind::Rejected && error.to_string().contains("table "), "{error}");
        assert_eq!((places(&url), case.seen(&url)), (0, before.clone()), "{change}");
        line.restore_in(&context(&Silent, &Cancel::default()), &url, "s", &aside()).unwrap();
    }
}

/// Whatever a cut left: nothing or all of it, and the next run makes it all, with nothing beside.
fn settled(case: &Case, line: &Line, url: &str, (before, whole): (&Seen, &Seen), what: &str) {
    case.server.is_left_alone(url, Duration::from_secs(10));
    case.server.is_taken_up(url);
    let now = case.seen(url);
    assert!(now == *before || now == *whole, "neither before nor after: {what}");
    let done = line.restore_in(&context(&Silent, &Cancel::default()), url, "s", &aside());
    assert_eq!(done.map(|done| done.unchanged).unwrap(), now == *whole, "{what}");
    assert_eq!(case.seen(url), *whole, "{what}");
    assert_eq!(places(url), 0, "{what}");
}

type Seen = (String, String, String);

fn a_cut_load_goes_on_or_is_whole(case: &Case) {
    let line = case.captured();
    let url = (case.server.fresh)();
    let before = case.seen(&url);
    let proxy = Proxy::start(case.server, &url, None);
    let restore = |url: &str| line.restore_in(&context(&Silent, &Cancel::default()), url, "s", &aside()).map(drop);
    restore(proxy.url()).unwrap();
    let totals = [Way::ToServer, Way::ToClient].map(|way| (way, proxy.passed(way)));
    drop(proxy);
    let whole = case.seen(&url);
    let mut cuts = 0;
    for (way, total) in totals {
        // All along, and closer together at the end, where the tables change hands.
        let along = (0..6).map(|place| total * place / 6 + 400);
        let places = along.chain((1..6).map(|step| total - step * total.min(20_000) / 6));
        for limit in places {
            let url = (case.server.fresh)();
            let proxy = Proxy::start(case.server, &url, Some(Cut::After(way, limit)));
            let done = restore(proxy.url());
            cuts += u32::from(done.is_err());
            let what = format!("a cut after {limit} of {total} bytes {way:?}: {done:?}");
            drop(proxy);
            settled(case, &line, &url, (&before, &whole), &what);
        }
    }
    assert!(cuts > 12, "only {cuts} loads were cut");
}

fn a_cut_swap_is_before_or_after(case: &Case) {
    let line = case.captured();
    let restore = |url: &str| line.restore_in(&context(&Silent, &Cancel::default()), url, "s", &aside()).map(drop);
    let url = (case.server.fresh)();
    let before = case.seen(&url);
    restore(&url).unwrap();
    let whole = case.seen(&url);
    let word: &[u8] = if case.server.kind == EngineKind::Postgres { b"DROP SCHEMA %I" } else { b"RENAME TABLE" };
    for word in [word, b"terp_fixtures_runs", b"CREATE VIEW", b"terp_fixtures_audit"] {
        for server_hears_it in [false, true] {
            let url = (case.server.fresh)();
            let proxy = Proxy::start(case.server, &url, Some(Cut::At(word, server_hears_it)));
            let done = restore(proxy.url());
            let what = format!("{} {server_hears_it} {done:?}", String::from_utf8_lossy(word));
            drop(proxy);
            settled(case, &line, &url, (&before, &whole), &what);
        }
    }
}

#[test]
fn a_role_that_is_no_superuser_loads_aside_on_postgresql() {
    let line = ON_POSTGRESQL.captured();
    let (serial, parallel) = ((POSTGRES_PLAIN.fresh)(), (POSTGRES_PLAIN.fresh)());
    let before = ON_POSTGRESQL.seen(&parallel);
    line.restore(&serial, "s").unwrap();
    line.restore_in(&context(&Silent, &Cancel::default()), &parallel, "s", &aside()).unwrap();
    assert_eq!(ON_POSTGRESQL.seen(&parallel), ON_POSTGRESQL.seen(&serial));
    rolled_back(&parallel).unwrap();
    assert_eq!(ON_POSTGRESQL.seen(&parallel), before);
}

/// The line that says why a load went in with one transaction.
fn reason(line: &Line, url: &str) -> String {
    let report = Collected::default();
    assert_eq!(line.restore_in(&context(&report, &Cancel::default()), url, "small", &aside()).unwrap().rows(), 4500);
    let said = report.events().into_iter().find_map(|event| match event {
        Event::Note { what } => what.strip_prefix("the rows go in with one transaction: ").map(str::to_owned),
        _ => None,
    });
    said.unwrap()
}

#[test]
fn a_role_that_may_make_no_schema_loads_with_one_transaction_on_postgresql() {
    let line = Line::new();
    line.capture(&POSTGRES.with(&format!("{SMALL} {}", small_rows(0, 1500))), "small").unwrap();
    let url = (POSTGRES.fresh)();
    let plain = crate::engine::postgres::testing::plain(&url);
    let owner = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO %I', current_database(), session_user); END $$";
    (POSTGRES.script)(&url, owner);
    assert!(reason(&line, &plain).contains("may make no schema"));
    rolled_back(&plain).unwrap();
}

fn a_narrow_account_loads_with_one_transaction(server: &Server) {
    let line = Line::new();
    line.capture(&server.with(&format!("{SMALL} {}", small_rows(0, 1500))), "small").unwrap();
    let url = (server.fresh)();
    let (rest, database) = url.rsplit_once('/').unwrap();
    let user = format!("narrow_{database}");
    let make = format!(
        "CREATE USER '{user}'@'%' IDENTIFIED BY 'pw'; GRANT ALL ON `{}`.* TO '{user}'@'%'",
        database.replace('_', "\\_")
    );
    (server.script)(&url, &make);
    let narrow = format!("mysql://{user}:pw@{}/{database}", rest.rsplit_once('@').unwrap().1);
    assert!(reason(&line, &narrow).contains("may make no database"));
    rolled_back(&narrow).unwrap();
    // With a right to names like that of the place, it can.
    let grant = format!("GRANT ALL ON `{}\\_terp\\_load\\_%`.* TO '{user}'@'%'", database.replace('_', "\\_"));
    (server.script)(&url, &grant);
    let report = Collected::default();
    line.restore_in(&context(&report, &Cancel::default()), &narrow, "small", &aside()).unwrap();
    assert!(
        report.events().iter().any(|event| matches!(event, Event::Stage { what } if what.starts_with("loading aside")))
    );
    (server.script)(&url, &format!("DROP USER '{user}'@'%'"));
}

#[test]
fn a_narrow_account_loads_with_one_transaction_on_mysql() {
    a_narrow_account_loads_with_one_transaction(&MYSQL);
}

#[test]
fn a_narrow_account_loads_with_one_transaction_on_mariadb() {
    a_narrow_account_loads_with_one_transaction(&MARIADB);
}
