//! State machines: a row is in a state, has gone through those that lead there, and its dates say when.

use super::function::text;
use super::order::{drawn, is_before, span};
use super::rule::InvariantRule;
use super::scope::{CellAt, Scope, Site};
use super::view::View;
use super::{Sentence, Work};
use crate::generate::draw::Draw;
use crate::generate::profile::moment::{self, DAY};
use crate::generate::profile::tree::Node;
use crate::generate::profile::{fit, labels};
use crate::generate::value::Value;
use crate::model::schema::Family;
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug)]
pub(super) struct States {
    table: usize,
    column: usize,
    /// Name, cell and weight of each.
    known: Vec<(String, Value, f64)>,
    /// For each state the ones on the way to it, itself last.
    paths: Vec<Vec<usize>>,
    /// The column with its date, by state.
    times: BTreeMap<usize, usize>,
    families: BTreeMap<usize, Family>,
    /// Columns that have a value in some states only.
    set: Vec<(usize, Vec<usize>)>,
    nullable: Vec<bool>,
    start: Option<CellAt>,
    start_reads: Vec<Site>,
    span: (i64, i64),
}

/// What the makers of rows must know before: how often each state occurs, and which columns begin with a value.
#[derive(Debug, Clone)]
pub(in crate::generate) struct Weights {
    pub(in crate::generate) table: usize,
    pub(in crate::generate) column: usize,
    pub(in crate::generate) states: Vec<(String, f64)>,
    pub(in crate::generate) filled: Vec<usize>,
}

pub(super) fn bind(rule: &InvariantRule, scope: &Scope<'_>, table: usize) -> Result<States, String> {
    let column = scope.own(table, rule.text("column").unwrap_or_default())?;
    let own = &scope.lookup.catalogue.tables[table];
    let known = labels(scope.lookup.catalogue, &own.columns[column]);
    let mut states = Vec::new();
    for entry in rule.node.get("states").map(Node::entries).unwrap_or_default() {
        let Some(value) = fit::scalar(&own.columns[column], &entry.key, &known) else {
            return Err(format!(
                "column {}.{} cannot be '{}'",
                own.name,
                own.columns[column].name,
                entry.key.escape_debug()
            ));
        };
        states.push((entry.key.clone(), value, entry.node.number().unwrap_or(1.0)));
    }
    let state = |name: &str| {
        let found = states.iter().position(|(known, ..)| known == name);
        found.ok_or_else(|| format!("'{}' is not among the states", name.escape_debug()))
    };
    let mut steps: Vec<(usize, usize)> = Vec::new();
    match rule.node.get("steps") {
        Some(node) => {
            for entry in node.entries() {
                for next in entry.node.texts() {
                    steps.push((state(&entry.key)?, state(&next)?));
                }
            }
        }
        None => steps.extend((1..states.len()).map(|next| (next - 1, next))),
    }
    let mut times = BTreeMap::new();
    for entry in rule.node.get("times").map(Node::entries).unwrap_or_default() {
        let column = scope.own(table, entry.node.text().unwrap_or_default())?;
        if moment::cell(0, own.columns[column].family).is_none() {
            return Err(format!("column {}.{} holds no dates", own.name, own.columns[column].name.escape_debug()));
        }
        times.insert(state(&entry.key)?, column);
    }
    let mut set = Vec::new();
    for entry in rule.node.get("set").map(Node::entries).unwrap_or_default() {
        let states = entry.node.texts().iter().map(|name| state(name)).collect::<Result<_, _>>()?;
        set.push((scope.own(table, &entry.key)?, states));
    }
    let way = |text: &str| text.split('.').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
    let start = rule.text("start").map(|text| scope.cell(table, &way(text))).transpose()?;
    Ok(States {
        table,
        column,
        paths: paths(states.len(), &steps),
        known: states,
        families: times.values().map(|column| (*column, own.columns[*column].family)).collect(),
        times,
        set,
        nullable: own.columns.iter().map(|column| column.nullable).collect(),
        start_reads: start.iter().flat_map(|start| scope.reads_of(start)).collect(),
        start,
        span: span(rule, (DAY / 24, 5 * DAY)),
    })
}

/// The shortest way to each state from one that nothing leads to; from the first one where there is none.
fn paths(states: usize, steps: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut paths: Vec<Vec<usize>> = vec![Vec::new(); states];
    let mut first: Vec<usize> =
        (0..states).filter(|state| !steps.iter().any(|(from, to)| to == state && from != to)).collect();
    if first.is_empty() {
        first.extend((states > 0).then_some(0));
    }
    let mut queue: VecDeque<usize> = first.iter().copied().collect();
    for state in first {
        paths[state] = vec![state];
    }
    while let Some(state) = queue.pop_front() {
        for (_, next) in steps.iter().filter(|(from, _)| *from == state) {
            if paths[*next].is_empty() {
                paths[*next] = paths[state].iter().copied().chain([*next]).collect();
                queue.push_back(*next);
            }
        }
    }
    for (state, path) in paths.iter_mut().enumerate() {
        if path.is_empty() {
            path.push(state);
        }
    }
    paths
}

impl States {
    pub(super) fn weights(&self) -> Weights {
        Weights {
            table: self.table,
            column: self.column,
            states: self.known.iter().map(|(name, _, weight)| (name.clone(), *weight)).collect(),
            filled: self.set.iter().map(|(column, _)| *column).collect(),
        }
    }

    fn state(&self, cell: &Value) -> Option<usize> {
        let word = text(cell);
        self.known.iter().position(|(_, value, _)| text(value) == word)
    }

    fn drawn(&self, draw: &mut Draw) -> usize {
        let sum: f64 = self.known.iter().map(|(.., weight)| weight).sum();
        let mut wanted = draw.unit() * sum;
        let hit = |(.., weight): &(String, Value, f64)| {
            wanted -= weight;
            wanted < 0.0
        };
        self.known.iter().position(hit).unwrap_or(0)
    }

    /// When each column of the way is reached.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "spans of a few years")]
    fn reached(&self, view: &View<'_>, row: usize, state: usize, draw: &mut Draw) -> Vec<(usize, i64)> {
        let own = self.times.values().filter_map(|column| moment::of(view.cell(self.table, *column, row))).min();
        let start = self.start.as_ref().and_then(|start| moment::of(view.at(start, row)));
        let from = start.or(own).unwrap_or(view.now - 30 * DAY);
        let path = &self.paths[state];
        let mut gaps = Vec::new();
        for (at, state) in path.iter().enumerate() {
            if let Some(column) = self.times.get(state) {
                gaps.push((*column, if at == 0 { 0 } else { drawn(self.span, draw) }));
            }
        }
        // Nothing has happened yet that lies ahead of the present.
        let (sum, room) = (gaps.iter().map(|(_, gap)| gap).sum::<i64>(), (view.now - from).max(0));
        let factor = if sum > room { room as f64 / sum as f64 } else { 1.0 };
        let mut at = from;
        let reached = |(column, gap): &(usize, i64)| {
            at += (*gap as f64 * factor) as i64;
            (*column, at)
        };
        gaps.iter().map(reached).collect()
    }
}

impl Sentence for States {
    fn reads(&self) -> Vec<Site> {
        let own = self.writes();
        self.start_reads.iter().copied().filter(|site| !own.contains(site)).collect()
    }

    fn writes(&self) -> Vec<Site> {
        let columns = self.times.values().chain(self.set.iter().map(|(column, _)| column));
        std::iter::once(self.column).chain(columns.copied()).map(|column| (self.table, column)).collect()
    }

    fn settle(&self, work: &mut Work<'_, '_>) {
        if self.known.is_empty() {
            return;
        }
        let place = work.place(self.table, "invariant states");
        let view = work.view();
        let rows = view.rows(self.table);
        let (mut changes, mut states) = (Vec::new(), Vec::with_capacity(rows));
        for row in 0..rows {
            let mut draw = place.draw(row as u64);
            let state = self.state(view.cell(self.table, self.column, row)).unwrap_or_else(|| {
                let state = self.drawn(&mut draw);
                changes.push(((self.table, self.column), row, self.known[state].1.clone()));
                state
            });
            states.push(state);
            let reached = self.reached(&view, row, state, &mut draw);
            for column in self.families.keys().filter(|column| !reached.iter().any(|(other, _)| other == *column)) {
                changes.push(((self.table, *column), row, Value::Null));
            }
            for (column, at) in reached {
                changes.extend(moment::cell(at, self.families[&column]).map(|cell| ((self.table, column), row, cell)));
            }
        }
        let mut donors = Vec::new();
        for (column, allowed) in &self.set {
            let has = |row: &usize| !view.cell(self.table, *column, *row).is_null();
            let full: Vec<usize> = (0..rows).filter(has).collect();
            for (row, state) in states.iter().enumerate() {
                match (allowed.contains(state), has(&row)) {
                    (true, false) if !full.is_empty() => {
                        donors.push((*column, row, full[place.again(row as u64, 1).index(full.len())]));
                    }
                    (false, true) => changes.push(((self.table, *column), row, Value::Null)),
                    _ => {}
                }
            }
        }
        for (column, row, other) in donors {
            work.reference_as(self.table, &[column], row, other);
        }
        for (site, row, value) in changes {
            if value.is_null() && self.nullable[site.1] {
                work.unreference(site, row);
            }
            work.set(site, row, &value);
        }
    }

    fn verify(&self, view: &View<'_>) -> (u64, u64) {
        let rows = view.rows(self.table);
        let holds = |row: usize| {
            let Some(state) = self.state(view.cell(self.table, self.column, row)) else { return false };
            let on_way: Vec<usize> =
                self.paths[state].iter().filter_map(|state| self.times.get(state).copied()).collect();
            let told: Vec<&Value> = on_way.iter().map(|column| view.cell(self.table, *column, row)).collect();
            let is_off = |column: &usize| {
                let idle = !on_way.contains(column) && self.nullable[*column];
                idle && !view.cell(self.table, *column, row).is_null()
            };
            let wrongly_set = |(column, allowed): &(usize, Vec<usize>)| {
                let empty = view.cell(self.table, *column, row).is_null();
                if allowed.contains(&state) { empty } else { !empty && self.nullable[*column] }
            };
            !told.iter().any(|cell| cell.is_null())
                && !told.windows(2).any(|pair| is_before(pair[1], pair[0]))
                && !self.families.keys().any(is_off)
                && !self.set.iter().any(wrongly_set)
        };
        (rows as u64, (0..rows).filter(|row| !holds(*row)).count() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_the_shortest_ones() {
        let steps = [(0, 1), (1, 2), (0, 3), (2, 1), (1, 3)];
        assert_eq!(paths(5, &steps), [vec![0], vec![0, 1], vec![0, 1, 2], vec![0, 3], vec![4]]);
        assert_eq!(paths(2, &[(0, 1), (1, 0)]), [vec![0], vec![0, 1]]);
    }
}
