//! A script of `export` makes the same database with the stock client of the server.

use super::testing::{Line, SMALL, Server, context, on_every_server, small_rows};
use crate::event::{Cancel, Silent};
use crate::model::schema::EngineKind;
use crate::run::export::{self, Format, Options};
use std::path::Path;
use std::process::Command;

on_every_server!(a_script_makes_the_same_database_with_the_stock_client);

const MYSQL: &str = "
    SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';
    CREATE TABLE `odd ``name'\"é` (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, c char(5), l varchar(40) CHARACTER SET latin1,
        b binary(4), vb varbinary(10), bits bit(5), d double, f float, dt datetime, e enum('it''s', 'b,\\\\c'), j json, g geometry,
        tx longtext, bl longblob, n decimal(20,4), gv int GENERATED ALWAYS AS (n + 1) VIRTUAL) AUTO_INCREMENT = 100;
    INSERT INTO `odd ``name'\"é` (id, c, l, b, vb, bits, d, f, dt, e, j, g, tx, bl, n) VALUES
        (1, 'ab ', 'é€', x'00ff', x'00ff5c0a27', b'101', 1.7976931348623157e308, 0.1, '2020-02-29 23:59:59', 'it''s',
         '{\"a\": [1, \"x\\\\n\"]}', ST_GeomFromText('POINT(1 2)'), '\\t\\n\\\\\\'\\\"\\r\\0\\Z; -- 🌿', x'', 12.5),
        (7, '', '', x'', x'', b'0', -0.0, NULL, '0000-00-00 00:00:00', NULL, 'null', NULL, '0xab', x'00', -1),
        (9, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    CREATE TRIGGER quiet BEFORE INSERT ON child FOR EACH ROW BEGIN SET NEW.note = 'from the trigger'; SET @a = ';'; END;
    CREATE VIEW seen AS SELECT id, code FROM parent;";

const POSTGRES: &str = "
    CREATE TYPE mood AS ENUM ('ok', 'it''s odd');
    CREATE TABLE \"odd \"\"name'é\" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood, tags text[], n numeric, b bytea, d float8,
        at timestamptz, j jsonb, tx text, twice bigint GENERATED ALWAYS AS (id * 2) STORED);
    INSERT INTO \"odd \"\"name'é\" (m, tags, n, b, d, at, j, tx) VALUES
        ('it''s odd', ARRAY['a', NULL, 'b,\"c\\'], 'NaN', '\\x00ff', 'Infinity', 'infinity', '{\"a\": \"\\u00e9\\n\"}',
         E'\\t\\n\\\\''\"\\r\\\\.; -- 🌿\\n\\\\.\\n'),
        (NULL, NULL, 1.50, '', 1e-300, '2020-02-29 23:59:59.999999+00', 'null', ''), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.note := ''from the trigger''; RETURN NEW; END';
    CREATE TRIGGER quiet BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION quiet();
    CREATE INDEX by_code ON parent (lower(code)); CREATE VIEW seen AS SELECT id, code FROM parent;";

fn a_script_makes_the_same_database_with_the_stock_client(server: &Server) {
    let more = if server.kind == EngineKind::Postgres { POSTGRES } else { MYSQL };
    let url = server.with(&format!("{SMALL} {} {more}", small_rows(0, 40)));
    let line = Line::new();
    let snapshot = line.capture(&url, "s").unwrap().snapshot.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = Options { format: Format::Sql, tables: Vec::new(), force: false };
    let context = context(&Silent, &Cancel::default());
    let done = export::export(&context, &line.repository, &snapshot, folder.path(), &options).unwrap();
    assert!(done.left_out.is_empty(), "{:?}", done.left_out);
    let second = server.with("");
    load(server.kind, &second, &done.files[0]);
    // A snapshot holds rows, so a counter goes on behind the last of them.
    let content = |url: &str| {
        let (rows, shape) = server.content(url);
        (rows, shape.split_once(", counters").unwrap().0.to_owned())
    };
    assert_eq!(content(&second), content(&url));
}

/// Runs the client on a script; it must have nothing to say.
fn load(kind: EngineKind, url: &str, script: &Path) {
    let rest = url.split_once("://").unwrap().1;
    let (user, place) = rest.split_once('@').unwrap();
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let (host, database) = place.split_once('/').unwrap();
    let (host, port) = host.split_once(':').unwrap();
    let mut command = if kind == EngineKind::Postgres {
        let mut command = Command::new("psql");
        command
            .args(["-X", "-q", "-o", "/dev/null", "-h", host, "-p", port, "-U", user, "-d", database, "-f"])
            .arg(script);
        command.env("PGPASSWORD", password);
        command
    } else {
        let mut command = Command::new("mysql");
        command
            .args(["--no-defaults", "--binary-mode", "--protocol=tcp", "-h", host, "-P", port, "-u", user])
            .arg(database);
        command.stdin(std::fs::File::open(script).unwrap()).env("MYSQL_PWD", password);
        command
    };
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}
