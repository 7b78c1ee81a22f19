//! A few rows by one INSERT, out of an array of the table's own row type: the server reads every cell as a COPY would.
//!
//! A COPY is two writes, and the second waits for the server to acknowledge the first, which it puts off for 40 ms: the driver
//! leaves that to the system. Twenty tables of twenty rows would take a second of nothing.

use super::session::Session;
use crate::engine::LoadTable;
use crate::engine::sql::{self, Sql};
use crate::error::{Error, Result};
use crate::model::copytext::read_escaped;
use crate::model::schema::EngineKind;

/// Up to so many bytes of COPY text are a few rows.
pub(super) const FEW: usize = 1 << 18;

/// Where each column of the table finds its cell among those of a row, and what the array is called.
struct Shape {
    places: Vec<Option<usize>>,
    array: String,
}

/// Puts in rows that stand there as COPY text. None where only a COPY can: nothing was done then.
pub(super) fn insert(session: &mut Session, into: &LoadTable, names: &[&str], lines: &[u8]) -> Result<Option<u64>> {
    let Some(shape) = shape(session, into, names)? else { return Ok(None) };
    // A server whose encoding is none may hold bytes that are no text.
    let Ok(rows) = String::from_utf8(array(lines, &shape.places)?) else { return Ok(None) };
    let insert = postgres().lit("INSERT INTO ").table(&into.table).lit(" (");
    let insert =
        insert.list(names, ", ", |sql, name| sql.name(name)).lit(")").lit(sql::overriding(EngineKind::Postgres));
    let insert = insert.lit(" SELECT ").list(names, ", ", |sql, name| sql.column("r", name));
    let insert = insert.lit(" FROM pg_catalog.unnest(").string(&rows).lit("::");
    let insert = insert.part(&Sql::rendered(EngineKind::Postgres, shape.array)).lit(") AS r");
    session.run(insert.text()).map(Some)
}

fn postgres() -> Sql {
    Sql::new(EngineKind::Postgres)
}

fn shape(session: &mut Session, into: &LoadTable, names: &[&str]) -> Result<Option<Shape>> {
    // Rules would rewrite an INSERT, and a domain may refuse the NULL that stands for a column without a cell.
    let sql = postgres()
        .lit("SELECT a.attname, pg_catalog.format_type(e.typarray, NULL), t.typtype, NOT c.relhasrules ")
        .lit("FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid ")
        .lit("JOIN pg_catalog.pg_type e ON e.oid = c.reltype JOIN pg_catalog.pg_type t ON t.oid = a.atttypid ")
        .lit("WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND e.typarray <> 0 AND c.oid = ")
        .string(postgres().table(&into.table).text())
        .lit("::pg_catalog.regclass ORDER BY a.attnum");
    let (mut places, mut array) = (Vec::new(), None);
    for row in session.rows(sql.text())? {
        let [Some(name), Some(kind), Some(base), Some(plain)] = row.as_slice() else { return Ok(None) };
        let place = names.iter().position(|known| known == name);
        if plain != "t" || (place.is_none() && base == "d") {
            return Ok(None);
        }
        places.push(place);
        array = Some(kind.clone());
    }
    Ok(array.map(|array| Shape { places, array }))
}

/// The literal of an array of rows: parentheses around each, commas between its cells, nothing for NULL.
fn array(lines: &[u8], places: &[Option<usize>]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(lines.len() * 2);
    let mut cell = Vec::new();
    out.push(b'{');
    for line in lines.strip_suffix(b"\n").unwrap_or(lines).split(|&byte| byte == b'\n') {
        let cells: Vec<&[u8]> = line.split(|&byte| byte == b'\t').collect();
        out.extend_from_slice(if out.len() > 1 { b",\"(" } else { b"\"(" });
        for (at, place) in places.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            match place.map(|place| cells.get(place).copied()) {
                None | Some(Some(b"\\N")) => {}
                Some(None) => return Err(Error::internal("a row has fewer cells than its load")),
                Some(Some(text)) if text.contains(&b'\\') => {
                    cell.clear();
                    read_escaped(&mut cell, text).map_err(Error::internal)?;
                    write(&mut out, &cell);
                }
                Some(Some(text)) => write(&mut out, text),
            }
        }
        out.extend_from_slice(b")\"");
    }
    out.push(b'}');
    Ok(out)
}

/// Appends a cell, quoted once for its row and once for the array.
fn write(out: &mut Vec<u8>, cell: &[u8]) {
    if !cell.is_empty() && !cell.iter().any(|byte| b"\\\",()".contains(byte)) {
        return out.extend_from_slice(cell);
    }
    out.extend_from_slice(b"\\\"");
    for &byte in cell {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\\\\\"),
            b'"' => out.extend_from_slice(b"\\\\\\\""),
            _ => out.push(byte),
        }
    }
    out.extend_from_slice(b"\\\"");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_an_array() {
        let text = |lines: &str, places: &[Option<usize>]| {
            String::from_utf8(array(lines.as_bytes(), places).unwrap()).unwrap()
        };
        let all = [Some(0), Some(1)];
        assert_eq!(text("1\ta b\n2\t\\N\n", &all), r#"{"(1,a b)","(2,)"}"#);
        assert_eq!(text("\ta,b\n", &all), r#"{"(\"\",\"a,b\")"}"#);
        assert_eq!(text("it's\t\\\\\n", &all), r#"{"(it's,\"\\\\\")"}"#);
        assert_eq!(text("\"\t\\n(\n", &all), "{\"(\\\"\\\\\\\"\\\",\\\"\n(\\\")\"}");
        assert_eq!(text("1\t2\n", &[Some(1), None, Some(0)]), r#"{"(2,,1)"}"#);
        assert!(array(b"1\n", &all).is_err());
    }
}
