//! Dates and times: after what comes before them, before the present where they tell of the past, on weekdays mostly.

use super::guard::{self, Guard};
use super::makers::{self, Maker};
use super::number::Holes;
use super::span::Span;
use super::types::Type;
use super::{Field, Made, Row, Spec};
use crate::generate::draw::Draw;
use crate::generate::value::Value;
use crate::mask::calendar::{date_of, days_of};
use crate::model::schema::Family;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Microseconds of a second, an hour and a day.
pub(super) const SECOND: i64 = 1_000_000;
pub(super) const HOUR: i64 = 3600 * SECOND;
pub(super) const DAY: i64 = 24 * HOUR;

/// What a date or time of some name means.
#[derive(Debug)]
pub struct Role {
    /// What it comes after, by makers' names: the first of them that the table has counts.
    pub after: &'static [&'static str],
    /// How many hours after that, at least and at most.
    pub hours: (i64, i64),
    /// How many days before the present, where it comes after nothing: from and to, negative ones in the future.
    pub days_ago: (i64, i64),
    /// Whether it may lie in the future.
    pub ahead: bool,
    /// The states in which a row has it; none where its state does not matter.
    pub states: &'static [&'static str],
}

/// A date or time of which nothing is known.
pub(super) static SOMETIME: Role =
    Role { after: &["created"], hours: (1, 24 * 90), days_ago: (0, 730), ahead: false, states: &[] };

/// Whether a state is one that any of the roles knows.
fn is_known_state(state: &str) -> bool {
    static STATES: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    let states = STATES.get_or_init(|| {
        let early =
            ["draft", "new", "open", "pending", "active", "inactive", "queued", "todo", "in_progress", "on_hold"];
        let roles = makers::all().filter_map(|maker| match &maker.make {
            makers::Make::When(role) => Some(role.states),
            _ => None,
        });
        roles.flatten().copied().chain(early).collect()
    });
    states.contains(state)
}

/// How a moment is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Date,
    Time,
    Timestamp,
    DateText,
    StampText,
    /// `09:30`, with seconds where there is room.
    HourText {
        seconds: bool,
    },
    /// A number of seconds, or of their parts, since 1970.
    Epoch,
    Year,
}

impl Shown {
    /// Whether it is a time of day.
    fn is_hour(self) -> bool {
        matches!(self, Self::Time | Self::HourText { .. })
    }
}

/// Microseconds since midnight.
fn hour(value: &Value) -> Option<i64> {
    match value {
        Value::Time(micros) => Some(*micros),
        Value::Text(text) => read_time(text),
        _ => None,
    }
}

struct When {
    role: &'static Role,
    shown: Shown,
    /// In units.
    span: Span,
    /// Microseconds of a unit.
    unit: i64,
    now: i64,
    /// Columns that come before, the most telling one first.
    bases: Vec<usize>,
    /// The column that says in which state the row is.
    state: Option<usize>,
    nullable: bool,
    holes: Holes,
    guard: Guard,
    edge: bool,
}

/// The field of a column of dates or times.
pub(super) fn of(spec: &Spec<'_>, kind: &Type, role: &'static Role) -> Made {
    let date = |year| i128::from(days_of(year, 1, 1));
    let (shown, unit, low, high) = match kind {
        Type::Date => (Shown::Date, DAY, date(1900), date(2100)),
        Type::Time { digits, .. } => {
            let unit = if *digits == 0 { SECOND } else { SECOND / 1000 };
            (Shown::Time, unit, 0, i128::from(DAY / unit - 1))
        }
        Type::Timestamp { digits, unix } => {
            let unit = if *digits >= 3 { SECOND / 1000 } else { SECOND };
            let per_day = i128::from(DAY / unit);
            let (from, to) = if *unix { (date(1971), date(2038)) } else { (date(1900), date(2100)) };
            (Shown::Timestamp, unit, from * per_day, to * per_day)
        }
        _ => return Err("its type holds no dates".to_owned()),
    };
    when(spec, role, shown, unit, (low, high))
}

/// The field of a column of numbers that count time since 1970, or years.
pub(super) fn of_epoch(spec: &Spec<'_>, kind: &Type, role: &'static Role) -> Made {
    let Type::Number { low, high, places: 0, .. } = kind else {
        return match kind {
            Type::Year => when(spec, role, Shown::Year, DAY * 365, (1901, 2155)),
            _ => super::number::of(spec, kind, &super::number::PLAIN),
        };
    };
    let named = spec.column().name.to_ascii_lowercase();
    let thousand = named.ends_with("ms") || named.ends_with("millis") || named.contains("milli");
    let unit = if thousand && *high > 1 << 40 { SECOND / 1000 } else { SECOND };
    if *high < 2_000_000_000 {
        return super::number::of(spec, kind, &super::number::PLAIN);
    }
    let most = i128::from(DAY / unit) * i128::from(days_of(2038, 1, 1));
    when(spec, role, Shown::Epoch, unit, (0.max(*low), most.min(*high)))
}

/// The field of a column of texts that are dates.
pub(super) fn of_text(spec: &Spec<'_>, room: u32, role: &'static Role) -> Made {
    let rule = spec.restriction;
    if room < 5 || room == 9 || !rule.like.is_empty() || !rule.matches.is_empty() || rule.length != (None, None) {
        return super::text::of(spec, room, None);
    }
    if room < 10 {
        let shown = Shown::HourText { seconds: room == 8 };
        let unit = if room == 8 { SECOND } else { 60 * SECOND };
        return when(spec, role, shown, unit, (0, i128::from(DAY / unit - 1)));
    }
    let name = spec.column().name.to_ascii_lowercase();
    let date = room < 19 || ((name.contains("date") || name.ends_with("_on")) && !name.contains("time"));
    let (shown, unit) = if date { (Shown::DateText, DAY) } else { (Shown::StampText, SECOND) };
    let at = |year| i128::from(days_of(year, 1, 1)) * i128::from(DAY / unit);
    when(spec, role, shown, unit, (at(1900), at(2100)))
}

fn when(spec: &Spec<'_>, role: &'static Role, shown: Shown, unit: i64, limits: (i128, i128)) -> Made {
    let impossible = || "no date or time of its type keeps to its conditions".to_owned();
    let of_unit = i128::from(unit);
    let bound = |bound: &crate::generate::restriction::Bound, up: bool| {
        let at = units_of(&bound.value, shown, unit)?;
        let whole = at.div_euclid(of_unit);
        let exact = at.rem_euclid(of_unit) == 0;
        Some(match (up, exact) {
            (true, true) => whole + i128::from(!bound.inclusive),
            (true, false) => whole + 1,
            (false, true) => whole - i128::from(!bound.inclusive),
            (false, false) => whole,
        })
    };
    let rule = spec.restriction;
    let low = rule.low.as_ref().and_then(|low| bound(low, true)).map_or(limits.0, |low| low.max(limits.0));
    let high = rule.high.as_ref().and_then(|high| bound(high, false)).map_or(limits.1, |high| high.min(limits.1));
    let usual = match shown {
        shown if shown.is_hour() => (i128::from(6 * HOUR / unit), i128::from(21 * HOUR / unit)),
        Shown::Year => (2010, 2025),
        _ => {
            let at = |days: i64| i128::from((spec.now - days * DAY) / unit);
            (at(role.days_ago.1), at(role.days_ago.0))
        }
    };
    let span = Span::new((low, high), usual, 1).ok_or_else(impossible)?;
    let forbidden = rule.none_of.iter().filter_map(|value| Some(units_of(value, shown, unit)?.div_euclid(of_unit)));
    let holes = Holes::of(forbidden.collect(), |at| (span.low..=span.high).contains(&at));
    if holes.capacity(span.count()) == 0 {
        return Err(impossible());
    }
    let nullable = spec.column().nullable && rule.null != Some(false);
    Ok(Box::new(When {
        role,
        shown,
        span,
        unit,
        now: spec.now,
        bases: bases(spec, role),
        state: state_of(spec, role),
        nullable,
        holes,
        guard: Guard::of(spec),
        edge: spec.edge,
    }))
}

/// Microseconds that a value stands for.
fn units_of(value: &Value, shown: Shown, unit: i64) -> Option<i128> {
    Some(match (shown, value) {
        (Shown::Epoch | Shown::Year, value) => guard::number(value)?.rounded(0)?.units.checked_mul(i128::from(unit))?,
        (Shown::Time | Shown::HourText { .. }, value) => i128::from(hour(value)?),
        (_, value) => i128::from(guard::moment(value)?),
    })
}

/// The columns of the table that a date comes after.
fn bases(spec: &Spec<'_>, role: &Role) -> Vec<usize> {
    let own = &spec.column().name;
    let is_hour = |at: usize| {
        let column = &spec.table.columns[at];
        column.family == Family::Time || column.length.is_some_and(|length| length < 10)
    };
    if role.after.is_empty() {
        return Vec::new();
    }
    let times = makers::times_of(spec.table);
    let found = role.after.iter().flat_map(|name| {
        let alike = |at: usize| at != spec.column && is_hour(at) == is_hour(spec.column);
        let named = times.iter().filter(|(at, maker)| maker.name == *name && alike(*at));
        let mut named: Vec<usize> = named.map(|(at, _)| *at).collect();
        // Of several starts the one that shares most letters with this end.
        named.sort_by_key(|at| std::cmp::Reverse(shared(own, &spec.table.columns[*at].name)));
        named
    });
    found.collect()
}

fn shared(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

/// The column with the row's state, where the role depends on it: a status, or a flag of the same meaning.
fn state_of(spec: &Spec<'_>, role: &Role) -> Option<usize> {
    if role.states.is_empty() {
        return None;
    }
    let says = |at: &usize, words: &[&str]| {
        let name = spec.table.columns[*at].name.to_ascii_lowercase();
        words.iter().any(|word| name == *word || name.strip_prefix("is_") == Some(word))
    };
    let columns =
        || (0..spec.table.columns.len()).filter(|at| *at != spec.column && !spec.table.columns[*at].generated);
    let flag = columns().find(|at| says(at, role.states) && is_flag(spec, *at));
    let texty = |at: &usize| matches!(spec.table.columns[*at].family, Family::Text | Family::Enum | Family::Any);
    flag.or_else(|| columns().find(|at| texty(at) && says(at, &["status", "state", "stage"])))
}

fn is_flag(spec: &Spec<'_>, at: usize) -> bool {
    let column = &spec.table.columns[at];
    column.family == Family::Boolean || column.declared.eq_ignore_ascii_case("tinyint(1)")
}

/// Whether a field of this maker says by itself which rows have no value.
pub(super) fn decides_null(spec: &Spec<'_>, maker: &Maker) -> bool {
    matches!(&maker.make, makers::Make::When(role) if state_of(spec, role).is_some())
}

impl When {
    fn value(&self, units: i128) -> Value {
        let units = i64::try_from(units).unwrap_or(0);
        match self.shown {
            Shown::Date => Value::Date(i32::try_from(units).unwrap_or(0)),
            Shown::Time => Value::Time(units.saturating_mul(self.unit)),
            Shown::Timestamp => Value::Timestamp(units.saturating_mul(self.unit)),
            Shown::DateText => Value::Text(date_text(units)),
            Shown::HourText { seconds } => {
                let text = stamp_text(units.saturating_mul(self.unit));
                Value::text(if seconds { &text[11..] } else { &text[11..16] })
            }
            Shown::StampText => Value::Text(stamp_text(units.saturating_mul(self.unit))),
            Shown::Epoch | Shown::Year => Value::whole(units),
        }
    }

    /// Whether the row's state says that it has this date; none where it says nothing.
    fn is_due(&self, row: &Row<'_>) -> Option<bool> {
        match row.cell(self.state?)? {
            Value::Text(state) => {
                let state = state.to_lowercase();
                let due = self.role.states.contains(&state.as_str());
                (due || is_known_state(&state)).then_some(due)
            }
            flag => Some(guard::number(flag)?.units != 0),
        }
    }

    /// When what comes before was, in microseconds.
    fn base(&self, row: &Row<'_>) -> Option<i64> {
        self.bases.iter().find_map(|at| {
            let cell = row.cell(*at)?;
            match (self.shown, cell) {
                (shown, cell) if shown.is_hour() => hour(cell),
                (_, Value::Number(number)) => {
                    let micros = number.units.checked_mul(i128::from(self.unit))?;
                    i64::try_from(micros).ok().filter(|_| matches!(self.shown, Shown::Epoch))
                }
                (_, cell) => guard::moment(cell),
            }
        })
    }

    fn after(&self, base: i64, draw: &mut Draw) -> i128 {
        let (from, to) = (self.role.hours.0 * HOUR, self.role.hours.1 * HOUR);
        let mut at = i128::from(base) + draw.between(from.into(), to.into());
        if self.shown.is_hour() {
            // Later on the same day, if anything is left of it.
            at = i128::from(base) + draw.between(HOUR.into(), (8 * HOUR).into());
            at = at.min(i128::from(DAY - self.unit)).max(base.into());
        } else if !self.role.ahead && at > self.now.into() {
            let left = i128::from(self.now.saturating_sub(base).max(0));
            at = i128::from(base) + draw.between(0, left);
        }
        let unit = i128::from(self.unit);
        let floor = at.div_euclid(unit);
        if floor * unit >= base.into() { floor } else { floor + 1 }
    }

    /// A day of the usual part, on a weekday mostly, and a time of that day.
    fn alone(&self, draw: &mut Draw) -> i128 {
        let (near, far) = (self.span.near, self.span.far);
        let unit = i128::from(self.unit);
        if self.shown.is_hour() || self.shown == Shown::Year {
            let step = if self.unit <= SECOND && far - near > 3600 { i128::from(300 * SECOND / self.unit) } else { 1 };
            return draw.between(near / step, far / step) * step;
        }
        let per_day = (i128::from(DAY) / unit).max(1);
        let mut day = draw.between(near.div_euclid(per_day), far.div_euclid(per_day));
        // The first of 1970 was a Thursday.
        let weekday = (day + 3).rem_euclid(7);
        if weekday > 4 && draw.chance(0.7) {
            day -= weekday - 4;
        }
        if per_day == 1 {
            return day.clamp(near, far);
        }
        let hour = draw.between(7, 13) + draw.between(0, 6);
        let within = draw.between(0, i128::from(HOUR) / unit - 1);
        (day * per_day + hour * i128::from(HOUR) / unit + within).clamp(near, far)
    }

    fn extreme(&self, draw: &mut Draw) -> i128 {
        let of_unit = |micros: i64| i128::from(micros / self.unit);
        match self.shown {
            shown if shown.is_hour() => *draw.pick(&[0, i128::from(DAY / self.unit - 1), of_unit(12 * HOUR)]),
            Shown::Year => *draw.pick(&[self.span.low, self.span.high, 2024]),
            _ => {
                let leap = days_of(2024, 2, 29) * DAY;
                *draw.pick(&[of_unit(leap), of_unit(leap + DAY - SECOND), self.span.low, self.span.high])
            }
        }
    }
}

impl Field for When {
    fn make(&self, row: &Row<'_>, draw: &mut Draw) -> Value {
        let due = self.is_due(row).filter(|_| self.nullable);
        if due == Some(false) || (self.nullable && self.state.is_some() && due.is_none() && draw.chance(0.6)) {
            return Value::Null;
        }
        let base = self.base(row);
        if self.nullable && !self.role.ahead && base.is_some_and(|base| base > self.now) && !self.shown.is_hour() {
            return Value::Null;
        }
        let at = match base {
            Some(base) => self.after(base, draw),
            None if self.edge && draw.chance(0.2) => self.extreme(draw),
            None => self.alone(draw),
        };
        let made = self.value(at.clamp(self.span.low, self.span.high));
        if self.guard.holds(&made) {
            return made;
        }
        let all = self.span.count();
        self.value(self.holes.nth(all, draw.below(self.holes.capacity(all)), |n| self.span.nth(n)))
    }

    fn capacity(&self) -> u64 {
        self.holes.capacity(self.span.count())
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        let all = self.span.count();
        self.value(self.holes.nth(all, n, |n| self.span.nth(n)))
    }

    fn needs(&self) -> Vec<usize> {
        self.bases.iter().copied().chain(self.state).collect()
    }
}

pub(super) fn date_text(days: i64) -> String {
    let (year, month, day) = date_of(days);
    format!("{year:04}-{month:02}-{day:02}")
}

pub(super) fn stamp_text(micros: i64) -> String {
    let seconds = micros.rem_euclid(DAY) / SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{} {hour:02}:{minute:02}:{second:02}", date_text(micros.div_euclid(DAY)))
}

/// Reads `2025-01-31`, with `10:00`, `10:00:00` or `10:00:00.5` behind, and a `Z` or `+00`.
pub(super) fn read(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = text.split_at_checked(10)?;
    let mut parts = date.split('-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let date = days_of(year, month, day) * DAY;
    let time = time.trim_start_matches([' ', 'T']);
    if time.is_empty() { Some(date) } else { Some(date + read_time(time)?) }
}

/// Reads a time of day.
fn read_time(text: &str) -> Option<i64> {
    let text = text.trim_end_matches('Z');
    let text = text.split(['+', '-']).next()?;
    let mut parts = text.split(':');
    let (hour, minute) = (parts.next()?.parse::<i64>().ok()?, parts.next()?.parse::<i64>().ok()?);
    let second = crate::generate::value::Number::parse(parts.next().unwrap_or("0"))?.rounded(6)?.units;
    (hour < 25 && minute < 60).then(|| hour * HOUR + minute * 60 * SECOND + i64::try_from(second).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_are_written() {
        let at = days_of(2025, 7, 4) * DAY + 10 * HOUR + 5 * SECOND;
        assert_eq!(stamp_text(at), "2025-07-04 10:00:05");
        for text in ["2025-07-04 10:00:05", "2025-07-04T10:00:05Z", "2025-07-04 10:00:05+00", "2025-07-04 10:00:05.0"] {
            assert_eq!(read(text), Some(at), "{text}");
        }
        assert_eq!(
            (read("2025-07-04"), read("n/a"), read("2025-13-01")),
            (Some(at - 10 * HOUR - 5 * SECOND), None, None)
        );
    }
}
