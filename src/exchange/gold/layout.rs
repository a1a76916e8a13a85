//! What the fields of each tool's rows are called.

use crate::exchange::gold::field::{CorpusField, Field};

/// How the rows of a format are read.
pub(super) struct Layout {
    /// Members of a document that may hold the rows.
    pub(super) lists: &'static [&'static str],
    /// Where the fields stand; several places are tried in their order.
    pub(super) fields: &'static [(Field, &'static [&'static str])],
    /// Members that a system under test produced.
    pub(super) of_a_run: &'static [&'static str],
    /// A list of `{doc_id, text}` that joins the corpus.
    pub(super) documents: Option<&'static str>,
    /// Where a cell of a CSV file is cut into a list.
    pub(super) list_separator: Option<&'static str>,
    /// Whether fields that nothing reads are the user's choice.
    pub(super) is_open: bool,
}

const PLAIN: Layout = Layout {
    lists: &[],
    fields: &[],
    of_a_run: &[],
    documents: None,
    list_separator: None,
    is_open: false,
};

/// Queries of TREC and BEIR.
pub(super) const TOPICS: Layout = Layout {
    fields: &[
        (Field::Id, &["id", "_id", "qid", "query_id"]),
        (Field::Question, &["text", "question", "query", "title"]),
    ],
    ..PLAIN
};

/// Rows of any other kind.
pub(super) const ROWS: Layout = Layout {
    fields: &[
        (Field::Id, &["id", "_id", "qid", "query_id"]),
        (Field::Topic, &["topic"]),
        (Field::Question, &["question", "query", "text"]),
        (Field::Paraphrases, &["paraphrases"]),
        (Field::Target, &["target", "doc_id"]),
        (Field::SectionId, &["section_id"]),
        (Field::Grade, &["grade"]),
        (Field::Context, &["context"]),
        (Field::Reference, &["reference"]),
        (Field::Tags, &["tags"]),
    ],
    is_open: true,
    ..PLAIN
};

/// ragas, its second version and its first.
pub(super) const RAGAS: Layout = Layout {
    fields: &[
        (Field::Question, &["user_input", "question"]),
        (Field::Target, &["reference_context_ids"]),
        (Field::Context, &["reference_contexts"]),
        (
            Field::Reference,
            &["reference", "ground_truth", "ground_truths"],
        ),
        (Field::Tags, &["synthesizer_name", "evolution_type"]),
    ],
    of_a_run: &[
        "response",
        "answer",
        "contexts",
        "retrieved_contexts",
        "retrieved_context_ids",
    ],
    ..PLAIN
};

/// deepeval's goldens and test cases.
pub(super) const DEEPEVAL: Layout = Layout {
    lists: &["goldens", "test_cases", "testCases"],
    fields: &[
        (Field::Question, &["input"]),
        (Field::Context, &["context"]),
        (Field::Reference, &["expected_output", "expectedOutput"]),
    ],
    of_a_run: &[
        "actual_output",
        "actualOutput",
        "retrieval_context",
        "retrievalContext",
        "tools_called",
        "toolsCalled",
    ],
    list_separator: Some(";"),
    ..PLAIN
};

/// promptfoo's test cases.
pub(super) const PROMPTFOO: Layout = Layout {
    lists: &["tests"],
    fields: &[
        (Field::Id, &["/metadata/id"]),
        (Field::Topic, &["/metadata/topic", "/metadata/category"]),
        (
            Field::Question,
            &["/vars/question", "/vars/query", "/vars/input"],
        ),
        (Field::Context, &["/vars/context"]),
        (
            Field::Reference,
            &["/assert/*[type=equals|factuality|model-graded-factuality|similar]/value"],
        ),
        (Field::Tags, &["/metadata/tags"]),
    ],
    ..PLAIN
};

/// `RAGChecker`'s input, and its results.
pub(super) const RAGCHECKER: Layout = Layout {
    lists: &["results"],
    fields: &[
        (Field::Id, &["query_id"]),
        (Field::Question, &["query"]),
        (Field::Reference, &["gt_answer"]),
    ],
    of_a_run: &[
        "response",
        "response_claims",
        "gt_answer_claims",
        "answer2response",
        "response2answer",
        "retrieved2answer",
        "retrieved2response",
        "metrics",
    ],
    documents: Some("retrieved_context"),
    ..PLAIN
};

/// Where the fields of a document stand, whatever the format.
pub(super) const CORPUS: &[(CorpusField, &[&str])] = &[
    (CorpusField::Id, &["id", "_id", "doc_id", "docno"]),
    (CorpusField::SectionId, &["section_id"]),
    (CorpusField::Title, &["title"]),
    (CorpusField::Text, &["text", "contents"]),
    (CorpusField::Rev, &["rev"]),
];
