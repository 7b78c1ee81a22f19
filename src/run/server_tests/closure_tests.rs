//! The closure proof counts what the server itself would: across types, collations, padding and polymorphic references.

use super::testing::{Server, context, on_every_server, source};
use crate::event::{Cancel, Silent};
use crate::mask::key::MasterKey;
use crate::model::schema::EngineKind;
use crate::policy::{self, Policy};
use crate::run::closure::{self, Closure};
use crate::run::state;
use crate::secret::Secret32;

on_every_server!(what_dangles_is_what_the_server_says);

const TABLES: &str = "
    CREATE TABLE parent (id BIGINT NOT NULL PRIMARY KEY, code VARCHAR(20) NOT NULL UNIQUE, a CHAR(4) NOT NULL,
        n NUMERIC(10,2) NOT NULL, UNIQUE (a, n));
    CREATE TABLE child (id INTEGER NOT NULL PRIMARY KEY, parent_id INTEGER, a CHAR(4), n NUMERIC(10,2), kind VARCHAR(10),
        owner VARCHAR(20), code CHAR(20), FOREIGN KEY (a, n) REFERENCES parent (a, n));
    INSERT INTO parent VALUES (1, 'Ab', 'x', 1.5), (2, 'zz', 'yy', 2), (300, '300', 'y', 3);
    INSERT INTO child VALUES (1, 1, 'x', 1.50, 'P', '1', 'ab'), (2, 7, 'yy', 2.00, 'P', '300', 'zz'),
        (3, NULL, NULL, 1, 'Q', '9', 'nix'), (4, 300, 'y', 3, 'p', '77', '300'), (5, 2, NULL, NULL, 'P', 'abc', 'ZZ'),
        (6, 2, NULL, NULL, 'P', NULL, NULL);";

const POLICY: &str = "version = 1
    [tables.parent]
    mode = \"capture\"
    keep = [\"id\", \"code\", \"a\", \"n\"]
    [tables.child]
    mode = \"capture\"
    keep = [\"id\", \"parent_id\", \"a\", \"n\", \"kind\", \"owner\", \"code\"]
    [[subset.references]]
    table = \"child\"
    columns = \"parent_id\"
    parent = \"parent\"
    [[subset.references]]
    table = \"child\"
    columns = \"code\"
    parent = \"parent\"
    parent_columns = \"code\"
    [[subset.references]]
    table = \"child\"
    columns = \"n\"
    parent = \"parent\"
    [[subset.references]]
    table = \"child\"
    type_column = \"kind\"
    id_column = \"owner\"
    map = { P = \"parent\" }";

fn what_dangles_is_what_the_server_says(server: &Server) {
    let url = server.with(TABLES);
    if server.kind != EngineKind::Postgres {
        (server.script)(&url, "ALTER TABLE child MODIFY code CHAR(20) CHARACTER SET latin1 COLLATE latin1_bin;");
    }
    let mut source = source(&url, &Cancel::default()).unwrap();
    let catalogue = source.catalogue().unwrap();
    let policy = Policy::parse("test.toml", POLICY).unwrap();
    let plan = policy::resolve(&policy, &catalogue, "dev", &MasterKey::new(Secret32::new([7; 32]))).unwrap();
    let context = context(&Silent, &Cancel::default());
    let said = closure::expected(&context, &mut *source, &catalogue, &plan).unwrap();
    let proof = Closure::new(&plan.subset.references, &catalogue);
    for table in &catalogue.tables {
        let query = state::ordered_rows(server.kind, table);
        source
            .read(&query, &mut |batch| {
                proof.observe(&table.name, &batch);
                Ok(())
            })
            .unwrap();
    }
    let found: Vec<(u64, u64)> = proof.finish().into_iter().map(|tally| (tally.rows, tally.dangling)).collect();
    let cases = if server.kind == EngineKind::Postgres { 3 } else { 1 };
    assert_eq!(found, [(3, 0), (5, 1), (5, cases), (4, 2), (3, 1)]);
    assert_eq!(found.into_iter().map(|(_, dangling)| dangling).collect::<Vec<_>>(), said);
}
