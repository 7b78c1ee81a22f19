//! Names of roles, and addresses that differ from another in database and account.

use crate::secret::Address;

/// The role that owns everything of a template and its clones: `terp_r_<digest>` of `terp_t_<digest>` and `terp_w_<digest>_<n>`.
pub(super) fn owner(database: &str) -> String {
    let rest = database.strip_prefix("terp_t_").or_else(|| database.strip_prefix("terp_w_")).unwrap_or(database);
    format!("terp_r_{}", rest.split('_').next().unwrap_or(rest))
}

/// The template of a clone, going by its name.
pub(super) fn template(clone: &str) -> Option<String> {
    let rest = clone.strip_prefix("terp_w_")?;
    Some(format!("terp_t_{}", rest.split('_').next().unwrap_or(rest)))
}

/// The same server, another database; for another account where one is named.
pub(super) fn address(of: &Address, database: &str, account: Option<(&str, &str)>) -> Address {
    let (scheme, rest) = of.expose().split_once("://").unwrap_or(("postgres", ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = rest.split('/').next().unwrap_or_default();
    let (mut authority, mut parameters) = (authority.to_owned(), Vec::new());
    let mut replaced = vec!["dbname"];
    if let Some((user, password)) = account {
        let host = authority.rsplit_once('@').map_or(authority.as_str(), |(_, host)| host);
        replaced.extend(["user", "password"]);
        // An address without a host has no room for an account in front of it.
        if host.is_empty() {
            parameters.extend([format!("user={}", encoded(user)), format!("password={}", encoded(password))]);
        } else {
            authority = format!("{}:{}@{host}", encoded(user), encoded(password));
        }
    }
    let name_of = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !replaced.contains(&name_of(pair).as_str()));
    parameters.splice(0..0, kept.map(str::to_owned));
    let query = if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) };
    Address::new(format!("{scheme}://{authority}/{}{query}", encoded(database)))
}

/// Whether an address names a database.
pub(super) fn has_database(address: &Address) -> bool {
    let rest = address.expose().split_once("://").map_or("", |(_, rest)| rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    rest.split_once('/').is_some_and(|(_, path)| !path.is_empty())
        || query.split('&').any(|pair| pair.starts_with("dbname="))
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_what_they_do_not_change() {
        let base = Address::new("postgres://me:se%20cret@db.example:5433/app?sslmode=require&dbname=other");
        let made = address(&base, "terp_w_0123_1", None);
        assert_eq!(made.expose(), "postgres://me:se%20cret@db.example:5433/terp_w_0123_1?sslmode=require");
        let made = address(&base, "x", Some(("u/1", "p@")));
        assert_eq!(made.expose(), "postgres://u%2F1:p%40@db.example:5433/x?sslmode=require");
        let socket = Address::new("postgres:///?host=/run/pg&user=me");
        assert_eq!(address(&socket, "x", Some(("u", "p"))).expose(), "postgres:///x?host=/run/pg&user=u&password=p");
        assert_eq!(address(&socket, "x", None).expose(), "postgres:///x?host=/run/pg&user=me");
        assert!(has_database(&base) && !has_database(&socket) && !has_database(&Address::new("postgres://h")));
    }

    #[test]
    fn roles_and_templates_go_by_the_digest() {
        assert_eq!(owner("terp_t_0123456789ab"), "terp_r_0123456789ab");
        assert_eq!(owner("terp_w_0123456789ab_12"), "terp_r_0123456789ab");
        assert_eq!(template("terp_w_0123456789ab_12").as_deref(), Some("terp_t_0123456789ab"));
        assert_eq!(template("terp_t_0123456789ab"), None);
    }
}
