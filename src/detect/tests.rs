//! The search on SQLite databases of many shapes.
