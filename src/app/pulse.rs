//! The pulse of a box that a service manager watches: a beat goes out only while the box can tune.
//!
//! That is asked from outside. The door for streams has to answer for a channel, over the loopback,
//! as it would a viewer; then the task that lays out the schedules has to answer, and the store's
//! thread. A box that is merely full can tune: to start it again would cost those who watch.

use super::reached;
use crate::http::House;
use crate::shutdown::Shutdown;
use crate::store::Store;
use crate::system::notify::ServiceManager;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};

/// Asks the task that lays out the schedules whether it is there.
pub(super) type Asked = mpsc::Sender<oneshot::Sender<()>>;

/// Everything that has to answer, and whom to tell.
pub(super) struct Pulse {
    pub(super) manager: ServiceManager,
    /// How long the manager waits for a beat.
    pub(super) patience: Duration,
    /// The door for streams.
    pub(super) stream: SocketAddr,
    pub(super) house: Arc<House>,
    pub(super) store: Store,
    pub(super) asked_tx: Asked,
}

/// Why there is no beat, in a sentence.
type Silence = &'static str;

impl Pulse {
    /// Looks and beats until the box stops. A beat follows the one before within half of the
    /// manager's patience; a look that fails is soon followed by another.
    pub(super) async fn beat(self, mut shutdown: Shutdown) {
        let beating = async {
            let mut told = None;
            loop {
                let pause = match self.look().await {
                    Ok(()) => {
                        if told.take().is_some() {
                            log::info!("the box can tune again");
                        }
                        self.manager.beat(self.sentence()).await;
                        self.patience / 3
                    }
                    Err(silence) => {
                        if told.replace(silence) != Some(silence) {
                            log::error!("the box cannot tune: {silence}");
                        }
                        self.manager
                            .status(format!("It cannot tune: {silence}."))
                            .await;
                        self.patience / 30
                    }
                };
                sleep(pause).await;
            }
        };
        tokio::select! {
            () = shutdown.stopped() => {}
            () = beating => {}
        }
    }

    /// Whether the box can tune, within a sixth of the manager's patience.
    async fn look(&self) -> Result<(), Silence> {
        let deadline = Instant::now() + self.patience / 6;
        match timeout_at(deadline, self.door()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err("the door for streams cannot be reached"),
            Err(_) => return Err("the door for streams does not answer"),
        }
        match timeout_at(deadline, self.schedules()).await {
            Ok(Some(())) => {}
            _ => return Err("the schedules are not laid out any more"),
        }
        match timeout_at(deadline, self.store.answer()).await {
            Ok(Ok(())) => Ok(()),
            _ => Err("the store does not answer"),
        }
    }

    /// Asks for the first channel as a viewer would, but for the head of the stream alone.
    async fn door(&self) -> std::io::Result<()> {
        let lineup = Arc::clone(&self.house.lineup_rx.borrow());
        let request = match lineup.schedules().first() {
            Some(first) => format!("HEAD /auto/v{}", first.channel().number),
            None => "HEAD /lineup.json".to_owned(),
        };
        let at = reached(self.stream);
        let mut stream = TcpStream::connect(at).await?;
        let request = format!("{request} HTTP/1.1\r\nHost: {at}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        match &status {
            // 503: so many watch or ask that there is no room for one more.
            b"HTTP/1.1 200" | b"HTTP/1.1 503" => Ok(()),
            _ => Err(std::io::ErrorKind::InvalidData.into()),
        }
    }

    /// `None` where the task has gone.
    async fn schedules(&self) -> Option<()> {
        let (answer_tx, answer_rx) = oneshot::channel();
        self.asked_tx.send(answer_tx).await.ok()?;
        answer_rx.await.ok()
    }

    /// How the box is.
    fn sentence(&self) -> String {
        let channels = self.house.lineup_rx.borrow().schedules().len();
        let tuners = self.house.tuners.status();
        let used = tuners.iter().filter(|one| one.viewer.is_some()).count();
        format!(
            "It can tune: {channels} channels, {used} of {} tuners in use.",
            tuners.len()
        )
    }
}
