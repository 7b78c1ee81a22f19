//! The sealed store in `tests/vectors/v1/store`, which every version must read, and the `fail_*` changes to it, which every
//! version must refuse. They were made by [`writer`], which knows `docs/format.md` and no code of this program.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use terp_fixtures::codec::audit as codec_audit;
use terp_fixtures::codec::{manifest, pack, rows};
use terp_fixtures::error::Result;
use terp_fixtures::model::proof::{ObjectKind, ObjectName};
use terp_fixtures::run::audit;
use terp_fixtures::run::audit::verify::{self, Known};
use terp_fixtures::run::repository::Repository;
use terp_fixtures::seal::{self, Member, SignerId};
use terp_fixtures::secret::{Address, SecretText};
use terp_fixtures::store::{self, Store};

/// What `store.json` says of the store: who may read it, whom to believe, and what is in it.
#[derive(Deserialize)]
struct Expected {
    signer: String,
    fingerprint: String,
    snapshot: String,
    copy: String,
    cells: Vec<Vec<Value>>,
}

/// What `expect.json` says of a change.
#[derive(Deserialize)]
struct Failure {
    kind: String,
    says: String,
    #[serde(default)]
    remove: Vec<String>,
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/v1")
}

fn expected() -> Expected {
    if !vectors().join("store").exists() && std::env::var_os("UPDATE_VECTORS").is_some() {
        writer::write(&vectors());
    }
    serde_json::from_slice(&fs::read(vectors().join("store.json")).unwrap()).unwrap()
}

/// Reads a store as a restore does, and gives its COPY text and cells.
fn read(folder: &Path, expected: &Expected) -> Result<(Vec<u8>, Vec<Vec<Value>>)> {
    let identity = fs::read_to_string(vectors().join("member.key")).unwrap();
    let member = Member::parse(&SecretText::new(identity))?;
    let signers: Vec<SignerId> = vec![expected.signer.parse()?];
    let store: Box<dyn Store> = store::open(&Address::new(folder.to_str().unwrap()), false)?;
    seal::open_hint(&store.get(&ObjectName::hint(), seal::MAX_HINT)?)?;
    let name = seal::key_object(1, &member.recipient());
    let keys = seal::open_keys(&store.get(&name, seal::MAX_KEY)?, &member, &[])?;
    assert_eq!(keys.fingerprint(), expected.fingerprint);
    seal::open_charter(&store.get(&seal::charter_object(1), seal::MAX_KEY)?, &keys)?;
    let card = seal::open_card(&store.get(&seal::card_object(1, &member.recipient()), seal::MAX_KEY)?, &keys)?;
    assert_eq!((card.name.as_str(), card.role, card.signer), ("vector", seal::Role::Restore, Some(signers[0])));
    let snapshots = store.list(ObjectKind::Snapshot)?;
    assert_eq!(snapshots.len(), 1);
    let opened = seal::open_manifest(&store.get(&snapshots[0].name, seal::MAX_MANIFEST)?, &keys, &signers)?;
    let manifest = manifest::decode(&opened.body)?;
    let (mut copy, mut cells) = (Vec::new(), Vec::new());
    for entry in &manifest.tables {
        let table = manifest.schema.table(&entry.table).unwrap();
        let layout = rows::Layout::new(manifest.schema.engine, table);
        for chunk in &entry.chunks {
            let name = &manifest.packs[chunk.pack as usize].name;
            let name = ObjectName::parse(&format!("packs/{}/{name}.age", &name[..2])).unwrap();
            let packed = seal::open_pack(&store.get(&name, seal::MAX_PACK)?, &keys)?;
            let encoded = pack::open_chunk(&packed, chunk, keys.id_key()?)?;
            copy.extend_from_slice(encoded.bytes());
            let masked = rows::decode(&encoded, &layout)?;
            for row in 0..masked.rows().rows() {
                let shown = |column| {
                    let cell = masked.rows().cell(row, column);
                    json!([format!("{:?}", cell.kind).to_lowercase(), String::from_utf8_lossy(cell.bytes)])
                };
                cells.push((0..layout.columns()).map(shown).collect());
            }
        }
        assert_eq!(blake3::hash(&copy).to_hex().as_str(), entry.digest);
    }
    assert_eq!(opened.id, expected.snapshot);
    Ok((copy, cells))
}

#[test]
fn the_store_of_format_1_opens() {
    let expected = expected();
    let (copy, cells) = read(&vectors().join("store"), &expected).unwrap();
    assert_eq!(String::from_utf8(copy).unwrap(), expected.copy);
    assert_eq!(cells, expected.cells);
    // Every pack can be checked without a key.
    let store = store::open(&Address::new(vectors().join("store").to_str().unwrap()), false).unwrap();
    for listed in store.list(ObjectKind::Pack).unwrap() {
        seal::scrub(&store.get(&listed.name, seal::MAX_PACK).unwrap()).unwrap();
    }
}

#[test]
fn every_change_to_it_is_refused_with_its_kind() {
    let expected = expected();
    let mut failures = 0;
    for entry in fs::read_dir(vectors()).unwrap() {
        let change = entry.unwrap().path();
        let name = change.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("fail_") || !change.is_dir() {
            continue;
        }
        let failure: Failure = serde_json::from_slice(&fs::read(change.join("expect.json")).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        copy_tree(&vectors().join("store"), folder.path());
        for path in &failure.remove {
            fs::remove_file(folder.path().join(path)).unwrap();
        }
        copy_tree(&change, folder.path());
        let error = read(folder.path(), &expected).map(drop).expect_err(&name);
        assert_eq!(error.kind().word(), failure.kind, "{name}: {error}");
        assert!(error.what().contains(&failure.says), "{name}: {error}");
        failures += 1;
    }
    assert_eq!(failures, writer::FAILURES, "a vector is missing");
}

/// The trail of two entries beside the store, and the head of it that was signed.
#[test]
fn the_audit_trail_of_format_1_opens() {
    let expected = expected();
    if !vectors().join("audit").exists() && std::env::var_os("UPDATE_VECTORS").is_some() {
        writer::write_audit(&vectors());
    }
    let folder = tempfile::tempdir().unwrap();
    copy_tree(&vectors().join("store"), folder.path());
    copy_tree(&vectors().join("audit"), folder.path());
    let open = || {
        let identity = fs::read_to_string(vectors().join("member.key")).unwrap();
        let member = Member::parse(&SecretText::new(identity)).unwrap();
        let store = store::open(&Address::new(folder.path().to_str().unwrap()), false).unwrap();
        Repository::open(store, &member, &[expected.signer.parse().unwrap()]).unwrap()
    };
    let head = audit::read_head(&open(), &fs::read(vectors().join("audit-head.txt")).unwrap()).unwrap();
    let known = [Known { by: "the vector".into(), head: head.head }];
    let lines = fs::read_to_string(vectors().join("audit.jsonl")).unwrap();
    let (entries, damaged) = audit::entries(&open()).unwrap();
    assert!(damaged.is_empty(), "{damaged:?}");
    assert_eq!(
        entries.iter().map(|recorded| recorded.line.as_str()).collect::<Vec<_>>(),
        lines.lines().collect::<Vec<_>>()
    );
    // Every field that a line has is read, so that it is written again as it was.
    for recorded in &entries {
        assert_eq!(codec_audit::encode(&recorded.entry).unwrap(), recorded.line.as_bytes());
    }
    assert_eq!(verify::store(&open(), &known).unwrap().into_result().unwrap().entries, 2);
    for entry in fs::read_dir(folder.path().join("audit")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!verify::store(&open(), &known).unwrap().findings.is_empty(), "{}", path.display());
        fs::write(&path, bytes).unwrap();
    }
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (source, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if source.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_tree(&source, &target);
        } else {
            if target.exists() {
                fs::remove_file(&target).unwrap();
            }
            fs::write(&target, fs::read(&source).unwrap()).unwrap();
        }
    }
}

/// Writes the vectors with age, zstd, BLAKE3 and Ed25519 alone, as `docs/format.md` describes them.
mod writer {
    use super::{HEXLOWER, Path, Value, fs, json};
    use age::secrecy::ExposeSecret;
    use age::x25519::Identity;
    use ed25519_dalek::{Signer, SigningKey};

    /// How many `fail_*` folders there are.
    pub(super) const FAILURES: usize = 27;
    const REPO: &str = "00112233445566778899aabbccddeeff";
    const CHUNKS: [&str; 2] = [
        "1\ta@example.com\t\\\\x00ff\t\n2\t\\N\t\\Tplain text\t\\I5\n",
        "\\T7\tline\\nbreak\t\\N\t\\R2.5\n3\t\\I7\t\\\\x\tany\n",
    ];
    const SNAPSHOT_TIME: &str = "20251203T101500Z";

    struct Store {
        data: Identity,
        meta: Identity,
        id_key: [u8; 32],
        signing: SigningKey,
    }

    fn hash16(bytes: &[u8]) -> String {
        HEXLOWER.encode(&blake3::hash(bytes).as_bytes()[..16])
    }

    fn padme(length: usize) -> usize {
        let exponent = length.ilog2();
        let unit = 1_usize << (exponent - (exponent.ilog2() + 1));
        length.div_ceil(unit) * unit
    }

    fn frame(raw: &[u8]) -> Vec<u8> {
        let mut compressor = zstd::bulk::Compressor::new(1).unwrap();
        compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true)).unwrap();
        compressor.compress(raw).unwrap()
    }

    fn pad(frames: &mut Vec<u8>) {
        if padme(frames.len()) != frames.len() {
            let zeros = padme(frames.len() + 8) - frames.len() - 8;
            frames.extend_from_slice(&[0x50, 0x2A, 0x4D, 0x18]);
            frames.extend_from_slice(&u32::try_from(zeros).unwrap().to_le_bytes());
            frames.resize(frames.len() + zeros, 0);
        }
    }

    fn signing_key(member: &Identity) -> SigningKey {
        let text = member.to_string();
        SigningKey::from_bytes(&blake3::derive_key(
            "terp-fixtures v1 manifest signing",
            text.expose_secret().as_bytes(),
        ))
    }

    fn public(key: &SigningKey) -> String {
        format!("ed25519:{}", HEXLOWER.encode(key.verifying_key().as_bytes()))
    }

    impl Store {
        fn chunk_id(&self, raw: &[u8]) -> String {
            let key = blake3::derive_key("terp-fixtures v1 chunk id", &self.id_key);
            blake3::keyed_hash(&key, raw).to_hex().to_string()
        }

        fn authority(&self) -> SigningKey {
            let text = self.data.to_string();
            let context = "terp-fixtures v1 epoch authority";
            SigningKey::from_bytes(&blake3::derive_key(context, text.expose_secret().as_bytes()))
        }

        fn id_digest(&self) -> [u8; 32] {
            blake3::derive_key("terp-fixtures v1 id key digest", &self.id_key)
        }

        fn key_body(&self, recipient: &str) -> Value {
            json!({
                "format": 1, "repo": REPO, "epoch": 1, "recipient": recipient, "role": "restore",
                "data_recipient": self.data.to_public().to_string(),
                "data_identity": self.data.to_string().expose_secret(),
                "meta_identity": self.meta.to_string().expose_secret(),
                "id_key": HEXLOWER.encode(&self.id_key),
                "id_digest": HEXLOWER.encode(&self.id_digest()),
                "authority": public(&self.authority()),
                "signer": public(&self.signing),
            })
        }

        /// The JSON with its signature at the end.
        fn signed_key(&self, body: &Value) -> String {
            let text = body.to_string();
            let message = [b"terp-fixtures/keys/v1\0", REPO.as_bytes(), text.as_bytes()].concat();
            let signature = HEXLOWER.encode(&self.signing.sign(&message).to_bytes());
            format!("{},\"signature\":\"{signature}\"}}", text.strip_suffix('}').unwrap())
        }

        /// A card or a charter.
        fn signed_card(&self, context: &str, body: &Value) -> Vec<u8> {
            let (authority, body) = (self.authority(), body.to_string());
            let message = [context.as_bytes(), b"\0", REPO.as_bytes(), body.as_bytes()].concat();
            let signature = HEXLOWER.encode(&authority.sign(&message).to_bytes());
            let key = HEXLOWER.encode(authority.verifying_key().as_bytes());
            let mut frames = frame(format!("TERPFX1 ed25519 {key} {signature}\n{body}").as_bytes());
            pad(&mut frames);
            age::encrypt(&self.meta.to_public(), &frames).unwrap()
        }

        fn fingerprint(&self) -> String {
            let mut hasher = blake3::Hasher::new_derive_key("terp-fixtures v1 epoch fingerprint");
            let (data, meta, authority) = (self.data.to_public(), self.meta.to_public(), public(&self.authority()));
            hasher.update(format!("{REPO}\n1\n{data}\n{meta}\n{authority}\n").as_bytes()).update(&self.id_digest());
            HEXLOWER.encode(&hasher.finalize().as_bytes()[..16])
        }

        /// A pack's bytes and the offset and length of each frame.
        fn pack(&self) -> (Vec<u8>, Vec<(usize, usize)>) {
            let (mut plain, mut places) = (Vec::new(), Vec::new());
            for chunk in CHUNKS {
                let frame = frame(chunk.as_bytes());
                places.push((plain.len(), frame.len()));
                plain.extend_from_slice(&frame);
            }
            pad(&mut plain);
            (age::encrypt(&self.data.to_public(), &plain).unwrap(), places)
        }

        fn body(&self, pack: &[u8], places: &[(usize, usize)]) -> Value {
            let copy = CHUNKS.concat();
            let column = |name: &str, declared: &str| json!({"name": name, "declared": declared, "family": "any", "nullable": true});
            let chunks: Vec<Value> = CHUNKS
                .iter()
                .zip(places)
                .map(|(raw, (offset, length))| {
                    json!({"id": self.chunk_id(raw.as_bytes()), "pack": 0, "offset": offset, "length": length,
                           "raw": raw.len(), "rows": raw.matches('\n').count()})
                })
                .collect();
            json!({
                "format": 1, "features": ["rows-copy-v1"], "repo": REPO, "epoch": 1, "name": "vector", "seq": 1,
                "created": "2025-12-03T10:15:00Z", "tool": "0.1.0", "environment": "dev",
                "source": {"engine": "sqlite", "marks": []},
                "schema": {
                    "engine": "sqlite", "version": "3.50.0", "settings": {"encoding": "UTF-8"},
                    "tables": [{
                        "name": {"name": "clients"}, "kind": "ordinary",
                        "columns": [column("id", "INTEGER"), column("email", "TEXT"), column("photo", "BLOB"), column("extra", "")],
                        "primary_key": [0], "create": "CREATE TABLE clients (id INTEGER, email TEXT, photo BLOB, extra)",
                    }],
                    "post": [],
                },
                "policy": {"file": "pii.toml", "digest": "00".repeat(32), "dictionaries": {}, "key_id": "0".repeat(16), "generation": 1},
                "results": {"closure": {"foreign_keys": 0, "dangling": {}},
                            "leaks": {"columns": 0, "originals": 0, "skipped": {}, "cells": 0, "hits": 0}},
                "packs": [{"name": blake3::hash(pack).to_hex().as_str(), "length": pack.len()}],
                "tables": [{
                    "table": {"name": "clients"}, "mode": "capture", "columns": ["id", "email", "photo", "extra"],
                    "masks": {"id": "keep", "email": "email", "photo": "keep", "extra": "keep"},
                    "rows": 4, "bytes": copy.len(), "digest": blake3::hash(copy.as_bytes()).to_hex().as_str(), "chunks": chunks,
                }],
            })
        }

        /// Name and bytes of a snapshot whose signature covers `signed` and whose body is `body`.
        fn snapshot(&self, signing: &SigningKey, repo: &str, signed: &str, body: &str) -> (String, Vec<u8>) {
            let message = [b"terp-fixtures/manifest/v1\0", repo.as_bytes(), signed.as_bytes()].concat();
            let key = HEXLOWER.encode(signing.verifying_key().as_bytes());
            let signature = HEXLOWER.encode(&signing.sign(&message).to_bytes());
            let plain = format!("TERPFX1 ed25519 {key} {signature}\n{body}");
            let mut frames = frame(plain.as_bytes());
            pad(&mut frames);
            let name = format!("snapshots/{SNAPSHOT_TIME}-{}.age", hash16(plain.as_bytes()));
            (name, age::encrypt(&self.meta.to_public(), &frames).unwrap())
        }
    }

    fn put(root: &Path, name: &str, bytes: &[u8]) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Writes two audit entries and a head for the store that is there.
    pub(super) fn write_audit(root: &Path) {
        let key_file = fs::read_to_string(root.join("member.key")).unwrap();
        let member: Identity = key_file.lines().last().unwrap().parse().unwrap();
        let folder = root.join("store/keys/1");
        let key = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        let body: Value = serde_json::from_slice(&age::decrypt(&member, &fs::read(key).unwrap()).unwrap()).unwrap();
        let meta: Identity = body["meta_identity"].as_str().unwrap().parse().unwrap();
        let signing = signing_key(&member);
        let key = HEXLOWER.encode(signing.verifying_key().as_bytes());
        let signed = |context: &str, body: &str| {
            let message = [context.as_bytes(), b"\0", REPO.as_bytes(), body.as_bytes()].concat();
            format!("TERPFX1 ed25519 {key} {}\n{body}", HEXLOWER.encode(&signing.sign(&message).to_bytes()))
        };
        let (mut lines, mut prev) = (String::new(), String::new());
        let whats = [
            format!(r#"{{"operation":"keys-init","outcome":"done","key":"ed25519:{key}"}}"#),
            format!(
                r#"{{"operation":"restore","outcome":"refused","kind":"guard","reason":"expired","environment":"dev","database":{{"address":"sqlite:dev","identity":{{"engine":"sqlite","marks":["00"]}}}},"snapshot":{{"name":"vector","id":"{0}"}},"run":"vector@0","replaced":["a@0"],"digests":{{"lock":"01","policy":"00","reviewed":"02"}},"approvals":[{{"approver":"a@example.com","role":"dpo","key":"SHA256:x","digest":"02","approved":"2025-12-01T00:00:00Z","expires":"2026-12-01T00:00:00Z"}}],"expires":"2025-12-02T00:00:00Z","counts":{{"rows":4}},"tables":[{{"table":"clients","counts":{{"inserted":4}}}}],"target":{{"chain":"{0}","seq":1,"hash":"{1}","closed":false}}}}"#,
                "0".repeat(32),
                "0".repeat(64)
            ),
        ];
        for (seq, what) in (1..).zip(whats) {
            let quoted = if prev.is_empty() { String::new() } else { format!("\"{prev}\"") };
            let line = format!(
                r#"{{"version":1,"chain":"{REPO}","id":"{}","seq":{seq},"prev":[{quoted}],"time":"2025-12-03T10:15:00Z","who":{{"signer":"ed25519:{key}","name":"vector","host":"a \"machine\""}},"tool":"0.1.0","what":{what}}}"#,
                format!("{seq}").repeat(32)
            );
            let mut frames = frame(signed("terp-fixtures/audit/v1", &line).as_bytes());
            pad(&mut frames);
            prev = blake3::hash(line.as_bytes()).to_hex().to_string();
            let name = format!("audit/audit/{seq:010}-{prev}.age");
            put(root, &name, &age::encrypt(&meta.to_public(), &frames).unwrap());
            lines += &format!("{line}\n");
        }
        put(root, "audit.jsonl", lines.as_bytes());
        let statement = format!(
            r#"{{"version":1,"repo":"{REPO}","time":"2025-12-03T10:15:01Z","entries":2,"head":{{"seq":2,"heads":["{prev}"]}}}}"#
        );
        put(root, "audit-head.txt", (signed("terp-fixtures/audit-head/v1", &statement) + "\n").as_bytes());
    }

    pub(super) fn write(root: &Path) {
        let member = Identity::generate();
        let store = Store {
            data: Identity::generate(),
            meta: Identity::generate(),
            id_key: *blake3::hash(b"a public test vector").as_bytes(),
            signing: signing_key(&member),
        };
        let signer = HEXLOWER.encode(store.signing.verifying_key().as_bytes());
        let secret = member.to_string();
        let note = "# A public test identity. Never use it for anything else.";
        put(root, "member.key", format!("{note}\n{}\n", secret.expose_secret()).as_bytes());

        let hint = json!({"format": 1, "repo": REPO});
        let (pack, places) = store.pack();
        let digest = blake3::hash(&pack).to_hex().to_string();
        let pack_name = format!("packs/{}/{digest}.age", &digest[..2]);
        let body = store.body(&pack, &places);
        let text = body.to_string();
        let (snapshot_name, snapshot) = store.snapshot(&store.signing, REPO, &text, &text);

        let good = root.join("store");
        put(&good, "repo.json", format!("{hint}\n").as_bytes());
        write_keys(&good, &store, &member);
        put(&good, &pack_name, &pack);
        put(&good, &snapshot_name, &snapshot);
        let id = snapshot_name.split_once('-').unwrap().1.strip_suffix(".age").unwrap();
        let expected = json!({
            "signer": format!("ed25519:{signer}"), "fingerprint": store.fingerprint(), "snapshot": id,
            "copy": CHUNKS.concat(),
            "cells": [
                [["integer", "1"], ["text", "a@example.com"], ["blob", "\u{0}\u{FFFD}"], ["text", ""]],
                [["integer", "2"], ["null", ""], ["text", "plain text"], ["integer", "5"]],
                [["text", "7"], ["text", "line\nbreak"], ["null", ""], ["real", "2.5"]],
                [["integer", "3"], ["integer", "7"], ["blob", ""], ["text", "any"]],
            ],
        });
        put(root, "store.json", format!("{expected:#}\n").as_bytes());

        let fail = |name: &str, says: &str, remove: &[&str], files: &[(&str, &[u8])]| {
            write_failure(root, name, says, remove, files);
        };
        let changed = |name: &str, says: &str, change: &dyn Fn(&mut Value)| {
            let mut body = body.clone();
            change(&mut body);
            let text = body.to_string();
            let (file, bytes) = store.snapshot(&store.signing, REPO, &text, &text);
            fail(name, says, &[&snapshot_name], &[(&file, &bytes)]);
        };
        changed("newer_format", "format 2", &|body| body["format"] = json!(2));
        changed("unknown_feature", "rows-of-the-future", &|body| {
            body["features"] = json!(["rows-copy-v1", "rows-of-the-future"]);
        });
        changed("rows_do_not_add_up", "add up", &|body| body["tables"][0]["rows"] = json!(5));
        changed("control_character", "control character", &|body| body["name"] = json!("demo\u{1b}[2J"));
        changed("another_time", "time in the snapshot's name", &|body| body["created"] = json!("2025-12-03T10:15:01Z"));
        changed("chunk_of_other_content", "content", &|body| {
            body["tables"][0]["chunks"][0]["id"] = json!("0".repeat(64));
        });
        changed("chunk_outside_its_pack", "outside", &|body| {
            body["tables"][0]["chunks"][1]["offset"] = json!(1_u64 << 40);
        });
        changed("chunk_of_other_length", "another length", &|body| {
            body["tables"][0]["chunks"][0]["raw"] = json!(CHUNKS[0].len() + 1);
            body["tables"][0]["bytes"] = json!(CHUNKS.concat().len() + 1);
        });

        let other = signing_key(&Identity::generate());
        for (name, says, (file, bytes)) in [
            ("unpinned_signer", "not among the pinned signers", store.snapshot(&other, REPO, &text, &text)),
            ("other_repository", "wrong signature", store.snapshot(&store.signing, &"f".repeat(32), &text, &text)),
            (
                "changed_after_signing",
                "wrong signature",
                store.snapshot(&store.signing, REPO, &text, &text.replace("vector", "forged")),
            ),
        ] {
            fail(name, says, &[&snapshot_name], &[(&file, &bytes)]);
        }
        let renamed = format!("snapshots/{SNAPSHOT_TIME}-{}.age", "0".repeat(32));
        fail("renamed_snapshot", "another id", &[&snapshot_name], &[(&renamed, &snapshot)]);
        fail("truncated_snapshot", "damaged", &[], &[(&snapshot_name, &snapshot[..snapshot.len() - 1])]);
        let mut flipped = pack.clone();
        flipped[pack.len() / 2] ^= 1;
        fail("flipped_pack", "another digest", &[], &[(&pack_name, &flipped)]);
        fail("missing_pack", "not in the store", &[&pack_name], &[]);
        fail("alien_hint", "not that of a store", &[], &[("repo.json", b"{\"name\":\"my-app\"}\n")]);
        write_key_failures(root, &store, &member);
    }

    fn write_failure(root: &Path, name: &str, says: &str, remove: &[&str], files: &[(&str, &[u8])]) {
        let folder = root.join(format!("fail_{name}"));
        let expect = json!({"kind": "store", "says": says, "remove": remove});
        put(&folder, "expect.json", format!("{expect}\n").as_bytes());
        for (file, bytes) in files {
            put(&folder, file, bytes);
        }
    }

    /// The member's key file, card and charter, each with its name.
    fn write_keys(root: &Path, store: &Store, member: &Identity) {
        let recipient = member.to_public().to_string();
        let by = public(&store.signing);
        let time = "2025-12-03T10:15:00Z";
        let card = json!({"format": 1, "epoch": 1, "name": "vector", "recipient": recipient, "role": "restore",
            "signer": by, "since": time, "by": by});
        let charter = json!({"format": 1, "epoch": 1, "fingerprint": store.fingerprint(), "since": time, "by": by});
        let key = age::encrypt(&member.to_public(), store.signed_key(&store.key_body(&recipient)).as_bytes()).unwrap();
        let id = hash16(recipient.as_bytes());
        put(root, &format!("keys/1/{id}.age"), &key);
        put(root, &format!("members/1/{id}.age"), &store.signed_card("terp-fixtures/card/v1", &card));
        let name = format!("members/1/{}.age", "0".repeat(32));
        put(root, &name, &store.signed_card("terp-fixtures/charter/v1", &charter));
    }

    fn write_key_failures(root: &Path, store: &Store, member: &Identity) {
        let recipient = member.to_public().to_string();
        let id = hash16(recipient.as_bytes());
        let (key_name, card_name) = (format!("keys/1/{id}.age"), format!("members/1/{id}.age"));
        let charter_name = format!("members/1/{}.age", "0".repeat(32));
        let key_body = store.key_body(&recipient);
        let seal_key = |body: &Value| age::encrypt(&member.to_public(), store.signed_key(body).as_bytes()).unwrap();
        let fail = |name: &str, says: &str, file: &str, bytes: &[u8]| {
            write_failure(root, name, says, &[], &[(file, bytes)]);
        };
        let alien_key =
            age::encrypt(&Identity::generate().to_public(), store.signed_key(&key_body).as_bytes()).unwrap();
        fail("key_of_another_member", "this identity cannot open", &key_name, &alien_key);
        let changed_key = |name: &str, says: &str, field: &str, value: Value| {
            let mut body = key_body.clone();
            body[field] = value;
            fail(name, says, &key_name, &seal_key(&body));
        };
        let other = signing_key(&Identity::generate());
        let stranger = Identity::generate().to_public().to_string();
        changed_key("key_with_another_recipient", "do not belong together", "data_recipient", json!(stranger));
        changed_key("key_with_another_role", "other keys than its role", "role", json!("capture"));
        changed_key("key_with_another_authority", "authority", "authority", json!(public(&store.signing)));
        changed_key("key_of_another_epoch", "another member or epoch", "epoch", json!(2));
        changed_key("key_passed_on", "another member or epoch", "recipient", json!(stranger));
        changed_key("key_of_an_unpinned_signer", "not among the pinned signers", "signer", json!(public(&other)));
        let unsigned = age::encrypt(&member.to_public(), key_body.to_string().as_bytes()).unwrap();
        fail("key_without_signature", "not a valid key file", &key_name, &unsigned);
        let stretched = store.signed_key(&key_body).replace("restore", "Restore");
        let stretched = age::encrypt(&member.to_public(), stretched.as_bytes()).unwrap();
        fail("key_changed_after_signing", "wrong signature", &key_name, &stretched);
        fail(
            "card_for_a_charter",
            "not signed by the authority",
            &charter_name,
            &fs::read(root.join("store").join(&card_name)).unwrap(),
        );
        fail(
            "charter_for_a_card",
            "not signed by the authority",
            &card_name,
            &fs::read(root.join("store").join(&charter_name)).unwrap(),
        );
    }
}
