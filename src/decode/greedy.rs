//! Greedy search.
