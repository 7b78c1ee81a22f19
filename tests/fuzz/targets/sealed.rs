//! Bytes that lie encrypted in a store, or signed as well. They are encrypted (and signed) after they were changed, so that what
//! lies behind decryption and signature is reached.

use super::{id_of, refused};
use crate::codec::{audit as codec_audit, manifest as codec_manifest};
use crate::error::Kind;
use crate::model::proof::{ObjectName, Sealed};
use crate::seal::{self, EpochKeys, Member, SignerId, SnapshotStamp};
use crate::secret::SecretText;
use age::x25519;
use serde_json::Value;
use std::sync::LazyLock;

const STAMP: &str = "20251203T101500Z";

/// A member and the keys of an epoch, always the same.
struct World {
    member: Member,
    keys: EpochKeys,
    meta: x25519::Recipient,
    signers: [SignerId; 1],
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let bundle = include_bytes!("../corpus/keys/whole.json");
    let identity = include_str!("../../vectors/v1/member.key");
    let member = Member::parse(&SecretText::new(identity.to_owned())).expect("an identity");
    let keys =
        seal::open_keys(&bundle_for(&member, &signed_by(&member, bundle)), &member, &[]).expect("a member's keys");
    let json: Value = serde_json::from_slice(bundle).expect("JSON");
    let meta: x25519::Identity =
        json["meta_identity"].as_str().and_then(|text| text.parse().ok()).expect("an identity");
    let signers = [member.signer().id()];
    World { member, keys, meta: meta.to_public(), signers }
});

/// The body of a key file with a member's signature at its end, whatever the body is.
fn signed_by(member: &Member, body: &[u8]) -> Vec<u8> {
    use ed25519_dalek::Signer as _;
    let identity = include_str!("../../vectors/v1/member.key").lines().last().unwrap_or_default();
    let seed = blake3::derive_key("terp-fixtures v1 manifest signing", identity.as_bytes());
    let key = ed25519_dalek::SigningKey::from_bytes(&seed);
    assert_eq!(member.signer().id().hex(), data_encoding::HEXLOWER.encode(key.verifying_key().as_bytes()));
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let repo = json["repo"].as_str().unwrap_or_default();
    let signature = key.sign(&[b"terp-fixtures/keys/v1\0", repo.as_bytes(), body].concat()).to_bytes();
    let rest = body.strip_suffix(b"}").unwrap_or(body);
    let end = format!(",\"signature\":\"{}\"}}", data_encoding::HEXLOWER.encode(&signature));
    [rest, end.as_bytes()].concat()
}

/// A key file of epoch 1 that holds these bytes.
fn bundle_for(member: &Member, plain: &[u8]) -> Sealed {
    let recipient: x25519::Recipient = member.recipient().to_string().parse().expect("a recipient");
    Sealed::vouch(seal::key_object(1, &member.recipient()), encrypted(&recipient, plain))
}

fn encrypted(recipient: &x25519::Recipient, plain: &[u8]) -> Vec<u8> {
    age::encrypt(recipient, plain).expect("encryption needs nothing but memory")
}

fn name(path: &str) -> ObjectName {
    ObjectName::parse(path).expect("a name")
}

/// The plaintext of a key file: as it is, and signed by its member.
pub(super) fn keys(data: &[u8]) -> bool {
    let World { member, .. } = &*WORLD;
    drop(seal::parse_bundle(data));
    let sealed = bundle_for(member, &signed_by(member, data));
    let keys = match seal::open_keys(&sealed, member, &[]) {
        Ok(keys) => keys,
        Err(error) => {
            // Who signed it may be told.
            let body = [data.strip_suffix(b"}").unwrap_or(data), b"}"].concat();
            let json: Value = serde_json::from_slice(&body).unwrap_or_default();
            let known = format!("{}{}", sealed.name(), json["signer"].as_str().unwrap_or_default());
            return refused(&error, &[Kind::Store], data, &known);
        }
    };
    let wrapped =
        seal::seal_keys(&keys, &member.recipient(), keys.role(), &member.signer()).expect("keys that were opened");
    assert_eq!(wrapped.name(), sealed.name());
    let again = seal::open_keys(&wrapped, member, &[]).expect("what was written is read");
    assert_eq!(again.fingerprint(), keys.fingerprint());
    assert_eq!(again.can_read_rows(), keys.can_read_rows());
    assert!(!format!("{keys:?}").contains("AGE-SECRET-KEY"));
    true
}

/// A manifest's JSON; signed and sealed where it is one.
pub(super) fn manifest(data: &[u8]) -> bool {
    let manifest = match codec_manifest::decode(data) {
        Ok(manifest) => manifest,
        // Names of tables and features may be told: they are printable, which `refused` holds them to.
        Err(error) => return refused(&error, &[Kind::Store], data, &String::from_utf8_lossy(data)),
    };
    let written = codec_manifest::encode(&manifest).expect("what was read is written");
    assert!(codec_manifest::decode(&written).is_ok_and(|again| again == manifest), "a manifest changed");
    let World { keys, signers, member, .. } = &*WORLD;
    let stamp = SnapshotStamp { created_compact: manifest.created.replace(['-', ':'], "") };
    let (sealed, id) = seal::seal_manifest(data, &stamp, keys, &member.signer()).expect("a manifest");
    let opened = seal::open_manifest(&sealed, keys, signers).expect("what was sealed is opened");
    assert_eq!((opened.id, opened.body.as_slice()), (id, data));
    true
}

/// An audit entry's line or a head's statement; signed and sealed where it is one.
pub(super) fn audit(data: &[u8]) -> bool {
    let World { keys, signers, member, .. } = &*WORLD;
    let head = match codec_audit::decode_head(data) {
        Ok(statement) => {
            let written = codec_audit::encode_head(&statement).expect("what was read is written");
            assert_eq!(codec_audit::decode_head(&written).ok(), Some(statement));
            let file = seal::seal_head(&written, keys, &member.signer());
            assert_eq!(seal::open_head(&file, keys, signers).expect("what was signed").1, written);
            true
        }
        Err(error) => refused(&error, &[Kind::Store], data, ""),
    };
    let entry = match codec_audit::decode(data) {
        Ok(entry) => entry,
        Err(error) => return refused(&error, &[Kind::Store], data, "") || head,
    };
    let written = codec_audit::encode(&entry).expect("what was read is written");
    assert_eq!(codec_audit::decode(&written).expect("what was written is read"), entry);
    if let Ok(sealed) = seal::seal_entry(data, entry.seq, keys, &member.signer()) {
        assert_eq!(seal::open_entry(&sealed, keys, signers).expect("what was sealed is opened").1, data);
    }
    true
}

/// The file of a signed text, below its encryption: frames and padding. An odd first byte has the rest compressed first, so that
/// the signature's line is reached.
pub(super) fn signed(data: &[u8]) -> bool {
    const MOST: usize = 4 << 20;
    let World { keys, meta, signers, .. } = &*WORLD;
    let Some((how, rest)) = data.split_first() else { return false };
    let frames = if how & 1 == 1 { zstd::bulk::compress(rest, 1).expect("memory") } else { rest.to_vec() };
    let frame = zstd::zstd_safe::find_frame_compressed_size(&frames).ok().and_then(|length| frames.get(..length));
    let plain = frame.and_then(|frame| zstd::bulk::decompress(frame, MOST).ok()).unwrap_or_default();
    let name = name(&format!("snapshots/{STAMP}-{}.age", id_of(&plain)));
    let sealed = Sealed::vouch(name, encrypted(meta, &frames));
    match seal::open_manifest(&sealed, keys, signers) {
        Ok(opened) => {
            assert!(plain.ends_with(&opened.body));
            true
        }
        // Who signed it may be told.
        Err(error) => {
            refused(&error, &[Kind::Store], rest, &format!("{}{}", sealed.name(), String::from_utf8_lossy(&plain)))
        }
    }
}

/// A whole object of a store, behind a byte that chooses its kind.
pub(super) fn object(data: &[u8]) -> bool {
    let World { member, keys, signers, .. } = &*WORLD;
    let Some((kind, bytes)) = data.split_first() else { return false };
    let opened = |path: &str| Sealed::vouch(name(path), bytes);
    let (path, result) = match kind % 4 {
        0 => {
            let sealed = Sealed::vouch(seal::key_object(1, &member.recipient()), bytes);
            (sealed.name().path().to_owned(), seal::open_keys(&sealed, member, &[]).map(drop))
        }
        1 => {
            let path = format!("snapshots/{STAMP}-{}.age", "0".repeat(32));
            let result = seal::open_manifest(&opened(&path), keys, signers).map(drop);
            (path, result)
        }
        2 => {
            let digest = blake3::hash(bytes).to_hex();
            let path = format!("packs/{}/{digest}.age", &digest[..2]);
            let result = seal::scrub(&opened(&path)).and_then(|()| seal::open_pack(&opened(&path), keys).map(drop));
            (path, result)
        }
        _ => {
            let path = format!("audit/0000000001-{}.age", "0".repeat(64));
            let result = seal::open_entry(&opened(&path), keys, signers).map(drop);
            (path, result)
        }
    };
    result.is_ok() || result.is_err_and(|error| refused(&error, &[Kind::Store], bytes, &path))
}
