//! Snapshots as versions: tags, filters, differences, plain files, copies in other stores.

use crate::inside;
use crate::support::{Scratch, sql};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use terp_fixtures::run::repository::Repository;
use terp_fixtures::run::tags::{self, Change, Tags};
use terp_fixtures::run::{copy, export, verify};

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|line| line["name"].as_str().unwrap()).collect()
}

fn words(tags: &[&str]) -> Vec<String> {
    tags.iter().map(ToString::to_string).collect()
}

#[test]
fn tags_name_snapshots_and_filters_choose_among_them() {
    let scratch = Scratch::with_sample();
    let source = "sqlite:erp.sqlite";
    let capture = |name: &str, more: &[&str]| {
        scratch.json(&[&["capture", name, "--policy", "pii.toml", "--source", source], more].concat())
    };
    capture("nightly-1", &["--tag", "keep"]);
    capture("nightly-2", &["--env", "staging"]);
    capture("release", &[]);
    let text = scratch.ok(&["tag", "release", "v1.0", "keep"]);
    assert!(text.contains("has 2 tags: keep, v1.0"), "{text}");
    assert!(scratch.ok(&["tag", "release", "v1.0"]).contains("has 2 tags"), "again changes nothing");
    assert!(scratch.ok(&["tag", "nightly-2"]).contains("has no tag"));

    let list = |more: &[&str]| {
        names(&scratch.json(&[&["list"], more].concat())).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(list(&[]), ["nightly-1", "nightly-2", "release"]);
    assert_eq!(list(&["--name", "nightly*"]), ["nightly-1", "nightly-2"]);
    assert_eq!(list(&["--tag", "keep"]), ["nightly-1", "release"]);
    assert_eq!(list(&["--tag", "keep", "--tag", "v1.0"]), ["release"]);
    assert_eq!(list(&["--env", "staging"]), ["nightly-2"]);
    assert_eq!(list(&["--engine", "sqlite", "--limit", "1"]), ["release"]);
    assert_eq!(list(&["--engine", "mysql"]), Vec::<String>::new());
    assert_eq!(list(&["--until", "2020-01-01"]), Vec::<String>::new());
    assert_eq!(list(&["--since", "2020-01-01"]).len(), 3);
    assert_eq!(list(&["--expired"]), Vec::<String>::new());
    assert!(scratch.ok(&["list", "--expired"]).contains("No snapshot is like that."));
    assert!(scratch.ok(&["list"]).contains("keep, v1.0"));

    // A tag names the newest snapshot that has it, where nothing is called so.
    assert_eq!(scratch.json(&["show", "keep"])["manifest"]["name"], "release");
    assert_eq!(scratch.json(&["show", "v1.0"])["tags"], serde_json::json!(["keep", "v1.0"]));
    scratch.ok(&["tag", "v1.0", "--remove", "keep"]);
    assert_eq!(scratch.json(&["show", "keep"])["manifest"]["name"], "nightly-1");
    // A tag of the capture can be taken away too, and a name always comes first.
    scratch.ok(&["tag", "nightly-1", "release", "--remove", "keep"]);
    assert!(scratch.fails(7, &["show", "keep"]).contains("there is no snapshot 'keep'"));
    assert_eq!(scratch.json(&["show", "release"])["manifest"]["name"], "release");
    for bad in ["a b", "x@y", "-x", ""] {
        scratch.fails(1, &["tag", "release", "--", bad]);
    }
    let log = scratch.ok(&["audit", "log", "--operation", "tag", "--json"]);
    assert_eq!(log.lines().count(), 3, "{log}");
    scratch.ok(&["audit", "verify"]);

    // Tagged ones stay, and the tags of what is removed go.
    let tagged = || scratch.objects().iter().filter(|path| path.to_string_lossy().contains("/tags/")).count();
    assert_eq!(tagged(), 2);
    let done = scratch.json(&["prune", "--keep-within", "1h", "--keep-tag", "v1.0", "--yes"]);
    assert_eq!(done["snapshots"], serde_json::json!([]));
    capture("release", &[]);
    let done = scratch.json(&["prune", "--keep-last", "1", "--keep-tag", "v1.0", "--yes"]);
    assert_eq!(done["snapshots"].as_array().unwrap().len(), 1, "{done}");
    assert_eq!(list(&["--env", "dev"]), ["release", "release"]);
    assert_eq!(tagged(), 1);
    let done = scratch.json(&["prune", "--keep-tag", "v1.0", "--yes"]);
    assert_eq!(done["snapshots"].as_array().unwrap().len(), 2, "{done}");
    assert_eq!(scratch.json(&["list"])[0]["tags"], serde_json::json!(["v1.0"]));
}

#[test]
fn tags_of_many_writers_at_once_are_all_there() {
    let member = inside::new_store("tags-at-once");
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.sqlite");
    sql(&source, "CREATE TABLE t (id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES (1, 'a')");
    let repository = inside::repository("tags-at-once", &member);
    let snapshot = inside::capture(&repository, &source, "s", &inside::keep_all(&source)).unwrap().snapshot.unwrap();
    std::thread::scope(|scope| {
        for writer in 0..6 {
            let (member, snapshot) = (&member, &snapshot);
            scope.spawn(move || {
                let repository = inside::repository("tags-at-once", member);
                for round in 0..8 {
                    let (kept, gone) = (format!("kept-{writer}-{round}"), format!("gone-{writer}-{round}"));
                    tags::change(&repository, snapshot, &Change::new(&[kept, gone.clone()], &[]).unwrap()).unwrap();
                    tags::change(&repository, snapshot, &Change::new(&[], &[gone]).unwrap()).unwrap();
                }
            });
        }
    });
    let expected: BTreeSet<String> =
        (0..6).flat_map(|writer| (0..8).map(move |round| format!("kept-{writer}-{round}"))).collect();
    let tags = Tags::read(&repository).unwrap();
    assert_eq!(tags.of(&snapshot), expected);
    tags::change(&repository, &snapshot, &Change::new(&[], &words(&["kept-0-0"])).unwrap()).unwrap();
    assert!(!Tags::read(&repository).unwrap().of(&snapshot).contains("kept-0-0"));
    let objects = repository.store().list(terp_fixtures::model::proof::ObjectKind::Tag).unwrap();
    assert_eq!(objects.len(), 1, "the last writer made one of all");
}

#[test]
fn a_diff_names_what_changed_and_no_value() {
    let scratch = Scratch::with_sample();
    scratch.capture("before");
    assert_eq!(scratch.json(&["diff", "before", "before", "--exit-code"])["same"], true);
    sql(
        &scratch.path("erp.sqlite"),
        "UPDATE orders SET status = CASE status WHEN 'draft' THEN 'confirmed' ELSE 'draft' END WHERE id = 3; CREATE INDEX zzz ON orders (status)",
    );
    scratch.capture("after");
    let text = scratch.ok(&["diff", "before", "after", "--rows", "5"]);
    assert!(text.contains("+ index zzz of orders") && text.contains("changed rows: "), "{text}");
    assert!(text.contains("masking: the same") && !text.contains("draft") && !text.contains("confirmed"), "{text}");
    let json = scratch.json(&["diff", "before", "after", "--table", "orders"]);
    assert_eq!(json["tables"][0]["rows"]["changed"], 1, "{json}");
    assert_eq!(json["same"], false);
    let quick = scratch.json(&["diff", "before", "after", "--chunks", "--table", "orders"]);
    assert!(quick["tables"][0]["rows_in_other_chunks"]["after"].as_u64().unwrap() >= 1, "{quick}");
    assert!(scratch.fails(3, &["diff", "before", "after", "--exit-code"]).contains("differ"));
    scratch.fails(1, &["diff", "before", "after", "--table", "nothing"]);
}

/// Runs a stock client on a script.
fn feeds(client: &str, arguments: &[&str], script: &Path) {
    let input = std::fs::File::open(script).unwrap();
    let output = std::process::Command::new(client).args(arguments).stdin(input).stdout(Stdio::piped()).output();
    let output = output.unwrap_or_else(|error| panic!("{client}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{client}: {said}");
}

const ODD: &str = "CREATE TABLE \"odd \"\"name'é\" (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT, b BLOB, c REAL, d);
    INSERT INTO \"odd \"\"name'é\" VALUES (1, 'it''s \"q\", \\ and' || char(13, 10, 9) || '.quit', x'00ff', 1e300, 5),
        (2, '', x'', -0.5, '5'), (3, NULL, NULL, 9e999, 5.0), (9, 'a' || char(0) || 'b', x'27', 0.1, x'5c'),
        (11, '\\.', NULL, -9e999, -9223372036854775808);
    CREATE TABLE child (id INTEGER PRIMARY KEY, odd INT REFERENCES \"odd \"\"name'é\" (id), n INT GENERATED ALWAYS AS (id * 2));
    INSERT INTO child VALUES (1, 9), (2, NULL);
    CREATE TABLE pairs (a TEXT, b INT, PRIMARY KEY (a, b)) WITHOUT ROWID;
    INSERT INTO pairs VALUES ('x', 1), ('X', 1);
    CREATE INDEX by_odd ON child (odd); CREATE VIEW seen AS SELECT id FROM child -- a note
    ;
    CREATE TRIGGER quiet AFTER INSERT ON child BEGIN UPDATE child SET odd = NULL WHERE id = new.id; SELECT 1; END;
    PRAGMA user_version = 7";

#[test]
fn an_exported_script_makes_the_same_database_with_the_stock_client() {
    let member = inside::new_store("export-script");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    sql(&at("a.sqlite"), ODD);
    let repository = inside::repository("export-script", &member);
    let policy = inside::keep_all(&at("a.sqlite"));
    let snapshot = inside::capture(&repository, &at("a.sqlite"), "odd", &policy).unwrap().snapshot.unwrap();
    let options = export::Options { format: export::Format::Sql, tables: Vec::new(), force: false };
    let done = export::export(&inside::context(), &repository, &snapshot, &at("out"), &options).unwrap();
    assert_eq!((done.files.as_slice(), done.left_out.len()), (&[at("out/odd.sql")][..], 0));
    feeds("sqlite3", &["-bail", at("b.sqlite").to_str().unwrap()], &done.files[0]);
    assert_eq!(inside::digest(&at("b.sqlite")), inside::digest(&at("a.sqlite")));
    // The counter goes on behind the highest id.
    sql(&at("b.sqlite"), "INSERT INTO \"odd \"\"name'é\" (a) VALUES ('new')");
    let error = export::export(&inside::context(), &repository, &snapshot, &at("out"), &options).unwrap_err();
    assert!(error.what().contains("is there already"), "{error}");
    let again = export::Options { force: true, tables: vec!["child".into()], ..options };
    let done = export::export(&inside::context(), &repository, &snapshot, &at("out"), &again).unwrap();
    let text = std::fs::read_to_string(&done.files[0]).unwrap();
    assert!(text.contains("CREATE TABLE child") && !text.contains("pairs") && !text.contains("VIEW"), "{text}");
    assert!(text.contains("CREATE INDEX by_odd") && text.contains("CREATE TRIGGER quiet"), "{text}");
    feeds("sqlite3", &["-bail", at("c.sqlite").to_str().unwrap()], &done.files[0]);
}

#[test]
fn exported_rows_come_back_by_import_of_a_stock_client() {
    let scratch = Scratch::with_snapshot();
    let done = scratch.json(&["export", "sample", "rows", "--table", "clients", "--table", "orders"]);
    assert_eq!(done["files"].as_array().unwrap().len(), 2, "{done}");
    let head = std::fs::read_to_string(scratch.path("rows/clients.csv")).unwrap();
    let rows = head.lines().count() as u64 - 1;
    assert_eq!(done["tables"][0]["rows"].as_u64().unwrap(), rows, "{done}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for (path, mode) in [("rows", 0o700), ("rows/clients.csv", 0o600)] {
            assert_eq!(std::fs::metadata(scratch.path(path)).unwrap().permissions().mode() & 0o777, mode, "{path}");
        }
    }
    let mut command = scratch.command_of(
        "sqlite3",
        &["csv.sqlite", "-cmd", ".import --csv rows/orders.csv orders", "SELECT count(*) FROM orders"],
    );
    let output = command.output().unwrap();
    let counted = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert_eq!(counted, done["tables"][1]["rows"].to_string(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(scratch.fails(1, &["export", "sample", "rows"]).contains("is there already"));
    assert!(scratch.ok(&["export", "sample", "rows", "--force"]).contains("plain text"));
    scratch.fails(1, &["export", "sample", "other", "--table", "nothing"]);
    assert!(!scratch.path("other").exists());
    assert_eq!(
        scratch.ok(&["audit", "log", "--operation", "export", "--outcome", "done", "--json"]).lines().count(),
        2
    );
}

fn digests(repository: &Repository, wanted: &str) -> Vec<(String, String, u64)> {
    let snapshot = repository.find(wanted).unwrap();
    snapshot.manifest.tables.iter().map(|entry| (entry.table.to_string(), entry.digest.clone(), entry.rows)).collect()
}

#[test]
fn a_copy_has_the_same_rows_under_other_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("a.sqlite"), folder.path().join("b.sqlite"));
    crate::support::sample(&source);
    let (mine, theirs) = (inside::new_store("copy-from"), inside::new_store("copy-to"));
    let from = inside::repository("copy-from", &mine);
    let to = inside::repository("copy-to", &theirs);
    let policy = inside::keep_all(&source);
    let snapshot = inside::capture(&from, &source, "sample", &policy).unwrap().snapshot.unwrap();
    let tags: BTreeSet<String> = ["v1".to_owned()].into();
    let done = copy::copy(&inside::context(), &from, &snapshot, &to, &tags).unwrap();
    assert!(!done.unchanged && done.chunks.1 == 0 && done.uploaded_packs > 0, "{done:?}");
    assert_eq!(digests(&from, "sample"), digests(&to, "v1"));
    let copied = &to.find("sample").unwrap().manifest;
    assert_eq!((&copied.copied[0].repo, &copied.copied[0].id), (&from.id().to_owned(), &snapshot.id));
    assert_eq!(
        (&copied.created, &copied.tags, &copied.policy),
        (&snapshot.manifest.created, &tags, &snapshot.manifest.policy)
    );
    // No chunk has the name that it has in the other store, and the other member cannot read it there.
    let ids = |repository: &Repository| -> BTreeSet<String> {
        let manifest = repository.find("sample").unwrap().manifest;
        manifest.tables.into_iter().flat_map(|entry| entry.chunks).map(|chunk| chunk.id).collect()
    };
    assert!(ids(&from).is_disjoint(&ids(&to)));
    Repository::open(inside::open_store("copy-to", false), &mine, &[]).unwrap_err();
    verify::verify(&inside::context(), &to, None, verify::Depth::Rows).unwrap().into_result().unwrap();
    inside::restore(&to, "sample", &target, &inside::restore_options()).unwrap();

    // Again: nothing. A second version: only what changed.
    assert!(copy::copy(&inside::context(), &from, &snapshot, &to, &tags).unwrap().unchanged);
    sql(&source, "UPDATE orders SET status = CASE status WHEN 'draft' THEN 'confirmed' ELSE 'draft' END WHERE id = 5");
    let second = inside::capture(&from, &source, "sample", &policy).unwrap().snapshot.unwrap();
    let done = copy::copy(&inside::context(), &from, &second, &to, &BTreeSet::new()).unwrap();
    assert_eq!(done.chunks.0 - done.chunks.1, 1, "{done:?}");
    assert_eq!(digests(&from, "sample"), digests(&to, "sample"));
    assert_eq!(to.find("sample").unwrap().manifest.seq, 2);
    let same = copy::copy(&inside::context(), &from, &second, &from, &BTreeSet::new()).unwrap_err();
    assert!(same.what().contains("the same store"));
}

#[test]
fn copies_are_in_the_other_store_s_trail_and_need_no_trust_in_the_first_signer() {
    let scratch = Scratch::with_snapshot();
    scratch.ok(&["tag", "sample", "v1"]);
    scratch.ok(&[
        "keys",
        "init",
        "--store",
        "archive",
        "--identity-file",
        "archive.key",
        "--mask-key-file",
        "archive-mask.key",
    ]);
    let copy = ["copy", "v1", "--to", "archive", "--to-identity", "archive.key"];
    let done = scratch.json(&copy);
    assert_eq!(done[0]["unchanged"], false, "{done}");
    assert_eq!(scratch.json(&copy)[0]["unchanged"], true);
    let there = |arguments: &[&str]| {
        let mut command = scratch.command(&[arguments, &["--store", "archive"]].concat());
        let output = command.env("TERP_FIXTURES_IDENTITY_FILE", scratch.path("archive.key")).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(there(&["list"]).contains("v1"));
    assert!(there(&["show", "sample"]).contains("copied"));
    there(&["verify", "--read-data"]);
    there(&["audit", "verify"]);
    assert_eq!(there(&["audit", "log", "--operation", "copy", "--json"]).lines().count(), 1);
    there(&["restore", "v1", "--target", "sqlite:dev.sqlite"]);
    // A store of others refuses.
    assert!(scratch.fails(7, &["copy", "sample", "--to", "archive"]).contains("not a member"));
    assert!(scratch.fails(1, &["copy", "sample", "--to", "snapshots"]).contains("the same store"));
}

/// A store with so many snapshots, each of `packs` packs, made without capturing each.
fn many(scratch: &Scratch, count: u64, packs: usize, chunks: usize) {
    use terp_fixtures::codec::manifest::encode;
    use terp_fixtures::model::manifest::{ChunkRef, PackRef};
    use terp_fixtures::secret::{Address, SecretText};
    let secret = std::fs::read_to_string(scratch.path(".terp-fixtures/identity.key")).unwrap();
    let member = terp_fixtures::seal::Member::parse(&SecretText::new(secret)).unwrap();
    let address = Address::new(scratch.path("snapshots").to_string_lossy());
    let open = || Repository::open(terp_fixtures::store::open(&address, false).unwrap(), &member, &[]).unwrap();
    let repository = open();
    let first = repository.find("sample").unwrap().manifest;
    for seq in 2..=count {
        let mut manifest = first.clone();
        manifest.seq = seq;
        manifest.created = format!("2030-01-01T{:02}:{:02}:{:02}Z", seq / 3600 % 24, seq / 60 % 60, seq % 60);
        manifest.name = format!("s{}", seq % 100);
        let name = |at: usize| blake3_hex(&format!("{seq} {at}"));
        manifest.packs.extend((0..packs).map(|at| PackRef { name: name(at), length: 10 }));
        let table = manifest.tables.iter_mut().find(|entry| entry.rows > 0).unwrap();
        let shape = ChunkRef { id: String::new(), pack: 0, offset: 0, length: 9, raw: 5, rows: 1 };
        for at in 0..packs * chunks {
            let pack = (first.packs.len() + at / chunks) as u32;
            table.chunks.push(ChunkRef { id: name(1_000_000 + at), pack, ..shape.clone() });
            (table.rows, table.bytes) = (table.rows + 1, table.bytes + 5);
        }
        let stamp = terp_fixtures::seal::SnapshotStamp { created_compact: manifest.created.replace(['-', ':'], "") };
        let body = encode(&manifest).unwrap();
        let (sealed, _) =
            terp_fixtures::seal::seal_manifest(&body, &stamp, repository.keys(), repository.signer()).unwrap();
        let folder = scratch.path("snapshots");
        std::fs::write(folder.join(sealed.name().path()), sealed.bytes()).unwrap();
        for at in 0..packs {
            let name = name(at);
            let place = folder.join("packs").join(&name[..2]);
            std::fs::create_dir_all(&place).unwrap();
            std::fs::write(place.join(format!("{name}.age")), b"0123456789").unwrap();
        }
    }
}

/// 64 hex digits that depend on a text.
fn blake3_hex(text: &str) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let word = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, text).hash(&mut hasher);
        hasher.finish()
    };
    (0..4).map(|salt| format!("{:016x}", word(salt))).collect::<Vec<_>>().concat()
}

#[test]
fn a_walk_over_many_snapshots_finds_and_lists_them_all() {
    let scratch = Scratch::with_snapshot();
    many(&scratch, 120, 2, 3);
    let list = scratch.json(&["list"]);
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 120);
    assert!(list.windows(2).all(|pair| pair[0]["seq"].as_u64() < pair[1]["seq"].as_u64()));
    // Each shares the first one's chunks, and brought six of nine bytes.
    assert!(
        list[1..]
            .iter()
            .all(|line| line["stored_bytes"].as_u64().unwrap() - line["shared_bytes"].as_u64().unwrap() == 54)
    );
    assert_eq!(scratch.json(&["show", "s7"])["manifest"]["seq"], 107);
    assert_eq!(names(&scratch.json(&["list", "--limit", "3"])), ["s18", "s19", "s20"]);
    scratch.ok(&["tag", "s7", "seventh"]);
    assert_eq!(scratch.json(&["show", "seventh"])["manifest"]["seq"], 107);
}
