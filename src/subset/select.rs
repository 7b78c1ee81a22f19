//! The questions that a walk asks: rows by keys, children of keys, roots. Keys travel as literals in batches, so that
//! nothing has to be written to the source.

use super::coding::{Owned, Part, literal};
use super::graph::{Graph, Node, comparable};
use crate::engine::Query;
use crate::engine::sql::{self, Sql};
use crate::model::schema::{Column, EngineKind, Family};
use crate::model::subset::{OrderBy, Root};

/// Keys of one column in one statement.
const SINGLE: usize = 2_000;
/// Keys of several columns.
const COMPOSITE: usize = 300;
/// Keys that are whole rows.
const ROWS: usize = 40;
/// Bytes of literals in one statement, well below what any engine takes.
pub(super) const TEXT: usize = 200_000;
/// References that a recursive question follows at most; servers stop at 1,000.
pub(super) const DEPTH: u32 = 900;

/// How many keys go into one statement.
pub(super) fn batch_size(parts: usize, by_content: bool) -> usize {
    match parts {
        _ if by_content => ROWS,
        1 => SINGLE,
        _ => COMPOSITE,
    }
}

/// Appends what a part is called in a statement about its table alone.
pub(super) fn part(sql: Sql, node: &Node<'_>, part: &Part) -> Sql {
    match part {
        Part::Column(at) => sql::exact_column(sql, &node.table.columns[*at]),
        Part::System(name) => sql.lit(name),
    }
}

fn column<'a>(node: &Node<'a>, part: &Part) -> Option<&'a Column> {
    match part {
        Part::Column(at) => Some(&node.table.columns[*at]),
        Part::System(_) => None,
    }
}

/// "These parts are one of these keys"; none where no key can be a value of them.
pub(super) struct Among<'a, 'g> {
    pub(super) node: &'a Node<'g>,
    pub(super) parts: &'a [Part],
    /// The alias in front of the columns.
    pub(super) alias: Option<&'static str>,
    /// Whether the keys come from columns of another type.
    pub(super) mixed: bool,
    /// SQLite: the collations by which the other side compares.
    pub(super) collations: Vec<Option<&'a str>>,
}

impl Among<'_, '_> {
    pub(super) fn sql(&self, engine: EngineKind, keys: &[Vec<Owned>]) -> Option<Sql> {
        if self.node.by_content && self.parts == self.node.identity {
            return self.rows(engine, keys);
        }
        let literals = |key: &Vec<Owned>| -> Option<Vec<Sql>> {
            let each = self.parts.iter().zip(key);
            each.map(|(part, cell)| literal(Sql::new(engine), self.literal_column(engine, part), cell.cell())).collect()
        };
        let keys: Vec<Vec<Sql>> = keys.iter().filter_map(literals).collect();
        if keys.is_empty() {
            return None;
        }
        if let [only] = self.parts {
            let sql = self.name(Sql::new(engine), 0, only).lit(" IN (");
            return Some(sql.list(keys.iter().flatten(), ", ", Sql::part).lit(")"));
        }
        let sql = Sql::new(engine)
            .lit("(")
            .list(self.parts.iter().enumerate(), ", ", |sql, (at, part)| self.name(sql, at, part));
        // SQLite knows lists of rows only as a subquery.
        let sql = sql.lit(if engine == EngineKind::Sqlite { ") IN (VALUES " } else { ") IN (" });
        let row = |sql: Sql, key: &Vec<Sql>| sql.lit("(").list(key, ", ", Sql::part).lit(")");
        Some(sql.list(&keys, ", ", row).lit(")"))
    }

    /// Whole rows: equal in what SQL can compare. Whoever reads the answer looks at the rest.
    fn rows(&self, engine: EngineKind, keys: &[Vec<Owned>]) -> Option<Sql> {
        let compared = |part: &Part| column(self.node, part).is_some_and(|column| comparable(column.family));
        let row = |key: &Vec<Owned>| -> Option<Sql> {
            let mut sql = Sql::new(engine).lit("(1 = 1");
            for (part, cell) in self.parts.iter().zip(key).filter(|(part, _)| compared(part)) {
                sql = super::select::part(sql.lit(" AND "), self.node, part).lit(" <=> ");
                sql = literal(sql, column(self.node, part), cell.cell())?;
            }
            Some(sql.lit(")"))
        };
        let rows: Vec<Sql> = keys.iter().filter_map(row).collect();
        let any = Sql::new(engine).lit("(").list(&rows, " OR ", Sql::part).lit(")");
        (!rows.is_empty()).then_some(any)
    }

    /// Where a column is compared as text, any text will do.
    fn literal_column<'c>(&'c self, engine: EngineKind, part: &Part) -> Option<&'c Column> {
        if self.as_text(engine, part) { None } else { column(self.node, part) }
    }

    /// PostgreSQL refuses literals that are no value of the column's type: those of other types are compared as text.
    fn as_text(&self, engine: EngineKind, part: &Part) -> bool {
        let plain = |column: &Column| matches!(column.family, Family::Integer | Family::Uuid | Family::Text);
        engine == EngineKind::Postgres && self.mixed && column(self.node, part).is_some_and(|column| !plain(column))
    }

    fn name(&self, sql: Sql, at: usize, part: &Part) -> Sql {
        let sql = match (self.alias, part) {
            (Some(alias), Part::Column(at)) => sql.column(alias, &self.node.table.columns[*at].name),
            (Some(alias), Part::System(name)) => sql.lit(alias).lit(".").lit(name),
            (None, _) => super::select::part(sql, self.node, part),
        };
        let sql = if self.as_text(sql.engine(), part) { sql.lit("::text") } else { sql };
        match self.collations.get(at).copied().flatten() {
            Some(collation) => sql.lit(" COLLATE ").name(collation),
            None => sql,
        }
    }
}

/// The header of rows of `node` for which `condition` holds.
pub(super) fn headers(engine: EngineKind, node: &Node<'_>, condition: &Sql) -> Query {
    let sql = Sql::new(engine).lit("SELECT ").list(&node.header, ", ", |sql, asked| part(sql, node, asked));
    let sql = sql.lit(" FROM ").table(&node.table.name).lit(" WHERE ").part(condition);
    Query { sql, columns: node.header.len() }
}

/// The condition that finds rows by what tells them apart.
pub(super) fn by_identity(graph: &Graph<'_>, node: &Node<'_>, keys: &[Vec<u8>]) -> Option<Sql> {
    let keys: Vec<Vec<Owned>> = keys.iter().map(|key| node.coder.decode(key)).collect();
    let among = Among { node, parts: &node.identity, alias: None, mixed: false, collations: Vec::new() };
    among.sql(graph.engine, &keys)
}

/// The children along a link whose references are among `keys`.
pub(super) fn children(graph: &Graph<'_>, link: usize, keys: &[Vec<Owned>]) -> Option<Query> {
    let (engine, at, link) = (graph.engine, link, &graph.links[link]);
    let (node, edge) = (&graph.nodes[link.child], &link.edge);
    let parts: Vec<Part> = link.columns.iter().map(|&at| Part::Column(at)).collect();
    let among =
        Among { node, parts: &parts, alias: None, mixed: is_mixed(graph, at), collations: collations(graph, at) };
    let mut condition = among.sql(engine, keys)?;
    if let Some((_, column, value)) = &link.of_type {
        condition = condition.lit(" AND ").part(&is_type(engine, &node.table.columns[*column], value));
    }
    if let Some(text) = &edge.condition {
        condition = condition.lit(" AND ").user_condition(text);
    }
    let Some(limit) = edge.limit else { return Some(headers(engine, node, &condition)) };
    let name = |at: usize| format!("terp_c{at}");
    let sql = Sql::new(engine).lit("SELECT ").list(0..node.header.len(), ", ", |sql, at| sql.name(&name(at)));
    let sql = sql.lit(" FROM (SELECT ").list(node.header.iter().enumerate(), ", ", |sql, (at, asked)| {
        part(sql, node, asked).lit(" AS ").name(&name(at))
    });
    let sql = sql.lit(", ROW_NUMBER() OVER (PARTITION BY ").list(&parts, ", ", |sql, asked| part(sql, node, asked));
    let sql = ordered(sql, node, &edge.order).lit(") AS terp_n FROM ").table(&node.table.name);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = sql.lit(" WHERE ").part(&condition).lit(") terp_q WHERE terp_n <= ").integer(limit);
    Some(Query { sql, columns: node.header.len() })
}

/// "The type column says so."
fn is_type(engine: EngineKind, column: &Column, value: &str) -> Sql {
    let sql = Sql::new(engine);
    match (engine, column.family) {
        // An enum refuses labels that it does not have; as text it is only unequal to them.
        (EngineKind::Postgres, family) if family != Family::Text => {
            sql.name(&column.name).lit("::text = ").string(value)
        }
        _ => sql.name(&column.name).lit(" = ").string(value),
    }
}

fn is_mixed(graph: &Graph<'_>, link: usize) -> bool {
    let (link, target) = (&graph.links[link], &graph.targets[graph.links[link].target]);
    let declared = |node: usize, columns: &[usize]| -> Vec<String> {
        columns.iter().map(|&at| graph.nodes[node].table.columns[at].declared.to_ascii_lowercase()).collect()
    };
    declared(link.child, &link.columns) != declared(target.node, &target.columns)
}

/// SQLite compares a reference by the parent's collation. Those that differ from the child's own have to be said.
fn collations<'a>(graph: &'a Graph<'_>, link: usize) -> Vec<Option<&'a str>> {
    if graph.engine != EngineKind::Sqlite {
        return Vec::new();
    }
    let (link, target) = (&graph.links[link], &graph.targets[graph.links[link].target]);
    let pairs = link.columns.iter().zip(&target.columns);
    let differing = pairs.map(|(&own, &other)| {
        let (own, other) =
            (&graph.nodes[link.child].table.columns[own], &graph.nodes[target.node].table.columns[other]);
        match (&own.collation, &other.collation) {
            (own, other) if own == other => None,
            (_, Some(other)) => Some(other.as_str()),
            (Some(_), None) => Some("BINARY"),
            (None, None) => None,
        }
    });
    differing.collect()
}

/// ` ORDER BY` the policy's columns, then the identity.
fn ordered(sql: Sql, node: &Node<'_>, order: &[OrderBy]) -> Sql {
    let sql = sql
        .lit(" ORDER BY ")
        .list(order, ", ", |sql, by| sql.name(&by.column).lit(if by.descending { " DESC" } else { "" }));
    let sql = if order.is_empty() { sql } else { sql.lit(", ") };
    sql.list(&node.identity, ", ", |sql, asked| part(sql, node, asked))
}

/// How the rows of a root's share are told: by the database itself, or by whoever reads them.
pub(super) enum Share {
    /// A condition in SQL.
    Sql(Sql),
    /// By a hash of the key, in the reader.
    Reader,
}

/// The prime that keys are mixed modulo.
pub(super) const PRIME: i64 = 2_147_483_647;

/// "The key, mixed by two secret numbers, is below the share", where keys are one whole number.
pub(super) fn share(engine: EngineKind, node: &Node<'_>, share: u32, (factor, summand): (i64, i64)) -> Share {
    let number = match node.identity.as_slice() {
        [Part::System("rowid" | "_rowid_" | "oid")] => true,
        [Part::Column(at)] => {
            let column = &node.table.columns[*at];
            column.family == Family::Integer && (engine != EngineKind::Sqlite || super::coding::is_rowid(column))
        }
        _ => false,
    };
    if !number {
        return Share::Reader;
    }
    let cast = if engine == EngineKind::Postgres { "::bigint" } else { "" };
    let below = i64::from(share) * PRIME / 1_000_000;
    let sql = part(Sql::new(engine).lit("(("), node, &node.identity[0]).lit(cast).lit(" % ").integer(PRIME).lit(" + ");
    // The first sum makes negative remainders positive.
    let sql = sql.integer(PRIME).lit(") % ").integer(PRIME).lit(" * ").integer(factor).lit(" + ").integer(summand);
    Share::Sql(sql.lit(") % ").integer(PRIME).lit(" < ").integer(below))
}

/// The rows of a root. `limited`: whether the database shall keep to its limit.
pub(super) fn root(engine: EngineKind, node: &Node<'_>, root: &Root, share: Option<&Sql>, limited: bool) -> Query {
    let user = root.condition.as_ref().map(|text| Sql::new(engine).user_condition(text));
    let conditions: Vec<Sql> = user.into_iter().chain(share.cloned()).collect();
    let all = Sql::new(engine).lit("1 = 1");
    let condition = conditions.iter().fold(all, |sql, condition| sql.lit(" AND ").part(condition));
    let mut query = headers(engine, node, &condition);
    if root.limit.is_some() {
        query.sql = ordered(query.sql, node, &root.order);
    }
    if let (Some(limit), true) = (root.limit, limited) {
        query.sql = query.sql.lit(" LIMIT ").integer(i64::try_from(limit).unwrap_or(i64::MAX));
    }
    query
}

/// The ancestors, or the descendants, of `keys` along a link of a table to itself, nearest first, [`DEPTH`] steps far; the
/// step stands behind the header. Keys are those of the link's target.
pub(super) fn chain(graph: &Graph<'_>, link: usize, up: bool, keys: &[Vec<Owned>]) -> Option<Query> {
    let (engine, link) = (graph.engine, &graph.links[link]);
    let (target, node) = (&graph.targets[link.target], &graph.nodes[link.child]);
    let own: Vec<&str> = link.columns.iter().map(|&at| node.table.columns[at].name.as_str()).collect();
    let other: Vec<&str> = target.columns.iter().map(|&at| node.table.columns[at].name.as_str()).collect();
    let name = |at: usize| format!("terp_k{at}");
    let parts: Vec<Part> =
        if up { &target.columns } else { &link.columns }.iter().map(|&at| Part::Column(at)).collect();
    let among = Among { node, parts: &parts, alias: Some("t"), mixed: false, collations: Vec::new() };
    let first = among.sql(engine, keys)?;
    let table = |sql: Sql| sql.lit(" FROM ").table(&node.table.name).lit(" t");
    let columns = |sql: Sql, names: &[&str]| sql.list(names, ", ", |sql, name| sql.column("t", name));
    let joined = |sql: Sql, names: &[&str]| {
        sql.list(names.iter().enumerate(), " AND ", |sql, (at, column)| {
            sql.column("t", column).lit(" = ").column("terp_w", &name(at))
        })
    };
    let sql = Sql::new(engine).lit("WITH RECURSIVE terp_w (").list(0..other.len(), ", ", |sql, at| sql.name(&name(at)));
    let sql = columns(sql.lit(", terp_n) AS (SELECT "), &other).lit(", 0");
    let sql = table(sql).lit(" WHERE ").part(&first).lit(" UNION SELECT ");
    let (taken, found) = if up { (&own, &other) } else { (&other, &own) };
    let sql = columns(sql, taken).lit(", terp_w.terp_n + 1 FROM terp_w JOIN ").table(&node.table.name).lit(" t ON ");
    let sql = joined(sql, found).lit(" WHERE terp_w.terp_n < ").integer(i64::from(DEPTH));
    let sql = own.iter().fold(sql, |sql, column| sql.lit(" AND ").column("t", column).lit(" IS NOT NULL"));
    let sql = sql.lit(") SELECT ").list(&node.header, ", ", |sql, asked| match asked {
        Part::Column(at) => sql.column("t", &node.table.columns[*at].name),
        Part::System(name) => sql.lit("t.").lit(name),
    });
    let sql = sql.lit(", terp_w.terp_n FROM terp_w JOIN ").table(&node.table.name).lit(" t ON ");
    let sql = joined(sql, &other).lit(" ORDER BY terp_w.terp_n");
    Some(Query { sql, columns: node.header.len() + 1 })
}
