//! Words in front of a number that say what it is, in several languages.

const PHONE: &str = " phone phones telephone tel tél mobile mob cell cellphone fax call calling ring dial whatsapp sms telefon telefonnummer \
 handy handynummer mobil mobilnummer rufnummer fon téléphone telephone portable teléfono telefono móvil movil celular cellulare fono telefone telemóvel \
 telefoon mobiel puhelin телефон тел моб звоните ph phn hotline ";
const PHONE_INSIDE: [&str; 6] = ["電話", "电话", "手机", "携帯", "전화", "휴대폰"];
const OTHER: &str = " order orders invoice inv ref reference id sku po rma ticket item part art article account acct batch lot serial sn \
 tracking isbn ean upc vat bestellung bestellnummer auftrag rechnung rechnungsnummer artikel kundennummer commande facture pedido factura \
 ordine fattura version case contract policy claim room suite box building qty quantity usd eur gbp total amount asin ";
const NUMBER: &str = " no nr num number nummer numero número n is was the ";
const SSN: &str = " ssn ssns social tin itin sozialversicherungsnummer ";
const BIRTH: &str = " born birth birthday birthdate dob bday geb geboren geburtsdatum geburtstag né née naissance nacido nacida nacimiento \
 nascido nascida nascimento nato nata nascita geboortedatum født fødselsdato född födelsedatum urodzony urodzona urodzenia \
 рождения родился родилась syntynyt ";
const BIRTH_INSIDE: [&str; 4] = ["生年月日", "出生", "생년월일", "誕生日"];
const VERSION: &str = " version versions ver release build rev revision firmware section chapter v ";

/// The text before `at` in the same line, at most so many bytes.
fn before(text: &str, at: usize, most: usize) -> &str {
    let mut from = at.saturating_sub(most);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let near = &text[from..at];
    near.rfind(['\n', ';']).map_or(near, |line| &near[line + 1..])
}

fn behind(text: &str, at: usize, most: usize) -> &str {
    let mut to = text.len().min(at + most);
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    let near = &text[at..to];
    near.find(['\n', ';', ',']).map_or(near, |line| &near[..line])
}

fn is_in(list: &str, word: &str) -> bool {
    let bytes = list.as_bytes();
    list.match_indices(word).any(|(at, _)| at > 0 && bytes[at - 1] == b' ' && bytes.get(at + word.len()) == Some(&b' '))
}

/// Whether one of the last `most` words of a text is in the list.
fn ends_with_one(text: &str, list: &str, most: usize) -> bool {
    let lower = text.to_lowercase();
    let mut words = lower.rsplit(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).take(most);
    words.any(|word| is_in(list, word))
}

/// Whether a phone number is announced.
pub(super) fn is_phone(text: &str, at: usize) -> bool {
    let near = before(text, at, 28);
    ends_with_one(near, PHONE, 3) && !is_other(text, at) || PHONE_INSIDE.iter().any(|word| near.contains(word))
}

/// Whether a number of another kind is announced.
pub(super) fn is_other(text: &str, at: usize) -> bool {
    let near = before(text, at, 20).trim_end();
    let marked = near.ends_with(['#', '$', '€', '£', '¥', '№', '=']);
    // "Order no. 415..." speaks of an order.
    let lower = near.to_lowercase();
    let mut words =
        lower.rsplit(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty() && !is_in(NUMBER, word));
    marked || words.next().is_some_and(|word| is_in(OTHER, word))
}

/// Whether a social security number is announced.
pub(super) fn is_ssn(text: &str, at: usize) -> bool {
    let near = before(text, at, 40);
    ends_with_one(near, SSN, 4)
}

/// Whether the date at this place is said to be one of birth.
pub(super) fn is_birth(text: &str, from: usize, to: usize) -> bool {
    let (before, behind) = (before(text, from, 40), behind(text, to, 24));
    let lower = before.to_lowercase();
    let spelled = lower.trim_end_matches(|c: char| !c.is_alphabetic()).ends_with("d.o.b");
    let inside = || BIRTH_INSIDE.iter().any(|word| before.contains(word) || behind.contains(word));
    let lower = behind.to_lowercase();
    let mut next = lower.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).take(2);
    spelled || ends_with_one(before, BIRTH, 4) || inside() || next.any(|word| is_in(BIRTH, word))
}

/// Whether a version of something is announced.
pub(super) fn is_version(text: &str, at: usize) -> bool {
    ends_with_one(before(text, at, 16), VERSION, 1)
}
