//! Rules for each kind of content, the best first. Which of them fits a column is tried out by `propose`.

use super::names::quoted;
use crate::model::schema::{Column, Family};

/// The rules that suit a kind.
pub(super) fn of(kind: &str, column: &Column) -> Vec<String> {
    let name = column.name.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let xml = column.declared.to_ascii_lowercase().starts_with("xml");
    if column.declared.trim_end().ends_with("[]") {
        return array(kind);
    }
    let rules: &[&str] = match kind {
        "bank_account" if says(&["iban"]) => &["iban", "bank_account"],
        "bank_account" => &["bank_account"],
        "birth_date" if says(&["year"]) && column.family == Family::Integer => &["{ mask = \"bucket\", width = 10 }"],
        "birth_date" | "death_date" if column.family == Family::Integer => &["{ mask = \"dob\", unit = \"seconds\" }"],
        "birth_date" => &["dob"],
        "age" => &["{ mask = \"bucket\", width = 10 }"],
        "birth_place" | "city" => &["{ mask = \"address\", part = \"city\" }"],
        "region" => &["{ mask = \"address\", part = \"region\" }", "text_replace"],
        "postal_code" => &["{ mask = \"address\", part = \"postal\" }"],
        "street_address" if column.family != Family::Json => &["address"],
        "card_number" => &["card"],
        "crypto_wallet" => &["crypto_wallet"],
        "death_date" | "hire_date" | "card_expiry" => &["date_shift"],
        "device" if says(&["agent", "browser", "ua"]) => &["user_agent"],
        "document" | "photo" | "biometric" if column.family == Family::Blob => &["blob"],
        "photo" if says(&["url", "link"]) => &["url"],
        "photo" | "filename" => &["filename"],
        "email" => &["email"],
        "financial" | "salary" => &["{ mask = \"noise\", percent = 20 }"],
        "first_name" | "middle_name" => &["first_name"],
        "free_text" | "json_payload" | "contact_text" if xml => &["xml", "text_replace"],
        "free_text" | "contact_text" | "job" | "nationality" | "document" if column.family == Family::Text => {
            &["enum_pick", "text_replace"]
        }
        "geo" => &["geo"],
        "gov_id" if says(&["ssn", "social_sec", "socialsec"]) => &["ssn_tail", "gov_id"],
        "licence_no" if says(&["vin", "plate"]) => &["hash"],
        "gov_id" | "licence_no" => &["gov_id"],
        "handle" if says(&["id", "key", "fingerprint", "dn"]) => &["token"],
        "handle" => &["username"],
        "health" | "hr_leave" | "gender" | "marital" | "religion" | "ethnicity" | "politics" | "orientation"
        | "criminal" | "social" | "family" | "title" | "card_type" | "country" | "job" | "nationality" => {
            &["enum_pick", "{ mask = \"noise\", percent = 20 }", "date_shift", "text_replace"]
        }
        "insurance_no" | "customer_code" => &["alnum", "digits"],
        "ip" => &["ip"],
        "json_payload" => &["json", "text_replace"],
        "last_name" => &["last_name"],
        "mac" => &["mac", "hash"],
        "org_name" => &["company"],
        "password" | "secret" => &["secret"],
        "token" if says(&["salt", "otp", "cookie", "sid"]) => &["token", "secret"],
        "token" => &["secret", "token"],
        "person_name" => &["full_name"],
        "phone" => &["phone"],
        "url" => &["url"],
        _ => &[],
    };
    // Texts may hold anything; a number in one of them would be luck.
    let text = matches!(column.family, Family::Text | Family::Any);
    let suits = |rule: &&&str| !text || !(rule.contains("noise") || rule.contains("bucket") || **rule == "date_shift");
    let written =
        rules.iter().filter(suits).map(|rule| if rule.starts_with('{') { (*rule).to_owned() } else { quoted(rule) });
    let json = (column.family == Family::Json).then(|| quoted("json"));
    // A column with labels takes nothing else; where it has none, this fits nowhere.
    let labels = (column.family == Family::Text).then(|| quoted("enum_pick"));
    json.into_iter().chain(labels).chain(written).collect()
}

/// The items of a PostgreSQL array.
fn array(kind: &str) -> Vec<String> {
    let item = match kind {
        "email" | "phone" | "first_name" | "last_name" => kind,
        "person_name" => "full_name",
        _ => "token",
    };
    vec![format!("{{ mask = \"list\", item = {}, format = \"array\" }}", quoted(item))]
}

/// What is tried where nothing that suits fits: tags that tell values apart, then nothing at all.
pub(super) fn last_resorts(column: &Column) -> Vec<String> {
    let empty = match column.family {
        Family::Json => "\"{}\"",
        Family::Integer | Family::Real | Family::Numeric => "0",
        Family::Date => "\"1970-01-01\"",
        Family::Time => "\"00:00:00\"",
        Family::Timestamp => "\"1970-01-01 00:00:00\"",
        Family::Boolean => "false",
        Family::Uuid => "\"00000000-0000-4000-8000-000000000000\"",
        _ => "\"\"",
    };
    let mut rules = Vec::new();
    if matches!(column.family, Family::Text | Family::Any) {
        rules.extend([quoted("token"), "{ mask = \"hash\", length = 8 }".to_owned()]);
    }
    if column.family == Family::Uuid {
        rules.push(quoted("uuid"));
    }
    rules.extend([quoted("null"), quoted("default"), format!("{{ mask = \"fixed\", value = {empty} }}")]);
    rules.push("{ mask = \"fixed\", value = \"x\" }".to_owned());
    rules
}
