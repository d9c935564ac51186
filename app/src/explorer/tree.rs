//! The topic tree as far as it is loaded, and its visible rows. Pure; `explorer::live` requests what is missing.

use std::{collections::HashMap, ops::Range, sync::Arc};

use super::{
    activity::Activity,
    level::{Child, Level},
};

use crate::texts;

/// The index of a node; it stays the same while the node exists.
pub type NodeId = usize;

/// The invisible node above the first levels.
pub const ROOT: NodeId = 0;
/// The folder of the broker's own topics, the last row of the tree.
pub const SYSTEM: NodeId = 1;

#[derive(Clone, Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    /// Indexes of removed nodes, for new ones.
    free: Vec<NodeId>,
    by_name: HashMap<Arc<str>, NodeId>,
    order: Order,
    rows: Vec<Row>,
    /// Number of nodes that were added or removed.
    changes: u64,
}

/// The order of siblings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Name,
    Rate,
    Time,
}

#[derive(Clone, Debug, Default)]
pub struct Node {
    pub child: Child,
    pub activity: Activity,
    /// 0 for the invisible node above the first levels.
    pub depth: usize,
    pub is_open: bool,
    parent: NodeId,
    children: Vec<NodeId>,
    /// The parts in which the children were loaded, in order.
    parts: Vec<Part>,
    /// The place after which the next children begin.
    next: Option<String>,
    is_loading: bool,
}

/// A loaded part of the children of a node.
#[derive(Clone, Debug)]
struct Part {
    after: Option<String>,
    length: usize,
}

/// A row of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    Node(NodeId),
    /// Further children of this node are not loaded yet.
    More(NodeId),
}

/// A part of the children of a node, to be requested.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    pub parent: NodeId,
    /// The name of the parent; empty for the first levels.
    pub under: String,
    pub after: Option<String>,
}

impl Order {
    /// Returns the value of the query's `sort`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Rate => "rate",
            Self::Time => "time",
        }
    }

    pub fn named(name: &str) -> Self {
        match name {
            "rate" => Self::Rate,
            "time" => Self::Time,
            _ => Self::Name,
        }
    }
}

impl Tree {
    /// Creates a tree of which nothing is loaded.
    pub fn new(order: Order) -> Self {
        let root = Node {
            is_open: true,
            ..Node::default()
        };
        let system = Node {
            depth: 1,
            child: Child {
                level: texts::topics::SYSTEM.get().into(),
                is_system: true,
                ..Child::default()
            },
            ..Node::default()
        };
        Self {
            nodes: vec![root, system],
            free: Vec::new(),
            by_name: HashMap::new(),
            order,
            rows: Vec::new(),
            changes: 0,
        }
    }

    pub fn order(&self) -> Order {
        self.order
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// Returns true if the first levels were loaded and there are none.
    pub fn is_empty(&self) -> bool {
        !self.nodes[ROOT].parts.is_empty() && self.rows.is_empty()
    }

    pub fn row_of(&self, id: NodeId) -> Option<usize> {
        self.rows.iter().position(|row| *row == Row::Node(id))
    }

    /// Opens or closes a node.
    pub fn set_open(&mut self, id: NodeId, is_open: bool) {
        if let Some(node) = self.nodes.get_mut(id).filter(|node| node.can_open()) {
            node.is_open = is_open;
            self.flatten();
        }
    }

    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        let parent = self.nodes.get(id)?.parent;
        (parent != ROOT).then_some(parent)
    }

    pub fn first_child(&self, id: NodeId) -> Option<NodeId> {
        self.nodes.get(id)?.children.first().copied()
    }

    /// Returns the first request for a tree of which nothing is loaded.
    pub fn first(&self) -> Request {
        self.request(ROOT, None)
    }

    /// Returns the requests for what is missing among these rows, and marks them as being loaded.
    pub fn missing(&mut self, rows: Range<usize>) -> Vec<Request> {
        let rows = self.rows.get(rows).unwrap_or_default().to_vec();
        let mut requests = Vec::new();
        for row in rows {
            let parent = match row {
                Row::More(parent) => parent,
                Row::Node(id) if self.nodes[id].is_open && self.nodes[id].parts.is_empty() => id,
                Row::Node(_) => continue,
            };
            if parent != SYSTEM && !std::mem::replace(&mut self.nodes[parent].is_loading, true) {
                let after = self.nodes[parent].next.clone();
                requests.push(self.request(parent, after));
            }
        }
        requests
    }

    /// Returns the requests that bring the figures of these rows up to date, at most [`MOST_PARTS`]. If the rows are of more parts,
    /// each turn has the next ones.
    pub fn refreshing(&self, rows: Range<usize>, turn: usize) -> Vec<Request> {
        let mut requests = vec![];
        for row in self.rows.get(rows).unwrap_or_default() {
            let Row::Node(id) = row else { continue };
            let parent = match self.nodes[*id].parent {
                SYSTEM => ROOT,
                parent => parent,
            };
            let request = self.request(parent, self.part_with(parent, *id));
            if !requests.contains(&request) {
                requests.push(request);
            }
        }
        if requests.is_empty() {
            requests.push(self.first());
        }
        if requests.len() > MOST_PARTS {
            let first = turn.wrapping_mul(MOST_PARTS) % requests.len();
            requests.rotate_left(first);
            requests.truncate(MOST_PARTS);
        }
        requests
    }

    /// Notes that a request has failed, so that it can be repeated.
    pub fn failed(&mut self, request: &Request) {
        if let Some(node) = self.nodes.get_mut(request.parent) {
            node.is_loading = false;
        }
    }

    /// Takes the answer to a request. An earlier answer to the same request is brought up to date.
    pub fn take(&mut self, request: &Request, level: Level, now_ms: f64) {
        let Some(parent) = self.nodes.get(request.parent) else {
            return;
        };
        let place = parent
            .parts
            .iter()
            .position(|part| part.after == request.after);
        if place.is_none() && parent.next != request.after {
            // The tree was changed meanwhile.
            return;
        }
        let is_last_part = place.is_none_or(|place| place + 1 == parent.parts.len());
        let (system, own): (Vec<_>, Vec<_>) = level
            .children
            .into_iter()
            .partition(|child| child.is_system && request.parent == ROOT);
        let changes = self.changes;
        self.take_system(system, now_ms);
        let start: usize = {
            let parts = &self.nodes[request.parent].parts;
            parts[..place.unwrap_or(parts.len())]
                .iter()
                .map(|part| part.length)
                .sum()
        };
        let length = place.map_or(0, |place| self.nodes[request.parent].parts[place].length);
        let old = self.nodes[request.parent].children[start..start + length].to_vec();
        let merged = self.merge(request.parent, &old, own, level.next.is_some(), now_ms);
        let node = &mut self.nodes[request.parent];
        let part = Part {
            after: request.after.clone(),
            length: merged.len(),
        };
        node.children.splice(start..start + length, merged);
        match place {
            Some(place) => node.parts[place] = part,
            None => {
                node.parts.push(part);
                node.is_loading = false;
            }
        }
        if is_last_part {
            node.next = level.next;
        }
        if self.changes != changes || place.is_none() {
            self.flatten();
        }
    }

    /// Brings a part of the children up to date, and returns its nodes in their order. In the order of names a child that is
    /// not in the answer any more is removed. In other orders the nodes keep their places, so that rows do not jump while they
    /// are read.
    fn merge(
        &mut self,
        parent: NodeId,
        old: &[NodeId],
        new: Vec<Child>,
        has_next: bool,
        now_ms: f64,
    ) -> Vec<NodeId> {
        let is_by_name = self.order == Order::Name;
        let mut merged = Vec::with_capacity(new.len());
        let mut rest = old;
        let mut added = Vec::new();
        for child in new {
            let known = self.by_name.get(&*child.name).copied();
            let place = known.and_then(|id| rest.iter().position(|own| *own == id));
            match (known, place) {
                (Some(id), Some(place)) => {
                    if is_by_name {
                        rest[..place].iter().for_each(|gone| self.remove(*gone));
                        merged.push(id);
                        rest = &rest[place + 1..];
                    }
                    self.update(id, child, now_ms);
                }
                // Shown in another part.
                (Some(id), None) => self.update(id, child, now_ms),
                (None, _) => {
                    let id = self.add(parent, child, now_ms);
                    match is_by_name {
                        true => merged.push(id),
                        false => added.push(id),
                    }
                }
            }
        }
        if is_by_name && !has_next {
            rest.iter().for_each(|gone| self.remove(*gone));
        } else {
            merged.extend(rest);
        }
        merged.extend(added);
        merged
    }

    fn take_system(&mut self, system: Vec<Child>, now_ms: f64) {
        for child in system {
            match self.by_name.get(&*child.name).copied() {
                Some(id) => self.update(id, child, now_ms),
                None => {
                    let id = self.add(SYSTEM, child, now_ms);
                    self.nodes[SYSTEM].children.push(id);
                }
            }
        }
        let topics = self.nodes[SYSTEM].children.iter();
        let topics = topics.map(|id| self.nodes[*id].child.topics).sum();
        self.nodes[SYSTEM].child.topics = topics;
    }

    fn add(&mut self, parent: NodeId, child: Child, now_ms: f64) -> NodeId {
        let name: Arc<str> = child.name.as_str().into();
        let mut node = Node {
            depth: self.nodes[parent].depth + 1,
            parent,
            ..Node::default()
        };
        node.activity.note(child.messages, now_ms);
        node.child = child;
        let id = match self.free.pop() {
            Some(id) => {
                self.nodes[id] = node;
                id
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() - 1
            }
        };
        self.by_name.insert(name, id);
        self.changes += 1;
        id
    }

    fn update(&mut self, id: NodeId, child: Child, now_ms: f64) {
        let node = &mut self.nodes[id];
        node.activity.note(child.messages, now_ms);
        node.child = child;
    }

    /// Removes a node and all below it.
    fn remove(&mut self, id: NodeId) {
        let mut removed = vec![id];
        while let Some(id) = removed.pop() {
            let node = std::mem::take(&mut self.nodes[id]);
            self.by_name.remove(&*node.child.name);
            removed.extend(node.children);
            self.free.push(id);
            self.changes += 1;
        }
    }

    fn request(&self, parent: NodeId, after: Option<String>) -> Request {
        Request {
            parent,
            under: self.nodes[parent].child.name.clone(),
            after,
        }
    }

    /// Returns the place after which the part with this child begins.
    fn part_with(&self, parent: NodeId, id: NodeId) -> Option<String> {
        let node = &self.nodes[parent];
        let place = node.children.iter().position(|own| *own == id)?;
        let mut end = 0;
        let part = node.parts.iter().find(|part| {
            end += part.length;
            place < end
        });
        part?.after.clone()
    }

    /// Computes the visible rows again.
    fn flatten(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        self.append_children(ROOT, &mut rows);
        if !self.nodes[SYSTEM].children.is_empty() {
            rows.push(Row::Node(SYSTEM));
            if self.nodes[SYSTEM].is_open {
                self.append_children(SYSTEM, &mut rows);
            }
        }
        self.rows = rows;
    }

    fn append_children(&self, id: NodeId, rows: &mut Vec<Row>) {
        let node = &self.nodes[id];
        for child in &node.children {
            rows.push(Row::Node(*child));
            if self.nodes[*child].is_open {
                self.append_children(*child, rows);
            }
        }
        if node.next.is_some() {
            rows.push(Row::More(id));
        }
    }
}

impl Node {
    /// Returns true if there is something below the node.
    pub fn can_open(&self) -> bool {
        !self.children.is_empty() || self.child.has_children()
    }

    /// Returns messages a second.
    pub fn rate(&self) -> Option<f64> {
        self.child.rate.or_else(|| self.activity.rate())
    }
}

/// Maximum number of parts that are brought up to date in a second.
const MOST_PARTS: usize = 4;

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
