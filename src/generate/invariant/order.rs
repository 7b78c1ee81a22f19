//! Dates that come one after the other.

use super::rule::InvariantRule;
use super::scope::{CellAt, Scope, Site};
use super::view::View;
use super::{Sentence, Work};
use crate::generate::draw::Draw;
use crate::generate::profile::moment::{self, DAY};
use crate::generate::value::Value;
use crate::model::schema::Family;

#[derive(Debug)]
pub(super) struct Order {
    table: usize,
    cells: Vec<CellAt>,
    families: Vec<Family>,
    span: (i64, i64),
    reads: Vec<Site>,
}

/// From what a rule says, or so much.
pub(super) fn span(rule: &InvariantRule, otherwise: (i64, i64)) -> (i64, i64) {
    let spans: Vec<i64> = rule.texts("span").iter().filter_map(|span| moment::read_span(span)).collect();
    match spans[..] {
        [least, most] => (least.max(0), most.max(0)),
        _ => otherwise,
    }
}

/// A span that is drawn.
pub(super) fn drawn(span: (i64, i64), draw: &mut Draw) -> i64 {
    i64::try_from(draw.between(span.0.into(), span.1.into())).unwrap_or(span.0)
}

/// Whether one moment comes before another; where one of them is a day only, days are compared.
pub(super) fn is_before(left: &Value, right: &Value) -> bool {
    let is_day = |value: &Value| match value {
        Value::Date(_) => true,
        Value::Text(text) => text.len() == 10,
        _ => false,
    };
    let Some((a, b)) = moment::of(left).zip(moment::of(right)) else { return false };
    if is_day(left) || is_day(right) { a.div_euclid(DAY) < b.div_euclid(DAY) } else { a < b }
}

pub(super) fn bind(rule: &InvariantRule, scope: &Scope<'_>, table: usize) -> Result<Order, String> {
    let names = rule.texts("columns");
    if names.len() < 2 {
        return Err("an order has at least two columns".to_owned());
    }
    let way = |name: &String| name.split('.').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
    let cells: Vec<CellAt> = names.iter().map(|name| scope.cell(table, &way(name))).collect::<Result<_, _>>()?;
    let family = |cell: &CellAt| scope.lookup.catalogue.tables[cell.table].columns[cell.column].family;
    let families: Vec<Family> = cells.iter().map(family).collect();
    for (cell, family) in cells.iter().zip(&families) {
        if !matches!(family, Family::Date | Family::Timestamp | Family::Text) {
            let own = &scope.lookup.catalogue.tables[cell.table];
            return Err(format!(
                "column {}.{} holds {family}, not dates",
                own.name,
                own.columns[cell.column].name.escape_debug()
            ));
        }
    }
    let reads = cells.iter().flat_map(|cell| scope.reads_of(cell)).collect();
    Ok(Order { table, cells, families, span: span(rule, (0, 3 * DAY)), reads })
}

impl Order {
    /// The columns that can be moved: the row's own, but the first.
    fn moved(&self) -> impl Iterator<Item = Site> + '_ {
        self.cells.iter().skip(1).filter(|cell| cell.path.is_empty()).map(|cell| (cell.table, cell.column))
    }
}

impl Sentence for Order {
    fn reads(&self) -> Vec<Site> {
        self.reads.iter().copied().filter(|site| !self.moved().any(|moved| moved == *site)).collect()
    }

    fn writes(&self) -> Vec<Site> {
        self.moved().collect()
    }

    fn settle(&self, work: &mut Work<'_, '_>) {
        let place = work.place(self.table, "invariant order");
        let mut changes = Vec::new();
        let view = work.view();
        for row in 0..view.rows(self.table) {
            let mut draw = place.draw(row as u64);
            let mut low: Option<Value> = None;
            for (at, cell) in self.cells.iter().enumerate() {
                let value = view.at(cell, row);
                if moment::of(value).is_none() {
                    continue;
                }
                let mut now = value.clone();
                if let Some(low) = low.as_ref().filter(|low| at > 0 && cell.path.is_empty() && is_before(value, low)) {
                    let from = moment::of(low).unwrap_or(work.now);
                    let to = from.saturating_add(drawn(self.span, &mut draw)).min(work.now).max(from);
                    if let Some(moved) = moment::cell(to, self.families[at]) {
                        changes.push(((cell.table, cell.column), row, moved.clone()));
                        now = moved;
                    }
                }
                low = Some(now);
            }
        }
        work.set_all(changes);
    }

    fn verify(&self, view: &View<'_>) -> (u64, u64) {
        let rows = view.rows(self.table);
        let broken = |row: &usize| {
            let told = self.cells.iter().map(|cell| view.at(cell, *row)).filter(|value| moment::of(value).is_some());
            let told: Vec<&Value> = told.collect();
            told.windows(2).any(|pair| is_before(pair[1], pair[0]))
        };
        (rows as u64, (0..rows).filter(broken).count() as u64)
    }
}
