//! The eighteen classes of identifiers of HIPAA's Safe Harbor (45 CFR 164.514(b)(2)(i)), and which kinds of columns belong to
//! which.

/// A class of identifiers.
#[derive(Debug)]
pub(super) struct Class {
    /// Its letter in the rule.
    pub letter: &'static str,
    /// Its name.
    pub title: &'static str,
    /// The kinds of columns that hold it.
    pub kinds: &'static [&'static str],
    /// What a mask cannot decide; told where something holds the class, or no kind of column is of it.
    pub judge: &'static str,
}

const fn class(
    letter: &'static str,
    title: &'static str,
    kinds: &'static [&'static str],
    judge: &'static str,
) -> Class {
    Class { letter, title, kinds, judge }
}

/// Every class, in the order of the rule. The last takes what is direct or a credential and in no other.
pub(super) static CLASSES: [Class; 18] = [
    class(
        "A",
        "Names",
        &["person_name", "first_name", "last_name", "middle_name", "title"],
        "Initials count as parts of a name.",
    ),
    class(
        "B",
        "Geographic subdivisions smaller than a state",
        &["street_address", "city", "postal_code", "geo", "birth_place"],
        "The first three digits of a postal code may stay only where more than 20,000 people live in all areas that share them.",
    ),
    class(
        "C",
        "Dates directly related to an individual, and ages over 89",
        &["birth_date", "death_date", "age", "hire_date", "card_expiry"],
        "Only the year may stay. A shifted date is still a date: Safe Harbor does not name shifting, an expert may.",
    ),
    class("D", "Telephone numbers", &["phone"], ""),
    class("E", "Fax numbers", &[], "A fax number may stand in a column of telephone numbers, which class D counts."),
    class("F", "Email addresses", &["email"], ""),
    class(
        "G",
        "Social security numbers",
        &["gov_id"],
        "The last four digits are a part of the number, and parts do not count as removal.",
    ),
    class(
        "H",
        "Medical record numbers",
        &[],
        "A patient's number is told from an insurance number by no name; class I counts both.",
    ),
    class("I", "Health plan beneficiary numbers", &["insurance_no"], ""),
    class(
        "J",
        "Account numbers",
        &["bank_account", "card_number", "crypto_wallet", "payment_ref", "customer_code"],
        "",
    ),
    class("K", "Certificate and license numbers", &["licence_no"], ""),
    class(
        "L",
        "Vehicle identifiers and serial numbers",
        &[],
        "A plate is told from a licence number by no name; class K counts both. Nothing tells a chassis number.",
    ),
    class("M", "Device identifiers and serial numbers", &["device", "mac"], ""),
    class("N", "Web addresses (URLs)", &["url"], ""),
    class("O", "IP addresses", &["ip"], ""),
    class("P", "Biometric identifiers", &["biometric"], "Finger and voice prints; look into binary columns."),
    class(
        "Q",
        "Full-face photographs and comparable images",
        &["photo", "filename"],
        "What a picture shows is not looked at; binary columns and file names are.",
    ),
    class(
        "R",
        "Any other unique identifying number, characteristic or code",
        &["handle", "external_id", "session_id", "tracking_no", "token", "secret", "password", "contact_text"],
        "A code that lets the holder of the key re-identify must not be derived from what it replaces, or stay with its holder.",
    ),
];

/// Kinds that are none of the eighteen: of themselves they identify nobody, or anything may be in them.
pub(super) const ELSEWHERE: &[&str] = &[
    "none",
    "free_text",
    "json_payload",
    "document",
    "org_name",
    "country",
    "region",
    "job",
    "salary",
    "financial",
    "social",
    "health",
    "hr_leave",
    "gender",
    "orientation",
    "ethnicity",
    "religion",
    "politics",
    "marital",
    "nationality",
    "family",
    "criminal",
    "card_type",
];

/// What a mask, or the part of a person that it makes, says about a column whose name says nothing.
const BY_MASK: &[(&str, &str)] = &[
    ("full_name", "A"),
    ("first_name", "A"),
    ("last_name", "A"),
    ("initials", "A"),
    ("persona", "A"),
    ("address", "B"),
    ("geo", "B"),
    ("dob", "C"),
    ("phone", "D"),
    ("email", "F"),
    ("ssn", "G"),
    ("ssn_tail", "G"),
    ("gov_id", "G"),
    ("card", "J"),
    ("iban", "J"),
    ("bank_account", "J"),
    ("crypto_wallet", "J"),
    ("mac", "M"),
    ("url", "N"),
    ("ip", "O"),
    ("username", "R"),
    ("secret", "R"),
    ("token", "R"),
];

/// The class that the name of a mask, or of a member of a persona, stands for, by index.
pub(super) fn class_of_mask(mask: &str, member: Option<&str>) -> Option<usize> {
    let known = |word: &str| BY_MASK.iter().find(|(known, _)| *known == word).map(|(_, letter)| *letter);
    let letter = match (mask, member) {
        ("persona", Some(member)) => known(member),
        _ => known(mask),
    }?;
    CLASSES.iter().position(|class| class.letter == letter)
}

/// The class of a kind, by index. What is in no list counts as the last where it is `identifying`.
pub(super) fn class_of(kind: &str, identifying: bool) -> Option<usize> {
    let found = CLASSES.iter().position(|class| class.kinds.contains(&kind));
    found.or_else(|| (identifying && !ELSEWHERE.contains(&kind)).then_some(CLASSES.len() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_in_one_place() {
        let mut placed: Vec<&str> = CLASSES.iter().flat_map(|class| class.kinds).chain(ELSEWHERE).copied().collect();
        placed.sort_unstable();
        let kinds: Vec<&str> = crate::classify::KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(placed, kinds, "every kind that can be guessed is of one class or of none, and nothing else is");
        let letters: String = CLASSES.iter().map(|class| class.letter).collect();
        assert_eq!(letters, "ABCDEFGHIJKLMNOPQR");
        for class in CLASSES.iter().filter(|class| class.kinds.is_empty()) {
            assert!(!class.judge.is_empty(), "{}", class.title);
        }
    }

    #[test]
    fn unknown_kinds_are_not_lost() {
        assert_eq!(class_of("email", true), Some(5));
        assert_eq!(class_of("something_new", true), Some(17));
        assert_eq!(class_of("something_new", false), None);
        assert_eq!(class_of("none", true), None);
    }

    #[test]
    fn masks_say_what_names_do_not() {
        assert_eq!(class_of_mask("persona", Some("email")), Some(5));
        assert_eq!(class_of_mask("persona", None), Some(0));
        assert_eq!(class_of_mask("persona", Some("company")), None);
        for (mask, letter) in BY_MASK {
            assert!(CLASSES.iter().any(|class| class.letter == *letter), "{mask}");
            assert!(crate::mask::find(mask).is_some() || *mask == "initials", "{mask}");
        }
    }
}
