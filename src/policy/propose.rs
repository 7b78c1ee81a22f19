//! Proposals for undecided columns, from names and types alone. A proposal is never a decision: it is printed for a person
//! to check and paste.

use super::names::quoted;
use crate::mask;
use crate::model::schema::{Column, Family, Table};

/// What to write behind `column =`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The mask's name.
    pub mask: &'static str,
    /// The rule as TOML: a string or an inline table.
    pub rule: String,
    /// Whether the column looks as if it told something about a person, or gave access to something.
    pub personal: bool,
}

/// Words of a column's name that decide; the first line that matches wins. A word may be two joined by `+`.
const WORDS: &[(&[&str], &str, &str)] = &[
    (&["password", "passwd", "pwd", "secret", "token", "api+key", "apikey", "private+key", "credential"], "secret", ""),
    (&["salt", "otp", "cookie", "sid"], "token", ""),
    (&["wallet"], "crypto_wallet", ""),
    (&["username", "login", "handle", "nickname", "alias", "screen+name"], "username", ""),
    (&["open+id", "openid", "google+id", "microsoft+id", "apple+id", "facebook+id"], "token", ""),
    (&["email", "e+mail", "mail"], "email", ""),
    (&["ip"], "ip", ""),
    (&["mac"], "mac", ""),
    (&["user+agent", "useragent"], "user_agent", ""),
    (&["iban"], "iban", ""),
    (&["routing", "account+number"], "bank_account", ""),
    (&["card", "cardnumber"], "card", ""),
    (&["passport", "license", "licence", "tax+id", "national+id", "nationalid"], "gov_id", ""),
    (&["device+id", "vin", "plate"], "hash", ""),
    (&["ssn", "social+security", "sin", "tin"], "ssn_tail", ""),
    (&["phone", "mobile", "cell", "fax", "tel", "telephone", "sms", "whatsapp"], "phone", ""),
    (&["first+name", "firstname", "fname", "given+name", "forename", "middle+name", "middlename"], "first_name", ""),
    (&["last+name", "lastname", "lname", "surname", "family+name", "maiden+name"], "last_name", ""),
    (&["full+name", "fullname", "contact+name", "contact+person", "customer+name", "client+name"], "full_name", ""),
    (&["patient+name", "employee+name", "user+name", "actor+name", "external+name", "ship+name"], "full_name", ""),
    (&["reviewername", "holder", "beneficiary", "signer", "recipient", "author", "pusher"], "full_name", ""),
    (&["birth", "birthday", "dob"], "dob", ""),
    (&["company+name", "employer", "legal+name"], "company", ""),
    (&["zip", "zipcode", "postal", "postcode"], "address", "postal"),
    (&["city", "town"], "address", "city"),
    (&["province", "county"], "address", "region"),
    (&["street", "line1", "line2"], "address", "street"),
    (&["address", "addr"], "address", "line"),
    (&["note", "notes", "comment", "remark", "memo", "message", "body", "bio", "feedback"], "text_replace", ""),
    (&["description", "instructions", "payment+details"], "text_replace", ""),
];

/// Words that end the name of a table about kinds of people, not about people.
const KINDS: &[&str] = &[
    "type",
    "types",
    "view",
    "views",
    "tier",
    "tiers",
    "status",
    "statuses",
    "group",
    "groups",
    "category",
    "categories",
    "role",
    "roles",
    "tag",
    "tags",
    "setting",
    "settings",
    "list",
    "lists",
    "template",
    "templates",
    "level",
    "levels",
];

/// Tables whose `name` is a person's.
const PEOPLE: &[&str] = &[
    "client",
    "customer",
    "user",
    "employee",
    "contact",
    "person",
    "people",
    "patient",
    "member",
    "staff",
    "driver",
    "lead",
    "owner",
    "referee",
    "guest",
    "student",
    "teacher",
    "subscriber",
    "author",
    "applicant",
    "vendor",
    "supplier",
    "buyer",
];

/// Proposes a rule for a column.
#[must_use]
pub fn propose(table: &Table, column: usize) -> Proposal {
    let about = &table.columns[column];
    let words = words(&about.name);
    // A key made of text may be a person's email; numbers in keys say nothing by themselves.
    let is_key = (table.primary_key.contains(&column) && about.family != Family::Text)
        || table.foreign_keys.iter().any(|key| key.columns.contains(&about.name))
        || (words.last().is_some_and(|word| matches!(word.as_str(), "id" | "uuid")) && about.family != Family::Text);
    if is_key || matches!(about.family, Family::Boolean | Family::Enum | Family::Uuid) {
        return kept();
    }
    let wanted = by_name(table, &words);
    match wanted {
        Some((mask, part)) if mask == "dob" && about.family == Family::Integer => {
            fitted(table, column, mask, part, "unit = \"seconds\"")
        }
        Some((mask, part)) => fitted(table, column, mask, part, ""),
        None if about.family == Family::Json => fitted(table, column, "json", "", ""),
        None if about.family == Family::Blob => removed(about),
        None => kept(),
    }
}

fn kept() -> Proposal {
    Proposal { mask: "keep", rule: quoted("keep"), personal: false }
}

fn by_name(table: &Table, column: &[String]) -> Option<(&'static str, &'static str)> {
    // Long words also begin longer ones: `emailaddress`, `passwordhash`.
    let is = |word: &str, wanted: &str| word == wanted || (wanted.len() >= 5 && word.starts_with(wanted));
    let has = |wanted: &str| match wanted.split_once('+') {
        Some((first, second)) => column.windows(2).any(|pair| pair[0] == first && pair[1] == second),
        None => column.iter().any(|word| is(word, wanted)),
    };
    // A flag or a moment about something is not the thing.
    if ["is", "has", "count", "type", "status", "at", "verified", "enabled", "method"].iter().any(|word| has(word)) {
        return None;
    }
    if let Some((_, mask, part)) = WORDS.iter().find(|(words, _, _)| words.iter().any(|word| has(word))) {
        return Some((mask, part));
    }
    let of_table = words(&table.name.name);
    let kinds = of_table.last().is_some_and(|word| KINDS.contains(&word.as_str()));
    let person = !kinds
        && of_table.iter().any(|word| {
            let single = word.strip_suffix('s').unwrap_or(word);
            PEOPLE.contains(&word.as_str()) || PEOPLE.contains(&single)
        });
    let beside = |other: &str| table.columns.iter().any(|column| words(&column.name).iter().any(|word| word == other));
    match column {
        [name] if (name == "name" || name == "contact") && person => Some(("full_name", "")),
        [display, name] if display == "display" && name == "name" && person => Some(("full_name", "")),
        [state] if matches!(state.as_str(), "state" | "region") && (beside("city") || beside("zip")) => {
            Some(("address", "region"))
        }
        _ => None,
    }
}

/// `mask` where it fits the column, else the nearest one that does.
fn fitted(table: &Table, at: usize, mask: &'static str, part: &str, extra: &str) -> Proposal {
    let column = &table.columns[at];
    let unique = table.primary_key.contains(&at) || table.uniques.iter().any(|unique| unique.columns.contains(&at));
    let room = column.length.unwrap_or(u32::MAX);
    let fits = |name: &str, least: u32| {
        mask::find(name).is_some_and(|mask| {
            // Numbers with check digits cannot all be told apart by numbers with valid ones.
            let apart =
                mask.unique != mask::Uniqueness::None && !matches!(name, "card" | "iban" | "gov_id" | "bank_account");
            mask.accepts_family(column.family) && room >= least && (!unique || apart)
        })
    };
    let least = match mask {
        "email" | "company" | "username" | "secret" | "crypto_wallet" => 28,
        "token" => 16,
        "ip" | "iban" | "mac" | "card" | "user_agent" => 19,
        "ssn_tail" | "address" => 11,
        _ => 8,
    };
    let number = matches!(column.family, Family::Integer | Family::Real | Family::Numeric);
    if fits(mask, least) && !(number && mask == "address" && part != "postal") {
        let mut parameters = Vec::new();
        if !matches!(part, "" | "line") {
            parameters.push(format!("part = {}", quoted(part)));
        }
        if !extra.is_empty() {
            parameters.push(extra.to_owned());
        }
        let rule = match parameters.as_slice() {
            [] => quoted(mask),
            more => format!("{{ mask = {}, {} }}", quoted(mask), more.join(", ")),
        };
        // Lookup tables describe things; elsewhere a description is free text like any other.
        let thing = words(&column.name).last().is_some_and(|word| word == "description");
        return Proposal { mask, rule, personal: !thing };
    }
    let moment = matches!(column.family, Family::Date | Family::Time | Family::Timestamp);
    if moment || (number && !matches!(mask, "token" | "hash" | "ssn_tail")) {
        // A number or a moment about an email is not the email.
        return kept();
    }
    if fits("token", 16) {
        return Proposal { mask: "token", rule: quoted("token"), personal: true };
    }
    if fits("hash", 8) && !unique {
        return Proposal { mask: "hash", rule: "{ mask = \"hash\", length = 8 }".to_owned(), personal: true };
    }
    removed(column)
}

/// Nothing is left of the column.
fn removed(column: &Column) -> Proposal {
    if column.nullable {
        return Proposal { mask: "null", rule: quoted("null"), personal: true };
    }
    let value = match column.family {
        Family::Json => "\"{}\"",
        Family::Integer | Family::Real | Family::Numeric => "0",
        Family::Date => "\"1970-01-01\"",
        Family::Timestamp => "\"1970-01-01 00:00:00\"",
        _ => "\"\"",
    };
    Proposal { mask: "fixed", rule: format!("{{ mask = \"fixed\", value = {value} }}"), personal: true }
}

/// The words of a name, lower-case: `billingEmail`, `billing_email` and `BILLING-EMAIL` are alike.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        let begins = c.is_uppercase() && lower;
        if (begins || !c.is_alphanumeric()) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        lower = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::super::resolve::tests::{column, table};
    use super::*;

    fn proposed(table_name: &str, name: &str, family: Family) -> String {
        propose(&table(table_name, vec![column("id", Family::Integer), column(name, family)]), 1).rule
    }

    #[test]
    fn names_and_types_decide() {
        for (table, name, family, rule) in [
            ("clients", "email", Family::Text, "\"email\""),
            ("receipts", "emailed_to", Family::Text, "\"email\""),
            ("clients", "name", Family::Text, "\"full_name\""),
            ("strains", "name", Family::Text, "\"keep\""),
            ("users", "firstName", Family::Text, "\"first_name\""),
            ("clients", "mobile_phone", Family::Text, "\"phone\""),
            ("clients", "ssn", Family::Text, "\"ssn_tail\""),
            ("clients", "billing_city", Family::Text, "{ mask = \"address\", part = \"city\" }"),
            ("clients", "address", Family::Text, "\"address\""),
            ("clients", "ip_address", Family::Text, "\"ip\""),
            ("users", "password_hash", Family::Text, "\"secret\""),
            ("users", "cardNumber", Family::Text, "\"card\""),
            ("vendors", "tax_id", Family::Text, "\"gov_id\""),
            ("orders", "notes", Family::Text, "\"text_replace\""),
            ("clients", "dob", Family::Date, "\"dob\""),
            ("orders", "total_cents", Family::Integer, "\"keep\""),
            ("batches", "capacity", Family::Integer, "\"keep\""),
            ("orders", "cancelledBy", Family::Integer, "\"keep\""),
            ("items", "location_id", Family::Integer, "\"keep\""),
            ("users", "email_verified", Family::Text, "\"keep\""),
            ("events", "payload", Family::Json, "\"json\""),
            ("person", "emailaddress", Family::Text, "\"email\""),
            ("clients", "notify_email", Family::Integer, "\"keep\""),
            ("users", "last_login", Family::Timestamp, "\"keep\""),
            ("contact_types", "name", Family::Text, "\"keep\""),
            ("clients", "ssn", Family::Integer, "\"null\""),
        ] {
            assert_eq!(proposed(table, name, family), rule, "{table}.{name}");
        }
    }

    #[test]
    fn a_proposal_fits_its_column() {
        let mut short = column("email", Family::Text);
        short.length = Some(20);
        assert_eq!(propose(&table("clients", vec![short.clone()]), 0).rule, "\"token\"");
        short.length = Some(12);
        assert_eq!(propose(&table("clients", vec![short]), 0).mask, "hash");
        let mut fixed = column("payload", Family::Blob);
        fixed.nullable = false;
        assert_eq!(propose(&table("events", vec![fixed]), 0).rule, "{ mask = \"fixed\", value = \"\" }");
    }
}
