"""A small application: it has one database, whose address it reads when it is imported, and commits at once."""

import os
import sqlite3

database = sqlite3.connect(os.environ["DATABASE_URL"].removeprefix("sqlite:"), isolation_level=None, timeout=10)
database.execute("PRAGMA foreign_keys = ON")


def count(status=None):
    if status is None:
        return database.execute("SELECT count(*) FROM clients").fetchone()[0]
    return database.execute("SELECT count(*) FROM clients WHERE status = ?", (status,)).fetchone()[0]


def add(code):
    database.execute(
        "INSERT INTO clients (code, name, email, street, city, postal_code, created_at)"
        " VALUES (?, 'New Client', ? || '@example.org', 'Main Street 1', 'Springfield', '12345', '2025-12-01 08:00:00')",
        (code, code),
    )


def close_all():
    database.execute("UPDATE clients SET status = 'closed'")


def forget_contacts():
    """Every client loses its contact, by the foreign key's ON DELETE SET NULL."""
    database.execute("DELETE FROM client_contacts")


def with_contact():
    return database.execute("SELECT count(*) FROM clients WHERE primary_contact_id IS NOT NULL").fetchone()[0]
