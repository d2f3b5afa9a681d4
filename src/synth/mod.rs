//! Makes an estate of Windows hosts with a planted intrusion, as real evidence files.

pub mod evtx_writer;
