//! What the cells of a row promise each other, and what none of them may ever be.

use super::makers::{self, Make};
use super::tests::{NOW, catalogue, column, row, spec};
use super::*;
use crate::generate::value::Number;
use crate::mask;
use crate::model::schema::Family;
use std::collections::BTreeSet;

/// The fields of a table's columns, and the order in which their cells can be made.
fn fields(catalogue: &Catalogue, edge: bool) -> (Vec<Box<dyn Field>>, Vec<usize>) {
    let open = Restriction::default();
    let columns = &catalogue.tables[0].columns;
    let made = |at: usize| {
        let labels = enum_labels(catalogue, &columns[at]);
        field(&Spec { edge, ..spec(catalogue, at, &open, &labels) }).unwrap()
    };
    let fields: Vec<Box<dyn Field>> = (0..columns.len()).map(made).collect();
    let (mut order, mut left): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..fields.len()).collect());
    while !left.is_empty() {
        let ready = |at: &usize| fields[*at].needs().iter().all(|need| order.contains(need));
        let next = left.iter().position(ready);
        let waiting: Vec<&str> = left.iter().map(|at| columns[*at].name.as_str()).collect();
        order.push(left.remove(next.unwrap_or_else(|| panic!("a circle among {waiting:?}"))));
    }
    (fields, order)
}

fn rows(catalogue: &Catalogue, count: u64) -> Vec<Vec<Option<Value>>> {
    let (fields, order) = fields(catalogue, false);
    let made = |number: u64| {
        let mut cells = vec![None; fields.len()];
        for at in &order {
            let draw = &mut Draw::of(number << 8 | *at as u64);
            let made = fields[*at].make(&row(number, &cells), draw);
            cells[*at] = Some(made);
        }
        cells
    };
    (0..count).map(made).collect()
}

fn of(engine: EngineKind, columns: &[(&str, &str, Family)]) -> Catalogue {
    let nullable = |(name, declared, family): &(&str, &str, Family)| {
        let length = declared.strip_prefix("varchar(").and_then(|rest| rest.trim_end_matches(')').parse().ok());
        Column { nullable: true, ..column(name, declared, *family, length) }
    };
    catalogue(engine, columns.iter().map(nullable).collect())
}

fn moment(cell: Option<&Value>) -> Option<i64> {
    guard::moment(cell?)
}

#[test]
fn no_maker_waits_for_itself() {
    let mut columns = Vec::new();
    for maker in makers::all() {
        let name = maker.words[0].replace(' ', "_");
        columns.push(match &maker.make {
            Make::When(_) => column(&name, "datetime", Family::Timestamp, None),
            Make::Number(_) | Make::Total(_) => column(&name, "decimal(12,2)", Family::Numeric, None),
            Make::Flag(_) => column(&name, "tinyint(1)", Family::Integer, None),
            Make::Json(_) => column(&name, "json", Family::Json, None),
            Make::Text(..) | Make::List(_) => column(&name, "varchar(120)", Family::Text, Some(120)),
        });
    }
    let (fields, order) = fields(&catalogue(EngineKind::Mysql, columns), false);
    assert_eq!(fields.len(), order.len());
    let names: BTreeSet<&str> = makers::all().map(|maker| maker.name).collect();
    assert_eq!(names.len(), makers::all().count(), "two makers have one name");
}

#[test]
fn dates_come_in_order() {
    let time = |name| (name, "timestamp with time zone", Family::Timestamp);
    let date = |name| (name, "date", Family::Date);
    let table = of(
        EngineKind::Postgres,
        &[
            time("deleted_at"),
            time("updated_at"),
            time("created_at"),
            date("due_date"),
            date("order_date"),
            time("shipped_at"),
            time("delivered_at"),
            time("paid_at"),
            date("end_date"),
            date("start_date"),
            date("birth_date"),
            date("hire_date"),
            date("termination_date"),
            ("opens_at", "time without time zone", Family::Time),
            ("closes_at", "time without time zone", Family::Time),
            ("status", "text", Family::Text),
        ],
    );
    let index = |name: &str| table.tables[0].column_index(name).unwrap();
    let day = |micros: i64| micros.div_euclid(when::DAY);
    let mut compared = [0; 9];
    for cells in rows(&table, 3000) {
        let at = |name: &str| moment(cells[index(name)].as_ref());
        let pairs = [
            ("created_at", "updated_at"),
            ("updated_at", "deleted_at"),
            ("order_date", "due_date"),
            ("order_date", "shipped_at"),
            ("shipped_at", "delivered_at"),
            ("due_date", "paid_at"),
            ("start_date", "end_date"),
            ("birth_date", "hire_date"),
            ("hire_date", "termination_date"),
        ];
        for (pair, (before, after)) in pairs.iter().enumerate() {
            if let (Some(one), Some(other)) = (at(before), at(after)) {
                assert!(one <= other, "{before} lies after {after}");
                compared[pair] += 1;
            }
        }
        for past in ["created_at", "updated_at", "deleted_at", "shipped_at", "paid_at"] {
            // A date that comes after a time of the same day is the next day.
            assert!(at(past).is_none_or(|past| day(past) <= day(NOW) + 1), "{past} lies in the future");
        }
        if let (Some(Value::Time(opens)), Some(Value::Time(closes))) =
            (&cells[index("opens_at")], &cells[index("closes_at")])
        {
            assert!(opens <= closes && *closes < when::DAY);
        }
        if let Some(Value::Text(status)) = &cells[index("status")] {
            let shipped = at("shipped_at").is_some();
            assert!(!shipped || status == "shipped" || status == "delivered", "{status} and shipped");
        }
    }
    assert!(compared.iter().filter(|count| **count > 10).count() >= 7, "{compared:?}");
}

#[test]
fn states_and_flags_agree_with_dates() {
    let table = of(
        EngineKind::Mysql,
        &[
            ("status", "enum('draft','sent','paid','shipped')", Family::Enum),
            ("paid_at", "datetime", Family::Timestamp),
            ("is_deleted", "tinyint(1)", Family::Integer),
            ("deleted_at", "datetime", Family::Timestamp),
            ("invoice_date", "date", Family::Date),
        ],
    );
    let (mut paid, mut deleted) = (0, 0);
    for cells in rows(&table, 4000) {
        let is = |at: usize| cells[at].as_ref().is_some_and(|cell| !cell.is_null());
        if let Some(Value::Text(status)) = &cells[0] {
            assert_eq!(status == "paid" && is(4), is(1) && is(4), "{status}");
            paid += u32::from(is(1));
        }
        if let Some(Value::Number(flag)) = &cells[2] {
            assert_eq!(*flag == Number::whole(1), is(3));
            deleted += u32::from(is(3));
        }
    }
    assert!(paid > 200 && deleted > 20, "{paid} {deleted}");
}

#[test]
fn totals_are_what_they_are_the_total_of() {
    let number = |name| (name, "decimal(12,2)", Family::Numeric);
    let lines =
        of(EngineKind::Mysql, &[("quantity", "int", Family::Integer), number("unit_price"), number("line_total")]);
    let orders =
        of(EngineKind::Mysql, &[number("subtotal"), number("tax_amount"), number("discount"), number("total")]);
    let get = |cells: &[Option<Value>], at: usize| cells[at].as_ref().and_then(Value::number);
    let (mut held, mut summed) = (0, 0);
    for cells in rows(&lines, 500) {
        if let (Some(quantity), Some(price), Some(total)) = (get(&cells, 0), get(&cells, 1), get(&cells, 2)) {
            assert_eq!(quantity.times(price), Some(total));
            held += 1;
        }
    }
    for cells in rows(&orders, 500) {
        if let (Some(sub), Some(tax), Some(discount), Some(total)) =
            (get(&cells, 0), get(&cells, 1), get(&cells, 2), get(&cells, 3))
        {
            assert_eq!(sub.plus(tax).and_then(|sum| sum.minus(discount)), Some(total));
            summed += 1;
        }
    }
    assert!(held > 300 && summed > 300);
}

/// Whether a text is one that nobody has.
type Holds<'a> = Box<dyn Fn(&str) -> bool + 'a>;

#[test]
fn nothing_that_is_made_is_anybodys() {
    let could = |mask: &str, text: &str| {
        let definition = mask::find(mask).unwrap();
        definition.could_write.is_some_and(|could| could(&mask::Params::default(), text))
    };
    let text = |name: &str, room: u32| column(name, &format!("varchar({room})"), Family::Text, Some(room));
    let checks: [(&str, u32, Holds<'_>); 9] = [
        ("phone", 30, Box::new(|text| could("phone", text))),
        ("phone", 12, Box::new(|text| could("phone", text))),
        (
            "email",
            40,
            Box::new(|text| {
                could("email", text)
                    || ["com", "org", "net"].iter().any(|end| text.ends_with(&format!("@example.{end}")))
            }),
        ),
        ("ssn", 11, Box::new(|text| could("ssn", text))),
        ("card_number", 19, Box::new(|text| could("card", text))),
        ("iban", 34, Box::new(|text| could("iban", text))),
        ("wallet_address", 60, Box::new(|text| could("crypto_wallet", text))),
        (
            "ip_address",
            45,
            Box::new(|text| ["192.0.2.", "198.51.100.", "203.0.113.", "10."].iter().any(|net| text.starts_with(net))),
        ),
        ("mac_address", 17, Box::new(|text| text.starts_with("02:"))),
    ];
    for (name, room, holds) in checks {
        let table = catalogue(EngineKind::Mysql, vec![text(name, room)]);
        let field = field(&spec(&table, 0, &Restriction::default(), &[])).unwrap();
        for n in 0..3000 {
            let distinct = n * 7919 % field.capacity();
            for made in [field.make(&row(n, &[None]), &mut Draw::of(n)), field.nth(distinct, &row(n, &[None]))] {
                let Value::Text(made) = made else { panic!("{name} is no text") };
                assert!(holds(&made), "{name} {room}: {made}");
            }
        }
    }
}

#[test]
fn text_mentions_the_people_of_its_row() {
    let table = of(EngineKind::Postgres, &[("notes", "text", Family::Text)]);
    let (fields, _) = fields(&table, false);
    let people = [Subject(4), Subject(5)];
    let mut mentioned = 0;
    for number in 0..200 {
        let about = Row { number, cells: &[None], subject: Subject(4), people: &people };
        if let Value::Text(text) = fields[0].make(&about, &mut Draw::of(number)) {
            assert!(people.iter().any(|one| text.contains(&one.full_name())), "{text}");
            mentioned += 1;
        }
    }
    assert!(mentioned > 80);
}

#[test]
fn the_edge_is_reached() {
    let table = of(
        EngineKind::Sqlite,
        &[
            ("name", "varchar(30)", Family::Text),
            ("quantity", "integer", Family::Integer),
            ("starts_on", "date", Family::Date),
            ("active", "boolean", Family::Boolean),
        ],
    );
    let (fields, _) = fields(&table, true);
    let all = |at: usize| -> Vec<Value> {
        (0..600).map(|n| fields[at].make(&row(n, &[None, None, None, None]), &mut Draw::of(n))).collect()
    };
    for at in 0..4 {
        let nulls = all(at).iter().filter(|value| value.is_null()).count();
        assert!((150..450).contains(&nulls), "{at}: {nulls}");
    }
    let texts: BTreeSet<String> =
        all(0).into_iter().filter_map(|value| if let Value::Text(text) = value { Some(text) } else { None }).collect();
    assert!(texts.contains("") && texts.iter().any(|text| text.chars().count() == 30));
    assert!(texts.iter().any(|text| text.contains('🌿')) && texts.iter().all(|text| text.chars().count() <= 30));
    let numbers: BTreeSet<Number> = all(1).iter().filter_map(Value::number).collect();
    assert!([i64::MIN, 0, i64::MAX].iter().all(|number| numbers.contains(&Number::whole((*number).into()))));
    assert!(all(2).contains(&Value::Date(19_782)));
}
