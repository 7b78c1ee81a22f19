//! Cards that somebody without the authority makes.

use super::{CARD, Card, EpochKeys, Sealed, body, card_object, signed};

/// A card for the epoch of `keys`, signed with the authority of others.
pub(crate) fn seal_card_as(card: &Card, keys: &EpochKeys, others: &EpochKeys) -> Sealed {
    let json = serde_json::to_vec(&body(card, keys.epoch())).unwrap();
    let plain = signed::sign(CARD, keys.repo(), &json, &others.authority().unwrap());
    Sealed::vouch(card_object(keys.epoch(), &card.recipient), signed::close(&plain, keys).unwrap())
}
