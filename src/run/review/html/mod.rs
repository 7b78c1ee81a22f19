//! The review as one self-contained page: no network, no store but the file, readable without JavaScript. Markup is only made
//! of texts that stand in the source of this program; everything else goes through `Page::text` and is escaped there.

mod evidence;
mod head;
mod history;
mod inventory;
mod status;

use super::document::Document;
use super::words::grouped;
use crate::model::names::visible;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page.
#[must_use]
pub fn html(document: &Document) -> String {
    let mut page = Page(String::with_capacity(1 << 20));
    // Whoever could slip markup in would have to know the digest of a document that holds it.
    let nonce = blake3::hash(format!("{document:?}").as_bytes()).to_hex()[..32].to_owned();
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'nonce-")
        .text(&nonce)
        .raw("'; script-src 'nonce-")
        .text(&nonce)
        .raw("'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"generator\" content=\"")
        .text(document.document)
        .raw(" ")
        .text(&document.head.tool)
        .raw("\">\n<title>Policy review · ")
        .text(&document.head.project)
        .raw("</title>\n<style nonce=\"")
        .text(&nonce)
        .raw("\">\n")
        .raw(STYLE)
        .raw("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n");
    head::banner(&mut page, document);
    page.raw("<div class=\"layout\">\n");
    head::contents(&mut page, document);
    page.raw("<main id=\"main\" tabindex=\"-1\">\n");
    head::summary(&mut page, document);
    head::questions(&mut page, document);
    head::flags(&mut page, document);
    head::changes(&mut page, document);
    inventory::inventory(&mut page, document);
    inventory::environments(&mut page, document);
    evidence::evidence(&mut page, document);
    history::snapshots(&mut page, document);
    history::retention(&mut page, document);
    history::audit(&mut page, document);
    evidence::limits(&mut page, document);
    page.raw("</main>\n</div>\n");
    head::foot(&mut page, document);
    page.raw("<script nonce=\"").text(&nonce).raw("\">\n").raw(SCRIPT).raw("</script>\n</body>\n</html>\n");
    page.0
}

/// A page in the making.
pub(super) struct Page(String);

impl Page {
    /// Markup of our own.
    fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Anything else: invisible signs are spelled out, and what means something in HTML is escaped.
    fn text(&mut self, text: &str) -> &mut Self {
        for c in visible(text).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        self
    }

    /// A sentence of our own documentation, with its backticks as code.
    fn prose(&mut self, text: &str) -> &mut Self {
        for (at, part) in text.split('`').enumerate() {
            match at % 2 {
                0 => self.text(part),
                _ => self.raw("<code>").text(part).raw("</code>"),
            };
        }
        self
    }

    /// A name out of a database or a policy: isolated, so that its direction of writing stays its own.
    fn name(&mut self, name: &str) -> &mut Self {
        self.raw("<bdi>").text(name).raw("</bdi>")
    }

    /// A number with separators.
    fn number(&mut self, number: impl TryInto<u64>) -> &mut Self {
        let text = grouped(number.try_into().unwrap_or(u64::MAX));
        self.text(&text)
    }

    /// A number for an attribute.
    fn plain(&mut self, number: usize) -> &mut Self {
        self.text(&number.to_string())
    }

    /// `c3-12`: the id of a column's row.
    fn row_id(&mut self, (table, column): (usize, usize)) -> &mut Self {
        self.raw("c").plain(table).raw("-").plain(column)
    }

    /// The heading of a section; opens it.
    fn section(&mut self, id: &'static str, title: &'static str) -> &mut Self {
        self.raw("<section id=\"")
            .raw(id)
            .raw("\" aria-labelledby=\"")
            .raw(id)
            .raw("-title\">\n<h2 id=\"")
            .raw(id)
            .raw("-title\">")
            .raw(title)
            .raw("</h2>\n")
    }

    /// A shortened digest that shows the whole one.
    fn digest(&mut self, digest: &str) -> &mut Self {
        let short = digest.get(..16).unwrap_or(digest);
        self.raw("<code class=\"digest\" title=\"").text(digest).raw("\">").text(short).raw("</code>")
    }

    /// A time as people read it.
    fn time(&mut self, time: &str) -> &mut Self {
        let short = time.replace('T', " ");
        let short = short.get(..16).map_or_else(|| short.clone(), |minutes| format!("{minutes} UTC"));
        self.raw("<time datetime=\"").text(time).raw("\">").text(&short).raw("</time>")
    }

    /// `dev, staging`.
    fn listed(&mut self, words: &[&str]) -> &mut Self {
        self.text(&words.join(", "))
    }
}
