//! Transactions: SEND, ACK and NACK frames that take effect at COMMIT (STOMP 1.2, "BEGIN", "COMMIT", "ABORT").
//!
//! A transaction belongs to its connection and ends with it. The broker gets its messages at COMMIT; it is informed of
//! the acknowledgements at once, so that they make room for more deliveries.

use std::sync::Arc;

use broker::{Charge, Client, Pool, PoolError, Publication, Settlement};
use wire::stomp::server::{self, Cause, Fault};

use super::Stomp;
use crate::{clock, connection::ReadCycle};

/// The open transactions of a connection.
pub(super) struct Transactions {
    open: Vec<Transaction>,
    /// Maximum number of bytes of all of them.
    max_bytes: usize,
    client: Arc<Client>,
}

/// An open transaction: the frames that take effect at its COMMIT.
pub(super) struct Transaction {
    id: Box<str>,
    /// The messages of its SEND frames.
    pub(super) publications: Vec<Publication>,
    /// The acknowledgements of its ACK and NACK frames.
    pub(super) settlements: Vec<Settlement>,
    frames: usize,
    bytes: usize,
    /// At least as many bytes, charged to the pool of all transactions.
    charges: Vec<Charge>,
    charged: usize,
}

impl Transaction {
    /// Takes the bytes from the pool, in a few large pieces.
    fn take(&mut self, bytes: usize, client: &Arc<Client>) -> Result<(), PoolError> {
        let missing_bytes = (self.bytes + bytes).saturating_sub(self.charged);
        if missing_bytes > 0 {
            let piece = missing_bytes.max(self.charged);
            let amount = u32::try_from(piece).unwrap_or(u32::MAX);
            self.charges
                .push(client.take(Pool::TransactionBytes, amount)?);
            self.charged += piece;
        }
        self.frames += 1;
        self.bytes += bytes;
        Ok(())
    }
}

impl Transactions {
    /// Creates an empty table. `max_bytes` limits the bytes of all transactions together.
    pub(super) const fn new(max_bytes: usize, client: Arc<Client>) -> Self {
        Self {
            open: Vec::new(),
            max_bytes,
            client,
        }
    }

    /// Opens a transaction. "Within the same connection, different transactions MUST use different transaction
    /// identifiers" (STOMP 1.2, "BEGIN"); after its end a transaction's identifier is free again.
    fn begin(&mut self, id: &str, receipt: Option<&str>) -> Result<(), Fault> {
        if self.find(id).is_some() {
            return Err(Fault::transaction_in_use(id, receipt));
        }
        if self.open.len() == MAX_OPEN {
            return Err(Fault::new(
                Cause::TooManyTransactions { limit: MAX_OPEN },
                receipt,
            ));
        }
        self.open.push(Transaction {
            id: id.into(),
            publications: Vec::new(),
            settlements: Vec::new(),
            frames: 0,
            bytes: 0,
            charges: Vec::new(),
            charged: 0,
        });
        Ok(())
    }

    /// Returns the transaction, if it has room for one more frame of `bytes`.
    pub(super) fn admit(
        &mut self,
        id: &str,
        bytes: usize,
        receipt: Option<&str>,
    ) -> Result<&mut Transaction, Fault> {
        let at = self.find(id);
        let at = at.ok_or_else(|| Fault::unknown_transaction(id, receipt))?;
        let frames: usize = self.open.iter().map(|one| one.frames).sum();
        if frames == MAX_FRAMES {
            let cause = Cause::TransactionTooLong { limit: MAX_FRAMES };
            return Err(Fault::new(cause, receipt));
        }
        let held_bytes: usize = self.open.iter().map(|one| one.bytes).sum();
        if held_bytes.saturating_add(bytes) > self.max_bytes {
            let limit = self.max_bytes;
            return Err(Fault::new(Cause::TransactionTooLarge { limit }, receipt));
        }
        let transaction = &mut self.open[at];
        transaction
            .take(bytes, &self.client)
            .map_err(|error| Fault::refused("transaction too large", error.to_string(), receipt))?;
        Ok(transaction)
    }

    fn end(&mut self, id: &str, receipt: Option<&str>) -> Result<Transaction, Fault> {
        match self.find(id) {
            Some(at) => Ok(self.open.swap_remove(at)),
            None => Err(Fault::unknown_transaction(id, receipt)),
        }
    }

    fn find(&self, id: &str) -> Option<usize> {
        self.open.iter().position(|one| *one.id == *id)
    }
}

impl Stomp {
    /// Processes BEGIN.
    ///
    /// # Errors
    ///
    /// The identifier is in use, or there are too many open transactions.
    pub(super) fn begin(
        &mut self,
        begin: &server::Transaction<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        let receipt = begin.receipt.as_deref();
        self.transactions.begin(&begin.id, receipt)?;
        self.receipt(receipt, cycle);
        Ok(())
    }

    /// Commits: all frames take effect, or none.
    pub(super) fn commit(
        &mut self,
        commit: &server::Transaction<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        if cycle.is_intake_closed() {
            return Ok(());
        }
        let receipt = commit.receipt.as_deref();
        let Transaction {
            mut publications,
            settlements,
            ..
        } = self.transactions.end(&commit.id, receipt)?;
        let done = self.broker.commit(
            &self.session,
            &mut publications,
            &settlements,
            clock::unix_ms(),
            &mut cycle.outcome,
        );
        // Even a refused commit may have made room in queues.
        self.carry_out(cycle);
        done.map_err(|error| Fault::refused("cannot commit", error.to_string(), receipt))?;
        self.receipt(receipt, cycle);
        Ok(())
    }

    /// Aborts: no frame takes effect, and messages acknowledged in the transaction wait for an acknowledgement again.
    pub(super) fn abort(
        &mut self,
        abort: &server::Transaction<'_>,
        cycle: &mut ReadCycle,
    ) -> Result<(), Fault> {
        let receipt = abort.receipt.as_deref();
        let transaction = self.transactions.end(&abort.id, receipt)?;
        self.broker.unstage(&self.session, &transaction.settlements);
        self.receipt(receipt, cycle);
        Ok(())
    }
}

/// Maximum number of open transactions.
const MAX_OPEN: usize = 16;
/// Maximum number of frames in all of them.
const MAX_FRAMES: usize = 10_000;
