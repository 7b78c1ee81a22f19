//! Cards and charters, both signed by the authority of their epoch, which only who may read rows can sign with. A card says who a
//! member is, so that an epoch can follow for the same members; a charter makes an epoch count, once all its keys are there.

use super::bundle::member_id;
use super::epoch::{EpochKeys, Role, check_format};
use super::member::Recipient;
use super::signer::SignerId;
use super::{MAX_KEY, signed};
use crate::error::{Error, Result};
use crate::model::manifest::FORMAT;
use crate::model::proof::{ObjectKind, ObjectName, Sealed};
use serde::{Deserialize, Serialize};

const CARD: &[u8] = b"terp-fixtures/card/v1\0";
const CHARTER: &[u8] = b"terp-fixtures/charter/v1\0";

/// The longest name of a member, in characters.
const LONGEST: usize = 100;

/// Who a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// What people call it.
    pub name: String,
    /// Where its keys are encrypted to.
    pub recipient: Recipient,
    /// What it may do.
    pub role: Role,
    /// What its manifests are signed with, where it told.
    pub signer: Option<SignerId>,
    /// Since when it is a member, UTC.
    pub since: String,
    /// Who added it.
    pub by: SignerId,
}

/// The card's JSON; the order of the fields is their order there.
#[derive(Serialize, Deserialize)]
struct Body {
    format: u32,
    epoch: u32,
    name: String,
    recipient: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
    since: String,
    by: String,
}

/// What makes an epoch count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charter {
    /// Format version, 1.
    pub format: u32,
    /// The epoch.
    pub epoch: u32,
    /// The fingerprint of its keys.
    pub fingerprint: String,
    /// Since when, UTC.
    pub since: String,
    /// The member who made the epoch, by its signer.
    pub by: String,
}

/// Where a member's card lies.
#[must_use]
pub fn card_object(epoch: u32, recipient: &Recipient) -> ObjectName {
    named(epoch, &member_id(recipient))
}

/// Where an epoch's charter lies, under an id that is no member's.
#[must_use]
pub fn charter_object(epoch: u32) -> ObjectName {
    named(epoch, &"0".repeat(32))
}

fn named(epoch: u32, id: &str) -> ObjectName {
    ObjectName::parse(&format!("members/{epoch}/{id}.age")).unwrap_or_else(ObjectName::hint)
}

/// The epoch in the name of a key file, card or charter.
#[must_use]
pub fn epoch_of(name: &ObjectName) -> Option<u32> {
    let has_one = matches!(name.kind(), ObjectKind::Key | ObjectKind::Card);
    name.path().split('/').nth(1).filter(|_| has_one)?.parse().ok()
}

/// Whether the name is that of a charter.
#[must_use]
pub fn is_charter(name: &ObjectName) -> bool {
    name.kind() == ObjectKind::Card && name.stem().bytes().all(|byte| byte == b'0')
}

/// Checks what people call a member.
///
/// # Errors
/// Kind `Usage` when it is empty, too long, or has control characters.
pub fn check_name(name: &str) -> Result<()> {
    let fits = !name.trim().is_empty() && name.chars().count() <= LONGEST && !name.chars().any(char::is_control);
    if fits && name.trim() == name {
        return Ok(());
    }
    Err(Error::usage(format!(
        "a member's name has 1 to {LONGEST} characters, no control characters, and no spaces around it"
    )))
}

/// Signs a card with the epoch's authority.
///
/// # Errors
/// Kind `Store` when these keys cannot read rows.
pub fn seal_card(card: &Card, keys: &EpochKeys) -> Result<Sealed> {
    seal(card_object(keys.epoch(), &card.recipient), CARD, &body(card, keys.epoch()), keys)
}

fn body(card: &Card, epoch: u32) -> Body {
    Body {
        format: FORMAT,
        epoch,
        name: card.name.clone(),
        recipient: card.recipient.to_string(),
        role: card.role,
        signer: card.signer.map(|signer| signer.to_string()),
        since: card.since.clone(),
        by: card.by.to_string(),
    }
}

/// Opens a card that the epoch's authority signed.
///
/// # Errors
/// Kind `Store` when it is damaged, signed by anybody else, or lies under another name.
pub fn open_card(sealed: &Sealed, keys: &EpochKeys) -> Result<Card> {
    let name = sealed.name();
    let invalid = |what: &str| Error::store(format!("{name} is not a valid card: {what}"));
    let body: Body = open(sealed, CARD, keys)?;
    check_format(&name.to_string(), body.format)?;
    let recipient: Recipient = body.recipient.parse().map_err(|_| invalid("its recipient is none"))?;
    if body.epoch != keys.epoch() || *name != card_object(keys.epoch(), &recipient) {
        return Err(invalid("it belongs to another member or epoch"));
    }
    check_name(&body.name).map_err(|_| invalid("its name has another form"))?;
    let signer = body.signer.map(|signer| signer.parse()).transpose().map_err(|_| invalid("its signer is none"))?;
    let by = body.by.parse().map_err(|_| invalid("who added it has no signer's form"))?;
    Ok(Card { name: body.name, recipient, role: body.role, signer, since: body.since, by })
}

/// Signs a charter for the epoch of these keys.
///
/// # Errors
/// Kind `Store` when these keys cannot read rows.
pub fn seal_charter(keys: &EpochKeys, since: &str, by: &SignerId) -> Result<Sealed> {
    let charter = Charter {
        format: FORMAT,
        epoch: keys.epoch(),
        fingerprint: keys.fingerprint(),
        since: since.to_owned(),
        by: by.to_string(),
    };
    seal(charter_object(keys.epoch()), CHARTER, &charter, keys)
}

/// Opens the charter of the epoch of these keys.
///
/// # Errors
/// Kind `Store` when it is damaged, signed by anybody but the epoch's authority, or of other keys.
pub fn open_charter(sealed: &Sealed, keys: &EpochKeys) -> Result<Charter> {
    let name = sealed.name();
    let charter: Charter = open(sealed, CHARTER, keys)?;
    check_format(&name.to_string(), charter.format)?;
    let fits = *name == charter_object(keys.epoch())
        && charter.epoch == keys.epoch()
        && charter.fingerprint == keys.fingerprint();
    if fits { Ok(charter) } else { Err(Error::store(format!("{name} is the charter of other keys"))) }
}

#[cfg(test)]
pub(crate) mod testing;

fn seal(name: ObjectName, context: &[u8], body: &impl Serialize, keys: &EpochKeys) -> Result<Sealed> {
    let json = serde_json::to_vec(body).map_err(|error| Error::internal("cannot write a card").caused_by(error))?;
    let plain = signed::sign(context, keys.repo(), &json, &keys.authority()?);
    Ok(Sealed::vouch(name, signed::close(&plain, keys)?))
}

fn open<T: for<'a> Deserialize<'a>>(sealed: &Sealed, context: &[u8], keys: &EpochKeys) -> Result<T> {
    let name = sealed.name();
    let plain = signed::open(name, sealed.bytes(), keys, MAX_KEY)?;
    let verified = signed::verified(name, context, keys.repo(), plain, &[keys.authority_id()]);
    let (_, body) = verified.map_err(|_| {
        Error::store(format!("{name} is not signed by the authority of epoch {}", keys.epoch()))
            .hint("Who may not read rows wrote it, or it was moved or changed. Delete the object, and add the member again if it is one.")
    })?;
    serde_json::from_slice(&body).map_err(|_| Error::store(format!("{name} is damaged: its JSON cannot be read")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Member;

    const REPO: &str = "00112233445566778899aabbccddeeff";

    fn card(name: &str) -> Card {
        let by = Member::generate().signer().id();
        let recipient = Member::generate().recipient();
        Card {
            name: name.into(),
            recipient,
            role: Role::Capture,
            signer: Some(by),
            since: "2025-12-03T10:15:00Z".into(),
            by,
        }
    }

    #[test]
    fn cards_and_charters_come_back_for_their_epoch_only() {
        let keys = EpochKeys::generate(REPO, 3).unwrap();
        for name in ["alice", "CI \"prod\" 🌿", "o'brien; rm -rf"] {
            let card = card(name);
            let sealed = seal_card(&card, &keys).unwrap();
            assert_eq!(open_card(&sealed, &keys).unwrap(), card);
            assert!(open_charter(&sealed, &keys).is_err());
            let moved = Sealed::vouch(card_object(3, &self::card("x").recipient), sealed.bytes());
            assert!(open_card(&moved, &keys).unwrap_err().what().contains("another member"));
        }
        let by = card("x").by;
        let sealed = seal_charter(&keys, "2025-12-03T10:15:00Z", &by).unwrap();
        assert_eq!(open_charter(&sealed, &keys).unwrap().fingerprint, keys.fingerprint());
        assert!(is_charter(sealed.name()) && epoch_of(sealed.name()) == Some(3));
        assert!(open_charter(&sealed, &keys.next(4).unwrap()).is_err());
    }

    #[test]
    fn every_flipped_bit_and_truncation_is_found() {
        let keys = EpochKeys::generate(REPO, 1).unwrap();
        let sealed = seal_card(&card("alice"), &keys).unwrap();
        for bit in 0..sealed.bytes().len() * 8 {
            let mut bytes = sealed.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(open_card(&Sealed::vouch(sealed.name().clone(), bytes), &keys).is_err(), "bit {bit}");
        }
        for cut in 0..sealed.bytes().len() {
            assert!(open_card(&Sealed::vouch(sealed.name().clone(), &sealed.bytes()[..cut]), &keys).is_err());
        }
    }

    #[test]
    fn names_are_for_people() {
        for name in ["", " ", "a\nb", " a", "\u{1b}[2J", &"x".repeat(101)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        check_name(&"ü".repeat(100)).unwrap();
    }
}
