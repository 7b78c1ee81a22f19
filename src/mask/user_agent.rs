//! `user_agent`: the browser and the platform of a user agent, in versions that are the same for everybody.

use super::prelude::*;
use std::io::Write as _;

/// The version that everybody has.
const VERSION: u8 = 120;

pub(super) static DEFINITION: Definition = Definition {
    name: "user_agent",
    about: "Replaces a user agent with a common one of the same browser and platform; versions, devices and extensions go.",
    strength: Strength::Partial,
    scan: |_| Scan::Never,
    build: |site, _| build(site),
    examples: &[
        Example::plain("Mozilla/5.0 (Windows NT 6.1; WOW64; rv:54.0) Gecko/20100101 Firefox/54.0"),
        Example::plain(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
        ),
        Example::plain("acme-sync/3.2 (build 8812)"),
    ],
    could_write: Some(|_, text| could_write(text)),
    sample: |number| {
        format!(
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.{number}.7 Safari/537.36",
            number % 90 + 20
        )
    },
    ..Definition::BASE
};

/// What a user agent has in it, the name of the browser, and how one is written.
const BROWSERS: &[(&[&str], &str, Engine)] = &[
    (&["bot", "spider", "crawl"], "Bot", Engine::Bot),
    (&["Edg/", "EdgA/", "EdgiOS/", "Edge/"], "Edge", Engine::Chromium(" Edg/", "EdgiOS")),
    (&["OPR/", "OPiOS/", "Opera"], "Opera", Engine::Chromium(" OPR/", "OPiOS")),
    (&["SamsungBrowser/"], "SamsungBrowser", Engine::Chromium(" SamsungBrowser/", "SamsungBrowser")),
    (&["Firefox/", "FxiOS/"], "Firefox", Engine::Gecko),
    (&["Chrome/", "CriOS/", "Chromium/"], "Chrome", Engine::Chromium("", "CriOS")),
    (&["Safari/"], "Safari", Engine::WebKit("Version")),
    (&["curl/", "Wget/", "python", "okhttp", "Go-http", "Java/", "axios", "node", "Postman"], "curl", Engine::Tool),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    /// What is added for the brand, and what the brand is called on iOS.
    Chromium(&'static str, &'static str),
    Gecko,
    WebKit(&'static str),
    Bot,
    Tool,
    Other,
}

/// What a user agent has in it, and how the platform is written. Phones are looked for first: they name others too.
const PLATFORMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone; CPU iPhone OS 17_0 like Mac OS X"),
    ("iPad", "iPad; CPU OS 17_0 like Mac OS X"),
    ("Android", "Linux; Android 10; K"),
    ("Windows", "Windows NT 10.0; Win64; x64"),
    ("CrOS", "X11; CrOS x86_64 14541.0.0"),
    ("Mac", "Macintosh; Intel Mac OS X 10_15_7"),
    ("Linux", "X11; Linux x86_64"),
    ("X11", "X11; Linux x86_64"),
];

struct UserAgent {
    room: usize,
}

fn build(site: &Site) -> Result<Box<dyn Mask>> {
    if site.room() < 18 {
        return Err(Error::policy("mask user_agent needs a column of 18 characters").hint("Use `fixed` or `null`."));
    }
    Ok(Box::new(UserAgent { room: site.room() }))
}

impl Mask for UserAgent {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        let text = String::from_utf8_lossy(value);
        until_different(value, out, |attempt, out| write(&text, attempt, self.room, out))
    }
}

/// Writes the user agent that stands for `text`.
fn write(text: &str, attempt: u8, room: usize, out: &mut Vec<u8>) {
    let has = |word: &&str| text.contains(*word);
    let found = BROWSERS.iter().find(|(words, ..)| words.iter().any(has));
    let (name, engine) = found.map_or(("Other", Engine::Other), |(_, name, engine)| (*name, *engine));
    let platform = PLATFORMS.iter().find(|(word, _)| text.contains(word)).map(|(_, platform)| *platform);
    let p = platform.unwrap_or("X11; Linux x86_64");
    let apple = p.starts_with("iP");
    let (mobile, version) =
        (if p.contains("Android") { "Mobile " } else { "" }, u16::from(VERSION) + u16::from(attempt));
    let start = out.len();
    let webkit = format!("Mozilla/5.0 ({p}) AppleWebKit/");
    let whole = match engine {
        Engine::Chromium(_, brand) | Engine::WebKit(brand) if apple => {
            format!("{webkit}605.1.15 (KHTML, like Gecko) {brand}/{version}.0 Mobile/15E148 Safari/604.1")
        }
        Engine::Gecko if apple => {
            format!("{webkit}605.1.15 (KHTML, like Gecko) FxiOS/{version}.0 Mobile/15E148 Safari/605.1.15")
        }
        Engine::WebKit(_) => {
            format!("{webkit}605.1.15 (KHTML, like Gecko) Version/{version}.0 Safari/605.1.15")
        }
        Engine::Chromium(brand, _) => {
            let brand = if brand.is_empty() { String::new() } else { format!("{brand}{version}.0.0.0") };
            format!("{webkit}537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 {mobile}Safari/537.36{brand}")
        }
        Engine::Gecko => {
            format!("Mozilla/5.0 ({p}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
        }
        Engine::Bot => format!("Mozilla/5.0 (compatible; examplebot/{version}.0)"),
        Engine::Tool => format!("curl/{version}.0"),
        Engine::Other => format!("Mozilla/5.0 (compatible; Other/{version}.0)"),
    };
    // Writing to a Vec cannot fail.
    write!(out, "{whole}").unwrap_or_default();
    if out.len() - start > room {
        out.truncate(start);
        write!(out, "{name}/{version}").unwrap_or_default();
    }
}

/// Whether `text` stands for itself, in one of the versions that are written.
fn could_write(text: &str) -> bool {
    [text.len(), 18].into_iter().any(|room| {
        (0..3).any(|attempt| {
            let mut out = Vec::new();
            write(text, attempt, room, &mut out);
            out == text.as_bytes()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(room: Option<u32>, cell: &str) -> String {
        let mut out = Vec::new();
        let mask = build(&Site { max_chars: room, ..Site::for_tests("") }).unwrap();
        mask.mask(Cell::text(cell), &Row::NONE, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn browser_and_platform_stay() {
        for (marks, name, _) in BROWSERS {
            for mark in *marks {
                for (platform, written) in PLATFORMS {
                    let original = format!("Mozilla/5.0 ({platform} secret-device) {mark}99.1 secret");
                    let agent = masked(None, &original);
                    assert!(!agent.contains("secret") && !agent.contains("99"), "{agent}");
                    let again = masked(None, &agent);
                    let family = |text: &str| {
                        BROWSERS
                            .iter()
                            .find(|(marks, ..)| marks.iter().any(|mark| text.contains(mark)))
                            .map(|(_, name, _)| *name)
                    };
                    assert_eq!(family(&agent), Some(*name), "{original} became {agent}");
                    assert!(["Bot", "curl"].contains(name) || agent.contains(written), "{agent}");
                    assert!(agent != again && could_write(&agent) && could_write(&again), "{agent} {again}");
                    assert!(!could_write(&original));
                }
            }
        }
    }

    #[test]
    fn short_columns_get_the_name_of_the_browser() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:9.0) Gecko/20100101 Firefox/9.0";
        assert_eq!(masked(Some(18), firefox), "Firefox/120");
        assert_eq!(masked(Some(18), "Firefox/120"), "Firefox/121");
        assert!(could_write("Firefox/120"));
        assert!(masked(Some(200), firefox).len() > 18);
        assert!(build(&Site { max_chars: Some(17), ..Site::for_tests("") }).is_err());
    }
}
