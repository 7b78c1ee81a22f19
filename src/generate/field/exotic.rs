//! Types that only one engine has, each in the form in which its server shows it.

use super::makers;
use super::vocabulary::WORD_LIST;
use super::when;
use super::{Field, Made, Restriction, Row, Spec};
use crate::generate::cell;
use crate::generate::draw::Draw;
use crate::generate::value::Value;
use crate::mask::calendar::days_of;
use crate::model::schema::{Column, EngineKind, Table};
use std::fmt::Write as _;

/// Writes a value of a type; `n` is drawn, or a number that no other row has.
type Write = fn(u64, &mut String);

/// Types by name, how many different values there are, and how one is written.
#[rustfmt::skip]
static TYPES: &[(&str, u64, Write)] = &[
    ("inet", 1 << 24, makers::nth_ip),
    ("cidr", 1 << 16, |n, out| put(out, format_args!("10.{}.{}.0/24", n >> 8 & 255, n & 255))),
    ("macaddr", 1 << 40, makers::nth_mac),
    ("macaddr8", 1 << 40, |n, out| { let mut mac = String::new(); makers::nth_mac(n, &mut mac); put(out, format_args!("{}:ff:fe:{}", &mac[..8], &mac[9..])); }),
    ("interval", 86_400, |n, out| put(out, format_args!("{:02}:{:02}:{:02}", n / 3600 % 24, n / 60 % 60, n % 60))),
    ("point", 1 << 30, |n, out| put(out, format_args!("({},{})", n % 1000, n / 1000))),
    ("box", 1 << 30, |n, out| put(out, format_args!("({},{}),({},{})", n % 1000 + 2, n / 1000 + 2, n % 1000, n / 1000))),
    ("circle", 1 << 30, |n, out| put(out, format_args!("<({},{}),2>", n % 1000, n / 1000))),
    ("lseg", 1 << 30, |n, out| put(out, format_args!("[({},{}),({},{})]", n % 1000, n / 1000, n % 1000 + 3, n / 1000 + 4))),
    ("line", 1 << 30, |n, out| put(out, format_args!("{{1,{},{}}}", n % 1000 + 1, n / 1000))),
    ("path", 1 << 30, |n, out| put(out, format_args!("(({},{}),({},{}))", n % 1000, n / 1000, n % 1000 + 3, n / 1000 + 4))),
    ("polygon", 1 << 30, |n, out| put(out, format_args!("(({0},{1}),({2},{1}),({2},{3}))", n % 1000, n / 1000, n % 1000 + 3, n / 1000 + 4))),
    ("int4range", 1 << 30, |n, out| put(out, format_args!("[{},{})", n, n + 10))),
    ("int8range", 1 << 40, |n, out| put(out, format_args!("[{},{})", n, n + 10))),
    ("numrange", 1 << 40, |n, out| put(out, format_args!("[{}.50,{}.00)", n, n + 10))),
    ("daterange", 20_000, |n, out| { let (from, to) = days(n); put(out, format_args!("[{from},{to})")); }),
    ("tsrange", 20_000, |n, out| { let (from, to) = days(n); put(out, format_args!("[\"{from} 09:00:00\",\"{to} 17:00:00\")")); }),
    ("tstzrange", 20_000, |n, out| { let (from, to) = days(n); put(out, format_args!("[\"{from} 09:00:00+00\",\"{to} 17:00:00+00\")")); }),
    ("int4multirange", 1 << 30, |n, out| put(out, format_args!("{{[{},{})}}", n, n + 10))),
    ("int8multirange", 1 << 40, |n, out| put(out, format_args!("{{[{},{})}}", n, n + 10))),
    ("nummultirange", 1 << 40, |n, out| put(out, format_args!("{{[{}.50,{}.00)}}", n, n + 10))),
    ("datemultirange", 20_000, |n, out| { let (from, to) = days(n); put(out, format_args!("{{[{from},{to})}}")); }),
    ("tsmultirange", 20_000, |n, out| { let (from, to) = days(n); put(out, format_args!("{{[\"{from} 09:00:00\",\"{to} 17:00:00\")}}")); }),
    ("tstzmultirange", 20_000, |n, out| { let (from, to) = days(n); put(out, format_args!("{{[\"{from} 09:00:00+00\",\"{to} 17:00:00+00\")}}")); }),
    ("tsvector", 1 << 40, |n, out| put(out, format_args!("'{n:013}':2 '{}':1", word(n)))),
    ("tsquery", 1 << 40, |n, out| put(out, format_args!("'{}' & 'w{n:013}'", word(n)))),
    ("xml", 1 << 40, |n, out| put(out, format_args!("<{0}><number>{n}</number></{0}>", word(n)))),
    ("hstore", 1 << 40, |n, out| put(out, format_args!("\"label\"=>\"{}\", \"number\"=>\"{n}\"", word(n)))),
    ("ltree", 1 << 40, |n, out| put(out, format_args!("top.{}.n{n}", word(n)))),
    ("pg_lsn", 1 << 40, |n, out| put(out, format_args!("{:X}/{:X}", n >> 32, n & 0xFFFF_FFFF))),
    ("inet4", 1 << 24, makers::nth_ip),
    ("inet6", 0xFFFF, |n, out| put(out, format_args!("2001:db8::{:x}", n % 0xFFFF + 1))),
];

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok());
}

fn word(n: u64) -> &'static str {
    let count = WORD_LIST.len() as u64;
    WORD_LIST[usize::try_from(n % count).unwrap_or(0)]
}

/// Two days, a month apart.
fn days(n: u64) -> (String, String) {
    let from = i64::try_from(n % 20_000).unwrap_or(0) + days_of(2000, 1, 1);
    (when::date_text(from), when::date_text(from + 30))
}

struct Exotic {
    count: u64,
    write: Write,
}

/// The field of a column whose type only its engine has.
pub(super) fn of(spec: &Spec<'_>, name: &str) -> Made {
    let bare = name.split('(').next().unwrap_or(name);
    // A span of time may say which of its parts it keeps.
    let bare = if bare.starts_with("interval") { "interval" } else { bare };
    // MySQL's places have bytes of their own form, which nothing here writes.
    let is_place = spec.engine != EngineKind::Postgres && !bare.starts_with("inet");
    if let Some((_, count, write)) = TYPES.iter().find(|(known, ..)| *known == bare && !is_place) {
        return Ok(Box::new(Exotic { count: *count, write: *write }));
    }
    Err(format!("nothing is known of the type {}", spec.column().declared.escape_debug()))
}

impl Field for Exotic {
    fn make(&self, _: &Row<'_>, draw: &mut Draw) -> Value {
        self.nth_text(draw.below(self.count.min(1 << 20)))
    }

    fn capacity(&self) -> u64 {
        self.count
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        self.nth_text(n)
    }
}

impl Exotic {
    fn nth_text(&self, n: u64) -> Value {
        let mut out = String::with_capacity(24);
        (self.write)(n, &mut out);
        Value::Text(out)
    }
}

/// An array: up to three elements.
struct Array {
    element: Box<dyn Field>,
    column: Column,
}

/// The field of a column of arrays, whose elements are made as another column of that name would be.
pub(super) fn array(spec: &Spec<'_>, element: &Column) -> Made {
    let mut table: Table = spec.table.clone();
    table.columns[spec.column] = Column { nullable: false, ..element.clone() };
    let open = Restriction::default();
    let inner = Spec { table: &table, restriction: &open, edge: false, ..*spec };
    Ok(Box::new(Array { element: super::field(&inner)?, column: table.columns[spec.column].clone() }))
}

impl Array {
    /// As `array_out` writes it.
    fn spelled(&self, elements: &[Value]) -> Value {
        let mut out = String::from("{");
        for (at, element) in elements.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            let mut text = Vec::new();
            cell::spell(EngineKind::Postgres, &self.column, element, &mut text);
            push_element(&String::from_utf8_lossy(&text), &mut out);
        }
        out.push('}');
        Value::Text(out)
    }
}

fn push_element(text: &str, out: &mut String) {
    let special = |c: char| matches!(c, '"' | '\\' | '{' | '}' | ',') || c.is_ascii_whitespace();
    if !text.is_empty() && !text.contains(special) && !text.eq_ignore_ascii_case("null") {
        return out.push_str(text);
    }
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

impl Field for Array {
    fn make(&self, row: &Row<'_>, draw: &mut Draw) -> Value {
        let count = draw.below(4);
        self.spelled(&(0..count).map(|_| self.element.make(row, draw)).collect::<Vec<_>>())
    }

    fn capacity(&self) -> u64 {
        self.element.capacity()
    }

    fn nth(&self, n: u64, row: &Row<'_>) -> Value {
        self.spelled(&[self.element.nth(n, row)])
    }

    fn needs(&self) -> Vec<usize> {
        self.element.needs()
    }
}
