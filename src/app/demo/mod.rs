//! The demo: the same box on a library that needs nothing from outside.

mod channels;
mod clips;
mod temporary;
