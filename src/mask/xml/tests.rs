//! Documents keep their elements and lose their texts.

use super::super::Known;
use super::*;
use proptest::prelude::*;

fn try_mask(params: &[(&'static str, Value)], text: &str) -> std::result::Result<String, Misfit> {
    let given = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let params = Params::new(&DEFINITION, given).unwrap();
    let mut out = b"before".to_vec();
    let row = Row { known: Known::NOTHING, ..Row::of(Some(Cell::text("17"))) };
    build(&Site::for_tests("xml"), &params).unwrap().mask(Cell::text(text), &row, &mut out)?;
    Ok(String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned())
}

fn mask(params: &[(&'static str, Value)], text: &str) -> String {
    try_mask(params, text).unwrap()
}

/// Element names, attribute names and texts, in order.
fn events(text: &str) -> Vec<(String, bool)> {
    let mut reader = Reader::from_str(text);
    let mut all = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return all,
            Event::Start(tag) | Event::Empty(tag) => {
                all.push((format!("{:?}", tag.name()), true));
                for attribute in tag.attributes() {
                    let attribute = attribute.unwrap();
                    all.push((format!("{:?}", attribute.key), true));
                    all.push((attribute.value.to_string(), false));
                }
            }
            Event::Text(text) => all.push((text.to_string(), text.trim().is_empty())),
            _ => {}
        }
    }
}

#[test]
fn texts_and_attributes_are_masked_and_the_rest_stays() {
    let text = "<?xml version=\"1.0\"?>\n<a xmlns=\"urn:x\"  id='C-77' vip=\"true\">\n  <n>Maria &amp; Ann</n><!-- Maria --><e/>\n <m>ann@corp.test</m>&#77;aria<q>12.50</q></a>\n";
    let masked = mask(&[], text);
    for word in ["Maria", "Ann", "ann@", "C-77", "12.50", "<!--", "aria"] {
        assert!(!masked.contains(word), "{word} in {masked}");
    }
    for word in [
        "<?xml version=\"1.0\"?>\n<a xmlns=\"urn:x\"  id='",
        "' vip=\"true\">\n  <n>",
        "</n><e/>\n <m>",
        "@example.",
        "</q></a>\n",
    ] {
        assert!(masked.contains(word), "{word} not in {masked}");
    }
    let quantity = masked.split("<q>").nth(1).unwrap().split("</q>").next().unwrap();
    assert!(quantity.parse::<f64>().is_ok() && quantity.len() == 5, "{quantity}");
}

#[test]
fn paths_and_parameters_decide() {
    let text = "<o id=\"7\"><x:name>Maria Garcia</x:name><c><email>a@corp.test</email><n>5</n></c></o>";
    let paths = Value::table([
        ("/o/@id", Value::text("keep")),
        ("//name", Value::text("full_name")),
        (
            "/o/c",
            Value::Table([("mask".to_owned(), Value::text("fixed")), ("value".to_owned(), Value::text("<&>"))].into()),
        ),
    ]);
    let masked = mask(&[("paths", paths)], text);
    assert!(
        masked.starts_with("<o id=\"7\"><x:name>")
            && masked.ends_with("</x:name><c><email>&lt;&amp;&gt;</email><n>&lt;&amp;&gt;</n></c></o>"),
        "{masked}"
    );
    let kept = mask(&[("numbers", Value::text("keep"))], "<a><b>5</b></a>");
    assert_eq!(kept, "<a><b>5</b></a>");
    assert_eq!(mask(&[("default", Value::text("drop"))], "<a b=\"c\">d</a>"), "<a b=\"\"></a>");
    assert_eq!(mask(&[("default", Value::text("scrub"))], "<a b=\"c\">it&apos;s</a>"), "<a b=\"c\">it&apos;s</a>");
    let comments = mask(&[("comments", Value::text("mask"))], "<a><!-- Maria --><?p Maria?></a>");
    assert!(
        comments.starts_with("<a><!-- ") && comments.contains(" --><?p ") && !comments.contains("Maria"),
        "{comments}"
    );
    let keep = Params::new(&DEFINITION, [("default".to_owned(), Value::text("keep"))]).unwrap();
    assert!(build(&Site::for_tests("xml"), &keep).err().unwrap().what().contains("reason"));
}

#[test]
fn nothing_is_expanded_and_bad_documents_are_refused() {
    for wrong in [
        "<a>",
        "</a>",
        "<a></b>",
        "<a b=c/>",
        "<a b=\"1\" b=\"2\"/>",
        "<a",
        "a & b",
        "<a>&unknown;</a>",
        "<a b=\"&x;\"/>",
        "<!-- a -- b --><a/>",
        "<!DOCTYPE a [<!ENTITY x \"Maria\">]><a>&x;</a>",
        "<![CDATA[x",
    ] {
        assert!(try_mask(&[], wrong).is_err(), "{wrong}");
    }
    assert!(
        mask(&[], "<!DOCTYPE a SYSTEM \"x.dtd\"><a><![CDATA[<b>Maria</b>]]></a>")
            .starts_with("<!DOCTYPE a SYSTEM \"x.dtd\"><a>")
    );
    assert!(!mask(&[], "Maria <b>Garcia</b> Lopez").contains("Maria"));
}

fn documents() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[A-Za-z ]{1,12}",
        "[0-9]{1,6}",
        " {1,3}",
        "[a-z]{2,5}@[a-z]{2,5}\\.de",
        "x &amp; [a-z]{1,4}",
        "é—日本"
    ];
    let leaf = (text, "[a-c]").prop_map(|(text, name)| format!("<{name} k=\"{text}\">{text}</{name}>"));
    leaf.prop_recursive(4, 24, 4, |inner| {
        (proptest::collection::vec(inner, 1..4), "[d-f]")
            .prop_map(|(inner, name)| format!("<{name}>{}</{name}>", inner.concat()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn elements_stay_and_every_text_changes(document in documents()) {
        let masked = mask(&[], &document);
        prop_assert_eq!(&masked, &mask(&[], &document));
        let (before, after) = (events(&document), events(&masked));
        prop_assert_eq!(before.iter().filter(|(_, stays)| *stays).count(), after.iter().filter(|(_, stays)| *stays).count());
        for (one, other) in before.iter().filter(|(_, stays)| *stays).zip(after.iter().filter(|(_, stays)| *stays)) {
            prop_assert_eq!(one, other);
        }
        if before.len() == after.len() {
            for ((one, stays), (other, _)) in before.iter().zip(&after) {
                prop_assert!(*stays || one.trim().is_empty() || one != other, "{one} in {masked}");
            }
        }
    }

    #[test]
    fn any_text_is_read_without_breaking(text in "\\PC{0,40}|[<>/a-c =\"'&;!\\-\\[\\]?#x0-9]{0,40}|(<[ab]( k=\"[a-z]{0,3}\")?/?>|</[ab]>|[a-z &;]{0,4}){0,10}") {
        let _ = try_mask(&[], &text);
        let _ = try_mask(&[("comments", Value::text("mask")), ("default", Value::text("scrub"))], &text);
    }
}
