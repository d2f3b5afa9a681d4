//! Makes an estate of Windows hosts with a planted intrusion, as real evidence files.
