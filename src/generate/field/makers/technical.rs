//! What programs write: addresses, tokens, digests, files, versions.

use super::{Ink, Make, Maker, Tag};
use crate::generate::draw::Draw;
use crate::generate::field::code::{nth_uuid, push_hex, scrambled, uuid, uuid_text};
use crate::generate::field::vocabulary::{GOODS, WORD_LIST};
use std::fmt::Write as _;

const fn text(
    name: &'static str,
    null: u8,
    kinds: &'static [&'static str],
    words: &'static [&'static str],
    write: fn(&mut Ink<'_>),
    tag: Tag,
) -> Maker {
    Maker { name, null, kinds, words, make: Make::Text(write, tag) }
}

const fn list(name: &'static str, null: u8, words: &'static [&'static str], items: &'static [&'static str]) -> Maker {
    Maker { name, null, kinds: &[], words, make: Make::List(items) }
}

#[rustfmt::skip]
pub(super) static MAKERS: &[Maker] = &[
    text("uuid", 5, &[], &["uuid", "guid", "public id", "correlation id", "request id", "trace id", "id"], |ink| ink.out.push_str(&uuid_text(uuid(ink.draw.bits(), ink.draw.bits()))), Tag::Own(u64::MAX, 36, |n, out| out.push_str(&uuid_text(nth_uuid(n))))),
    text("password_hash", 0, &["password"], &["password", "password hash", "encrypted password", "passwd", "pwd"], password, Tag::Own(u64::MAX, 60, nth_password)),
    text("token", 20, &["token", "secret", "session_id"], &["token", "secret", "api key", "access token", "refresh token", "reset token", "session id", "session key", "nonce", "salt", "signature", "etag", "otp secret"], |ink| { let bits = ink.draw.bits(); nth_token(bits, ink.out); }, Tag::Own(u64::MAX, 24, nth_token)),
    text("digest_64", 10, &[], &["hash", "checksum", "sha256", "digest", "fingerprint", "content hash", "file hash"], |ink| digest(ink, 64), Tag::Own(u64::MAX, 64, |n, out| nth_digest(n, 64, out))),
    text("digest_40", 10, &[], &["hash", "checksum", "sha1", "commit", "revision", "digest", "fingerprint"], |ink| digest(ink, 40), Tag::Own(u64::MAX, 40, |n, out| nth_digest(n, 40, out))),
    text("digest_32", 10, &[], &["hash", "checksum", "md5", "digest", "fingerprint"], |ink| digest(ink, 32), Tag::Own(u64::MAX, 32, |n, out| nth_digest(n, 32, out))),
    text("ip", 15, &["ip"], &["ip", "ip address", "remote ip", "client ip", "last ip", "remote addr"], |ink| ip(ink.draw, ink.out), Tag::Own(1 << 24, 13, nth_ip)),
    text("mac", 15, &["mac"], &["mac", "mac address", "hardware address"], |ink| nth_mac(ink.draw.below(1 << 40), ink.out), Tag::Own(1 << 40, 17, nth_mac)),
    text("user_agent", 15, &["device"], &["user agent", "browser", "useragent", "device"], agent, Tag::Word),
    text("file_name", 10, &["filename"], &["file name", "filename", "original name", "attachment name", "original filename"], file, Tag::File),
    text("file_path", 10, &[], &["path", "file path", "storage path", "storage key", "object key", "file", "attachment", "file key"], |ink| { ink.out.push_str("files/2025/"); file(ink); }, Tag::File),
    text("image_url", 25, &["photo"], &["image url", "photo url", "avatar", "avatar url", "logo", "logo url", "image", "photo", "thumbnail", "picture", "icon url"], |ink| { ink.out.push_str("https://example.com/images/"); let word = ink.draw.word(WORD_LIST); ink.put(&[word, ".png"]); }, Tag::File),
    text("url", 20, &["url"], &["url", "website", "link", "homepage", "web site", "uri", "callback url", "webhook url", "href", "endpoint"], url, Tag::Glued),
    text("domain", 15, &[], &["domain", "hostname", "host", "subdomain", "host name", "server"], |ink| { let word = ink.draw.word(WORD_LIST); ink.put(&[word, ".example"]); }, Tag::File),
    text("slug", 3, &[], &["slug", "permalink", "url key", "handle slug", "seo url"], slug, Tag::Glued),
    text("key", 3, &[], &["key", "setting key", "config key", "option name", "parameter", "property", "feature", "event name", "event", "field name", "attribute", "identifier", "constant"], key, Tag::Glued),
    list("mime_type", 5, &["mime type", "mime", "content type", "media type"], &["application/pdf", "image/png", "image/jpeg", "text/csv", "text/plain", "application/json"]),
    list("file_extension", 5, &["extension", "file extension", "file type", "format"], &["pdf", "png", "jpg", "csv", "txt", "json"]),
    list("http_method", 5, &["http method", "request method", "method"], &["GET", "POST", "PUT", "DELETE", "PATCH"]),
    list("action", 5, &["action", "operation", "event type", "activity", "activity type", "verb"], &["create", "update", "delete", "view", "login", "export"]),
    list("environment", 5, &["environment", "env"], &["production", "staging", "development", "test"]),
    list("log_level", 5, &["log level", "level"], &["info", "warning", "error", "debug"]),
    list("permission", 3, &["permission", "ability", "scope", "privilege", "permission name"], &["orders.read", "orders.write", "products.read", "products.write", "users.read", "users.write", "reports.read", "settings.write", "invoices.read", "invoices.write"]),
    list("entity", 5, &["entity type", "model", "resource type", "object type", "table name", "entity", "subject type", "owner type", "resource"], &["order", "customer", "product", "invoice", "user"]),
    list("icon", 20, &["icon", "icon name", "glyph"], &["star", "box", "cart", "leaf", "truck", "tag", "user", "bell"]),
    text("version", 5, &[], &["version", "release", "app version", "software version", "revision number"], version, Tag::Glued),
    text("coordinates", 20, &["geo"], &["coordinates", "latlng", "geo", "position"], coordinates, Tag::None),
    text("expiry", 15, &["card_expiry"], &["card expiry", "expiry month year", "expires mm yy"], |ink| { let (month, year) = (1 + ink.draw.below(12), 26 + ink.draw.below(5)); ink.put(&[&format!("{month:02}/{year}")]); }, Tag::None),
];

/// A hash of no password: nobody has looked for one that leads to it.
fn password(ink: &mut Ink<'_>) {
    let bits = ink.draw.bits();
    nth_password(bits, ink.out);
}

fn nth_password(n: u64, out: &mut String) {
    const LETTERS: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    out.push_str("$2b$10$");
    let mut fill = Draw::of(n);
    (0..33).for_each(|_| out.push(char::from(*fill.pick(LETTERS))));
    let written = write!(out, "{n:020}");
    debug_assert!(written.is_ok());
}

/// A mark that no service's tokens have, and letters.
fn nth_token(n: u64, out: &mut String) {
    let [bytes, more] = [scrambled(n).to_be_bytes(), scrambled(!n).to_be_bytes()];
    out.push_str("made_");
    bytes.iter().chain(&more[..2]).take(9).for_each(|byte| push_hex(*byte, out));
    out.push('x');
}

fn digest(ink: &mut Ink<'_>, letters: usize) {
    let bits = ink.draw.bits();
    nth_digest(bits, letters, ink.out);
}

fn nth_digest(n: u64, letters: usize, out: &mut String) {
    let mut fill = Draw::of(n);
    for _ in 0..letters / 16 {
        fill.bits().to_be_bytes().iter().for_each(|byte| push_hex(*byte, out));
    }
    let rest = fill.bits().to_be_bytes();
    rest.iter().take(letters % 16 / 2).for_each(|byte| push_hex(*byte, out));
}

/// An address of the networks that are reserved for documents (RFC 5737).
fn ip(draw: &mut Draw, out: &mut String) {
    let net = *draw.pick(&["192.0.2.", "198.51.100.", "203.0.113."]);
    out.push_str(net);
    out.push_str(&(1 + draw.below(254)).to_string());
}

/// An address of a private network (RFC 1918).
pub(in crate::generate::field) fn nth_ip(n: u64, out: &mut String) {
    let [last, third, second, ..] = n.to_le_bytes();
    let written = write!(out, "10.{second}.{third}.{last}");
    debug_assert!(written.is_ok());
}

/// An address that its network gave itself, so no maker's.
pub(in crate::generate::field) fn nth_mac(n: u64, out: &mut String) {
    out.push_str("02");
    for byte in &n.to_be_bytes()[3..] {
        out.push(':');
        push_hex(*byte, out);
    }
}

fn agent(ink: &mut Ink<'_>) {
    let version = 90 + ink.draw.below(40);
    let name = *ink.draw.pick(&["ExampleBrowser", "SampleClient", "TestAgent"]);
    let written = write!(ink.out, "{name}/{version}.0");
    debug_assert!(written.is_ok());
}

fn file(ink: &mut Ink<'_>) {
    let (word, good) = (ink.draw.word(WORD_LIST), ink.draw.word(GOODS));
    let ending = *ink.draw.pick(&[".pdf", ".png", ".csv", ".txt"]);
    let room = ink.room.saturating_sub(ink.out.len() + ending.len());
    let long = word.len() + good.len() < room;
    ink.out.push_str(&word[..word.len().min(room)]);
    if long {
        ink.out.push('-');
        ink.out.extend(good.chars().map(|c| c.to_ascii_lowercase()));
    }
    ink.out.push_str(ending);
}

fn url(ink: &mut Ink<'_>) {
    ink.out.push_str("https://example.com/");
    if ink.room > 32 {
        slug(ink);
    }
}

fn slug(ink: &mut Ink<'_>) {
    let (word, good) = (ink.draw.word(WORD_LIST), ink.draw.word(GOODS));
    ink.put(&[word, "-"]);
    ink.out.extend(good.chars().map(|c| c.to_ascii_lowercase()));
}

fn key(ink: &mut Ink<'_>) {
    let (word, good) = (ink.draw.word(WORD_LIST), ink.draw.word(GOODS));
    ink.put(&[word, "_"]);
    ink.out.extend(good.chars().map(|c| c.to_ascii_lowercase()));
}

fn version(ink: &mut Ink<'_>) {
    let numbers = [1 + ink.draw.below(4), ink.draw.below(12), ink.draw.below(20)];
    let written = write!(ink.out, "{}.{}.{}", numbers[0], numbers[1], numbers[2]);
    debug_assert!(written.is_ok());
}

fn coordinates(ink: &mut Ink<'_>) {
    // In the middle of the Atlantic, where nobody lives.
    let (north, west) = (ink.draw.below(9000), ink.draw.below(9000));
    let written = write!(ink.out, "3{}.{:04},-4{}.{:04}", north % 9, north, west % 5, west);
    debug_assert!(written.is_ok());
}
