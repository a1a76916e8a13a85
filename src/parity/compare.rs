//! Contract against contract, rows against rows.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{Digest, SectionKey, TargetName};
use crate::parity::{Contract, ContractField, Inventory};

/// How one contract field of a side relates to what was intended for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldStatus {
    /// The same value.
    Equal,
    /// Another value than intended.
    Differs,
    /// Differs from the control, and the policy says so beforehand.
    Versioned,
    /// One side or both do not state it. Never read as equal.
    NotStated,
    /// Shown, but not expected to agree: when each side was built.
    Informative,
}

/// One field of a side beside what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldParity {
    /// Which field.
    pub field: ContractField,
    /// What the policy declares for this side, or else what the control states.
    pub intended: Option<String>,
    /// What the side states.
    pub found: Option<String>,
    /// How they relate.
    pub status: FieldStatus,
}

/// A side compared with its control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SideParity {
    /// The side.
    pub target: TargetName,
    /// What it is compared with.
    pub control: TargetName,
    /// Every contract field that either side states.
    pub fields: Vec<FieldParity>,
    /// Row by row, where both sides can be enumerated.
    pub rows: Option<RowDiff>,
}

impl SideParity {
    /// How a field relates; a field that neither side mentions is not stated.
    pub fn status(&self, field: ContractField) -> FieldStatus {
        self.fields
            .iter()
            .find(|parity| parity.field == field)
            .map_or(FieldStatus::NotStated, |parity| parity.status)
    }
}

/// Compares a side's contract with the control's, unless `declared` states something else for it.
pub fn compare(control: &Contract, side: &Contract, declared: &Contract) -> Vec<FieldParity> {
    let stated = |field: &&ContractField| {
        [control, side, declared]
            .iter()
            .any(|contract| contract.get(**field).is_some())
    };
    let fields = ContractField::ALL.iter().filter(stated);
    fields
        .map(|&field| {
            let intended = declared.get(field).or(control.get(field));
            let found = side.get(field);
            FieldParity {
                field,
                intended: intended.map(str::to_owned),
                found: found.map(str::to_owned),
                status: status(field, control, side, declared),
            }
        })
        .collect()
}

fn status(
    field: ContractField,
    control: &Contract,
    side: &Contract,
    declared: &Contract,
) -> FieldStatus {
    let (Some(intended), Some(found)) =
        (declared.get(field).or(control.get(field)), side.get(field))
    else {
        return FieldStatus::NotStated;
    };
    if field == ContractField::BuildTs {
        FieldStatus::Informative
    } else if intended != found {
        FieldStatus::Differs
    } else if control.get(field).is_some_and(|control| control != found) {
        FieldStatus::Versioned
    } else {
        FieldStatus::Equal
    }
}

/// How the rows of a side differ from the control's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowDiff {
    /// Rows of the control.
    pub n_control: usize,
    /// Rows of the side.
    pub n_target: usize,
    /// Ids that differ in any way.
    pub n_changed: usize,
    /// Ids that only the control has.
    pub missing: Ids,
    /// Ids that only the side has.
    pub extra: Ids,
    /// Ids with another text.
    pub text_changed: Ids,
    /// Ids with the same text and other metadata.
    pub metadata_changed: Ids,
    /// Ids that the side holds more often than the control.
    pub duplicated: Ids,
    /// The same by section, which is what a person rebuilds.
    pub sections: SectionDiff,
}

/// Which sections differ. A section stands in one list only: missing, extra, then duplicated, then
/// edited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SectionDiff {
    /// No row of it is left.
    pub missing: Ids,
    /// The control has no row of it.
    pub extra: Ids,
    /// Rows of it stand beside rows with the same id.
    pub duplicated: Ids,
    /// Some rows of it are other rows.
    pub edited: Ids,
}

impl SectionDiff {
    /// The lists with their names, the worst first.
    pub fn lists(&self) -> [(&'static str, &Ids); 4] {
        [
            ("missing", &self.missing),
            ("edited", &self.edited),
            ("duplicated", &self.duplicated),
            ("extra", &self.extra),
        ]
    }
}

/// How many ids, and the first of them in sorted order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ids {
    /// All of them.
    pub n: usize,
    /// At most [`Ids::SHOWN`].
    #[schemars(length(max = Ids::SHOWN), description = "The first of them.")]
    pub first: Vec<String>,
}

impl Ids {
    /// Ids that a verdict carries; a follower that lost a million rows must not make a verdict of a
    /// gigabyte.
    pub const SHOWN: usize = 200;

    fn of(ids: impl IntoIterator<Item = String>) -> Self {
        let mut list = Self::default();
        for id in ids {
            list.n += 1;
            if list.n <= Self::SHOWN {
                list.first.push(id);
            }
        }
        list
    }
}

/// Content of the rows that share one id: a multiset, kept sorted.
type Copies = Vec<(Digest, Digest)>;

/// What became of one id.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Missing,
    Extra,
    Duplicated,
    Text,
    Metadata,
}

/// Classes every id of two inventories.
pub fn diff(control: &Inventory, side: &Inventory) -> RowDiff {
    let (ours, theirs) = (by_id(control), by_id(side));
    let ids: BTreeSet<&str> = ours.keys().chain(theirs.keys()).copied().collect();
    let changes: Vec<(&str, Change)> = ids
        .into_iter()
        .filter_map(|id| Some((id, change(ours.get(id), theirs.get(id))?)))
        .collect();
    let with = |wanted: Change| {
        Ids::of(
            changes
                .iter()
                .filter(|(_, change)| *change == wanted)
                .map(|(id, _)| (*id).to_owned()),
        )
    };
    RowDiff {
        n_control: control.rows.len(),
        n_target: side.rows.len(),
        n_changed: changes.len(),
        missing: with(Change::Missing),
        extra: with(Change::Extra),
        text_changed: with(Change::Text),
        metadata_changed: with(Change::Metadata),
        duplicated: with(Change::Duplicated),
        sections: sections(control, side, &changes),
    }
}

fn change(ours: Option<&Copies>, theirs: Option<&Copies>) -> Option<Change> {
    match (ours, theirs) {
        (_, None) => Some(Change::Missing),
        (None, _) => Some(Change::Extra),
        (Some(ours), Some(theirs)) if theirs.len() > ours.len() => Some(Change::Duplicated),
        (Some(ours), Some(theirs)) if ours == theirs => None,
        (Some(ours), Some(theirs)) if texts(ours) == texts(theirs) => Some(Change::Metadata),
        (Some(_), Some(_)) => Some(Change::Text),
    }
}

fn by_id(inventory: &Inventory) -> BTreeMap<&str, Copies> {
    let mut ids: BTreeMap<&str, Copies> = BTreeMap::new();
    for row in &inventory.rows {
        ids.entry(&row.id)
            .or_default()
            .push((row.text, row.metadata));
    }
    for copies in ids.values_mut() {
        copies.sort_unstable();
    }
    ids
}

fn texts(copies: &Copies) -> Vec<Digest> {
    copies.iter().map(|(text, _)| *text).collect()
}

fn sections(control: &Inventory, side: &Inventory, changes: &[(&str, Change)]) -> SectionDiff {
    let keys = |inventory: &Inventory| -> BTreeSet<SectionKey> {
        inventory
            .rows
            .iter()
            .map(|row| row.section.clone())
            .collect()
    };
    let (ours, theirs) = (keys(control), keys(side));
    let rows = control.rows.iter().chain(&side.rows);
    let section_of: BTreeMap<&str, &SectionKey> =
        rows.map(|row| (row.id.as_str(), &row.section)).collect();
    let (mut duplicated, mut edited) = (BTreeSet::new(), BTreeSet::new());
    for (id, change) in changes {
        let section = section_of[id];
        if ours.contains(section) && theirs.contains(section) {
            if *change == Change::Duplicated {
                duplicated.insert(section)
            } else {
                edited.insert(section)
            };
        }
    }
    let names = |sections: Vec<&SectionKey>| Ids::of(sections.into_iter().map(ToString::to_string));
    SectionDiff {
        missing: names(ours.difference(&theirs).collect()),
        extra: names(theirs.difference(&ours).collect()),
        edited: names(edited.difference(&duplicated).copied().collect()),
        duplicated: names(duplicated.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::InventoryRow;

    fn inventory(rows: &[(&str, &str, &str)]) -> Inventory {
        let row = |&(id, text, metadata): &(&str, &str, &str)| {
            let section = id.split('#').next().expect("a part");
            InventoryRow::new(
                id.to_owned(),
                SectionKey::new("d", section),
                text,
                &metadata,
            )
            .expect("canonical")
        };
        Inventory {
            rows: rows.iter().map(row).collect(),
        }
    }

    #[test]
    fn each_change_has_its_class() {
        let control = inventory(&[
            ("a#0", "1", "m"),
            ("b#0", "2", "m"),
            ("c#0", "3", "m"),
            ("c#1", "4", "m"),
            ("e#0", "5", "m"),
            ("f#0", "6", "m"),
        ]);
        let side = inventory(&[
            ("b#0", "2", "n"),
            ("c#0", "3x", "m"),
            ("d#0", "9", "m"),
            ("e#0", "5", "m"),
            ("e#0", "old", "m"),
            ("f#0", "6", "m"),
        ]);
        let found = diff(&control, &side);
        assert_eq!(found.missing.first, ["a#0", "c#1"]);
        assert_eq!(found.extra.first, ["d#0"]);
        assert_eq!(found.text_changed.first, ["c#0"]);
        assert_eq!(found.metadata_changed.first, ["b#0"]);
        assert_eq!(found.duplicated.first, ["e#0"]);
        assert_eq!(found.n_changed, 6);
        assert_eq!(found.sections.missing.first, ["d/a"]);
        assert_eq!(found.sections.extra.first, ["d/d"]);
        assert_eq!(found.sections.edited.first, ["d/b", "d/c"]);
        assert_eq!(found.sections.duplicated.first, ["d/e"]);
        assert_eq!(diff(&control, &control).n_changed, 0);
    }

    #[test]
    fn what_is_not_stated_is_never_equal_and_a_declared_version_is_no_fault() {
        use ContractField::{Analyzer, BuildTs, IndexHash, Metric};
        let control = Contract::default()
            .with(Metric, "cosine")
            .with(Analyzer, "en_stem")
            .with(BuildTs, "1");
        let side = Contract::default()
            .with(Metric, "dot")
            .with(Analyzer, "simple")
            .with(BuildTs, "2")
            .with(IndexHash, "x");
        let fields = compare(
            &control,
            &side,
            &Contract::default().with(Analyzer, "simple"),
        );
        let statuses: Vec<_> = fields
            .iter()
            .map(|parity| (parity.field, parity.status))
            .collect();
        let expected = [
            (IndexHash, FieldStatus::NotStated),
            (Metric, FieldStatus::Differs),
            (Analyzer, FieldStatus::Versioned),
            (BuildTs, FieldStatus::Informative),
        ];
        assert_eq!(statuses, expected);
    }
}
