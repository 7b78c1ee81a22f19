//! What is bought, sold, stored and done with it.

use super::{Ink, Make, Maker, Tag};
use crate::generate::field::vocabulary::{GOODS, WORD_LIST};
use crate::generate::field::when;
use crate::mask::calendar::date_of;
use crate::mask::dictionary;
use std::fmt::Write as _;

const fn text(
    name: &'static str,
    null: u8,
    words: &'static [&'static str],
    write: fn(&mut Ink<'_>),
    tag: Tag,
) -> Maker {
    Maker { name, null, kinds: &[], words, make: Make::Text(write, tag) }
}

const fn list(name: &'static str, null: u8, words: &'static [&'static str], items: &'static [&'static str]) -> Maker {
    Maker { name, null, kinds: &[], words, make: Make::List(items) }
}

#[rustfmt::skip]
pub(super) static MAKERS: &[Maker] = &[
    text("product", 2, &["product name", "product", "item name", "item", "article", "product title", "part name", "variant name", "material", "asset name"], product, Tag::Word),
    text("strain", 5, &["strain", "strain name", "cultivar"], strain, Tag::Word),
    text("sku", 2, &["sku", "product code", "item code", "item number", "part number", "mpn", "style code"], sku, Tag::Glued),
    Maker { name: "barcode", null: 10, kinds: &[], words: &["barcode", "ean", "upc", "gtin"], make: Make::Text(|ink| { ink.out.push_str("20"); ink.digits(11); }, Tag::Glued) },
    Maker { name: "tracking_number", null: 25, kinds: &["tracking_no"], words: &["tracking number", "tracking code", "tracking no"], make: Make::Text(|ink| { ink.out.push_str("TRK"); ink.digits(12); }, Tag::Glued) },
    text("lot", 5, &["lot", "lot number", "batch", "batch number", "lot code", "batch code", "batch no", "serial number", "serial", "package tag"], lot, Tag::Glued),
    Maker { name: "number", null: 3, kinds: &["customer_code", "payment_ref", "external_id"], words: &["number", "no", "reference", "ref", "reference number", "order number", "invoice number", "document number", "external id", "transaction id", "payment reference", "confirmation"], make: Make::Text(numbered, Tag::Glued) },
    text("code", 3, &["code", "short code", "abbreviation", "abbr", "prefix", "symbol", "acronym"], code, Tag::Glued),
    list("category", 3, &["category", "category name", "product category", "product type", "group", "group name", "segment", "genre", "class", "collection"], &["Accessories", "Apparel", "Beverages", "Books", "Candles", "Edibles", "Flower", "Furniture", "Garden", "Kitchen", "Lighting", "Office", "Outdoor", "Packaging", "Seasonal", "Storage", "Textiles", "Tools", "Topicals", "Wellness"]),
    list("status", 2, &["status", "state", "stage", "phase", "workflow state", "order status", "condition status"], &["active", "pending", "completed", "draft", "cancelled", "on_hold", "archived"]),
    list("invoice_status", 2, &["invoice status", "billing status", "payment status"], &["paid", "sent", "draft", "overdue", "partial", "cancelled", "refunded"]),
    list("shipping_status", 5, &["shipping status", "shipment status", "delivery status", "fulfillment status"], &["delivered", "shipped", "pending", "packed", "returned", "cancelled"]),
    list("task_status", 2, &["task status", "ticket status", "issue status"], &["open", "in_progress", "done", "blocked", "cancelled"]),
    list("priority", 3, &["priority", "urgency", "severity", "importance", "impact"], &["medium", "low", "high", "urgent"]),
    list("payment_method", 5, &["payment method", "payment type", "method of payment", "pay method", "tender type"], &["card", "bank_transfer", "cash", "check", "invoice", "direct_debit"]),
    list("payment_terms", 10, &["payment terms", "terms", "payment term"], &["Net 30", "Net 15", "Due on receipt", "Net 60", "COD"]),
    list("shipping_method", 10, &["shipping method", "ship via", "delivery method", "carrier service"], &["ground", "express", "pickup", "freight", "overnight"]),
    list("unit", 5, &["unit", "uom", "unit of measure", "measure unit", "units"], &["each", "g", "kg", "lb", "oz", "box", "case", "l", "ml", "m", "pack", "h"]),
    text("color_code", 15, &["color code", "hex color", "color hex", "background color", "text color", "color", "colour"], |ink| { ink.out.push('#'); for _ in 0..3 { let byte = ink.draw.bits().to_le_bytes()[0]; crate::generate::field::code::push_hex(byte, ink.out); } }, Tag::Own(1 << 24, 7, nth_color)),
    text("year_month", 5, &["period", "year month", "billing period", "fiscal period", "accounting period"], month, Tag::Own(12 * 50, 7, nth_month)),
    list("color", 15, &["color", "colour"], &["black", "white", "green", "blue", "red", "grey", "yellow", "brown", "orange", "purple"]),
    list("size", 15, &["size", "shirt size", "size label"], &["M", "L", "S", "XL", "XS", "XXL", "one size"]),
    list("material", 20, &["material type", "fabric", "composition"], &["wood", "glass", "steel", "cotton", "ceramic", "paper", "hemp"]),
    list("weekday", 5, &["weekday", "day of week", "day name"], &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]),
    list("month_name", 5, &["month name"], &["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]),
    list("frequency", 10, &["frequency", "interval", "recurrence", "billing cycle", "cadence"], &["monthly", "weekly", "daily", "quarterly", "yearly", "once"]),
    list("quality", 10, &["grade", "quality", "condition", "rating label"], &["A", "B", "C", "new", "good", "fair"]),
    list("direction", 5, &["direction", "movement type", "transaction type", "entry type"], &["in", "out", "adjustment", "transfer"]),
    list("channel", 5, &["channel", "sales channel", "contact method", "preferred contact"], &["email", "phone", "web", "sms", "in_person"]),
    list("source", 10, &["source", "lead source", "origin", "referral source", "utm source"], &["referral", "website", "trade show", "email", "phone", "partner"]),
    list("reason", 30, &["reason", "return reason", "cancel reason", "rejection reason", "cause"], &["Damaged on arrival", "Wrong item", "No longer needed", "Late delivery", "Duplicate order", "Price changed"]),
    list("type", 3, &["type", "kind", "mode", "type name"], &["standard", "internal", "external", "special", "custom", "other"]),
    list("plan", 5, &["plan", "tier", "subscription plan", "package", "plan name", "level name"], &["basic", "standard", "premium", "enterprise", "trial"]),
    text("location", 10, &["location", "bin", "aisle", "shelf", "bin location", "zone", "room", "room number"], bin, Tag::Glued),
    list("account_code", 10, &["cost center", "cost centre", "gl account", "account code"], &["1000", "1200", "2000", "2100", "3000", "4000", "5000", "6100", "6200", "7000"]),
    list("flavor", 20, &["flavor", "flavour", "taste", "aroma", "terpene"], &["citrus", "pine", "earthy", "berry", "mint", "vanilla", "pepper", "floral"]),
    list("outcome", 15, &["result", "outcome", "decision", "verdict", "test result"], &["passed", "failed", "inconclusive", "approved", "rejected"]),
    text("tag", 10, &["tag", "keyword", "tags", "keywords", "tag name"], |ink| ink.out.push_str(ink.draw.word(WORD_LIST)), Tag::Word),
];

fn product(ink: &mut Ink<'_>) {
    let start = ink.out.len();
    let (word, good) = (ink.draw.word(WORD_LIST), ink.draw.word(GOODS));
    ink.put(&[word, " ", good]);
    ink.out[start..=start].make_ascii_uppercase();
}

fn strain(ink: &mut Ink<'_>) {
    const SECOND: &[&str] =
        &["Haze", "Kush", "Frost", "Comet", "Meridian", "Owl", "Plum", "Fig", "Static", "Bloom", "Ghost", "Lantern"];
    let (street, second) = (ink.draw.word(dictionary::STREETS), ink.draw.word(SECOND));
    ink.put(&[street, " ", second]);
}

/// The letters that the row's noun begins with, in capitals.
fn prefix(ink: &mut Ink<'_>, letters: usize) {
    let noun = ink.noun;
    ink.out.extend(noun.chars().filter(char::is_ascii_alphabetic).take(letters).map(|c| c.to_ascii_uppercase()));
}

fn sku(ink: &mut Ink<'_>) {
    let word = ink.draw.word(GOODS);
    ink.out.extend(word.chars().take(3).map(|c| c.to_ascii_uppercase()));
    ink.out.push('-');
    ink.digits(5);
}

fn lot(ink: &mut Ink<'_>) {
    prefix(ink, 1);
    ink.out.push_str("25");
    ink.out.push('-');
    ink.digits(5);
}

fn numbered(ink: &mut Ink<'_>) {
    prefix(ink, 3);
    ink.out.push('-');
    ink.digits(if ink.room < 10 { 4 } else { 6 });
}

fn code(ink: &mut Ink<'_>) {
    for _ in 0..ink.room.min(3) {
        ink.out.push(char::from(b'A' + ink.draw.below(26).to_le_bytes()[0]));
    }
    if ink.room > 5 {
        ink.digits(3);
    }
}

fn bin(ink: &mut Ink<'_>) {
    let (aisle, shelf) = (ink.draw.below(8).to_le_bytes()[0], 1 + ink.draw.below(40));
    ink.out.push(char::from(b'A' + aisle));
    ink.put(&["-", &shelf.to_string()]);
}

/// A month of the last two years.
fn month(ink: &mut Ink<'_>) {
    let (year, month, _) = date_of(ink.now / when::DAY);
    let months = u64::try_from((year - 1980) * 12 + month - 1).unwrap_or(0);
    nth_month(months.saturating_sub(ink.draw.below(24)), ink.out);
}

/// The months from 1980 on.
fn nth_month(n: u64, out: &mut String) {
    let (year, month) = (1980 + n / 12, n % 12 + 1);
    let written = write!(out, "{year}-{month:02}");
    debug_assert!(written.is_ok());
}

fn nth_color(n: u64, out: &mut String) {
    out.push('#');
    // An odd factor keeps all apart.
    let [blue, green, red, ..] = (n.wrapping_mul(0x9E_3779) & 0xFF_FFFF).to_le_bytes();
    for byte in [red, green, blue] {
        crate::generate::field::code::push_hex(byte, out);
    }
}
