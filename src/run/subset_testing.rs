//! Which rows a subset must hold, worked out the slow and obvious way from docs/subset.md: every rule is applied to every
//! row again and again until nothing changes. Shares no code with what it is held against.

mod line_testing;
mod oracle_tests;
mod policy_testing;
mod world_testing;

pub(super) use line_testing::{Given, Place, Places, context, question, snapshot_rows, toml};
pub(super) use policy_testing::{RootRule, Rules, permuted};
pub(super) use world_testing::{Tie, World};

use crate::model::schema::{EngineKind, TableName};
use std::collections::HashMap;

/// The stored cells of a row.
pub(super) type Row = Vec<Option<Vec<u8>>>;

/// A table with all its rows.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) name: TableName,
    /// Its stored columns.
    pub(super) columns: Vec<String>,
    /// Every row, in the order of the key.
    pub(super) rows: Vec<Row>,
    pub(super) takes: Takes,
}

/// What the policy says about a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Rows with a reason.
    Rows,
    /// Every row.
    Whole,
    /// No row.
    Nothing,
}

/// A reference; columns by index.
#[derive(Debug, Clone, Default)]
pub(super) struct Link {
    pub(super) child: usize,
    pub(super) columns: Vec<usize>,
    pub(super) parent: usize,
    pub(super) parent_columns: Vec<usize>,
    /// The type column and what it says, where the reference is polymorphic.
    pub(super) of_type: Option<(usize, Vec<u8>)>,
    /// Whether `A` and `a` are equal.
    pub(super) folds: bool,
    /// No children along this one.
    pub(super) stops: bool,
    pub(super) choice: Choice,
}

/// A choice among rows of one table.
#[derive(Debug, Clone, Default)]
pub(super) struct Choice {
    /// Rows, by index, that may be chosen; none: all.
    pub(super) among: Option<Vec<bool>>,
    /// Columns of whole numbers, and whether from the highest down.
    pub(super) order: Vec<(usize, bool)>,
    pub(super) limit: Option<usize>,
}

/// Whose children come along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Children {
    None,
    Down,
    All,
}

/// A database and a policy.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) engine: EngineKind,
    pub(super) tables: Vec<Held>,
    pub(super) links: Vec<Link>,
    /// A table and which of its rows.
    pub(super) roots: Vec<(usize, Choice)>,
    pub(super) children: Children,
    pub(super) depth: Option<u32>,
}

/// What must come out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// By table and row.
    Taken(Vec<Vec<bool>>),
    /// A row that is taken references one that may not be: the link by index.
    Refused(usize),
    /// No root has a row, and their tables do.
    Nowhere,
}

/// What is known about a row so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Known {
    taken: bool,
    /// The least number of references to children between a root and this row, on a way along which children follow. That
    /// its table is whole is no such way.
    deep: Option<u32>,
}

impl Known {
    fn reach(&mut self, deep: Option<u32>) {
        self.deep = match (self.deep, deep) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

impl Question {
    /// The rows that must be in the snapshot.
    pub(super) fn answer(&self) -> Answer {
        let mut known: Vec<Vec<Known>> =
            self.tables.iter().map(|table| vec![Known::default(); table.rows.len()]).collect();
        // Rule 4: whole tables.
        for (table, held) in self.tables.iter().enumerate() {
            if held.takes == Takes::Whole {
                known[table].iter_mut().for_each(|row| row.taken = true);
            }
        }
        // Rule 1: roots.
        let mut nowhere = self.roots.iter().any(|(table, _)| !self.tables[*table].rows.is_empty());
        for (table, choice) in &self.roots {
            let all: Vec<usize> = (0..self.tables[*table].rows.len()).collect();
            for row in self.choose(*table, &all, choice) {
                known[*table][row] = Known { taken: true, deep: Some(0) };
                nowhere = false;
            }
        }
        if nowhere {
            return Answer::Nowhere;
        }
        // By link: the parents of each child row, and the children of each parent row.
        let parents: Vec<Vec<Vec<usize>>> = self.links.iter().map(|link| self.parents(link)).collect();
        let children: Vec<Vec<Vec<usize>>> =
            self.links.iter().zip(&parents).map(|(link, parents)| self.turned(link, parents)).collect();
        loop {
            let before = known.clone();
            for (at, link) in self.links.iter().enumerate() {
                if self.follow_to_parents(link, &parents[at], &mut known) {
                    return Answer::Refused(at);
                }
                self.follow_to_children(link, &children[at], &mut known);
            }
            if known == before {
                return Answer::Taken(known.iter().map(|rows| rows.iter().map(|row| row.taken).collect()).collect());
            }
        }
    }

    /// Rule 2. Whether a parent is one that may not be taken.
    fn follow_to_parents(&self, link: &Link, parents: &[Vec<usize>], known: &mut [Vec<Known>]) -> bool {
        for (child, parents) in parents.iter().enumerate() {
            let from = known[link.child][child];
            if !from.taken {
                continue;
            }
            for &parent in parents {
                if self.tables[link.parent].takes == Takes::Nothing {
                    return true;
                }
                known[link.parent][parent].taken = true;
                // A parent stands as deep as the row that brought it, and brings children only with `all`.
                if self.children == Children::All {
                    known[link.parent][parent].reach(from.deep);
                }
            }
        }
        false
    }

    /// Rule 3.
    fn follow_to_children(&self, link: &Link, children: &[Vec<usize>], known: &mut [Vec<Known>]) {
        if self.children == Children::None || link.stops || self.tables[link.child].takes == Takes::Nothing {
            return;
        }
        for parent in 0..children.len() {
            let Some(deep) = known[link.parent][parent].deep else { continue };
            if self.depth.is_some_and(|depth| deep >= depth) {
                continue;
            }
            for child in self.choose(link.child, &children[parent], &link.choice) {
                known[link.child][child].taken = true;
                known[link.child][child].reach(Some(deep + 1));
            }
        }
    }

    /// The rows that each row references along a link.
    fn parents(&self, link: &Link) -> Vec<Vec<usize>> {
        let spelled = |cell: &Vec<u8>| if link.folds { cell.to_ascii_lowercase() } else { cell.clone() };
        let mut keys: HashMap<Vec<Vec<u8>>, Vec<usize>> = HashMap::new();
        for (at, row) in self.tables[link.parent].rows.iter().enumerate() {
            let key: Option<Vec<Vec<u8>>> =
                link.parent_columns.iter().map(|&at| row[at].as_ref().map(spelled)).collect();
            if let Some(key) = key {
                keys.entry(key).or_default().push(at);
            }
        }
        let found = |row| {
            let wanted: Vec<Vec<u8>> = self.reference(link, row)?.into_iter().map(spelled).collect();
            keys.get(&wanted).cloned()
        };
        (0..self.tables[link.child].rows.len()).map(|row| found(row).unwrap_or_default()).collect()
    }

    /// The children of each parent row, in the order of their key.
    fn turned(&self, link: &Link, parents: &[Vec<usize>]) -> Vec<Vec<usize>> {
        let mut children = vec![Vec::new(); self.tables[link.parent].rows.len()];
        for (child, parents) in parents.iter().enumerate() {
            for &parent in parents {
                children[parent].push(child);
            }
        }
        children
    }

    /// The cells that reference something; none where one of them is NULL or the type is another.
    fn reference(&self, link: &Link, child: usize) -> Option<Vec<&Vec<u8>>> {
        let child = &self.tables[link.child].rows[child];
        if let Some((column, value)) = &link.of_type
            && child[*column].as_ref() != Some(value)
        {
            return None;
        }
        link.columns.iter().map(|&at| child[at].as_ref()).collect()
    }

    fn choose(&self, table: usize, rows: &[usize], choice: &Choice) -> Vec<usize> {
        let mut rows: Vec<usize> =
            rows.iter().copied().filter(|&row| choice.among.as_ref().is_none_or(|among| among[row])).collect();
        let rank = |row: usize, (column, descending): (usize, bool)| {
            let cell = self.tables[table].rows[row][column].as_deref();
            let number = cell.map(|cell| std::str::from_utf8(cell).unwrap().parse::<i64>().unwrap());
            // PostgreSQL counts NULL as the highest, the others as the lowest.
            let of_null = if self.engine == EngineKind::Postgres { i128::MAX } else { i128::MIN };
            let rank = number.map_or(of_null, i128::from);
            if descending { rank.saturating_neg() } else { rank }
        };
        // Stable: rows that are equal stay in the order of their key.
        rows.sort_by_key(|&row| choice.order.iter().map(|&by| rank(row, by)).collect::<Vec<_>>());
        rows.truncate(choice.limit.unwrap_or(usize::MAX));
        rows
    }

    /// Of the rows that are taken: how many reference something along a link, and how many of those find nothing.
    pub(super) fn counted(&self, link: &Link, taken: &[Vec<bool>]) -> (u64, u64) {
        let rows = (0..self.tables[link.child].rows.len()).filter(|&row| taken[link.child][row]);
        let rows: Vec<usize> = rows.filter(|&row| self.reference(link, row).is_some()).collect();
        let parents = self.parents(link);
        let dangling = rows.iter().filter(|&&row| parents[row].is_empty()).count();
        (rows.len() as u64, dangling as u64)
    }

    /// The rows of a table that are taken, sorted.
    pub(super) fn rows(&self, taken: &[Vec<bool>], table: usize) -> Vec<Row> {
        let rows = self.tables[table].rows.iter().zip(&taken[table]);
        let mut rows: Vec<Row> = rows.filter(|(_, taken)| **taken).map(|(row, _)| row.clone()).collect();
        rows.sort();
        rows
    }
}
