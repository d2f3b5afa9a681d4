//! What the session does: commands carried out, answers heard. One file per group of commands; none is imported by what stands outside this folder.

mod apply;
mod browse;
mod cases;
mod exports;
mod hear;
mod jobs;
mod labelling;
mod looking;
mod mapping;
mod marking;
mod narrowing;
mod ordinary;
mod planning;
mod selection;
mod words;
