//! Names as words: `order_line_items`, `orderLineItems` and `OrderLineItem` are the same three.

/// Words that the rules below would get wrong, with their singular.
const IRREGULAR: [(&str, &str); 28] = [
    ("people", "person"),
    ("persons", "person"),
    ("children", "child"),
    ("men", "man"),
    ("women", "woman"),
    ("feet", "foot"),
    ("teeth", "tooth"),
    ("mice", "mouse"),
    ("geese", "goose"),
    ("media", "medium"),
    ("criteria", "criterion"),
    ("data", "datum"),
    ("indices", "index"),
    ("vertices", "vertex"),
    ("matrices", "matrix"),
    ("appendices", "appendix"),
    ("shelves", "shelf"),
    ("leaves", "leaf"),
    ("halves", "half"),
    ("knives", "knife"),
    ("wives", "wife"),
    ("lives", "life"),
    ("menus", "menu"),
    ("skus", "sku"),
    ("cpus", "cpu"),
    ("gpus", "gpu"),
    ("ids", "ids"),
    ("is", "is"),
];

/// A name's words, in lower case and singular.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let after = chars.get(at + 1);
        // `orderId` and the end of `HTTPServer`'s first word.
        let begins = c.is_uppercase()
            && before.is_some_and(|b| {
                b.is_lowercase() || b.is_numeric() || (b.is_uppercase() && after.is_some_and(|a| a.is_lowercase()))
            });
        if (begins || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(singular(&std::mem::take(&mut word)));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(singular(&word));
    }
    words
}

/// One form for the singular and the plural of a word. It need not be a word itself: what counts is that both get the same.
pub(super) fn singular(word: &str) -> String {
    if let Some((_, singular)) = IRREGULAR.iter().find(|(plural, _)| *plural == word) {
        return (*singular).to_owned();
    }
    let cut = |ending: &str, instead: &str| {
        let stem = word.strip_suffix(ending).filter(|stem| stem.chars().count() >= 2)?;
        Some(format!("{stem}{instead}"))
    };
    if word.ends_with("ss") || word.ends_with("us") {
        return word.to_owned();
    }
    // Endings that lose a sound in the plural come in pairs: `categories`, `category`; `analyses`, `analysis`; `boxes`, `box`.
    let rules = [
        ("ies", "y"),
        ("ie", "y"),
        ("ses", "s"),
        ("sis", "s"),
        ("se", "s"),
        ("ches", "ch"),
        ("che", "ch"),
        ("shes", "sh"),
        ("she", "sh"),
        ("xes", "x"),
        ("xis", "x"),
        ("xe", "x"),
        ("zes", "z"),
        ("ze", "z"),
        ("oes", "o"),
        ("oe", "o"),
        ("s", ""),
    ];
    rules.iter().find_map(|(ending, instead)| cut(ending, instead)).unwrap_or_else(|| word.to_owned())
}

/// Whether two names are the same, wherever their words are cut: schemas that lost their capitals have `orderlineitems`.
pub(super) fn same(left: &[String], right: &[String]) -> bool {
    let length = |words: &[String]| words.iter().map(String::len).sum::<usize>();
    !left.is_empty() && (left == right || (length(left) == length(right) && left.concat() == right.concat()))
}

/// What stands before `end` in `words`, if they end with it.
pub(super) fn before<'a>(words: &'a [String], end: &[String]) -> Option<&'a [String]> {
    words.strip_suffix(end).filter(|_| !end.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        let cases = [
            ("order_line_items", "order line item"),
            ("orderLineItems", "order line item"),
            ("OrderLineItem", "order line item"),
            ("userID", "user id"),
            ("HTTPServerId", "http server id"),
            ("Order Details", "order detail"),
            ("b2bCustomers", "b2b customer"),
            ("__x", "x"),
            ("ÄrzteId", "ärzte id"),
        ];
        for (name, expected) in cases {
            assert_eq!(words(name).join(" "), expected, "{name}");
        }
        assert!(words("_").is_empty());
    }

    #[test]
    fn singular_and_plural_are_one() {
        let pairs = "batch batches, box boxes, category categories, movie movies, address addresses, status statuses, \
            house houses, cache caches, size sizes, analysis analyses, invoice invoices, price prices, person people, \
            child children, currency currencies, response responses, case cases, hero heroes, bus buses, tax taxes, \
            shelf shelves, sku skus, datum data, series series, news news, key keys, day days, boss bosses, index indices, \
            employee employees, thesis theses, medium media";
        for pair in pairs.split(", ") {
            let (one, many) = pair.trim().split_once(' ').unwrap();
            assert_eq!(singular(one), singular(many), "{pair}");
        }
        assert_ne!(singular("user"), singular("use"));
        assert_ne!(singular("product"), singular("production"));
    }

    #[test]
    fn lost_capitals_do_no_harm() {
        assert!(same(&words("orderlineitem"), &words("order_line_items")));
        assert!(!same(&words(""), &words("")));
        assert_eq!(before(&words("sales_order_id"), &words("id")), Some(&words("sales_order")[..]));
    }
}
