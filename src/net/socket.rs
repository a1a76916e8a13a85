//! Bare connections, for protocols that are not HTTP: opened and limited as those of HTTP
//! are.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::net::attempt::Mark;
use crate::net::{Attempt, Failure, Stage, fault};

/// Which addresses of a host may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Any.
    Anywhere,
    /// This machine's own only.
    Loopback,
}

/// Opens a connection to the first address of a host that answers.
///
/// # Errors
/// At the stages `resolve` and `connect`.
pub(crate) async fn connect(
    host: &str,
    port: u16,
    reach: Reach,
    attempt: &Attempt,
) -> Result<TcpStream, Failure> {
    attempt.enter(Stage::Resolve);
    attempt.mark(Mark::Resolving);
    let name = host.to_owned();
    let looked_up =
        tokio::task::spawn_blocking(move || (name.as_str(), port).to_socket_addrs()).await;
    attempt.mark(Mark::Resolved);
    let unresolved = |reason: &dyn std::fmt::Display| {
        let message = format!("the host name has no address: {reason}");
        Failure::passing("unresolved", Stage::Resolve, message)
    };
    let addresses = match looked_up {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(error)) => return Err(unresolved(&error)),
        Err(error) => return Err(unresolved(&error)),
    };
    let allowed = |address: &SocketAddr| reach == Reach::Anywhere || address.ip().is_loopback();
    attempt.enter(Stage::Connect);
    attempt.mark(Mark::Connecting);
    let mut last = unresolved(&"none that may be connected to");
    for address in addresses.filter(allowed) {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // A question is one small message, which must not wait for another to fill a packet.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = fault::connecting(&error),
        }
    }
    Err(last)
}

/// Bytes of one reply that were read so far, and how many may be.
#[derive(Debug)]
pub(crate) struct Meter {
    read: AtomicUsize,
    most: usize,
}

impl Meter {
    /// Nothing read yet.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            read: AtomicUsize::new(0),
            most,
        })
    }

    /// Another reply begins.
    pub(crate) fn reset(&self) {
        self.read.store(0, Ordering::Relaxed);
    }

    /// The failure of a reply that was too large, if this one was.
    pub(crate) fn exceeded(&self) -> Option<Failure> {
        let message = format!("a reply of more than {} bytes", self.most);
        let exceeded = self.read.load(Ordering::Relaxed) > self.most;
        exceeded.then(|| Failure::lasting("body_too_large", Stage::Body, message))
    }
}

/// A connection that is not read on when a reply grows too large.
pub(crate) struct Metered<S> {
    inner: S,
    meter: Arc<Meter>,
}

impl<S> Metered<S> {
    /// Watches a connection.
    pub(crate) fn new(inner: S, meter: Arc<Meter>) -> Self {
        Self { inner, meter }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let now = buffer.filled().len() - before;
        let read = self.meter.read.fetch_add(now, Ordering::Relaxed) + now;
        if read > self.meter.most {
            // Who gets an error must find the buffer as it was.
            buffer.set_filled(before);
            let message = "the reply is too large";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, message)));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_reply_that_grows_too_large_is_not_read_on() {
        let (near, mut far) = tokio::io::duplex(64);
        let meter = Meter::new(8);
        let mut near = Metered::new(near, Arc::clone(&meter));
        let mut bytes = [0; 8];
        far.write_all(&[1; 8]).await.expect("room");
        near.read_exact(&mut bytes)
            .await
            .expect("as much as may be");
        assert_eq!(meter.exceeded(), None);
        meter.reset();
        far.write_all(&[1; 9]).await.expect("room");
        let mut all = Vec::new();
        drop(far);
        near.read_to_end(&mut all)
            .await
            .expect_err("a byte too many");
        let failure = meter.exceeded().expect("too large");
        assert_eq!(failure.class, "body_too_large");
    }

    #[tokio::test]
    async fn a_closed_port_refuses_at_connect() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let attempt = Attempt::begin();
        let failed = connect("127.0.0.1", port, Reach::Loopback, &attempt).await;
        let failure = failed.expect_err("nobody listens");
        assert_eq!(failure.class, "connection_refused");
        assert_eq!(failure.stage, Stage::Connect);
    }
}
