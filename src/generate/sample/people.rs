//! Users and their settings, clients and their contacts, vendors.

use super::random::Random;
use super::words::{CITIES, COMPANY, DOMAINS, FIRST, LAST, POSITIONS, STREETS, TRADE, ascii};
use super::world::{Client, LAST_DAY, Person, World, as_i64, date, moment, row};

const USERS: i64 = 24;
const CLIENTS: i64 = 120;
const VENDORS: i64 = 20;

/// Fills `group`, `users`, `group_members`, `UserSettings`, `clients`, `client_contacts` and `vendors`.
pub(super) fn fill(world: &mut World, scale: i64) {
    users(world);
    settings(world);
    clients(world, CLIENTS * scale);
    contacts(world);
    vendors(world);
}

/// A person. The id makes the address unique where two share a name.
fn person(random: &mut Random, id: i64, domain: &str) -> Person {
    let (first, last) = (*random.pick(FIRST), *random.pick(LAST));
    let email = format!("{}.{}{id}@{domain}", ascii(first), ascii(last));
    Person { id, first, last, email, phone: None }
}

/// A telephone number nobody has: area codes with a 9 in the middle are kept free, as is Berlin's block for films.
fn phone(random: &mut Random) -> String {
    let area = format!("{}9{}", random.between(2, 8), random.between(0, 8));
    let (office, line) = (random.between(221, 989), random.digits(4));
    match random.index(6) {
        0 | 1 => format!("({area}) {office}-{line}"),
        2 => format!("+1 {area}.{office}.{line}"),
        3 => format!("{area}{office}{line}"),
        4 => format!("+49 30 23125-{}", random.digits(3)),
        _ => format!("{area}-{office}-{line}"),
    }
}

fn users(world: &mut World) {
    let groups = [
        ("everyone", "Everyone"),
        ("sales", "Sales"),
        ("floor", "Warehouse floor"),
        ("books", "Books & ledger"),
        ("select", "The select few 🌿"),
        ("", "Nobody"),
    ];
    for (at, (select, title)) in (1_i64..).zip(groups) {
        world.push("group", row![at, select, title]);
    }
    let random = &mut Random::stream("users");
    for id in 1..=USERS {
        let mut user = person(random, id, "greenledger.test");
        user.phone = (id % 5 != 0).then(|| phone(random));
        let role = if id == 1 { "admin" } else { *random.pick(&["sales", "sales", "warehouse", "finance"]) };
        let manager = (id > 1).then(|| random.between(1, (id - 1).min(6)));
        let hash = format!("argon2id$v=19${}", random.digits(40));
        let login = (id % 7 != 0).then(|| moment(random.between(600, LAST_DAY), random.between(0, 35_999)));
        let username = format!("{}{id}", ascii(user.last));
        let hired = date(random.between(0, 300));
        let (email, phone) = (user.email.clone(), user.phone.clone());
        let cells =
            row![id, username, email, hash, user.first, user.last, phone, role, manager, id % 11 != 0, hired, login];
        world.push("users", cells);
        world.users.push(user);
    }
}

fn settings(world: &mut World) {
    let random = &mut Random::stream("settings");
    for group in 1..=5 {
        for id in (1..=USERS).filter(|id| group == 1 || id % 5 == group - 1) {
            let joined = date(random.between(300, LAST_DAY));
            world.push("group_members", row![group, id, joined]);
        }
    }
    for user in world.users.clone() {
        let theme = *random.pick(&["light", "dark", "système"]);
        let token = (user.id % 3 != 0).then(|| format!("gl_live_{}", random.digits(32)));
        let avatar = (user.id % 4 == 0).then(|| [b"\x89PNG\r\n\x1a\n".to_vec(), random.bytes(90)].concat());
        world.push("UserSettings", row![user.id, format!("{} 🌱", user.name()), theme, token, avatar]);
    }
}

fn clients(world: &mut World, count: i64) {
    let random = &mut Random::stream("clients");
    for id in 1..=count {
        let domain = *random.pick(DOMAINS);
        let mut person = person(random, id, domain);
        person.phone = (id % 9 != 0).then(|| phone(random));
        let company = match id % 6 {
            0 => None,
            1 => Some(String::new()),
            _ => Some(format!("{} {}", random.pick(COMPANY), random.pick(TRADE))),
        };
        // Numbers that begin with 9 are never given out; every other way of writing them occurs.
        let ssn = match id % 10 {
            0 => None,
            5 => Some(String::new()),
            7 => Some(format!("9{}{}", random.digits(2), random.digits(6))),
            _ => Some(format!("9{}-{}-{}", random.digits(2), random.between(10, 49), random.digits(4))),
        };
        let (city, region, postal, country) = *random.pick(CITIES);
        let street = if country == "DE" {
            format!("{} {}", random.pick(STREETS), random.between(1, 180))
        } else {
            format!("{} {}", random.between(1, 9_900), random.pick(STREETS))
        };
        let postal = format!("{postal}{}", random.digits(2));
        let status = *random.pick(&["active", "active", "active", "active", "active", "on_hold", "closed"]);
        let owner = (id % 13 != 0).then(|| random.between(1, USERS));
        let notes = match id % 8 {
            0 => Some(format!("Exempt since 2023; ask {} before filing. 📎", person.name())),
            3 => Some(String::new()),
            6 => Some(format!("W-9 on file for {}, SSN {}", person.name(), ssn.as_deref().unwrap_or("missing"))),
            _ => None,
        };
        let client = Client {
            address: format!("{street}, {city} {postal}"),
            ssn: ssn.filter(|ssn| !ssn.is_empty()),
            owner,
            created: random.between(0, 240),
            closed: status == "closed",
            person,
        };
        let person = &client.person;
        let born = (id % 4 != 0).then(|| date(-random.between(8_000, 27_000)));
        let cells = row![
            id,
            format!("C-{:05}", 10_000 + id * 7),
            person.name(),
            company,
            None::<i64>,
            owner,
            person.email.clone(),
            person.phone.clone(),
            match id % 10 {
                5 => Some(String::new()),
                _ => client.ssn.clone(),
            },
            born,
            street,
            city,
            (id % 17 != 0).then_some(region),
            postal,
            country,
            status,
            random.between(0, 80) * 50_000,
            notes,
            moment(client.created, random.between(0, 35_999)),
        ];
        world.push("clients", cells);
        world.clients.push(client);
    }
}

/// The column of `clients` that names the primary contact.
const PRIMARY_CONTACT: usize = 4;

fn contacts(world: &mut World) {
    let random = &mut Random::stream("contacts");
    for (at, client) in world.clients.clone().iter().enumerate() {
        // The first contact is the client in person, under the same address; more people follow at some.
        let own = client.person.clone();
        let mut staff = vec![own];
        for _ in 0..random.index(3) {
            let id = 5_000 + world.next_id("client_contacts") + as_i64(staff.len());
            let domain = *random.pick(DOMAINS);
            let mut other = person(random, id, domain);
            other.phone = random.chance(80).then(|| phone(random));
            staff.push(other);
        }
        let first = world.next_id("client_contacts");
        for contact in staff {
            let id = world.next_id("client_contacts");
            let position = random.chance(85).then(|| *random.pick(POSITIONS));
            let cells = row![id, client.person.id, contact.first, contact.last, contact.email, contact.phone, position];
            world.push("client_contacts", cells);
        }
        let last = world.next_id("client_contacts") - 1;
        if at % 11 != 0
            && let Some(cell) = world.rows.get_mut("clients").and_then(|rows| rows[at].get_mut(PRIMARY_CONTACT))
        {
            *cell = random.between(first, last).into();
        }
    }
}

fn vendors(world: &mut World) {
    let random = &mut Random::stream("vendors");
    for id in 1..=VENDORS {
        let person = person(random, 900 + id, "leafpost.test");
        let (city, region, postal, _) = *random.pick(CITIES);
        let street = format!("{} {}", random.between(1, 400), random.pick(STREETS));
        let address = format!("{street}, {city}, {region} {postal}{}", random.digits(2));
        let contact = (id % 6 != 0).then(|| person.name());
        let account = (id % 5 != 0).then(|| format!("DE00{}", random.digits(18)));
        let tax = format!("00-{}", random.digits(7));
        let name = format!("{} Growers {}", random.pick(COMPANY), person.last);
        let code = format!("V-{:03}", id * 3);
        let cells = row![id, code, name, contact, person.email, phone(random), tax, account, address, id % 7 != 0];
        world.push("vendors", cells);
    }
}
