//! Dates and times by name, and what comes after what.

use super::{Make, Maker};
use crate::generate::field::when::Role;

const DAYS: i64 = 24;
const YEARS: i64 = 365;

struct Time {
    name: &'static str,
    null: u8,
    words: &'static [&'static str],
    role: Role,
}

const fn time(time: Time) -> Maker {
    Maker { name: time.name, null: time.null, kinds: &[], words: time.words, make: Make::When(time.role) }
}

/// Something that has happened after the first of these that the table knows.
const fn past(after: &'static [&'static str], hours: (i64, i64), states: &'static [&'static str]) -> Role {
    Role { after, hours, days_ago: (0, 2 * YEARS), ahead: false, states }
}

/// Something that may still lie ahead.
const fn ahead(after: &'static [&'static str], hours: (i64, i64), days_ago: (i64, i64)) -> Role {
    Role { after, hours, days_ago, ahead: true, states: &[] }
}

const fn alone(from: i64, to: i64) -> Role {
    Role { after: &[], hours: (0, 0), days_ago: (from, to), ahead: false, states: &[] }
}

const PAID: &[&str] = &["paid", "settled", "refunded"];
const SHIPPED: &[&str] = &["shipped", "in_transit", "delivered", "returned"];
const DELIVERED: &[&str] = &["delivered", "received", "returned"];
const DONE: &[&str] = &["completed", "complete", "done", "closed", "finished", "resolved", "succeeded", "success"];
const CANCELLED: &[&str] = &["cancelled", "canceled", "void", "voided", "rejected"];
const DELETED: &[&str] = &["deleted", "archived", "removed", "trashed"];
const APPROVED: &[&str] = &["approved", "confirmed", "accepted", "published"];
const SENT: &[&str] = &["sent", "viewed", "paid", "overdue", "partial", "delivered", "accepted", "refunded"];

#[rustfmt::skip]
pub(super) static MAKERS: &[Maker] = &[
    time(Time { name: "birth", null: 10, words: &["birth", "birthday", "birth date", "date of birth", "dob", "born", "born on"], role: alone(24 * YEARS, 75 * YEARS) }),
    time(Time { name: "death", null: 95, words: &["death date", "deceased", "date of death"], role: alone(10, 8 * YEARS) }),
    time(Time { name: "hire", null: 5, words: &["hire date", "hired", "hired on", "hired at", "join date", "joined", "joining date", "employment date", "date hired", "employed since"], role: alone(60, 6 * YEARS) }),
    time(Time { name: "termination", null: 85, words: &["termination date", "terminated", "left at", "leave date", "date terminated", "separation date"], role: past(&["hire", "start", "created"], (30 * DAYS, 700 * DAYS), &["terminated", "left"]) }),
    time(Time { name: "created", null: 0, words: &["created", "created at", "created on", "date created", "creation date", "create date", "create time", "inserted at", "registered", "registered at", "date added", "added at", "added", "added on", "signup date", "signed up at", "timestamp", "recorded at", "recorded", "logged at", "occurred at", "event time", "event date", "entered at", "posted", "posted at", "posting date", "crdate"], role: alone(0, 2 * YEARS) }),
    time(Time { name: "start", null: 3, words: &["start", "start date", "starts at", "started at", "start time", "begin", "begin date", "from date", "date from", "valid from", "effective date", "effective from", "begins at", "started", "opened at", "opening time", "open time", "check in", "period start", "planted", "planted at", "plant date", "opens at"], role: past(&["created"], (0, 5 * DAYS), &[]) }),
    time(Time { name: "issued", null: 3, words: &["issued", "issued at", "issue date", "invoice date", "ordered", "ordered at", "order date", "date ordered", "purchase date", "purchased at", "transaction date", "payment request date", "bill date", "document date", "placed at", "booking date", "requested at", "submitted at", "sale date", "sold at", "manufactured", "manufacture date", "production date", "packaged date", "harvest date", "harvested at", "tested at", "test date", "date"], role: past(&["created"], (0, 2 * DAYS), &[]) }),
    time(Time { name: "approved", null: 40, words: &["approved at", "approved", "approval date", "confirmed at", "confirmed on", "accepted at", "verified at", "email verified at", "published at", "published", "publish date", "released at", "release date", "activated at", "signed at", "reviewed at"], role: past(&["issued", "start", "created"], (1, 3 * DAYS), APPROVED) }),
    time(Time { name: "sent", null: 30, words: &["sent at", "sent", "sent on", "date sent", "emailed at", "notified at", "delivered email at", "dispatched at"], role: past(&["issued", "created"], (1, 3 * DAYS), SENT) }),
    time(Time { name: "shipped", null: 30, words: &["shipped", "shipped at", "shipped on", "ship date", "shipping date", "shipment date", "date shipped", "picked at", "packed at"], role: past(&["approved", "issued", "created"], (4, 5 * DAYS), SHIPPED) }),
    time(Time { name: "delivered", null: 35, words: &["delivered", "delivered at", "delivery date", "delivered on", "received", "received at", "received date", "received on", "arrival date", "arrived at"], role: past(&["shipped", "approved", "issued", "created"], (12, 6 * DAYS), DELIVERED) }),
    time(Time { name: "due", null: 10, words: &["due", "due date", "due at", "due on", "deadline", "payment due", "expected date", "expected at", "expected delivery", "estimated delivery", "required date", "needed by", "scheduled at", "scheduled for", "scheduled date", "follow up date", "next run", "next run at", "next due", "remind at", "reminder at", "run at", "available at", "delivery due"], role: ahead(&["issued", "start", "created"], (7 * DAYS, 45 * DAYS), (-45, 300)) }),
    time(Time { name: "paid", null: 40, words: &["paid", "paid at", "paid on", "payment date", "date paid", "settled at", "payment received at", "cleared at"], role: past(&["due", "issued", "created"], (1, 20 * DAYS), PAID) }),
    time(Time { name: "end", null: 15, words: &["end", "end date", "finish date", "to date", "date to", "valid to", "valid until", "effective to", "until", "period end", "ended"], role: ahead(&["start", "issued", "created"], (1, 60 * DAYS), (-60, 400)) }),
    time(Time { name: "ends_at", null: 15, words: &["ends at", "ended at", "end at", "end time", "finish", "closing time", "close time", "check out", "closes at"], role: ahead(&["start", "issued", "created"], (1, 8), (0, 700)) }),
    time(Time { name: "expires", null: 15, words: &["expires", "expires at", "expiry", "expiry date", "expiration", "expiration date", "expire date", "best before", "use by", "expires on", "license expiry", "license expiration", "expired at", "renewal date", "renews at", "trial ends at", "warranty until"], role: ahead(&["start", "issued", "created"], (30 * DAYS, 700 * DAYS), (-700, 60)) }),
    time(Time { name: "completed", null: 45, words: &["completed at", "completed", "completed on", "completion date", "finished at", "closed at", "closed", "close date", "resolved at", "done at", "processed at", "fulfilled at"], role: past(&["start", "issued", "created"], (1, 12 * DAYS), DONE) }),
    time(Time { name: "cancelled", null: 92, words: &["cancelled at", "canceled at", "cancelled", "cancellation date", "rejected at", "revoked at", "voided at", "suspended at", "locked at", "banned at", "blocked at", "failed at", "discontinued at"], role: past(&["issued", "start", "created"], (2, 20 * DAYS), CANCELLED) }),
    time(Time { name: "last_seen", null: 25, words: &["last login", "last login at", "last seen", "last seen at", "last used", "last used at", "last accessed", "last activity", "last sign in at", "current sign in at", "accessed at", "last run", "last run at", "last order date", "last contact", "last contacted at", "last sync", "synced at", "last synced at", "read at", "seen at", "viewed at", "opened"], role: past(&["created", "hire"], (1, 200 * DAYS), &[]) }),
    time(Time { name: "updated", null: 3, words: &["updated", "updated at", "updated on", "modified", "modified at", "modified on", "last modified", "last update", "last updated", "date modified", "changed", "changed at", "modification date", "update time", "tstamp", "last changed"], role: past(&["created", "issued"], (0, 60 * DAYS), &[]) }),
    time(Time { name: "deleted", null: 95, words: &["deleted", "deleted at", "deleted on", "archived at", "removed at", "deletion date", "trashed at", "date deleted"], role: past(&["updated", "created"], (1, 90 * DAYS), DELETED) }),
];
