//! Garbage collection on stores in memory: what is marked, what is deleted, and what stops it.
