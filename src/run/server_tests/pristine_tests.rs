//! What a template is filled with, on every server: the snapshot, and nothing of ours.

use super::testing::{Line, SMALL, Server, context, on_every_server, small_rows, source, target};
use crate::engine::{Enforce, sql::Sql};
use crate::event::{Cancel, Silent};
use crate::model::schema::TableName;
use crate::run::restore;

on_every_server!(a_template_holds_the_snapshot_only);

fn a_template_holds_the_snapshot_only(server: &Server) {
    let script = format!("{SMALL}\n{}\nCREATE VIEW codes AS SELECT code FROM parent;", small_rows(0, 50));
    let (from, to) = (server.with(&script), (server.fresh)());
    let line = Line::new();
    line.capture(&from, "s").unwrap();
    let snapshot = line.repository.find("s").unwrap();
    let (cancel, context) = (Cancel::default(), context(&Silent, &Cancel::default()));
    let mut opened = target(&to, &cancel).unwrap();
    let done = restore::fill(&context, &line.repository, &snapshot, &mut *opened, false).unwrap();
    assert_eq!(done.rows(), 150);
    drop(opened);
    assert_eq!(server.content(&to), server.content(&from));
    let own = source(&to, &cancel).unwrap().catalogue().unwrap().own;
    assert!(own.tables.is_empty() && own.marked.is_empty(), "{own:?}");
    // A second one does not go in.
    let mut opened = target(&to, &cancel).unwrap();
    assert!(restore::fill(&context, &line.repository, &snapshot, &mut *opened, false).is_err());
    // One table is emptied and loaded again.
    let child = TableName { name: "child".into(), ..snapshot.manifest.tables[0].table.clone() };
    opened.begin(Enforce::Nothing).unwrap();
    opened.execute(&Sql::new(server.kind).lit("DELETE FROM ").table(&child)).unwrap();
    let loaded = restore::load_table(&context, &line.repository, &snapshot, &mut *opened, (&child, None)).unwrap();
    opened.end(true).unwrap();
    drop(opened);
    assert_eq!((loaded, server.content(&to)), (100, server.content(&from)));
}
