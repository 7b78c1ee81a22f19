//! The rows of a world as expressions see them.

use super::expression::{Expression, Fold, Folded};
use super::function::{call, compare, number, text, truth};
use super::scope::{Bound, CellAt, Kin, Link};
use crate::generate::value::{Number, Value};
use crate::generate::world::World;
use std::cell::{OnceCell, RefCell};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Digits behind the point of an average.
const MEAN: u8 = 6;

/// Rows, whom they reference and who references them.
#[derive(Debug)]
pub struct View<'a> {
    /// The rows.
    pub world: &'a World<'a>,
    /// The references that the invariants know.
    pub links: &'a [Link],
    /// When the made-up world stands still.
    pub now: i64,
    parents: Vec<Parents<'a>>,
    children: Vec<OnceCell<Children>>,
    ordinals: RefCell<Ordinals>,
}

/// The ordinals of the rows of a table among those with the same cell in a column.
type Ordinals = BTreeMap<(usize, Option<usize>), Rc<Vec<u32>>>;

#[derive(Debug)]
enum Parents<'a> {
    Known(&'a [Option<u32>]),
    Found(OnceCell<Vec<Option<u32>>>),
}

/// The children of each row, one after the other.
#[derive(Debug)]
struct Children {
    ends: Vec<u32>,
    rows: Vec<u32>,
}

/// Where a reference stands among those of the world: mostly at the same place.
pub(super) fn place(world: &World<'_>, links: &[Link], link: usize) -> Option<usize> {
    let wanted = &links[link].reference;
    let same = world.references.get(link).filter(|reference| *reference == wanted).map(|_| link);
    same.or_else(|| world.references.iter().position(|reference| reference == wanted))
}

impl<'a> View<'a> {
    /// As the rows were made: who references whom is known.
    #[must_use]
    pub fn made(world: &'a World<'a>, links: &'a [Link], now: i64) -> Self {
        let known = |at: usize| match place(world, links, at).and_then(|at| world.parents.get(at)) {
            Some(parents) => Parents::Known(parents.as_slice()),
            None => Parents::Found(OnceCell::new()),
        };
        Self::with(world, links, now, (0..links.len()).map(known).collect())
    }

    /// As the cells say: who references whom is found by keys, so that a check does not believe what made the rows.
    #[must_use]
    pub fn by_cells(world: &'a World<'a>, links: &'a [Link], now: i64) -> Self {
        Self::with(world, links, now, links.iter().map(|_| Parents::Found(OnceCell::new())).collect())
    }

    fn with(world: &'a World<'a>, links: &'a [Link], now: i64, parents: Vec<Parents<'a>>) -> Self {
        let children = links.iter().map(|_| OnceCell::new()).collect();
        Self { world, links, now, parents, children, ordinals: RefCell::default() }
    }

    /// How many rows a table has.
    #[must_use]
    pub fn rows(&self, table: usize) -> usize {
        self.world.tables.get(table).map_or(0, |made| made.rows)
    }

    /// A cell; NULL where there is none.
    #[must_use]
    pub fn cell(&self, table: usize, column: usize, row: usize) -> &'a Value {
        let cells = self.world.tables.get(table).and_then(|made| made.columns.get(column));
        cells.and_then(|cells| cells.get(row)).unwrap_or(&Value::Null)
    }

    /// For each row of the child the row that it references.
    pub fn parents(&self, link: usize) -> &[Option<u32>] {
        match &self.parents[link] {
            Parents::Known(known) => known,
            Parents::Found(found) => found.get_or_init(|| self.find_parents(&self.links[link])),
        }
    }

    fn find_parents(&self, link: &Link) -> Vec<Option<u32>> {
        let key = |table: usize, columns: &[usize], row: usize| {
            let mut key = String::new();
            for column in columns {
                let cell = self.cell(table, *column, row);
                if cell.is_null() {
                    return None;
                }
                key.push_str(&text(cell));
                key.push('\0');
            }
            Some(key)
        };
        let rows = 0..self.rows(link.parent);
        let known: HashMap<String, u32> = rows
            .filter_map(|row| Some((key(link.parent, &link.parent_columns, row)?, u32::try_from(row).ok()?)))
            .collect();
        let of_type = link.reference.of_type.as_ref().and_then(|of| {
            let column = self.world.catalogue.tables[link.child].column_index(&of.column)?;
            Some((column, of.value.as_str()))
        });
        let counts =
            |row: usize| of_type.is_none_or(|(column, value)| text(self.cell(link.child, column, row)) == value);
        let parent = |row: usize| known.get(&key(link.child, &link.columns, row)?).copied().filter(|_| counts(row));
        (0..self.rows(link.child)).map(parent).collect()
    }

    /// The rows that reference a row.
    pub fn kin(&self, link: usize, row: usize) -> &[u32] {
        let children = self.children[link].get_or_init(|| {
            let parents = self.parents(link);
            let mut ends = vec![0_u32; self.rows(self.links[link].parent) + 1];
            for parent in parents.iter().flatten() {
                if let Some(end) = ends.get_mut(*parent as usize + 1) {
                    *end += 1;
                }
            }
            for at in 1..ends.len() {
                ends[at] += ends[at - 1];
            }
            let mut next = ends.clone();
            let mut rows = vec![0; ends.last().copied().unwrap_or(0) as usize];
            for (child, parent) in parents.iter().enumerate() {
                if let Some(at) = parent.and_then(|parent| next.get_mut(parent as usize))
                    && let Some(place) = rows.get_mut(*at as usize)
                {
                    *place = u32::try_from(child).unwrap_or(u32::MAX);
                    *at += 1;
                }
            }
            Children { ends, rows }
        });
        let ends = children.ends.get(row).zip(children.ends.get(row + 1));
        ends.map_or(&[], |(from, to)| &children.rows[*from as usize..*to as usize])
    }

    /// The cell that a way from a row leads to.
    #[must_use]
    pub fn at(&self, cell: &CellAt, row: usize) -> &'a Value {
        let mut row = row;
        for link in &cell.path {
            match self.parents(*link).get(row).copied().flatten() {
                Some(parent) => row = parent as usize,
                None => return &Value::Null,
            }
        }
        self.cell(cell.table, cell.column, row)
    }

    /// Whether a condition holds for a row; where there is none it does.
    #[must_use]
    pub fn holds(&self, condition: Option<&Bound>, table: usize, row: usize) -> bool {
        condition.is_none_or(|condition| truth(&self.value(condition, table, row)) == Some(true))
    }

    /// The value of an expression for a row of a table.
    #[must_use]
    pub fn value(&self, expression: &Bound, table: usize, row: usize) -> Value {
        match expression {
            Expression::Constant(value) => value.clone(),
            Expression::Cell(cell) => self.at(cell, row).clone(),
            Expression::Row => Value::whole(i128::try_from(row).unwrap_or(0) + 1),
            Expression::Nth(cell) => Value::whole(self.ordinal(table, cell.as_ref().map(|cell| cell.column), row)),
            Expression::Call(function, arguments) => {
                let arguments: Vec<Value> = arguments.iter().map(|argument| self.value(argument, table, row)).collect();
                call(*function, &arguments, self.now)
            }
            Expression::Case(cases, otherwise) => {
                let found = cases.iter().find(|(condition, _)| self.holds(Some(condition), table, row));
                self.value(found.map_or(otherwise, |(_, result)| result), table, row)
            }
            Expression::Fold(folded) => self.folded(folded, row),
        }
    }

    fn folded(&self, folded: &Folded<CellAt, Kin>, row: usize) -> Value {
        let child = self.links[folded.kin.link].child;
        let kin = self.kin(folded.kin.link, row).iter().map(|row| *row as usize);
        let mut rows: Vec<usize> = kin.filter(|row| self.holds(folded.when.as_ref(), child, *row)).collect();
        if let Some(by) = &folded.by {
            let mut keyed: Vec<(Value, usize)> = rows.iter().map(|row| (self.value(by, child, *row), *row)).collect();
            keyed.sort_by(|(a, _), (b, _)| compare(a, b).unwrap_or(Ordering::Equal));
            rows = keyed.into_iter().map(|(_, row)| row).collect();
        }
        let mut values = rows.iter().map(|row| self.value(&folded.of, child, *row)).filter(|value| !value.is_null());
        let best = |best: Value, value: Value, wanted: Ordering| {
            if compare(&value, &best) == Some(wanted) { value } else { best }
        };
        match folded.fold {
            Fold::Count => Value::whole(i128::try_from(values.count()).unwrap_or(0)),
            Fold::Sum => sum(values).map_or(Value::Null, Value::Number),
            Fold::Mean => {
                let values: Vec<Value> = values.collect();
                let count = Number::whole(i128::try_from(values.len()).unwrap_or(0));
                let mean = sum(values.into_iter()).and_then(|sum| sum.over(count, MEAN));
                mean.map_or(Value::Null, Value::Number)
            }
            Fold::Min => values.reduce(|a, b| best(a, b, Ordering::Less)).unwrap_or(Value::Null),
            Fold::Max => values.reduce(|a, b| best(a, b, Ordering::Greater)).unwrap_or(Value::Null),
            Fold::First => values.next().unwrap_or(Value::Null),
            Fold::Last => values.last().unwrap_or(Value::Null),
        }
    }

    /// The ordinal of a row among those with the same cell, from 1.
    fn ordinal(&self, table: usize, column: Option<usize>, row: usize) -> u32 {
        let known = self.ordinals.borrow().get(&(table, column)).cloned();
        let ordinals = known.unwrap_or_else(|| {
            let mut counts: HashMap<String, u32> = HashMap::new();
            let next = |row: usize| {
                let key = column.map(|column| text(self.cell(table, column, row))).unwrap_or_default();
                let count = counts.entry(key).or_default();
                *count += 1;
                *count
            };
            let ordinals = Rc::new((0..self.rows(table)).map(next).collect::<Vec<u32>>());
            self.ordinals.borrow_mut().insert((table, column), Rc::clone(&ordinals));
            ordinals
        });
        ordinals.get(row).copied().unwrap_or(0)
    }
}

/// The exact sum; none where a value is no number or there is no room.
fn sum(mut values: impl Iterator<Item = Value>) -> Option<Number> {
    values.try_fold(Number::whole(0), |sum, value| sum.plus(number(&value)?))
}
