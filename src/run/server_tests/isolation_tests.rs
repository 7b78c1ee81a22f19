//! Whatever an application does to a clone, a reset puts it back: random changes of random schemas, and what is in the clone then.

use super::isolation_testing::{Connection, Schema, connect};
use super::testing::Server;
use crate::engine;
use crate::engine::isolate::{Admission, Done, Host, How, Outcome, Resettable, Rung};
use crate::event::Cancel;
use crate::model::schema::EngineKind;
use crate::secret::Address;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Rounds of each schema. Three tests of two schemas each make 300.
const ROUNDS: usize = 50;

/// Makes the tests of a server.
macro_rules! on {
    ($name:ident, $server:expr) => {
        mod $name {
            #[test]
            fn random_changes_are_put_back() {
                super::random_changes_are_put_back(&$server, 0..2);
            }

            #[test]
            fn more_random_changes_are_put_back() {
                super::random_changes_are_put_back(&$server, 2..4);
            }

            #[test]
            fn still_more_random_changes_are_put_back() {
                super::random_changes_are_put_back(&$server, 4..6);
            }
        }
    };
}

on!(on_sqlite, crate::run::server_tests::testing::SQLITE);
on!(on_postgresql, crate::run::server_tests::testing::POSTGRES);
on!(on_mysql, crate::run::server_tests::testing::MYSQL);
on!(on_mariadb, crate::run::server_tests::testing::MARIADB);

fn random_changes_are_put_back(server: &Server, seeds: std::ops::Range<u64>) {
    let mut told = Told::default();
    for seed in seeds {
        let mut bench = Bench::new(server, seed);
        for round in 0..ROUNDS {
            bench.place = format!("{:?}, seed {seed}, round {round}", server.kind);
            bench.round(&mut told);
        }
        bench.end();
    }
    assert!(told.dirty > ROUNDS && told.clean > 3 && told.altered > 0 && told.open > 1, "{told:?}");
}

/// The content of a database with its schema, and its counters. Columns that are no part of that may be the host's own.
fn content(server: &Server, url: &str) -> (String, String) {
    let (content, counters) = server.content(url);
    (content, counters.split_once(" columns, ").unwrap().1.to_owned())
}

/// What happened, so that a test which does nothing fails.
#[derive(Debug, Default)]
struct Told {
    dirty: usize,
    clean: usize,
    altered: usize,
    open: usize,
}

/// A template, a clone of it, and two connections of an application.
struct Bench<'a> {
    server: &'a Server,
    host: Box<dyn Host>,
    template: String,
    name: String,
    schema: Schema,
    clone: Box<dyn Resettable>,
    admission: Admission,
    applications: Vec<Connection>,
    /// What the template holds, and its counters.
    pristine: (String, String),
    /// Whether something may have been written since the last reset.
    is_late: bool,
    /// For messages: where it happened, and what the application had done.
    place: String,
    history: Vec<String>,
}

impl<'a> Bench<'a> {
    fn new(server: &'a Server, seed: u64) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let address = Address::new((server.fresh)());
        let mut host = (engine::find(&address).unwrap().host)(&address, &Cancel::default()).unwrap();
        let digest = format!("{:08x}{:04x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let (template, name) = (format!("terp_t_{digest}"), format!("terp_w_{digest}_1"));
        let schema = Schema::new(server, seed);
        host.create(&template).unwrap();
        let url = host.address(&template).expose().to_owned();
        (server.script)(&url, &schema.text(server.dialect));
        let pristine = content(server, &url);
        host.seal(&template).unwrap();
        host.clone_template(&template, &name).unwrap();
        let admission = host.admit(&template, &name).unwrap();
        let url = admission.address.expose();
        let clone = host.open(&template, &name).unwrap();
        let mut applications = vec![connect(server.kind, url), connect(server.kind, url)];
        if server.kind == EngineKind::Sqlite && seed % 2 == 1 {
            applications[0]("PRAGMA journal_mode = WAL").unwrap();
        }
        let (is_late, place, history) = (false, String::new(), Vec::new());
        let mut bench = Self {
            server,
            host,
            template,
            name,
            schema,
            clone,
            admission,
            applications,
            pristine,
            is_late,
            place,
            history,
        };
        bench.check(true);
        bench
    }

    fn round(&mut self, told: &mut Told) {
        self.history.clear();
        let is_quiet = self.schema.random.below(8) == 0;
        let (mut is_open, mut is_altered) = (false, false);
        if !is_quiet {
            self.change();
            is_altered = self.schema.random.below(12) == 0 && self.alter();
            is_open = !is_altered && self.schema.random.below(12) == 0 && self.leave_open();
        }
        let before = (self.schema.random.below(3) == 0).then(|| self.content().0);
        let (from, exact) = (self.schema.random.below(10), self.schema.random.below(3) > 0);
        let from = [Rung::Difference, Rung::Reload].get(from).copied().unwrap_or(Rung::Journal);
        let how = How { wait: Duration::from_millis(200), exact_ids: exact, from };
        match self.reset(&how) {
            Outcome::Done(done) => {
                assert!(!is_altered || self.server.kind == EngineKind::Sqlite, "the schema was changed: {self}");
                self.is_told(&done, before.as_ref(), is_quiet && !self.is_late, &how);
                told.clean += usize::from(done.rung == Rung::Clean);
                told.dirty += usize::from(done.rung != Rung::Clean);
            }
            Outcome::Spoiled(_) if is_altered => self.renew(),
            // Nobody can end a connection to a file.
            Outcome::Spoiled(_) if is_open && self.server.kind == EngineKind::Sqlite => {
                self.run(0, "ROLLBACK");
                assert!(matches!(self.reset(&how), Outcome::Done(_)), "{self}");
                is_open = false;
                told.open += 1;
            }
            Outcome::Spoiled(why) => panic!("{why}: {self}"),
        }
        told.altered += usize::from(is_altered);
        told.open += usize::from(is_open);
        self.check(exact || !matches!(self.server.kind, EngineKind::Mysql | EngineKind::Mariadb));
        self.is_late = is_open;
        if is_open {
            // What was begun before the reset comes to its end behind it.
            let end = self.schema.random.one(&["COMMIT", "ROLLBACK"]);
            self.run(0, end);
            self.reconnect();
        }
    }

    /// Both connections change something, one after the other or at once.
    fn change(&mut self) {
        let mut work: Vec<Vec<String>> = Vec::new();
        for _ in 0..2 {
            let count = self.schema.random.below(4);
            work.push((0..count).flat_map(|_| self.schema.changes()).collect());
        }
        self.history.extend(work.iter().flatten().cloned());
        let each = |(application, statements): (&mut Connection, &Vec<String>)| {
            for statement in statements {
                // A duplicate, a dangling reference, a deadlock: what an application gets to hear.
                application(statement).unwrap_or_default();
            }
            // In case that a statement of a transaction was refused.
            application("ROLLBACK").unwrap_or_default();
        };
        if self.schema.random.below(3) == 0 {
            std::thread::scope(|scope| {
                for pair in self.applications.iter_mut().zip(&work) {
                    scope.spawn(move || each(pair));
                }
            });
        } else {
            self.applications.iter_mut().zip(&work).for_each(each);
        }
    }

    /// Changes the schema, if the account may.
    fn alter(&mut self) -> bool {
        let alteration = self.schema.alteration();
        self.run(0, &alteration)
    }

    /// Leaves a transaction open that has changed something, as far as nothing was wrong with it.
    fn leave_open(&mut self) -> bool {
        let begun = self.run(0, "BEGIN");
        let changes = self.schema.changes();
        let plain = |text: &&String| ["INSERT", "UPDATE", "DELETE"].iter().any(|word| text.starts_with(word));
        for change in changes.iter().filter(plain) {
            self.run(0, change);
        }
        begun
    }

    fn run(&mut self, which: usize, statement: &str) -> bool {
        self.history.push(statement.to_owned());
        (self.applications[which])(statement).is_ok()
    }

    /// Connections that were ended are opened again; the others stay open over all rounds.
    fn reconnect(&mut self) {
        for application in &mut self.applications {
            if application("SELECT 1").is_err() {
                *application = connect(self.server.kind, self.admission.address.expose());
            }
        }
    }

    fn reset(&mut self, how: &How) -> Outcome {
        let outcome = self.clone.reset(how, &mut self.schema);
        outcome.unwrap_or_else(|error| panic!("{error} {:?}: {self}", error.causes()))
    }

    /// A reset says what it did.
    fn is_told(&self, done: &Done, before: Option<&String>, is_untouched: bool, how: &How) {
        if before.is_some_and(|before| *before != self.pristine.0) {
            assert!(done.rung != Rung::Clean && done.rows > 0, "{done:?}: {self}");
        }
        if is_untouched && how.from == Rung::Journal {
            assert!(done.rung == Rung::Clean && done.rows == 0 && done.tables.is_empty(), "{done:?}: {self}");
        }
    }

    fn content(&self) -> (String, String) {
        content(self.server, self.host.address(&self.name).expose())
    }

    /// The clone is as its template, to the counters.
    fn check(&mut self, counters: bool) {
        let content = self.content();
        assert!(content.0 == self.pristine.0, "not as the template: {self}");
        assert!(!counters || content.1 == self.pristine.1, "{} but {}: {self}", content.1, self.pristine.1);
    }

    /// A new clone under the same name and, as far as the server allows it, for the same account.
    fn renew(&mut self) {
        self.admission = self.host.replace(&self.template, &self.name, &self.admission).unwrap();
        self.clone = self.host.open(&self.template, &self.name).unwrap();
        let url = self.admission.address.expose();
        self.applications = vec![connect(self.server.kind, url), connect(self.server.kind, url)];
    }

    fn end(mut self) {
        drop((self.clone, self.applications));
        for name in [&self.name, &self.template] {
            self.host.remove(name).unwrap();
            assert!(!self.host.exists(name).unwrap());
        }
    }
}

impl std::fmt::Display for Bench<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.schema.text(self.server.dialect);
        write!(f, "{}\n{text}\n-- then\n{}", self.place, self.history.join(";\n"))
    }
}
