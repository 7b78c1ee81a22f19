//! What looks like personal data and is nobody's: addresses and numbers that are set aside for documents, tests and films,
//! or are never given out. Masks write such values; a check of a snapshot finds the others.

use super::Kind;
use super::net::parse_ip;
use crate::mask::find;
use crate::mask::params::Params;
use std::net::IpAddr;

/// Top-level domains of RFC 2606 and RFC 6761.
const TOPS: [&str; 4] = ["test", "example", "invalid", "localhost"];
/// First digits of numbers that payment companies publish for tests.
const TEST_CARDS: [&str; 20] = [
    "400000", "411111", "401288", "422222", "424242", "400556", "555555", "510510", "520082", "222300", "378282",
    "371449", "378734", "601111", "601100", "305693", "385200", "353011", "356600", "620000",
];

impl Kind {
    /// Whether this text, which is of that kind, is nobody's.
    #[must_use]
    pub fn is_reserved(self, text: &str) -> bool {
        let own = match self {
            Self::Email => email(text),
            Self::Phone => phone(text),
            Self::Card => card(text),
            Self::Ssn => ssn(text),
            Self::Ip => ip(text),
            Self::Url => url(text),
            Self::Mac => mac(text),
            Self::Iban | Self::Date | Self::Birth | Self::Uuid => false,
        };
        own || self.masks().any(|mask| mask.could_write.is_some_and(|could| could(&Params::default(), text)))
    }

    /// The masks that replace such values by default, the best first.
    pub(in crate::mask) fn masks(self) -> impl Iterator<Item = &'static crate::mask::Definition> {
        let names: &[&str] = match self {
            Self::Email => &["email"],
            Self::Phone => &["phone"],
            Self::Card => &["card"],
            Self::Ssn => &["ssn", "ssn_tail"],
            Self::Ip => &["ip"],
            Self::Iban => &["iban"],
            Self::Url => &["url"],
            Self::Date => &["date_shift"],
            Self::Birth => &["dob", "date_shift"],
            Self::Mac => &["mac"],
            Self::Uuid => &["uuid"],
        };
        names.iter().filter_map(|name| find(name))
    }
}

/// Whether a host is reserved (RFC 2606, RFC 6761).
#[must_use]
pub fn host(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let mut labels = host.rsplit('.');
    let (top, second) = (labels.next().unwrap_or_default(), labels.next());
    TOPS.contains(&top) || second == Some("example") && matches!(top, "com" | "org" | "net")
}

/// Whether an email reaches nobody.
#[must_use]
pub fn email(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(_, domain)| host(domain))
}

/// Whether a link leads nowhere.
#[must_use]
pub fn url(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = authority.rsplit('@').next().unwrap_or_default();
    host(name.split(':').next().unwrap_or_default())
}

/// Whether a phone number cannot be dialled, or is set aside for fiction.
#[must_use]
pub fn phone(text: &str) -> bool {
    let main = text.split(['x', 'X', '#', 'e', 'E']).next().unwrap_or_default();
    let digits: String = main.chars().filter(char::is_ascii_digit).collect();
    let plus = text.trim_start_matches('(').starts_with('+');
    let american = match digits.len() {
        7 => Some(0),
        10 => Some(3),
        11 if digits.starts_with('1') => Some(4),
        _ => None,
    };
    let fictional = american.is_some_and(|at| digits[at..].starts_with("55501"));
    // What the regulator of the United Kingdom sets aside for films.
    let british = digits.strip_prefix("44").filter(|_| plus).or_else(|| digits.strip_prefix('0'));
    let film =
        british.is_some_and(|rest| ["2079460", "1632960", "7700900"].iter().any(|range| rest.starts_with(range)));
    // No country code begins with 0, and behind one no number begins with 00.
    let international = if plus { Some(digits.as_str()) } else { digits.strip_prefix("00") };
    let nowhere = international.is_some_and(|digits| {
        let code = super::super::phone::country_code(digits.as_bytes());
        digits.starts_with('0')
            || digits.starts_with("83") && !plus
            || digits.get(code..).is_some_and(|rest| rest.starts_with("00"))
    });
    fictional || film || nowhere || digits.len() < 7 && digits.starts_with("08")
}

/// Whether a card number is one that payment companies publish for tests.
#[must_use]
pub fn card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    TEST_CARDS.iter().any(|test| digits.starts_with(test))
}

/// Whether a social security number is never given out, or is one that advertisements made useless.
#[must_use]
pub fn ssn(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (Some(area), Some(group), Some(serial)) = (digits.get(..3), digits.get(3..5), digits.get(5..)) else {
        return true;
    };
    matches!(area, "000" | "666")
        || area.starts_with('9')
        || group == "00"
        || serial == "0000"
        || digits == "078051120"
        || digits == "219099999"
}

/// Whether an address is set aside for documents (RFC 5737, RFC 3849, RFC 9637), or never leaves the machine.
#[must_use]
pub fn ip(text: &str) -> bool {
    match parse_ip(text) {
        Some(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            matches!([a, b, c], [192, 0, 2] | [198, 51, 100] | [203, 0, 113])
                || address.is_loopback()
                || address.is_unspecified()
        }
        Some(IpAddr::V6(address)) => {
            let [a, b, ..] = address.segments();
            a == 0x2001 && b == 0x0DB8 || a == 0x3FFF && b < 0x1000 || address.is_loopback() || address.is_unspecified()
        }
        None => false,
    }
}

/// Whether the address of a network card is set aside for documents (RFC 7042).
#[must_use]
pub fn mac(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase();
    digits.starts_with("00005e0053") || digits.starts_with("01005e9010")
}
