//! Solves the checks of a table: ways to satisfy all of them at once, each in terms that rows can be made by.

use super::datum::About;
use super::draft::Draft;
use super::evaluate::{Row, value};
use super::goal::{Atom, Demand, Goal};
use super::tree::Term;
use super::{Check, atom};
use crate::generate::draw::Draw;
use crate::generate::restriction::{Op, Relation, Restriction};
use crate::generate::value::Value;
use crate::model::schema::Table;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A way to satisfy all checks of a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alternative {
    /// What is left of columns, by index.
    pub restrictions: BTreeMap<usize, Restriction>,
    /// How columns stand to each other, where neither is NULL. `left` is never the greater one.
    pub relations: Vec<Relation>,
    /// What columns add up to, where none is NULL.
    pub totals: Vec<Total>,
    /// What a column is by others, where none is NULL.
    pub derived: Vec<Derived>,
    /// Checks, by index, that it does not promise to satisfy: rows must be held against them.
    pub unsolved: Vec<usize>,
}

/// `a + b + c = 100`, `a + b <= 100`.
#[derive(Debug, Clone, PartialEq)]
pub struct Total {
    /// The columns, by index.
    pub columns: Vec<usize>,
    /// The comparison.
    pub op: Op,
    /// What their sum is compared with.
    pub value: Value,
}

/// `column op expression`: worked out, or bounded, once the cells of the expression's columns are made.
#[derive(Debug, Clone, PartialEq)]
pub struct Derived {
    /// The column, by index.
    pub column: usize,
    /// The comparison; what is equal can be set.
    pub op: Op,
    /// What it is compared with.
    pub expression: Expression,
}

/// An expression over other columns of the row.
#[derive(Clone)]
pub struct Expression {
    term: Term,
    about: Arc<About>,
    column: usize,
}

impl Expression {
    pub(super) fn new(term: Term, about: &Arc<About>, column: usize) -> Self {
        Self { term, about: Arc::clone(about), column }
    }

    /// The columns that it reads, by index.
    #[must_use]
    pub fn columns(&self) -> Vec<usize> {
        self.term.columns()
    }

    /// Its value as a cell of the column that it is compared with, not cut to the places that the column keeps. None where a
    /// cell is missing or it cannot be worked out.
    #[must_use]
    pub fn value(&self, cells: &[Option<Value>]) -> Option<Value> {
        let found = value(&self.term, Row { about: &self.about, cells })?;
        self.about.value(self.column, &found)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        (&self.term, self.column) == (&other.term, other.column)
    }
}

/// Tells the columns only: a literal may be anything.
impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression of {:?}", self.columns())
    }
}

/// As many combinations are tried one by one; of more, some.
const TRIED: u64 = 256;
/// How many steps a search takes before it is given up, and all searches for further ways together.
const STEPS: usize = 2_000;

/// Ways to satisfy all `checks` of a table, at most `limit`, the most useful ones first. None where they contradict each
/// other; [`contradicting`] tells which do. Checks that cannot be worked out here are in every way's `unsolved`.
#[must_use]
pub fn solve(table: &Table, checks: &[Check], limit: usize) -> Vec<Alternative> {
    let Some(about) = checks.iter().find_map(|check| check.predicate.as_ref().ok()).map(|known| &known.about) else {
        let unsolved = (0..checks.len()).collect();
        return vec![Alternative { unsolved, ..Alternative::default() }];
    };
    debug_assert_eq!(about.slots.len(), table.columns.len());
    let mut goals = Vec::new();
    let mut unread = Vec::new();
    for (at, check) in checks.iter().enumerate() {
        match &check.predicate {
            Ok(known) => {
                let demand = Demand { about, check: at, wanted: true, strict: false };
                let mut goal = demand.goal(&known.term);
                atom::sample(about, &mut goal);
                goals.push(goal);
            }
            Err(_) => unread.push(at),
        }
    }
    let mut found = Vec::new();
    for group in groups(goals) {
        let ways = Search::new(about, &group).ways(limit);
        if ways.is_empty() {
            return Vec::new();
        }
        found.push(ways);
    }
    let mut all = joined(&found, limit);
    for way in &mut all {
        way.unsolved.extend(&unread);
        way.unsolved.sort_unstable();
        way.unsolved.dedup();
    }
    all
}

/// The names of checks that cannot hold at once: one alone, two, or all.
#[must_use]
pub fn contradicting(table: &Table, checks: &[Check]) -> Vec<String> {
    let fails = |some: &[Check]| solve(table, some, 1).is_empty();
    let names = |some: &[&Check]| some.iter().map(|check| check.name.clone()).collect();
    if let Some(one) = checks.iter().find(|check| fails(std::slice::from_ref(check))) {
        return names(&[one]);
    }
    for (at, one) in checks.iter().enumerate() {
        for other in &checks[at + 1..] {
            let shares = one.columns.iter().any(|column| other.columns.contains(column));
            if shares && fails(&[one.clone(), other.clone()]) {
                return names(&[one, other]);
            }
        }
    }
    if fails(checks) { names(&checks.iter().collect::<Vec<_>>()) } else { Vec::new() }
}

fn columns_of(goal: &Goal, found: &mut Vec<usize>) {
    match goal {
        Goal::Atom(atom) => found.extend(atom.term.columns()),
        Goal::All(list) | Goal::Any(list) => list.iter().for_each(|goal| columns_of(goal, found)),
    }
}

/// Demands that share no column, however far around, are solved apart.
fn groups(goals: Vec<Goal>) -> Vec<Vec<Goal>> {
    let mut groups: Vec<(Vec<usize>, Vec<Goal>)> = Vec::new();
    let mut pending = goals;
    let mut flat = Vec::new();
    while let Some(goal) = pending.pop() {
        match goal {
            Goal::All(list) => pending.extend(list),
            other => flat.push(other),
        }
    }
    // The order of the checks again.
    flat.reverse();
    for goal in flat {
        let mut columns = Vec::new();
        columns_of(&goal, &mut columns);
        let (near, far): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|(own, _)| own.iter().any(|column| columns.contains(column)));
        groups = far;
        let mut joined = (columns, Vec::new());
        for (columns, goals) in near {
            joined.0.extend(columns);
            joined.1.extend(goals);
        }
        joined.1.push(goal);
        groups.push(joined);
    }
    groups.into_iter().map(|(_, goals)| goals).collect()
}

/// Every group's ways together: every combination where there are few, else every way of each at least once.
fn joined(groups: &[Vec<Alternative>], limit: usize) -> Vec<Alternative> {
    let combinations = groups.iter().try_fold(1_usize, |all, group| all.checked_mul(group.len()));
    let count = match combinations {
        Some(count) if count <= limit => count,
        _ => groups.iter().map(Vec::len).max().unwrap_or(1).max(limit).min(limit),
    };
    let is_all = combinations == Some(count);
    let mut all = Vec::with_capacity(count);
    for at in 0..count {
        let mut rest = at;
        let mut way = Alternative::default();
        for (place, group) in groups.iter().enumerate() {
            // Ways of several groups meet in changing pairs.
            let own = if is_all { rest % group.len() } else { (at + at / group.len() * place) % group.len() };
            rest /= group.len();
            let own = &group[own];
            way.restrictions.extend(own.restrictions.clone());
            way.relations.extend(own.relations.iter().cloned());
            way.totals.extend(own.totals.iter().cloned());
            way.derived.extend(own.derived.iter().cloned());
            way.unsolved.extend(&own.unsolved);
        }
        all.push(way);
    }
    all
}

/// The search for ways to satisfy a group of demands.
struct Search<'a> {
    about: &'a Arc<About>,
    goals: &'a [Goal],
    steps: usize,
}

/// Which choice of each OR is tried first.
#[derive(Clone, Copy)]
enum Turn {
    /// Combination by combination.
    Counted(u64),
    /// At random.
    Drawn(u64),
}

impl<'a> Search<'a> {
    fn new(about: &'a Arc<About>, goals: &'a [Goal]) -> Self {
        Self { about, goals, steps: 0 }
    }

    fn ways(&mut self, limit: usize) -> Vec<Alternative> {
        let combinations = self.goals.iter().fold(1_u64, |all, goal| all.saturating_mul(rounds(goal)));
        let mut found: Vec<Alternative> = Vec::new();
        for round in 0..combinations.clamp(1, TRIED) {
            let turn = if combinations <= TRIED { Turn::Counted(round) } else { Turn::Drawn(round) };
            if round == 1 {
                self.steps = 0;
            }
            let todo: Vec<&Goal> = self.goals.iter().collect();
            match self.way(todo, Vec::new(), Vec::new(), turn, 1) {
                Some(way) if !found.contains(&way) => found.push(way),
                // There is none, or none that is found in reasonable time.
                None if round == 0 => return Vec::new(),
                Some(_) | None => {}
            }
            if found.len() >= limit * 4 || self.steps > STEPS {
                break;
            }
        }
        let all = found.clone();
        let mut at = 0;
        found.retain(|way| {
            let own = at;
            at += 1;
            !all.iter()
                .enumerate()
                .any(|(other, wider)| other != own && absorbs(wider, way) && !(absorbs(way, wider) && own < other))
        });
        let nulls = |way: &Alternative| way.restrictions.values().filter(|own| own.null == Some(true)).count();
        found.sort_by_key(|way| (way.unsolved.len(), nulls(way)));
        found.truncate(limit);
        found
    }

    /// A way that satisfies `todo`, one of each of `open`, and what was `chosen` already.
    fn way(
        &mut self,
        mut todo: Vec<&'a Goal>,
        mut open: Vec<&'a [Goal]>,
        mut chosen: Vec<&'a Atom>,
        turn: Turn,
        stride: u64,
    ) -> Option<Alternative> {
        while let Some(goal) = todo.pop() {
            match goal {
                Goal::Atom(atom) => chosen.push(atom),
                Goal::All(list) => todo.extend(list),
                Goal::Any(list) => open.push(list),
            }
        }
        self.steps += 1;
        if self.steps > STEPS {
            return None;
        }
        let so_far = self.draft(&chosen)?;
        let Some(first) = (0..open.len()).min_by_key(|at| open[*at].len()) else {
            return Some(so_far);
        };
        let choices = open.swap_remove(first);
        let count = (choices.len() as u64).max(1);
        let start = match turn {
            Turn::Counted(round) => round / stride % count,
            Turn::Drawn(0) => 0,
            Turn::Drawn(round) => Draw::of(round ^ stride.wrapping_mul(0x9e37_79b9)).below(count),
        };
        let start = usize::try_from(start).unwrap_or(0);
        let stride = match turn {
            Turn::Counted(_) => stride.saturating_mul(count),
            Turn::Drawn(_) => stride.wrapping_mul(31).wrapping_add(7),
        };
        (0..choices.len()).find_map(|at| {
            let choice = &choices[(start + at) % choices.len()];
            self.way(vec![choice], open.clone(), chosen.clone(), turn, stride)
        })
    }

    fn draft(&self, chosen: &[&'a Atom]) -> Option<Alternative> {
        let mut draft = Draft::new(self.about);
        for chosen in chosen {
            atom::apply(&mut draft, self.about, chosen);
        }
        draft.finished()
    }
}

/// How many rounds it takes until every combination of choices was the first one.
fn rounds(goal: &Goal) -> u64 {
    match goal {
        Goal::Atom(_) => 1,
        Goal::All(list) => list.iter().fold(1, |all, goal| all.saturating_mul(rounds(goal))),
        Goal::Any(list) => list.iter().map(rounds).max().unwrap_or(1).saturating_mul((list.len() as u64).max(1)),
    }
}

/// Whether every row of `way` is one of `wider` too, as far as that is plain to see.
fn absorbs(wider: &Alternative, way: &Alternative) -> bool {
    let open = Restriction::default();
    let of = |column: &usize| way.restrictions.get(column).unwrap_or(&open);
    let is_null = |column: &usize| of(column).null == Some(true);
    wider.restrictions.iter().all(|(column, own)| implied(own, of(column)))
        && wider.relations.iter().all(|own| is_null(&own.left) || is_null(&own.right) || way.relations.contains(own))
        && wider.totals.iter().all(|own| own.columns.iter().any(is_null) || way.totals.contains(own))
        && wider.derived.iter().all(|own| {
            is_null(&own.column) || own.expression.columns().iter().any(is_null) || way.derived.contains(own)
        })
        && wider.unsolved.iter().all(|own| way.unsolved.contains(own))
}

/// Whether whatever `narrow` allows is allowed by `wide` too.
fn implied(wide: &Restriction, narrow: &Restriction) -> bool {
    if narrow.null == Some(true) {
        return wide.null != Some(false);
    }
    let same = Restriction {
        null: if wide.null.is_none() { narrow.null } else { wide.null },
        low: wide.low.clone().or_else(|| narrow.low.clone()),
        high: wide.high.clone().or_else(|| narrow.high.clone()),
        one_of: wide.one_of.clone().or_else(|| narrow.one_of.clone()),
        none_of: if wide.none_of.is_empty() { narrow.none_of.clone() } else { wide.none_of.clone() },
        multiple_of: wide.multiple_of.or(narrow.multiple_of),
        length: (wide.length.0.or(narrow.length.0), wide.length.1.or(narrow.length.1)),
        like: if wide.like.is_empty() { narrow.like.clone() } else { wide.like.clone() },
        matches: if wide.matches.is_empty() { narrow.matches.clone() } else { wide.matches.clone() },
        case: wide.case.or(narrow.case),
        json: wide.json.clone().or_else(|| narrow.json.clone()),
    };
    same == *narrow
}
