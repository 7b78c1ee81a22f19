//! Tests of locks: one text for one content, places, merges, and what differs.

use super::*;
use crate::model::schema::{Catalogue, Column, EngineKind, Family, Table};
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

/// The text of a file with this lock alone.
fn text_of(lock: &Lock) -> String {
    LockFile::default().with(lock.clone()).text()
}

fn parsed(text: &str) -> crate::error::Result<LockFile> {
    LockFile::parse("pii.lock", text)
}

/// The one lock in a text.
fn only(text: &str) -> Lock {
    let mut engines = parsed(text).unwrap().engines.into_values();
    let lock = engines.next().unwrap();
    assert!(engines.next().is_none());
    lock
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
    let text = text_of(&lock);
    let block = "\n[engines.sqlite.tables.clients.columns.email]\nschema = { type = \"TEXT\", null = true, unique = false, fingerprint = \"";
    assert!(text.contains(block), "{text}");
    assert!(text.contains("decision = \"email\"\nreview = { tier = \"D\", reason = \"they get no mail\", by = \"maria\", on = \"2026-01-05\" }\n"));
    assert!(text.contains(
        "[engines.sqlite.tables.logs]\nmode = \"exclude\"\nreview = { reason = \"not needed\", by = \"maria\""
    ));
    assert!(text.ends_with('\n') && !text.contains('\r'));
    let again = only(&text);
    assert_eq!(text_of(&again), text);
    assert_eq!(bare(again.clone()), lock);
    let place = again.tables["clients"].columns["email"].place;
    assert_eq!(text.lines().nth(place.line - 1).unwrap(), "[engines.sqlite.tables.clients.columns.email]");
    for odd in [text.replace('\n', "\r\n"), format!("\u{feff}{text}"), text.replace("\n\n", "\n# a note\n")] {
        assert_eq!(bare(only(&odd)), lock);
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
    assert_eq!(text_of(&same), text_of(&before));
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
fn a_day_that_the_policy_sets_is_the_locks() {
    let dated =
        |day: &str| POLICY.replace("phone = \"phone\"", &format!("phone = {{ mask = \"phone\", expires = {day:?} }}"));
    let before = usual_lock();
    let now = made(&dated("2027-01-01"), &usual(), Some(&before), &by("jo", "2026-02-01")).unwrap();
    let phone = |lock: &Lock| {
        (lock.tables["clients"].columns["phone"].expires.clone(), lock.tables["clients"].columns["phone"].by.clone())
    };
    assert_eq!(phone(&now), (Some("2027-01-01".into()), "jo".into()));
    assert_eq!(before.differences(&now)[0].sort, Sort::Expires);
    let same = made(&dated("2027-01-01"), &usual(), Some(&now), &by("lee", "2026-03-01")).unwrap();
    assert_eq!(phone(&same).1, "jo");
    let policy = |day: &str| Policy::parse("pii.toml", &dated(day)).unwrap();
    assert_eq!(now.disagreements(&policy("2027-01-01")), []);
    assert_eq!(before.disagreements(&policy("2027-01-01"))[0].sort, Sort::Expires);
}

#[test]
fn the_day_of_a_tables_section_is_the_locks() {
    let dated = |day: &str| POLICY.replace("mode = \"exclude\"\n", &format!("mode = \"exclude\"\nexpires = {day:?}\n"));
    let policy = |day: &str| Policy::parse("pii.toml", &dated(day)).unwrap();
    let before = usual_lock();
    let now = made(&dated("2027-01-01"), &usual(), Some(&before), &by("jo", "2026-02-01")).unwrap();
    let logs = |lock: &Lock| (lock.tables["logs"].expires.clone(), lock.tables["logs"].by.clone());
    assert_eq!(logs(&now), (Some("2027-01-01".into()), "jo".into()));
    assert_eq!(logs(&only(&text_of(&now))), logs(&now));
    let differences = before.differences(&now);
    assert_eq!((differences.len(), differences[0].sort, &differences[0].column), (1, Sort::Expires, &None));
    assert_eq!(now.disagreements(&policy("2027-01-01")), []);
    assert_eq!(before.disagreements(&policy("2027-01-01"))[0].sort, Sort::Expires);
    assert_eq!(now.disagreements(&policy("2026-06-01"))[0].sort, Sort::Expires);
    let same = made(&dated("2027-01-01"), &usual(), Some(&now), &by("lee", "2027-01-01")).unwrap();
    assert_eq!(logs(&same).1, "jo");
    let renew = Decider { renew: true, ..by("lee", "2027-01-01") };
    assert_eq!(logs(&made(&dated("2027-01-01"), &usual(), Some(&now), &renew).unwrap()).1, "lee");
    let today = |date: &str| crate::policy::expiry::Today { date: date.into(), soon: date.into() };
    let expired = |date: &str| crate::policy::expiry::of_lock(&policy("2027-01-01"), &now, &today(date));
    assert_eq!((expired("2026-12-31").len(), expired("2027-01-01").len()), (0, 1));
    assert!(expired("2027-01-01")[0].what.contains("table logs"));
    // An engine's section sets a day of its own.
    let own = format!("{POLICY}[engines.sqlite.tables.logs]\nexpires = \"2026-05-01\"\n");
    assert_eq!(logs(&made(&own, &usual(), None, &by("m", "2026-01-05")).unwrap()).0, Some("2026-05-01".into()));
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
    let text = text_of(&usual_lock());
    let cases = [
        (text.replace("version = 1", "version = 2"), "pii.lock:3:11: this version of the lock format is not known"),
        (text.replace("[engines", "[motors"), "pii.lock:5:2: unknown key 'motors'"),
        (text.replace("[engines.sqlite", "[engines.oracle"), "pii.lock:5:10: unknown key 'oracle'"),
        (text.replace("[engines.sqlite]", "[engines.sqlite]\nsize = 1"), "pii.lock:6:1: unknown key 'size'"),
        ("version = 1\n".to_owned(), "pii.lock:1:1: 'engines' is missing here"),
        (text.replacen("mode = ", "modus = ", 1), "pii.lock:8:1: unknown key 'modus'"),
        (text.replacen("on = \"2026-01-05\"", "on = \"2026-13-05\"", 1), "a day is written YYYY-MM-DD"),
        (text.replacen("on = \"2026-01-05\"", "on = \"2026-01-05\", until = \"\"", 1), "unknown key 'until'"),
        (text.replacen("tier = \"D\"", "tier = \"X\"", 1), "the tier must be one of"),
        (text.replacen("fingerprint = \"", "fingerprint = \"g", 1), "a fingerprint has 16 hex digits"),
        (text.replacen("decision = \"email\"", "decision = 5", 1), "a table with one for each environment"),
        (text.replacen("decision = \"email\"", "decision = { dev = \"email\" }", 1), "'staging' is missing here"),
        (text.replacen("null = true", "null = \"yes\"", 1), "this must be true or false"),
        (format!("{text}\n[engines.sqlite.tables.logs]\nmode = \"exclude\"\n"), "this is not TOML"),
        (text.replacen(", by = \"maria\"", "", 1).replacen("{ by = \"maria\", on", "{ on", 1), "'by' is missing here"),
    ];
    for (text, wanted) in cases {
        let error = parsed(&text).unwrap_err();
        assert!(error.what().contains(wanted) && error.what().starts_with("pii.lock:"), "{wanted}: {}", error.what());
        assert_eq!(error.kind().exit_code(), 1);
    }
}

#[test]
fn a_policy_that_decides_otherwise_is_found_without_a_database() {
    let lock = only(&text_of(&usual_lock()));
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
fn engines_environments_and_never_are_understood_without_a_database() {
    let agrees = |policy: &str| {
        let lock = made(policy, &usual(), None, &by("m", "2026-01-05")).unwrap();
        let lock = only(&text_of(&lock));
        (lock.disagreements(&Policy::parse("pii.toml", policy).unwrap()), lock)
    };
    let (found, lock) = agrees(&format!(
        "{POLICY}[environments.production]\nmode = \"structure\"\n[engines.sqlite.tables.clients.columns]\nphone = \"null\"\n\
         [engines.mysql.tables.other]\nmode = \"exclude\"\n"
    ));
    assert_eq!(found, []);
    let phone = &lock.tables["clients"].columns["phone"];
    assert_eq!((phone.decisions.of("dev"), phone.decisions.of("production")), (Some("null"), Some("no rows")));
    let (found, lock) =
        agrees(&format!("{POLICY}[subset]\nnever = [\"clients\"]\nroots = [{{ table = \"clients\", limit = 1 }}]\n"));
    assert_eq!((found, lock.tables["clients"].modes.same()), (vec![], Some("structure")));
    let (found, _) = agrees(
        &POLICY
            .replace("keep = [\"id\"]\n", "")
            .replace("version = 1\n", "version = 1\n[defaults]\ncolumns = { id = \"hash\" }\n"),
    );
    assert_eq!(found, []);
}

#[test]
fn each_engine_has_sections_of_its_own() {
    let engines = [EngineKind::Sqlite, EngineKind::Mysql, EngineKind::Mariadb, EngineKind::Postgres];
    let policy = |more: &str| Policy::parse("pii.toml", &format!("{POLICY}{more}")).unwrap();
    let plain = policy("");
    let own = policy("[engines.mariadb.tables.clients.columns]\nphone = \"null\"\n");
    let locked = |policy: &Policy, engine, file: LockFile, who: &str| {
        let catalogue = Catalogue { engine, ..usual() };
        let inventory = inventory(policy, &catalogue).unwrap();
        let before = file.of(policy, engine);
        let lock = Lock::of("pii.lock", policy, (&catalogue, &inventory), before, &by(who, "2026-01-05")).unwrap();
        file.with(lock)
    };
    let all = |policy: &Policy, order: &[EngineKind]| {
        order.iter().fold(LockFile::default(), |file, engine| locked(policy, *engine, file, "maria"))
    };
    // MariaDB is locked as MySQL is read, unless the policy has a section for it; the order does not matter.
    assert_eq!(all(&plain, &engines).engines.keys().collect::<Vec<_>>(), ["mysql", "postgres", "sqlite"]);
    let file = all(&own, &engines);
    assert_eq!(file.engines.keys().collect::<Vec<_>>(), ["mariadb", "mysql", "postgres", "sqlite"]);
    let reversed: Vec<EngineKind> = engines.into_iter().rev().collect();
    assert_eq!(all(&own, &reversed).text(), file.text());
    let phone = |engine| file.of(&own, engine).unwrap().tables["clients"].columns["phone"].decisions.of("dev").unwrap();
    assert_eq!((phone(EngineKind::Mysql), phone(EngineKind::Mariadb)), ("phone", "null"));
    assert_eq!(parsed(&file.text()).unwrap().text(), file.text());
    assert_eq!(file.disagreements(&own), None);
    assert_eq!(file.disagreements(&plain).unwrap().0, "mariadb");
    // Locking one anew leaves what was decided about the others to the byte.
    let more = policy("[engines.mysql.tables.clients.columns]\nphone = \"null\"\n");
    let before = all(&plain, &engines);
    let after = locked(&more, EngineKind::Mysql, before.clone(), "jo");
    let (removed, added) = (before.text(), after.text());
    let changed: Vec<(&str, &str)> = removed.lines().zip(added.lines()).filter(|(a, b)| a != b).collect();
    assert_eq!(removed.lines().count(), added.lines().count());
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert!(changed[1].1.contains("by = \"jo\""));
}

#[test]
fn the_file_is_beside_the_policy_and_no_snapshot_lock() {
    let path = |policy: &str| LockFile::path(Path::new(policy)).display().to_string();
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
    let again = only(&text_of(&lock));
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
            text_of(&edited(own, &decider, Some(&base)))
        };
        let gone = edits.iter().zip(edits.iter().skip(1)).zip(mine.iter().zip(mine.iter().skip(1)));
        let meet = gone.into_iter().any(|((a, b), (left, right))| *a == 3 && *b == 3 && left != right);
        prop_assume!(!meet);
        let both = text_of(&edited(edits, &decider, Some(&base)));
        prop_assert_eq!(merged(&text_of(&base), &side(true), &side(false)), Some(both));
    }
}
