//! Numbers, totals and flags by name. Ranges are in hundredths.

use super::{Make, Maker, Sum, Total};
use crate::generate::field::number::Usual;
use crate::generate::field::span::Spread;

const fn usual(near: i64, far: i64, spread: Spread, whole: bool) -> Usual {
    Usual { near, far, spread, whole }
}

/// A count, or another whole number.
const fn count(
    name: &'static str,
    null: u8,
    words: &'static [&'static str],
    near: i64,
    far: i64,
    spread: Spread,
) -> Maker {
    Maker { name, null, kinds: &[], words, make: Make::Number(usual(near * 100, far * 100, spread, true)) }
}

/// A number with places.
const fn part(
    name: &'static str,
    null: u8,
    words: &'static [&'static str],
    near: i64,
    far: i64,
    spread: Spread,
) -> Maker {
    Maker { name, null, kinds: &[], words, make: Make::Number(usual(near, far, spread, false)) }
}

const fn total(
    name: &'static str,
    words: &'static [&'static str],
    far: i64,
    sums: &'static [&'static [(&'static str, Sum)]],
) -> Maker {
    let usual = usual(500, far, Spread::Log, false);
    Maker { name, null: 3, kinds: &[], words, make: Make::Total(Total { usual, sums }) }
}

const fn flag(name: &'static str, share: f64, words: &'static [&'static str]) -> Maker {
    Maker { name, null: 3, kinds: &[], words, make: Make::Flag(share) }
}

use Spread::{Even, Log, Price, Small};
use Sum::{Minus, Partly, Plus, Times};

#[rustfmt::skip]
pub(super) static MAKERS: &[Maker] = &[
    count("quantity", 2, &["quantity", "qty", "count", "units", "pieces", "amount of items", "num items", "ordered", "received", "shipped quantity", "pack size"], 1, 40, Small),
    count("stock", 2, &["stock", "on hand", "quantity on hand", "available", "available quantity", "in stock", "inventory", "stock quantity", "reserved", "reorder level", "reorder point", "min stock", "max stock", "capacity"], 0, 500, Small),
    part("price", 3, &["price", "unit price", "sale price", "list price", "rate per unit", "retail price", "selling price", "price each", "base price", "wholesale price", "hourly rate"], 199, 49_900, Price),
    part("cost", 10, &["cost", "unit cost", "cost price", "purchase price", "landed cost", "standard cost", "average cost"], 99, 25_000, Price),
    total("subtotal", &["subtotal", "sub total", "net amount", "net total", "amount before tax", "line subtotal"], 250_000, &[&[("quantity", Times), ("price", Times)]]),
    total("line_total", &["line total", "extended price", "line amount", "extended amount", "item total", "total price"], 100_000, &[&[("quantity", Times), ("price", Times)], &[("quantity", Times), ("cost", Times)]]),
    total("total", &["total", "grand total", "total amount", "order total", "invoice total", "gross amount", "amount total", "sum"], 300_000, &[&[("subtotal", Plus), ("tax", Plus), ("shipping_cost", Plus), ("discount", Minus)], &[("quantity", Times), ("price", Times)]]),
    total("open_amount", &["amount due", "balance due", "open amount", "outstanding", "remaining amount", "due amount"], 200_000, &[&[("total", Plus), ("paid_amount", Minus)]]),
    total("paid_amount", &["paid", "amount paid", "paid amount", "payment amount", "total paid"], 200_000, &[&[("total", Partly)]]),
    part("tax", 5, &["tax", "tax amount", "vat", "vat amount", "sales tax", "tax total", "excise tax"], 0, 2_500, Even),
    part("discount", 15, &["discount", "discount amount", "rebate", "discount total"], 0, 1_000, Small),
    part("shipping_cost", 10, &["shipping", "shipping cost", "shipping fee", "freight", "delivery fee", "shipping amount", "handling fee"], 0, 2_500, Price),
    part("amount", 3, &["amount", "value", "fee", "charge", "payment", "revenue", "budget", "refund", "credit", "debit", "balance", "tip", "commission", "deposit", "expense", "sales", "spend", "credit limit", "limit amount", "refund amount", "opening balance"], 500, 500_000, Log),
    Maker { name: "salary", null: 10, kinds: &["salary"], words: &["salary", "wage", "income", "compensation", "annual salary"], make: Make::Number(usual(2_800_000, 14_000_000, Log, true)) },
    part("percent", 10, &["percent", "percentage", "pct", "discount percent", "completion", "progress", "margin", "markup", "margin percent", "percent complete", "utilization", "share", "humidity", "moisture", "yield"], 0, 10_000, Even),
    part("tax_rate", 5, &["tax rate", "vat rate", "rate", "commission rate", "interest rate", "discount rate", "ratio", "factor", "probability"], 1, 25, Even),
    part("multiplier", 5, &["multiplier", "modifier", "coefficient", "conversion"], 50, 200, Even),
    part("potency", 10, &["thc", "cbd", "thc percent", "cbd percent", "thc percentage", "cbd percentage", "potency", "total thc", "total cbd", "terpenes"], 10, 3_200, Even),
    part("exchange_rate", 5, &["exchange rate", "conversion rate", "fx rate", "conversion factor"], 80, 160, Even),
    part("rating", 10, &["rating", "stars", "score", "average rating", "grade points"], 100, 500, Even),
    Maker { name: "age", null: 10, kinds: &["age"], words: &["age", "age years"], make: Make::Number(usual(1800, 8500, Even, true)) },
    count("year", 5, &["year", "fiscal year", "model year", "yr"], 2020, 2025, Even),
    count("month", 5, &["month", "fiscal month", "period month"], 1, 12, Even),
    count("quarter", 5, &["quarter", "fiscal quarter"], 1, 4, Even),
    count("week", 5, &["week", "week number", "iso week"], 1, 52, Even),
    count("day", 5, &["day", "day of month", "day of week", "dow", "weekday"], 0, 6, Even),
    count("hour", 5, &["hour", "hour of day"], 0, 23, Even),
    count("position", 2, &["position", "sort order", "sort", "order", "rank", "sequence", "seq", "line number", "line no", "row number", "display order", "index", "ordinal", "sequence number", "order index", "weight order", "step number"], 1, 20, Even),
    count("priority_number", 3, &["priority", "severity", "urgency", "importance", "level", "tier", "difficulty", "depth"], 1, 5, Even),
    count("status_number", 2, &["status", "state", "stage", "phase", "kind", "type", "mode", "category", "role"], 1, 4, Small),
    count("attempts", 3, &["attempts", "retries", "retry count", "failures", "login attempts", "failed attempts", "error count", "warnings"], 0, 3, Small),
    count("hits", 3, &["views", "hits", "view count", "visits", "clicks", "downloads", "likes", "uses", "usage count", "login count", "points", "followers", "votes"], 0, 5_000, Log),
    count("days", 5, &["days", "net days", "due days", "lead time", "lead time days", "shelf life", "term days", "retention days", "validity days", "grace period"], 1, 90, Even),
    count("minutes", 5, &["minutes", "duration minutes", "duration", "seconds", "duration seconds", "timeout", "elapsed", "interval", "ttl", "delay", "length seconds", "estimated minutes"], 5, 240, Small),
    part("hours", 5, &["hours", "hours worked", "duration hours", "estimated hours", "actual hours"], 50, 1_000, Even),
    count("milliseconds", 5, &["ms", "milliseconds", "duration ms", "latency", "response time", "execution time"], 3, 4_000, Log),
    part("weight", 10, &["weight", "net weight", "gross weight", "mass", "weight grams", "grams", "kg"], 10, 5_000, Log),
    part("measure", 15, &["length", "width", "height", "depth cm", "volume", "area", "radius", "distance", "thickness", "size", "dimension"], 100, 20_000, Log),
    part("temperature", 10, &["temperature", "temp", "celsius"], 200, 2_800, Even),
    Maker { name: "latitude", null: 15, kinds: &[], words: &["latitude", "lat"], make: Make::Number(usual(3_000, 3_900, Even, false)) },
    Maker { name: "longitude", null: 15, kinds: &[], words: &["longitude", "lng", "lon", "long"], make: Make::Number(usual(-4_900, -4_000, Even, false)) },
    count("bytes", 5, &["bytes", "file size", "size bytes", "content length", "filesize", "size in bytes"], 900, 5_000_000, Log),
    count("pixels", 10, &["width px", "height px", "pixels", "image width", "image height"], 64, 3_840, Even),
    count("version_number", 3, &["version", "revision", "schema version", "lock version", "row version", "batch"], 1, 6, Small),
    count("port", 10, &["port", "port number"], 1_024, 49_151, Even),
    count("http_status", 5, &["status code", "http status", "response code", "http code"], 200, 204, Even),
    count("id", 1, &["id", "no", "number", "code", "key"], 1, 100_000, Even),
    flag("flag", 0.35, &["is", "has", "can", "allow", "show", "notify", "require", "requires"]),
    flag("usually", 0.92, &["active", "enabled", "verified", "visible", "public", "available", "published", "valid", "approved", "current", "email verified", "is active", "in use", "allowed", "taxable", "confirmed", "licensed"]),
    flag("seldom", 0.03, &["deleted", "archived", "blocked", "banned", "locked", "suspended", "test", "hidden", "disabled", "spam", "flagged", "superuser", "admin", "revoked", "void", "voided", "cancelled", "canceled", "expired", "discontinued", "demo", "system", "error", "failed", "super admin", "owner", "default", "primary on", "hold", "quarantined", "recalled"]),
    flag("often", 0.6, &["paid", "completed", "done", "processed", "shipped", "sent", "read", "seen", "subscribed", "opt in", "newsletter", "success", "successful", "passed", "resolved", "closed", "received", "primary"]),
];
