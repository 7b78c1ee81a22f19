//! What always holds in the sample ERP, as SQL: sums, states and the order of dates. Masking must not change it.

/// Each statement, in SQLite's words, counts rows that would break a promise of `docs/sample-erp.md`.
pub const PROMISES: &[&str] = &[
    "SELECT COUNT(*) FROM pragma_foreign_key_check",
    // Money.
    "SELECT COUNT(*) FROM (SELECT journal FROM ledger_entries GROUP BY journal
       HAVING SUM(debit_cents) <> SUM(credit_cents) OR COUNT(*) <> 2)",
    "SELECT COUNT(*) FROM orders o WHERE total_cents <>
       (SELECT SUM(line_total_cents) FROM order_lines l WHERE l.order_id = o.id)",
    "SELECT COUNT(*) FROM orders o WHERE NOT EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = o.id)",
    "SELECT COUNT(*) FROM invoices i JOIN orders o ON o.id = i.order_id WHERE i.amount_cents <> o.total_cents",
    "SELECT COUNT(*) FROM (SELECT i.status, i.amount_cents AS due, COALESCE(SUM(p.amount_cents), 0) AS paid
       FROM invoices i LEFT JOIN payments p ON p.invoice_id = i.id GROUP BY i.id)
     WHERE status <> CASE WHEN paid = 0 THEN 'open' WHEN paid < due THEN 'partial' WHEN paid = due THEN 'paid' END
        OR paid > due",
    "SELECT COUNT(*) FROM orders o LEFT JOIN invoices i ON i.order_id = o.id
       WHERE (i.id IS NULL) <> (o.status IN ('draft', 'cancelled'))",
    "SELECT COUNT(*) FROM invoices i WHERE amount_cents <> (SELECT SUM(debit_cents) FROM ledger_entries e
       WHERE e.invoice_id = i.id AND e.payment_id IS NULL AND e.account = 'receivable')",
    "SELECT COUNT(*) FROM payments p WHERE amount_cents <> (SELECT SUM(debit_cents) FROM ledger_entries e
       WHERE e.payment_id = p.id AND e.account = 'cash')",
    // Stock.
    "SELECT COUNT(*) FROM lots l WHERE on_hand < 0 OR on_hand <> (SELECT SUM(CASE kind WHEN 'in' THEN quantity
       ELSE -quantity END) FROM inventory_movements m WHERE m.lot_id = l.id)",
    "SELECT COUNT(*) FROM order_lines l JOIN lots t ON t.id = l.lot_id JOIN batches b ON b.id = t.batch_id
       WHERE b.product_id <> l.product_id",
    "SELECT COUNT(*) FROM returns r JOIN order_lines l USING (order_id, line_no) WHERE r.quantity > l.quantity",
    // Time.
    "SELECT COUNT(*) FROM orders o JOIN invoices i ON i.order_id = o.id WHERE i.issued_on < o.ordered_on",
    "SELECT COUNT(*) FROM invoices i JOIN payments p ON p.invoice_id = i.id WHERE p.paid_on < i.issued_on",
    "SELECT COUNT(*) FROM orders o JOIN clients c ON c.id = o.client_id WHERE o.ordered_on < date(c.created_at)",
    "SELECT COUNT(*) FROM order_lines l JOIN orders o ON o.id = l.order_id JOIN lots t ON t.id = l.lot_id
       WHERE o.ordered_on <= t.received_on",
    "SELECT COUNT(*) FROM lots l JOIN batches b ON b.id = l.batch_id WHERE l.received_on < b.harvested_on",
    "SELECT COUNT(*) FROM clients c JOIN client_contacts p ON p.id = c.primary_contact_id WHERE p.client_id <> c.id",
];
