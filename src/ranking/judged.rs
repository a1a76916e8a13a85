//! A ranked list beside its judgments: what every measure reads.

use std::num::NonZeroU32;

/// What is known of a retrieved document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It was judged; 0 and more.
    Grade(i32),
    /// It was in the pool and nobody judged it: its grade is below 0.
    Unjudged,
    /// It was not in the pool.
    Unpooled,
}

impl Judged {
    /// Of a judgment of a file, where there is one.
    pub fn of(grade: Option<i32>) -> Self {
        match grade {
            Some(grade) if grade >= 0 => Self::Grade(grade),
            Some(_) => Self::Unjudged,
            None => Self::Unpooled,
        }
    }

    /// The grade, if it was judged.
    pub fn grade(self) -> Option<i32> {
        match self {
            Self::Grade(grade) => Some(grade),
            Self::Unjudged | Self::Unpooled => None,
        }
    }
}

/// The least grade that counts as relevant, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelevanceLevel(NonZeroU32);

impl RelevanceLevel {
    /// The grade.
    pub fn get(self) -> i32 {
        i32::try_from(self.0.get()).unwrap_or(i32::MAX)
    }
}

/// 0 would make every judged document relevant.
impl From<NonZeroU32> for RelevanceLevel {
    fn from(level: NonZeroU32) -> Self {
        Self(level)
    }
}

impl Default for RelevanceLevel {
    fn default() -> Self {
        Self(NonZeroU32::MIN)
    }
}

/// One query's retrieved documents in rank order, each with what is known of it, and how many documents have
/// which grade.
#[derive(Clone, Debug)]
pub struct JudgedList {
    retrieved: Vec<Judged>,
    /// Ranks from 1 of what is relevant.
    relevant: Vec<usize>,
    /// Grades from 0, highest first, each with the number of documents that have it.
    grades: Vec<(i32, usize)>,
    level: RelevanceLevel,
    n_relevant: usize,
}

impl JudgedList {
    /// Of retrieved documents, best first, and all grades that were given for the query.
    pub fn new(
        retrieved: Vec<Judged>,
        given: impl IntoIterator<Item = i32>,
        level: RelevanceLevel,
    ) -> Self {
        let mut given: Vec<i32> = given.into_iter().filter(|grade| *grade >= 0).collect();
        given.sort_unstable_by(|a, b| b.cmp(a));
        let grades: Vec<(i32, usize)> = given
            .chunk_by(|a, b| a == b)
            .map(|equal| (equal[0], equal.len()))
            .collect();
        let is_relevant =
            |judged: &Judged| judged.grade().is_some_and(|grade| grade >= level.get());
        let relevant = (1..)
            .zip(&retrieved)
            .filter(|(_, judged)| is_relevant(judged))
            .map(|(rank, _)| rank)
            .collect();
        let n_relevant = given
            .iter()
            .take_while(|grade| **grade >= level.get())
            .count();
        Self {
            retrieved,
            relevant,
            grades,
            level,
            n_relevant,
        }
    }

    /// The retrieved documents, best first.
    pub fn retrieved(&self) -> &[Judged] {
        &self.retrieved
    }

    /// Number of retrieved documents.
    pub fn n_retrieved(&self) -> usize {
        self.retrieved.len()
    }

    /// Ranks of the relevant ones among them, from 1, ascending.
    pub fn relevant_ranks(&self) -> &[usize] {
        &self.relevant
    }

    /// How many relevant ones stand within the first `depth` ranks.
    pub fn relevant_within(&self, depth: usize) -> usize {
        self.relevant.partition_point(|rank| *rank <= depth)
    }

    /// Number of relevant documents that there are, retrieved or not: the R of the formulas.
    pub fn n_relevant(&self) -> usize {
        self.n_relevant
    }

    /// Number of documents that were judged and are not relevant, retrieved or not.
    pub fn n_not_relevant(&self) -> usize {
        let judged: usize = self.grades.iter().map(|(_, n)| n).sum();
        judged - self.n_relevant
    }

    /// Grades from 0, highest first, each with the number of documents that have it.
    pub fn grades(&self) -> &[(i32, usize)] {
        &self.grades
    }

    /// The least grade that counts as relevant.
    pub fn level(&self) -> RelevanceLevel {
        self.level
    }
}
