//! The box seen from another host of a LAN, with real clients and with frames written by hand. The
//! tests make the LAN themselves (`network`): they fail where that is not allowed.
//!
//! What a tuner has to do to be taken for one, and where that is held:
//!
//! | what | where |
//! |---|---|
//! | 1. every client's question is answered, byte for byte | `discovery::every_client_s_question_is_answered_once_to_the_asker` |
//! | 2. a bad CRC, an answer, another's id: silence | `discovery::what_is_not_for_a_tuner_of_this_id_gets_no_answer` |
//! | 3. `hdhomerun_config` finds it and reads every variable | `tool::hdhomerun_config_finds_the_box`, `tool::hdhomerun_config_reads_every_variable`, `tool::hdhomerun_config_scans_all_channels`, `tool::hdhomerun_config_saves_a_file_that_plays`, `control::every_variable_of_the_help_answers` |
//! | 4. an unknown variable's exact frame | `control::what_it_cannot_say_is_refused_in_the_known_words` |
//! | 5. requests split and in a row | `control::requests_in_pieces_and_in_a_row_are_answered_in_order` |
//! | 6. a lock's refusal | `control::a_lock_refuses_everyone_else_until_it_is_broken`, `control::who_watches_over_http_holds_the_tuner`, `tool::hdhomerun_config_is_told_who_holds_a_lock` |
//! | 7. `discover.json` and its id | `replay::plex_sets_up_scans_and_tunes`, `replay::channels_uses_nothing_but_port_80`; the checksum by `tool::hdhomerun_config_finds_the_box`, which refuses others |
//! | 8. the lineup plays | `players::ffprobe_reads_1984_1_at_every_address`, `players::mpv_plays_the_lineup`, `players::vlc_plays_the_lineup` |
//! | 9. one viewer too many | `tuners::one_viewer_too_many_is_refused_as_by_hardware` |
//! | 10. an unknown channel | `replay::jellyfin_and_emby_find_it_and_play` |
//! | 11. who leaves frees the tuner | `tuners::a_viewer_who_leaves_frees_the_tuner_within_a_tenth_of_a_second` |
//! | 12. Kodi with one tuner | `kodi::kodi_finds_the_box_and_plays_with_one_tuner`, `replay::kodi_opens_three_times_with_one_tuner` |
//! | 13. SSDP, and its goodbye | `ssdp::gssdp_finds_it_by_every_name_it_has`, `ssdp::it_is_announced_at_once_and_says_goodbye_when_it_stops`, `ssdp::async_upnp_client_reads_who_it_is` |
//! | 14. `lineup.post` | `replay::plex_sets_up_scans_and_tunes` |
//! | 15. `Range: bytes=0-` | `replay::plex_sets_up_scans_and_tunes`, by `http::tune` |
//! | 16. two interfaces | `interfaces::on_two_lans_each_client_gets_urls_of_its_own`, and the others there |
//! | 17. IPv6 | `discovery::it_is_found_over_ipv6_by_multicast_and_unicast` |
//! | 18. broken frames | `discovery::broken_frames_are_survived_in_silence`, `control::broken_requests_end_their_connection_and_no_other`; `fuzz` goes further |
//!
//! Beyond that: `flood`, `mdns`, `target`, and the clients that are replayed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a test says what failed by failing"
)]

mod ts_judge;

#[path = "support/activity.rs"]
#[allow(dead_code, reason = "what a process does is asked elsewhere")]
mod activity;
#[path = "lan/control.rs"]
mod control;
#[path = "outside/demo.rs"]
#[allow(dead_code, reason = "the same")]
mod demo;
#[path = "lan/discovery.rs"]
mod discovery;
#[path = "lan/flood.rs"]
mod flood;
#[path = "lan/frame.rs"]
mod frame;
#[path = "lan/home.rs"]
mod home;
#[path = "lan/http.rs"]
mod http;
#[path = "lan/interfaces.rs"]
mod interfaces;
#[path = "lan/kodi.rs"]
mod kodi;
#[path = "lan/mdns.rs"]
mod mdns;
#[path = "lan/network.rs"]
mod network;
#[path = "lan/players.rs"]
mod players;
#[path = "lan/port.rs"]
mod port;
#[path = "lan/quarrel.rs"]
mod quarrel;
#[path = "lan/replay.rs"]
mod replay;
#[path = "lan/ssdp.rs"]
mod ssdp;
#[path = "lan/target.rs"]
mod target;
#[path = "lan/tool.rs"]
mod tool;
#[path = "lan/tuners.rs"]
mod tuners;
#[path = "lan/twin.rs"]
mod twin;
#[path = "outside/viewer.rs"]
#[allow(dead_code, reason = "the same")]
mod viewer;

use demo::text;
use std::path::{Path, PathBuf};

/// Where HDHomeRuns are looked for and controlled, over UDP and TCP.
const PORT: u16 = 65_001;

/// A file of the project.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The interpreter that knows the clients written in Python.
fn python() -> String {
    let python = here("target/python/bin/python");
    assert!(python.exists(), "run scripts/python first");
    python.to_str().unwrap().to_owned()
}
