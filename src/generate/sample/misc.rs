//! Where personal data hides: notes, the audit log, and rows that somebody imported once.

use super::random::Random;
use super::world::{LAST_DAY, World, moment, row};

const NOTES: i64 = 200;
const AUDITS: i64 = 150;
const IMPORTS: i64 = 60;

/// Fills `notes`, `audit_log` and `import_rows`.
pub(super) fn fill(world: &mut World, scale: i64) {
    notes(world, NOTES * scale);
    audit(world, AUDITS * scale);
    imports(world, IMPORTS * scale);
}

fn notes(world: &mut World, count: i64) {
    let random = &mut Random::stream("notes");
    for id in 1..=count {
        let client = world.clients[random.index(world.clients.len())].clone();
        let person = &client.person;
        let (name, email) = (person.name(), &person.email);
        let phone = person.phone.as_deref().unwrap_or("no phone");
        let body = match id % 7 {
            0 => {
                format!("Spoke to {name} on {phone}. Wants two more cases of gummies 🍬 next week.")
            }
            1 => format!("{} asked for the certificate; sent to {email}.\nFollow up Friday.", person.first),
            2 => format!("Ms/Mr {} moved: {}", person.last, client.address),
            3 => format!("<b>{}, {}</b> — prefers text to {phone}", person.last, person.first),
            4 => format!("SSN {} verified with {name}.", client.ssn.as_deref().unwrap_or("not given")),
            5 => "Nothing to report.".to_owned(),
            _ => format!("{}: déjà vu, price list again. cc {}", email.to_uppercase(), world.users[0].email),
        };
        let author = (id % 10 != 0).then(|| random.between(1, 24));
        let at = moment(random.between(client.created, LAST_DAY - 1), random.between(0, 35_999));
        world.push("notes", row![id, person.id, author, body, at]);
    }
}

fn audit(world: &mut World, count: i64) {
    let random = &mut Random::stream("audit");
    for id in 1..=count {
        let client = world.clients[random.index(world.clients.len())].clone();
        let actor = world.users[random.index(world.users.len())].email.clone();
        // Keys in alphabetical order: the text is then the same however the JSON crate was built.
        let state = |phone: Option<&str>, closed: bool| {
            serde_json::json!({
                "contact": { "email": client.person.email, "phones": phone.into_iter().collect::<Vec<_>>() },
                "name": client.person.name(),
                "ssn": client.ssn,
                "status": if closed { "closed" } else { "active" },
            })
            .to_string()
        };
        let before = state(None, false);
        let after = state(client.person.phone.as_deref(), client.closed);
        let (action, before, after) = match id % 6 {
            0 => ("insert", None, Some(after)),
            1 => ("delete", Some(before), None),
            _ => ("update", Some(before), Some(after)),
        };
        let actor = (id % 8 != 0).then_some(actor);
        let at = moment(random.between(client.created, LAST_DAY - 1), random.between(0, 35_999));
        world.push("audit_log", row![id, "clients", client.person.id, action, before, after, actor, at]);
    }
}

fn imports(world: &mut World, count: i64) {
    let random = &mut Random::stream("imports");
    for id in 1..=count {
        let person = world.clients[random.index(world.clients.len())].person.clone();
        let file = format!("legacy_{}.csv", 2_019 + id % 3);
        let name = (id % 9 != 0).then(|| format!("{}, {}", person.last, person.first));
        let remark = *random.pick(&["", "dup?", "checked ✅", "O'Brien's list"]);
        let amount = format!("{}.{}", random.between(5, 900), random.digits(2));
        let cells = row![file, name, person.email, person.phone, amount, remark];
        // Every tenth row was imported twice, and nothing tells the two apart.
        if id % 10 == 0 {
            world.push("import_rows", cells.clone());
        }
        world.push("import_rows", cells);
    }
}
