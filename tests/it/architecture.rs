//! Tests of the room `architecture`.
