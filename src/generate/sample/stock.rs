//! Strains, products, places, batches and lots, with the movements that brought the lots in.

use super::random::Random;
use super::words::{GOODS, STRAINS};
use super::world::{Lot, Product, World, as_i64, date, moment, row};

const BATCHES: i64 = 60;
const LOTS: i64 = 140;
const WAREHOUSES: [&str; 3] = ["North vault", "Kühlhaus", "Annex"];
const LOCATIONS: i64 = 36;
const LAST_DELIVERY: i64 = 600;

/// Fills `strains`, `products`, `locations`, `batches`, `lots` and the incoming half of `inventory_movements`.
pub(super) fn fill(world: &mut World, scale: i64) {
    strains(world);
    products(world);
    locations(world);
    let harvests = batches(world, BATCHES * scale);
    lots(world, LOTS * scale, &harvests);
}

/// A percentage with one decimal.
fn percent(random: &mut Random, low: i32, high: i32) -> f64 {
    let tenths = random.between(i64::from(low) * 10, i64::from(high) * 10);
    f64::from(i32::try_from(tenths).unwrap_or(low)) / 10.0
}

fn strains(world: &mut World) {
    let random = &mut Random::stream("strains");
    for (id, name) in (1_i64..).zip(STRAINS) {
        let parent = (id > 6).then(|| random.between(1, id - 1));
        let species = *random.pick(&["indica", "sativa", "hybrid"]);
        world.push("strains", row![id, *name, parent, species, percent(random, 9, 31)]);
    }
}

fn products(world: &mut World) {
    let random = &mut Random::stream("products");
    for id in 1..=48_i64 {
        let at = usize::try_from(id).unwrap_or(0);
        let (kind, category, price) = GOODS[at % GOODS.len()];
        let strain = (at * 5) % STRAINS.len();
        let price = price + random.between(-8, 8) * 25;
        let description = match id % 5 {
            0 => None,
            1 => Some(String::new()),
            2 => Some("Slow-cured. Keep cool & dry 🌿".to_owned()),
            _ => Some(format!("{kind} from {}; naïve terpene nose, it's \"loud\"", STRAINS[strain])),
        };
        let image = (id % 6 == 0).then(|| random.bytes(120));
        let sku = format!("SKU-{id:03}-{}", random.digits(3));
        let name = format!("{} {kind}", STRAINS[strain]);
        let strain = (category != "topical").then_some(as_i64(strain) + 1);
        world.push("products", row![id, sku, name, strain, category, price, description, image]);
        world.products.push(Product { price });
    }
}

fn locations(world: &mut World) {
    for id in 1..=LOCATIONS {
        let warehouse = WAREHOUSES[usize::try_from(id % 3).unwrap_or(0)];
        let label = match id % 4 {
            0 => None,
            1 => Some(String::new()),
            _ => Some(format!("Shelf {id}")),
        };
        world.push("locations", row![id, warehouse, ["A", "B"][usize::from(id % 2 == 0)], id / 6 + 1, label]);
    }
}

/// Each batch's product and day of harvest.
fn batches(world: &mut World, count: i64) -> Vec<(usize, i64)> {
    let random = &mut Random::stream("batches");
    let mut made = Vec::new();
    for id in 1..=count {
        let product = random.index(world.products.len());
        // A quarter of the stock is there when business begins.
        let day = if id % 4 == 0 { 0 } else { random.between(0, LAST_DELIVERY - 20) };
        let tested = (id % 9 != 0).then(|| date(day + random.between(0, 9)));
        let thc = tested.as_ref().map(|_| percent(random, 8, 30));
        let certificate = (id % 3 == 0).then(|| [b"%PDF-1.7\n".to_vec(), random.bytes(64)].concat());
        let vendor = random.between(1, 20);
        let code = format!("B{:06}", 240_000 + id * 11);
        let cells = row![id, code, as_i64(product) + 1, vendor, date(day), tested, thc, certificate];
        world.push("batches", cells);
        made.push((product, day));
    }
    made
}

fn lots(world: &mut World, count: i64, harvests: &[(usize, i64)]) {
    let random = &mut Random::stream("lots");
    for id in 1..=count {
        let batch = random.index(harvests.len());
        let (product, harvested) = harvests[batch];
        let received = harvested + random.between(0, if harvested == 0 { 5 } else { 20 });
        let quantity = random.between(60, 400);
        let place = (id % 15 != 0).then(|| random.between(1, LOCATIONS));
        let cost = world.products[product].price * random.between(35, 65) / 100;
        let code = format!("L{:06}", 500_000 + id * 13);
        // What is left of it is known once the orders are made.
        world.push("lots", row![id, code, as_i64(batch) + 1, place, date(received), quantity, quantity, cost]);
        world.lots.push(Lot { id, product, received, on_hand: quantity });
        let movement = world.next_id("inventory_movements");
        let by = random.between(1, 24);
        let at = moment(received, random.between(0, 35_999));
        world.push("inventory_movements", row![movement, id, "in", quantity, None::<i64>, None::<i64>, by, at]);
    }
}

/// The column of `lots` that says what is left.
const ON_HAND: usize = 6;

/// Writes what is left of each lot into its row.
pub(super) fn settle(world: &mut World) {
    let left: Vec<i64> = world.lots.iter().map(|lot| lot.on_hand).collect();
    for (row, left) in world.rows.get_mut("lots").into_iter().flatten().zip(left) {
        row[ON_HAND] = left.into();
    }
}
