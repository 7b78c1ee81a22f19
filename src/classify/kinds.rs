//! The closed list of kinds of content, with the tier each has by itself and the types of columns that can hold it.

use crate::model::schema::{Column, Family};
use crate::model::tier::Tier;

/// A kind of content.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// Its tier in a table about people.
    pub tier: Tier,
    /// What it is, for people, behind "looks like".
    pub words: &'static str,
    /// Which columns can hold it.
    pub holds: Holds,
}

/// The types of columns that can hold a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Text, or bytes that are used like text.
    Text,
    /// Text or whole numbers of some size.
    Digits,
    /// Text, bytes, JSON: secrets and pictures come in all of them.
    Opaque,
    /// Dates, and years or ages as numbers.
    Dates,
    /// Text, labels and small numbers.
    Labels,
    /// Amounts: numbers, or text.
    Amounts,
    /// Anything, even flags and dates.
    Anything,
}

const fn kind(name: &'static str, tier: Tier, holds: Holds, words: &'static str) -> Kind {
    Kind { name, tier, words, holds }
}

/// Every kind, by name.
pub static KINDS: &[Kind] = &[
    kind("age", Tier::Quasi, Holds::Labels, "an age"),
    kind("bank_account", Tier::Direct, Holds::Digits, "a bank account"),
    kind("biometric", Tier::Direct, Holds::Opaque, "biometric data"),
    kind("birth_date", Tier::Quasi, Holds::Dates, "a date of birth"),
    kind("birth_place", Tier::Quasi, Holds::Text, "a place of birth"),
    kind("card_expiry", Tier::Quasi, Holds::Dates, "a card's expiry"),
    kind("card_number", Tier::Direct, Holds::Digits, "a payment card"),
    kind("card_type", Tier::Quasi, Holds::Labels, "a card's brand"),
    kind("city", Tier::Quasi, Holds::Text, "a city"),
    kind("contact_text", Tier::Direct, Holds::Opaque, "contact details"),
    kind("country", Tier::Quasi, Holds::Labels, "a country"),
    kind("criminal", Tier::Sensitive, Holds::Anything, "a criminal record"),
    kind("crypto_wallet", Tier::Direct, Holds::Text, "a wallet address"),
    kind("customer_code", Tier::Quasi, Holds::Digits, "a number of a person in the books"),
    kind("death_date", Tier::Quasi, Holds::Dates, "a date of death"),
    kind("device", Tier::Quasi, Holds::Opaque, "a device or browser"),
    kind("document", Tier::Free, Holds::Opaque, "a document"),
    kind("email", Tier::Direct, Holds::Text, "an email address"),
    kind("ethnicity", Tier::Sensitive, Holds::Anything, "ethnic origin"),
    kind("external_id", Tier::Quasi, Holds::Text, "an id at another service"),
    kind("family", Tier::Quasi, Holds::Labels, "a family situation"),
    kind("filename", Tier::Free, Holds::Text, "a file's name"),
    kind("financial", Tier::Sensitive, Holds::Amounts, "a financial situation"),
    kind("first_name", Tier::Direct, Holds::Text, "a first name"),
    kind("free_text", Tier::Free, Holds::Opaque, "free text"),
    kind("gender", Tier::Quasi, Holds::Labels, "a sex or gender"),
    kind("geo", Tier::Quasi, Holds::Anything, "a place on the map"),
    kind("gov_id", Tier::Direct, Holds::Digits, "a government or tax number"),
    kind("handle", Tier::Direct, Holds::Text, "a user name or handle"),
    kind("health", Tier::Sensitive, Holds::Anything, "health"),
    kind("hire_date", Tier::Quasi, Holds::Dates, "a date of employment"),
    kind("hr_leave", Tier::Sensitive, Holds::Anything, "leave or conduct at work"),
    kind("insurance_no", Tier::Direct, Holds::Digits, "an insurance or patient number"),
    kind("ip", Tier::Quasi, Holds::Digits, "an IP address"),
    kind("job", Tier::Quasi, Holds::Labels, "an occupation"),
    kind("json_payload", Tier::Free, Holds::Opaque, "an opaque payload"),
    kind("last_name", Tier::Direct, Holds::Text, "a last name"),
    kind("licence_no", Tier::Direct, Holds::Digits, "a licence or plate number"),
    kind("mac", Tier::Quasi, Holds::Text, "a hardware address"),
    kind("marital", Tier::Quasi, Holds::Anything, "a marital status"),
    kind("middle_name", Tier::Direct, Holds::Text, "a middle name"),
    kind("nationality", Tier::Quasi, Holds::Labels, "a nationality"),
    kind("none", Tier::None, Holds::Anything, "nothing personal"),
    kind("org_name", Tier::Business, Holds::Text, "an organisation's name"),
    kind("orientation", Tier::Sensitive, Holds::Anything, "sexual orientation"),
    kind("password", Tier::Credential, Holds::Opaque, "a password"),
    kind("payment_ref", Tier::Quasi, Holds::Text, "a reference of a payment"),
    kind("person_name", Tier::Direct, Holds::Text, "a person's name"),
    kind("phone", Tier::Direct, Holds::Digits, "a phone number"),
    kind("photo", Tier::Direct, Holds::Opaque, "a picture of a person"),
    kind("politics", Tier::Sensitive, Holds::Anything, "political opinion or union membership"),
    kind("postal_code", Tier::Quasi, Holds::Digits, "a postal code"),
    kind("region", Tier::Quasi, Holds::Text, "a region"),
    kind("religion", Tier::Sensitive, Holds::Anything, "religion"),
    kind("salary", Tier::Sensitive, Holds::Amounts, "pay"),
    kind("secret", Tier::Credential, Holds::Opaque, "a secret or key"),
    kind("session_id", Tier::Quasi, Holds::Text, "a session's id"),
    kind("social", Tier::Sensitive, Holds::Anything, "a social situation"),
    kind("street_address", Tier::Direct, Holds::Opaque, "a postal address"),
    kind("title", Tier::Quasi, Holds::Labels, "a form of address"),
    kind("token", Tier::Credential, Holds::Opaque, "an access token"),
    kind("tracking_no", Tier::Quasi, Holds::Text, "a parcel's number"),
    kind("url", Tier::Quasi, Holds::Text, "a personal web address"),
];

/// The kind called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.binary_search_by(|kind| kind.name.cmp(name)).ok().map(|at| &KINDS[at])
}

/// Whether a column's values are texts, or bytes that are used like texts (`varbinary(255)`).
pub(super) fn is_texty(column: &Column) -> bool {
    let declared = column.declared.to_ascii_lowercase();
    matches!(column.family, Family::Text | Family::Any)
        || (column.family == Family::Blob
            && declared.contains("binary")
            && column.length.is_some_and(|length| length <= 1024))
}

/// Whether numbers of this column are too small to be more than labels and flags.
fn is_small(column: &Column) -> bool {
    let declared = column.declared.to_ascii_lowercase();
    declared.starts_with("tinyint") || declared.starts_with("smallint") || declared == "int2"
}

impl Kind {
    /// Whether a column of this type can hold it.
    pub(super) fn fits(&self, column: &Column) -> bool {
        let (text, family) = (is_texty(column), column.family);
        // One or two characters are a label at most.
        let room = column.length.is_none_or(|length| length >= 4);
        let secret = family == Family::Uuid && self.tier == Tier::Credential;
        if secret || family == Family::Json && self.tier == Tier::Direct {
            return true;
        }
        match self.holds {
            Holds::Text => text && room,
            Holds::Digits => {
                let number = matches!(family, Family::Integer | Family::Numeric) && !is_small(column);
                (text && room) || number || (self.name == "ip" && family == Family::Blob)
            }
            Holds::Opaque => (text && room) || matches!(family, Family::Blob | Family::Json),
            Holds::Dates => {
                text || matches!(family, Family::Date | Family::Timestamp | Family::Integer | Family::Numeric)
            }
            Holds::Labels => text || matches!(family, Family::Enum | Family::Integer | Family::Numeric),
            Holds::Amounts => text || matches!(family, Family::Integer | Family::Numeric | Family::Real),
            Holds::Anything => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_in_order() {
        assert!(KINDS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(find("email").is_some() && find("emails").is_none());
    }
}
