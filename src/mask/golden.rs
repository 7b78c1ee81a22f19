//! Golden vectors: what each mask makes of fixed cells under a fixed key. A change of any line is a new version of that
//! mask, because it silently re-masks everybody's next capture.

use super::{Params, Row, Site, Value, find};
use crate::model::batch::Cell;

struct Vector {
    mask: &'static str,
    params: &'static [(&'static str, &'static str)],
    cell: &'static str,
    masked: &'static str,
}

const fn v(
    mask: &'static str,
    params: &'static [(&'static str, &'static str)],
    cell: &'static str,
    masked: &'static str,
) -> Vector {
    Vector { mask, params, cell, masked }
}

const VECTORS: &[Vector] = &[
    v("keep", &[], "shipped", "shipped"),
    v("fixed", &[("value", "n/a")], "secret", "n/a"),
    v("hash", &[], "A-1029384756", "f077030bcbfe81620d16e9e16c06041c"),
    v("hash", &[("length", "12")], "A-1029384756", "f077030bcbfe"),
    v("token", &[], "sk_live_1", "kjs3zq4toybb7juqlswx5xej"),
    v("token", &[("prefix", "tok_"), ("bytes", "10")], "sk_live_1", "tok_kjs3zq4toybb7juq"),
    v("first_name", &[], "Maria", "Therese"),
    v("first_name", &[], "MARIA ", "Therese"),
    v("last_name", &[], "Garcia", "Corwin"),
    v("full_name", &[], "Maria Garcia", "Brenden Littel"),
    v("full_name", &[], "Garcia, Maria", "Littel, Brenden"),
    v("full_name", &[], "Łukasz Żółć", "Ottilie Kuhn"),
    v("email", &[], "maria.garcia@corp.test", "greyson.homenick.mvv6kqtomw3jtye2@example.net"),
    v("email", &[], "Maria.Garcia@Corp.test", "greyson.homenick.mvv6kqtomw3jtye2@example.net"),
    v("phone", &[], "(415) 867-5309", "(428) 555-0134"),
    v("phone", &[], "+44 20 7123 4567", "+44 00 1536 4534"),
    v("phone", &[], "1-800-FLOWERS", "(778) 555-0102"),
    v("address", &[], "1 Infinite Loop, Cupertino", "3601 Spruce Way, Aspen Hollow, NY 51288"),
    v("address", &[("part", "street")], "1 Infinite Loop", "1986 Grove Way"),
    v("address", &[("part", "city")], "Cupertino", "Alderbrook"),
    v("address", &[("part", "region")], "CA", "WA"),
    v("address", &[("part", "region")], "California", "Utah"),
    v("address", &[("part", "postal")], "SW1A 1AA", "RI3O 6PL"),
    v("ssn_tail", &[], "078-05-1120", "***-**-6397"),
    v("ssn_tail", &[("tail", "none")], "078-05-1120", "***-**-****"),
    v("text_replace", &[], "Called Maria about the late delivery.", "Ullam dicta quia cupiditate."),
    v("text_scrub", &[], "Delivered, as ordered.", "Delivered, as ordered."),
    v(
        "text_scrub",
        &[],
        "Maria (maria.garcia@corp.test, (415) 867-5309) was born 12 March 1984.",
        "Maria (greyson.homenick.mvv6kqtomw3jtye2@example.net, (428) 555-0134) was born 21 January 1985.",
    ),
    v(
        "json",
        &[],
        "{\"name\": \"Maria Garcia\", \"mail\": \"maria.garcia@corp.test\", \"age\": 41, \"code\": \"10293\"}",
        "{\"name\": \"Earum.\", \"mail\": \"greyson.homenick.mvv6kqtomw3jtye2@example.net\", \"age\": 41, \"code\": \"60251\"}",
    ),
    v(
        "json",
        &[("numbers", "mask")],
        "[1.50, true, null, \"\", \"2024-02-29\"]",
        "[9.30, true, null, \"\", \"2025-01-09\"]",
    ),
    v(
        "xml",
        &[],
        "<c id=\"7\" vip=\"true\"><n>Maria</n><m>maria.garcia@corp.test</m></c>",
        "<c id=\"9\" vip=\"true\"><n>Fugiat.</n><m>greyson.homenick.mvv6kqtomw3jtye2@example.net</m></c>",
    ),
    v("list", &[("item", "first_name")], "Maria, Ann", "Therese, Jazmyne"),
    v("list", &[("item", "first_name"), ("format", "array")], "{Maria,NULL}", "{Therese,NULL}"),
    v("date_shift", &[], "2024-02-29 13:45:00+00", "2025-01-09 13:45:00+00"),
    v("date_shift", &[("weeks", "false"), ("max_days", "30")], "2024-02-29", "2024-03-26"),
];

#[test]
fn masks_write_what_they_always_wrote() {
    let mut changed = Vec::new();
    for vector in VECTORS {
        let definition = find(vector.mask).unwrap();
        let given = vector.params.iter().map(|(name, text)| {
            let value = match *text {
                "true" | "false" => Value::Bool(*text == "true"),
                _ => text.parse().map_or_else(|_| Value::Text((*text).into()), Value::Integer),
            };
            ((*name).to_owned(), value)
        });
        let params = Params::new(definition, given).unwrap();
        let mask = (definition.build)(&Site::for_tests(definition.domain), &params).unwrap();
        let mut out = Vec::new();
        mask.mask(Cell::text(vector.cell), &Row::NONE, &mut out).unwrap();
        let masked = String::from_utf8(out).unwrap();
        if masked != vector.masked {
            changed.push(format!("{} {:?} {:?} -> {masked}", vector.mask, vector.params, vector.cell));
        }
    }
    assert!(changed.is_empty(), "\n{}", changed.join("\n"));
}
