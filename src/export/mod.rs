//! Writes rankings as CSV and JSONL, and the manifest.
