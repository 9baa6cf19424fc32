//! Updates, from the bundle to the slot that is booted next: the real program over real sockets, a
//! file as its card, `scripts/ota` and `scripts/bundle` as people use them, and a model of U-Boot that
//! shares no code with the program.

#[path = "update/box.rs"]
mod box_;
#[path = "update/card.rs"]
mod card;
#[path = "update/door.rs"]
mod door;
#[path = "update/history.rs"]
mod history;
#[path = "update/interrupted.rs"]
mod interrupted;
#[path = "update/over_the_air.rs"]
mod over_the_air;
#[path = "update/refused.rs"]
mod refused;
#[path = "update/uboot.rs"]
mod uboot;
