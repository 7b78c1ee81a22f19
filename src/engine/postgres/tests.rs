//! Tests of the PostgreSQL engine, on a real server.

use super::ENGINE;
use super::testing::{plain, script, server, server_with_tls};
use crate::check::{self, Rules};
use crate::engine::suite::{self, Bench};
use crate::engine::{Enforce, LoadTable, Query, Source, Target, scalar, sql::Sql};
use crate::error::Kind;
use crate::event::Cancel;
use crate::model::batch::Batch;
use crate::model::proof::Masked;
use crate::model::schema::{EngineKind, TableKind};
use crate::run::state;
use crate::secret::Address;

fn source(url: &str) -> Box<dyn Source> {
    (ENGINE.source)(&Address::new(url), &Cancel::default()).unwrap()
}

fn target(url: &str) -> Box<dyn Target> {
    (ENGINE.target)(&Address::new(url), false, &Cancel::default()).unwrap()
}

fn sql(text: &'static str) -> Sql {
    Sql::new(EngineKind::Postgres).lit(text)
}

#[test]
fn it_passes_the_conformance_suite() {
    let url = server().fresh();
    suite::run(&Bench { source: &|| source(&url), target: &|| target(&url) });
}

#[test]
fn comments_of_columns_are_read() {
    let url = server().fresh();
    script(&url, "CREATE TABLE t (a text, b text); COMMENT ON COLUMN t.a IS 'an e-mail'");
    let catalogue = source(&url).catalogue().unwrap();
    let comments: Vec<Option<&str>> = catalogue.tables[0].columns.iter().map(|c| c.comment.as_deref()).collect();
    assert_eq!(comments, [Some("an e-mail"), None]);
}

pub(crate) const TYPES: &str = r#"
CREATE SCHEMA "Other Schema";
CREATE TYPE "Mood 🌿" AS ENUM ('sad', 'it''s "ok"', 'a,b\c');
CREATE DOMAIN positive AS numeric(10,2) DEFAULT 1 CHECK (VALUE > 0);
CREATE TYPE pair AS (a text, b integer[]);
CREATE TYPE floats AS RANGE (SUBTYPE = float8);
CREATE TABLE "Other Schema"."Types 'of' ""all"" 🌿" (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "select" numeric, n2 numeric(10,3), f8 float8, f4 float4, b bytea,
  tz timestamptz, ts timestamp(3), d date, t time, ttz timetz, iv interval, u uuid, j json, jb jsonb, ints integer[],
  texts text[], mood "Mood 🌿", moods "Mood 🌿"[], pos positive, p pair, ps pair[], r int4range, mr nummultirange, fr floats,
  ip inet, net cidr, mac macaddr, mac8 macaddr8, bi bit(5), vb bit varying, tsv tsvector, tsq tsquery, x xml, c char(5),
  v varchar(7), bo boolean, m money, pt point, poly polygon, jp jsonpath, o oid, nm name, lsn pg_lsn,
  g text GENERATED ALWAYS AS ("select"::text || '!') STORED, s serial);
INSERT INTO "Other Schema"."Types 'of' ""all"" 🌿" ("select", n2, f8, f4, b, tz, ts, d, t, ttz, iv, u, j, jb, ints, texts,
  mood, moods, pos, p, ps, r, mr, fr, ip, net, mac, mac8, bi, vb, tsv, tsq, x, c, v, bo, m, pt, poly, jp, o, nm, lsn) VALUES
  ('NaN', '1.500', 'NaN', 0.1, '\x00ff5c0a', 'infinity', '2020-02-29 23:59:59.999', '-infinity', '24:00:00', '12:00:00+05:30',
  '-1 year -2 mons +3 days -04:05:06.789', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a" : 1,  "a":2}', '{"k": "\\t \""}',
  '{{1,NULL},{3,4}}', ARRAY['a,b', NULL, 'NULL', '"q"', '\', '', E'\t\n'], 'it''s "ok"', ARRAY['a,b\c', 'sad']::"Mood 🌿"[],
  3.14, ROW('x "y", (z)', '{1,NULL}'), ARRAY[ROW(NULL, NULL)::pair, ROW('', '{}')::pair], '[1,5)', '{[1.1,2.2),[5,6)}', '[0.1,)',
  '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'10101', B'1', 'fat:2A cat:3,4B ''q''''s'':1',
  '''fat'' & !cat:A', '<a b="c">é&lt;</a>', 'ab', 'äöü🌿', true, '-1234.56', '(0.1,1e300)', '((0,0),(1,1),(2,0))', '$.a[*] ? (@ > 1)',
  4294967295, 'nm', '16/B374D848'),
  (123456789012345678901234567890.123456789, NULL, '-Infinity', 'Infinity', '', '0044-03-15 12:00:00 BC', NULL, '0001-01-01 BC',
  '00:00:00.000001', '00:00:00-15', '178000000 years', NULL, 'null', '[]', '{}', '{}', NULL, '{}', NULL, NULL, '{}', 'empty', '{}',
  'empty', '1.2.3.4', NULL, NULL, NULL, NULL, B'', '', '', '', '', '', false, 0, NULL, NULL, NULL, 0, '', NULL),
  ('-Infinity', NULL, -0.0, 1e-45, NULL, '294276-12-31 23:59:59.999999+00', NULL, '5874897-12-31', NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"#;

#[test]
fn every_type_travels_to_the_last_bit() {
    every_type_travels("one INSERT", TYPES, 3);
    let many = format!(
        r#"{TYPES}; INSERT INTO "Other Schema"."Types 'of' ""all"" 🌿" (texts) VALUES (ARRAY[repeat('long ', 100000)])"#
    );
    every_type_travels("COPY", &many, 4);
}

fn every_type_travels(way: &str, text: &str, rows: u64) {
    let url = server().fresh();
    script(&url, text);
    let mut from = source(&url);
    let catalogue = from.catalogue().unwrap();
    let table = &catalogue.tables[0];
    assert_eq!(table.name.schema.as_deref(), Some("Other Schema"));
    assert!(table.columns.iter().any(|column| column.generated) && table.counter);
    let query = state::ordered_rows(EngineKind::Postgres, table);
    let mut batches: Vec<Batch> = Vec::new();
    let read = from.read(&query, &mut |batch| {
        batches.push(batch);
        Ok(())
    });
    assert_eq!(read.unwrap(), rows);
    let before = state::database_digest(&mut *from, &catalogue).unwrap();

    let second = server().fresh();
    let mut target = target(&second);
    target.begin(Enforce::Nothing).unwrap();
    let stored: Vec<String> = table.stored_columns().iter().map(|&at| table.columns[at].name.clone()).collect();
    for object in &catalogue.pre {
        target.execute(&Sql::rendered(EngineKind::Postgres, &object.create)).unwrap();
    }
    target.execute(&Sql::rendered(EngineKind::Postgres, &table.create)).unwrap();
    let rules = Rules::new(EngineKind::Postgres, table, &stored).unwrap();
    let into = LoadTable { table: table.name.clone(), columns: stored, constants: Vec::new() };
    for batch in batches {
        let (checked, violations) = check::rows(Masked::vouch(batch), &rules, 0).unwrap();
        assert_eq!(violations, []);
        target.load(&into, &checked).unwrap();
    }
    assert_eq!(target.loaded_by(), way);
    for object in &catalogue.post {
        target.execute(&Sql::rendered(EngineKind::Postgres, &object.create)).unwrap();
    }
    target.end(true).unwrap();
    let mut back = source(&second);
    let after = back.catalogue().unwrap();
    assert_eq!(after.tables, catalogue.tables);
    assert_eq!((&after.pre, &after.post), (&catalogue.pre, &catalogue.post));
    assert_eq!(state::database_digest(&mut *back, &after).unwrap(), before);
}

#[test]
fn a_few_rows_find_their_columns() {
    let create = "CREATE TABLE date (gone int, r text, twice int GENERATED ALWAYS AS (id * 2) STORED, id int PRIMARY KEY, spare text DEFAULT 'x');
        ALTER TABLE date DROP COLUMN gone; CREATE TEMP TABLE name (id int); CREATE TABLE ruled (id int, r text);
        CREATE RULE away AS ON INSERT TO ruled DO INSTEAD NOTHING; CREATE DOMAIN sure AS int NOT NULL; CREATE TABLE strict (id int, r text, s sure DEFAULT 1);";
    let url = server().fresh();
    let mut target = target(&url);
    target.begin(Enforce::Nothing).unwrap();
    target.execute(&Sql::rendered(EngineKind::Postgres, create)).unwrap();
    let live = target.catalogue().unwrap();
    let columns = ["id", "r"].map(str::to_owned).to_vec();
    for (name, way) in [("date", "one INSERT"), ("ruled", "COPY"), ("strict", "COPY")] {
        let table = live.tables.iter().find(|table| table.name.name == name).unwrap();
        let mut batch = Batch::new(2);
        for cell in ["1", "it's, \"so\" \\ (\t", "2", ""] {
            batch.push(crate::model::batch::Cell::text(cell));
        }
        let rules = Rules::new(EngineKind::Postgres, table, &columns).unwrap();
        let rows = check::rows(Masked::vouch(batch), &rules, 0).unwrap().0;
        let into = LoadTable { table: table.name.clone(), columns: columns.clone(), constants: Vec::new() };
        assert_eq!(target.load(&into, &rows).unwrap(), 2);
        assert_eq!(target.loaded_by(), way, "{name}");
    }
    let seen =
        "SELECT count(*) FROM date WHERE spare = 'x' AND twice = id * 2 AND r IN (E'it''s, \"so\" \\\\ (\\t', '')";
    assert_eq!(scalar(&mut *target, sql(seen)).unwrap(), 2);
    assert_eq!(
        scalar(&mut *target, sql("SELECT (SELECT count(*) FROM ruled) + (SELECT sum(s) FROM strict)")).unwrap(),
        4
    );
    target.end(false).unwrap();
}

#[test]
fn the_catalogue_is_whole() {
    let url = server().fresh();
    script(
        &url,
        r#"CREATE TABLE parent (a int, b text COLLATE "C", PRIMARY KEY (b, a));
        CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE TABLE child (id serial PRIMARY KEY, pa int, pb text, self_id int REFERENCES child,
          n numeric(10,2) NOT NULL DEFAULT one() CHECK (n > 0), UNIQUE (pa, n),
          FOREIGN KEY (pb, pa) REFERENCES parent (b, a) ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE);
        CREATE UNIQUE INDEX partly ON child (pb) WHERE pa > 1;
        CREATE UNIQUE INDEX lowered ON child (lower(pb));
        CREATE VIEW v2 AS SELECT * FROM child;
        CREATE VIEW v1 AS SELECT * FROM v2;
        CREATE MATERIALIZED VIEW mv AS SELECT * FROM v1;
        CREATE INDEX on_mv ON mv (id);
        CREATE FUNCTION late(child) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER tr AFTER INSERT ON child FOR EACH ROW EXECUTE FUNCTION tr();
        ALTER TABLE child DISABLE TRIGGER tr;
        COMMENT ON COLUMN child.n IS 'it''s';
        CREATE TABLE parts (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE p1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY HASH (id);
        CREATE TABLE p1a PARTITION OF p1 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE rest PARTITION OF parts DEFAULT;
        CREATE INDEX on_parts ON parts (at);
        CREATE TABLE old (a int); CREATE TABLE new (b int) INHERITS (old);"#,
    );
    let catalogue = source(&url).catalogue().unwrap();
    let names: Vec<&str> = catalogue.tables.iter().map(|table| table.name.name.as_str()).collect();
    assert_eq!(names, ["child", "new", "old", "parent", "parts"]);
    let child = &catalogue.tables[0];
    assert_eq!((child.primary_key.as_slice(), child.foreign_keys.len(), child.counter), ([0].as_slice(), 2, true));
    let composite = child.foreign_keys.iter().find(|key| key.columns.len() == 2).unwrap();
    assert_eq!((composite.columns.join(","), composite.parent_columns.join(",")), ("pb,pa".into(), "b,a".into()));
    assert_eq!(child.uniques.iter().filter(|unique| unique.partial).count(), 2);
    assert!(catalogue.tables[1..3].iter().all(|table| table.kind == TableKind::Virtual));
    assert_eq!(catalogue.tables[3].primary_key, [1, 0]);
    assert_eq!(catalogue.tables[4].create.matches("PARTITION OF").count(), 3);
    let pre: Vec<&str> = catalogue.pre.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(pre, ["child_id_seq", "one()", "tr()"]);
    let post: Vec<&str> = catalogue.post.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(
        post,
        [
            "lowered",
            "partly",
            "on_parts",
            "child.child_pb_pa_fkey",
            "child.child_self_id_fkey",
            "late(child)",
            "v2",
            "v1",
            "mv",
            "on_mv",
            "tr",
            "child_id_seq",
            "child.n"
        ]
    );
}

#[test]
fn a_failed_read_closes_the_connection_and_says_so() {
    let url = server().fresh();
    let mut reader = source(&url);
    let query = Query { sql: sql("SELECT * FROM missing"), columns: 1 };
    assert!(reader.read(&query, &mut |_| Ok(())).unwrap_err().to_string().contains("42P01"));
    assert_eq!(reader.read(&query, &mut |_| Ok(())).unwrap_err().kind(), Kind::Unreachable);
    let mut target = target(&url);
    target.begin(Enforce::Nothing).unwrap();
    let stop = |_| Err(crate::error::Error::policy("enough"));
    let many = Query { sql: sql("SELECT generate_series(1, 1000000)"), columns: 1 };
    assert_eq!(target.read(&many, &mut { stop }).unwrap_err().kind(), Kind::Policy);
    target.end(false).unwrap();
}

#[test]
fn errors_name_places_and_no_values() {
    let url = server().fresh();
    script(&url, "CREATE TABLE t (n int CONSTRAINT small CHECK (n < 5)); CREATE TABLE u (x text)");
    for statement in ["INSERT INTO t VALUES (424242)", "INSERT INTO t SELECT 'hunter2'::text::int"] {
        let mut target = target(&url);
        target.begin(Enforce::Nothing).unwrap();
        let error = target.execute(&Sql::rendered(EngineKind::Postgres, statement)).unwrap_err();
        assert_eq!(error.kind(), Kind::Rejected);
        assert!(!format!("{error:?}").contains("hunter2") && !format!("{error:?}").contains("424242"), "{error:?}");
        assert_eq!(target.end(true).unwrap_err().kind(), Kind::Rejected);
    }
}

#[test]
fn a_source_cannot_write() {
    let url = server().fresh();
    script(&url, "CREATE TABLE t (n int)");
    let query = Query { sql: sql("INSERT INTO t VALUES (1) RETURNING n"), columns: 1 };
    assert!(source(&url).read(&query, &mut |_| Ok(())).is_err());
    assert_eq!(scalar(&mut *source(&url), sql("SELECT count(*) FROM t")).unwrap(), 0);
}

#[test]
fn without_superuser_triggers_are_silent_and_come_back() {
    let url = server().fresh();
    let plain = plain(&url);
    script(
        &url,
        "SET ROLE terp_plain; CREATE TABLE t (n int);
        CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
        CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION no()",
    );
    let before = source(&plain).catalogue().unwrap();
    let mut target = target(&plain);
    for enforce in [Enforce::Nothing, Enforce::ForeignKeys] {
        target.begin(enforce).unwrap();
        assert_eq!(target.execute(&sql("INSERT INTO t VALUES (1)")).unwrap(), 1);
        target.end(true).unwrap();
    }
    assert_eq!(source(&plain).catalogue().unwrap(), before);
    assert!(source(&plain).identity().unwrap().is_same_as(&source(&url).identity().unwrap()));
    let error = target.execute(&sql("INSERT INTO t VALUES (1)")).unwrap_err();
    assert!(!error.to_string().contains("RAISE") && error.kind() == Kind::Rejected);
}

#[test]
fn ten_thousand_tables_are_read_quickly() {
    let url = server().fresh();
    for from in (0..10_000).step_by(500) {
        let tables = (from..from + 500).map(|n| format!("CREATE TABLE t{n} (id int PRIMARY KEY, x varchar(9));"));
        script(&url, &tables.collect::<String>());
    }
    let start = std::time::Instant::now();
    assert_eq!(source(&url).catalogue().unwrap().tables.len(), 10_000);
    assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn the_session_of_another_role_is_named_and_not_ended() {
    let url = server().fresh();
    let plain = plain(&url);
    let mut holding = target(&url);
    holding.lock("restore of s@0123456789ab", std::time::Duration::ZERO).unwrap();
    let mut looking = target(&plain);
    let holder = looking.holder().unwrap().unwrap();
    assert!(holder.purpose == "restore of s@0123456789ab" && holder.process > 0, "{holder}");
    let error = looking.release(&holder).unwrap_err();
    assert!(error.kind() == Kind::Locked && error.to_string().contains("may not end"), "{error}");
    assert_eq!(holding.holder().unwrap().unwrap().process, holder.process);
}

#[test]
fn tls_is_used_with_any_certificate_and_verified_where_that_is_asked_for() {
    let server = server_with_tls();
    let url = server.fresh();
    script(&url, "CREATE TABLE t (n int); INSERT INTO t VALUES (1)");
    let is_encrypted = || sql("SELECT ssl::int FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    for (mode, encrypted) in [("require", 1), ("prefer", 1), ("disable", 0)] {
        let mut source = source(&format!("{url}?sslmode={mode}"));
        assert_eq!(scalar(&mut *source, is_encrypted()).unwrap(), encrypted, "{mode}");
    }
    for mode in ["verify-full", "verify-ca"] {
        let address = Address::new(format!("{url}?sslmode={mode}"));
        for error in [
            (ENGINE.source)(&address, &Cancel::default()).map(drop).unwrap_err(),
            (ENGINE.target)(&address, true, &Cancel::default()).map(drop).unwrap_err(),
        ] {
            assert_eq!(error.kind(), Kind::Unreachable);
            assert!(error.to_string().contains("TLS failed"), "{error}");
            assert!(error.hint_text().unwrap().contains("sslrootcert"), "{:?}", error.hint_text());
        }
    }
}

/// Rows `from..to` of a table with a number, a text that must be unique, and filling.
fn numbered(table: &crate::model::schema::Table, from: u32, to: u32) -> crate::model::proof::Checked {
    let names = ["id", "code", "note"].map(str::to_owned);
    let mut batch = Batch::new(3);
    for row in from..to {
        for text in [row.to_string(), format!("c{}", row.wrapping_mul(2_654_435_761)), "filling ".repeat(20)] {
            batch.push(crate::model::batch::Cell::text(&text));
        }
    }
    check::rows(Masked::vouch(batch), &Rules::new(EngineKind::Postgres, table, &names).unwrap(), 0).unwrap().0
}

#[test]
fn keys_of_fresh_tables_are_built_after_the_rows() {
    let create =
        "CREATE TABLE \"Big One\" (id bigint NOT NULL, code text, note text, CONSTRAINT \"The Key\" PRIMARY KEY (id),
        CONSTRAINT codes UNIQUE (code) INCLUDE (note) DEFERRABLE INITIALLY DEFERRED)";
    let model = server().fresh();
    script(&model, create);
    let wanted = source(&model).catalogue().unwrap();
    let table = &wanted.tables[0];
    let columns = ["id", "code", "note"].map(str::to_owned).to_vec();
    let into = LoadTable { table: table.name.clone(), columns, constants: Vec::new() };
    let create = Sql::rendered(EngineKind::Postgres, create);
    for known in [false, true] {
        let url = server().fresh();
        let mut target = target(&url);
        if known {
            script(&url, create.text());
        }
        target.begin(Enforce::Nothing).unwrap();
        if !known {
            target.execute(&create).unwrap();
        }
        let parts = [numbered(table, 0, 9_000), numbered(table, 9_000, 20_000)];
        assert_eq!(target.load_all(&into, &mut parts.into_iter().map(Ok)).unwrap(), 20_000);
        assert_eq!(target.load_all(&into, &mut [numbered(table, 20_000, 20_001)].into_iter().map(Ok)).unwrap(), 1);
        target.end(true).unwrap();
        let mut back = source(&url);
        assert_eq!(back.catalogue().unwrap().tables, wanted.tables);
        assert_eq!(state::count(&mut *back, &table.name).unwrap(), 20_001);
    }
    // A row that is there twice is refused by the key's name, whenever the key is built.
    let mut target = target(&server().fresh());
    target.begin(Enforce::Nothing).unwrap();
    target.execute(&create).unwrap();
    let parts = [numbered(table, 0, 9_000), numbered(table, 8_999, 18_000)];
    let error = target.load_all(&into, &mut parts.into_iter().map(Ok)).unwrap_err();
    assert_eq!(error.kind(), Kind::Rejected);
    assert!(error.to_string().contains("The Key") && !format!("{error:?} {error}").contains("8999"), "{error}");
    target.end(false).unwrap();
}

#[test]
fn a_token_is_the_same_only_while_nothing_was_written() {
    let url = server().fresh();
    script(&url, "CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    let token = || source(&url).token().unwrap();
    // Other tests write into other databases of the server, and transaction numbers are the server's.
    let quiet = || (0..500).map(|_| (token(), token())).find(|(one, other)| one.is_some() && one == other);
    let (before, _) = quiet().expect("two reads with nothing between them");
    for change in ["UPDATE t SET a = a", "TRUNCATE t", "CREATE TABLE u ()", "DROP TABLE u", "ANALYZE t"] {
        script(&url, change);
        assert_ne!(token(), before, "{change}");
    }
    let (before, _) = quiet().unwrap();
    let mut open = target(&url);
    open.begin(Enforce::ForeignKeys).unwrap();
    open.execute(&sql("INSERT INTO t VALUES (2)")).unwrap();
    let during = token();
    open.end(true).unwrap();
    let after = token();
    assert_ne!(after, before);
    assert!(during.is_none() || during != after, "what was under way is seen now");
    let plain = plain(&url);
    script(&url, "ALTER TABLE t ENABLE ROW LEVEL SECURITY; GRANT SELECT ON t TO PUBLIC");
    assert_eq!((0..50).find_map(|_| source(&plain).token().unwrap()), None, "what it sees, a policy decides");
    script(&url, "ALTER TABLE t DISABLE ROW LEVEL SECURITY");
    assert!((0..500).any(|_| source(&plain).token().unwrap().is_some()));
    script(
        &url,
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE f (a int) SERVER s",
    );
    assert_eq!((0..50).find_map(|_| token()), None, "rows of another server");
}
