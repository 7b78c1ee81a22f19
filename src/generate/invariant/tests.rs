//! Every kind of invariant is brought about in rows that know nothing of it, whatever their number and seed.

use crate::generate::draw::Seed;
use crate::generate::profile::testing::{catalogue, references, world};
use crate::generate::profile::{Bound, Profile, Request};
use crate::generate::value::{Number, Value};
use crate::generate::world::World;
use crate::model::schema::Catalogue;
use crate::model::subset::Reference;
use proptest::prelude::*;

const SCHEMA: [&str; 12] = [
    "clients: id int, name text(40), orders int, spent decimal(12;2), last_on date?",
    "orders: id int, client_id int, number text(30), status enum('draft';'sent';'paid';'void'), ordered_on timestamp, sent_at timestamp?, paid_at timestamp?, void_reason text(20)?, subtotal decimal(12;2), total decimal(12;2) -> clients(client_id)",
    "lines: id int, order_id int, line_no int, product_id int, name text(10), quantity int, price decimal(12;2) -> orders(order_id) -> products(product_id)",
    "products: id int, name text(40), price decimal(10;2), on_hand int",
    "moves: id int, product_id int, kind text(3), quantity int -> products(product_id)",
    "invoices: id int, order_id int, issued_on date, due_on date, total decimal(12;2), paid decimal(12;2), due decimal(12;2), status text(10) -> orders(order_id)",
    "payments: id int, invoice_id int, amount decimal(12;2), paid_on date -> invoices(invoice_id)",
    "ledger: id int, journal text(20), invoice_id int?, debit decimal(12;2), credit decimal(12;2)? -> invoices(invoice_id)",
    "bins: id int, received int, there int",
    "picks: id int, bin_id int, quantity int -> bins(bin_id)",
    "cash: id int, balance decimal(12;2)",
    "cash_moves: id int, cash_id int, amount decimal(12;2), had decimal(12;2), has decimal(12;2), at timestamp -> cash(cash_id)",
];

const PROFILE: &str = r#"
version = 1
[tables.lines.columns]
name = { template = "{product_id.name}!" }
[tables.moves.columns]
kind = { values = { in = 1, out = 2, count = 1 } }
quantity = { distribution = "uniform", min = 1, max = 40, places = 0 }
[tables.cash_moves.columns]
amount = { distribution = "uniform", min = -50, max = 40 }
[tables.orders.columns]
number = { template = "{client_id.name}-{n:03}" }

[[invariants]]
kind = "derived"
table = "clients"
column = "orders"
is = "count(orders, status <> 'void')"
[[invariants]]
kind = "derived"
table = "clients"
column = "spent"
is = "sum(orders, total, status in ('sent', 'paid'))"
[[invariants]]
kind = "derived"
table = "clients"
column = "last_on"
is = "last(orders, ordered_on, ordered_on)"
[[invariants]]
kind = "derived"
table = "lines"
column = "price"
is = "product_id.price"
[[invariants]]
kind = "derived"
table = "orders"
column = "subtotal"
is = "sum(lines, quantity * price)"
[[invariants]]
kind = "derived"
table = "orders"
column = "total"
is = "round(subtotal * 1.19, 2)"
[[invariants]]
kind = "numbering"
table = "lines"
column = "line_no"
per = "order_id"
[[invariants]]
kind = "states"
table = "orders"
column = "status"
states = { draft = 1, sent = 2, paid = 5, void = 1 }
steps = { draft = ["sent", "void"], sent = ["paid", "void"] }
times = { sent = "sent_at", paid = "paid_at" }
set = { void_reason = "void" }
start = "ordered_on"
[[invariants]]
kind = "stock"
table = "products"
column = "on_hand"
moves = "moves"
quantity = "quantity"
direction = "kind"
in = "in"
out = "out"
[[invariants]]
kind = "stock"
table = "bins"
column = "there"
moves = "picks"
quantity = "quantity"
opening = "received"
[[invariants]]
kind = "stock"
table = "cash"
column = "balance"
moves = "cash_moves"
quantity = "amount"
by = "at"
before = "had"
after = "has"
[[invariants]]
kind = "derived"
table = "invoices"
column = "total"
is = "order_id.total"
[[invariants]]
kind = "order"
table = "invoices"
columns = ["order_id.ordered_on", "issued_on", "due_on"]
span = ["0d", "30d"]
[[invariants]]
kind = "allocation"
table = "invoices"
total = "total"
payments = "payments"
amount = "amount"
paid = "paid"
due = "due"
due_on = "due_on"
status = "status"
words = { paid = "paid", partial = "partial", open = "open", overdue = "late" }
[[invariants]]
kind = "order"
table = "payments"
columns = ["invoice_id.issued_on", "paid_on"]
[[invariants]]
kind = "balance"
table = "ledger"
debit = "debit"
credit = "credit"
per = "journal"
[[invariants]]
kind = "check"
table = "invoices"
holds = "paid + due = total and due >= 0"
"#;

fn made<'a>(catalogue: &'a Catalogue, references: &'a [Reference], bound: &Bound, rows: usize, seed: u64) -> World<'a> {
    let seed = Seed::new(seed);
    let mut world = world(catalogue, references, bound, rows, &seed);
    // Prices are never 0, so that nothing is free.
    for price in &mut world.tables[3].columns[2] {
        *price = Value::Number(Number::new(1000, 2));
    }
    bound.settle(&mut world, &seed).unwrap();
    world
}

fn bound(text: &str, catalogue: &Catalogue) -> Bound {
    let declared = crate::model::subset::declared(catalogue);
    let bound = Profile::parse("p.toml", text).unwrap().bind(catalogue, &declared, Request::default()).unwrap();
    assert_eq!(bound.warnings(), &[] as &[String]);
    bound
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_kind_holds_in_the_result(rows in 1_usize..60, seed in 0_u64..1000) {
        let catalogue = catalogue(&SCHEMA);
        let bound = bound(PROFILE, &catalogue);
        let references = references(&catalogue, &bound);
        let world = made(&catalogue, &references, &bound, rows, seed);
        let verified = bound.verify(&world);
        prop_assert_eq!(verified.len(), 19);
        for verified in verified {
            prop_assert!(verified.rows > 0);
            prop_assert_eq!(verified.failed, 0, "{:?}", verified);
        }
        let again = made(&catalogue, &references, &bound, rows, seed);
        prop_assert!(world.tables.iter().zip(&again.tables).all(|(one, other)| one.columns == other.columns));
    }
}

/// Spoils one cell of each settled column and looks who sees it.
#[test]
fn every_kind_sees_what_does_not_hold() {
    let catalogue = catalogue(&SCHEMA);
    let bound = bound(PROFILE, &catalogue);
    let references = references(&catalogue, &bound);
    let at = |name: &str| {
        let (table, column) = name.split_once('.').unwrap();
        let table = catalogue.tables.iter().position(|other| other.name.name == table).unwrap();
        (table, catalogue.tables[table].column_index(column).unwrap())
    };
    let far = Value::Date(1);
    let much = Value::Number(Number::new(123_456_789, 2));
    for (site, value, seen) in [
        ("clients.orders", &much, "derived clients.orders"),
        ("orders.subtotal", &much, "derived orders.subtotal"),
        ("lines.line_no", &much, "numbering lines.line_no"),
        ("orders.status", &Value::text("gone"), "states orders.status"),
        ("products.on_hand", &Value::whole(-1), "stock products.on_hand"),
        ("moves.quantity", &much, "stock products.on_hand"),
        ("cash_moves.had", &much, "stock cash.balance"),
        ("bins.there", &Value::whole(-1), "stock bins.there"),
        ("invoices.due_on", &far, "order invoices"),
        ("payments.amount", &much, "allocation invoices.total"),
        ("invoices.due", &much, "check invoices"),
        ("payments.paid_on", &far, "order payments"),
        ("ledger.debit", &much, "balance ledger"),
        ("lines.name", &Value::text("other"), "template name"),
    ] {
        let mut world = made(&catalogue, &references, &bound, 20, 3);
        let (table, column) = at(site);
        world.tables[table].columns[column][1] = value.clone();
        let failed: Vec<String> = bound
            .verify(&world)
            .into_iter()
            .filter(|verified| verified.failed > 0)
            .map(|verified| verified.invariant)
            .collect();
        assert!(failed.iter().any(|name| name == seen), "{site}: {failed:?}");
    }
}

#[test]
fn old_invoices_are_mostly_paid_and_new_ones_are_not() {
    let text = "version = 1\n[tables.invoices]\nrows = 400\n[tables.payments]\nrows = 500\n[tables.invoices.columns]\n\
                issued_on = { between = [\"-1y\", \"now\"] }\ndue_on = { after = \"issued_on\", span = [\"30d\", \"30d\"] }\n\
                [[invariants]]\nkind = \"allocation\"\ntable = \"invoices\"\ntotal = \"total\"\npayments = \"payments\"\namount = \"amount\"\n\
                paid = \"paid\"\ndue = \"due\"\ndue_on = \"due_on\"\nstatus = \"status\"\n\
                words = { paid = \"paid\", partial = \"partial\", open = \"open\", overdue = \"late\" }\n";
    let catalogue = catalogue(&SCHEMA);
    let bound = bound(text, &catalogue);
    let references = references(&catalogue, &bound);
    let world = made(&catalogue, &references, &bound, 100, 1);
    assert!(bound.verify(&world).iter().all(|verified| verified.failed == 0));
    let today = i32::try_from(bound.now() / 86_400_000_000).unwrap();
    let share = |old: bool| {
        let rows: Vec<usize> = (0..400)
            .filter(|row| matches!(world.cell(5, 3, *row), Value::Date(due) if (today - due > 90) == old && (old || *due > today)))
            .collect();
        let paid =
            rows.iter().filter(|row| matches!(world.cell(5, 7, **row), Value::Text(text) if text == "paid")).count();
        (paid * 100 / rows.len(), rows.len())
    };
    assert!(share(true).0 > 85 && share(false).0 < 50, "{:?} {:?}", share(true), share(false));
}
