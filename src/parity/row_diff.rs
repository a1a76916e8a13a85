//! How the rows of a side differ from the control's, all ids together.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parity::Inventory;
use crate::parity::rows::{Basis, IdFinding, RowClass, VectorClass, VectorFinding};
use crate::parity::stamp::StampRow;

/// How the rows of a side differ from the control's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RowDiff {
    /// Rows of the control.
    pub n_control: usize,
    /// Rows of the side.
    pub n_target: usize,
    /// Ids whose content differs in any way.
    pub n_changed: usize,
    /// Ids of which the side lacks a row.
    pub missing: Ids,
    /// Ids that only the side has.
    pub extra: Ids,
    /// Ids with another text.
    pub text_changed: Ids,
    /// Ids whose texts differ only before they are brought to the normal form NFC.
    #[serde(default)]
    pub normalisation_only: Ids,
    /// Ids with the same text and other metadata.
    pub metadata_changed: Ids,
    /// In how many of these each metadata key differs.
    #[serde(default)]
    pub metadata_keys: BTreeMap<String, usize>,
    /// Ids that the side holds more often than the control.
    pub duplicated: Ids,
    /// The vectors of ids that both sides hold equally often; `None` where neither side gives any.
    #[serde(default)]
    pub vectors: Option<VectorDiff>,
    /// The same by section, which is what a person rebuilds.
    pub sections: SectionDiff,
}

impl RowDiff {
    /// The lists of ids by class, with their names in files.
    pub fn lists(&self) -> [(RowClass, &Ids); 6] {
        [
            (RowClass::Missing, &self.missing),
            (RowClass::Extra, &self.extra),
            (RowClass::Duplicated, &self.duplicated),
            (RowClass::TextChanged, &self.text_changed),
            (RowClass::NormalisationOnly, &self.normalisation_only),
            (RowClass::MetadataChanged, &self.metadata_changed),
        ]
    }

    fn list(&mut self, class: RowClass) -> &mut Ids {
        match class {
            RowClass::Missing => &mut self.missing,
            RowClass::Extra => &mut self.extra,
            RowClass::Duplicated => &mut self.duplicated,
            RowClass::TextChanged => &mut self.text_changed,
            RowClass::NormalisationOnly => &mut self.normalisation_only,
            RowClass::MetadataChanged => &mut self.metadata_changed,
        }
    }
}

/// How vectors differ, counted by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VectorDiff {
    /// The same bits.
    pub n_identical: usize,
    /// `1 − cos ≤ 1e-6`.
    pub equivalent: Ids,
    /// `1 − cos ≤ 1e-3`.
    pub perturbed: Ids,
    /// Anything else.
    pub different: Ids,
    /// Ids whose vectors were stretched: their lengths differ by more than a thousandth and by more than
    /// their directions. The same under cosine, and not under an inner product or a Euclidean distance.
    pub rescaled: Ids,
    /// The largest `1 − cos` among those that have one.
    pub max_distance: Option<f64>,
    /// The largest difference of one coordinate, where the numbers were at hand.
    pub max_delta: Option<f64>,
    /// Ids whose distance was estimated from projections, since the numbers were not at hand.
    pub n_estimated: usize,
}

impl VectorDiff {
    /// The worst class of any id.
    pub fn worst(&self) -> VectorClass {
        [
            (&self.different, VectorClass::Different),
            (&self.perturbed, VectorClass::Perturbed),
            (&self.equivalent, VectorClass::Equivalent),
        ]
        .into_iter()
        .find(|(ids, _)| ids.n > 0)
        .map_or(VectorClass::Identical, |(_, class)| class)
    }

    fn add(&mut self, id: &str, finding: VectorFinding) {
        match finding.class {
            VectorClass::Identical => return self.n_identical += 1,
            VectorClass::Equivalent => self.equivalent.add(id),
            VectorClass::Perturbed => self.perturbed.add(id),
            VectorClass::Different => self.different.add(id),
        }
        self.n_estimated += usize::from(finding.basis == Basis::Projection);
        self.max_distance = larger(self.max_distance, finding.distance);
        self.max_delta = larger(self.max_delta, finding.max_delta);
    }
}

fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
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

    /// Counts an id, in any order of ids.
    pub fn add(&mut self, id: &str) {
        self.n += 1;
        let place = self.first.partition_point(|shown| shown.as_str() < id);
        if place < Self::SHOWN {
            self.first.insert(place, id.to_owned());
            self.first.truncate(Self::SHOWN);
        }
    }
}

/// Puts findings together to a [`RowDiff`], in any order of ids.
#[derive(Debug, Default)]
pub struct Diffing {
    diff: RowDiff,
    /// Sections of changed ids, and whether some id of theirs was duplicated.
    touched: BTreeMap<String, bool>,
}

impl Diffing {
    /// Begins with how many rows each side has.
    pub fn new(n_control: usize, n_target: usize) -> Self {
        let diff = RowDiff {
            n_control,
            n_target,
            ..RowDiff::default()
        };
        Self {
            diff,
            touched: BTreeMap::new(),
        }
    }

    /// Counts what became of one id.
    pub fn add(&mut self, finding: &IdFinding) {
        if let Some(vector) = finding.vector {
            let vectors = self.diff.vectors.get_or_insert_default();
            vectors.add(&finding.id, vector);
            if finding.is_rescaled() {
                vectors.rescaled.add(&finding.id);
            }
        }
        let Some(class) = finding.content else {
            return;
        };
        self.diff.n_changed += 1;
        self.diff.list(class).add(&finding.id);
        for key in &finding.keys {
            *self.diff.metadata_keys.entry(key.clone()).or_default() += 1;
        }
        if let Some(section) = &finding.section {
            let duplicated = self.touched.entry(section.clone()).or_default();
            *duplicated |= class == RowClass::Duplicated;
        }
    }

    /// Counts ids whose rows are the same on both sides, vectors included, without looking at them.
    pub fn add_identical_vectors(&mut self, n: usize) {
        if n > 0 {
            self.diff.vectors.get_or_insert_default().n_identical += n;
        }
    }

    /// Sections of the changed ids.
    pub fn touched(&self) -> impl Iterator<Item = &str> {
        self.touched.keys().map(String::as_str)
    }

    /// All together. `holds` says of a section whether the control and the side have a row of it.
    pub fn finish(mut self, holds: impl Fn(&str) -> (bool, bool)) -> RowDiff {
        let mut sections = SectionDiff::default();
        for (section, duplicated) in &self.touched {
            match holds(section) {
                (true, false) => sections.missing.add(section),
                (false, _) => sections.extra.add(section),
                (true, true) if *duplicated => sections.duplicated.add(section),
                (true, true) => sections.edited.add(section),
            }
        }
        self.diff.sections = sections;
        self.diff
    }
}

/// Classes every id of two inventories.
pub fn diff(control: &Inventory, side: &Inventory) -> RowDiff {
    let (ours, theirs) = (by_id(control), by_id(side));
    let ids: BTreeSet<&str> = ours.keys().chain(theirs.keys()).copied().collect();
    let rows_of = |of: &BTreeMap<&str, Vec<StampRow>>, id| of.get(id).cloned().unwrap_or_default();
    let mut diffing = Diffing::new(control.rows.len(), side.rows.len());
    for id in ids {
        diffing.add(&IdFinding::of(&rows_of(&ours, id), &rows_of(&theirs, id)));
    }
    let sections = |of: &Inventory| -> BTreeSet<String> {
        of.rows
            .iter()
            .filter_map(|row| row.section.clone())
            .collect()
    };
    let (ours, theirs) = (sections(control), sections(side));
    diffing.finish(|section| (ours.contains(section), theirs.contains(section)))
}

fn by_id(inventory: &Inventory) -> BTreeMap<&str, Vec<StampRow>> {
    let mut ids: BTreeMap<&str, Vec<StampRow>> = BTreeMap::new();
    for row in &inventory.rows {
        ids.entry(&row.id).or_default().push(row.clone());
    }
    ids
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;
    use crate::parity::stamp::{Digester, GivenRow};

    fn inventory(rows: &[(&str, &str, &str)]) -> Inventory {
        let row = |&(id, text, metadata): &(&str, &str, &str)| {
            let section = id.split('#').next().expect("a part");
            let given = GivenRow {
                id,
                section: Some(&format!("d/{section}")),
                text,
                metadata: &Map::from_iter([("kept".to_owned(), json!(metadata))]),
                vector: None,
            };
            Digester::new(1).row(&given).expect("canonical")
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
}
