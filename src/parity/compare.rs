//! Contract against contract.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::TargetName;
use crate::parity::row_diff::RowDiff;
use crate::parity::{Contract, ContractField};

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
    /// Shown, but not expected to agree: when each side was built, the bits of its vectors.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    if field == ContractField::BuildTs {
        return FieldStatus::Informative;
    }
    let (Some(intended), Some(found)) =
        (declared.get(field).or(control.get(field)), side.get(field))
    else {
        return FieldStatus::NotStated;
    };
    // Other bits may be the same vectors: rows and their distances say whether they are.
    let bits = field == ContractField::VectorHash && intended != found;
    if bits {
        FieldStatus::Informative
    } else if intended != found {
        FieldStatus::Differs
    } else if control.get(field).is_some_and(|control| control != found) {
        FieldStatus::Versioned
    } else {
        FieldStatus::Equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
