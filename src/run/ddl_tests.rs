//! A schema read as DDL is the schema that the server has after it: names, types, lengths, NULL, keys and references. The sample
//! ERP, and every schema in the folder `TEST_SCHEMAS`.

use super::filled_tests::{MARIADB, MYSQL, POSTGRESQL, Server, schemas};
use super::server_tests::source;
use crate::ddl::{self, File};
use crate::engine::sql::Sql;
use crate::generate::sample;
use crate::model::schema::{Catalogue, EngineKind, Table};

fn read(text: &str, engine: EngineKind) -> Catalogue {
    let (catalogue, problems) = ddl::read(&[File { name: "schema.sql".into(), text: text.to_owned() }], engine);
    assert_eq!(problems, []);
    catalogue
}

/// What must be the same, as lines. Names that nobody wrote are the server's own affair.
fn lines(table: &Table, engine: EngineKind) -> Vec<String> {
    let name = |at: &usize| table.columns[*at].name.clone();
    let mut lines: Vec<String> = table
        .columns
        .iter()
        .map(|c| {
            format!(
                "{}.{} {} {} {:?} nullable {} generated {} {:?} default {} comment {:?}",
                table.name,
                c.name,
                c.declared.to_lowercase(),
                c.family,
                c.length,
                c.nullable,
                c.generated,
                c.collation.as_ref().filter(|_| engine == EngineKind::Sqlite),
                c.default.is_some(),
                c.comment
            )
        })
        .collect();
    let key: Vec<String> = table.primary_key.iter().map(name).collect();
    lines.push(format!("{} {:?} primary {key:?} counter {}", table.name, table.kind, table.counter));
    let mut keys: Vec<String> = table
        .uniques
        .iter()
        .map(|unique| {
            let columns: Vec<String> = unique.columns.iter().map(name).collect();
            format!("{} unique {columns:?} partial {}", table.name, unique.partial)
        })
        .chain(
            table
                .foreign_keys
                .iter()
                .map(|key| format!("{} {:?} to {} {:?}", table.name, key.columns, key.parent, key.parent_columns)),
        )
        .collect();
    keys.sort();
    lines.extend(keys);
    lines.push(format!("{} checks {}", table.name, table.checks.len()));
    lines
}

fn compare(what: &str, ddl: &Catalogue, live: &Catalogue) {
    let engine = live.engine;
    let names = |catalogue: &Catalogue| catalogue.tables.iter().map(|table| table.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(ddl), names(live), "{what}");
    let all =
        |catalogue: &Catalogue| catalogue.tables.iter().flat_map(|table| lines(table, engine)).collect::<Vec<_>>();
    let (left, right) = (all(ddl), all(live));
    let only = |these: &[String], those: &[String]| {
        these.iter().filter(|line| !those.contains(line)).cloned().collect::<Vec<_>>()
    };
    let (mine, servers) = (only(&left, &right), only(&right, &left));
    assert!(
        mine.is_empty() && servers.is_empty(),
        "{what}: DDL says\n{}\nand the server\n{}",
        mine.join("\n"),
        servers.join("\n")
    );
}

fn same_as_the_server(server: &Server) {
    for (name, text) in schemas(server) {
        let url = (server.fresh)();
        (server.script)(&url, &text);
        let live = source(&url).catalogue().unwrap();
        compare(&name, &read(&text, live.engine), &live);
        if name != "sample" {
            let folder = std::env::var_os("TEST_SCHEMAS").unwrap();
            let whole = std::fs::read_to_string(std::path::Path::new(&folder).join(&name)).unwrap();
            compare(&name, &read(&whole, live.engine), &live);
        }
    }
}

#[test]
fn ddl_says_what_postgresql_says() {
    same_as_the_server(&POSTGRESQL);
}

#[test]
fn ddl_says_what_mariadb_says() {
    same_as_the_server(&MARIADB);
}

#[test]
fn ddl_says_what_the_server_says_on_mysql() {
    same_as_the_server(&MYSQL);
}

#[test]
fn ddl_says_what_sqlite_says() {
    let folder = tempfile::tempdir().unwrap();
    let sample: Vec<String> = sample::schema(EngineKind::Sqlite).iter().map(|sql| Sql::text(sql).to_owned()).collect();
    let odd = "CREATE TABLE \"odd 'one'\" (a INTEGER PRIMARY KEY AUTOINCREMENT, \"b c\" VARCHAR( 40 ) NOT NULL COLLATE NOCASE UNIQUE,
        d, e DECIMAL(10, 2) DEFAULT (1 + 2) CHECK (e > 0), f AS (a * 2) STORED, g TEXT REFERENCES \"Odd 'One'\");
        CREATE TABLE w (x TEXT, y TEXT, PRIMARY KEY (x, y)) WITHOUT ROWID;
        CREATE UNIQUE INDEX lower ON w (lower(x)); CREATE UNIQUE INDEX some ON w (y) WHERE x > 'a';
        ALTER TABLE w ADD COLUMN z DATETIME; ALTER TABLE w RENAME COLUMN y TO yy;
        CREATE TRIGGER t AFTER INSERT ON w BEGIN UPDATE w SET z = CASE WHEN 1 THEN 2 END; SELECT 1; END;
        CREATE VIEW v AS SELECT * FROM w; CREATE VIRTUAL TABLE fts USING fts5(a, b);";
    for (at, text) in [sample.join(";\n") + ";", odd.to_owned()].into_iter().enumerate() {
        let url = format!("sqlite:{}", folder.path().join(format!("{at}.sqlite")).display());
        let mut target = super::server_tests::target(&url);
        target.execute(&Sql::rendered(EngineKind::Sqlite, text.clone())).unwrap();
        drop(target);
        let mut live = source(&url).catalogue().unwrap();
        let mut ddl = read(&text, EngineKind::Sqlite);
        // Only the module knows the columns of its storage.
        for table in live.tables.iter_mut().chain(&mut ddl.tables) {
            if table.kind != crate::model::schema::TableKind::Ordinary {
                table.columns.clear();
                table.primary_key.clear();
                table.uniques.clear();
            }
            table.checks.clear();
        }
        compare("sqlite", &ddl, &live);
    }
}
