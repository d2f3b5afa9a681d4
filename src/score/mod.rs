//! Ranking, histogram, threshold and metrics over scores.
