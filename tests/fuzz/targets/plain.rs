//! Bytes that are read as they are: names, COPY text, packs, policies and what lies beside them.

use super::{printable, refused, row_ends};
use crate::codec::chunker::{Chunk, Chunker};
use crate::codec::pack::PackBuilder;
use crate::codec::{origins as codec_origins, pack as codec_pack, rows as codec_rows};
use crate::error::Kind;
use crate::mask::key::MasterKey;
use crate::model::manifest::ChunkRef;
use crate::model::proof::{Encoded, ObjectName, Packed, Sealed};
use crate::model::schema::{Catalogue, EngineKind, Table};
use crate::policy::lock::LockFile;
use crate::policy::signers::Signers;
use crate::policy::statement::Statement;
use crate::policy::{self as policies, Policy};
use crate::seal::ssh::{self, SshSigner};
use crate::seal::{self, Member, Recipient, SignerId};
use crate::secret::{Secret32, SecretText};
use data_encoding::HEXLOWER;
use serde_json::json;
use std::sync::LazyLock;

const ENGINES: [EngineKind; 4] = [EngineKind::Sqlite, EngineKind::Postgres, EngineKind::Mysql, EngineKind::Mariadb];

/// A table `t` with columns `c0`, `c1`, ... of these types.
fn table(declared: &[&str], primary_key: &[usize]) -> Table {
    let columns = declared.iter().enumerate().map(
        |(at, declared)| json!({"name": format!("c{at}"), "declared": declared, "family": "any", "nullable": true}),
    );
    let table = json!({"name": {"name": "t"}, "kind": "ordinary", "columns": columns.collect::<Vec<_>>(),
                       "primary_key": primary_key, "create": ""});
    serde_json::from_value(table).expect("a table as manifests have it")
}

/// One object's name, or the hint.
pub(super) fn names(data: &[u8]) -> bool {
    if let Err(error) = seal::open_hint(&Sealed::vouch(ObjectName::hint(), data)) {
        refused(&error, &[Kind::Store], data, "");
    }
    let Some(name) = std::str::from_utf8(data).ok().and_then(ObjectName::parse) else { return false };
    assert_eq!(name.path().as_bytes(), data);
    assert_eq!(ObjectName::parse(name.path()), Some(name.clone()));
    assert!(name.path().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.-".contains(&byte)), "{name}");
    assert!(name.path().split('/').all(|part| !part.is_empty() && !part.starts_with('.')), "{name}");
    assert!(name.path().starts_with(name.kind().folder().unwrap_or("repo.json")), "{name}");
    true
}

/// COPY text behind a byte that chooses engine and columns.
pub(super) fn rows(data: &[u8]) -> bool {
    static LAYOUTS: LazyLock<Vec<codec_rows::Layout>> = LazyLock::new(|| {
        let sqlite = table(&["INTEGER", "VARCHAR(20)", "BLOB", "", "DOUBLE PRECISION"], &[0]);
        let server = table(&["bigint", "text", "bytea"], &[1, 0]);
        let keyless = table(&["text"], &[]);
        let layout = |engine, table: &Table| codec_rows::Layout::new(engine, table).with_cut_key([7; 16]);
        let mut all = vec![layout(EngineKind::Sqlite, &sqlite), layout(EngineKind::Sqlite, &keyless)];
        all.extend(ENGINES[1..].iter().flat_map(|engine| [layout(*engine, &server), layout(*engine, &keyless)]));
        all
    });
    let Some((selector, text)) = data.split_first() else { return false };
    let layout = &LAYOUTS[usize::from(*selector) % LAYOUTS.len()];
    let masked = match codec_rows::decode(&Encoded::vouch(text.to_vec(), row_ends(text), Vec::new()), layout) {
        Ok(masked) => masked,
        Err(error) => return refused(&error, &[Kind::Store], text, ""),
    };
    let written = codec_rows::encode(masked.clone(), layout);
    assert_eq!(written.row_ends(), row_ends(written.bytes()));
    let read = codec_rows::decode(&written, layout).expect("what was written is read");
    assert!(read == masked, "cells changed");
    assert!(codec_rows::encode(read, layout) == written, "there are two spellings");
    let mut chunks = Vec::new();
    let mut chunker = Chunker::new(0);
    let mut emit = |chunk| {
        chunks.push(chunk);
        Ok(())
    };
    chunker.push(&written, &mut emit).and_then(|()| chunker.finish(&mut emit)).expect("nothing fails here");
    let bytes = chunks.iter().flat_map(|chunk| chunk.encoded.bytes()).copied();
    assert!(bytes.eq(written.bytes().iter().copied()), "chunks are other rows");
    assert_eq!(chunks.iter().map(|chunk| chunk.rows).sum::<u64>(), written.row_ends().len() as u64);
    true
}

/// The origins of the rows of a subset.
pub(super) fn origins(data: &[u8]) -> bool {
    match codec_origins::decode(&Encoded::vouch(data.to_vec(), row_ends(data), Vec::new())) {
        Ok(origins) => {
            let written = codec_origins::encode(&origins);
            assert_eq!(codec_origins::decode(&written.encoded).ok(), Some(origins));
            true
        }
        Err(error) => refused(&error, &[Kind::Store], data, ""),
    }
}

/// A pack's plaintext behind what a manifest says of one chunk in it: offset, length, rows (two bytes each), raw (four). An odd first
/// byte has the rest packed first, and the numbers added to the right ones. The id is always the right one, so that what lies behind
/// its check is reached.
pub(super) fn pack(data: &[u8]) -> bool {
    const MOST: usize = 1 << 20;
    let Some((said, rest)) = data.split_first_chunk::<11>() else { return false };
    let id_key = Secret32::new([9; 32]);
    let number = |at: usize| u64::from(u16::from_le_bytes([said[at], said[at + 1]]));
    let said = (number(1), number(3), number(5), u64::from(u32::from_le_bytes([said[7], said[8], said[9], said[10]])));
    let (pack, right) = if data[0] & 1 == 1 {
        let chunk = Chunk { encoded: Encoded::vouch(rest.to_vec(), row_ends(rest), Vec::new()), rows: 0 };
        let frame = codec_pack::compress(&chunk, [0; 32], codec_pack::DEFAULT_LEVEL).expect("a short chunk");
        let right = (0, frame.length(), row_ends(rest).len() as u64, rest.len() as u64);
        let mut builder = PackBuilder::new();
        builder.push(frame);
        (builder.finish(), right)
    } else {
        (Packed::vouch(rest.to_vec()), (0, 0, 0, 0))
    };
    let (offset, length, rows, raw) = (said.0 + right.0, said.1 + right.1, said.2 + right.2, said.3 + right.3);
    let frame =
        usize::try_from(offset).ok().and_then(|at| pack.bytes().get(at..)?.get(..usize::try_from(length).ok()?));
    let plain = frame.and_then(|frame| zstd::bulk::decompress(frame, MOST).ok()).unwrap_or_default();
    let id = HEXLOWER.encode(&codec_pack::chunk_id(&id_key, &plain));
    let chunk = ChunkRef { id, pack: 0, offset, length, raw, rows };
    match codec_pack::open_chunk(&pack, &chunk, &id_key) {
        Ok(encoded) => {
            assert_eq!(encoded.bytes(), plain);
            assert_eq!((encoded.row_ends(), encoded.bytes().len() as u64), (row_ends(&plain).as_slice(), raw));
            assert_eq!(encoded.row_ends().len() as u64, rows);
            true
        }
        Err(error) => refused(&error, &[Kind::Store], rest, ""),
    }
}

/// A policy, then held against a schema.
pub(super) fn policy(data: &[u8]) -> bool {
    static CATALOGUES: LazyLock<Vec<Catalogue>> = LazyLock::new(|| {
        let catalogue = |engine: &EngineKind| {
            let clients = include_str!("clients.json");
            let clients: serde_json::Value = serde_json::from_str(clients).expect("tables as manifests have them");
            let catalogue = json!({"engine": engine, "version": "1", "settings": {}, "tables": clients, "post": []});
            serde_json::from_value(catalogue).expect("a schema as manifests have it")
        };
        ENGINES.iter().map(catalogue).collect()
    });
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let policy = match Policy::parse("pii.toml", text) {
        Ok(policy) => policy,
        Err(error) => {
            assert!([Kind::Usage, Kind::Policy].contains(&error.kind()), "{error:?}");
            assert!(printable(error.what()), "{error:?}");
            return false;
        }
    };
    assert!(policies::diff::diff(&policy, &policy).is_empty(), "a policy differs from itself");
    let master = MasterKey::new(Secret32::new([3; 32]));
    for catalogue in CATALOGUES.iter() {
        for environment in policies::file::ENVIRONMENTS {
            if let Err(error) = policies::resolve(&policy, catalogue, environment, &master) {
                assert!([Kind::Usage, Kind::Policy, Kind::Drift].contains(&error.kind()), "{error:?}");
                assert!(printable(error.what()), "{error:?}");
            }
        }
    }
    true
}

/// A condition of a policy behind a byte that chooses the engine.
pub(super) fn condition(data: &[u8]) -> bool {
    static TABLE: LazyLock<Table> = LazyLock::new(|| table(&["integer", "text", "date"], &[0]));
    let Some((selector, text)) = data.split_first() else { return false };
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let engine = ENGINES[usize::from(*selector) % ENGINES.len()];
    match policies::condition::validate(text, &TABLE, engine) {
        Ok(columns) => {
            assert!(columns.iter().all(|&at| at < TABLE.columns.len()));
            assert!(!text.contains(';') || text.contains(['\'', '"', '`', '$']), "a statement passed");
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), Kind::Policy, "{error:?}");
            assert!(printable(error.what()), "{error:?}");
            false
        }
    }
}

/// A lock of a policy.
pub(super) fn lock(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    match LockFile::parse("pii.lock", text) {
        Ok(lock) => {
            // Compared as text: what was read knows its lines too, and those move.
            let written = lock.text();
            assert_eq!(LockFile::parse("pii.lock", &written).expect("what was written is read").text(), written);
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), Kind::Usage, "{error:?}");
            assert!(printable(error.what()), "{error:?}");
            false
        }
    }
}

/// What approvals are made of: a statement, a signature, a file of approvers, a private key.
pub(super) fn approval(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let signers = Signers::parse("approvers", text);
    assert!(signers.objection("a@b.test", "SHA256:x", "2025-12-03T10:15:00Z").is_some(), "anybody may approve");
    assert!(signers.unused.iter().all(|(_, why)| printable(why)));
    assert_eq!(ssh::verify(b"nobody signed this", text), None);
    let key = SshSigner::parse(&SecretText::new(text.to_owned()), || Ok(None));
    if let Err(error) = &key {
        refused(error, &[Kind::Usage], data, "");
    }
    let statement = Statement::parse(text);
    if let Some(statement) = &statement {
        assert_eq!(statement.text(), text);
        assert!(printable(&statement.file_name()) && !statement.file_name().contains(['/', '\\']));
        assert!(statement.days() > 0);
    }
    statement.is_some() || key.is_ok() || !signers.is_empty() || ssh::public_fingerprint(text).is_some()
}

/// What names a member: an identity file, a recipient, a signer.
pub(super) fn member(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let recipient = text.parse::<Recipient>();
    match &recipient {
        Ok(recipient) => assert!(recipient.to_string().parse::<Recipient>().is_ok_and(|again| again == *recipient)),
        Err(error) => _ = refused(error, &[Kind::Usage], data, ""),
    }
    if let Err(error) = text.parse::<SignerId>() {
        assert_eq!(error.kind(), Kind::Usage);
    }
    match Member::parse(&SecretText::new(text.to_owned())) {
        Ok(member) => {
            let again =
                Member::parse(&member.to_file(text).expect("an age identity")).expect("what was written is read");
            assert_eq!(again.recipient().to_string(), member.recipient().to_string());
            true
        }
        Err(error) => refused(&error, &[Kind::Usage], data, "") || recipient.is_ok(),
    }
}
