//! Orders with their lines, the goods that leave for them, invoices, payments, returns, and the ledger of all that.

use super::random::Random;
use super::world::{LAST_DAY, World, as_i64, date, moment, row};

const ORDERS: i64 = 340;
const FIRST_ORDER: i64 = 8;
const LAST_ORDER: i64 = 660;

/// Fills `orders`, `order_lines`, the outgoing half of `inventory_movements`, `returns`, `invoices`, `payments` and
/// `ledger_entries`.
pub(super) fn fill(world: &mut World, scale: i64) {
    let random = &mut Random::stream("orders");
    let mut due = Vec::new();
    for _ in 0..ORDERS * scale {
        let client = buyer(random, world.clients.len());
        let from = FIRST_ORDER.max(world.clients[client].created + 1);
        due.push((random.between(from, LAST_ORDER), client));
    }
    due.sort_unstable();
    for (day, client) in due {
        let order = world.next_id("orders");
        let total = place(world, random, order, client, day);
        // The newest orders are drafts; a few of the others were called off.
        if !is_billed(order, day) {
            continue;
        }
        bill(world, random, order, client, day, total);
    }
}

/// One client in five buys most: seven orders in ten are theirs.
fn buyer(random: &mut Random, clients: usize) -> usize {
    loop {
        let at = random.index(clients);
        if at % 5 == 2 || random.chance(11) {
            return at;
        }
    }
}

fn is_billed(order: i64, day: i64) -> bool {
    day <= LAST_ORDER - 15 && order % 17 != 0
}

/// An order with its lines and, where it is billed, the goods that leave; its total in cents.
fn place(world: &mut World, random: &mut Random, order: i64, client: usize, day: i64) -> i64 {
    let billed = is_billed(order, day);
    let mut lines = Vec::new();
    for _ in 0..random.between(1, 4) {
        let quantity = random.between(1, 18);
        let start = random.index(world.lots.len());
        let around = (start..world.lots.len()).chain(0..start);
        let fits = |at: &usize| world.lots[*at].received < day && world.lots[*at].on_hand >= quantity;
        let Some(lot) = around.into_iter().find(fits) else {
            continue;
        };
        if billed {
            world.lots[lot].on_hand -= quantity;
        }
        let product = world.lots[lot].product;
        // Regulars get a little off.
        let price = world.products[product].price * random.between(92, 100) / 100;
        lines.push((product, lot, quantity, price));
    }
    let total = lines.iter().map(|(_, _, quantity, price)| quantity * price).sum();
    header(world, random, order, client, day, total);
    for (line, (product, lot, quantity, price)) in (1_i64..).zip(lines) {
        let lot = world.lots[lot].id;
        world.push("order_lines", row![order, line, as_i64(product) + 1, lot, quantity, price]);
        if !billed {
            continue;
        }
        let id = world.next_id("inventory_movements");
        let by = (id % 12 != 0).then(|| random.between(1, 24));
        let at = moment(day, random.between(0, 35_999));
        world.push("inventory_movements", row![id, lot, "out", quantity, order, line, by, at]);
        if random.chance(4) {
            take_back(world, random, (order, line), lot, quantity, day);
        }
    }
    total
}

fn header(world: &mut World, random: &mut Random, order: i64, client: usize, day: i64, total: i64) {
    let buyer = world.clients[client].clone();
    let status = match (is_billed(order, day), order % 17) {
        (true, _) => *random.pick(&["confirmed", "shipped", "shipped", "shipped"]),
        (false, 0) => "cancelled",
        (false, _) => "draft",
    };
    let ship_to = format!("{}, {}", buyer.person.name(), buyer.address);
    let comment = match order % 9 {
        0 => Some(format!("Call {} first, thanks 🙏", buyer.person.first)),
        4 => Some(String::new()),
        7 => Some("Leave at the loading dock; don't ring".to_owned()),
        _ => None,
    };
    let number = format!("SO-{}-{order:05}", &date(day)[..4]);
    let person = buyer.person;
    let when = date(day);
    let cells =
        row![order, number, person.id, buyer.owner, person.email, when, status, total, ship_to, person.phone, comment];
    world.push("orders", cells);
}

/// Part of a line comes back a few days later, into the lot it came from.
fn take_back(world: &mut World, random: &mut Random, line: (i64, i64), lot: i64, quantity: i64, day: i64) {
    let back = random.between(1, quantity);
    let day = day + random.between(1, 12);
    let reason = random.chance(80).then(|| *random.pick(&["Torn seal", "Wrong strain 😕", "", "Client's remorse"]));
    let id = world.next_id("returns");
    world.push("returns", row![id, line.0, line.1, back, date(day), reason]);
    let id = world.next_id("inventory_movements");
    let at = moment(day, random.between(0, 35_999));
    world.push("inventory_movements", row![id, lot, "in", back, line.0, line.1, None::<i64>, at]);
    for other in world.lots.iter_mut().filter(|other| other.id == lot) {
        other.on_hand += back;
    }
}

/// The invoice of an order, its payments, and both sides of each in the ledger.
fn bill(world: &mut World, random: &mut Random, order: i64, client: usize, day: i64, total: i64) {
    let invoice = world.next_id("invoices");
    let issued = day + random.between(0, 5);
    let first = total * random.between(30, 70) / 100;
    let (status, parts) = match random.index(20) {
        0..=8 => ("paid", vec![total]),
        9..=13 => ("paid", vec![first, total - first]),
        14..=16 => ("partial", vec![first]),
        _ => ("open", Vec::new()),
    };
    let number = format!("INV-{}-{invoice:05}", &date(issued)[..4]);
    world.push("invoices", row![invoice, number.clone(), order, date(issued), date(issued + 30), total, status]);
    post(world, &number, ["receivable", "revenue"], total, (invoice, None), issued, None);
    let mut paid = issued;
    for amount in parts {
        paid = (paid + random.between(1, 24)).min(LAST_DAY - 1);
        let payment = world.next_id("payments");
        let payer = world.clients[client].person.name();
        let method = *random.pick(&["cash", "check", "transfer"]);
        let reference = match payment % 4 {
            0 => None,
            1 => Some(String::new()),
            _ => Some(format!("{number} / {}", random.digits(6))),
        };
        let cells =
            row![payment, invoice, date(paid), amount, method, (payment % 6 != 0).then_some(payer.clone()), reference];
        world.push("payments", cells);
        let journal = format!("PAY-{payment:05}");
        let memo = (payment % 10 == 0).then(|| format!("from {payer}"));
        post(world, &journal, ["cash", "receivable"], amount, (invoice, Some(payment)), paid, memo.as_deref());
    }
}

/// One journal: the first account is debited with what the second is credited with.
fn post(
    world: &mut World,
    journal: &str,
    accounts: [&str; 2],
    amount: i64,
    (invoice, payment): (i64, Option<i64>),
    day: i64,
    memo: Option<&str>,
) {
    for (account, debit, credit) in [(accounts[0], amount, 0), (accounts[1], 0, amount)] {
        let id = world.next_id("ledger_entries");
        let cells = row![id, journal, account, debit, credit, invoice, payment, date(day), memo];
        world.push("ledger_entries", cells);
    }
}
