//! The sample's tables, parents first. `docs/sample-erp.md` says what each is there for.

use super::schema::ColumnType::{Blob, Boolean, Counter, Date, Json, LongText, Real, Timestamp};
use super::schema::{ColumnDef, KeyDef, TableDef, column, int, text, to};
use crate::model::schema::Action::{Cascade, NoAction, Restrict, SetNull};

/// What most tables are like: an `id` as key, nothing else. Each entry below says what it has beyond that.
const PLAIN: TableDef = TableDef {
    name: "",
    columns: &[],
    primary_key: &["id"],
    foreign_keys: &[],
    uniques: &[],
    checks: &[],
    indexes: &[],
};
const ID: ColumnDef = int("id");

/// Every table, in an order in which rows can be loaded.
pub(super) const TABLES: &[TableDef] = &[
    TableDef { name: "group", columns: &[ID, text("select", 30).unique(), text("title", 80)], ..PLAIN },
    TableDef {
        name: "users",
        columns: &[
            ID,
            text("username", 60).unique(),
            text("email", 120).unique(),
            text("password_hash", 120),
            text("first_name", 60),
            text("last_name", 60),
            text("phone", 40).null(),
            text("role", 20).or("'sales'"),
            int("manager_id").null(),
            column("is_active", Boolean).or("TRUE"),
            column("hired_on", Date),
            column("last_login_at", Timestamp).null(),
        ],
        foreign_keys: &[to(&["manager_id"], "users", SetNull)],
        checks: &["role IN ('admin', 'sales', 'warehouse', 'finance')"],
        ..PLAIN
    },
    TableDef {
        name: "group_members",
        columns: &[int("group_id"), int("user_id"), column("joined_on", Date)],
        primary_key: &["group_id", "user_id"],
        foreign_keys: &[to(&["group_id"], "group", Cascade), to(&["user_id"], "users", Cascade)],
        ..PLAIN
    },
    TableDef {
        name: "UserSettings",
        columns: &[
            int("user_id"),
            text("DisplayName", 120),
            text("Theme", 20).or("'light'"),
            text("ApiToken", 64).null().unique(),
            column("Avatar", Blob).null(),
        ],
        primary_key: &["user_id"],
        foreign_keys: &[to(&["user_id"], "users", Cascade)],
        ..PLAIN
    },
    TableDef {
        name: "clients",
        columns: &[
            ID,
            text("code", 20).unique(),
            text("name", 120),
            text("company", 120).null(),
            int("primary_contact_id").null(),
            int("owner_id").null(),
            text("email", 120).unique(),
            text("phone", 40).null(),
            text("ssn", 11).null(),
            column("birth_date", Date).null(),
            text("street", 120),
            text("city", 80),
            text("region", 40).null(),
            text("postal_code", 20),
            text("country", 2).or("'US'"),
            text("status", 20).or("'active'"),
            int("credit_limit_cents").or("0"),
            column("tax_notes", LongText).null(),
            column("created_at", Timestamp),
        ],
        foreign_keys: &[
            KeyDef { closes_cycle: true, ..to(&["primary_contact_id"], "client_contacts", SetNull) },
            to(&["owner_id"], "users", SetNull),
        ],
        checks: &["status IN ('active', 'on_hold', 'closed')", "credit_limit_cents >= 0"],
        indexes: &[&["name"], &["city", "region"]],
        ..PLAIN
    },
    TableDef {
        name: "client_contacts",
        columns: &[
            ID,
            int("client_id"),
            text("first_name", 60),
            text("last_name", 60),
            text("email", 120),
            text("phone", 40).null(),
            text("position", 60).null(),
        ],
        foreign_keys: &[to(&["client_id"], "clients", Cascade)],
        uniques: &[&["client_id", "email"]],
        ..PLAIN
    },
    TableDef {
        name: "vendors",
        columns: &[
            ID,
            text("code", 20).unique(),
            text("name", 120),
            text("contact_name", 120).null(),
            text("email", 120).unique(),
            text("phone", 40),
            text("tax_id", 20),
            text("bank_account", 40).null(),
            text("address", 200),
            column("is_active", Boolean).or("TRUE"),
        ],
        ..PLAIN
    },
    TableDef {
        name: "strains",
        columns: &[
            ID,
            text("name", 80).unique(),
            int("parent_id").null(),
            text("species", 20),
            column("thc_percent", Real),
        ],
        foreign_keys: &[to(&["parent_id"], "strains", Restrict)],
        checks: &["species IN ('indica', 'sativa', 'hybrid')", "thc_percent BETWEEN 0 AND 40"],
        ..PLAIN
    },
    TableDef {
        name: "products",
        columns: &[
            ID,
            text("sku", 30).unique(),
            text("name", 120),
            int("strain_id").null(),
            text("category", 20),
            int("unit_price_cents"),
            column("description", LongText).null(),
            column("label_image", Blob).null(),
        ],
        foreign_keys: &[to(&["strain_id"], "strains", NoAction)],
        checks: &["unit_price_cents > 0", "category IN ('flower', 'edible', 'extract', 'topical')"],
        ..PLAIN
    },
    TableDef {
        name: "locations",
        columns: &[ID, text("warehouse", 40), text("aisle", 10), int("bin_no"), text("label", 60).null()],
        uniques: &[&["warehouse", "aisle", "bin_no"]],
        ..PLAIN
    },
    TableDef {
        name: "batches",
        columns: &[
            ID,
            text("code", 30).unique(),
            int("product_id"),
            int("vendor_id"),
            column("harvested_on", Date),
            column("tested_on", Date).null(),
            column("thc_percent", Real).null(),
            column("certificate", Blob).null(),
        ],
        foreign_keys: &[to(&["product_id"], "products", Restrict), to(&["vendor_id"], "vendors", Restrict)],
        checks: &["tested_on IS NULL OR tested_on >= harvested_on"],
        ..PLAIN
    },
    TableDef {
        name: "lots",
        columns: &[
            ID,
            text("code", 30).unique(),
            int("batch_id"),
            int("location_id").null(),
            column("received_on", Date),
            int("quantity_in"),
            int("on_hand").or("0"),
            int("unit_cost_cents"),
        ],
        foreign_keys: &[to(&["batch_id"], "batches", Cascade), to(&["location_id"], "locations", SetNull)],
        checks: &["quantity_in > 0", "on_hand >= 0"],
        ..PLAIN
    },
    TableDef {
        name: "orders",
        columns: &[
            ID,
            text("number", 30).unique(),
            int("client_id"),
            int("sales_rep_id").null(),
            text("placed_by_email", 120),
            column("ordered_on", Date),
            text("status", 20).or("'draft'"),
            int("total_cents").or("0"),
            text("ship_to", 250),
            text("ship_phone", 40).null(),
            column("comment", LongText).null(),
        ],
        foreign_keys: &[to(&["client_id"], "clients", Restrict), to(&["sales_rep_id"], "users", SetNull)],
        checks: &["status IN ('draft', 'confirmed', 'shipped', 'cancelled')", "total_cents >= 0"],
        indexes: &[&["client_id", "ordered_on"]],
        ..PLAIN
    },
    TableDef {
        name: "order_lines",
        columns: &[
            int("order_id"),
            int("line_no"),
            int("product_id"),
            int("lot_id"),
            int("quantity"),
            int("unit_price_cents"),
            int("line_total_cents").computed("quantity * unit_price_cents"),
        ],
        primary_key: &["order_id", "line_no"],
        foreign_keys: &[
            to(&["order_id"], "orders", Cascade),
            to(&["product_id"], "products", Restrict),
            to(&["lot_id"], "lots", Restrict),
        ],
        checks: &["quantity > 0", "unit_price_cents >= 0"],
        ..PLAIN
    },
    TableDef {
        name: "inventory_movements",
        columns: &[
            ID,
            int("lot_id"),
            text("kind", 10),
            int("quantity"),
            int("order_id").null(),
            int("line_no").null(),
            int("moved_by").null(),
            column("moved_at", Timestamp),
        ],
        foreign_keys: &[
            to(&["lot_id"], "lots", Cascade),
            KeyDef { parent_columns: &["order_id", "line_no"], ..to(&["order_id", "line_no"], "order_lines", SetNull) },
            to(&["moved_by"], "users", SetNull),
        ],
        checks: &["kind IN ('in', 'out')", "quantity > 0"],
        indexes: &[&["moved_at"]],
        ..PLAIN
    },
    TableDef {
        name: "invoices",
        columns: &[
            ID,
            text("number", 30).unique(),
            int("order_id").unique(),
            column("issued_on", Date),
            column("due_on", Date),
            int("amount_cents"),
            text("status", 20).or("'open'"),
        ],
        foreign_keys: &[to(&["order_id"], "orders", Restrict)],
        checks: &["status IN ('open', 'partial', 'paid')", "due_on >= issued_on"],
        ..PLAIN
    },
    TableDef {
        name: "payments",
        columns: &[
            ID,
            int("invoice_id"),
            column("paid_on", Date),
            int("amount_cents"),
            text("method", 20),
            text("payer_name", 120).null(),
            text("reference", 60).null(),
        ],
        foreign_keys: &[to(&["invoice_id"], "invoices", Restrict)],
        checks: &["amount_cents > 0", "method IN ('cash', 'check', 'transfer')"],
        indexes: &[&["paid_on"]],
        ..PLAIN
    },
    TableDef {
        name: "ledger_entries",
        columns: &[
            column("id", Counter),
            text("journal", 30),
            text("account", 30),
            int("debit_cents").or("0"),
            int("credit_cents").or("0"),
            int("invoice_id").null(),
            int("payment_id").null(),
            column("posted_on", Date),
            text("memo", 200).null(),
        ],
        foreign_keys: &[to(&["invoice_id"], "invoices", SetNull), to(&["payment_id"], "payments", NoAction)],
        checks: &["debit_cents >= 0", "credit_cents >= 0", "debit_cents = 0 OR credit_cents = 0"],
        indexes: &[&["journal"]],
        ..PLAIN
    },
    TableDef {
        name: "returns",
        columns: &[
            ID,
            int("order_id"),
            int("line_no"),
            int("quantity"),
            column("returned_on", Date),
            column("reason", LongText).null(),
        ],
        foreign_keys: &[KeyDef {
            parent_columns: &["order_id", "line_no"],
            ..to(&["order_id", "line_no"], "order_lines", Cascade)
        }],
        checks: &["quantity > 0"],
        ..PLAIN
    },
    TableDef {
        name: "notes",
        columns: &[
            ID,
            int("client_id"),
            int("author_id").null(),
            column("body", LongText),
            column("created_at", Timestamp),
        ],
        foreign_keys: &[to(&["client_id"], "clients", Cascade), to(&["author_id"], "users", SetNull)],
        ..PLAIN
    },
    TableDef {
        name: "audit_log",
        columns: &[
            column("id", Counter),
            text("table_name", 60),
            int("row_id"),
            text("action", 10),
            column("before_json", Json).null(),
            column("after_json", Json).null(),
            text("actor_email", 120).null(),
            column("logged_at", Timestamp).or("CURRENT_TIMESTAMP"),
        ],
        checks: &["action IN ('insert', 'update', 'delete')"],
        indexes: &[&["table_name", "row_id"]],
        ..PLAIN
    },
    TableDef {
        name: "import_rows",
        columns: &[
            text("source_file", 80),
            text("client_name", 120).null(),
            text("email", 120).null(),
            text("phone", 40).null(),
            text("amount", 20).null(),
            text("remark", 200).null(),
        ],
        primary_key: &[],
        ..PLAIN
    },
];
