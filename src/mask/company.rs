//! `company`: the name of a company that does not exist.

use super::prelude::*;
use super::token::{TAG, base32};
use super::{dictionary, names};

/// Legal forms, which stay. Spellings differ in full stops, so each stands here by itself.
const FORMS: &[&str] = &[
    "A.G.",
    "A.S.",
    "A.Ş.",
    "A/S",
    "AB",
    "AG",
    "ApS",
    "AS",
    "B.V.",
    "BV",
    "BVBA",
    "Co.",
    "Co., Ltd.",
    "Company",
    "Corp",
    "Corp.",
    "Corporation",
    "d.o.o.",
    "e.G.",
    "e.K.",
    "e.V.",
    "EIRL",
    "EURL",
    "GbR",
    "gGmbH",
    "GmbH",
    "GmbH & Co. KG",
    "GmbH & Co. KGaA",
    "AG & Co. KG",
    "UG & Co. KG",
    "Inc",
    "Inc.",
    "Incorporated",
    "K.K.",
    "KG",
    "KGaA",
    "Kft.",
    "L.L.C.",
    "L.P.",
    "Limited",
    "LLC",
    "LLP",
    "LP",
    "Ltd",
    "Ltd.",
    "Ltd. Şti.",
    "Ltda",
    "Ltda.",
    "N.V.",
    "NV",
    "OHG",
    "Oy",
    "Oyj",
    "P.C.",
    "P.L.C.",
    "PLC",
    "PLLC",
    "Pte Ltd",
    "Pte. Ltd.",
    "Pty Ltd",
    "Pty. Ltd.",
    "Pvt Ltd",
    "Pvt. Ltd.",
    "S. de R.L.",
    "S.A.",
    "S.A. de C.V.",
    "S.A.R.L.",
    "S.A.S.",
    "S.C.",
    "S.L.",
    "S.L.U.",
    "S.p.A.",
    "S.R.L.",
    "S.r.l.",
    "SA",
    "SARL",
    "SAS",
    "SASU",
    "SE",
    "SL",
    "SNC",
    "SpA",
    "SPRL",
    "Srl",
    "Sp. z o.o.",
    "s.r.o.",
    "a.s.",
    "UG",
    "UG (haftungsbeschränkt)",
    "VOF",
    "Zrt.",
    "株式会社",
    "有限会社",
    "有限公司",
];

pub(super) static DEFINITION: Definition = Definition {
    name: "company",
    about: "Replaces the name of a company with an invented one; the legal form (`GmbH`, `Inc.`, `S.A.` and so on) stays. A unique column gets a tag of 80 keyed bits.",
    unique: Uniqueness::Tagged,
    takes_subject: true,
    domain: "company.name",
    build: |site, _| build(site),
    examples: &[Example::plain("Example Widgets GmbH"), Example::plain("Sample & Sons, Inc.")],
    teaches: |_| Teaches::Whole,
    could_write: Some(|_, text| {
        let first = text.split(' ').next().unwrap_or_default();
        dictionary::COMPANY_HEADS.contains(&first) || (first.len() == TAG * 8 / 5 && first.is_ascii())
    }),
    sample: |number| format!("Firm {number} Ltd."),
    ..Definition::BASE
};

struct Company {
    key: DomainKey,
    heads: Vec<&'static str>,
    room: usize,
    /// How a unique column tells values apart.
    unique: Option<Form>,
    charset: crate::mask::Charset,
}

fn build(site: &Site) -> Result<Box<dyn Mask>> {
    let room = site.room();
    let heads = names::fitting(dictionary::COMPANY_HEADS, room, site);
    let tag = TAG * 8 / 5;
    if heads.len() < 10 || (site.unique && room < tag) {
        return Err(Error::policy("the column is too short for names of companies")
            .hint("Use `hash`, `fixed` or `null`; a unique column needs 16 characters."));
    }
    let unique = site.unique.then(|| site.loose_form());
    Ok(Box::new(Company { key: site.key.clone(), heads, room, unique, charset: site.charset }))
}

impl Mask for Company {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        let text = String::from_utf8_lossy(value);
        let (name, form) = split(&text);
        // The same company is met with and without its legal form.
        let ask = Ask { role: Role::Company, form: Form::Text, value: name.as_bytes(), subject: row.subject };
        until_different(value, out, |attempt, out| {
            let draw = self.key.draw(&ask, attempt, out);
            let mut tag = Vec::new();
            if let Some(form) = self.unique {
                let exact = Ask { form, value, ..ask };
                base32(&self.key.draw(&exact, attempt, out).bytes()[16..16 + TAG], &mut tag);
            }
            let head = self.heads[draw.index(0, self.heads.len())].as_bytes();
            let trades = dictionary::COMPANY_TRADES;
            let trade = trades[draw.index(1, trades.len())].as_bytes();
            let form = form.filter(|(_, form)| self.charset.holds(form)).unwrap_or_default();
            // From the whole name to what fits a short column. The tag is never left out.
            for words in [[head, trade, &tag], [head, b"", &tag], [b"", b"", &tag]] {
                for (between, form) in [form, ("", "")] {
                    let start = out.len();
                    for word in words.into_iter().filter(|word| !word.is_empty()) {
                        if out.len() > start {
                            out.push(b' ');
                        }
                        out.extend_from_slice(word);
                    }
                    let plain = out.len();
                    out.extend(between.bytes().chain(form.bytes()));
                    if plain > start && canonical::chars(&out[start..]) <= self.room {
                        return;
                    }
                    out.truncate(start);
                }
            }
        })
    }
}

/// A name without its legal form, and what separates the form from the name and the form, spelled as our list does.
fn split(text: &str) -> (&str, Option<(&'static str, &'static str)>) {
    let text = text.trim();
    let found = FORMS.iter().filter_map(|form| {
        let at = text.len().checked_sub(form.len())?;
        let before = text.get(..at).filter(|_| text[at..].eq_ignore_ascii_case(form))?;
        let name = before.trim_end();
        let bare = name.strip_suffix(',');
        let apart = name.len() < before.len() || bare.is_some() || !form.is_ascii();
        let between = if bare.is_some() { ", " } else { " " };
        let name = bare.unwrap_or(name).trim_end();
        (apart && !name.is_empty()).then_some((name, between, *form))
    });
    // The longest, and of two that differ in case the one that is spelled like the original.
    match found.max_by_key(|(_, _, form)| (form.len(), text.ends_with(form))) {
        Some((name, between, form)) => (name, Some((between, form))),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(site: &Site, cell: &str, subject: Option<&str>) -> String {
        let mut out = Vec::new();
        build(site).unwrap().mask(Cell::text(cell), &Row::of(subject.map(Cell::text)), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_legal_form_stays_and_the_name_goes() {
        let site = Site::for_tests("company");
        for form in FORMS {
            for between in [" ", ", "] {
                let name = masked(&site, &format!("Acme{between}{form}"), None);
                assert!(name.ends_with(&format!("{between}{form}")) && !name.contains("Acme"), "{name}");
                assert_eq!(name.split([' ', ',']).next(), masked(&site, "ACME", None).split(' ').next(), "{form}");
            }
        }
        assert!(masked(&site, "acme gmbh", None).ends_with(" GmbH"));
        assert!(masked(&site, "Acme GmbH & Co. KG", None).ends_with(" GmbH & Co. KG"));
        for whole in ["SA", "Pascal", "Inc.", "Texas"] {
            assert_eq!(split(whole), (whole, None));
        }
    }

    #[test]
    fn unique_columns_tell_every_spelling_apart() {
        let site = Site { unique: true, ..Site::for_tests("company") };
        let all =
            ["Acme", "acme", "Acme Inc", "Acme Inc.", "Acme, Inc.", "ACME INC"].map(|name| masked(&site, name, None));
        for (at, one) in all.iter().enumerate() {
            assert!(all[at + 1..].iter().all(|other| other != one), "{one}");
            assert!((DEFINITION.could_write.unwrap())(&Params::default(), one));
        }
        for room in 16..60 {
            let name = masked(&Site { max_chars: Some(room), ..site.clone() }, "Acme Sp. z o.o.", None);
            assert!(name.len() <= room as usize && name.split(' ').any(|word| word.len() == 16), "{name}");
        }
        assert!(build(&Site { max_chars: Some(15), ..site }).is_err());
    }

    #[test]
    fn a_subject_decides_and_characters_fit() {
        let site = Site { charset: crate::mask::Charset::Ascii, ..Site::for_tests("company") };
        assert_eq!(masked(&site, "Acme", Some("7")), masked(&site, "Other", Some("7")));
        assert!(masked(&site, "Acme A.Ş.", None).is_ascii());
        assert!(!(DEFINITION.could_write.unwrap())(&Params::default(), "Acme GmbH"));
    }
}
