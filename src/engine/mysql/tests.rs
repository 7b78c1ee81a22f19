//! Tests of the MySQL and MariaDB engine, on real servers.

use super::ENGINE;
use super::testing::{Server, script, script_of_bytes};
use crate::check::{self, Rules};
use crate::engine::suite::{self, Bench};
use crate::engine::{Enforce, LoadTable, Query, Source, Target, scalar, sql::Sql};
use crate::error::Kind;
use crate::event::Cancel;
use crate::model::batch::Batch;
use crate::model::proof::Masked;
use crate::model::schema::EngineKind;
use crate::run::state;
use crate::secret::Address;
use std::time::{Duration, Instant};

fn source(url: &str) -> Box<dyn Source> {
    (ENGINE.source)(&Address::new(url), &Cancel::default()).unwrap()
}

fn target(url: &str) -> Box<dyn Target> {
    (ENGINE.target)(&Address::new(url), false, &Cancel::default()).unwrap()
}

fn conforms(server: &Server) {
    let url = server.fresh();
    suite::run(&Bench { source: &|| source(&url), target: &|| target(&url) });
}

#[test]
fn it_passes_the_conformance_suite_on_mysql() {
    conforms(Server::mysql());
}

#[test]
fn it_passes_the_conformance_suite_on_mariadb() {
    conforms(Server::mariadb());
}

#[test]
fn comments_of_columns_are_read_on_mariadb() {
    let url = Server::mariadb().fresh();
    script(&url, "CREATE TABLE t (a text COMMENT 'an e-mail', b text)");
    let catalogue = source(&url).catalogue().unwrap();
    let comments: Vec<Option<&str>> = catalogue.tables[0].columns.iter().map(|c| c.comment.as_deref()).collect();
    assert_eq!(comments, [Some("an e-mail"), None]);
}

/// Types that both products have.
const TYPES: &str = r#"
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';
CREATE TABLE `Types 'of' "all" ``☘` (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, `select` decimal(65,30), ti tinyint, bo tinyint(1), si smallint unsigned,
  mi mediumint, i int(7) unsigned zerofill, f float, f2 float(7,3), d double, b1 bit(1), b64 bit(64), y year, dt date, dtt datetime, dt6 datetime(6),
  ts timestamp(3) NULL DEFAULT NULL, t time, t6 time(6), c char(5), v varchar(7), l1 varchar(40) CHARACTER SET latin1, u3 varchar(40) CHARACTER SET utf8mb3,
  cb char(3) CHARACTER SET binary, bin binary(4), vb varbinary(10), tt tinytext, tx text, mt mediumtext, lt longtext, tb tinyblob, bl blob, mb mediumblob,
  lb longblob, e enum('sad', 'it''s "ok"', 'a,b\\c', '') , s set('x', 'y y', 'z''z'), j json, g geometry, p point, poly polygon,
  gv int GENERATED ALWAYS AS (ti + 1) VIRTUAL, gs varchar(20) GENERATED ALWAYS AS (concat(v, '!')) STORED,
  de varchar(20) DEFAULT 'it''s', KEY k (v(3)), UNIQUE KEY u (v, si)) CHARACTER SET utf8mb4 AUTO_INCREMENT = 100;
INSERT INTO `Types 'of' "all" ``☘` (id, `select`, ti, bo, si, mi, i, f, f2, d, b1, b64, y, dt, dtt, dt6, ts, t, t6, c, v, l1, u3, cb, bin, vb, tt, tx,
  mt, lt, tb, bl, mb, lb, e, s, j, g, p, poly) VALUES
  (18446744073709551614, '12345678901234567890123456789012345.123456789012345678901234567891', -128, 1, 65535, -8388608, 42, 0.1, 1.125, 1.7976931348623157e308,
   b'1', 18446744073709551615, 2155, '9999-12-31', '1000-01-01 00:00:00', '2020-02-29 23:59:59.999999', '2038-01-19 03:14:07.999', '-838:59:59',
   '838:59:58.000001', 'ab  ', 'äöü☘', 'é€', 'ſ', x'000100', x'00ff', x'00ff5c0a27', '', '\t\n\\\'"\r\0\b', 'x', 'NULL', x'', x'00', '\\N', x'deadbeef',
   'it''s "ok"', 'x,z''z', '{"a": [1, 2.50, "é\\n\\"", null, true], "b": {}}', ST_GeomFromText('POINT(1 2)'), ST_GeomFromText('POINT(0.1 1e300)', 0),
   ST_GeomFromText('POLYGON((0 0,1 1,2 0,0 0))')),
  (0, NULL, NULL, 0, 0, NULL, NULL, 16777216, NULL, -0.0, b'0', 1, 0, '0000-00-00', '0000-00-00 00:00:00', '2020-00-00 00:00:00', NULL, '00:00:00',
   NULL, '', '', '', '', NULL, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '', '', 'null', NULL, NULL, NULL),
  (7, 0, NULL, NULL, NULL, NULL, NULL, 3.4028234e38, NULL, 5e-324, NULL, NULL, NULL, '2020-02-31', NULL, NULL, NULL, NULL,
   NULL, NULL, '🌿', NULL, NULL, NULL, NULL, NULL, NULL, '🌿', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"#;

fn every_type_travels(server: &Server, text: &str) {
    let (url, second) = (server.fresh(), server.fresh());
    script(&url, text);
    let mut from = source(&url);
    let catalogue = from.catalogue().unwrap();
    let before = state::database_digest(&mut *from, &catalogue).unwrap();
    let mut target = target(&second);
    target.begin(Enforce::Nothing).unwrap();
    for table in &catalogue.tables {
        target.execute(&Sql::rendered(catalogue.engine, &table.create)).unwrap();
    }
    for table in &catalogue.tables {
        let mut batches: Vec<Batch> = Vec::new();
        from.read(&state::ordered_rows(catalogue.engine, table), &mut |batch| {
            batches.push(batch);
            Ok(())
        })
        .unwrap();
        let stored: Vec<String> = table.stored_columns().iter().map(|&at| table.columns[at].name.clone()).collect();
        let rules = Rules::new(catalogue.engine, table, &stored).unwrap();
        let into = LoadTable { table: table.name.clone(), columns: stored, constants: Vec::new() };
        for batch in batches {
            let (checked, violations) = check::rows(Masked::vouch(batch), &rules, 0).unwrap();
            assert_eq!(violations, []);
            target.load(&into, &checked).unwrap();
        }
    }
    for object in &catalogue.post {
        target.execute(&Sql::rendered(catalogue.engine, &object.create)).unwrap();
    }
    target.end(true).unwrap();
    let mut back = source(&second);
    let after = back.catalogue().unwrap();
    assert_eq!(after.tables, catalogue.tables);
    assert_eq!((&after.pre, &after.post), (&catalogue.pre, &catalogue.post));
    assert_eq!(state::database_digest(&mut *back, &after).unwrap(), before);
}

/// The rows again and again, so that both ways in are taken.
fn many_rows() -> String {
    let many = "INSERT INTO many SELECT a.n * 100 + b.n, x'00ff', b'101', 'a\\tb\\\\', 0.1 FROM digits a, digits b";
    let digits: Vec<String> = (0..100).map(|n| format!("({n})")).collect();
    format!(
        "{TYPES} CREATE TABLE digits (n int); INSERT INTO digits VALUES {}; \
         CREATE TABLE many (id int PRIMARY KEY, b varbinary(8), bi bit(7), t text, f float); {many}",
        digits.join(", ")
    )
}

#[test]
fn every_type_travels_to_the_last_bit_on_mysql() {
    every_type_travels(Server::mysql(), &many_rows());
}

#[test]
fn every_type_travels_to_the_last_bit_on_mariadb() {
    let own = "; CREATE TABLE own (u uuid PRIMARY KEY, i inet6, c longtext COMPRESSED, x int DEFAULT (1 + 1)); \
        INSERT INTO own VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '::1', 'long', 3)";
    every_type_travels(Server::mariadb(), &format!("{}{own}", many_rows()));
}

/// MySQL makes a certificate for itself; MariaDB 10 has none unless it is given one.
#[test]
fn tls_is_used_with_any_certificate_and_verified_where_that_is_asked_for_on_mysql() {
    let url = Server::mysql().fresh();
    let cipher = |url: &str| {
        let mut length = 0;
        let sql = Sql::new(EngineKind::Mysql).lit("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
        source(url)
            .read(&Query { sql, columns: 2 }, &mut |batch| {
                length = batch.cell(0, 1).bytes.len();
                Ok(())
            })
            .unwrap();
        length
    };
    assert_eq!(cipher(&url), 0);
    assert!(cipher(&format!("{url}?ssl-mode=REQUIRED")) > 5);
    let address = Address::new(format!("{url}?ssl-mode=VERIFY_IDENTITY"));
    let error = (ENGINE.source)(&address, &Cancel::default()).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(error.to_string().contains("TLS failed") && error.hint_text().unwrap().contains("ssl-ca"), "{error}");
}

#[test]
fn a_server_without_tls_is_refused_when_it_is_asked_for_on_mariadb() {
    let address = Address::new(format!("{}?ssl-mode=REQUIRED", Server::mariadb().fresh()));
    match (ENGINE.source)(&address, &Cancel::default()) {
        // Newer ones make a certificate for themselves.
        Ok(mut source) => assert!(source.catalogue().unwrap().version.contains("MariaDB")),
        Err(error) => {
            assert_eq!(error.kind(), Kind::Unreachable);
            assert!(error.hint_text().unwrap().contains("ssl-mode=DISABLED"), "{error} {:?}", error.hint_text());
        }
    }
}

#[test]
fn an_account_with_select_alone_captures_and_is_told_what_it_may_not_see_on_mysql() {
    reads_with_select_alone(Server::mysql());
}

#[test]
fn an_account_with_select_alone_captures_and_is_told_what_it_may_not_see_on_mariadb() {
    reads_with_select_alone(Server::mariadb());
}

fn reads_with_select_alone(server: &Server) {
    let url = server.fresh();
    let (rest, database) = url.rsplit_once('/').unwrap();
    let user = format!("reader_{database}");
    script(
        &url,
        &format!(
            "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1);
             CREATE PROCEDURE p() SELECT 1; CREATE VIEW v AS SELECT id FROM t;
             CREATE USER '{user}'@'%' IDENTIFIED BY 'pw'; GRANT SELECT, SHOW VIEW, EXECUTE ON {database}.* TO '{user}'@'%'"
        ),
    );
    let host = rest.rsplit_once('@').unwrap().1;
    let reader = format!("mysql://{user}:pw@{host}/{database}");
    let catalogue = source(&reader).catalogue().unwrap();
    let text = |name: &str| catalogue.post.iter().find(|object| object.name == name).unwrap().create.clone();
    assert!(text("v").starts_with("CREATE ") && text("p").is_empty(), "{:?}", catalogue.post);
    let mut target = target(&reader);
    target.begin(Enforce::Nothing).unwrap();
    let error = target.execute(&Sql::new(EngineKind::Mysql).lit("INSERT INTO t VALUES (2)")).unwrap_err();
    assert!(error.kind() == Kind::Unreachable && error.to_string().contains("privilege"), "{error}");
    target.end(false).unwrap();
    script(&url, &format!("DROP USER '{user}'@'%'"));
}

/// Rows of a table made in the same transaction, one of them twice.
fn a_row_that_is_there_twice_is_refused(server: &Server) {
    for columns in ["id", "code"] {
        let url = server.fresh();
        let mut target = target(&url);
        target.begin(Enforce::Nothing).unwrap();
        let engine = target.engine();
        let create =
            "CREATE TABLE `twice` (`id` INT NOT NULL PRIMARY KEY, `code` VARCHAR(20), UNIQUE KEY `the code` (`code`))";
        target.execute(&Sql::rendered(engine, create)).unwrap();
        let mut batch = Batch::new(2);
        for row in 0..3000 {
            let (id, code) = if row == 2999 && columns == "id" { (7, row) } else { (row, row) };
            let code = if row == 2999 && columns == "code" { 7 } else { code };
            for text in [id.to_string(), format!("hunter{code}")] {
                batch.push(crate::model::batch::Cell::text(&text));
            }
        }
        let table = target.catalogue().unwrap().tables.remove(0);
        let names = ["id", "code"].map(str::to_owned);
        let (rows, _) = check::rows(Masked::vouch(batch), &Rules::new(engine, &table, &names).unwrap(), 0).unwrap();
        let into = LoadTable { table: table.name.clone(), columns: names.to_vec(), constants: Vec::new() };
        let error = target.load(&into, &rows).and_then(|_| target.end(true)).unwrap_err();
        assert_eq!(error.kind(), Kind::Rejected, "{columns}");
        assert!(!format!("{error:?} {error}").contains("hunter"), "{error}");
        target.end(false).unwrap();
        drop(target);
        assert!(source(&url).catalogue().unwrap().tables.is_empty());
    }
}

#[test]
fn a_row_that_is_there_twice_is_refused_on_mysql() {
    a_row_that_is_there_twice_is_refused(Server::mysql());
}

#[test]
fn a_row_that_is_there_twice_is_refused_on_mariadb() {
    a_row_that_is_there_twice_is_refused(Server::mariadb());
}

/// MySQL cannot read its process list while any session runs a statement with bytes that are no text.
fn the_holder_is_named_while_a_statement_with_raw_bytes_runs(server: &Server, waiting: &'static str) {
    let url = server.fresh();
    let (mut holder, mut other, mut keeper) = (target(&url), target(&url), target(&url));
    holder.lock("a restore", Duration::from_secs(5)).unwrap();
    let asked = |target: &mut dyn Target, sql: Sql| scalar(target, sql).unwrap();
    let gate = Sql::new(EngineKind::Mysql).lit("SELECT GET_LOCK(").string(&url[url.len() - 30..]).lit(", 30)");
    assert_eq!(asked(&mut *keeper, gate.clone()), 1);
    std::thread::scope(|scope| {
        let text = [gate.text().as_bytes(), b" + (_binary '\xFF\xFE\x80' IS NULL)"].concat();
        scope.spawn({
            let url = &url;
            move || script_of_bytes(url, &text)
        });
        let start = Instant::now();
        while asked(&mut *other, Sql::new(EngineKind::Mysql).lit(waiting)) == 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "the statement does not run");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        let named = other.holder();
        drop(keeper);
        let named = named.unwrap().unwrap();
        assert!(named.purpose == "a restore" && !named.host.is_empty(), "{named}");
        assert!(!named.host.contains("may not see"), "{named}");
    });
}

#[test]
fn the_holder_is_named_while_a_statement_with_raw_bytes_runs_on_mysql() {
    let waiting = "SELECT count(*) FROM performance_schema.threads \
        WHERE PROCESSLIST_DB = DATABASE() AND PROCESSLIST_STATE = 'User lock'";
    the_holder_is_named_while_a_statement_with_raw_bytes_runs(Server::mysql(), waiting);
}

#[test]
fn the_holder_is_named_while_a_statement_with_raw_bytes_runs_on_mariadb() {
    let waiting = "SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND STATE = 'User lock'";
    the_holder_is_named_while_a_statement_with_raw_bytes_runs(Server::mariadb(), waiting);
}
