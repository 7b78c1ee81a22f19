//! Documents keep their structure and lose their texts.

use super::super::Known;
use super::super::known::Learning;
use super::*;
use proptest::prelude::*;
use serde_json::Value as Parsed;

fn try_mask(params: &[(&'static str, Value)], known: &Known, text: &str) -> std::result::Result<String, Misfit> {
    let given = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let params = Params::new(&DEFINITION, given).unwrap();
    let mut out = b"before".to_vec();
    let row = Row { known, ..Row::of(Some(Cell::text("17"))) };
    build(&Site::for_tests("json"), &params).unwrap().mask(Cell::text(text), &row, &mut out)?;
    Ok(String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned())
}

fn mask(params: &[(&'static str, Value)], text: &str) -> String {
    try_mask(params, Known::NOTHING, text).unwrap()
}

fn paths<const N: usize>(entries: [(&str, &'static str); N]) -> (&'static str, Value) {
    ("paths", Value::table(entries.map(|(path, mask)| (path, Value::text(mask)))))
}

#[test]
fn everything_but_texts_stays_as_it_stands() {
    let text = "\u{20}{ \"b\" : 1.50e+2 ,\n\t\"a\":[ true,null , -0 ,\"\"] , \"b\":{},\"c\":[ ] }\r\n";
    assert_eq!(mask(&[], text), text);
    let masked = mask(&[], "{\"n\" : \"Maria\",  \"m\":\"\\u0041nn\\u00e9 \\ud83c\\udf3f\\n\"}");
    assert!(
        masked.starts_with("{\"n\" : \"") && masked.contains("\",  \"m\":\"") && !masked.contains("nn"),
        "{masked}"
    );
}

#[test]
fn paths_decide_and_hold_below() {
    let text = r#"{"contact":{"email":"A@corp.test","n":{"x":"y"}},"items":[{"sku":"A-1","who":"Ann"},{"sku":"B","who":"Bob"}]}"#;
    let masked = mask(
        &[paths([
            ("$.contact", "token"),
            ("$.contact.email", "email"),
            ("$..sku", "keep"),
            ("$.items[1].who", "null"),
        ])],
        text,
    );
    let parsed: Parsed = serde_json::from_str(&masked).unwrap();
    assert!(parsed["contact"]["email"].as_str().unwrap().contains("@example."));
    assert_eq!(parsed["contact"]["n"]["x"].as_str().unwrap().len(), 24);
    assert_eq!((parsed["items"][0]["sku"].as_str(), parsed["items"][1]["sku"].as_str()), (Some("A-1"), Some("B")));
    assert!(parsed["items"][1]["who"].is_null() && parsed["items"][0]["who"] != "Ann");
}

#[test]
fn the_same_value_has_the_fake_of_its_own_column() {
    let site = Site::for_tests("json");
    let email = super::super::find("email").unwrap();
    let mut out = Vec::new();
    let column = (email.build)(&Site::free(&site.ring, email.domain, Family::Text), &Params::default()).unwrap();
    column.mask(Cell::text("ann@corp.test"), &Row::NONE, &mut out).unwrap();
    let want = format!("{{\"a\":\"{0}\",\"b\":\"{0}\"}}", String::from_utf8(out).unwrap());
    assert_eq!(mask(&[], "{\"a\":\"ann@corp.test\",\"b\":\"\\u0041nn@corp.test\"}"), want);
}

#[test]
fn json_inside_of_texts_is_opened() {
    let inner = r#"{"email":"ann@corp.test","deep":"[\"Ann Lee\", 7]","n":5}"#;
    let text = format!("{{\"payload\":{},\"odd\":\"{{Ann\"}}", serde_json::to_string(inner).unwrap());
    let masked = mask(&[paths([("$.payload.email", "hash"), ("$.payload.deep[0]", "full_name")])], &text);
    let parsed: Parsed = serde_json::from_str(&masked).unwrap();
    let inner: Parsed = serde_json::from_str(parsed["payload"].as_str().unwrap()).unwrap();
    assert_eq!((inner["email"].as_str().unwrap().len(), inner["n"].as_i64()), (32, Some(5)));
    let deep: Parsed = serde_json::from_str(inner["deep"].as_str().unwrap()).unwrap();
    assert!(deep[1] == 7 && deep[0].as_str().unwrap().contains(' ') && deep[0] != "Ann Lee");
    assert!(!masked.contains("Ann"), "{masked}");
}

#[test]
fn unlisted_leaves_follow_the_default() {
    let text = r#"{"a":"x ann@corp.test", "b":1,"c":[2,"y",[]], "d":{"e":true}, "f":"z"}"#;
    let keep = [paths([("$.f", "keep")])];
    let of = |default: &'static str| {
        let reason = ("reason", Value::text("a test"));
        mask(&[keep[0].clone(), ("default", Value::text(default)), reason], text)
    };
    assert_eq!(of("drop"), r#"{"c":[null,null,[]], "d":{}, "f":"z"}"#);
    assert_eq!(of("keep"), text);
    let scrubbed = of("scrub");
    assert!(
        scrubbed.starts_with("{\"a\":\"x ") && !scrubbed.contains("ann@") && scrubbed.contains("\"y\""),
        "{scrubbed}"
    );
    assert_eq!(mask(&[("default", Value::text("drop"))], "\"x\""), "null");
    assert_eq!(mask(&[("default", Value::text("drop"))], "{\"a\":\"x\" , \"b\":{} }"), "{ \"b\":{} }");
    let reasonless = Params::new(&DEFINITION, [("default".to_owned(), Value::text("keep"))]).unwrap();
    assert!(build(&Site::for_tests("json"), &reasonless).err().unwrap().what().contains("reason"));
    assert!((DEFINITION.reveals)(&reasonless));
}

#[test]
fn numbers_stay_numbers() {
    for number in ["0", "-0", "5", "-17.50", "1e400", "0.001", "4155550134", "12.5E-3"] {
        let masked = mask(&[("numbers", Value::text("mask"))], number);
        assert!(
            masked != number && serde_json::from_str::<serde_json::Number>(&masked).is_ok() || number == "1e400",
            "{number} became {masked}"
        );
        assert_eq!(mask(&[], number), number);
    }
    let masked = mask(&[paths([("$.phone", "phone")])], "{\"phone\":4158675309}");
    assert!(masked.len() == 20 && serde_json::from_str::<Parsed>(&masked).unwrap()["phone"].is_u64(), "{masked}");
}

#[test]
fn known_values_and_telling_names_are_replaced() {
    let mut learning = Learning::new(1 << 20);
    learning.learn(Teaches::Name, Cell::text("Maria Garcia"), b"Therese Kuhn", Some(Cell::text("17")));
    learning.learn(Teaches::Whole, Cell::text("(415) 867-5309"), b"(428) 555-0134", Some(Cell::text("17")));
    let known = learning.finish();
    let text = r#"{"Garcia, Maria":"MARIA GARCIA","maria":1,"ann@corp.test":{"tel":4158675309},"x":"call Maria"}"#;
    let masked = try_mask(&[("default", Value::text("scrub"))], &known, text).unwrap();
    assert!(masked.starts_with(r#"{"Kuhn, Therese":"THERESE KUHN","maria":1,""#), "{masked}");
    assert!(
        masked.ends_with(r#"@example.org":{"tel":4285550134},"x":"call Therese"}"#) || masked.contains("@example."),
        "{masked}"
    );
    assert!(
        masked.contains("\"tel\":4285550134") && masked.contains("call Therese") && !masked.contains("ann@"),
        "{masked}"
    );
}

#[test]
fn what_is_no_json_or_too_deep_is_refused() {
    for wrong in [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "[1 2]",
        "01",
        "1.",
        ".5",
        "+1",
        "tru",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "nullx",
        "[1}",
        "{\"a\":1]",
        "1 2",
        "{,}",
        "[,]",
        "-",
        "1e",
        "{\"a\":}",
    ] {
        assert_eq!(try_mask(&[], Known::NOTHING, wrong), Err(NOT_JSON), "{wrong}");
    }
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(try_mask(&[], Known::NOTHING, &deep(64)).is_ok());
    assert!(try_mask(&[], Known::NOTHING, &deep(65)).unwrap_err().0.contains("depth"));
    assert!(try_mask(&[("depth", Value::Integer(1))], Known::NOTHING, "\"[[1]]\"").is_err());
    let mut out = Vec::new();
    let short = Site { max_chars: Some(5), ..Site::for_tests("json") };
    let mask = build(&short, &Params::default()).unwrap();
    assert!(mask.mask(Cell::text("{\"a\":\"b\"}"), &Row::NONE, &mut out).is_err());
    assert!(mask.mask(Cell { kind: CellKind::Text, bytes: b"\"\xff\"" }, &Row::NONE, &mut out).is_err());
}

#[test]
fn wrong_paths_say_what_to_write() {
    let params = Params::new(&DEFINITION, [("paths".to_owned(), paths([("email", "email")]).1)]).unwrap();
    let error = build(&Site::for_tests("json"), &params).err().unwrap();
    assert!(error.what().contains("'email'") && error.hint_text().unwrap().contains("$.contact.email"));
    assert!(Params::new(&DEFINITION, [("paths".to_owned(), paths([("$.a", "no_mask")]).1)]).is_err());
}

#[test]
fn narrow_character_sets_get_escapes() {
    let narrow = Site { charset: Charset::Ascii, ..Site::for_tests("json") };
    let params = Params::new(
        &DEFINITION,
        [paths([("$.a", "fixed")])].map(|(name, _)| {
            (
                name.to_owned(),
                Value::Table(
                    [(
                        "$.a".to_owned(),
                        Value::Table(
                            [
                                ("mask".to_owned(), Value::text("fixed")),
                                ("value".to_owned(), Value::text("é🌿\"\u{1}")),
                            ]
                            .into(),
                        ),
                    )]
                    .into(),
                ),
            )
        }),
    )
    .unwrap();
    let mut out = Vec::new();
    build(&narrow, &params).unwrap().mask(Cell::text("{\"a\":\"b\"}"), &Row::NONE, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "{\"a\":\"\\u00e9\\ud83c\\udf3f\\\"\\u0001\"}");
}

fn documents() -> impl Strategy<Value = Parsed> {
    let text = prop_oneof![
        "\\PC{0,10}",
        "[A-Z][a-z]{2,7}( [A-Z][a-z]{2,7})?",
        "[0-9]{1,9}",
        "[a-z]{2,5}@[a-z]{2,5}\\.de",
        "[\"\\\\/\n\t{}\\[\\]]{1,4}",
        "(19|20)[0-9]{2}-0[1-9]-[12][0-9]"
    ];
    let leaf = prop_oneof![
        Just(Parsed::Null),
        any::<bool>().prop_map(Parsed::from),
        any::<i64>().prop_map(Parsed::from),
        any::<f64>().prop_map(Parsed::from),
        text.prop_map(Parsed::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Parsed::from),
            proptest::collection::hash_map("[a-z_]{1,6}", inner, 0..5)
                .prop_map(|map| Parsed::Object(map.into_iter().collect())),
        ]
    })
}

/// Whether `after` is `before` with other texts.
fn same_but_texts(before: &Parsed, after: &Parsed) -> bool {
    match (before, after) {
        (Parsed::String(before), Parsed::String(after)) => {
            let container =
                || serde_json::from_str::<Parsed>(before).is_ok_and(|inner| inner.is_object() || inner.is_array());
            before.trim().is_empty() || before != after || container()
        }
        (Parsed::Array(before), Parsed::Array(after)) => {
            before.len() == after.len() && before.iter().zip(after).all(|(before, after)| same_but_texts(before, after))
        }
        (Parsed::Object(before), Parsed::Object(after)) => {
            before.len() == after.len()
                && before
                    .iter()
                    .all(|(name, before)| after.get(name).is_some_and(|after| same_but_texts(before, after)))
        }
        (before, after) => before == after,
    }
}

/// What stands outside of strings: structure, spacing, numbers.
fn skeleton(text: &str) -> String {
    let (mut out, mut inside, mut escaped) = (String::new(), false, false);
    for c in text.chars() {
        if inside {
            inside = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else {
            inside = c == '"';
            out.push(c);
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn structure_stays_and_every_text_changes(document in documents(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) }.unwrap();
        let masked = mask(&[], &text);
        prop_assert_eq!(&masked, &mask(&[], &text));
        // Read again, since a number may lose its last digit between text and float.
        let document = serde_json::from_str(&text).unwrap();
        prop_assert!(same_but_texts(&document, &serde_json::from_str(&masked).unwrap()), "{text} became {masked}");
        prop_assert_eq!(skeleton(&text), skeleton(&masked));
    }

    #[test]
    fn any_text_is_read_as_the_reference_reads_it(text in "\\PC{0,40}|[\\[\\]{}\":,0-9a-f\\\\u. eE+-]{0,40}|([{}\\[\\],:]|\"[a-z]{0,3}\"|[0-9]|null){0,12}") {
        let ours = try_mask(&[], Known::NOTHING, &text);
        let reference = serde_json::from_str::<Parsed>(&text);
        let lone = text.contains("\\u") || text.contains(['e', 'E']);
        prop_assert!(ours.is_ok() == reference.is_ok() || lone && ours.is_ok(), "{text}");
        if let (Ok(ours), Ok(_)) = (ours, reference) {
            prop_assert!(serde_json::from_str::<Parsed>(&ours).is_ok(), "{ours}");
        }
    }
}
