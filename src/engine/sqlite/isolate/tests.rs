//! Tests of templates, clones and resets on files.

use super::super::ENGINE;
use super::{map, pages};
use crate::engine::Target;
use crate::engine::isolate::{Done, Host, How, Outcome, Pristine, Resettable, Rung};
use crate::error::{Error, Kind, Result};
use crate::event::Cancel;
use crate::model::schema::TableName;
use crate::secret::Address;
use rusqlite::Connection;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SCHEMA: &str = "CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT UNIQUE, note TEXT);
    CREATE TABLE \"the child\" (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent ON DELETE CASCADE, note TEXT);
    CREATE INDEX by_parent ON \"the child\" (parent_id);
    CREATE TABLE keyed (a TEXT, b INTEGER, note TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE TABLE loose (x);
    WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 2000) INSERT INTO parent SELECT n, 'c' || n, hex(n) FROM n;
    INSERT INTO \"the child\" SELECT id * 2, id, note FROM parent;
    INSERT INTO keyed SELECT code, id, note FROM parent;
    INSERT INTO loose SELECT zeroblob(9000) FROM parent WHERE id < 9;";

/// No snapshot at hand: files need none.
struct NoRows;

impl Pristine for NoRows {
    fn load(&mut self, _target: &mut dyn Target, table: &TableName, _into: Option<&TableName>) -> Result<u64> {
        Err(Error::store(format!("no rows of table {table} at hand")))
    }
}

/// A folder with a template and a clone of it.
struct Bench {
    folder: tempfile::TempDir,
    host: Box<dyn Host>,
}

impl Bench {
    fn new(schema: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::new(format!("sqlite:{}", folder.path().join("deep/isolated").display()));
        let mut host = (ENGINE.host)(&address, &Cancel::default()).unwrap();
        host.create("t").unwrap();
        let bench = Self { folder, host };
        bench.connect("t").execute_batch(schema).unwrap();
        let mut bench = bench;
        bench.host.seal("t").unwrap();
        bench.host.clone_template("t", "w").unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("deep/isolated").join(format!("{name}.sqlite"))
    }

    fn connect(&self, name: &str) -> Connection {
        let connection = Connection::open(self.path(name)).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        connection
    }

    fn open(&mut self) -> Box<dyn Resettable> {
        self.host.open("t", "w").unwrap()
    }

    /// The pages of both files are the same, but for what belongs to one file only.
    fn is_pristine(&self) {
        self.connect("w").query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        let [mut own, mut their] = ["w", "t"].map(|name| std::fs::read(self.path(name)).unwrap());
        for file in [&mut own, &mut their] {
            let plain = pages::plain(&file[..512]);
            file[..512].copy_from_slice(&plain);
        }
        assert!(own == their, "{} and {} bytes", own.len(), their.len());
        let found: String = self.connect("w").query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(found, "ok");
    }
}

fn reset(clone: &mut dyn Resettable) -> Outcome {
    clone.reset(&How { wait: Duration::from_millis(50), ..How::default() }, &mut NoRows).unwrap()
}

fn done(clone: &mut dyn Resettable) -> Done {
    match reset(clone) {
        Outcome::Done(done) => done,
        Outcome::Spoiled(why) => panic!("{why}"),
    }
}

fn spoiled(clone: &mut dyn Resettable) -> String {
    match reset(clone) {
        Outcome::Done(done) => panic!("{done:?}"),
        Outcome::Spoiled(why) => why,
    }
}

fn tables(done: &Done) -> Vec<&str> {
    done.tables.iter().map(|table| table.name.as_str()).collect()
}

fn count(connection: &Connection, table: &str) -> i64 {
    connection.query_row(&format!("SELECT count(*) FROM \"{table}\""), [], |row| row.get(0)).unwrap()
}

#[test]
fn the_table_of_pages_is_compiled_in() {
    let listed = "SELECT count(*) FROM pragma_module_list WHERE name = 'sqlite_dbpage'";
    let listed: i64 = Connection::open_in_memory().unwrap().query_row(listed, [], |row| row.get(0)).unwrap();
    assert_eq!(listed, 1, "build below the folder with .cargo/config.toml, or set LIBSQLITE3_FLAGS as it does");
}

#[test]
fn touched_rows_are_counted_and_put_back() {
    const CASES: [(&str, u64, &[&str], u64); 9] = [
        ("UPDATE parent SET note = 'x' WHERE id IN (1, 1000, 2000)", 3, &["parent"], 0),
        ("INSERT INTO parent (code) VALUES ('new'), ('newer')", 2, &["parent"], 1),
        ("DELETE FROM parent WHERE id <= 10", 20, &["parent", "the child"], 0),
        ("DELETE FROM loose", 8, &["loose"], 0),
        ("DELETE FROM \"the child\"", 2000, &["the child"], 0),
        ("UPDATE \"the child\" SET id = id + 100000 WHERE id = 2", 2, &["the child"], 0),
        ("UPDATE keyed SET note = 'x' WHERE b = 7", 1, &["keyed"], 0),
        ("UPDATE loose SET x = zeroblob(8000) || x'01' WHERE rowid = 3", 1, &["loose"], 0),
        (
            "UPDATE parent SET note = 'x'; UPDATE \"the child\" SET note = hex(zeroblob(200))",
            4000,
            &["parent", "the child"],
            0,
        ),
    ];
    for mode in ["DELETE", "WAL", "TRUNCATE"] {
        let mut bench = Bench::new(SCHEMA);
        let mut clone = bench.open();
        assert_eq!(done(&mut *clone).rung, Rung::Clean);
        let application = bench.connect("w");
        application.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(())).unwrap();
        assert_eq!(done(&mut *clone).rung, Rung::Clean, "{mode}");
        for (change, rows, names, counters) in CASES {
            application.execute_batch(change).unwrap();
            let did = done(&mut *clone);
            assert_eq!(
                (did.rung, tables(&did), did.counters),
                (Rung::Journal, names.to_vec(), counters),
                "{mode} {change}"
            );
            assert_eq!(did.rows, rows, "{mode} {change}");
            assert_eq!(done(&mut *clone).rung, Rung::Clean);
            assert_eq!((count(&application, "parent"), count(&application, "loose")), (2000, 8));
            bench.is_pristine();
        }
        // Another process finds it clean too.
        drop(clone);
        assert_eq!(done(&mut *bench.open()).rung, Rung::Clean);
    }
}

#[test]
fn what_was_rolled_back_is_nothing() {
    let mut bench = Bench::new(SCHEMA);
    let (mut clone, application) = (bench.open(), bench.connect("w"));
    application.execute_batch("BEGIN; DELETE FROM parent; CREATE TABLE more (x); ROLLBACK").unwrap();
    assert_eq!(done(&mut *clone).rung, Rung::Clean);
}

#[test]
fn a_changed_schema_is_put_back_and_statements_of_open_connections_follow() {
    for mode in ["DELETE", "WAL"] {
        let mut bench = Bench::new(SCHEMA);
        let (mut clone, application, idle) = (bench.open(), bench.connect("w"), bench.connect("w"));
        application.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(())).unwrap();
        let mut sum = application.prepare("SELECT sum(id) FROM parent").unwrap();
        let mut all = application.prepare("SELECT * FROM loose").unwrap();
        let before: i64 = sum.query_row([], |row| row.get(0)).unwrap();
        application.execute_batch("ALTER TABLE loose ADD COLUMN one DEFAULT 1; DROP INDEX by_parent; VACUUM").unwrap();
        // This connection knows the schema of now; the next one will have the same number of changes behind it.
        assert_eq!(idle.query_row("SELECT one FROM loose", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
        let did = done(&mut *clone);
        assert!(did.rung == Rung::Journal && !did.notes.is_empty(), "{did:?}");
        assert_eq!(sum.query_row([], |row| row.get::<_, i64>(0)).unwrap(), before);
        assert_eq!(all.query_row([], |row| Ok(row.as_ref().column_count())).unwrap(), 1);
        bench.is_pristine();
        application.execute_batch("ALTER TABLE loose ADD COLUMN two DEFAULT 2; DROP INDEX by_parent; VACUUM").unwrap();
        assert!(idle.query_row("SELECT one FROM loose", [], |_| Ok(())).is_err());
        assert_eq!(idle.query_row("SELECT two FROM loose", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
        done(&mut *clone);
        application.execute_batch("DROP TABLE \"the child\"; CREATE TABLE \"the child\" (y)").unwrap();
        drop(clone);
        // A process that knows nothing of all this.
        let mut clone = bench.open();
        done(&mut *clone);
        assert_eq!(count(&idle, "the child"), 2000);
        bench.is_pristine();
        application.execute_batch("PRAGMA user_version = 7; PRAGMA application_id = 8").unwrap();
        assert_eq!(done(&mut *clone).rung, Rung::Journal);
        bench.is_pristine();
    }
}

/// The program of that name, open on the clone.
struct Program {
    child: std::process::Child,
    answers: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Program {
    fn open(path: &Path) -> Self {
        let mut command = Command::new("sqlite3");
        let mut child = command.arg(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, answers }
    }

    fn ask(&mut self, sql: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{sql};").unwrap();
        self.answers.next().unwrap().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

#[test]
fn the_sqlite3_program_sees_every_reset_on_its_open_connection() {
    for mode in ["delete", "wal", "persist"] {
        let mut bench = Bench::new(SCHEMA);
        let (mut clone, mut program) = (bench.open(), Program::open(&bench.path("w")));
        assert_eq!(program.ask(&format!("PRAGMA journal_mode = {mode}")), mode);
        for _ in 0..3 {
            let gone =
                "PRAGMA foreign_keys = 1; DELETE FROM parent WHERE id > 1000; SELECT count(*) FROM \"the child\"";
            assert_eq!(program.ask(gone), "1000");
            assert_eq!(done(&mut *clone).rows, 2000);
            assert_eq!(program.ask("SELECT count(*) FROM \"the child\""), "2000");
            let changed = "ALTER TABLE parent RENAME COLUMN note TO remark; DROP TABLE keyed; SELECT max(remark) > '' FROM parent";
            assert_eq!(program.ask(changed), "1");
            done(&mut *clone);
            assert_eq!(program.ask("SELECT count(p.note) FROM parent p JOIN keyed ON b = p.id"), "2000");
            assert_eq!(program.ask("PRAGMA integrity_check"), "ok");
        }
        drop(program);
        bench.is_pristine();
    }
}

#[test]
fn whoever_is_in_the_middle_of_something_is_waited_for() {
    let mut bench = Bench::new(SCHEMA);
    let (mut clone, application) = (bench.open(), bench.connect("w"));
    for begin in ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "BEGIN; DELETE FROM loose"] {
        application.execute_batch(begin).unwrap();
        assert!(spoiled(&mut *clone).contains("locked"), "{begin}");
        application.execute_batch("ROLLBACK").unwrap();
        assert_eq!(done(&mut *clone).rung, Rung::Clean, "{begin}");
    }
    // A reader keeps others from writing only where there is something to write.
    let reader = bench.connect("w");
    reader.execute_batch("BEGIN; SELECT * FROM parent").unwrap();
    assert_eq!(done(&mut *clone).rung, Rung::Clean);
    reader.execute_batch("COMMIT").unwrap();
    application.execute_batch("DELETE FROM loose").unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM parent").unwrap();
    assert!(spoiled(&mut *clone).contains("locked"));
    let waiting = std::thread::spawn(move || {
        let how = How { wait: Duration::from_secs(20), ..How::default() };
        clone.reset(&how, &mut NoRows).unwrap()
    });
    std::thread::park_timeout(Duration::from_millis(100));
    reader.execute_batch("COMMIT").unwrap();
    assert!(matches!(waiting.join().unwrap(), Outcome::Done(_)));
    bench.is_pristine();
}

#[test]
fn in_wal_mode_readers_keep_what_they_see_and_nobody_waits() {
    let mut bench = Bench::new(SCHEMA);
    let (mut clone, application, reader) = (bench.open(), bench.connect("w"), bench.connect("w"));
    application.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
    application.execute_batch("DELETE FROM loose").unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM parent").unwrap();
    assert_eq!(done(&mut *clone).rows, 8);
    assert_eq!((count(&reader, "loose"), count(&application, "loose")), (0, 8));
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(count(&reader, "loose"), 8);
    drop(reader);
    bench.is_pristine();
    let mode: String = application.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal", "how a file is written is no part of its state");
}

#[test]
fn a_writer_that_was_killed_is_rolled_back_first() {
    let mut bench = Bench::new(SCHEMA);
    let (path, journal) = (bench.path("w"), bench.path("w").with_extension("sqlite-journal"));
    let application = bench.connect("w");
    application
        .execute_batch("PRAGMA cache_size = 1; BEGIN; UPDATE \"the child\" SET note = 'half'; DELETE FROM keyed")
        .unwrap();
    let [half, hot] = [&path, &journal].map(|path| std::fs::read(path).unwrap());
    application.execute_batch("ROLLBACK").unwrap();
    drop(application);
    std::fs::write(&path, half).unwrap();
    std::fs::write(&journal, hot).unwrap();
    let mut clone = bench.open();
    done(&mut *clone);
    assert!(!journal.exists());
    bench.is_pristine();
}

#[test]
fn without_the_table_of_pages_the_file_tells_whether_anything_was_touched() {
    let mut bench = Bench::new(SCHEMA);
    let open = |bench: &Bench| {
        let opened = super::reset::Opened::open(&bench.path("t"), &bench.path("w"), &Cancel::default()).unwrap();
        opened.without_pages().unwrap()
    };
    assert_eq!(done(&mut open(&bench)).rung, Rung::Clean);
    let application = bench.connect("w");
    application.execute_batch("UPDATE parent SET note = 'x' WHERE id = 1").unwrap();
    assert_eq!(done(&mut open(&bench)).rung, Rung::Reload);
    // The file has other counts of changes now, and the same rows.
    let mut clone = open(&bench);
    assert_eq!(done(&mut clone).rung, Rung::Clean);
    application.execute_batch("PRAGMA journal_mode = WAL; DELETE FROM keyed").unwrap();
    assert_eq!(done(&mut clone).rung, Rung::Reload);
    assert_eq!(done(&mut clone).rung, Rung::Clean);
    application.execute_batch("DELETE FROM keyed").unwrap();
    assert_eq!(done(&mut open(&bench)).rung, Rung::Reload);
    drop((application, clone));
    done(&mut *bench.open());
    bench.is_pristine();
}

#[test]
fn what_only_a_new_clone_mends_is_told() {
    type Spoil<'a> = (&'a str, &'a dyn Fn(&Path));
    let spoils: [Spoil<'_>; 5] = [
        ("removed", &|path| std::fs::remove_file(path).unwrap()),
        ("another one", &|path| {
            std::fs::rename(path, path.with_extension("old")).unwrap();
            std::fs::copy(path.with_extension("old"), path).map(drop).unwrap();
        }),
        ("damaged", &|path| std::fs::write(path, [7; 8192]).unwrap()),
        ("laid out", &|path| Connection::open(path).unwrap().execute_batch("PRAGMA page_size = 8192; VACUUM").unwrap()),
        ("laid out", &|path| Connection::open(path).unwrap().execute_batch("PRAGMA auto_vacuum = 1; VACUUM").unwrap()),
    ];
    for (word, spoil) in spoils {
        let mut bench = Bench::new(SCHEMA);
        let mut clone = bench.open();
        assert_eq!(done(&mut *clone).rung, Rung::Clean);
        spoil(&bench.path("w"));
        let why = spoiled(&mut *clone);
        assert!(why.contains(word), "{why}");
        drop(clone);
        bench.host.remove("w").unwrap();
        bench.host.clone_template("t", "w").unwrap();
        assert_eq!(done(&mut *bench.open()).rung, Rung::Clean);
        bench.is_pristine();
    }
}

#[test]
fn a_template_may_vacuum_itself_and_have_pages_of_any_size() {
    for layout in
        ["auto_vacuum = 1", "auto_vacuum = 2", "page_size = 512", "page_size = 65536", "encoding = 'UTF-16le'"]
    {
        let mut bench = Bench::new(&format!("PRAGMA {layout}; {SCHEMA}"));
        let (mut clone, application) = (bench.open(), bench.connect("w"));
        for change in
            ["DELETE FROM parent WHERE id > 100", "INSERT INTO loose SELECT note FROM parent", "DROP TABLE keyed"]
        {
            application.execute_batch(change).unwrap();
            let did = done(&mut *clone);
            assert!(did.rows > 0, "{layout} {change} {did:?}");
            bench.is_pristine();
        }
    }
}

#[test]
fn an_empty_snapshot_can_be_cloned() {
    let mut bench = Bench::new("");
    let (mut clone, application) = (bench.open(), bench.connect("w"));
    assert_eq!(done(&mut *clone).rung, Rung::Clean);
    application.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(done(&mut *clone).rung, Rung::Journal);
    bench.is_pristine();
}

#[test]
fn all_pages_can_be_copied_instead() {
    for mode in ["DELETE", "WAL"] {
        let mut bench = Bench::new(SCHEMA);
        let (mut clone, application) = (bench.open(), bench.connect("w"));
        application.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(())).unwrap();
        let mut sum = application.prepare("SELECT sum(length(note)) FROM parent").unwrap();
        let before: i64 = sum.query_row([], |row| row.get(0)).unwrap();
        application
            .execute_batch("DELETE FROM parent WHERE id > 100; DROP TABLE keyed; CREATE TABLE more (x)")
            .unwrap();
        let how = How { from: Rung::Reload, wait: Duration::from_millis(50), ..How::default() };
        let Outcome::Done(did) = clone.reset(&how, &mut NoRows).unwrap() else { panic!("not done") };
        assert_eq!(
            (did.rung, did.rows, tables(&did)),
            (Rung::Reload, 6008, vec!["keyed", "loose", "parent", "the child"])
        );
        assert_eq!(sum.query_row([], |row| row.get::<_, i64>(0)).unwrap(), before);
        assert_eq!(done(&mut *clone).rung, Rung::Clean);
        bench.is_pristine();
        application.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(clone.reset(&how, &mut NoRows).unwrap(), Outcome::Spoiled(_)));
    }
}

#[test]
fn nothing_stays_of_what_is_removed() {
    let mut bench = Bench::new(SCHEMA);
    let folder = bench.path("w").parent().unwrap().to_owned();
    for ending in ["-wal", "-shm", "-journal", ".new", ".terp-lock", ".terp-load-0123456789ab"] {
        std::fs::write(format!("{}{ending}", bench.path("w").display()), "x").unwrap();
    }
    let bytes = bench.host.bytes("w").unwrap();
    assert!((200_000..400_000).contains(&bytes), "{bytes}");
    assert_eq!(bench.host.create("w").unwrap_err().kind(), Kind::Guard);
    for name in ["w", "t", "never was"] {
        bench.host.remove(name).unwrap();
        assert!(!bench.host.exists(name).unwrap());
    }
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn locks_of_killed_holders_go_and_others_stay() {
    let mut bench = Bench::new("");
    let path = |name: &str| bench.path("w").with_file_name(name);
    let [left, locked] = ["clone-x.lock", "clone-w.lock"].map(path);
    std::fs::write(&left, "").unwrap();
    let held = bench.host.hold("clone w", Duration::ZERO).unwrap().unwrap();
    drop(bench.host.registry().unwrap());
    assert!(!left.exists() && locked.exists());
    assert!(bench.host.hold("clone w", Duration::ZERO).unwrap().is_none());
    drop(held);
    assert!(!locked.exists());
}

#[cfg(unix)]
#[test]
fn files_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut bench = Bench::new(SCHEMA);
    bench.host.registry().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(bench.path("w").parent().unwrap()), 0o700);
    assert_eq!(["w", "t", "registry"].map(|name| mode(&bench.path(name))), [0o600, 0o400, 0o600]);
    assert_eq!(mode(&super::files::beside(&bench.path("t"), map::ENDING)), 0o600);
}

#[test]
fn one_holds_and_the_others_wait() {
    let mut bench = Bench::new("");
    let path = bench.path("w");
    let mut other = (ENGINE.host)(&bench.host.address("w"), &Cancel::default()).unwrap();
    let held = bench.host.hold("template t", Duration::ZERO).unwrap().unwrap();
    let start = Instant::now();
    assert!(other.hold("template t", Duration::from_millis(60)).unwrap().is_none());
    assert!(start.elapsed() >= Duration::from_millis(60));
    assert!(other.hold("template u", Duration::ZERO).unwrap().is_some());
    drop(held);
    assert!(other.hold("template t", Duration::ZERO).unwrap().is_some());
    assert!(!path.with_file_name("template-t.lock").exists());
    // Eight threads count one up, each for itself, over a file that nobody but the lock protects.
    let counter = path.with_file_name("counter");
    std::fs::write(&counter, "0").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut host =
                    (ENGINE.host)(&Address::new(format!("sqlite:{}", path.display())), &Cancel::default()).unwrap();
                for _ in 0..20 {
                    let held = host.hold("counter", Duration::from_mins(1)).unwrap().unwrap();
                    let count: u32 = std::fs::read_to_string(&counter).unwrap().parse().unwrap();
                    std::fs::write(&counter, (count + 1).to_string()).unwrap();
                    drop(held);
                }
            });
        }
    });
    assert_eq!(std::fs::read_to_string(&counter).unwrap(), "160");
}

#[test]
fn what_was_not_made_cannot_be_opened() {
    let mut bench = Bench::new("");
    assert_eq!(bench.host.open("t", "x").err().unwrap().kind(), Kind::Drift);
    assert_eq!(bench.host.open("x", "w").err().unwrap().kind(), Kind::Drift);
}
