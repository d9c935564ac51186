//! The gate that each publication passes. The server closes it when it stops: then it accepts no more messages, and
//! delivers the accepted ones.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// Open while clients may publish.
#[derive(Default)]
pub struct Gate {
    is_closed: RwLock<bool>,
}

/// A permission to publish, valid while it is held.
pub struct PublishPermit<'a> {
    _open: RwLockReadGuard<'a, bool>,
}

impl Gate {
    /// Returns a permission for one batch, or `None` after the gate was closed.
    pub fn pass(&self) -> Option<PublishPermit<'_>> {
        let is_closed = self.is_closed.read();
        let open = is_closed.unwrap_or_else(PoisonError::into_inner);
        (!*open).then_some(PublishPermit { _open: open })
    }

    /// Closes the gate. Blocks until the last permission is dropped, which takes a few milliseconds: then every
    /// message acknowledged to a publisher is in the broker and announced to its subscribers.
    pub fn close(&self) {
        let is_closed = self.is_closed.write();
        *is_closed.unwrap_or_else(PoisonError::into_inner) = true;
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    #[test]
    fn closing_waits_for_publishers_inside() {
        let gate = Gate::default();
        let (closed, is_closed) = mpsc::sync_channel(1);
        thread::scope(|scope| {
            let permit = gate.pass().expect("it is open");
            scope.spawn(|| {
                gate.close();
                closed.send(()).expect("a waiting receiver");
            });
            assert!(
                is_closed.try_recv().is_err(),
                "one publisher is still inside"
            );
            drop(permit);
            is_closed.recv().expect("it is closed");
        });
        assert!(gate.pass().is_none());
    }
}
