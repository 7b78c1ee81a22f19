//! Subsets of a size: about so many rows, spread over the roots, with one row of every kind that exists.
//!
//! First come representatives: of every table the rows with the lowest and the highest key for each value of each column that
//! names a kind (enums, booleans, types, states), and for "references something or not". They bring their parents only. Then
//! rows of the roots, chosen by a keyed hash, bring what the policy lets follow, in waves until the size is reached.

use super::coding::Part;
use super::graph::Node;
use super::select;
use super::walk::{Ask, Walk};
use crate::engine::Query;
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::mask::key::DomainKey;
use crate::model::schema::{Column, Family};
use crate::model::subset::Root;

/// A column with more values than this does not name kinds.
const KINDS: u64 = 40;
/// Waves until the size is reached.
const WAVES: u32 = 16;

/// About how many rows a subset shall have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// About 1,000.
    Small,
    /// About 10,000.
    Medium,
    /// About 100,000.
    Large,
}

impl Size {
    /// Every size.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// The word on the command line and in the manifest.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }

    /// The rows aimed at, whole tables not counted.
    #[must_use]
    pub fn rows(self) -> u64 {
        match self {
            Self::Small => 1_000,
            Self::Medium => 10_000,
            Self::Large => 100_000,
        }
    }

    /// The children that a parent row brings along each reference, where the policy names no limit.
    #[must_use]
    pub fn children(self) -> u64 {
        match self {
            Self::Small => 5,
            Self::Medium => 20,
            Self::Large => 50,
        }
    }
}

/// Words in the names of text columns that name kinds.
const WORDS: [&str; 14] = [
    "status", "state", "type", "kind", "category", "stage", "level", "mode", "role", "method", "priority", "currency",
    "country", "class",
];

impl Walk<'_> {
    /// Takes about as many rows as the size says. The roots are the policy's, or every table.
    ///
    /// # Errors
    /// As [`Ask::ask`]; whatever `watch` returns.
    pub fn grow(
        &mut self,
        ask: &mut dyn Ask,
        sample: &DomainKey,
        size: Size,
        watch: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let given = self.roots.len();
        let tables: Vec<usize> = (0..self.graph.nodes.len()).filter(|&at| self.is_sampled(at)).collect();
        let paths = self.populations();
        if given == 0 {
            let root = |&at: &usize| Root {
                table: self.graph.nodes[at].table.name.clone(),
                condition: None,
                limit: None,
                share: None,
                order: Vec::new(),
            };
            let roots: Vec<Root> = tables.iter().map(root).collect();
            self.add_roots(roots);
        }
        self.budget = Some(size.rows());
        for &at in &tables {
            if let Some(population) = &paths[at] {
                self.representatives(ask, at, population)?;
            }
        }
        self.finish(ask, watch)?;
        let roots: Vec<Root> = self.roots[..if given == 0 { tables.len() } else { given }].to_vec();
        self.waves(ask, sample, &roots, watch)
    }

    /// Waves of root rows until the budget is used up.
    fn waves(
        &mut self,
        ask: &mut dyn Ask,
        sample: &DomainKey,
        roots: &[Root],
        watch: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let mut shares: Vec<u32> = vec![0; roots.len()];
        let counts = roots.iter().map(|root| self.count(ask, root)).collect::<Result<Vec<u64>>>()?;
        let mut cost = 2;
        for _ in 0..WAVES {
            let left = self.budget.unwrap_or(u64::MAX).saturating_sub(self.counted_rows());
            let open: Vec<usize> =
                (0..roots.len()).filter(|&at| shares[at] < most(&roots[at]) && counts[at] > 0).collect();
            if left == 0 || open.is_empty() {
                break;
            }
            let (rows, before) = (self.counted_rows(), self.of_roots().iter().sum::<u64>());
            // Half of what would fill the budget, so that a wave that brings more than the last one does not overshoot.
            let each = (left / cost / open.len() as u64 / 2).max(1);
            for at in open {
                let step = (each.saturating_mul(1_000_000) / counts[at]).clamp(1, 1_000_000);
                shares[at] = most(&roots[at]).min(shares[at].saturating_add(u32::try_from(step).unwrap_or(1_000_000)));
                let wanted = roots[at].limit.map(|limit| limit.min(counts[at]));
                let root = Root {
                    share: Some(shares[at]).filter(|share| *share < 1_000_000),
                    limit: wanted,
                    ..roots[at].clone()
                };
                self.take_root(ask, &root, sample, at, self.root_level())?;
                if self.counted_rows() >= self.budget.unwrap_or(u64::MAX) {
                    break;
                }
            }
            self.finish(ask, watch)?;
            let gained = (self.counted_rows() - rows, self.of_roots().iter().sum::<u64>() - before);
            cost = (gained.0 / gained.1.max(1)).clamp(1, 10_000);
        }
        Ok(())
    }

    /// The rows that a root could choose.
    fn count(&mut self, ask: &mut dyn Ask, root: &Root) -> Result<u64> {
        let engine = self.graph.engine;
        let sql = Sql::new(engine).lit("SELECT count(*) FROM ").table(&root.table);
        let sql = match &root.condition {
            Some(text) => sql.lit(" WHERE ").user_condition(text),
            None => sql,
        };
        let mut count = None;
        ask.ask(&mut std::iter::once(Query { sql, columns: 1 }), &mut |_, batch| {
            count = std::str::from_utf8(batch.cell(0, 0).bytes).ok().and_then(|text| text.parse().ok());
            Ok(())
        })?;
        count.ok_or_else(|| Error::internal("a counting query did not yield one number"))
    }

    /// Takes the rows that represent the kinds of a table's rows.
    fn representatives(&mut self, ask: &mut dyn Ask, at: usize, population: &Sql) -> Result<()> {
        let node = &self.graph.nodes[at];
        let mut number = None;
        for kind in kinds(node) {
            let mut groups = 0;
            let count = Query { sql: number_of_kinds(self.graph.engine, node, &kind, population), columns: 1 };
            ask.ask(&mut std::iter::once(count), &mut |_, batch| {
                groups += batch.rows() as u64;
                Ok(())
            })?;
            if groups > KINDS {
                continue;
            }
            let number = match number {
                Some(number) => number,
                None => *number.insert(self.root_for(at)),
            };
            let query = first_and_last(self.graph.engine, node, &kind, population);
            self.take_rows(ask, at, query, number, 0)?;
        }
        Ok(())
    }

    /// The root that speaks for representatives of a table.
    fn root_for(&mut self, at: usize) -> usize {
        let table = &self.graph.nodes[at].table.name;
        if let Some(known) = self.roots.iter().position(|root| &root.table == table) {
            return known;
        }
        let root = Root { table: table.clone(), condition: None, limit: None, share: None, order: Vec::new() };
        self.add_roots(vec![root]);
        self.roots.len() - 1
    }

    /// For each table, which of its rows belong to some root, as a condition; none where no root leads to it.
    fn populations(&self) -> Vec<Option<Sql>> {
        let (graph, engine) = (self.graph, self.graph.engine);
        let every = || Sql::new(engine).lit("1 = 1");
        if self.roots.is_empty() {
            return graph.nodes.iter().map(|_| Some(every())).collect();
        }
        let mut found: Vec<Option<Sql>> = vec![None; graph.nodes.len()];
        let mut queue = std::collections::VecDeque::new();
        for root in &self.roots {
            let Some(at) = graph.nodes.iter().position(|node| node.table.name == root.table) else { continue };
            let own = root.condition.as_ref().map_or_else(every, |text| Sql::new(engine).user_condition(text));
            match &mut found[at] {
                Some(known) => *known = Sql::new(engine).lit("(").part(known).lit(" OR ").part(&own).lit(")"),
                open => {
                    *open = Some(own);
                    queue.push_back(at);
                }
            }
        }
        while let Some(at) = queue.pop_front() {
            let Some(parent) = found[at].clone() else { continue };
            for &link in &graph.nodes[at].children {
                let link = &graph.links[link];
                if found[link.child].is_some() || !link.edge.follow || !graph.nodes[link.child].gives_rows {
                    continue;
                }
                let (child, node) = (&graph.nodes[link.child], &graph.nodes[at]);
                let target = &graph.targets[link.target];
                let sql = Sql::new(engine).lit("EXISTS (SELECT 1 FROM ").table(&node.table.name).lit(" WHERE ");
                let pairs = target.columns.iter().zip(&link.columns);
                let sql = sql.list(pairs, " AND ", |sql, (&other, &own)| {
                    let sql = sql.table(&node.table.name).lit(".").name(&node.table.columns[other].name).lit(" = ");
                    sql.table(&child.table.name).lit(".").name(&child.table.columns[own].name)
                });
                found[link.child] = Some(sql.lit(" AND ").part(&parent).lit(")"));
                queue.push_back(link.child);
            }
        }
        found
    }
}

/// The share at which a root has given all that it may.
fn most(root: &Root) -> u32 {
    root.share.unwrap_or(1_000_000)
}

/// An expression whose values are kinds of rows.
enum Kind<'a> {
    /// The values of a column.
    Of(&'a Column),
    /// NULL or not.
    Known(&'a Column),
    /// One kind: the first and the last row of all.
    All,
}

/// What tells kinds of rows of a table apart.
fn kinds<'n>(node: &'n Node<'_>) -> Vec<Kind<'n>> {
    let mut found = vec![Kind::All];
    for (at, column) in node.table.columns.iter().enumerate() {
        let is_key = node.table.primary_key == [at] || node.table.uniques.iter().any(|unique| unique.columns == [at]);
        let lower = column.name.to_lowercase();
        let named = matches!(column.family, Family::Text | Family::Integer | Family::Any)
            && WORDS.iter().any(|word| lower == *word || lower.ends_with(word))
            && !lower.ends_with("id");
        let typed = matches!(column.family, Family::Enum | Family::Boolean);
        if !is_key && (named || typed) {
            found.push(Kind::Of(column));
        }
        let references = node.header.contains(&Part::Column(at)) && !node.identity.contains(&Part::Column(at));
        if references && column.nullable && !(named || typed) {
            found.push(Kind::Known(column));
        }
    }
    found
}

fn named(sql: Sql, kind: &Kind<'_>) -> Sql {
    match kind {
        Kind::Of(column) => sql.name(&column.name),
        Kind::Known(column) => sql.lit("CASE WHEN ").name(&column.name).lit(" IS NULL THEN 0 ELSE 1 END"),
        Kind::All => sql.lit("1"),
    }
}

/// One row per kind, up to one more than there may be.
fn number_of_kinds(
    engine: crate::model::schema::EngineKind,
    node: &Node<'_>,
    kind: &Kind<'_>,
    population: &Sql,
) -> Sql {
    let most = i64::try_from(KINDS + 1).unwrap_or(i64::MAX);
    if matches!(kind, Kind::All) {
        return Sql::new(engine).lit("SELECT 1");
    }
    let sql = named(Sql::new(engine).lit("SELECT 1 FROM (SELECT DISTINCT "), kind).lit(" AS terp_k FROM ");
    sql.table(&node.table.name).lit(" WHERE ").part(population).lit(" LIMIT ").integer(most).lit(") terp_q")
}

/// The headers of the first and the last row, by key, of each kind.
fn first_and_last(
    engine: crate::model::schema::EngineKind,
    node: &Node<'_>,
    kind: &Kind<'_>,
    population: &Sql,
) -> Query {
    let single = match node.identity.as_slice() {
        [Part::Column(at)] => node.table.columns[*at].family == Family::Integer,
        [Part::System(name)] => *name != "ctid",
        _ => false,
    };
    let from = |sql: Sql| sql.lit(" FROM ").table(&node.table.name).lit(" WHERE ").part(population);
    if single {
        let key = &node.identity[0];
        let edge = |sql: Sql, of: &'static str| {
            let sql = select::part(sql.lit("SELECT ").lit(of).lit("("), node, key).lit(") AS terp_k");
            let sql = from(sql);
            if matches!(kind, Kind::All) { sql } else { named(sql.lit(" GROUP BY "), kind) }
        };
        let sql = Sql::new(engine).lit("SELECT ").list(&node.header, ", ", |sql, asked| select::part(sql, node, asked));
        let sql = sql.lit(" FROM ").table(&node.table.name).lit(" JOIN (");
        let sql = edge(edge(sql, "min").lit(" UNION "), "max").lit(") terp_q ON terp_q.terp_k = ");
        return Query { sql: select::part(sql, node, key), columns: node.header.len() };
    }
    let name = |at: usize| format!("terp_c{at}");
    let sql = Sql::new(engine).lit("SELECT ").list(0..node.header.len(), ", ", |sql, at| sql.name(&name(at)));
    let sql = sql.lit(" FROM (SELECT ").list(node.header.iter().enumerate(), ", ", |sql, (at, asked)| {
        select::part(sql, node, asked).lit(" AS ").name(&name(at))
    });
    let numbered = |sql: Sql, descending: &'static str| {
        let sql = named(sql.lit(", ROW_NUMBER() OVER (PARTITION BY "), kind).lit(" ORDER BY ");
        sql.list(&node.identity, ", ", |sql, asked| select::part(sql, node, asked).lit(descending)).lit(") AS ")
    };
    let sql = numbered(numbered(sql, "").lit("terp_a"), " DESC").lit("terp_b");
    let sql = from(sql).lit(") terp_q WHERE terp_a = 1 OR terp_b = 1");
    Query { sql, columns: node.header.len() }
}
