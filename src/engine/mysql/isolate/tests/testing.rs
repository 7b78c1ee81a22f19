//! A template and a clone of it for a test, and a schema with everything in it that has ever made a reset wrong.

use crate::engine::isolate::{Done, Host, How, Outcome, Pristine, Resettable, Rung};
use crate::engine::mysql::ENGINE;
use crate::engine::mysql::testing::{Server, script};
use crate::engine::testing::database_name;
use crate::engine::{Source, Target};
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::model::schema::{Catalogue, TableName};
use crate::run::state;
use crate::secret::Address;
use mysql_async::prelude::Queryable;

/// Tables of all kinds, and rows. Both products take it.
pub(super) const WORLD: &str = r#"
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'; SET foreign_key_checks = 0; SET time_zone = '+00:00';
CREATE TABLE parents (id int PRIMARY KEY AUTO_INCREMENT, code varchar(20) NOT NULL, note text, UNIQUE KEY code (code)) AUTO_INCREMENT = 50;
CREATE TABLE kids (id int PRIMARY KEY, parent int, name varchar(30),
  CONSTRAINT kids_1 FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE grandkids (a int, b varchar(10), kid int NOT NULL, PRIMARY KEY (a, b),
  CONSTRAINT grandkids_1 FOREIGN KEY (kid) REFERENCES kids (id) ON DELETE CASCADE);
CREATE TABLE by_code (id int PRIMARY KEY, code varchar(20) UNIQUE,
  CONSTRAINT by_code_1 FOREIGN KEY (code) REFERENCES parents (code) ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE of_code (id int PRIMARY KEY, code varchar(20),
  CONSTRAINT of_code_1 FOREIGN KEY (code) REFERENCES by_code (code) ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE orders (shop int, no varchar(10), total decimal(10,2), PRIMARY KEY (shop, no));
CREATE TABLE `lines` (id binary(4) PRIMARY KEY, shop int, no varchar(10),
  CONSTRAINT lines_1 FOREIGN KEY (shop, no) REFERENCES orders (shop, no) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE line_notes (shop int, no varchar(10), n int, note text, PRIMARY KEY (shop, no, n), UNIQUE KEY (n),
  CONSTRAINT line_notes_1 FOREIGN KEY (shop, no) REFERENCES orders (shop, no) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE of_note (id int PRIMARY KEY, n int, CONSTRAINT of_note_1 FOREIGN KEY (n) REFERENCES line_notes (n) ON DELETE CASCADE);
CREATE TABLE tree (id int PRIMARY KEY, up int, CONSTRAINT tree_1 FOREIGN KEY (up) REFERENCES tree (id) ON DELETE CASCADE);
CREATE TABLE a_side (id int PRIMARY KEY, b int, CONSTRAINT a_1 FOREIGN KEY (b) REFERENCES b_side (id) ON DELETE CASCADE);
CREATE TABLE b_side (id int PRIMARY KEY, a int, CONSTRAINT b_1 FOREIGN KEY (a) REFERENCES a_side (id) ON DELETE CASCADE);
CREATE TABLE shelves (id int PRIMARY KEY);
CREATE TABLE loose (shelf int, note text, CONSTRAINT loose_1 FOREIGN KEY (shelf) REFERENCES shelves (id) ON DELETE CASCADE);
CREATE TABLE k_text (k varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY, v int) COLLATE utf8mb4_general_ci;
CREATE TABLE k_latin (k varchar(20) CHARACTER SET latin1, c char(5), v int, PRIMARY KEY (k, c));
CREATE TABLE k_bin (k varbinary(20) PRIMARY KEY, v int);
CREATE TABLE k_dec (k decimal(30,10) PRIMARY KEY, v int);
CREATE TABLE k_date (k date, t time(3), PRIMARY KEY (k, t), v int);
CREATE TABLE k_when (k datetime(6) PRIMARY KEY, v int);
CREATE TABLE k_stamp (k timestamp(3) NOT NULL DEFAULT '2000-01-01 00:00:00', v int, PRIMARY KEY (k));
CREATE TABLE k_enum (k enum('b', 'a'), s set('x', 'y', 'z') NOT NULL, b bit(9) NOT NULL, y year NOT NULL, v int, PRIMARY KEY (k, s, b, y));
CREATE TABLE k_big (k bigint unsigned PRIMARY KEY, v int);
CREATE TABLE k_float (k double PRIMARY KEY, v int);
CREATE TABLE k_unique (a int NOT NULL, b int, v int, UNIQUE KEY (a), UNIQUE KEY (b));
CREATE TABLE made (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a * 2) STORED, c int GENERATED ALWAYS AS (a + 1) VIRTUAL, KEY (c));
CREATE TABLE parts (id int PRIMARY KEY, v int) PARTITION BY HASH (id) PARTITIONS 3;
CREATE TABLE mine (id int PRIMARY KEY, v varchar(9)) ENGINE = MyISAM;
CREATE TABLE memo (id int PRIMARY KEY, v varchar(9)) ENGINE = MEMORY;
CREATE TABLE words (id int PRIMARY KEY AUTO_INCREMENT, t text, FULLTEXT KEY (t));
CREATE TABLE spots (id int PRIMARY KEY, p point NOT NULL, SPATIAL KEY (p), j json, f float);
CREATE TABLE `select ``☘ "t" /#p#` (`a ``b` int PRIMARY KEY, `select` int);
CREATE TABLE t234567890123456789012345678901234567890123456789012345678901234 (c234567890123456789012345678901234567890123456789012345678901234 int PRIMARY KEY);
CREATE TABLE zeros (id int PRIMARY KEY AUTO_INCREMENT, d date);
CREATE TABLE hidden (id int PRIMARY KEY, h int INVISIBLE);
CREATE TABLE docs (id int PRIMARY KEY, body varchar(40), n int);
CREATE TABLE audit (id int PRIMARY KEY AUTO_INCREMENT, what varchar(80));
CREATE TABLE empty_one (id int PRIMARY KEY AUTO_INCREMENT, v int);
INSERT INTO parents VALUES (1, 'a', 'n'), (2, 'b', NULL), (3, 'c', 'ü'), (4, 'd', '');
INSERT INTO kids VALUES (1, 1, 'x'), (2, 1, 'y'), (3, 2, 'z'), (4, NULL, 'n'), (5, 3, 'w');
INSERT INTO grandkids VALUES (1, 'a', 1), (1, 'b', 2), (2, '', 3), (3, 'ü', 5);
INSERT INTO by_code VALUES (1, 'a'), (2, 'b'), (3, NULL); INSERT INTO of_code VALUES (1, 'a'), (2, 'a'), (3, 'b'), (4, NULL);
INSERT INTO orders VALUES (1, 'x', 1.5), (1, 'y', 2), (2, 'x', NULL);
INSERT INTO `lines` VALUES (x'00000001', 1, 'x'), (x'00ff0027', 1, 'x'), (x'5c5c5c5c', 1, 'y'), (x'01', 2, 'x');
INSERT INTO line_notes VALUES (1, 'x', 1, 'a'), (1, 'x', 2, 'b'), (2, 'x', 3, NULL); INSERT INTO of_note VALUES (1, 1), (2, 2), (3, NULL);
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 3), (5, NULL), (6, 5);
INSERT INTO a_side VALUES (1, 1), (2, 2), (3, NULL); INSERT INTO b_side VALUES (1, 2), (2, 3);
INSERT INTO shelves VALUES (1), (2); INSERT INTO loose VALUES (1, 'a'), (1, 'a'), (2, NULL), (NULL, 'b');
INSERT INTO k_text VALUES ('a', 1), ('b,c', 2), ('', 3), ('🌿''\\', 4); INSERT INTO k_latin VALUES ('é', 'x', 1), ('', '', 2), (',', ',', 3);
INSERT INTO k_bin VALUES (x'00', 1), (x'', 2), (x'ff27', 3); INSERT INTO k_dec VALUES (1.5, 1), (-0.0000000001, 2), (12345678901234567890.0123456789, 3);
INSERT INTO k_date VALUES ('2020-02-29', '-01:00:00.001', 1), ('0000-00-00', '838:59:59', 2), ('2020-02-31', '00:00:00', 3);
INSERT INTO k_when VALUES ('2020-01-01 00:00:00.000001', 1), ('0000-00-00 00:00:00', 2);
INSERT INTO k_stamp VALUES ('2020-10-25 00:30:00.5', 1), ('2020-10-25 01:30:00.5', 2), ('0000-00-00 00:00:00', 3);
INSERT INTO k_enum VALUES ('b', 'x,z', b'101', 2020, 1), ('a', '', b'0', 0, 2), ('a', 'y', b'111111111', 1901, 3);
INSERT INTO k_big VALUES (18446744073709551615, 1), (0, 2); INSERT INTO k_float VALUES (0.1, 1), (1e300, 2);
INSERT INTO k_unique VALUES (1, NULL, 1), (2, 5, 2); INSERT INTO made (id, a) VALUES (1, 1), (2, NULL);
INSERT INTO parts VALUES (1, 1), (2, 2), (3, 3), (4, 4); INSERT INTO mine VALUES (1, 'a'), (2, 'b'); INSERT INTO memo VALUES (1, 'a');
INSERT INTO words VALUES (1, 'some words here'), (2, NULL); INSERT INTO spots VALUES (1, ST_GeomFromText('POINT(1 2)'), '{"a": 1}', 0.1);
INSERT INTO `select ``☘ "t" /#p#` VALUES (1, 1), (2, 2); INSERT INTO t234567890123456789012345678901234567890123456789012345678901234 VALUES (1), (2);
INSERT INTO zeros VALUES (0, '0000-00-00'), (3, '2020-00-00'); INSERT INTO hidden (id, h) VALUES (1, 1), (2, NULL);
INSERT INTO docs VALUES (1, 'lower', 1), (2, 'case', 2); INSERT INTO audit VALUES (1, 'before');
CREATE VIEW seen AS SELECT id, code FROM parents WHERE id > 1;
CREATE FUNCTION twice (n int) RETURNS int DETERMINISTIC RETURN 2 * n;
CREATE TRIGGER docs_1 BEFORE INSERT ON docs FOR EACH ROW SET NEW.body = UPPER(NEW.body);
CREATE TRIGGER docs_2 AFTER INSERT ON docs FOR EACH ROW BEGIN INSERT INTO audit (what) VALUES (CONCAT('came ', NEW.id)); END;
CREATE TRIGGER docs_3 AFTER UPDATE ON docs FOR EACH ROW INSERT INTO audit (what) VALUES (CONCAT('changed ', OLD.id)) -- and that is all
;
CREATE TRIGGER docs_4 BEFORE DELETE ON docs FOR EACH ROW BEGIN IF OLD.n = 2 THEN UPDATE parents SET note = 'gone' WHERE id = 4; END IF; END;
CREATE EVENT later ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00' DO DELETE FROM parents;
"#;

/// Rows of the snapshot are never asked for: the server has them.
struct Nothing;

impl Pristine for Nothing {
    fn load(&mut self, _: &mut dyn Target, _: &TableName, _: Option<&TableName>) -> Result<u64> {
        Err(Error::internal("a server with templates asked for rows"))
    }
}

/// A template and a clone, removed at the end.
pub(super) struct Ground {
    pub(super) server: &'static Server,
    pub(super) host: Box<dyn Host>,
    pub(super) template: String,
    pub(super) clone: String,
    pub(super) warm: Box<dyn Resettable>,
    /// The template's catalogue before it was sealed.
    pub(super) catalogue: Catalogue,
    digest: String,
}

impl Drop for Ground {
    fn drop(&mut self) {
        for name in [&self.clone, &self.template] {
            self.host.remove(name).unwrap();
            assert!(!self.host.exists(name).unwrap());
        }
    }
}

pub(super) fn host(url: &str) -> Box<dyn Host> {
    (ENGINE.host)(&Address::new(url), &Cancel::default()).unwrap()
}

fn source(url: &str) -> Box<dyn Source> {
    (ENGINE.source)(&Address::new(url), &Cancel::default()).unwrap()
}

impl Ground {
    pub(super) fn new(server: &'static Server, text: &str) -> Self {
        Self::by(server, &server.url(""), text)
    }

    /// With a host whose account is another one.
    pub(super) fn by(server: &'static Server, url: &str, text: &str) -> Self {
        let mut host = host(url);
        let name = database_name();
        let (template, clone) = (name.replacen("terp_", "terp_t_", 1), name.replacen("terp_", "terp_w_", 1));
        for name in [&template, &clone] {
            self::host(&server.url("")).remove(name).unwrap();
        }
        host.create(&template).unwrap();
        script(&server.url(&template), text);
        let mut before = source(&server.url(&template));
        let catalogue = before.catalogue().unwrap();
        drop(before);
        host.seal(&template).unwrap();
        host.clone_template(&template, &clone).unwrap();
        let warm = host.open(&template, &clone).unwrap();
        let mut ground = Self { server, host, template, clone, warm, catalogue, digest: String::new() };
        ground.digest = ground.digest_of(&ground.template.clone());
        ground
    }

    pub(super) fn url(&self) -> String {
        self.server.url(&self.clone)
    }

    fn digest_of(&self, name: &str) -> String {
        format!("{:?}", state::database_digest(&mut *source(&self.server.url(name)), &self.catalogue).unwrap())
    }

    /// The clone is the template again, to the last row and word.
    pub(super) fn assert_pristine(&self, what: &str) {
        let now = source(&self.url()).catalogue().unwrap();
        for (now, before) in now.tables.iter().zip(&self.catalogue.tables) {
            assert_eq!(now, before, "{what}");
        }
        assert_eq!(now.tables.len(), self.catalogue.tables.len(), "{what}");
        assert_eq!((&now.pre, &now.post), (&self.catalogue.pre, &self.catalogue.post), "{what}");
        assert_eq!(self.digest_of(&self.clone), self.digest, "{what}");
    }

    pub(super) fn outcome(&mut self, how: &How) -> Outcome {
        self.warm.reset(how, &mut Nothing).unwrap()
    }

    pub(super) fn done(&mut self, how: &How) -> Done {
        match self.outcome(how) {
            Outcome::Done(done) => done,
            Outcome::Spoiled(why) => panic!("{why}"),
        }
    }

    /// Does something to the clone, and puts it back.
    pub(super) fn after(&mut self, text: &str, rung: Rung) -> Done {
        script(&self.url(), text);
        let done = self.done(&How::default());
        self.assert_pristine(text);
        assert_eq!(done.rung, rung, "{text}: {done:?}");
        let again = self.done(&How::default());
        assert_eq!((again.rung, again.rows), (Rung::Clean, 0), "{text}");
        done
    }

    pub(super) fn why_spoiled(&mut self) -> String {
        match self.outcome(&How::default()) {
            Outcome::Spoiled(why) => why,
            Outcome::Done(done) => panic!("{done:?}"),
        }
    }
}

/// A connection of an application.
pub(super) struct App {
    runtime: tokio::runtime::Runtime,
    connection: Option<mysql_async::Conn>,
}

impl App {
    pub(super) fn new(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = url.replacen("mariadb://", "mysql://", 1);
        let connection = Some(runtime.block_on(mysql_async::Conn::from_url(url)).unwrap());
        Self { runtime, connection }
    }

    pub(super) fn try_run(&mut self, text: &str) -> std::result::Result<(), mysql_async::Error> {
        self.runtime.block_on(self.connection.as_mut().unwrap().query_drop(text))
    }

    pub(super) fn run(&mut self, text: &str) {
        self.try_run(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }

    pub(super) fn number(&mut self, text: &str) -> Option<i64> {
        self.runtime.block_on(self.connection.as_mut().unwrap().query_first(text)).unwrap()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let connection = self.connection.take().unwrap();
        drop(self.runtime.block_on(connection.disconnect()));
    }
}
