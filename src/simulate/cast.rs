//! Who plays the two arms of a runbook.

use crate::judge::Runbook;

/// What a request says of the software and the index that answered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// `variant`.
    pub variant: &'static str,
    /// `color`.
    pub color: &'static str,
    /// `release_id`.
    pub release_id: &'static str,
    /// `revision`.
    pub revision: &'static str,
    /// `INDEX_HASH`.
    pub index_hash: &'static str,
}

/// A region and its edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) name: &'static str,
    pub(super) edge_pops: [&'static str; 2],
}

pub(super) const REGIONS: [Region; 2] = [
    Region {
        name: "us-east",
        edge_pops: ["iad", "ewr"],
    },
    Region {
        name: "eu-west",
        edge_pops: ["dub", "lhr"],
    },
];

/// An arm: the control is the first of two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    pub(super) release: Release,
    /// Where all of its requests are answered; `None` where both regions answer them.
    pub(super) region: Option<Region>,
    /// The prefix of its cache keys.
    pub(super) prefix: &'static str,
}

const OLD: Release = Release {
    variant: "control",
    color: "blue",
    release_id: "r2025-12-15",
    revision: "old",
    index_hash: "0x9a77",
};

const NEW: Release = Release {
    variant: "canary",
    color: "green",
    release_id: "r2026-01-05",
    revision: "new",
    index_hash: "0x4be1",
};

/// What an index is called that nobody pinned.
pub(super) const OTHER_INDEX: &str = "0x51c0";

/// The control and the candidate of a runbook. A canary and a switchover bring another index, a deploy
/// brings other software on the same one, and regions serve the same of both.
pub(super) fn arms(runbook: Runbook) -> [Arm; 2] {
    let both = |prefixes: [&'static str; 2], new: Release| {
        [
            Arm {
                release: OLD,
                region: None,
                prefix: prefixes[0],
            },
            Arm {
                release: new,
                region: None,
                prefix: prefixes[1],
            },
        ]
    };
    let same_index = Release {
        index_hash: OLD.index_hash,
        ..NEW
    };
    match runbook {
        Runbook::BlueGreen => both(["blue:", "green:"], NEW),
        Runbook::TrafficShaping => both(["old:", "new:"], same_index),
        Runbook::MultiRegion | Runbook::FailoverDrill => {
            let [home, other] = REGIONS;
            [(home, "use1:"), (other, "euw1:")].map(|(region, prefix)| Arm {
                release: Release {
                    variant: "stable",
                    ..OLD
                },
                region: Some(region),
                prefix,
            })
        }
        Runbook::Canary | Runbook::Comparison => both(["ctl:", "cnr:"], NEW),
    }
}
