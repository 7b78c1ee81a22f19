//! Everything that is said of somebody, of a company and of where they are. All of it is safe: nobody can be mailed, called or
//! found by it, for the same reasons as in masks.

use super::Subject;
use crate::generate::draw::Draw;
use crate::mask::dictionary;
use std::fmt::Write as _;

/// A country, and what goes with it.
#[derive(Debug)]
pub struct Country {
    /// Its name.
    pub name: &'static str,
    /// Two letters of ISO 3166.
    pub code: &'static str,
    /// Three letters.
    pub code3: &'static str,
    /// Its currency, by ISO 4217.
    pub currency: &'static str,
    /// The language of most, by ISO 639.
    pub language: &'static str,
    /// What people from there are called.
    pub nationality: &'static str,
    /// A zone of the time zone database.
    pub zone: &'static str,
    /// What telephone numbers begin with.
    pub dial: &'static str,
    /// The shape of a postal code: `9` a digit, `A` a letter.
    pub postal: &'static str,
    regions: &'static [(&'static str, &'static str)],
}

#[rustfmt::skip]
static COUNTRIES: &[Country] = &[
    Country { name: "United States", code: "US", code3: "USA", currency: "USD", language: "en", nationality: "American", zone: "America/New_York", dial: "+1", postal: "99999", regions: &[] },
    Country { name: "Canada", code: "CA", code3: "CAN", currency: "CAD", language: "en", nationality: "Canadian", zone: "America/Toronto", dial: "+1", postal: "A9A 9A9", regions: &[("Ontario", "ON"), ("Manitoba", "MB"), ("Alberta", "AB"), ("Nova Scotia", "NS")] },
    Country { name: "United Kingdom", code: "GB", code3: "GBR", currency: "GBP", language: "en", nationality: "British", zone: "Europe/London", dial: "+44", postal: "AA9 9AA", regions: &[("Kent", "KEN"), ("Norfolk", "NFK"), ("Devon", "DEV"), ("Surrey", "SRY")] },
    Country { name: "Germany", code: "DE", code3: "DEU", currency: "EUR", language: "de", nationality: "German", zone: "Europe/Berlin", dial: "+49", postal: "99999", regions: &[("Bavaria", "BY"), ("Hesse", "HE"), ("Saxony", "SN"), ("Berlin", "BE")] },
    Country { name: "France", code: "FR", code3: "FRA", currency: "EUR", language: "fr", nationality: "French", zone: "Europe/Paris", dial: "+33", postal: "99999", regions: &[("Brittany", "BRE"), ("Normandy", "NOR"), ("Occitania", "OCC"), ("Corsica", "COR")] },
    Country { name: "Netherlands", code: "NL", code3: "NLD", currency: "EUR", language: "nl", nationality: "Dutch", zone: "Europe/Amsterdam", dial: "+31", postal: "9999 AA", regions: &[("Utrecht", "UT"), ("Zeeland", "ZE"), ("Limburg", "LI"), ("Drenthe", "DR")] },
];

/// What of a subject a number is drawn for.
#[derive(Clone, Copy)]
enum Aspect {
    First = 1,
    Middle,
    Last,
    Domain,
    Phone,
    Company,
    Street,
    City,
    Country,
    Postal,
    Job,
}

/// Reserved by RFC 2606: mail to them reaches nobody.
const DOMAINS: [&str; 3] = ["example.com", "example.org", "example.net"];

impl Subject {
    fn of(self, aspect: Aspect) -> Draw {
        Draw::of(self.0 ^ (aspect as u64).wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    /// A first name.
    #[must_use]
    pub fn first_name(self) -> &'static str {
        self.of(Aspect::First).word(dictionary::FIRST_NAMES)
    }

    /// A second first name.
    #[must_use]
    pub fn middle_name(self) -> &'static str {
        self.of(Aspect::Middle).word(dictionary::FIRST_NAMES)
    }

    /// A last name.
    #[must_use]
    pub fn last_name(self) -> &'static str {
        self.of(Aspect::Last).word(dictionary::LAST_NAMES)
    }

    /// First and last name.
    #[must_use]
    pub fn full_name(self) -> String {
        format!("{} {}", self.first_name(), self.last_name())
    }

    /// An address that reaches nobody.
    #[must_use]
    pub fn email(self) -> String {
        let mut out = String::with_capacity(32);
        self.push_email(64, &mut out);
        out
    }

    /// The same in at most so many characters, of which the domain takes twelve.
    pub(super) fn push_email(self, room: usize, out: &mut String) {
        self.push_login('.', room.saturating_sub(12), out);
        out.push('@');
        out.push_str(self.of(Aspect::Domain).word(&DOMAINS));
    }

    /// Plain letters of the names with something between.
    pub(super) fn push_login(self, between: char, room: usize, out: &mut String) {
        let start = out.len();
        let letters = |name: &str, out: &mut String| {
            out.extend(name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()));
        };
        letters(self.first_name(), out);
        if between != '\0' {
            out.push(between);
        }
        letters(self.last_name(), out);
        out.truncate(start + room);
        while out[start..].ends_with(between) {
            out.pop();
        }
    }

    /// A name to log in with.
    #[must_use]
    pub fn username(self) -> String {
        let mut out = String::with_capacity(24);
        self.push_login('.', 60, &mut out);
        out
    }

    /// A telephone number that nobody has: 555-01xx of North America, which is reserved for fiction; elsewhere a number that
    /// goes on with 00, as no national number does.
    #[must_use]
    pub fn phone(self) -> String {
        let mut draw = self.of(Aspect::Phone);
        let country = self.country();
        let mut out = String::with_capacity(18);
        if country.dial == "+1" {
            push_fictional(draw.below(FICTIONAL), &mut out);
        } else {
            let written = write!(out, "{} 00 {:04} {:04}", country.dial, draw.below(10_000), draw.below(10_000));
            debug_assert!(written.is_ok());
        }
        out
    }

    /// The name of a company that does not exist.
    #[must_use]
    pub fn company(self) -> String {
        let mut draw = self.of(Aspect::Company);
        format!("{} {}", draw.word(dictionary::COMPANY_HEADS), draw.word(dictionary::COMPANY_TRADES))
    }

    /// House number and street.
    #[must_use]
    pub fn street(self) -> String {
        let mut draw = self.of(Aspect::Street);
        let number = 1 + draw.below(draw.clone().below(1800) + 20);
        format!("{number} {} {}", draw.word(dictionary::STREETS), draw.word(dictionary::STREET_SUFFIXES))
    }

    /// A town that does not exist.
    #[must_use]
    pub fn city(self) -> &'static str {
        self.of(Aspect::City).word(dictionary::CITIES)
    }

    /// The region and its code.
    fn region_and_code(self) -> (&'static str, &'static str) {
        let (mut draw, regions) = (self.of(Aspect::City), self.country().regions);
        if !regions.is_empty() {
            return *draw.pick(regions);
        }
        let (names, codes) = (dictionary::REGIONS, dictionary::REGION_CODES);
        // A town lies in one region only, so both come from one draw.
        let at = draw.index(dictionary::CITIES.len()) % names.len().min(STATES.len());
        let (name, code) = STATES[at];
        debug_assert!(names.contains(&name) && codes.contains(&code));
        (name, code)
    }

    /// The region.
    #[must_use]
    pub fn region(self) -> &'static str {
        self.region_and_code().0
    }

    /// The region's code.
    #[must_use]
    pub fn region_code(self) -> &'static str {
        self.region_and_code().1
    }

    /// The postal code, in its country's shape.
    #[must_use]
    pub fn postal_code(self) -> String {
        let mut draw = self.of(Aspect::Postal);
        let letter = |c| match c {
            '9' => char::from(b'0' + draw.below(10).to_le_bytes()[0]),
            'A' => char::from(b'A' + draw.below(26).to_le_bytes()[0]),
            c => c,
        };
        self.country().postal.chars().map(letter).collect()
    }

    /// The country, with its currency, language and time zone. Most are of one.
    #[must_use]
    pub fn country(self) -> &'static Country {
        let mut draw = self.of(Aspect::Country);
        if draw.chance(0.7) { &COUNTRIES[0] } else { draw.pick(COUNTRIES) }
    }

    /// The whole address in a line.
    #[must_use]
    pub fn address(self) -> String {
        format!("{}, {}, {} {}", self.street(), self.city(), self.region_code(), self.postal_code())
    }

    /// An occupation.
    #[must_use]
    pub fn job(self) -> &'static str {
        self.of(Aspect::Job).word(super::vocabulary::JOBS)
    }
}

/// Some states with their codes; the dictionary's two lists have no common order.
#[rustfmt::skip]
static STATES: &[(&str, &str)] = &[
    ("Arizona", "AZ"), ("California", "CA"), ("Colorado", "CO"), ("Florida", "FL"), ("Georgia", "GA"), ("Illinois", "IL"),
    ("Maine", "ME"), ("Maryland", "MD"), ("Michigan", "MI"), ("Minnesota", "MN"), ("Montana", "MT"), ("Nevada", "NV"),
    ("New Jersey", "NJ"), ("New Mexico", "NM"), ("New York", "NY"), ("Ohio", "OH"), ("Oklahoma", "OK"), ("Oregon", "OR"),
    ("Texas", "TX"), ("Vermont", "VT"), ("Washington", "WA"), ("Wisconsin", "WI"),
];

/// How many numbers of North America are reserved for fiction: 712 area codes of 100 lines.
pub(super) const FICTIONAL: u64 = 71_200;

/// Another of those for every number below that.
pub(super) fn push_fictional(n: u64, out: &mut String) {
    let (line, mut area) = (n % 100, n / 100);
    // Area codes have no 9 in the middle; those of services end in 11.
    let first = 2 + area / 89;
    area %= 89;
    let rest = if area >= 11 { area + 1 } else { area };
    let written = write!(out, "({first}{rest:02}) 555-01{line:02}");
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn fictional_numbers_are_all_different_and_none_is_of_a_service() {
        let mut seen = BTreeSet::new();
        for n in 0..FICTIONAL {
            let mut text = String::new();
            push_fictional(n, &mut text);
            let bytes = text.as_bytes();
            assert!((b'2'..=b'9').contains(&bytes[1]) && bytes[2] != b'9' && &bytes[2..4] != b"11", "{text}");
            assert!(text[5..].starts_with(" 555-01") && text.len() == 14 && seen.insert(text));
        }
    }

    #[test]
    fn what_is_said_of_one_agrees() {
        for subject in (0..500).map(Subject) {
            let (first, last) = (subject.first_name(), subject.last_name());
            assert_eq!(subject.full_name(), format!("{first} {last}"));
            let plain = |name: &str| name.to_lowercase().replace('\'', "");
            let email = subject.email();
            assert!(email.starts_with(&format!("{}.{}@", plain(first), plain(last))), "{email}");
            assert!(subject.address().contains(&subject.postal_code()) && subject.address().contains(subject.city()));
        }
        let cities: BTreeSet<_> = (0..500).map(|n| (Subject(n).city(), Subject(n).country().code)).collect();
        assert!(cities.len() > 100);
    }

    #[test]
    fn states_are_in_the_dictionary() {
        for (name, code) in STATES {
            assert!(dictionary::REGIONS.contains(name) && dictionary::REGION_CODES.contains(code), "{name}");
        }
    }
}
