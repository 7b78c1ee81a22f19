//! What the child gets to know of its databases, in its environment, and what it must not get to know.

use crate::engine::{self, Whereabouts};
use crate::error::{Error, Result};
use crate::secret::Address;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

/// Variables that say how to get at what only this program may: the child gets none of them.
pub(super) const SECRETS: [&str; 13] = [
    "SOURCE_DATABASE_URL",
    "TERP_FIXTURES_IDENTITY",
    "TERP_FIXTURES_IDENTITY_FILE",
    "TERP_FIXTURES_MASK_KEY",
    "TERP_FIXTURES_MASK_KEY_FD",
    "TERP_FIXTURES_MASK_KEY_FILE",
    "TERP_FIXTURES_PASSPHRASE",
    "TERP_FIXTURES_PASSPHRASE_FD",
    "TERP_FIXTURES_SERVER",
    "TERP_FIXTURES_SSH_PASSPHRASE",
    "TERP_FIXTURES_SSH_PASSPHRASE_FD",
    "TERP_FIXTURES_TOKEN",
    "TERP_FIXTURES_TOKEN_FILE",
];

/// Variables that are set once for the first worker, and with `_N` for each.
const URL: &str = "DATABASE_URL";
const PATH: &str = "DATABASE_PATH";
pub(in crate::cli) const LEASE: &str = "TERP_FIXTURES_LEASE";

/// Part of an address that a template can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Url,
    Scheme,
    Host,
    Port,
    User,
    Password,
    Database,
    Path,
    Number,
}

const FIELDS: [(&str, Field); 9] = [
    ("url", Field::Url),
    ("scheme", Field::Scheme),
    ("host", Field::Host),
    ("port", Field::Port),
    ("user", Field::User),
    ("password", Field::Password),
    ("database", Field::Database),
    ("path", Field::Path),
    ("n", Field::Number),
];

/// Fields that an address of a server has, and that of a file has not.
const OF_SERVERS: [Field; 4] = [Field::Host, Field::Port, Field::User, Field::Password];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(Field),
}

/// A text with fields.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Template(Vec<Piece>);

impl Template {
    /// `host={host}`; `{{` and `}}` are braces.
    fn parse(text: &str) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let end = rest.find('}').filter(|_| brace == "{").ok_or_else(|| stray(brace))?;
            let name = &rest[..end];
            let field = FIELDS.iter().find(|(known, _)| *known == name).ok_or_else(|| unknown(name))?.1;
            rest = &rest[end + 1..];
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Field(field));
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Field(field) => Some(*field),
            Piece::Text(_) => None,
        })
    }

    fn fill(&self, database: &Database<'_>) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Field(field) => database.field(*field),
        };
        self.0.iter().map(piece).collect()
    }
}

fn stray(brace: &str) -> Error {
    Error::usage(format!("--env has a single '{brace}'")).hint("Write '{{' for a brace, and {url} for a field.")
}

fn unknown(name: &str) -> Error {
    let fields: Vec<String> = FIELDS.iter().map(|(name, _)| format!("{{{name}}}")).collect();
    Error::usage(format!("--env has no field {{{}}}", name.escape_debug()))
        .hint(format!("The fields are {}; '{{{{' is a brace.", fields.join(" ")))
}

/// One `--env`.
#[derive(Debug, Clone)]
struct Variable {
    name: Template,
    value: Template,
}

/// What `--env` asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted(Vec<Variable>);

impl Wanted {
    /// Reads every `NAME[=TEMPLATE]`.
    ///
    /// # Errors
    /// Kind `Usage` for a name that no variable can have, and for a field that there is not.
    pub(super) fn parse(said: &[String]) -> Result<Self> {
        let one = |said: &String| {
            let (name, value) = said.split_once('=').unwrap_or((said, "{url}"));
            let (name, value) = (Template::parse(name)?, Template::parse(value)?);
            let is_named = !name.0.is_empty() && !said.contains('\0');
            if !is_named || name.fields().any(|field| field != Field::Number) {
                return Err(Error::usage("--env names no variable, or one with another field than {n}")
                    .hint("For example: --env TEST_DB, --env 'DB_HOST={host}', --env 'DB_{n}={database}'."));
            }
            Ok(Variable { name, value })
        };
        said.iter().map(one).collect::<Result<_>>().map(Self)
    }

    /// Refuses fields that the databases of such a host do not have.
    ///
    /// # Errors
    /// Kind `Usage`.
    pub(super) fn check(&self, host: &Address) -> Result<()> {
        let is_file = (engine::find(host)?.whereabouts)(host) == Whereabouts::File;
        let lacks = |field: &Field| if is_file { OF_SERVERS.contains(field) } else { *field == Field::Path };
        let Some(field) = self.0.iter().flat_map(|it| it.value.fields()).find(lacks) else { return Ok(()) };
        let name = FIELDS.iter().find(|(_, known)| *known == field).map_or("", |(name, _)| name);
        let what = if is_file { "a file" } else { "on a server" };
        Err(Error::usage(format!("--env has {{{name}}}, and the database is {what}"))
            .hint("A file has {url} {scheme} {database} {path}; a server has {url} {scheme} {host} {port} {user} {password} {database}."))
    }
}

/// A lease, as the child gets to know it.
pub(super) struct Handed<'a> {
    /// Its id.
    pub lease: &'a str,
    /// Its address.
    pub address: &'a Address,
    /// Its file, where it is one.
    pub path: Option<&'a str>,
}

struct Database<'a> {
    handed: &'a Handed<'a>,
    number: usize,
}

impl Database<'_> {
    fn field(&self, field: Field) -> String {
        let parts = Parts::of(self.handed.address);
        match field {
            Field::Url => self.handed.address.expose().to_owned(),
            Field::Scheme => self.handed.address.scheme().unwrap_or_default(),
            Field::Host => parts.host,
            Field::Port => parts.port,
            Field::User => parts.user,
            Field::Password => parts.password,
            // To an application that opens a file, the path is its name.
            Field::Database => self.handed.path.map_or(parts.database, str::to_owned),
            Field::Path => self.handed.path.unwrap_or_default().to_owned(),
            Field::Number => self.number.to_string(),
        }
    }
}

/// The parts of a server's address, as they are once nothing is escaped.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    host: String,
    port: String,
    user: String,
    password: String,
    database: String,
}

impl Parts {
    fn of(address: &Address) -> Self {
        let Some((_, rest)) = address.expose().split_once("://") else { return Self::default() };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        // A colon within brackets is part of an address of version 6.
        let (host, port) = match place.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
            Some((host, port)) => (host, port.to_owned()),
            None => (place, usual_port(address).to_owned()),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let named = query.split('&').find_map(|pair| pair.strip_prefix("host="));
        let host = if host.is_empty() { named.unwrap_or(host) } else { host };
        Self { host: plain(host), port, user: plain(user), password: plain(password), database: plain(database) }
    }
}

fn usual_port(address: &Address) -> &'static str {
    match address.scheme().as_deref() {
        Some("mysql" | "mariadb") => "3306",
        Some("postgres" | "postgresql") => "5432",
        _ => "",
    }
}

/// Text without `%40`. What is no escape stays as it is.
fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digit = |at: usize| tail.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            bytes.extend(u8::try_from(high * 16 + low));
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The variables of the child that differ from ours; none where one is taken out.
pub(super) fn changes(
    handed: &[Handed<'_>],
    wanted: &Wanted,
    pool: &[(&str, String)],
    inherited: impl Iterator<Item = OsString>,
) -> Vec<(OsString, Option<String>)> {
    let mut changes: Vec<(OsString, Option<String>)> =
        SECRETS.iter().map(|name| (OsString::from(name), None)).collect();
    // Of an `exec` around this one, which had more workers.
    changes.extend(inherited.filter(|name| is_numbered(name)).map(|name| (name, None)));
    let mut set = |name: Cow<'_, str>, value: String| changes.push((OsString::from(name.into_owned()), Some(value)));
    for (name, value) in pool {
        set(Cow::from(*name), value.clone());
    }
    for (at, one) in handed.iter().enumerate() {
        let values = [(URL, Some(one.address.expose())), (PATH, one.path), (LEASE, Some(one.lease))];
        for (name, value) in values {
            let Some(value) = value else { continue };
            if at == 0 {
                set(Cow::from(name), value.to_owned());
            }
            set(Cow::from(format!("{name}_{}", at + 1)), value.to_owned());
        }
    }
    for Variable { name, value } in &wanted.0 {
        let is_of_each = name.fields().chain(value.fields()).any(|field| field == Field::Number);
        let times = if is_of_each && name.fields().next().is_some() { handed.len() } else { 1 };
        for (at, handed) in handed.iter().enumerate().take(times) {
            let database = Database { handed, number: at + 1 };
            set(Cow::from(name.fill(&database)), value.fill(&database));
        }
    }
    changes
}

/// `DATABASE_URL_3` and the like.
fn is_numbered(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    [URL, PATH, LEASE].iter().any(|base| {
        let number = name.strip_prefix(base).and_then(|rest| rest.strip_prefix('_'));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "postgres://terp_w_1:p%40s%2Fs%25@db.example:6000/my%20db?sslmode=require";

    fn filled(template: &str, url: &str, path: Option<&str>) -> String {
        let address = Address::new(url);
        let handed = Handed { lease: "0a", address: &address, path };
        Template::parse(template).unwrap().fill(&Database { handed: &handed, number: 3 })
    }

    #[test]
    fn templates_are_filled_with_what_an_address_means() {
        for (template, expected) in [
            ("{url}", SERVER),
            ("{scheme}", "postgres"),
            ("{host}", "db.example"),
            ("{port}", "6000"),
            ("{user}", "terp_w_1"),
            ("{password}", "p@s/s%"),
            ("{database}", "my db"),
            ("{path}", ""),
            ("{n}", "3"),
            ("jdbc:postgresql://{host}:{port}/{database}?x={{y}}", "jdbc:postgresql://db.example:6000/my db?x={y}"),
            ("", ""),
            ("plain", "plain"),
            ("{{url}}", "{url}"),
            ("{{{n}}}", "{3}"),
        ] {
            assert_eq!(filled(template, SERVER, None), expected, "{template}");
        }
        let file = ("sqlite:/tmp/a b/c%20.sqlite", Some("/tmp/a b/c%20.sqlite"));
        assert_eq!(filled("sqlite://{path}", file.0, file.1), "sqlite:///tmp/a b/c%20.sqlite");
        assert_eq!(filled("{database}|{host}|{scheme}", file.0, file.1), "/tmp/a b/c%20.sqlite||sqlite");
    }

    #[test]
    fn addresses_come_in_many_shapes() {
        let parts = |url: &str| {
            let Parts { host, port, user, password, database } = Parts::of(&Address::new(url));
            [host, port, user, password, database].join("|")
        };
        assert_eq!(parts("mysql://u:p@h/d"), "h|3306|u|p|d");
        assert_eq!(parts("mariadb://u@h:1/d"), "h|1|u||d");
        assert_eq!(parts("postgresql://[::1]/d"), "::1|5432|||d");
        assert_eq!(parts("postgres://u:p@[::1]:7/d"), "::1|7|u|p|d");
        assert_eq!(parts("postgres://u:a@b@h"), "h|5432|u|a@b|");
        assert_eq!(parts("postgres:///d?host=%2Frun%2Fpg&x=1"), "/run/pg|5432|||d");
        assert_eq!(parts("postgres://%2Frun%2Fpg/d"), "/run/pg|5432|||d");
        assert_eq!(plain("%C3%A4%zz%4%"), "ä%zz%4%");
    }

    #[test]
    fn what_cannot_be_filled_is_refused_before_anything_is_made() {
        let refused = |said: &str| Wanted::parse(&[said.to_owned()]).unwrap_err();
        for said in
            ["A={hots}", "A={}", "A={", "A=}", "A={url", "A={{url}", "={url}", "", "{url}=x", "A\0=x", "A={URL}"]
        {
            assert_eq!(refused(said).kind().exit_code(), 1, "{said}");
            assert!(refused(said).hint_text().is_some(), "{said}");
        }
        let wanted = |said: &str| Wanted::parse(&[said.to_owned()]).unwrap();
        assert!(wanted("A={path}").check(&Address::new("postgres://h")).is_err());
        assert!(wanted("A={host}").check(&Address::new("sqlite:x")).is_err());
        assert!(wanted("A={host}{n}").check(&Address::new("mysql://h")).is_ok());
        assert!(wanted("A={database}{path}").check(&Address::new("sqlite:x")).is_ok());
    }

    #[test]
    fn the_child_gets_each_workers_database_and_none_of_the_secrets() {
        let addresses = [Address::new("postgres://a:x@h/one"), Address::new("postgres://b:y@h/two")];
        let handed: Vec<Handed<'_>> =
            addresses.iter().zip(["l1", "l2"]).map(|(address, lease)| Handed { lease, address, path: None }).collect();
        let said = ["TEST_URL", "DB_{n}={database}", "N_{n}", "WHERE={host}/{n}", "DATABASE_URL={url}?x"];
        let wanted = Wanted::parse(&said.map(str::to_owned)).unwrap();
        let inherited = ["DATABASE_URL_7", "DATABASE_URL_X", "TERP_FIXTURES_LEASE_12", "HOME"].map(OsString::from);
        let pool = [("TERP_FIXTURES_SOCKET", "/s".to_owned())];
        let mut changes = changes(&handed, &wanted, &pool, inherited.into_iter());
        // The last word counts.
        let mut last = std::collections::BTreeMap::new();
        for (name, value) in changes.drain(..) {
            last.insert(name.into_string().unwrap(), value);
        }
        let set: Vec<String> =
            last.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?))).collect();
        assert_eq!(
            set,
            [
                "DATABASE_URL=postgres://a:x@h/one?x",
                "DATABASE_URL_1=postgres://a:x@h/one",
                "DATABASE_URL_2=postgres://b:y@h/two",
                "DB_1=one",
                "DB_2=two",
                "N_1=postgres://a:x@h/one",
                "N_2=postgres://b:y@h/two",
                "TERP_FIXTURES_LEASE=l1",
                "TERP_FIXTURES_LEASE_1=l1",
                "TERP_FIXTURES_LEASE_2=l2",
                "TERP_FIXTURES_SOCKET=/s",
                "TEST_URL=postgres://a:x@h/one",
                "WHERE=h/1",
            ]
        );
        let gone: Vec<&str> = last.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name.as_str()).collect();
        assert!(gone.contains(&"DATABASE_URL_7") && gone.contains(&"TERP_FIXTURES_LEASE_12"));
        assert!(!gone.contains(&"DATABASE_URL_X") && !gone.contains(&"HOME"));
        assert!(SECRETS.iter().all(|name| gone.contains(name)));
    }
}
