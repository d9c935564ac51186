//! The values of one response, taken from the broker and the server.

use std::{fmt, sync::Arc};

use broker::{Figures, Pool, PoolFigures, Survey};
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use super::{encode::Page, families, process::ProcessFigures};
use crate::{
    clock,
    measurements::{HistogramFigures, Measurements},
    partial_input::PartialInputFigures,
    server::Server,
};

/// The values of one response. Each is read alone, so this is not a snapshot of one moment.
#[derive(Debug)]
pub struct Snapshot {
    pub now_unix_ms: u64,
    pub broker: Figures,
    pub pools: Vec<PoolFigures>,
    pub survey: Arc<Survey>,
    pub measurements: Arc<Measurements>,
    pub connection_limit: usize,
    pub refused_logins: u64,
    pub refused_requests: u64,
    pub refused_bans: u64,
    pub memory_limit: u64,
    pub incomplete_limit: usize,
    pub incomplete: PartialInputFigures,
    pub process: ProcessFigures,
    pub store: Option<StoreFigures>,
}

/// The values of the store on disk.
#[derive(Debug)]
pub struct StoreFigures {
    pub disk: app::DiskFigures,
    pub sync: HistogramFigures,
    pub written_bytes: u64,
}

impl Snapshot {
    /// Reads the values of a server.
    pub fn take(server: &Server, survey: Arc<Survey>) -> Self {
        Self {
            now_unix_ms: clock::unix_ms(),
            broker: server.broker.figures(),
            pools: server.broker.pool_figures(),
            survey,
            measurements: Arc::clone(&server.measurements),
            connection_limit: server.measurements.connections.limit(),
            refused_logins: server.access.refused_logins(),
            refused_requests: server.access.refused_requests(),
            refused_bans: server.connections.refused_bans(),
            memory_limit: server.broker.limits().memory_bytes,
            incomplete_limit: server.options.unfinished_bytes(),
            incomplete: server.partial_input.figures(),
            process: ProcessFigures::read(),
            store: server.disk.as_ref().map(|disk| StoreFigures {
                disk: disk.figures(),
                sync: disk.syncs().durations(),
                written_bytes: disk.syncs().written_bytes(),
            }),
        }
    }

    /// Returns the figures of a pool.
    pub fn pool(&self, pool: Pool) -> Option<&PoolFigures> {
        self.pools.iter().find(|figures| figures.pool == pool)
    }
}

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        families::process(self, &mut page)?;
        families::connections(self, &mut page)?;
        families::messages(self, &mut page)?;
        families::queues(self, &mut page)?;
        families::bounds(self, &mut page)?;
        match &self.store {
            Some(store) => families::store(store, &mut page),
            None => Ok(()),
        }
    }
}
