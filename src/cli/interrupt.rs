//! Ctrl-C, and the signal by which a CI system ends a job.

use tokio::sync::watch;

use crate::replay::Stop;

/// Becomes true at the first signal. A second one ends the process as usual.
pub(super) fn watch() -> Stop {
    let (stop, watched) = watch::channel(false);
    tokio::spawn(async move {
        if signalled().await {
            let _ = stop.send(true);
        }
        // Whoever watches would wait for nobody if the sender went away.
        stop.closed().await;
    });
    watched
}

#[cfg(unix)]
async fn signalled() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return false;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    true
}

#[cfg(not(unix))]
async fn signalled() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
