//! `ssn_tail`: a social security number of which four digits are shown, by default not the real ones.

use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "ssn_tail",
    about: "Replaces a social security number with `***-**-` and four digits, which are made up unless the policy says otherwise.",
    version: 1,
    params: &[
        Param {
            name: "tail",
            about: "`fake`: four keyed digits, never the real ones; `none`: `****`; `real`: the real ones, which needs a reason.",
            kind: ParamKind::Choice(&["fake", "none", "real"]),
            default: "fake",
        },
        Param {
            name: "reason",
            about: "Why real tails are needed; shown in review.",
            kind: ParamKind::Text,
            default: "none; required with tail = \"real\"",
        },
    ],
    accepts: &[Family::Text],
    unique: Uniqueness::None,
    determinism: Determinism::Value,
    strength: Strength::Pseudonym,
    keeps_original: false,
    takes_empty: false,
    takes_subject: true,
    domain: "person.ssn",
    scan: |_| Scan::Identifier,
    build,
    examples: &[
        Example::plain("078-05-1120"),
        Example { params: || vec![("tail", Value::text("none"))], cell: "078-05-1120" },
    ],
    teaches: |_| Teaches::Whole,
    reveals: |params| params.text("tail") == Some("real"),
    could_write: Some(|params, text| match text.strip_prefix("***-**-") {
        Some("****") => params.text("tail") == Some("none"),
        Some(tail) => {
            let digits = tail.len() == 4 && tail.bytes().all(|byte| byte.is_ascii_digit());
            digits && params.text("tail") != Some("none")
        }
        None => false,
    }),
    sample: |number| format!("{}-{:02}-{:04}", 219 + number / 1_000_000 % 400, number / 10_000 % 100, number % 10_000),
    ..Definition::BASE
};

#[derive(Clone, Copy)]
enum Tail {
    Fake,
    Hidden,
    Real,
}

struct SsnTail {
    key: DomainKey,
    tail: Tail,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    if site.room() < 11 {
        return Err(Error::policy("mask ssn_tail writes 11 characters, and the column is shorter")
            .hint("Use `hash` with length = 8 or `null`."));
    }
    let tail = match params.text("tail") {
        Some("none") => Tail::Hidden,
        Some("real") if params.text("reason").is_none_or(|reason| reason.trim().is_empty()) => {
            return Err(Error::policy("mask ssn_tail with real tails needs a reason")
                .hint("Add reason = \"...\" for the reviewer, or leave tail = \"real\" out to get made-up tails."));
        }
        Some("real") => Tail::Real,
        _ => Tail::Fake,
    };
    Ok(Box::new(SsnTail { key: site.key.clone(), tail }))
}

impl Mask for SsnTail {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text(cell)?;
        // The last nine digits, and how many there are.
        let (mut digits, mut count) = ([0; 9], 0_usize);
        for digit in value.iter().filter(|byte| byte.is_ascii_digit()) {
            digits.rotate_left(1);
            digits[8] = *digit;
            count += 1;
        }
        out.extend_from_slice(b"***-**-");
        match self.tail {
            Tail::Hidden => out.extend_from_slice(b"****"),
            Tail::Real if count == 9 => out.extend_from_slice(&digits[5..]),
            Tail::Real => {
                return Err(Misfit("it has not the nine digits of a social security number"));
            }
            Tail::Fake => {
                let ask = Ask { role: Role::Number, form: Form::Digits, value, subject: row.subject };
                for attempt in 0..=u8::MAX {
                    let draw = self.key.draw(&ask, attempt, out);
                    let mut fake = [0; 4];
                    fake.iter_mut().zip(draw.digits()).for_each(|(digit, drawn)| *digit = b'0' + drawn);
                    // No four digits of the original in a row, wherever they stand: they might be the tail.
                    if !digits[9 - count.min(9)..].windows(4).any(|window| window == fake) {
                        out.extend_from_slice(&fake);
                        return Ok(CellKind::Text);
                    }
                }
                return Err(Misfit("every tail that the mask can make is in the original"));
            }
        }
        Ok(CellKind::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(tail: &'static str, reason: Option<&'static str>) -> Params {
        let reason = reason.map(|reason| ("reason".to_owned(), Value::Text(reason.into())));
        Params::new(&DEFINITION, [("tail".to_owned(), Value::Text(tail.into()))].into_iter().chain(reason)).unwrap()
    }

    fn mask(params: &Params, value: &str) -> std::result::Result<String, Misfit> {
        let mut out = Vec::new();
        build(&Site::for_tests("ssn"), params).unwrap().mask(Cell::text(value), &Row::NONE, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_real_tail_is_never_shown_by_default() {
        for number in 0..10_000 {
            let value = format!("219-09-{number:04}");
            let masked = mask(&Params::default(), &value).unwrap();
            assert!(masked.starts_with("***-**-") && masked.len() == 11);
            assert_ne!(masked[7..], value[7..]);
            assert_eq!(masked, mask(&Params::default(), &value.replace('-', "")).unwrap());
        }
    }

    #[test]
    fn real_tails_need_a_reason_and_nine_digits() {
        let error = build(&Site::for_tests("ssn"), &params("real", None)).err().unwrap();
        assert!(error.what().contains("reason"));
        let real = params("real", Some("support looks clients up by tail"));
        assert_eq!(mask(&real, "219-09-9999").unwrap(), "***-**-9999");
        assert!(mask(&real, "219-09-99").is_err());
        assert_eq!(mask(&params("none", None), "219-09-9999").unwrap(), "***-**-****");
    }
}
