//! What a run is asked for: measures, and the two things that `trec_eval` prints beside them.

use crate::ranking::{Family, Measure, UnknownMeasure, measures};

/// Grades that `relstring` shows if nothing is said.
const GRADES_SHOWN: usize = 10;

/// What a run is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// The measures, in the order in which they are printed, each once.
    pub measures: Vec<Measure>,
    /// Whether the name of the run is printed.
    pub run_id: bool,
    /// How many grades of the first documents are printed for each query, and under which name.
    pub grades: Option<(usize, String)>,
}

impl Asked {
    /// Of names as `trec_eval -m` takes them, and those that other tools use. Without any it is the list
    /// `official`.
    ///
    /// # Errors
    /// If no measure has one of the names.
    pub fn parse(names: &[String]) -> Result<Self, UnknownMeasure> {
        let official = ["official".to_owned()];
        let names = if names.is_empty() { &official } else { names };
        let mut asked = Self::default();
        for name in names {
            match name.as_str() {
                "runid" => asked.run_id = true,
                "relstring" => asked.grades = Some((GRADES_SHOWN, name.clone())),
                _ => asked.add(name)?,
            }
        }
        let place = |measure: &Measure| {
            let families = Family::ALL.iter();
            families
                .take_while(|family| **family != measure.family())
                .count()
        };
        asked.measures.sort_by_key(place);
        let mut seen = std::collections::HashSet::new();
        asked
            .measures
            .retain(|measure| seen.insert(measure.to_string()));
        Ok(asked)
    }

    fn add(&mut self, name: &str) -> Result<(), UnknownMeasure> {
        if let Some(n) = name.strip_prefix("relstring.") {
            let n = n.parse().map_err(|_| UnknownMeasure {
                name: name.to_owned(),
                nearest: Some(format!("relstring.{GRADES_SHOWN}")),
            })?;
            self.grades = Some((n, format!("relstring_{n}")));
            return Ok(());
        }
        self.run_id |= matches!(name, "official" | "all_trec" | "set");
        if name == "all_trec" && self.grades.is_none() {
            self.grades = Some((GRADES_SHOWN, "relstring".to_owned()));
        }
        self.measures.extend(measures(name)?);
        Ok(())
    }
}
