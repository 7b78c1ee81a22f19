//! Isolation: a pristine clone of a snapshot for every test suite, put back between suites without being made anew.
