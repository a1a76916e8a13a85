//! Where in a line each field stands, and under which other names.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::traffic::{ArmField, table::UnknownName, table::known};

macro_rules! fields {
    ($($(#[doc = $doc:literal])* $field:ident = $path:literal $(| $alias:literal)*,)*) => {
        /// A field that is read from each request, under the name that RUNBOOKS.md gives it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $($(#[doc = $doc])* $field,)*
        }

        impl Field {
            /// Every field.
            pub const ALL: [Self; [$($path),*].len()] = [$(Self::$field),*];

            /// Where it stands unless it is mapped: keys with dots between them.
            pub fn path(self) -> &'static str {
                match self { $(Self::$field => $path,)* }
            }

            /// Other places that it is read from where it is not there.
            pub fn aliases(self) -> &'static [&'static str] {
                match self { $(Self::$field => &[$($alias),*],)* }
            }
        }
    };
}

fields!(
    /// When the request came in: RFC 3339 or milliseconds since 1970.
    Ts = "ts",
    /// Which endpoint.
    Route = "route",
    /// Which release of a canary.
    Variant = "variant",
    /// Blue or green.
    Color = "color",
    /// Which release.
    ReleaseId = "release_id",
    /// Old or new.
    Revision = "revision",
    /// Which region.
    Region = "region",
    /// Which session.
    Sticky = "sticky",
    /// Which request, so that a line delivered twice counts once.
    RequestId = "request_id" | "trace_id",
    /// Whether the instance was cold.
    ColdStart = "cold_start",
    /// Whether it only kept an instance warm.
    WarmPing = "warm_ping",
    /// Latencies as one object; only whether it is there.
    Latency = "latency_ms",
    /// Milliseconds to the first byte.
    Tffb = "latency_ms.tffb",
    /// Milliseconds to something a user can read.
    Tusable = "latency_ms.tusable",
    /// Milliseconds to the last byte.
    Tfinal = "latency_ms.tfinal",
    /// HTTP status; 0 or null where there was no reply.
    Status = "status",
    /// Where a timeout struck.
    TimeoutStage = "timeout_stage",
    /// Which error.
    ErrorClass = "error_class",
    /// Index at the top of the line.
    IndexHash = "INDEX_HASH" | "index_hash",
    /// Index that was searched.
    RetrievalIndexHash = "retrieval.INDEX_HASH" | "retrieval.index_hash",
    /// Index that was pinned.
    PinIndexHash = "pins.INDEX_HASH" | "pins.index_hash",
    /// Schema that was pinned.
    PinSchemaRev = "pins.SCHEMA_REV" | "pins.schema_rev",
    /// Model that was pinned.
    PinModelTag = "pins.MODEL_TAG" | "pins.model_tag",
    /// ΔS(question, retrieved).
    DeltaS = "retrieval.ΔS_q_r" | "retrieval.delta_s_q_r",
    /// Coverage.
    Coverage = "retrieval.coverage",
    /// λ state, as a symbol or a word.
    Lambda = "retrieval.λ_state" | "retrieval.lambda_state",
    /// Cache key prefix.
    CachePrefix = "cache.prefix",
    /// Whether the cache had the answer.
    CacheHit = "cache.hit",
    /// Whether the request purged the prefix.
    CachePurged = "cache.purged",
    /// Which webhook was called.
    Webhook = "egress.webhook",
    /// In how many tries.
    Tries = "egress.tries",
    /// Under which key.
    DedupeKey = "egress.dedupe_key",
    /// Whether it was recognised as a repeat and had no effect.
    Deduped = "egress.deduped",
    /// Messages waiting.
    Backlog = "queue.backlog",
    /// How long they wait, in milliseconds.
    QueueAge = "queue.age_p95_ms",
    /// Whether a generator wrote the line.
    Simulated = "simulated",
);

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.path())
    }
}

impl FromStr for Field {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        known("field", name, Self::ALL, Self::path)
    }
}

impl From<ArmField> for Field {
    fn from(arm: ArmField) -> Self {
        match arm {
            ArmField::Variant => Self::Variant,
            ArmField::Color => Self::Color,
            ArmField::Revision => Self::Revision,
            ArmField::Region => Self::Region,
            ArmField::ReleaseId => Self::ReleaseId,
        }
    }
}

/// Keys that are known and not read.
pub(super) const KNOWN: [&str; 4] = [
    "edge_pop",
    "retrieval.k",
    "retrieval.metric",
    "retrieval.analyzer",
];

/// Where the fields of a log stand that has other names for them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FieldMap {
    /// Another path of a field, in place of its own and its other names.
    pub paths: BTreeMap<String, String>,
    /// A value for all lines, in place of the field.
    pub constants: BTreeMap<String, String>,
    /// Milliseconds in one unit of the log's latencies; 1 where none is given.
    pub latency_scale: Option<f64>,
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// A field of another name.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// Neither a path nor a value.
    #[error(
        "`{0}` maps no field: write `latency_ms.tfinal=duration` or, for all lines, `status==200`"
    )]
    Form(String),
    /// No path at all.
    #[error("field `{0}` is mapped to nothing")]
    Empty(String),
}

impl FieldMap {
    /// Adds `FIELD=PATH`, or `FIELD==VALUE` for a value that all lines share, in place of what was said
    /// of the field before.
    ///
    /// # Errors
    /// If it has another form, or names an unknown field.
    pub fn add(&mut self, mapping: &str) -> Result<(), MapError> {
        let Some((field, to)) = mapping.split_once('=') else {
            return Err(MapError::Form(mapping.to_owned()));
        };
        let field: Field = field.trim().parse()?;
        let (to, map, other) = match to.strip_prefix('=') {
            Some(value) => (value, &mut self.constants, &mut self.paths),
            None => (to, &mut self.paths, &mut self.constants),
        };
        if to.trim().is_empty() {
            return Err(MapError::Empty(field.to_string()));
        }
        map.insert(field.path().to_owned(), to.trim().to_owned());
        other.remove(field.path());
        Ok(())
    }

    /// Where each slot is read from: first the field's own, in their order, then other names.
    pub(super) fn sources(&self, arm_by: ArmField) -> Sources {
        let mut sources = Sources {
            arm: arm_by.into(),
            paths: Vec::new(),
            shared: Vec::new(),
            aliases: Vec::new(),
            constants: Vec::new(),
        };
        for field in Field::ALL {
            let mapped = self.paths.get(field.path());
            let path = mapped.map_or(field.path(), String::as_str);
            if let Some(slot) = sources.slot(path) {
                sources.shared.push((field, slot));
            }
            sources.paths.push(path.to_owned());
            if let Some(value) = self.constants.get(field.path()) {
                sources.constants.push((field, value.clone()));
            }
        }
        for field in Field::ALL {
            if self.paths.contains_key(field.path()) {
                continue;
            }
            for alias in field.aliases() {
                let slot = sources.slot(alias).unwrap_or(sources.paths.len());
                sources.aliases.push((field, slot));
                if slot == sources.paths.len() {
                    sources.paths.push((*alias).to_owned());
                }
            }
        }
        sources
    }

    #[cfg(test)]
    pub(super) fn tree(&self) -> Tree {
        self.sources(ArmField::Variant).tree()
    }
}

/// A [`FieldMap`], resolved.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    /// The field that tells arms apart.
    pub(super) arm: Field,
    /// The path of each slot; the first ones are the fields' own.
    pub(super) paths: Vec<String>,
    /// Fields that are read from where an earlier one is, and its slot.
    pub(super) shared: Vec<(Field, usize)>,
    /// Slots that serve a field whose own is absent.
    pub(super) aliases: Vec<(Field, usize)>,
    /// Values in place of fields.
    pub(super) constants: Vec<(Field, String)>,
}

impl Sources {
    /// Whether anything is made of what stands at a path: of the fields that could tell arms apart,
    /// those that do not are passed over.
    pub(super) fn reads(&self, path: &str) -> bool {
        let passed_over = |slot: usize| {
            let others = [Field::Color, Field::Revision, Field::ReleaseId];
            others
                .iter()
                .any(|field| *field as usize == slot && *field != self.arm)
        };
        let mut slots = self.paths.iter().enumerate();
        slots.any(|(slot, other)| other == path && !passed_over(slot))
    }

    /// The first slot of a path.
    fn slot(&self, path: &str) -> Option<usize> {
        self.paths.iter().position(|other| other == path)
    }

    pub(super) fn tree(&self) -> Tree {
        let mut tree = Tree::of(self.paths.iter().map(String::as_str).enumerate());
        for known in KNOWN {
            tree.passes_over(known);
        }
        tree
    }
}

/// Which object or field a key stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(u16);

/// An object of a line, or a field of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// The key, and the object it stands in.
    name: String,
    parent: NodeId,
    /// Where its value goes, if it is wanted.
    pub(super) slot: Option<usize>,
    /// Slots of the fields within it.
    pub(super) below: Vec<usize>,
    children: Vec<(String, NodeId)>,
}

impl Node {
    pub(super) fn has_children(&self) -> bool {
        !self.children.is_empty()
    }
}

/// The keys of a line that are wanted.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    n_slots: usize,
}

impl Tree {
    pub(super) const ROOT: NodeId = NodeId(0);

    /// Of paths with their slots.
    pub(super) fn of<'a, P: AsRef<str> + 'a>(paths: impl Iterator<Item = (usize, P)>) -> Self {
        let mut tree = Self {
            nodes: vec![Node::default()],
            n_slots: 0,
        };
        for (slot, path) in paths {
            let node = tree.grow(path.as_ref(), Some(slot));
            // Of fields that share a place the first has its slot.
            tree.nodes[usize::from(node.0)].slot.get_or_insert(slot);
            tree.n_slots = tree.n_slots.max(slot + 1);
        }
        tree
    }

    /// A key that is known and not wanted.
    fn passes_over(&mut self, path: &str) {
        let node = self.grow(path, None);
        let n_slots = self.n_slots;
        let node = &mut self.nodes[usize::from(node.0)];
        if node.slot.is_none() {
            node.slot = Some(n_slots);
        }
    }

    fn grow(&mut self, path: &str, slot: Option<usize>) -> NodeId {
        let mut at = Self::ROOT;
        for key in path.split('.') {
            self.nodes[usize::from(at.0)].below.extend(slot);
            at = if let Some(child) = self.child(at, key) {
                child
            } else {
                let id = NodeId(u16::try_from(self.nodes.len()).expect("a few dozen fields"));
                self.nodes.push(Node {
                    name: key.to_owned(),
                    parent: at,
                    ..Node::default()
                });
                let parent = &mut self.nodes[usize::from(at.0)];
                parent.children.push((key.to_owned(), id));
                id
            };
        }
        at
    }

    /// One slot more than are wanted: what is known and not read goes there.
    pub(super) fn n_slots(&self) -> usize {
        self.n_slots + 1
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[usize::from(id.0)]
    }

    pub(super) fn child(&self, within: NodeId, key: &str) -> Option<NodeId> {
        let children = &self.nodes[usize::from(within.0)].children;
        let found = children.iter().find(|(name, _)| name == key);
        found.map(|(_, id)| *id)
    }

    /// The path of a key that nothing wants.
    pub(super) fn path(&self, within: NodeId, key: &str) -> String {
        let mut path = key.to_owned();
        let mut at = within;
        while at != Self::ROOT {
            let node = self.node(at);
            path = if path.is_empty() {
                node.name.clone()
            } else {
                format!("{}.{path}", node.name)
            };
            at = node.parent;
        }
        path
    }
}
