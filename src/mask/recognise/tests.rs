//! What is recognised and what is not, in tables.

use super::*;

fn found(text: &str) -> Vec<(Kind, &str)> {
    recognise(text, Wanted::PERSONAL).into_iter().map(|hit| (hit.kind, &text[hit.range])).collect()
}

#[track_caller]
fn each(kind: Kind, table: &[(&str, &str)]) {
    for (text, part) in table {
        assert_eq!(found(text), [(kind, *part)], "{text}");
    }
}

#[track_caller]
fn none(table: &[&str]) {
    for text in table {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn emails() {
    each(
        Kind::Email,
        &[
            ("write to ann.lee+x@mail.corp.test.", "ann.lee+x@mail.corp.test"),
            ("<ann@corp.test>", "ann@corp.test"),
            ("mailto:ann@corp.test?subject=x", "ann@corp.test"),
            ("Ann_Lee@CORP.TEST,", "Ann_Lee@CORP.TEST"),
            ("'ann@corp.test'", "ann@corp.test"),
            ("email=ann-b@c-d.co.test&x=1", "ann-b@c-d.co.test"),
            ("josé@größe.test wrote", "josé@größe.test"),
            ("1234567890@corp.test", "1234567890@corp.test"),
            ("联系ann@corp.test。", "ann@corp.test"),
        ],
    );
    none(&[
        "@ann is here",
        "ann@localhost",
        "a @ b.test",
        "2@3.5",
        "ann@.test",
        "ann@corp.t",
        "ann..b@corp.test",
        "x@-a.test",
    ]);
}

#[test]
fn phones() {
    each(
        Kind::Phone,
        &[
            ("call (415) 867-5309 today", "(415) 867-5309"),
            ("415-867-5309", "415-867-5309"),
            ("415.867.5309 or so", "415.867.5309"),
            ("at 415 867 5309.", "415 867 5309"),
            ("1-415-867-5309", "1-415-867-5309"),
            ("+1 (415) 867-5309 x221", "+1 (415) 867-5309 x221"),
            ("415-867-5309 ext. 22", "415-867-5309 ext. 22"),
            ("+14158675309", "+14158675309"),
            ("+44 20 7123 4567", "+44 20 7123 4567"),
            ("(+44) 20 7123 4567", "+44) 20 7123 4567"),
            ("0049 30 1234567", "0049 30 1234567"),
            ("06 12 34 56 78", "06 12 34 56 78"),
            ("020 7123 4567", "020 7123 4567"),
            ("Tel. 030/1234567", "030/1234567"),
            ("0171-1234567", "0171-1234567"),
            ("(030) 1234567", "(030) 1234567"),
            ("(11) 91234-5678", "(11) 91234-5678"),
            ("138 0013 8000", "138 0013 8000"),
            ("03-1234-5678", "03-1234-5678"),
            ("telefon: 4158675309", "4158675309"),
            ("Handy 01711234567", "01711234567"),
            ("móvil 612 345 678", "612 345 678"),
            ("тел. 8 495 123 45 67", "8 495 123 45 67"),
            ("电话13800138000", "13800138000"),
            ("his number is 415-867-5309", "415-867-5309"),
            ("phone no. 4158675309", "4158675309"),
            ("+49 30 1234567", "+49 30 1234567"),
        ],
    );
    none(&[
        "order 4158675309",
        "order no. 415-867-5309",
        "#415-867-5309",
        "4158675309",
        "2024-01-31 10:15",
        "01.02.2024 12:30",
        "31/12/2024",
        "total 1.234.567.890",
        "1 234 567 890",
        "$415 867 5309",
        "3.14159265358979",
        "ISBN 978-3-16-148410-0",
        "invoice 0612-34-5678",
        "SKU 12-3456-7890",
        "lot 0012345678",
        "12345-6789",
        "10/11/12",
        "1700000000000",
        "A0612 345 678B",
        "192.168.1",
        "100-200-300",
        "call me at 5",
        "2024-2025",
        "08:30-17:30",
    ]);
}

#[test]
fn cards() {
    each(
        Kind::Card,
        &[
            ("paid with 4111 1111 1111 1111 today", "4111 1111 1111 1111"),
            ("5555-5555-5555-4444", "5555-5555-5555-4444"),
            ("378282246310005", "378282246310005"),
            ("3782 822463 10005", "3782 822463 10005"),
            ("card:6011111111111117", "6011111111111117"),
            ("30569309025904", "30569309025904"),
            ("2223003122003222.", "2223003122003222"),
        ],
    );
    none(&[
        "4111 1111 1111 1112",
        "1234567890123456",
        "order 4111111111111111234567",
        "4111111111111111.50",
        "x4111111111111111",
    ]);
}

#[test]
fn social_security_numbers() {
    each(
        Kind::Ssn,
        &[
            ("his is 219-45-6789.", "219-45-6789"),
            ("219 45 6789", "219 45 6789"),
            ("SSN: 219456789", "219456789"),
            ("social security number 219.45.6789", "219.45.6789"),
            ("900-12-3456", "900-12-3456"),
        ],
    );
    none(&[
        "219456789",
        "219.45.6789",
        "219-456-789",
        "1219-45-6789",
        "219-45-67890",
        "219-45-6789-1",
        "900 12 3456",
        "part 219 45 6789",
    ]);
}

#[test]
fn addresses_of_networks() {
    each(
        Kind::Ip,
        &[
            ("from 8.8.4.4.", "8.8.4.4"),
            ("8.8.4.4:443", "8.8.4.4"),
            ("[2001:db8::8a2e:370:7334]", "2001:db8::8a2e:370:7334"),
            ("fe80::1ff:fe23:4567:890a%eth0", "fe80::1ff:fe23:4567:890a"),
            ("at 10.0.0.17,", "10.0.0.17"),
        ],
    );
    each(Kind::Mac, &[("eth 00:1b:44:11:3a:b7 up", "00:1b:44:11:3a:b7"), ("00-1B-44-11-3A-B7", "00-1B-44-11-3A-B7")]);
    none(&[
        "version 1.2.3.4",
        "v1.2.3.4",
        "1.2.3.4.5",
        "300.1.1.1",
        "127.0.0.1",
        "12:30:45",
        "std::deadbeef",
        "Face::Bad",
        "::1",
        "a::b",
        "1:2:3",
        "10-11-12-13-14-15",
        "01.02.03.04",
    ]);
}

#[test]
fn accounts_and_links() {
    each(
        Kind::Iban,
        &[
            ("IBAN DE89 3704 0044 0532 0130 00.", "DE89 3704 0044 0532 0130 00"),
            ("GB82WEST12345698765432", "GB82WEST12345698765432"),
            ("to fr1420041010050500013m02606, now", "fr1420041010050500013m02606"),
        ],
    );
    none(&["DE89 3704 0044 0532 0130 01", "XX8937040044053201300", "GB82WEST1234569876543"]);
    each(
        Kind::Url,
        &[
            ("see https://corp.test/a?b=c#d, ok", "https://corp.test/a?b=c#d"),
            ("(http://ann@corp.test:80/x_(y))", "http://ann@corp.test:80/x_(y)"),
            ("www.corp.test/ann.", "www.corp.test/ann"),
            ("<ftp://corp.test/x>", "ftp://corp.test/x"),
            ("“https://corp.test/日本”", "https://corp.test/日本"),
        ],
    );
    none(&["http:// nothing", "foo://bar", "awww.corp.test", "www. is", "1://2", "std::www.x"]);
}

#[test]
fn dates_of_birth_in_many_ways() {
    each(
        Kind::Birth,
        &[
            ("born 1984-03-12 in Rome", "1984-03-12"),
            ("DOB: 03/12/1984", "03/12/1984"),
            ("D.O.B. 3/12/84", "3/12/84"),
            ("geb. 12.03.1984", "12.03.1984"),
            ("geboren am 12. März 1984", "12. März 1984"),
            ("né le 12 mars 1984", "12 mars 1984"),
            ("nacida el 12 de marzo de 1984", "12 de marzo de 1984"),
            ("Birthday: March 12, 1984", "March 12, 1984"),
            ("date of birth 12 Mar 1984", "12 Mar 1984"),
            ("born on 19840312", "19840312"),
            ("1984-03-12 (birth)", "1984-03-12"),
            ("生年月日 1984/03/12", "1984/03/12"),
            ("дата рождения: 12 марта 1984", "12 марта 1984"),
        ],
    );
    none(&[
        "shipped 2024-03-12",
        "12.03.1984",
        "born 1984-13-12",
        "born 2024-02-30",
        "born in 1984",
        "March 12, 1984",
        "12 monkeys 1995",
    ]);
    let all = Wanted::of(&[Kind::Date]).with(Dates::All);
    for text in ["2024-02-29", "29.2.2024", "2/29/2024", "29 février 2024", "Feb 29, 2024", "2024-02-29T10:00:00Z"] {
        assert_eq!(recognise(text, all).len(), 1, "{text}");
    }
    for text in ["20240229", "1.2.3", "12/2024", "2024-02-30", "99.99.2024", "1999-01-01-01"] {
        assert_eq!(recognise(text, all).len(), 0, "{text}");
    }
}

#[test]
fn dates_are_written_as_they_stood() {
    for (text, other) in [
        ("1984-03-12", "2001-11-05"),
        ("03/12/1984", "11/05/2001"),
        ("12.3.84", "05.11.01"),
        ("12. märz 1984", "05. november 2001"),
        ("12 MAR 1984", "05 NOV 2001"),
        ("March 12, 1984", "November 05, 2001"),
        ("12 de marzo de 1984", "05 de noviembre de 2001"),
        ("19840312", "20011105"),
    ] {
        let mut out = Vec::new();
        WrittenDate::read(text).unwrap().write(text, (2001, 11, 5), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), other, "{text}");
    }
}

#[test]
fn prose_of_a_business_raises_no_alarm() {
    none(&[
        "Delivery 2024-01-31 of 1,250.00 EUR (order 100-2345-67), 3 x 40' containers, 12:30-14:00, dock 7.",
        "Art.-Nr. 4006381333931, Charge 20240131-07, 24 Stk. à 12,50 €",
        "PO 4500012345 / item 00010 / plant 1000 / qty 1 000 000",
        "git commit 3f786850e387550fdab836ed7e6dc881de23001b at 1700000000",
        "Size 10.5 x 11.25 x 12.75, ratio 16:9, §12.3.4, pp. 100-200",
        "Invoice INV-2024-000123 due 30.06.2024 total 12.345.678,90",
        "UPC 012345678905 EAN 4006381333931 ISBN 0-306-40615-2",
        "Room 101-102, tel booth, call it a day, born to run, version 10.0.19045.3803",
        "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "x = 0.1234567890123456, y = -12345678901234567890",
    ]);
}

#[test]
fn reserved_values_are_nobodys() {
    for (kind, text) in [
        (Kind::Email, "a@example.com"),
        (Kind::Email, "a@mail.example.ORG"),
        (Kind::Email, "a@corp.test"),
        (Kind::Phone, "(415) 555-0134"),
        (Kind::Phone, "+1 415 555 0134 x22"),
        (Kind::Phone, "+44 00 1536 4534"),
        (Kind::Phone, "00 83 15 36 45"),
        (Kind::Phone, "+01 415 867 5309"),
        (Kind::Phone, "020 7946 0123"),
        (Kind::Card, "4242 4242 4242 4242"),
        (Kind::Ssn, "900-12-3456"),
        (Kind::Ssn, "078-05-1120"),
        (Kind::Ip, "203.0.113.9"),
        (Kind::Ip, "2001:db8::1"),
        (Kind::Url, "https://www.example.com/x"),
        (Kind::Url, "http://a.test:80"),
        (Kind::Mac, "00-00-5E-00-53-07"),
    ] {
        assert!(kind.is_reserved(text), "{text}");
    }
    for (kind, text) in [
        (Kind::Email, "a@example.de"),
        (Kind::Email, "a@test.com"),
        (Kind::Email, "a@notexample.com"),
        (Kind::Phone, "(415) 867-5309"),
        (Kind::Phone, "+44 20 7123 4567"),
        (Kind::Phone, "0049 30 1234567"),
        (Kind::Card, "4929 1234 5678 9012"),
        (Kind::Ssn, "219-45-6789"),
        (Kind::Ip, "8.8.4.4"),
        (Kind::Ip, "2a00::1"),
        (Kind::Url, "https://example.com.evil.de/"),
        (Kind::Url, "https://corp.de/?x=example.com"),
        (Kind::Mac, "00:1b:44:11:3a:b7"),
    ] {
        assert!(!kind.is_reserved(text), "{text}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1024))]
    #[test]
    fn any_text_is_read_and_hits_are_in_order(text in "\\PC{0,60}|[0-9 @:./+()a-fvw-]{0,60}|([a-z]{1,4}[0-9@:./ -]{1,5}){0,12}") {
        let wanted = Wanted::of(&Kind::ALL).with(Dates::All);
        let mut end = 0;
        for hit in recognise(&text, wanted) {
            proptest::prop_assert!(hit.range.start >= end && !text[hit.range.clone()].is_empty());
            end = hit.range.end;
        }
    }
}
