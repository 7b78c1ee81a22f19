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
    v("date_shift", &[], "2024-02-29 13:45:00+00", "2025-01-09 13:45:00+00"),
    v("date_shift", &[("weeks", "false"), ("max_days", "30")], "2024-02-29", "2024-03-26"),
    v("digits", &[], "4000-1234-88", "8774-7229-38"),
    v("digits", &[], "0012345", "0265921"),
    v("digits", &[], "7", "2"),
    v("digits", &[("keep_separators", "false")], "4000-1234-88", "8774722938"),
    v("alnum", &[], "INV-2024-00817", "AQR-6299-15903"),
    v("alnum", &[], "sk_test_4eC39HqLyjWDarjtT1zdp7dcEXAMPLE", "or_mcaw_9oA14HhCecDRwogiO0cbm1ibGYYZZAJ"),
    v("pattern", &[], "Lot 7B/2291", "Itt 6E/5076"),
    v("pattern", &[("keep_prefix", "4"), ("reason", "branch")], "OAK-2024-00817", "OAK-3326-77731"),
    v("int_permute", &[], "48213", "63704"),
    v("int_permute", &[], "-12", "-53"),
    v("int_permute", &[("min", "1"), ("max", "2147483647")], "48213", "689566276"),
    v("uuid", &[], "3f2b8c1e-9d4a-4b6f-8e21-7c5a90d1e2f3", "8e2546aa-ce10-4d07-9eb7-ec647d8b4f37"),
    v("uuid", &[], "{6BA7B810-9DAD-11D1-80B4-00C04FD430C8}", "{7534DF0A-8C3D-1A97-B43C-D8E387359558}"),
    v("card", &[], "4929 1234 5678 9015", "4000 0016 5638 1928"),
    v("card", &[], "****9015", "4000004431845100"),
    v("card", &[("check", "broken")], "371449635398431", "646871454306399"),
    v("card", &[("keep_last4", "true"), ("reason", "support")], "5425-2334-3010-9903", "4000-0073-2942-9903"),
    v("iban", &[], "DE89 3704 0044 0532 0130 00", "DE80 0000 3695 2293 7776 52"),
    v("iban", &[], "GB29NWBK60161331926819", "GB17XXXX39334477194485"),
    v("iban", &[], "BE68 5390 0754 7034", "BE40 0000 7338 8900"),
    v("iban", &[("check", "broken")], "GB29NWBK60161331926819", "GB00VDSV80755092350771"),
    v("bank_account", &[], "000123456789", "057041995440"),
    v("bank_account", &[("kind", "routing")], "021000021", "208101374"),
    v("ssn", &[], "219-09-9999", "993-11-7292"),
    v("ssn", &[], "078051120", "914237209"),
    v("ssn", &[], "n/a", "943-21-9665"),
    v("gov_id", &[], "PA-4471-XK", "TE-0491-TY"),
    v("gov_id", &[("country", "us_ein")], "12-3456789", "89-8622625"),
    v("gov_id", &[("country", "uk_nino")], "AB 12 34 56 C", "IT 73 50 53 A"),
    v("gov_id", &[("country", "de_steuer_id")], "86 095 742 719", "03 526 964 174"),
    v("gov_id", &[("country", "de_steuer_id"), ("check", "broken")], "86 095 742 719", "25 338 701 233"),
    v("gov_id", &[("country", "ca_sin")], "130-692-544", "050-101-021"),
    v("gov_id", &[("country", "fr_nir")], "2 55 08 14 168 025 38", "9 91 07 86 728 380 52"),
    v("gov_id", &[("country", "br_cpf")], "529.982.247-25", "626.532.375-59"),
    v("mac", &[], "00:1b:63:84:45:e6", "82:2e:dd:f5:7e:ee"),
    v("mac", &[], "001B.6384.45E6", "822E.DDF5.7EEE"),
    v("ip", &[], "10.20.30.40", "203.0.113.197"),
    v("ip", &[], "172.16.0.0/12", "249.128.0.0/12"),
    v("ip", &[], "2a02:8108:50:1::7", "2001:db8:77db:8ab5:52d9:b4ca:b65c:bc5d"),
    v("ip", &[("keep", "prefix"), ("reason", "subnets")], "10.20.30.40", "222.122.20.37"),
    v("crypto_wallet", &[], "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x48dDde42a5F68844ac1F4a8C208a236e9DE4ef29"),
    v("crypto_wallet", &[], "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bc1qzder7y2en34dzwy9zzlvenfh7f0ef9uzucrkwm"),
    v("crypto_wallet", &[], "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "1i9gtZNFinjJ55bPrEx2tW5fGTdxW1xELt"),
    v("crypto_wallet", &[], "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8", "TZmsQgrqpTxMX3UqL6LoFvTnUiya36uoM0"),
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
