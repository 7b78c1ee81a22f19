//! The search on SQLite databases of many shapes.

use super::{Found, KnownReference, references};
use crate::engine::{Source, sqlite};
use crate::event::Cancel;
use crate::model::schema::Catalogue;
use crate::secret::Address;

/// A database made by a script, and what is in its folder as long as it lives.
struct Database {
    _folder: tempfile::TempDir,
    source: Box<dyn Source>,
    catalogue: Catalogue,
}

impl Database {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shapes.sqlite");
        rusqlite::Connection::open(&path).unwrap().execute_batch(script).unwrap();
        let address = Address::new(format!("sqlite:{}", path.display()));
        let mut source = (sqlite::ENGINE.source)(&address, &Cancel::default()).unwrap();
        let catalogue = source.catalogue().unwrap();
        Self { _folder: folder, source, catalogue }
    }

    fn found(&mut self, known: &[KnownReference]) -> Found {
        references(&mut *self.source, &self.catalogue, known, &Cancel::default()).unwrap()
    }

    /// The likely references, as `child.column -> parent.column`, in the order of the alphabet.
    fn likely(&mut self) -> Vec<String> {
        let found = self.found(&[]);
        let likely = found.references.iter().filter(|proposal| proposal.confidence >= 50);
        let mut likely: Vec<String> = likely
            .map(|p| format!("{}.{} -> {}.{}", p.table, p.columns.join("+"), p.parent, p.parent_columns.join("+")))
            .collect();
        likely.sort();
        likely
    }
}

/// Hides the declared foreign keys, and says what they are.
fn hidden(catalogue: &mut Catalogue) -> Vec<String> {
    let mut hidden = Vec::new();
    for table in &mut catalogue.tables {
        for key in table.foreign_keys.drain(..) {
            let (columns, parents) = (key.columns.join("+"), key.parent_columns.join("+"));
            hidden.push(format!("{}.{columns} -> {}.{parents}", table.name, key.parent));
        }
    }
    hidden.sort();
    hidden
}

const SHOP: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, open_key TEXT UNIQUE, manager_id INTEGER);
    CREATE TABLE clients (id INTEGER PRIMARY KEY, name TEXT, stripe_client_id TEXT, external_id TEXT, created_by INTEGER,
        referred_by_client_id INTEGER, external_client_id INTEGER);
    CREATE TABLE ledgers (id INTEGER PRIMARY KEY);
    CREATE TABLE currencies (code TEXT PRIMARY KEY, name TEXT UNIQUE);
    CREATE TABLE documents (uuid TEXT PRIMARY KEY);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, clientId INTEGER, currency_code TEXT, currency_name TEXT, parentOrderId INTEGER,
        version_id INTEGER, session_id TEXT, created_by INTEGER, mainLedgerId INTEGER, document_uuid TEXT, uuid TEXT,
        ledger_id INTEGER REFERENCES ledgers (id));
    CREATE TABLE order_lines (order_id INTEGER, line_no INTEGER, PRIMARY KEY (order_id, line_no));
    CREATE TABLE shipments (id INTEGER PRIMARY KEY, order_id INTEGER, line_no INTEGER);
    CREATE TABLE old_imports (id INTEGER PRIMARY KEY, order_id INTEGER);
    CREATE TABLE order_statuses (id INTEGER PRIMARY KEY);
    CREATE TABLE order_history (id INTEGER PRIMARY KEY, status_id INTEGER, user_open_key TEXT, previous_id INTEGER);";

const SHOP_ROWS: &str = "
    CREATE TABLE n (i INTEGER PRIMARY KEY);
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 500) INSERT INTO n SELECT i FROM c;
    INSERT INTO users SELECT i, i || '@example.com', 'k' || i, NULL FROM n WHERE i <= 5;
    INSERT INTO clients SELECT i, 'name', 'cus_' || i, 'x' || i, 1 + i % 5, 1 + i % 30, 900000 + i FROM n;
    INSERT INTO ledgers SELECT i FROM n WHERE i < 9;
    INSERT INTO currencies SELECT 'C' || i, 'currency ' || i FROM n WHERE i < 9;
    INSERT INTO documents SELECT printf('%08x-0000-4000-8000-000000000000', i) FROM n;
    INSERT INTO orders SELECT i, 501 - i, 'C' || (1 + i % 8), 'other ' || i, NULLIF(i % 9, 0), i % 3, 's' || i, 1 + i % 5,
        1 + i % 8, printf('%08x-0000-4000-8000-000000000000', i), printf('%08x-1111-4000-8000-000000000000', i), NULL FROM n;
    INSERT INTO order_lines SELECT i, 1 FROM n;
    INSERT INTO shipments SELECT i, i, 1 FROM n;
    INSERT INTO old_imports SELECT i, 100000 + i FROM n;
    INSERT INTO order_statuses SELECT i FROM n WHERE i < 5;
    INSERT INTO order_history SELECT i, 1 + i % 4, 'k' || (1 + i % 5), NULL FROM n;
    DROP TABLE n;";

const SHOP_MEANS: [&str; 12] = [
    "clients.referred_by_client_id -> clients.id",
    "order_history.previous_id -> order_history.id",
    "order_history.status_id -> order_statuses.id",
    "order_history.user_open_key -> users.open_key",
    "order_lines.order_id -> orders.id",
    "orders.clientId -> clients.id",
    "orders.currency_code -> currencies.code",
    "orders.document_uuid -> documents.uuid",
    "orders.mainLedgerId -> ledgers.id",
    "orders.parentOrderId -> orders.id",
    "shipments.order_id -> orders.id",
    "shipments.order_id+line_no -> order_lines.order_id+line_no",
];

#[test]
fn names_alone_find_what_is_meant() {
    let mut meant: Vec<&str> = SHOP_MEANS.to_vec();
    // Without rows nothing says that these are old.
    meant.insert(1, "old_imports.order_id -> orders.id");
    assert_eq!(Database::new(SHOP).likely(), meant);
}

#[test]
fn values_veto_and_decide() {
    let mut shop = Database::new(&format!("{SHOP}{SHOP_ROWS}"));
    assert_eq!(shop.likely(), SHOP_MEANS);
    let found = shop.found(&[]);
    let of = |table: &str, column: &str| {
        found.references.iter().find(|p| p.table.name == table && p.columns == [column]).unwrap()
    };
    let old = of("old_imports", "order_id");
    assert_eq!((old.confidence, old.by_name), (0, 93));
    assert_eq!(old.overlap.map(|overlap| (overlap.sampled, overlap.found)), Some((200, 0)));
    let lines = of("order_lines", "order_id");
    assert!(lines.is_indexed && lines.is_primary && lines.confidence > lines.by_name);
    assert!(!of("orders", "clientId").is_indexed);
    assert!(of("order_history", "previous_id").overlap.is_none());
    // Who did it is likely, but no number says that it is a user.
    assert!((35..50).contains(&of("orders", "created_by").confidence));
}

#[test]
fn what_a_policy_has_is_left_out() {
    let known = |table: &str, columns: &[&str]| KnownReference {
        table: table.to_owned(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
    };
    let found = Database::new(SHOP).found(&[known("Orders", &["CLIENTID"]), known("shipments", &["order_id"])]);
    let has =
        |table: &str, column: &str| found.references.iter().any(|p| p.table.name == table && p.columns == [column]);
    assert!(!has("orders", "clientId") && !has("shipments", "order_id"));
    assert!(has("order_lines", "order_id") && has("clients", "referred_by_client_id"));
}

#[test]
fn polymorphic_ids_are_flagged_with_the_tables_that_labels_name() {
    let mut database = Database::new(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY);
        CREATE TABLE order_line_items (id INTEGER PRIMARY KEY);
        CREATE TABLE batches (id INTEGER PRIMARY KEY);
        CREATE TABLE accounts (id INTEGER PRIMARY KEY);
        CREATE TABLE transactions (id INTEGER PRIMARY KEY);
        CREATE TABLE comments (id INTEGER PRIMARY KEY, commentable_type TEXT, commentable_id INTEGER, parent_id INTEGER);
        CREATE TABLE alerts (id INTEGER PRIMARY KEY, targetId INTEGER,
            targetType TEXT CHECK (targetType IN ('GLOBAL', 'BATCH', 'ORDER_LINE_ITEM')));
        CREATE TABLE receipts (id INTEGER PRIMARY KEY, transaction_id INTEGER,
            transaction_type TEXT CHECK (transaction_type IN ('BATCH', 'ORDER', 'STATEMENT')));
        CREATE TABLE postings (id INTEGER PRIMARY KEY, account_id INTEGER,
            account_type TEXT CHECK (account_type IN ('ASSET', 'EQUITY')));
        CREATE TABLE audit (id INTEGER PRIMARY KEY, entity TEXT, entity_id INTEGER);
        INSERT INTO orders VALUES (7), (8);
        INSERT INTO batches VALUES (1);
        INSERT INTO comments VALUES (1, 'App\\Models\\Order', 7, NULL), (2, 'App\\Models\\Order', 8, 1), (3, 'Batch', 1, 1),
            (4, 'somebody@example.com', 1, NULL), (5, 'a secret', 1, NULL);",
    );
    let found = database.found(&[]);
    let shown: Vec<String> = found
        .polymorphic
        .iter()
        .map(|p| {
            let map: Vec<String> = p.map.iter().map(|kind| format!("{}={}", kind.label, kind.parent)).collect();
            format!("{}.{} by {}: {} {:?} {}", p.table, p.id_column, p.type_column, map.join(" "), p.open, p.further)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "alerts.targetId by targetType: BATCH=batches ORDER_LINE_ITEM=order_line_items [\"GLOBAL\"] 0",
            "audit.entity_id by entity:  [] 0",
            "comments.commentable_id by commentable_type: App\\Models\\Order=orders Batch=batches [] 2",
            "receipts.transaction_id by transaction_type: BATCH=batches ORDER=orders [\"STATEMENT\"] 0",
        ]
    );
    assert!(found.polymorphic.iter().all(|proposal| proposal.confidence >= 50));
    let orders = found.polymorphic[2].map[0].overlap.unwrap();
    assert_eq!((orders.sampled, orders.found), (2, 2));
    // The values that name no table are nowhere in what leaves.
    assert!(!format!("{found:?}").contains("secret") && !format!("{found:?}").contains("somebody"));
    assert_eq!(database.likely(), ["comments.parent_id -> comments.id", "postings.account_id -> accounts.id"]);
}

/// The shape of a record shop: keys named after their tables, no plural, no underscore.
#[test]
fn declared_references_are_found_again_when_they_are_hidden() {
    let mut database = Database::new(
        "CREATE TABLE Artist (ArtistId INTEGER PRIMARY KEY, Name TEXT);
        CREATE TABLE Album (AlbumId INTEGER PRIMARY KEY, Title TEXT, ArtistId INTEGER REFERENCES Artist (ArtistId));
        CREATE TABLE MediaType (MediaTypeId INTEGER PRIMARY KEY, Name TEXT);
        CREATE TABLE Genre (GenreId INTEGER PRIMARY KEY, Name TEXT);
        CREATE TABLE Track (TrackId INTEGER PRIMARY KEY, Name TEXT, AlbumId INTEGER REFERENCES Album (AlbumId),
            MediaTypeId INTEGER REFERENCES MediaType (MediaTypeId), GenreId INTEGER REFERENCES Genre (GenreId), Bytes INTEGER);
        CREATE TABLE Employee (EmployeeId INTEGER PRIMARY KEY, Title TEXT);
        CREATE TABLE Customer (CustomerId INTEGER PRIMARY KEY, City TEXT, Country TEXT);
        CREATE TABLE Invoice (InvoiceId INTEGER PRIMARY KEY, CustomerId INTEGER REFERENCES Customer (CustomerId), Total NUMERIC(10, 2));
        CREATE TABLE InvoiceLine (InvoiceLineId INTEGER PRIMARY KEY, InvoiceId INTEGER REFERENCES Invoice (InvoiceId),
            TrackId INTEGER REFERENCES Track (TrackId), Quantity INTEGER);
        CREATE TABLE Playlist (PlaylistId INTEGER PRIMARY KEY, Name TEXT);
        CREATE TABLE PlaylistTrack (PlaylistId INTEGER REFERENCES Playlist (PlaylistId),
            TrackId INTEGER REFERENCES Track (TrackId), PRIMARY KEY (PlaylistId, TrackId));",
    );
    assert!(database.likely().is_empty(), "declared ones were proposed");
    let declared = hidden(&mut database.catalogue);
    assert_eq!(declared.len(), 9);
    assert_eq!(database.likely(), declared);
}

/// The shape of a film rental: underscores, prefixes, roles, keys of small numbers; every table with the same first word.
#[test]
fn prefixes_and_roles_do_no_harm() {
    let mut database = Database::new(
        "CREATE TABLE dvd_language (language_id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE dvd_film (film_id INTEGER PRIMARY KEY, language_id INTEGER REFERENCES dvd_language (language_id),
            original_language_id INTEGER REFERENCES dvd_language (language_id), length INTEGER);
        CREATE TABLE dvd_actor (actor_id INTEGER PRIMARY KEY, first_name TEXT);
        CREATE TABLE dvd_film_actor (actor_id INTEGER REFERENCES dvd_actor (actor_id),
            film_id INTEGER REFERENCES dvd_film (film_id), PRIMARY KEY (actor_id, film_id));
        CREATE TABLE dvd_store (store_id INTEGER PRIMARY KEY, manager_staff_id INTEGER REFERENCES dvd_staff (staff_id));
        CREATE TABLE dvd_staff (staff_id INTEGER PRIMARY KEY, store_id INTEGER REFERENCES dvd_store (store_id));
        CREATE TABLE dvd_inventory (inventory_id INTEGER PRIMARY KEY, film_id INTEGER REFERENCES dvd_film (film_id),
            store_id INTEGER REFERENCES dvd_store (store_id));
        CREATE TABLE dvd_rental (rental_id INTEGER PRIMARY KEY, inventory_id INTEGER REFERENCES dvd_inventory (inventory_id),
            staff_id INTEGER REFERENCES dvd_staff (staff_id));",
    );
    let declared = hidden(&mut database.catalogue);
    assert_eq!(database.likely(), declared);
}

/// Without a look at any row only plain names count, and what is ambiguous or known already does not.
#[test]
fn names_alone_tell_what_is_plain() {
    let database = Database::new(SHOP);
    let told = |known: &[KnownReference]| -> Vec<String> {
        let found = super::by_name(&database.catalogue, known, 80);
        found.iter().map(|p| format!("{}.{} -> {}", p.table, p.columns.join("+"), p.parent)).collect()
    };
    let found = told(&[]);
    for plain in ["orders.clientId -> clients", "order_lines.order_id -> orders", "old_imports.order_id -> orders"] {
        assert!(found.iter().any(|it| it == plain), "{plain}: {found:?}");
    }
    for vague in ["created_by", "external_client_id", "session_id", "version_id", "ledger_id ", "stripe_client_id"] {
        assert!(!found.iter().any(|it| it.contains(vague)), "{vague}: {found:?}");
    }
    let known = KnownReference { table: "orders".into(), columns: vec!["clientId".into()] };
    assert!(!told(&[known]).iter().any(|it| it.starts_with("orders.clientId")));
}
