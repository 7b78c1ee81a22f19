//! Random subsets of a random world, and the policy that asks for them.

use super::world_testing::{Kind, PLAIN, Random, World};
use super::{Children, Takes};
use std::fmt::Write as _;

/// A condition, in the words of the database.
pub(in crate::run) type Condition = Option<String>;

/// One of `[[subset.roots]]`.
#[derive(Debug, Clone, Default)]
pub(in crate::run) struct RootRule {
    pub(in crate::run) table: usize,
    pub(in crate::run) condition: Condition,
    pub(in crate::run) limit: Option<usize>,
    pub(in crate::run) percent: Option<f64>,
    pub(in crate::run) order: Vec<(String, bool)>,
}

/// One of `[[subset.edges]]`.
#[derive(Debug, Clone)]
pub(in crate::run) struct EdgeRule {
    pub(in crate::run) table: usize,
    pub(in crate::run) columns: Vec<usize>,
    pub(in crate::run) parent: Option<usize>,
    pub(in crate::run) follow: bool,
    pub(in crate::run) condition: Condition,
    pub(in crate::run) limit: Option<usize>,
    pub(in crate::run) order: Vec<(String, bool)>,
}

/// A policy's subset; tables and columns by index.
#[derive(Debug, Clone)]
pub(in crate::run) struct Rules {
    pub(in crate::run) roots: Vec<RootRule>,
    pub(in crate::run) children: Children,
    pub(in crate::run) depth: Option<u32>,
    pub(in crate::run) edges: Vec<EdgeRule>,
    /// Of each table: whether it is whole or has no rows, and the words that say so.
    pub(in crate::run) takes: Vec<(Takes, Said)>,
    /// Columns with the mask `null`.
    pub(in crate::run) nulls: Vec<(usize, usize)>,
    /// A table whose key of whole numbers is permuted, and what references it with it.
    pub(in crate::run) permuted: Option<usize>,
}

/// Where a policy says that a table is whole or without rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum Said {
    /// In `whole` or `never`.
    Listed,
    /// By `mode`.
    Mode,
}

impl Rules {
    /// The rules of a seed.
    pub(in crate::run) fn new(world: &World, seed: u64) -> Self {
        let random = &mut Random(seed.wrapping_mul(104_729) + 1);
        let tables = world.tables.len();
        let mut takes = vec![(Takes::Rows, Said::Listed); tables];
        let said = |random: &mut Random| random.one(&[Said::Listed, Said::Mode]);
        if random.once_in(4) {
            takes[random.below(tables)] = (Takes::Whole, said(random));
        }
        let is_referenced = |table: usize| world.ties.iter().any(|tie| tie.parent == table && tie.child != table);
        if random.once_in(3) {
            let lonely: Vec<usize> = (0..tables).filter(|&table| !is_referenced(table)).collect();
            let table = if lonely.is_empty() || random.once_in(8) { random.below(tables) } else { random.one(&lonely) };
            takes[table] = (Takes::Nothing, said(random));
        }
        if takes.iter().all(|(takes, _)| *takes == Takes::Nothing) {
            takes[0].0 = Takes::Rows;
        }
        let filled: Vec<usize> = (0..tables).filter(|&table| takes[table].0 != Takes::Nothing).collect();
        let mut rules = Self {
            roots: (0..random.one(&[1, 1, 2, 3])).map(|_| root(random, world, &filled)).collect(),
            children: random.one(&[Children::Down, Children::Down, Children::Down, Children::None, Children::All]),
            depth: random.once_in(3).then(|| u32::try_from(random.below(4)).unwrap()),
            edges: Vec::new(),
            takes,
            nulls: Vec::new(),
            permuted: None,
        };
        // A long key that is masked here and kept there is a leak.
        let masked = world.ties.iter().find(|tie| {
            let shape = &world.tables[tie.child];
            let short = |row: &Vec<Option<String>>| row[tie.columns[0]].as_ref().is_none_or(|cell| cell.len() < 4);
            tie.declared && shape.columns[tie.columns[0]].nullable && shape.rows.iter().all(short)
        });
        if let Some(tie) = masked
            && random.once_in(6)
        {
            rules.nulls.push((tie.child, tie.columns[0]));
        }
        rules.random_edges(random, world);
        rules
    }

    /// The rules, with the key of one table and all that references it permuted. None where no table lends itself.
    pub(in crate::run) fn permuted(&self, world: &World) -> Option<Self> {
        let of_types = |table: usize| world.ties.iter().any(|tie| tie.of_type.is_some() && tie.parent == table);
        let table = (0..world.tables.len()).find(|&at| {
            let shape = &world.tables[at];
            let own = !world.ties.iter().any(|tie| tie.child == at && tie.columns == shape.key);
            own && shape.key.len() == 1 && shape.columns[0].kind == Kind::Int && self.takes[at].0 != Takes::Nothing
        })?;
        let columns = permuted(world, table);
        // What a type column decides inherits nothing, and neither does a table with mode = "reference".
        let odd = columns.iter().any(|&(at, _)| {
            of_types(at) || self.takes[at].0 == Takes::Nothing || self.takes[at] == (Takes::Whole, Said::Mode)
        });
        (!odd).then(|| Self { permuted: Some(table), ..self.clone() })
    }

    fn random_edges(&mut self, random: &mut Random, world: &World) {
        for tie in &world.ties {
            let is_new = !self.edges.iter().any(|edge| edge.table == tie.child && edge.columns == tie.columns);
            let is_gone = self.nulls.iter().any(|(table, column)| *table == tie.child && tie.columns.contains(column));
            if is_gone || !is_new || self.takes[tie.child].0 == Takes::Nothing || !random.once_in(3) {
                continue;
            }
            let limit = random.once_in(2).then(|| 1 + random.below(3));
            self.edges.push(EdgeRule {
                table: tie.child,
                columns: tie.columns.clone(),
                parent: (tie.of_type.is_none() && random.once_in(2)).then_some(tie.parent),
                follow: !random.once_in(4),
                condition: random.once_in(3).then(|| condition(random, world)),
                limit,
                order: order(random, world, tie.child, limit),
            });
        }
    }

    /// The policy.
    pub(in crate::run) fn toml(&self, world: &World) -> String {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let table = |at: usize| quoted(&world.tables[at].name);
        let column = |at: usize, column: usize| quoted(&world.tables[at].columns[column].name);
        let columns = |at: usize, list: &[usize]| match list {
            [one] => column(at, *one),
            list => format!("[{}]", list.iter().map(|&one| column(at, one)).collect::<Vec<_>>().join(", ")),
        };
        let listed = |wanted: Takes| {
            let said = self.takes.iter().enumerate().filter(|(_, takes)| **takes == (wanted, Said::Listed));
            said.map(|(at, _)| table(at)).collect::<Vec<_>>().join(", ")
        };
        let word = match self.children {
            Children::None => "none",
            Children::Down => "down",
            Children::All => "all",
        };
        let mut text = format!("version = 1\n[subset]\nchildren = \"{word}\"\n");
        writeln!(text, "whole = [{}]\nnever = [{}]", listed(Takes::Whole), listed(Takes::Nothing)).unwrap();
        if let Some(depth) = self.depth {
            writeln!(text, "depth = {depth}").unwrap();
        }
        for root in &self.roots {
            writeln!(text, "[[subset.roots]]\ntable = {}", table(root.table)).unwrap();
            if let Some(percent) = root.percent {
                writeln!(text, "percent = {percent:?}").unwrap();
            }
            chosen(&mut text, root.condition.as_ref(), root.limit, &root.order);
        }
        for edge in &self.edges {
            let own = columns(edge.table, &edge.columns);
            writeln!(text, "[[subset.edges]]\ntable = {}\ncolumns = {own}", table(edge.table)).unwrap();
            if let Some(parent) = edge.parent {
                writeln!(text, "parent = {}", table(parent)).unwrap();
            }
            if edge.follow {
                chosen(&mut text, edge.condition.as_ref(), edge.limit, &edge.order);
            } else {
                writeln!(text, "follow = false").unwrap();
            }
        }
        for tie in world.ties.iter().filter(|tie| !tie.declared && tie.of_type.is_none()) {
            let (own, other) = (columns(tie.child, &tie.columns), columns(tie.parent, &tie.parent_columns));
            writeln!(text, "[[subset.references]]\ntable = {}\ncolumns = {own}", table(tie.child)).unwrap();
            writeln!(text, "parent = {}", table(tie.parent)).unwrap();
            if tie.parent_columns != world.tables[tie.parent].key {
                writeln!(text, "parent_columns = {other}").unwrap();
            }
        }
        let typed: Vec<_> = world.ties.iter().filter_map(|tie| Some((tie, tie.of_type.as_ref()?))).collect();
        if let Some((tie, (kind, _))) = typed.first() {
            writeln!(text, "[[subset.references]]\ntable = {}", table(tie.child)).unwrap();
            writeln!(text, "type_column = {}", column(tie.child, *kind)).unwrap();
            writeln!(text, "id_column = {}", columns(tie.child, &tie.columns)).unwrap();
            let entry = |(tie, (_, word)): &(&super::Tie, &(usize, String))| {
                let parent = table(tie.parent);
                let short = tie.parent_columns == world.tables[tie.parent].key;
                let long = format!("{{ table = {parent}, columns = {} }}", columns(tie.parent, &tie.parent_columns));
                format!("{} = {}", quoted(word), if short { parent } else { long })
            };
            writeln!(text, "map = {{ {} }}", typed.iter().map(entry).collect::<Vec<_>>().join(", ")).unwrap();
        }
        self.modes(world, &mut text);
        text
    }

    fn modes(&self, world: &World, text: &mut String) {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let permuted = self.permuted.map(|table| permuted(world, table)).unwrap_or_default();
        for (at, shape) in world.tables.iter().enumerate() {
            let mode = match self.takes[at] {
                (Takes::Whole, Said::Mode) => "reference",
                (Takes::Nothing, Said::Mode) => "structure",
                _ => "capture",
            };
            let is_kept = |column: &usize| !self.nulls.contains(&(at, *column)) && !permuted.contains(&(at, *column));
            let keep = (0..shape.columns.len()).filter(is_kept).map(|column| quoted(&shape.columns[column].name));
            let keep = keep.collect::<Vec<_>>().join(", ");
            let name = quoted(&shape.name);
            writeln!(text, "[tables.{name}]\nmode = \"{mode}\"\nkeep = [{keep}]\n[tables.{name}.columns]").unwrap();
            for (_, column) in self.nulls.iter().filter(|(table, _)| *table == at) {
                writeln!(text, "{} = \"null\"", quoted(&shape.columns[*column].name)).unwrap();
            }
            if self.permuted == Some(at) {
                writeln!(text, "{} = \"int_permute\"", quoted(&shape.columns[0].name)).unwrap();
            }
        }
    }
}

/// The key of a table, and every column that must be equal to it.
pub(in crate::run) fn permuted(world: &World, table: usize) -> Vec<(usize, usize)> {
    let mut found = vec![(table, 0)];
    let mut at = 0;
    while at < found.len() {
        let (parent, column) = found[at];
        for tie in world.ties.iter().filter(|tie| tie.parent == parent) {
            let ends = tie.columns.iter().zip(&tie.parent_columns).filter(|(_, other)| **other == column);
            for (own, _) in ends {
                if !found.contains(&(tie.child, *own)) {
                    found.push((tie.child, *own));
                }
            }
        }
        at += 1;
    }
    found
}

fn chosen(text: &mut String, condition: Option<&String>, limit: Option<usize>, order: &[(String, bool)]) {
    if let Some(condition) = condition {
        writeln!(text, "where = {}", serde_json::to_string(condition).unwrap()).unwrap();
    }
    if let Some(limit) = limit {
        writeln!(text, "limit = {limit}").unwrap();
    }
    if !order.is_empty() {
        let by = |(name, descending): &(String, bool)| format!("{name}{}", if *descending { " desc" } else { "" });
        writeln!(text, "order = \"{}\"", order.iter().map(by).collect::<Vec<_>>().join(", ")).unwrap();
    }
}

fn root(random: &mut Random, world: &World, tables: &[usize]) -> RootRule {
    let table = random.one(tables);
    let limit = random.once_in(2).then(|| 1 + random.below(5));
    // Where rows of the table may come along as parents as well, nobody could tell which ones the share chose.
    let percent = random.once_in(5) && !world.tables[table].key.is_empty() && !leads_back(world, table);
    RootRule {
        table,
        condition: (!random.once_in(3)).then(|| condition(random, world)),
        limit,
        percent: percent.then(|| random.one(&[50.0, 12.5, 100.0, 75.25])),
        order: order(random, world, table, limit),
    }
}

/// Whether references lead from a table to itself.
fn leads_back(world: &World, table: usize) -> bool {
    let mut seen = Vec::new();
    let mut open = vec![table];
    while let Some(at) = open.pop() {
        for parent in world.ties.iter().filter(|tie| tie.child == at).map(|tie| tie.parent) {
            if !seen.contains(&parent) {
                seen.push(parent);
                open.push(parent);
            }
        }
    }
    seen.contains(&table)
}

/// A condition over columns that every table has.
fn condition(random: &mut Random, world: &World) -> String {
    let (n, note, high) = (world.name("n"), world.name("Note"), random.below(100));
    match random.below(8) {
        0 => format!("n < {high}"),
        1 => format!("grp = {} OR {n} IS NULL", random.below(4)),
        2 => format!("{note} IS NOT NULL AND seq >= {}", random.below(20)),
        3 => format!("NOT (n BETWEEN {high} AND {})", high + 30),
        4 => "grp IN (1, 2)".to_owned(),
        5 => format!("coalesce(n, 0) + grp > {high}"),
        6 => format!("CASE WHEN grp = 1 THEN n > {high} ELSE seq < 9 END"),
        _ => format!("seq < {}", 1 + random.below(12)),
    }
}

/// An order that leaves nothing open, for a limit; only what nothing tells apart may be equal in it.
fn order(random: &mut Random, world: &World, table: usize, limit: Option<usize>) -> Vec<(String, bool)> {
    let mut order = Vec::new();
    if limit.is_some() && random.once_in(2) {
        order.push((random.one(&[PLAIN[0], PLAIN[1]]).to_owned(), random.once_in(2)));
    }
    if limit.is_some() && world.tables[table].key.is_empty() {
        order.push((PLAIN[2].to_owned(), random.once_in(2)));
    }
    order
}
