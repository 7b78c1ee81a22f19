//! People, companies and where they are. Everything but lists follows from the row's subject.

use super::{Ink, Make, Maker, Tag};
use crate::generate::field::subject::{FICTIONAL, push_fictional};
use std::fmt::Write as _;

const fn text(
    name: &'static str,
    null: u8,
    kinds: &'static [&'static str],
    words: &'static [&'static str],
    write: fn(&mut Ink<'_>),
    tag: Tag,
) -> Maker {
    Maker { name, null, kinds, words, make: Make::Text(write, tag) }
}

const fn list(
    name: &'static str,
    null: u8,
    kinds: &'static [&'static str],
    words: &'static [&'static str],
    items: &'static [&'static str],
) -> Maker {
    Maker { name, null, kinds, words, make: Make::List(items) }
}

#[rustfmt::skip]
pub(super) static MAKERS: &[Maker] = &[
    text("first_name", 0, &["first_name"], &["first name", "given name", "forename", "nickname"], |ink| ink.out.push_str(ink.row.subject.first_name()), Tag::Word),
    text("middle_name", 50, &["middle_name"], &["middle name", "middle initial"], |ink| ink.out.push_str(ink.row.subject.middle_name()), Tag::Word),
    text("last_name", 0, &["last_name"], &["last name", "surname", "family name"], |ink| ink.out.push_str(ink.row.subject.last_name()), Tag::Word),
    text("full_name", 2, &["person_name"], &["full name", "contact name", "person name", "display name", "real name", "customer name", "employee name", "author", "assignee", "owner name", "created by", "updated by", "recipient", "signed by", "approved by", "buyer", "salesperson", "by"], full_name, Tag::Word),
    text("email", 3, &["email"], &["email", "email address", "mail", "contact email"], |ink| ink.row.subject.push_email(ink.room, ink.out), Tag::Local),
    text("phone", 15, &["phone"], &["phone", "phone number", "mobile", "fax", "telephone", "cell"], phone, Tag::Own(10_000_000_000, 14, nth_phone)),
    text("phone_digits", 15, &["phone"], &["phone", "phone number", "mobile", "fax", "telephone", "cell"], phone_digits, Tag::Own(FICTIONAL + 1_000_000, 10, nth_phone_digits)),
    text("username", 2, &["handle"], &["username", "user name", "login", "handle", "screen name", "slug name"], |ink| ink.row.subject.push_login('.', ink.room, ink.out), Tag::Glued),
    text("company", 3, &["org_name"], &["company", "company name", "organization", "organisation", "employer", "vendor", "vendor name", "supplier", "supplier name", "business name", "legal name", "trade name", "brand", "manufacturer", "carrier", "bank name", "client name", "dba"], |ink| ink.out.push_str(&ink.row.subject.company()), Tag::Word),
    text("street", 5, &["street_address"], &["street", "address", "address line", "street address", "line 1"], |ink| ink.out.push_str(&ink.row.subject.street()), Tag::Word),
    text("address_2", 75, &[], &["address line 2", "address 2", "line 2", "street 2", "unit number", "apartment", "suite"], unit, Tag::Word),
    text("city", 3, &["city", "birth_place"], &["city", "town", "locality", "place"], |ink| ink.out.push_str(ink.row.subject.city()), Tag::Word),
    text("region_code", 5, &[], &["state code", "region code", "province code"], |ink| ink.out.push_str(ink.row.subject.region_code()), Tag::Glued),
    text("region", 5, &["region"], &["region", "state name", "province", "county", "territory"], region, Tag::Word),
    text("postal_code", 5, &["postal_code"], &["zip", "zip code", "postal code", "postcode"], |ink| ink.out.push_str(&ink.row.subject.postal_code()), Tag::Glued),
    text("country_code3", 3, &[], &["country code 3", "iso 3", "alpha 3"], |ink| ink.out.push_str(ink.row.subject.country().code3), Tag::Glued),
    text("country_code", 3, &[], &["country code", "country iso", "iso 2", "alpha 2", "country code 2"], |ink| ink.out.push_str(ink.row.subject.country().code), Tag::Glued),
    text("country", 3, &["country"], &["country", "country name"], country, Tag::Word),
    text("nationality", 10, &["nationality"], &["nationality", "citizenship"], |ink| ink.out.push_str(ink.row.subject.country().nationality), Tag::Word),
    list("currency_name", 0, &[], &["currency name"], &["US dollar", "Euro", "Pound sterling", "Canadian dollar", "Swiss franc", "Yen", "Danish krone", "Swedish krona"]),
    text("currency", 2, &[], &["currency", "currency code", "iso currency"], |ink| ink.out.push_str(ink.row.subject.country().currency), Tag::Glued),
    list("language_name", 2, &[], &["language name"], &["English", "German", "French", "Spanish", "Dutch", "Italian", "Polish", "Danish"]),
    text("locale", 2, &[], &["locale", "culture"], |ink| { let country = ink.row.subject.country(); ink.put(&[country.language, "_", country.code]); }, Tag::Glued),
    text("language", 2, &[], &["language", "lang", "language code"], |ink| ink.out.push_str(ink.row.subject.country().language), Tag::Glued),
    text("timezone", 2, &[], &["timezone", "time zone", "tz"], |ink| ink.out.push_str(ink.row.subject.country().zone), Tag::Word),
    text("job_title", 5, &["job"], &["job title", "position title", "occupation", "job", "designation"], |ink| ink.out.push_str(ink.row.subject.job()), Tag::Word),
    list("salutation", 40, &["title"], &["salutation", "honorific", "name prefix"], &["Ms", "Mr", "Mx", "Dr", "Prof"]),
    list("gender", 10, &["gender"], &["gender", "sex"], &["female", "male", "non-binary", "f", "m", "x"]),
    list("marital_status", 20, &["marital"], &["marital status"], &["single", "married", "divorced", "widowed"]),
    list("department", 3, &[], &["department", "division", "team", "business unit"], &["Sales", "Operations", "Finance", "Purchasing", "Logistics", "Quality", "Marketing", "Support", "Legal", "Production", "People", "IT"]),
    list("role", 2, &[], &["role", "user role", "role name", "access level", "permission level"], &["user", "admin", "manager", "viewer", "editor", "owner", "guest", "auditor"]),
    list("relationship", 10, &["family"], &["relationship", "relation"], &["spouse", "parent", "child", "sibling", "friend", "partner", "guardian"]),
    list("card_type", 5, &["card_type"], &["card type", "card brand"], &["visa", "mastercard", "amex", "discover"]),
    text("ssn", 20, &[], &["ssn", "social security number", "social security"], |ink| nth_ssn(ink.draw.below(SSNS), ink.out), Tag::Own(SSNS, 11, nth_ssn)),
    text("tax_number", 10, &["gov_id"], &["tax id", "tax number", "ein", "vat number", "vat id", "national id", "registration number"], |ink| nth_tax(ink.draw.below(10_000_000), ink.out), Tag::Own(10_000_000, 10, nth_tax)),
    text("licence", 10, &["licence_no", "insurance_no"], &["license number", "licence number", "license no", "license", "licence", "permit number"], |ink| { ink.out.push_str("LIC-"); ink.digits(6); }, Tag::Glued),
    text("card_number", 15, &["card_number"], &["card number", "credit card", "pan"], |ink| nth_card(ink.draw.below(1_000_000_000), ink.out), Tag::Own(1_000_000_000, 16, nth_card)),
    text("iban", 10, &["bank_account"], &["iban"], |ink| nth_iban(ink.draw.below(100_000_000_000_000), ink.out), Tag::Own(100_000_000_000_000, 22, nth_iban)),
    text("bank_account", 10, &["bank_account"], &["bank account", "account number bank", "routing number"], |ink| { ink.out.push_str("0000"); ink.digits(6); }, Tag::Glued),
    text("wallet", 20, &["crypto_wallet"], &["wallet address", "wallet", "crypto address"], |ink| nth_wallet(ink.draw.bits(), ink.out), Tag::Own(u64::MAX, 34, nth_wallet)),
    text("biography", 60, &[], &["bio", "biography", "about"], biography, Tag::Word),
];

fn full_name(ink: &mut Ink<'_>) {
    ink.put(&[ink.row.subject.first_name(), " ", ink.row.subject.last_name()]);
}

fn unit(ink: &mut Ink<'_>) {
    let kind = *ink.draw.pick(&["Suite ", "Unit ", "Floor ", "Apt "]);
    let number = 1 + ink.draw.below(40);
    ink.put(&[kind, &number.to_string()]);
}

fn region(ink: &mut Ink<'_>) {
    let subject = ink.row.subject;
    ink.out.push_str(if ink.room < 12 { subject.region_code() } else { subject.region() });
}

fn country(ink: &mut Ink<'_>) {
    let country = ink.row.subject.country();
    ink.out.push_str(match ink.room {
        0..3 => country.code,
        3..14 => country.code3,
        _ => country.name,
    });
}

fn phone(ink: &mut Ink<'_>) {
    let phone = ink.row.subject.phone();
    if phone.len() <= ink.room { ink.out.push_str(&phone) } else { push_fictional(ink.draw.below(FICTIONAL), ink.out) }
}

/// Beyond the numbers of fiction, some with a country code that does not exist.
fn nth_phone(n: u64, out: &mut String) {
    if n < FICTIONAL {
        return push_fictional(n, out);
    }
    let written = write!(out, "+03{n:010}");
    debug_assert!(written.is_ok());
}

fn phone_digits(ink: &mut Ink<'_>) {
    let of_subject = ink.row.subject.phone();
    if of_subject.starts_with('(') {
        push_digits(&of_subject, ink.out);
    } else {
        nth_phone_digits(ink.draw.below(FICTIONAL), ink.out);
    }
}

fn nth_phone_digits(n: u64, out: &mut String) {
    if n >= FICTIONAL {
        // No country has the range behind this prefix.
        let written = write!(out, "0083{:06}", n - FICTIONAL);
        debug_assert!(written.is_ok());
        return;
    }
    let mut text = String::with_capacity(14);
    push_fictional(n, &mut text);
    push_digits(&text, out);
}

fn push_digits(text: &str, out: &mut String) {
    out.extend(text.chars().filter(char::is_ascii_digit));
}

/// Areas 900 to 999, groups 01 to 49, serials 0001 to 9999: never issued, nor numbers of taxpayers.
const SSNS: u64 = 100 * 49 * 9999;

fn nth_ssn(n: u64, out: &mut String) {
    let (serial, rest) = (n % 9999 + 1, n / 9999);
    let written = write!(out, "{}-{:02}-{serial:04}", 900 + rest / 49 % 100, rest % 49 + 1);
    debug_assert!(written.is_ok());
}

/// The tax office assigns no number that begins with 89.
fn nth_tax(n: u64, out: &mut String) {
    let written = write!(out, "89-{:07}", n % 10_000_000);
    debug_assert!(written.is_ok());
}

/// A number of the issuer 400000, which is for tests, with its check digit.
fn nth_card(n: u64, out: &mut String) {
    let start = out.len();
    let written = write!(out, "400000{:09}", n % 1_000_000_000);
    debug_assert!(written.is_ok());
    let sum: u32 = out[start..]
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0');
            if at % 2 > 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
        })
        .sum();
    out.push(char::from(b'0' + ((10 - sum % 10) % 10).to_le_bytes()[0]));
}

/// An account of no bank: no German bank has a code that begins with four zeros. The check digits are right.
fn nth_iban(n: u64, out: &mut String) {
    let account = n % 100_000_000_000_000;
    // D and E are 13 and 14, and the check digits stand at the end as 00.
    let rest = (u128::from(account) * 1_000_000 + 131_400) % 97;
    let written = write!(out, "DE{:02}0000{account:014}", 98 - rest);
    debug_assert!(written.is_ok());
}

/// Like an address, but with a zero, which its alphabet does not have.
fn nth_wallet(n: u64, out: &mut String) {
    const LETTERS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    out.push('T');
    // Capitals do not tell texts apart, so the number stands in digits and the rest is chance.
    let mut fill = crate::generate::draw::Draw::of(n);
    (0..12).for_each(|_| out.push(char::from(*fill.pick(LETTERS))));
    let written = write!(out, "{n:020}0");
    debug_assert!(written.is_ok());
}

fn biography(ink: &mut Ink<'_>) {
    let subject = ink.row.subject;
    ink.put(&[
        subject.first_name(),
        " ",
        subject.last_name(),
        " works as ",
        subject.job(),
        " in ",
        subject.city(),
        ".",
    ]);
}
