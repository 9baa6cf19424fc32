//! Where a request goes: an address of the scheme `http` or `https` (RFC 3986), with the headers that
//! it takes.

use crate::error::{Error, Failure, Result};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::{PathAndQuery, Scheme};
use hyper::{Uri, http::uri::Authority};
use std::borrow::Cow;
use std::fmt;
use url::Url;

/// An address that can be asked. It is shown without its query and headers.
#[derive(Clone)]
pub(super) struct Target {
    lock: Lock,
    authority: Authority,
    path: PathAndQuery,
    headers: HeaderMap,
}

/// Whether what goes to and fro can be read on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// It can (`http`).
    Plain,
    /// It cannot (`https`).
    Tls,
}

impl Target {
    /// Takes an address and headers apart.
    ///
    /// # Errors
    /// `Invalid`, without any value in its words.
    pub(super) fn new(url: &str, headers: &[(String, String)]) -> Result<Self> {
        let refused = |why: &'static str| Error::invalid("the address of a source", why);
        let uri: Uri = url
            .parse()
            .map_err(|_| refused("it is no address; spaces and the like must be escaped"))?;
        let mut target = Self::bare(&uri).map_err(refused)?;
        for (name, value) in headers {
            let name: HeaderName = name
                .parse()
                .map_err(|_| Error::invalid("a header of a source", "its name cannot be sent"))?;
            let mut value: HeaderValue = value.parse().map_err(|_| {
                Error::invalid(format!("the header {name}"), "its value cannot be sent")
            })?;
            value.set_sensitive(true);
            target.headers.append(name, value);
        }
        Ok(target)
    }

    /// An address without headers.
    fn bare(uri: &Uri) -> std::result::Result<Self, &'static str> {
        let lock = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => Lock::Plain,
            Some(scheme) if *scheme == Scheme::HTTPS => Lock::Tls,
            _ => return Err("only http:// and https:// can be read"),
        };
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("a name or password in it is not sent");
        }
        let slash = PathAndQuery::from_static("/");
        let path = uri.path_and_query().filter(|path| path.as_str() != "");
        Ok(Self {
            lock,
            authority: authority.clone(),
            path: path.cloned().unwrap_or(slash),
            headers: HeaderMap::new(),
        })
    }

    /// Where a reference leads that was found at this address (RFC 3986 §5.2). The headers go along
    /// only within the same host and port, and never from where they cannot be read to where they can.
    ///
    /// # Errors
    /// Why it cannot be followed.
    pub(super) fn joined(&self, reference: &str) -> std::result::Result<Self, &'static str> {
        let scheme = match self.lock {
            Lock::Plain => "http",
            Lock::Tls => "https",
        };
        let here = format!("{scheme}://{}{}", self.authority, self.path);
        let to = Url::parse(&here).and_then(|here| here.join(reference));
        let to = to
            .ok()
            .and_then(|to| Self::bare(&to.as_str().parse().ok()?).ok());
        let mut to = to.ok_or("it leads to where this box cannot follow")?;
        if to.is_at(self) {
            to.headers = self.headers.clone();
        }
        Ok(to)
    }

    /// Whether a connection to the one is a connection to the other.
    pub(super) fn is_at(&self, other: &Self) -> bool {
        self.lock == other.lock
            && self.host().eq_ignore_ascii_case(other.host())
            && self.port() == other.port()
    }

    /// Whether both are the same address.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.is_at(other) && self.path == other.path
    }

    /// Name or address, without brackets.
    pub(super) fn host(&self) -> &str {
        let host = self.authority.host();
        host.strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host)
    }

    pub(super) fn port(&self) -> u16 {
        let usual = match self.lock {
            Lock::Plain => 80,
            Lock::Tls => 443,
        };
        self.authority.port_u16().unwrap_or(usual)
    }

    /// How it is spoken to.
    pub(super) fn lock(&self) -> Lock {
        self.lock
    }

    /// What goes into the header `Host`.
    pub(super) fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// Path and query, as they are asked for.
    pub(super) fn path(&self) -> &str {
        self.path.as_str()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A failure at this address.
    pub(super) fn failed(&self, failure: Failure, why: impl Into<Cow<'static, str>>) -> Error {
        Error::Source {
            failure,
            subject: self.to_string(),
            why: why.into(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.authority, self.path.path())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    fn target(url: &str) -> Target {
        let headers = [("X-Plex-Token".to_owned(), "secret".to_owned())];
        Target::new(url, &headers).unwrap()
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        let target = target("http://plex.lan:32400/parts/1/a%20film.mkv?token=secret#there");
        assert_eq!(target.to_string(), "plex.lan:32400/parts/1/a%20film.mkv");
        assert_eq!(format!("{target:?}"), target.to_string());
        assert_eq!(target.path(), "/parts/1/a%20film.mkv?token=secret");
    }

    #[test]
    fn hosts_and_ports_are_found() {
        for (url, host, port) in [
            ("http://[::1]:8080/x", "::1", 8080),
            ("http://[2001:db8::7]/x", "2001:db8::7", 80),
            ("http://10.0.0.2/x", "10.0.0.2", 80),
            ("HTTP://nas:9", "nas", 9),
            ("https://nas/x", "nas", 443),
            (
                "https://10-0-0-2.aa.plex.direct:32400/x",
                "10-0-0-2.aa.plex.direct",
                32_400,
            ),
        ] {
            let target = target(url);
            assert_eq!((target.host(), target.port()), (host, port), "{url}");
        }
        assert_eq!(target("http://nas").path(), "/");
    }

    #[test]
    fn what_cannot_be_asked_is_refused_without_its_secret() {
        for url in [
            "ftp://nas/x",
            "/x",
            "http://",
            "http://me:secret@nas/x",
            "http://nas/a film?secret",
        ] {
            let error = Target::new(url, &[]).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        let bad = [("X-Plex-Token".to_owned(), "sec\nret".to_owned())];
        let error = Target::new("http://nas/x", &bad).unwrap_err().to_string();
        assert!(!error.contains("ret"), "{error}");
    }

    #[test]
    fn headers_go_only_within_their_host() {
        let from = target("http://nas:80/x?a=b");
        for (reference, path, headers) in [
            ("/y?c", "/y?c", 1),
            ("http://nas/y", "/y", 1),
            ("http://NAS/y", "/y", 1),
            ("//nas/y", "/y", 1),
            ("http://nas:81/y", "/y", 0),
            ("http://other/y", "/y", 0),
            ("//other/y", "/y", 0),
            ("http://nas.other/y", "/y", 0),
            ("https://nas/y", "/y", 0),
            ("https://nas:80/y", "/y", 0),
        ] {
            let to = from.joined(reference).unwrap();
            assert_eq!(
                (to.path(), to.headers().len()),
                (path, headers),
                "{reference}"
            );
        }
        for reference in ["ftp://nas/y", "http://a@nas/y", "http://", "https://"] {
            assert!(from.joined(reference).is_err(), "{reference}");
        }
    }

    #[test]
    fn a_reference_is_relative_to_where_it_was_found() {
        let from = target("http://[::1]:8080/video/start.m3u8?a=b");
        for (reference, path) in [
            ("session/a/index.m3u8", "/video/session/a/index.m3u8"),
            ("0.ts?c=d#e", "/video/0.ts?c=d"),
            ("?c", "/video/start.m3u8?c"),
            ("/x/../y/./0.ts", "/y/0.ts"),
            ("../../../0.ts", "/0.ts"),
            ("./a/..", "/video/"),
            ("a b.ts", "/video/a%20b.ts"),
        ] {
            let to = from.joined(reference).unwrap();
            assert!(to.is_at(&from), "{reference}");
            assert_eq!((to.path(), to.headers().len()), (path, 1), "{reference}");
        }
    }
}
