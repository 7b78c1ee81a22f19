//! Tests of locks: one text for one content, places, merges, and what differs.

use super::*;
use crate::model::schema::{Catalogue, Column, Family, Table};
use crate::policy::Policy;
use crate::policy::inventory::inventory;
use crate::policy::resolve::tests::{catalogue, table};
use proptest::prelude::*;

const POLICY: &str = "version = 1\n[tables.clients]\nmode = \"capture\"\nkeep = [\"id\"]\n\
    [tables.clients.columns]\nemail = { mask = \"email\", reason = \"they get no mail\" }\nname = \"full_name\"\n\
    phone = \"phone\"\n[tables.logs]\nmode = \"exclude\"\nreason = \"not needed\"\n";

fn column(name: &str, declared: &str) -> Column {
    Column { declared: declared.to_owned(), ..crate::policy::resolve::tests::column(name, Family::Text) }
}

fn clients() -> Vec<Column> {
    ["id", "email", "name", "phone"].map(|name| column(name, if name == "id" { "INTEGER" } else { "TEXT" })).to_vec()
}

fn live(tables: &[(&str, Vec<Column>)]) -> Catalogue {
    catalogue(tables.iter().map(|(name, columns)| table(name, columns.clone())).collect::<Vec<Table>>())
}

fn usual() -> Catalogue {
    live(&[("clients", clients()), ("logs", vec![column("line", "TEXT")])])
}

fn by(who: &str, on: &str) -> Decider {
    Decider { by: who.to_owned(), on: on.to_owned(), expires: None, renew: false }
}

fn made(policy: &str, catalogue: &Catalogue, before: Option<&Lock>, decider: &Decider) -> crate::error::Result<Lock> {
    let policy = Policy::parse("pii.toml", policy)?;
    let inventory = inventory(&policy, catalogue)?;
    Lock::of("pii.lock", &policy, (catalogue, &inventory), before, decider)
}

fn usual_lock() -> Lock {
    made(POLICY, &usual(), None, &by("maria", "2026-01-05")).unwrap()
}

/// The lock without places, which only a text has.
fn bare(mut lock: Lock) -> Lock {
    for table in lock.tables.values_mut() {
        table.place = Place::default();
        table.columns.values_mut().for_each(|column| column.place = Place::default());
    }
    lock
}

#[test]
fn a_lock_reads_well_and_comes_back() {
    let lock = usual_lock();
    let text = lock.text();
    let block =
        "\n[tables.clients.columns.email]\nschema = { type = \"TEXT\", null = true, unique = false, fingerprint = \"";
    assert!(text.contains(block), "{text}");
    assert!(text.contains("decision = \"email\"\nreview = { tier = \"D\", reason = \"they get no mail\", by = \"maria\", on = \"2026-01-05\" }\n"));
    assert!(text.contains("[tables.logs]\nmode = \"exclude\"\nreview = { reason = \"not needed\", by = \"maria\""));
    assert!(text.ends_with('\n') && !text.contains('\r'));
    let again = Lock::parse("pii.lock", &text).unwrap();
    assert_eq!(again.text(), text);
    assert_eq!(bare(again.clone()), lock);
    let place = again.tables["clients"].columns["email"].place;
    assert_eq!(text.lines().nth(place.line - 1).unwrap(), "[tables.clients.columns.email]");
    for odd in [text.replace('\n', "\r\n"), format!("\u{feff}{text}"), text.replace("\n\n", "\n# a note\n")] {
        assert_eq!(bare(Lock::parse("pii.lock", &odd).unwrap()), lock);
    }
}

#[test]
fn what_is_unchanged_keeps_who_decided_it() {
    let changed = POLICY.replace("phone = \"phone\"", "phone = \"null\"");
    let before = usual_lock();
    let now = made(&changed, &usual(), Some(&before), &by("jo", "2026-02-01")).unwrap();
    let clients = &now.tables["clients"];
    assert_eq!((clients.by.as_str(), clients.columns["email"].by.as_str()), ("maria", "maria"));
    assert_eq!((clients.columns["phone"].by.as_str(), clients.columns["phone"].on.as_str()), ("jo", "2026-02-01"));
    let differences = before.differences(&now);
    assert_eq!(
        differences.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["clients.phone: decision was phone, is null"]
    );
    let same = made(POLICY, &usual(), Some(&before), &by("jo", "2026-02-01")).unwrap();
    assert_eq!(same.text(), before.text());
}

#[test]
fn an_expired_decision_is_made_again_where_asked() {
    let decider = Decider { expires: Some("2026-03-01".into()), ..by("maria", "2026-01-05") };
    let before = made(POLICY, &usual(), None, &decider).unwrap();
    let kept = made(POLICY, &usual(), Some(&before), &by("jo", "2026-03-02")).unwrap();
    assert!(kept.tables["clients"].columns["email"].has_expired("2026-03-02"));
    let renewed = made(POLICY, &usual(), Some(&before), &Decider { renew: true, ..by("jo", "2026-03-02") }).unwrap();
    assert_eq!(renewed.tables["clients"].columns["email"].by, "jo");
}

#[test]
fn undecided_columns_and_tables_are_refused_by_name() {
    let mut columns = clients();
    columns.push(column("fax", "TEXT"));
    let error = made(
        POLICY,
        &live(&[("clients", columns), ("logs", vec![]), ("orders", vec![])]),
        None,
        &by("m", "2026-01-05"),
    );
    let error = error.unwrap_err();
    assert_eq!(
        (error.kind().exit_code(), error.what()),
        (4, "pii.toml decides nothing about clients.fax, table orders")
    );
}

type Edit = fn(&mut Table);

#[test]
fn a_column_that_is_another_one_is_found() {
    let before = usual_lock();
    let edits: [(&str, Edit); 5] = [
        ("clients.email: schema", |table| table.columns[1].declared = "VARCHAR(9)".into()),
        ("clients.email: schema", |table| table.columns[1].nullable = false),
        ("clients.id: schema", |table| table.primary_key = vec![0]),
        ("clients.fax is new", |table| table.columns[3].name = "fax".into()),
        ("clients.phone: schema", |table| {
            let columns = vec![3];
            table.uniques.push(crate::model::schema::Unique { name: "u".into(), columns, partial: false });
        }),
    ];
    for (wanted, edit) in edits {
        let mut catalogue = usual();
        edit(&mut catalogue.tables[0]);
        let policy = if wanted.contains("fax") { POLICY.replace("phone = ", "fax = ") } else { POLICY.to_owned() };
        let now = made(&policy, &catalogue, Some(&before), &by("jo", "2026-02-01")).unwrap();
        let found = before.differences(&now);
        assert!(found[0].to_string().starts_with(wanted), "{wanted}: {found:?}");
        assert_ne!(now.fingerprint(), before.fingerprint());
    }
}

#[test]
fn mistakes_have_places() {
    let text = usual_lock().text();
    let cases = [
        (text.replace("version = 1", "version = 2"), "pii.lock:3:11: this version of the lock format is not known"),
        (text.replace("engine", "motor"), "pii.lock:4:1: unknown key 'motor'"),
        (text.replace("\"sqlite\"", "\"oracle\""), "pii.lock:4:10: the engine must be one of"),
        (text.replacen("mode = ", "modus = ", 1), "pii.lock:7:1: unknown key 'modus'"),
        (text.replacen("on = \"2026-01-05\"", "on = \"2026-13-05\"", 1), "a day is written YYYY-MM-DD"),
        (text.replacen("on = \"2026-01-05\"", "on = \"2026-01-05\", until = \"\"", 1), "unknown key 'until'"),
        (text.replacen("tier = \"D\"", "tier = \"X\"", 1), "the tier must be one of"),
        (text.replacen("fingerprint = \"", "fingerprint = \"g", 1), "a fingerprint has 16 hex digits"),
        (text.replacen("decision = \"email\"", "decision = 5", 1), "a table with one for each environment"),
        (text.replacen("decision = \"email\"", "decision = { dev = \"email\" }", 1), "'staging' is missing here"),
        (text.replacen("null = true", "null = \"yes\"", 1), "this must be true or false"),
        (format!("{text}\n[tables.logs]\nmode = \"exclude\"\n"), "this is not TOML"),
        (text.replacen(", by = \"maria\"", "", 1).replacen("{ by = \"maria\", on", "{ on", 1), "'by' is missing here"),
    ];
    for (text, wanted) in cases {
        let error = Lock::parse("pii.lock", &text).unwrap_err();
        assert!(error.what().contains(wanted) && error.what().starts_with("pii.lock:"), "{wanted}: {}", error.what());
        assert_eq!(error.kind().exit_code(), 1);
    }
}

#[test]
fn a_policy_that_decides_otherwise_is_found_without_a_database() {
    let lock = Lock::parse("pii.lock", &usual_lock().text()).unwrap();
    let found = |policy: &str| lock.disagreements(&Policy::parse("pii.toml", policy).unwrap());
    assert_eq!(found(POLICY), []);
    assert_eq!(found(&POLICY.replace("[tables.clients", "[tables.CLIENTS")), []);
    let edits = [
        ("name = \"full_name\"", "name = \"null\""),
        ("name = \"full_name\"", ""),
        ("name = \"full_name\"", "name = { mask = \"full_name\", domain = \"x\" }"),
        ("name = \"full_name\"", "name = \"full_name\"\nfax = \"null\""),
        ("keep = [\"id\"]", ""),
        ("\"capture\"", "\"structure\""),
        ("[tables.logs]\nmode = \"exclude\"", "[tables.logs]\nmode = \"structure\""),
        ("[tables.logs]", "[tables.other]\nmode = \"exclude\"\n[tables.logs]"),
    ];
    for (from, to) in edits {
        assert!(POLICY.contains(from));
        assert_ne!(found(&POLICY.replace(from, to)), [], "{to}");
    }
    let overlay = format!("{POLICY}[environments.staging.tables.clients.columns]\nphone = \"null\"\n");
    assert_eq!(found(&overlay).len(), 1);
}

#[test]
fn the_file_is_beside_the_policy_and_no_snapshot_lock() {
    let path = |policy: &str| Lock::path(Path::new(policy)).display().to_string();
    assert_eq!(path("a/pii.toml"), "a/pii.lock");
    assert_eq!(path("policies/terp.toml"), "policies/terp.pii.lock");
}

#[test]
fn odd_names_come_back() {
    let names = ["select", "Mixed Case", "q\"uote", "a.b", "\u{1f600}", "line\nbreak", "\\"];
    let columns: Vec<Column> = names.iter().map(|name| column(name, "TEXT")).collect();
    let mut policy = "version = 1\n".to_owned();
    let mut tables = Vec::new();
    for name in names {
        let kept: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        policy.push_str(&format!("[tables.{}]\nmode = \"capture\"\nkeep = [{}]\n", key(name), kept.join(", ")));
        tables.push((name, columns.clone()));
    }
    let lock = made(&policy, &live(&tables), None, &by("o'neil \"x\"", "2026-01-05")).unwrap();
    let again = Lock::parse("pii.lock", &lock.text()).unwrap();
    assert_eq!(bare(again.clone()), lock);
    assert_eq!(again.disagreements(&Policy::parse("pii.toml", &policy).unwrap()), []);
}

/// Two people's edits of the lock, merged as git merges them.
fn merged(base: &str, ours: &str, theirs: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let (ours, base, theirs) = (file("ours", ours), file("base", base), file("theirs", theirs));
    let done =
        std::process::Command::new("git").arg("merge-file").arg("-p").args([ours, base, theirs]).output().unwrap();
    done.status.success().then(|| String::from_utf8(done.stdout).unwrap())
}

/// What somebody does to a column: nothing, another mask, another type, or takes it out.
fn edited(edits: [u8; 4], decider: &Decider, before: Option<&Lock>) -> Lock {
    let names = ["a", "b", "c", "d"];
    let mut policy = "version = 1\n[tables.t]\nmode = \"capture\"\n[tables.t.columns]\n".to_owned();
    let mut columns = Vec::new();
    for (name, edit) in names.iter().zip(edits.iter()) {
        if *edit < 3 {
            policy.push_str(&format!("{name} = {:?}\n", if *edit == 1 { "null" } else { "hash" }));
            columns.push(column(name, if *edit == 2 { "VARCHAR(99)" } else { "TEXT" }));
        }
    }
    made(&policy, &live(&[("t", columns)]), before, decider).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Edits of different columns merge without a conflict to the lock that somebody would have who made both, neighbours
    /// included. Two people who take out, or put in, at one place meet in git as anywhere.
    #[test]
    fn edits_of_different_columns_merge(edits in prop::array::uniform4(0_u8..4), mine in prop::array::uniform4(any::<bool>())) {
        let decider = by("jo", "2026-02-01");
        let base = edited([0; 4], &by("maria", "2026-01-05"), None);
        let side = |of: bool| {
            let mut own = [0; 4];
            for at in 0..4 {
                if mine[at] == of {
                    own[at] = edits[at];
                }
            }
            edited(own, &decider, Some(&base)).text()
        };
        let gone = edits.iter().zip(edits.iter().skip(1)).zip(mine.iter().zip(mine.iter().skip(1)));
        let meet = gone.into_iter().any(|((a, b), (left, right))| *a == 3 && *b == 3 && left != right);
        prop_assume!(!meet);
        let both = edited(edits, &decider, Some(&base)).text();
        prop_assert_eq!(merged(&base.text(), &side(true), &side(false)), Some(both));
    }
}
