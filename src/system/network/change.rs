//! When the network changes, as the kernel tells it (rtnetlink(7)).
//!
//! Nothing of what it says is taken apart: whatever it says means that somebody should look again.

use crate::limits;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, timeout_at};

/// Changes of links, of IPv4 and of IPv6 addresses (`RTMGRP_*` of `linux/rtnetlink.h`).
const GROUPS: u32 = 0x1 | 0x10 | 0x100;

/// What is read of a message; the rest of it is dropped by the kernel.
const SCRATCH_BYTES: usize = 256;

/// A socket at which the kernel says that something has changed.
#[derive(Debug)]
pub(super) struct Changes {
    socket: AsyncFd<OwnedFd>,
}

impl Changes {
    /// Listens to the kernel, on the current runtime.
    ///
    /// # Errors
    /// Where it may not be listened to: some sandboxes refuse it.
    pub(super) fn listen() -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, GROUPS))?;
        Self::on(socket)
    }

    /// Listens at a socket that does not block.
    fn on(socket: OwnedFd) -> io::Result<Self> {
        #[expect(
            deprecated,
            reason = "what replaces it is unsafe, for descriptors that somebody else may close"
        )]
        let socket = AsyncFd::with_interest(socket, Interest::READABLE)?;
        Ok(Self { socket })
    }

    /// Waits until something has changed and, for a moment, nothing more does: an interface that
    /// comes up says so a dozen times.
    ///
    /// # Errors
    /// Where the socket fails.
    pub(super) async fn next(&mut self) -> io::Result<()> {
        self.told().await?;
        let quiet = Duration::from_millis(limits::NETWORK_QUIET_MS);
        let latest = Instant::now() + Duration::from_millis(limits::NETWORK_SETTLES_MS);
        while Instant::now() < latest {
            let until = latest.min(Instant::now() + quiet);
            match timeout_at(until, self.told()).await {
                Ok(told) => told?,
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Waits until the kernel says something, and drops it with all that it has said besides.
    async fn told(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.socket.readable().await?;
            let mut heard = false;
            let mut scratch = [0; SCRATCH_BYTES];
            loop {
                let fd = ready.get_inner().as_raw_fd();
                match recv(fd, &mut scratch, MsgFlags::empty()) {
                    Err(Errno::EAGAIN) => break,
                    // It had more to say than the socket holds.
                    Ok(_) | Err(Errno::ENOBUFS) => heard = true,
                    Err(Errno::EINTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            ready.clear_ready();
            if heard {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Changes;
    use std::io::pipe;
    use std::os::unix::net::UnixDatagram;
    use std::thread;
    use std::time::Duration;
    use tokio::time::{Instant, timeout};

    /// A kernel that tells what a test wants it to.
    fn kernel() -> (UnixDatagram, Changes) {
        let (kernel, ours) = UnixDatagram::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (kernel, Changes::on(ours.into()).unwrap())
    }

    #[tokio::test]
    async fn what_is_told_in_a_row_is_one_change() {
        let (kernel, mut changes) = kernel();
        let begun = Instant::now();
        for _ in 0..7 {
            kernel.send(&[1; 4_000]).unwrap();
        }
        changes.next().await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(100));
        let more = timeout(Duration::from_millis(50), changes.next());
        assert!(more.await.is_err(), "it is told once");
        kernel.send(&[2]).unwrap();
        changes.next().await.unwrap();
    }

    #[tokio::test]
    async fn what_never_settles_is_looked_at_meanwhile() {
        let (kernel, mut changes) = kernel();
        // It ends when the socket is gone.
        let flapping = thread::spawn(move || {
            while kernel.send(&[1]).is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        for _ in 0..2 {
            let change = timeout(Duration::from_secs(10), changes.next());
            change.await.unwrap().unwrap();
        }
        drop(changes);
        flapping.join().unwrap();
    }

    #[tokio::test]
    async fn a_socket_that_fails_says_so() {
        let (reader, writer) = pipe().unwrap();
        drop(writer);
        let mut changes = Changes::on(reader.into()).unwrap();
        assert!(changes.next().await.is_err());
    }

    #[tokio::test]
    async fn the_kernel_lets_itself_be_listened_to() {
        Changes::listen().unwrap();
    }
}
