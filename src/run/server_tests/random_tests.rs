//! Random schemas with random rows: capture, restore and roll back are exact.

use super::dialect_testing::Schema;
use super::testing::{Line, POSTGRES_PLAIN, Server, on_every_server, rolled_back};

on_every_server!(
    random_databases_travel_exactly,
    more_random_databases_travel_exactly,
    random_rows_go_beside_others_and_out_again,
);

fn random_databases_travel_exactly(server: &Server) {
    travel(server, 0..20);
}

fn more_random_databases_travel_exactly(server: &Server) {
    travel(server, 20..40);
}

/// Without superuser, foreign keys and triggers are silenced in another way.
#[test]
fn random_databases_travel_exactly_without_superuser() {
    travel(&POSTGRES_PLAIN, 100..112);
    beside(&POSTGRES_PLAIN, 1100..1106);
}

fn travel(server: &Server, seeds: std::ops::Range<u64>) {
    let (line, empty) = (Line::new(), (server.fresh)());
    let before = server.content(&empty);
    let (mut rows, mut foreign_keys) = (0, 0);
    for seed in seeds {
        let mut schema = Schema::new(server.dialect, seed);
        let text = format!("{}\n{}\n{}", schema.tables(), schema.rows(0, 30), schema.foreign_keys());
        let erp = server.with(&text);
        let name = format!("s{seed}");
        let check = |what: &str, done: crate::error::Result<()>| {
            if let Err(error) = done {
                panic!("seed {seed}, {what}: {error} {:?}\n{text}", error.causes());
            }
        };
        check("capture", line.capture(&erp, &name).map(drop));
        let restored = line.restore(&empty, &name).map(|done| {
            rows += done.rows();
            foreign_keys += done.foreign_keys;
        });
        check("restore", restored);
        assert_eq!(server.content(&empty).0, server.content(&erp).0, "seed {seed}:\n{text}");
        assert!(line.restore(&empty, &name).unwrap().unchanged, "seed {seed}");
        check("rollback", rolled_back(&empty).map(drop));
        assert_eq!(server.content(&empty), before, "seed {seed}:\n{text}");
    }
    assert!(rows > 300 && foreign_keys > 10, "only {rows} rows and {foreign_keys} foreign keys");
}

fn random_rows_go_beside_others_and_out_again(server: &Server) {
    beside(server, 1000..1012);
}

fn beside(server: &Server, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let line = Line::new();
        let mut schema = Schema::new(server.dialect, seed);
        let (tables, rows, others) = (schema.tables(), schema.rows(0, 30), schema.rows(5000, 10));
        let erp = server.with(&format!("{tables}\n{rows}\n{}", schema.foreign_keys()));
        let used = server.with(&format!("{tables}\n{others}\n{}", schema.foreign_keys()));
        let check = |what: &str, done: crate::error::Result<()>| {
            if let Err(error) = done {
                panic!("seed {seed}, {what}: {error} {:?}\n{tables}\n{others}", error.causes());
            }
        };
        let before = server.content(&used);
        check("capture", line.capture(&erp, "s").map(drop));
        check("restore", line.restore(&used, "s").map(drop));
        assert!(line.restore(&used, "s").unwrap().unchanged, "seed {seed}");
        check("rollback", rolled_back(&used).map(drop));
        assert_eq!(server.content(&used), before, "seed {seed}:\n{tables}");
    }
}
