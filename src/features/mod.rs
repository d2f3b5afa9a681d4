//! Turns event text into features: normalised values, frequencies, vocabularies.
