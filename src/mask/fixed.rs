//! `fixed`: one value for every row.

use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "fixed",
    about: "Replaces every cell, NULL and the empty text included, with one value.",
    version: 1,
    params: &[Param { name: "value", about: "The value.", kind: ParamKind::Scalar, default: "required" }],
    accepts: &[Family::Any],
    unique: Uniqueness::None,
    determinism: Determinism::Constant,
    strength: Strength::Removed,
    keeps_original: false,
    takes_empty: true,
    takes_subject: false,
    domain: "",
    scan: |_| Scan::FreeText,
    build,
    examples: &[Example { params: || vec![("value", Value::text("n/a"))], cell: "correct horse" }],
    ..Definition::BASE
};

pub(super) struct Fixed {
    value: String,
    /// The storage class where the original has none of its own or a numeric one.
    number: Option<CellKind>,
    family: Family,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let Some(value) = params.get("value") else {
        return Err(Error::policy("mask fixed needs a value").hint("Write { mask = \"fixed\", value = \"...\" }."));
    };
    // SQLite and MySQL have no other spelling of truth than 1 and 0; PostgreSQL reads both.
    let value = match value {
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::Text(text) => text.to_string(),
        other => other.to_string(),
    };
    Ok(Box::new(Fixed::new(&DEFINITION, site, value)?))
}

impl Fixed {
    /// Writes `value` into every cell, for the mask `definition`.
    pub(super) fn new(definition: &Definition, site: &Site, value: String) -> Result<Self> {
        let name = definition.name;
        if value.chars().count() > site.room() {
            return Err(Error::policy(format!("the value of mask {name} is longer than the column")));
        }
        let number = if value.parse::<i64>().is_ok_and(|number| number.to_string() == value) {
            Some(CellKind::Integer)
        } else if value.parse::<f64>().is_ok_and(f64::is_finite) {
            Some(CellKind::Real)
        } else {
            None
        };
        let numeric = matches!(site.family, Family::Integer | Family::Real | Family::Numeric);
        if numeric && number.is_none() {
            return Err(Error::policy(format!(
                "the value of mask {name} does not fit a column of family {}",
                site.family
            ))
            .hint("Give a number."));
        }
        Ok(Self { value, number, family: site.family })
    }
}

impl Mask for Fixed {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        out.extend_from_slice(self.value.as_bytes());
        let numeric = matches!(self.family, Family::Integer | Family::Real | Family::Numeric | Family::Boolean);
        Ok(match (cell.kind, self.number) {
            (CellKind::Integer | CellKind::Real, Some(kind)) => kind,
            (CellKind::Null, Some(kind)) if numeric => kind,
            _ => CellKind::Text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(family: Family, value: &'static str, cell: Cell<'_>) -> CellKind {
        let params = Params::new(&DEFINITION, [("value".to_owned(), Value::Text(value.into()))]).unwrap();
        let mask = build(&Site { family, ..Site::for_tests("fixed") }, &params).unwrap();
        mask.mask(cell, &Row::NONE, &mut Vec::new()).unwrap()
    }

    #[test]
    fn storage_classes_follow_column_and_cell() {
        let number = Cell { kind: CellKind::Integer, bytes: b"5" };
        assert_eq!(kind(Family::Integer, "7", number), CellKind::Integer);
        assert_eq!(kind(Family::Integer, "7", Cell::NULL), CellKind::Integer);
        assert_eq!(kind(Family::Real, "7.5", number), CellKind::Real);
        assert_eq!(kind(Family::Text, "7", Cell::NULL), CellKind::Text);
        assert_eq!(kind(Family::Text, "x", Cell::text("y")), CellKind::Text);
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        let value =
            |text: &'static str| Params::new(&DEFINITION, [("value".to_owned(), Value::Text(text.into()))]).unwrap();
        let short = Site { max_chars: Some(2), ..Site::for_tests("fixed") };
        assert!(build(&short, &value("abc")).is_err());
        let number = Site { family: Family::Integer, ..Site::for_tests("fixed") };
        assert!(build(&number, &value("abc")).is_err());
        assert!(build(&short, &Params::default()).is_err());
    }
}
