//! Checks rows against the live table before they are loaded.
