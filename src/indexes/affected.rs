//! Gold questions whose target sections are touched by what differs.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::goldset::GoldSet;
use crate::ids::QuestionId;
use crate::parity::{IdFinding, VectorClass};

/// Gold questions whose target sections are touched.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Affected {
    /// Questions of the gold set.
    pub n_questions: usize,
    /// Those that are touched, each with the sections of its target that are.
    pub questions: BTreeMap<QuestionId, BTreeSet<String>>,
    /// Which questions ask for which section.
    #[serde(skip)]
    by_section: BTreeMap<String, Vec<QuestionId>>,
}

impl Affected {
    /// None yet, of these questions.
    pub fn new(gold: &GoldSet) -> Self {
        let mut by_section: BTreeMap<String, Vec<QuestionId>> = BTreeMap::new();
        for question in &gold.questions {
            for target in &question.target {
                let questions = by_section.entry(target.key.to_string()).or_default();
                questions.push(question.id.clone());
            }
        }
        Self {
            n_questions: gold.questions.len(),
            questions: BTreeMap::new(),
            by_section,
        }
    }

    /// Notes the questions that ask for the section of an id that differs. Where no section is stated,
    /// the id itself is tried, whole and without what follows its last `#`.
    pub fn add(&mut self, finding: &IdFinding) {
        let moved = |class: VectorClass| class > VectorClass::Equivalent;
        let vector = finding.vector.is_some_and(|vector| moved(vector.class));
        if finding.content.is_none() && !vector {
            return;
        }
        let id = finding.id.as_str();
        let section = finding.section.as_deref();
        let names = [
            section.unwrap_or(id),
            id.rsplit_once('#').map_or(id, |(section, _)| section),
        ];
        for name in names.into_iter().collect::<BTreeSet<_>>() {
            for question in self.by_section.get(name).into_iter().flatten() {
                let sections = self.questions.entry(question.clone()).or_default();
                sections.insert(name.to_owned());
            }
        }
    }
}
