//! Texts with places to fill: `INV-{n:06}`, `{first_name} {last_name}`.

/// A template as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    /// The row's number, with at least so many digits.
    Number(usize),
    /// Random digits, letters, hexadecimal digits.
    Random(Random, usize),
    /// Something with a name: a column or a way to one, a list, or a word of [`PERSON`].
    Named(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Random {
    Digits,
    Letters,
    Hex,
}

/// What can be said of the row's person or company.
pub(super) const PERSON: [&str; 12] = [
    "first_name",
    "last_name",
    "full_name",
    "email",
    "phone",
    "username",
    "company",
    "street",
    "city",
    "region",
    "postal_code",
    "country",
];

impl Template {
    /// Reads a template; `{{` and `}}` are braces.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            match c {
                '{' | '}' if after.starts_with(c) => {
                    literal.push(c);
                    rest = &after[1..];
                }
                '{' => {
                    let Some((inside, after)) = after.split_once('}') else {
                        return Err("a '{' of the template is never closed".to_owned());
                    };
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(place(inside)?);
                    rest = after;
                }
                '}' => return Err("a '}' of the template was never opened; write }} for a brace".to_owned()),
                c => {
                    literal.push(c);
                    rest = after;
                }
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// The ways to columns of referenced rows: such a template is filled in when the rows are there.
    pub(super) fn is_late(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Named(names) if names.len() > 1))
    }
}

fn place(inside: &str) -> Result<Part, String> {
    let (name, width) = inside.split_once(':').unwrap_or((inside, ""));
    let name = name.trim();
    let number = |otherwise: usize| match width.trim() {
        "" => Ok(otherwise),
        width => width
            .parse()
            .ok()
            .filter(|width| (1..=60).contains(width))
            .ok_or_else(|| format!("'{}' is no width; write {{n:06}}", width.escape_debug())),
    };
    Ok(match name {
        "n" => Part::Number(number(1)?),
        "digits" => Part::Random(Random::Digits, number(4)?),
        "letters" => Part::Random(Random::Letters, number(4)?),
        "hex" => Part::Random(Random::Hex, number(8)?),
        "" => return Err("a place of the template has no name".to_owned()),
        _ if !width.is_empty() => {
            return Err(format!("only n, digits, letters and hex have a width, not '{}'", name.escape_debug()));
        }
        name => Part::Named(name.split('.').map(|part| part.trim().to_owned()).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_read() {
        let template = Template::read("INV-{n:06}{{{order_id.number}}}").unwrap();
        assert_eq!(template.parts.len(), 5);
        assert!(template.is_late());
        assert_eq!(template.parts[1], Part::Number(6));
        for wrong in ["{n", "n}", "{}", "{n:x}", "{name:3}", "{n:900}"] {
            assert!(Template::read(wrong).is_err(), "{wrong}");
        }
    }
}
