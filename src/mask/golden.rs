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
    v("hash", &[], "A-1029384756", "56f4440c2d50415ea872de707a8d6f25"),
    v("hash", &[("length", "12")], "A-1029384756", "56f4440c2d50"),
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
    v("persona", &[("member", "email")], "maria.garcia@corp.test", "joy.durgan.5q7foiyqiw2dwcpb@example.com"),
    v("persona", &[("member", "full_name")], "Maria Garcia", "Lacey Welch"),
    v("persona", &[("member", "full_name")], "Garcia, Maria", "Welch, Lacey"),
    v("persona", &[("member", "username")], "mgarcia", "a_senger_ujascnosttcd5mvg"),
    v("persona", &[("member", "initials")], "M.G.", "D.B."),
    v("persona", &[("member", "phone")], "(415) 867-5309", "(883) 555-0109"),
    v("persona", &[("member", "company")], "Garcia Farms LLC", "Rolfson & Weissnat Group"),
    v("ssn_tail", &[], "078-05-1120", "***-**-6397"),
    v("ssn_tail", &[("tail", "none")], "078-05-1120", "***-**-****"),
    v("text_replace", &[], "Called Maria about the late delivery.", "Ullam dicta quia cupiditate."),
    v("text_scrub", &[], "Delivered, as ordered.", "Delivered, as ordered."),
    v(
        "text_scrub",
        &[],
        "Maria (maria.garcia@corp.test, (415) 867-5309) was born 12 March 1984.",
        "Maria (greyson.homenick.mvv6kqtomw3jtye2@example.net, (428) 555-0134) was born 11 July 1984.",
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
    v("first_name", &[("locale", "fr_fr")], "Maria", "Théa"),
    v("last_name", &[("locale", "tr_tr")], "Garcia", "Demir"),
    v("full_name", &[("locale", "ja_jp")], "Maria Garcia", "竹内 凜"),
    v("full_name", &[("locale", "zh_cn")], "Maria Garcia", "钟旭翰"),
    v("full_name", &[("locale", "nl_nl")], "Garcia, Maria", "Post, Annemarie"),
    v("default", &[], "paid", ""),
    v("secret", &[], "$2y$12$EXAMPLEonly", "$2y$10$mMkp0V0dL1sbojkIyCct7OkyEJY1pUv1vrlmDU8.U2zuVdOMNFd26"),
    v(
        "secret",
        &[],
        "$argon2id$v=19$m=1,t=1,p=1$x$y",
        "$argon2id$v=19$m=65536,t=3,p=4$xDqPvC6iu7V4y9qVAYdk0w$ZZzY4KJ/nznt2Vy3xJTHAbg3F9oiiSBKbyvmb26lgGI",
    ),
    v(
        "secret",
        &[],
        "pbkdf2_sha256$1$salt$hash",
        "pbkdf2_sha256$600000$TUxyqWkPqzpH1aP9TiucjM$/nOgc4Dv3yU3cvn4+BckymwJ6/z6DZ9vgflhS+TaTvQ=",
    ),
    v("secret", &[], "5f4dcc3b5aa765d61d8327deb882cf99", "d64af9d31ff88e640c4065c577e8fee1"),
    v("secret", &[], "hunter2", "zxxoxzfp62dk5dnxxiiuti3e"),
    v("secret", &[("kind", "api_key")], "sk_live_1", "masked_givgdcvv4lfr672xk3qwwepxsnpyxqzy"),
    v("username", &[], "mgarcia84", "sh_uycgs572w5gxnchw"),
    v("username", &[("style", "first_last"), ("separator", ".")], "mgarcia84", "sylvan.howell.uycgs572w5gxnchw"),
    v("company", &[], "Example Widgets GmbH & Co. KG", "Yarlemere Consulting GmbH & Co. KG"),
    v("company", &[], "example widgets, inc.", "Yarlemere Consulting, Inc."),
    v(
        "user_agent",
        &[],
        "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) CriOS/9.9 Mobile Safari/604.1",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0 Mobile/15E148 Safari/604.1",
    ),
    v(
        "user_agent",
        &[],
        "Mozilla/5.0 (Windows NT 6.1; rv:54.0) Gecko/20100101 Firefox/54.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0",
    ),
    v("dob", &[], "1984-07-09", "1984-05-03"),
    v("dob", &[("keep", "band")], "1984/07/09 12:00:00", "1981/09/07 00:00:00"),
    v("dob", &[], "1921-03-30", "1936-10-20"),
    v("date_trunc", &[], "2024-02-29 13:45:00+00", "2024-02-01 00:00:00+00"),
    v("date_trunc", &[("unit", "week")], "2024-02-29", "2024-02-26"),
    v("bucket", &[("width", "10")], "47", "40"),
    v("bucket", &[("edges", "[0, 1000, 5000]")], "1250.50", "1000.00"),
    v("noise", &[], "52300.00", "56605.56"),
    v("noise", &[("by", "5")], "47", "44"),
    v("scale", &[], "1249.90", "1202.47"),
    v("scale", &[], "-80000", "-76964"),
    v("geo", &[], "37.774929,-122.419416", "37.777332,-122.419866"),
    v("geo", &[("cell", "250"), ("jitter", "false")], "(37.774929, -122.419416)", "(37.875000, -122.375000)"),
    v("enum_pick", &[("values", "[card, cash, transfer]")], "cash", "card"),
    v("enum_pick", &[("weights", "{closed: 9, open: 1}")], "new", "closed"),
    v("map", &[("table", "{NORTH: R1, SOUTH: R2}")], "SOUTH", "R2"),
    v("map", &[("table", "{NORTH: R1}"), ("on_miss", "hash")], "WEST", "3e4cd3da5288d8e243505162c00036f5"),
    v("regex_replace", &[("pattern", "[0-9]+"), ("replacement", "#")], "batch 4711, shelf 12", "batch #, shelf #"),
    v(
        "url",
        &[],
        "https://maria.blog.test:8080/about/me.html?ref=mail#top",
        "https://c25tfwwd22.example.com:8080/xw5jkkgj/2ccsbevl.html",
    ),
    v(
        "url",
        &[("path", "drop"), ("query", "replace"), ("host", "test")],
        "http://corp.test/wiki?q=maria",
        "http://5vva5iq3m3.test?q=asdbm6pz4ax3a7sm",
    ),
    v("filename", &[], "scans/2024/garcia-maria-passport.PDF", "rzshs6yb/dyimcsx2/fg35wiztytza.pdf"),
    v(
        "blob",
        &[],
        "\\x474946383961aabbcc",
        "\\x47494638396101000100800000808080ffffff2c00000000010001000002024401003b",
    ),
    v("blob", &[("length", "4")], "0xdeadbeef00", "0x00000000"),
];

/// A parameter as a policy spells it, where texts need no quotes: `12`, `true`, `word`, `[a, b]`, `{a: b, c: d}`.
fn value(text: &'static str) -> Value {
    let within = |open, close| text.strip_prefix(open).and_then(|text: &str| text.strip_suffix(close));
    if let Some(list) = within('[', ']') {
        return Value::List(list.split(", ").map(value).collect());
    }
    if let Some(table) = within('{', '}') {
        let pairs = table.split(", ").map(|pair| pair.split_once(": ").unwrap());
        return Value::Table(pairs.map(|(name, text)| (name.to_owned(), value(text))).collect());
    }
    match text {
        "true" | "false" => Value::Bool(text == "true"),
        _ => text.parse().map_or_else(|_| Value::text(text), Value::Integer),
    }
}

#[test]
fn masks_write_what_they_always_wrote() {
    let mut changed = Vec::new();
    for vector in VECTORS {
        let definition = find(vector.mask).unwrap();
        let given = vector.params.iter().map(|(name, text)| ((*name).to_owned(), value(text)));
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

/// Masks whose outputs are pinned in their own files, or are the user's.
const ELSEWHERE: [&str; 4] = ["null", "command", "shuffle", "template"];

#[test]
fn every_mask_is_frozen() {
    let frozen = |name: &str| ELSEWHERE.contains(&name) || VECTORS.iter().any(|vector| vector.mask == name);
    let missing: Vec<&str> = super::MASKS.iter().map(|mask| mask.name).filter(|name| !frozen(name)).collect();
    assert!(missing.is_empty(), "no golden vector of {}", missing.join(", "));
}
