//! `url`: an address under a host that is reserved for examples.

use super::filename::{ending, is_word, word};
use super::prelude::*;

/// Schemes that stay; any other becomes `https`.
const SCHEMES: [&str; 8] = ["http", "https", "ftp", "ftps", "sftp", "ws", "wss", "git"];
/// Hosts reserved by RFC 2606.
const HOSTS: [&str; 4] = ["example.com", "example.org", "example.net", "test"];
/// Characters that stand for a host, for a part of a path, and for an address that must differ from all others.
const HOST: usize = 10;
const PART: usize = 8;
const UNIQUE: usize = 16;

pub(super) static DEFINITION: Definition = Definition {
    name: "url",
    about: "Replaces a URL by one under a reserved host; scheme and port stay, user and fragment go, the same host gets the same name.",
    params: &[
        Param {
            name: "host",
            about: "The reserved host under which the addresses lie.",
            kind: ParamKind::Choice(&HOSTS),
            default: HOSTS[0],
        },
        Param {
            name: "path",
            about: "`replace` keeps the depth and well-known endings (`.pdf`), `drop` leaves nothing.",
            kind: ParamKind::Choice(&["replace", "drop"]),
            default: "replace",
        },
        Param {
            name: "query",
            about: "`drop` leaves nothing, `replace` puts one keyed parameter there.",
            kind: ParamKind::Choice(&["drop", "replace"]),
            default: "drop",
        },
    ],
    unique: Uniqueness::Tagged,
    domain: "net.url",
    build,
    examples: &[
        Example::plain("https://maria-garcia.blog.test:8080/about/me.html?ref=mail#top"),
        Example {
            params: || vec![("path", Value::text("drop")), ("host", Value::text("test"))],
            cell: "http://intra.corp.test/wiki",
        },
    ],
    teaches: |_| Teaches::Whole,
    could_write: Some(|params, text| {
        let url = Parts::read(text);
        let host = params.text("host").unwrap_or(HOSTS[0]);
        let label = url.host.strip_suffix(host).and_then(|label| label.strip_suffix('.'));
        let under = label.is_some_and(|label| label.len() == HOST && is_word(label));
        let path = url.path.split('/').all(|part| part.is_empty() || is_word(part));
        let query = text.split_once('?').is_none_or(|(_, query)| query.strip_prefix("q=").is_some_and(is_word));
        (under || url.host.is_empty()) && path && query && !text.contains(['#', '@'])
    }),
    sample: |number| format!("https://host{}.corp.test/users/{number}", number % 5000),
    ..Definition::BASE
};

struct Url {
    key: DomainKey,
    form: Form,
    host: &'static str,
    path: bool,
    query: bool,
    unique: bool,
    room: usize,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let host = HOSTS.into_iter().find(|host| params.text("host") == Some(host)).unwrap_or(HOSTS[0]);
    let least = "https://".len() + HOST + 1 + host.len() + if site.unique { 1 + UNIQUE } else { 0 };
    if site.room() < least {
        return Err(Error::policy(format!(
            "mask url needs a column of {least} characters, and there are {}",
            site.room()
        ))
        .hint("Use host = \"test\", which is the shortest, or `hash`, `fixed` or `null`."));
    }
    Ok(Box::new(Url {
        key: site.key.clone(),
        form: site.loose_form(),
        host,
        path: params.text("path") != Some("drop"),
        query: params.text("query") == Some("replace"),
        unique: site.unique,
        room: site.room(),
    }))
}

/// The parts of a URL that decide something.
struct Parts<'a> {
    /// The scheme with `://` behind, `//`, or nothing.
    scheme: String,
    /// Empty in a path without a host.
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
    query: bool,
}

impl<'a> Parts<'a> {
    fn read(text: &'a str) -> Self {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => {
                let known = SCHEMES.into_iter().find(|known| scheme.eq_ignore_ascii_case(known));
                (format!("{}://", known.unwrap_or("https")), rest)
            }
            None => match text.strip_prefix("//") {
                Some(rest) => ("//".to_owned(), rest),
                None => (String::new(), text),
            },
        };
        let (rest, _) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').map_or((rest, false), |(rest, query)| (rest, !query.is_empty()));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or_default();
        let port = host.rsplit_once(':').filter(|(_, port)| {
            (1..=5).contains(&port.len())
                && port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok()
        });
        let (host, port) = port.map_or((host, None), |(host, port)| (host, Some(port)));
        // Neither a scheme nor a host nor a path: some other text, of which nothing is kept.
        let scheme = if scheme.is_empty() && !host.is_empty() && (!host.contains('.') || text.contains(' ')) {
            "https://".to_owned()
        } else {
            scheme
        };
        Self { scheme, host, port, path, query }
    }
}

impl Mask for Url {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        let text = String::from_utf8_lossy(value);
        let parts = Parts::read(&text);
        until_different(value, out, |attempt, out| {
            // From everything to what fits a short column.
            for (port, path, query) in
                [(true, self.path, self.query), (true, self.path, false), (true, false, false), (false, false, false)]
            {
                let start = out.len();
                self.write(&parts, value, attempt, (port, path, query), out);
                if out.len() - start <= self.room {
                    return;
                }
                out.truncate(start);
            }
        })
    }
}

impl Url {
    fn write(
        &self,
        parts: &Parts<'_>,
        value: &[u8],
        attempt: u8,
        (port, path, query): (bool, bool, bool),
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(parts.scheme.as_bytes());
        if !parts.host.is_empty() || parts.path.is_empty() {
            word(&self.key, Form::Text, parts.host.as_bytes(), attempt, HOST, out);
            out.push(b'.');
            out.extend_from_slice(self.host.as_bytes());
        }
        if let Some(number) = parts.port.filter(|_| port) {
            out.push(b':');
            out.extend_from_slice(number.as_bytes());
        }
        let mut tagged = !self.unique;
        if path {
            let last = parts.path.rfind(|c| c != '/').map_or(0, |at| parts.path[..at].matches('/').count());
            for (at, part) in parts.path.split('/').enumerate() {
                out.extend_from_slice(if at > 0 { b"/" } else { b"" });
                if part.is_empty() {
                    continue;
                }
                if at == last && !tagged {
                    word(&self.key, self.form, value, attempt, UNIQUE, out);
                    tagged = true;
                } else {
                    word(&self.key, self.form, part.as_bytes(), attempt, PART, out);
                }
                out.extend_from_slice(ending(part).as_bytes());
            }
        }
        if !tagged || (parts.host.is_empty() && !path) {
            out.extend_from_slice(if out.last() == Some(&b'/') { b"" } else { b"/" });
            word(&self.key, self.form, value, attempt, UNIQUE, out);
        }
        if query && parts.query {
            out.extend_from_slice(b"?q=");
            word(&self.key, self.form, value, attempt, UNIQUE, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(given: &[(&str, &'static str)], room: Option<u32>, unique: bool, cell: &str) -> String {
        let given = given.iter().map(|(name, text)| ((*name).to_owned(), Value::text(text)));
        let params = Params::new(&DEFINITION, given).unwrap();
        let mask = build(&Site { max_chars: room, unique, ..Site::for_tests("url") }, &params).unwrap();
        let mut out = Vec::new();
        mask.mask(Cell::text(cell), &Row::NONE, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!((DEFINITION.could_write.unwrap())(&params, &text), "{cell} became {text}");
        text
    }

    /// Words of base32 as `w`.
    fn shape(text: &str) -> String {
        let mut shape = String::new();
        for piece in text.split_inclusive(['/', '.', ':', '?', '=']) {
            let (word, end) = piece.split_at(piece.trim_end_matches(['/', '.', ':', '?', '=']).len());
            let keyed = word.len() >= PART && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
            shape.push_str(if keyed { "w" } else { word });
            shape.push_str(end);
        }
        shape
    }

    #[test]
    fn scheme_port_and_depth_stay_and_the_host_is_reserved() {
        for (cell, want) in [
            ("https://maria:pw@blog.maria.test:8080/a/cv.pdf?x=1#top", "https://w.example.com:8080/w/w.pdf"),
            ("HTTP://corp.test", "http://w.example.com"),
            ("wss://corp.test/", "wss://w.example.com/"),
            ("app://corp.test/x", "https://w.example.com/w"),
            ("//cdn.corp.test/x.js", "//w.example.com/w.js"),
            ("www.corp.test/maria", "w.example.com/w"),
            ("/users/maria", "/w/w"),
            ("mailto:maria@corp.test", "w.example.com"),
            ("see Maria's page", "https://w.example.com"),
            ("http://[2001:db8::1]:80/x", "http://w.example.com:80/w"),
            ("http://corp.test?maria", "http://w.example.com"),
            ("localhost:99999", "https://w.example.com"),
        ] {
            assert_eq!(shape(&masked(&[], None, false, cell)), want, "{cell}");
        }
        let dropped = masked(
            &[("path", "drop"), ("host", "test"), ("query", "replace")],
            None,
            false,
            "https://corp.test/maria?a=b",
        );
        assert_eq!(shape(&dropped), "https://w.test?q=w");
        assert_eq!(shape(&masked(&[("path", "drop")], None, false, "/users/maria")), "/w");
        let host = |cell| masked(&[], None, false, cell)[..22].to_owned();
        assert_eq!(host("https://corp.test/a"), host("https://CORP.test/b"));
    }

    #[test]
    fn unique_columns_tell_every_address_apart() {
        let cells = [
            "http://a.test",
            "http://a.test/",
            "http://A.test",
            "http://a.test/x?1",
            "http://a.test/x?2",
            "http://a.test//x",
            "/x",
            "x",
        ];
        for room in [None, Some(47)] {
            let all = cells.map(|cell| masked(&[], room, true, cell));
            for (at, one) in all.iter().enumerate() {
                assert!(all[at + 1..].iter().all(|other| other != one), "{one}");
            }
        }
    }

    #[test]
    fn short_columns_get_less() {
        for (unique, least) in [(false, 30), (true, 47)] {
            for room in least..90 {
                let text = masked(&[("query", "replace")], Some(room), unique, "https://corp.test:8080/a/b/c.pdf?x=1");
                assert!(text.len() <= room as usize, "{text}");
            }
            let site = Site { unique, max_chars: Some(least - 1), ..Site::for_tests("url") };
            assert!(build(&site, &Params::default()).is_err());
        }
        for original in [
            "https://www.corp.test/maria",
            "/users/maria",
            "https://aaaaaaaaaa.example.com/maria",
            "maria",
            "www.corp.test",
        ] {
            assert!(!(DEFINITION.could_write.unwrap())(&Params::default(), original), "{original}");
        }
    }
}
