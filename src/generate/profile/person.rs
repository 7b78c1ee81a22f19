//! What templates say of the row's person or company.

use crate::generate::draw::Draw;
use crate::generate::field::Subject;
use crate::mask::dictionary::{CITIES, COMPANY_HEADS, COMPANY_TRADES, FIRST_NAMES, LAST_NAMES, REGIONS, STREETS};

pub(super) fn said(subject: Subject, word: &str) -> String {
    let mut draw = Draw::of(subject.0);
    let (first, last) = (*draw.pick(FIRST_NAMES), *draw.pick(LAST_NAMES));
    match word {
        "first_name" => first.to_owned(),
        "last_name" => last.to_owned(),
        "full_name" => format!("{first} {last}"),
        "username" => format!("{first}.{last}").to_lowercase(),
        "email" => format!("{first}.{last}@example.com").to_lowercase(),
        "phone" => format!("+1 555 01{:02}", draw.below(100)),
        "company" => format!("{} {}", draw.pick(COMPANY_HEADS), draw.pick(COMPANY_TRADES)),
        "street" => format!("{} {} Street", 1 + draw.below(300), draw.pick(STREETS)),
        "city" => (*draw.pick(CITIES)).to_owned(),
        "region" => (*draw.pick(REGIONS)).to_owned(),
        "postal_code" => format!("{:05}", draw.below(100_000)),
        _ => "US".to_owned(),
    }
}
