//! `board prove`: the running box is tried from outside until everything holds or its time is up.
//! Then its slot is kept; otherwise, where another slot can be booted, the machine is started again,
//! and the boot loader finds that slot when this one's boots are used up.

use crate::app::control::SOCKET;
use crate::app::output::{answer, say};
use crate::app::{reached, state};
use crate::config::{Config, DISCOVERY_PORT};
use crate::error::{Error, Result};
use crate::limits;
use crate::reliability::{Finding, Outcome, Target};
use crate::system::network::{self, Reach};
use crate::system::standing::Updater;
use clap::Args;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, sleep};

#[derive(Debug, Args)]
pub(in crate::app) struct Prove {
    /// Configuration file of the box
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// State folder of the box; what the command line says comes before the file
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// How long it is tried
    #[arg(long, value_name = "TIME", default_value = "180s", value_parser = duration)]
    within: Duration,
    /// How long a channel is watched
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    tune: Duration,
    /// Socket of the updater that keeps the slot
    #[arg(long, value_name = "SOCKET")]
    updater: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// What became of it.
struct Proof {
    findings: Vec<Finding>,
    rounds: u32,
    took: Duration,
}

pub(super) async fn run(prove: Prove) -> Result<()> {
    let mut config = match &prove.config {
        Some(file) => Config::read(file)?,
        None => Config::default(),
    };
    config.state = prove.state.clone().or(config.state);
    let updater = prove.updater.as_ref().or(config.updater.as_ref());
    let updater = updater.map(|socket| Updater::at(socket));
    let target = target(&config, prove.tune)?;
    let deadline = Instant::now() + prove.within;
    let proof = tried(&target, deadline).await;
    let failed = proof
        .findings
        .iter()
        .find(|one| one.outcome == Outcome::Fails);
    let consequence = match (failed, &updater) {
        (_, None) => Ok(None),
        (None, Some(updater)) => kept(updater, deadline).await.map(Some),
        (Some(_), Some(updater)) => left(updater).await.map(Some),
    };
    show(&proof, &consequence, prove.json)?;
    match failed {
        Some(failed) => Err(Error::invalid(
            format!("the box does not hold: {}", failed.name),
            failed.saw.clone(),
        )),
        None => consequence.map(drop),
    }
}

/// Where the box is to be found from this machine.
fn target(config: &Config, tune: Duration) -> Result<Target> {
    let control = match (&config.control, &config.state) {
        (Some(socket), _) => socket.clone(),
        (None, Some(state)) => state.join(SOCKET),
        (None, None) => state::usual_folder()?.join(SOCKET),
    };
    let doors = [Some(config.web), config.device];
    let is_local = doors
        .iter()
        .flatten()
        .all(|door| door.ip().to_canonical().is_loopback());
    let usual = || {
        let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, DISCOVERY_PORT));
        (!is_local).then_some(everywhere)
    };
    let discovery = config.discovery.or_else(usual);
    Ok(Target {
        web: reached(config.web),
        stream: reached(config.stream),
        device: config.device.map(reached),
        discovery: discovery.filter(|_| config.announce).map(found_at),
        control,
        tune,
    })
}

/// Where the box is asked who is there: at its address on a LAN, if it has one.
fn found_at(discovery: SocketAddr) -> SocketAddr {
    if !discovery.ip().is_unspecified() {
        return discovery;
    }
    let network = network::look().unwrap_or_default();
    let mut lan = network
        .interfaces
        .iter()
        .filter(|one| one.reach == Reach::Lan);
    let address = lan.find_map(|one| one.addresses.iter().copied().find(IpAddr::is_ipv4));
    let address = address.unwrap_or(Ipv4Addr::LOCALHOST.into());
    SocketAddr::new(address, discovery.port())
}

/// Tries the box until all of it holds at once, or the time is up.
async fn tried(target: &Target, deadline: Instant) -> Proof {
    let begun = Instant::now();
    let mut rounds = 0_u32;
    loop {
        rounds = rounds.saturating_add(1);
        let findings = target.look().await;
        let holds = findings.iter().all(|one| one.outcome == Outcome::Holds);
        let pause = Duration::from_millis(limits::PROOF_PAUSE_MS);
        if holds || Instant::now() + pause >= deadline {
            return Proof {
                findings,
                rounds,
                took: begun.elapsed(),
            };
        }
        sleep(pause).await;
    }
}

/// Has the slot kept; what was done, in words. The updater may be busy for a moment.
async fn kept(updater: &Updater, deadline: Instant) -> Result<String> {
    loop {
        match updater.keep().await {
            Ok(slot) => return Ok(format!("slot {slot} is kept")),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => sleep(Duration::from_millis(limits::PROOF_PAUSE_MS)).await,
        }
    }
}

/// Leaves the slot if there is another one; what was done, in words.
async fn left(updater: &Updater) -> Result<String> {
    let standing = updater.standing().await?;
    match standing.way_back() {
        Some(other) => {
            updater.restart().await?;
            Ok(format!(
                "the machine starts again, so that it comes back to slot {other}"
            ))
        }
        None => Ok("there is no other slot that could run; the box stays as it is".to_owned()),
    }
}

fn show(proof: &Proof, consequence: &Result<Option<String>>, as_json: bool) -> Result<()> {
    let findings = &proof.findings;
    if as_json {
        let (then, error) = match consequence {
            Ok(done) => (done.as_deref(), None),
            Err(error) => (None, Some(error.to_string())),
        };
        return answer(json!({
            "holds": findings.iter().all(|one| one.outcome == Outcome::Holds),
            "checks": findings,
            "rounds": proof.rounds,
            "took_ms": u64::try_from(proof.took.as_millis()).unwrap_or(u64::MAX),
            "then": then,
            "error": error,
        }));
    }
    for finding in findings {
        answer(finding)?;
    }
    match consequence {
        Ok(Some(done)) => say(done),
        Ok(None) => {}
        Err(error) => say(error),
    }
    Ok(())
}

/// A number with its unit: `180s`, `10m`, `2h`.
fn duration(text: &str) -> std::result::Result<Duration, String> {
    let would_do = || format!("'{text}' is no time; 10s, 5m or 2h would do");
    let (digits, seconds_each) = match text.as_bytes().last() {
        Some(b's') => (text.strip_suffix('s'), 1),
        Some(b'm') => (text.strip_suffix('m'), 60),
        Some(b'h') => (text.strip_suffix('h'), 3_600),
        _ => (None, 0),
    };
    let count: u32 = digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(would_do)?;
    Ok(Duration::from_secs(u64::from(count) * seconds_each))
}

#[cfg(test)]
mod tests {
    use super::{duration, found_at, target};
    use crate::config::Config;
    use std::time::Duration;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(duration("180s"), Ok(Duration::from_secs(180)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        for text in ["", "s", "10", "-1s", "1d", "é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_box_is_looked_for_where_it_is_announced() {
        let discovery = |text: &str| {
            let config = Config::parse("box.toml", text).unwrap();
            let target = target(&config, Duration::ZERO).unwrap();
            target.discovery.map(|at| at.port())
        };
        let state = "state = '/s'\n";
        assert_eq!(discovery(state), Some(65_001));
        let local = format!("{state}web = '127.0.0.1:1'\n");
        assert_eq!(discovery(&local), None);
        assert_eq!(
            discovery(&format!("{local}device = '[::]:80'")),
            Some(65_001)
        );
        let named = "discovery = '127.0.0.1:7'\n";
        assert_eq!(discovery(&format!("{local}{named}")), Some(7));
        assert_eq!(discovery(&format!("{local}{named}announce = false")), None);
        assert!(!found_at("[::]:7".parse().unwrap()).ip().is_unspecified());
    }
}
