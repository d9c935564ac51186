//! One schedule: a store under load, faults at chosen operations, and a comparison with the model after each start.

use simulation::Random;
use store::{
    OpenError, OpenGroup, Opened, Options, Start, Store, Unit,
    disk::simulated::{Fault, SimulatedDisk},
};

use crate::{
    message::Message,
    model::Model,
    workload::{Workload, states_within},
};

/// A schedule is repeated by its plan.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    /// The first fault and its operation.
    pub fault: Option<(u64, Fault)>,
}

/// The store of a schedule, and the states that it may have after a crash.
pub struct Run {
    pub disk: SimulatedDisk,
    pub workload: Workload,
    pub store: Option<Store<SimulatedDisk>>,
    options: Options,
    random: Random,
    now_ms: u64,
    group: OpenGroup<Message>,
    /// The state with all groups that are acknowledged.
    acknowledged: Model,
    /// The states between that one and the one with all units that were pushed.
    possible: Vec<Model>,
    last_epoch: u64,
    /// Notes of all starts.
    pub notes: Vec<store::Note>,
}

/// An operation of the store failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crashed;

const GROUPS: usize = 14;

impl Run {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x5eed);
        let options = options(&mut random);
        let model = Model::default();
        Self {
            disk: SimulatedDisk::new(random.number()),
            workload: Workload::new(seed),
            store: None,
            group: group(options),
            options,
            random,
            now_ms: 0,
            possible: vec![model.clone()],
            acknowledged: model,
            last_epoch: 0,
            notes: Vec::new(),
        }
    }

    /// Opens the store, and compares it with the possible states.
    pub fn open(&mut self) -> Result<(), Crashed> {
        self.now_ms += 1;
        let start = Start {
            now_ms: self.now_ms,
            random: self
                .random
                .number()
                .to_le_bytes()
                .repeat(2)
                .try_into()
                .expect("16 bytes"),
        };
        let opened = match Store::open(self.disk.clone(), self.options, start) {
            Ok(opened) => opened,
            Err(OpenError::Disk(_)) => return Err(Crashed),
            Err(error) => panic!("{error}"),
        };
        self.check(opened);
        Ok(())
    }

    fn check(&mut self, opened: Opened<SimulatedDisk>) {
        let Opened {
            store,
            epoch,
            next_position,
            notes,
        } = opened;
        let found = Model::read(&self.disk, store.id(), store.state()).expect("all messages");
        assert!(
            self.possible.contains(&found),
            "found {found:#?}\nexpected {:#?}\nor one of {} states up to {:#?}",
            self.acknowledged,
            self.possible.len(),
            self.possible.last(),
        );
        assert!(epoch.number >= self.last_epoch);
        assert!(next_position > store.state().last_position());
        if epoch.number == self.last_epoch {
            assert!(
                next_position >= self.workload.next_position,
                "a position was given twice"
            );
        }
        self.last_epoch = epoch.number;
        self.notes.extend(notes);
        self.workload.model = found.clone();
        self.workload.next_position = next_position;
        self.acknowledged = found.clone();
        self.possible = vec![found];
        self.group = group(self.options);
        self.store = Some(store);
    }

    /// Writes some groups with maintenance in between.
    pub fn load(&mut self, groups: usize) -> Result<(), Crashed> {
        for _ in 0..groups {
            self.commit()?;
            for _ in 0..self.random.index(4) {
                self.maintain()?;
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Crashed> {
        let units = self.workload.group();
        self.possible = states_within(&self.acknowledged, &units);
        let mut number = 0;
        for mut records in units {
            let unit = match records.len() {
                1 => Unit::single(records.remove(0)),
                _ => Unit::transaction(records),
            };
            number = self.group.push(unit).expect("room").group;
        }
        let group = self.group.take().expect("a group");
        let store = self.store.as_mut().expect("an open store");
        let Ok(durable) = store.commit(group) else {
            return Err(Crashed);
        };
        assert_eq!(durable.group, number);
        let last = self.possible.pop().expect("a state");
        assert_eq!(last, self.workload.model);
        self.acknowledged = last.clone();
        self.possible = vec![last];
        Ok(())
    }

    fn maintain(&mut self) -> Result<(), Crashed> {
        self.now_ms += self.random.index(400) as u64;
        let is_short = self.random.once_in(2);
        let store = self.store.as_mut().expect("an open store");
        store.set_short_of_space(is_short);
        let step = store.maintain(self.now_ms).map_err(|_| Crashed)?;
        assert_eq!(step.damages, []);
        Ok(())
    }

    pub fn close(&mut self) -> Result<(), Crashed> {
        let store = self.store.take().expect("an open store");
        let closed = store.close(self.workload.next_position);
        closed.map(drop).map_err(|_| Crashed)
    }

    /// Compares the open store with the model, without a restart.
    pub fn check_live(&self) {
        let store = self.store.as_ref().expect("an open store");
        let found = Model::read(&self.disk, store.id(), store.state()).expect("all messages");
        assert_eq!(found, self.acknowledged);
    }

    /// Turns the power off and on after a failure of the power; after another fault, the program may also restart alone.
    fn restart(&mut self, fault: Fault) {
        self.store = None;
        match fault {
            Fault::Io | Fault::NoSpace if self.random.once_in(2) => self.disk.heal(),
            _ => self.disk.power_on(),
        }
    }

    fn first_life(&mut self) -> Result<(), Crashed> {
        self.open()?;
        self.load(GROUPS / 2)?;
        self.close()?;
        self.open()?;
        self.load(GROUPS / 2)
    }
}

/// Runs a schedule. Returns the number of operations of the first life, if no fault ended it.
pub fn run(plan: Plan) -> Option<u64> {
    let mut run = Run::new(plan.seed);
    match plan.fault {
        Some((at, fault)) => run.disk.fail_at(at, fault),
        None => run.disk.heal(),
    }
    let is_complete = run.first_life().is_ok();
    let operations = run.disk.operations();
    let fault = plan.fault.map_or(Fault::PowerFailure, |(_, fault)| fault);
    // Faults during recovery as well, some of them several times in a row.
    let mut fault = fault;
    for _ in 0..run.random.index(4) {
        run.restart(fault);
        fault = Fault::PowerFailure;
        let at = run.random.index(40) as u64;
        run.disk.fail_at(at, fault);
        if run.open().is_ok() {
            let _ = run.load(3);
        }
    }
    run.restart(fault);
    run.disk.heal();
    run.open().expect("a start without fault");
    run.load(3).expect("groups without fault");
    run.check_live();
    run.close().expect("a clean stop");
    run.open().expect("a start after a clean stop");
    is_complete.then_some(operations)
}

fn options(random: &mut Random) -> Options {
    Options {
        segment_bytes: [2048, 3000, 5000, 20_000][random.index(4)],
        frame_bytes: [100, 400, 4000][random.index(3)],
        snapshot_log_bytes: [600, 2000, 6000][random.index(3)],
        snapshot_interval_ms: [1_000, 100_000][random.index(2)],
        step_items: [1, 3, 50][random.index(3)],
        compact_below_percent: [30, 90][random.index(2)],
        compaction_step_bytes: [300, 3000][random.index(2)],
        compaction_share_percent: 50,
        compaction_bytes_per_second: 1000,
    }
}

fn group(options: Options) -> OpenGroup<Message> {
    OpenGroup::new(store::GroupLimits {
        group_bytes: 1 << 20,
        unit_bytes: options.largest_unit(),
    })
}
