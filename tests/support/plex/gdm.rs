//! How a server is found on the LAN: a search by UDP, answered to whoever asked.

use super::state::State;
use std::sync::Arc;
use tokio::net::UdpSocket;

/// Answers searches for ever.
pub(crate) async fn serve(state: Arc<State>, socket: UdpSocket) {
    let mut packet = [0; 1024];
    loop {
        let Ok((length, peer)) = socket.recv_from(&mut packet).await else {
            continue;
        };
        let is_search = packet[..length].starts_with(b"M-SEARCH * HTTP/1.");
        if is_search && !state.faults().gdm_silent {
            let _ = socket.send_to(answer(&state).as_bytes(), peer).await;
        }
    }
}

fn answer(state: &State) -> String {
    let identity = &state.identity;
    format!(
        "HTTP/1.0 200 OK\r\n\
         Content-Type: plex/media-server\r\n\
         Host: {}.plex.direct\r\n\
         Name: {}\r\n\
         Port: {}\r\n\
         Resource-Identifier: {}\r\n\
         Updated-At: 1700000000\r\n\
         Version: {}\r\n\r\n",
        identity.certificate_hash(),
        identity.name,
        state.addresses.media.port(),
        identity.machine,
        identity.version,
    )
}
