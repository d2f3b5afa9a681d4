//! What a case holds does no harm, and nothing leaks from one case into the next.

mod session;
