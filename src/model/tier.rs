//! How closely the data of a column is bound to a person: what detection proposes and what a review shows.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The tier of a column's data. The letters are those of the label files that `detect --score` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tier {
    /// Direct identifier: tells by itself who somebody is (name, email, phone, government number).
    #[serde(rename = "D")]
    Direct,
    /// Credential: gives access to something (password, token, key).
    #[serde(rename = "C")]
    Credential,
    /// Sensitive: health, belief, pay and the like of somebody.
    #[serde(rename = "S")]
    Sensitive,
    /// Quasi-identifier: tells who somebody is together with others (date of birth, postal code, sex).
    #[serde(rename = "Q")]
    Quasi,
    /// Free text or an opaque payload: may hold any of the others.
    #[serde(rename = "F")]
    Free,
    /// Business contact: of an organisation, or of somebody in a public role.
    #[serde(rename = "B")]
    Business,
    /// Nothing about a person.
    #[serde(rename = "N")]
    None,
}

impl Tier {
    /// Every tier, those that need a mask most first.
    pub const ALL: [Self; 7] =
        [Self::Direct, Self::Credential, Self::Sensitive, Self::Quasi, Self::Free, Self::Business, Self::None];

    /// Its letter.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Direct => 'D',
            Self::Credential => 'C',
            Self::Sensitive => 'S',
            Self::Quasi => 'Q',
            Self::Free => 'F',
            Self::Business => 'B',
            Self::None => 'N',
        }
    }

    /// The tier with this letter.
    #[must_use]
    pub fn of_letter(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.letter().to_string() == letter)
    }

    /// Its name for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Direct => "direct identifier",
            Self::Credential => "credential",
            Self::Sensitive => "sensitive",
            Self::Quasi => "quasi-identifier",
            Self::Free => "free text",
            Self::Business => "business contact",
            Self::None => "not personal",
        }
    }

    /// Whether every environment but production wants such columns masked: all of D, C, S, Q and F.
    #[must_use]
    pub fn wants_mask(self) -> bool {
        !matches!(self, Self::Business | Self::None)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_there_and_back() {
        for tier in Tier::ALL {
            assert_eq!(Tier::of_letter(&tier.letter().to_string()), Some(tier));
            assert_eq!(serde_json::to_string(&tier).unwrap(), format!("\"{tier}\""));
        }
        assert_eq!(Tier::of_letter("X"), None);
    }
}
