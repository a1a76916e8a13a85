//! What a search came back with.

use serde_json::Value;

use crate::target::store::shape::{take_list, unexpected};
use crate::target::{Failure, Stage};

/// How much of a server's reason is quoted.
const QUOTED: usize = 300;

/// Takes the hits out of a reply. Hits of some shards, or of some time, are no answer: what was left
/// out might have ranked first.
///
/// # Errors
/// If a shard failed, the search ran out of time, or the reply is not of the documented form.
pub(super) fn hits(reply: &mut Value) -> Result<Vec<Value>, Failure> {
    if reply["timed_out"] == true {
        let message = "the search ran out of its own time and answers in part";
        return Err(Failure::passing("search_timed_out", Stage::Tool, message));
    }
    whole(reply)?;
    take_list(reply, "/hits/hits")
}

/// Refuses a reply to which not every shard contributed.
///
/// # Errors
/// If a shard failed.
pub(super) fn whole(reply: &Value) -> Result<(), Failure> {
    let shards = &reply["_shards"];
    let failed = shards["failed"].as_u64().unwrap_or(0);
    if failed == 0 {
        return Ok(());
    }
    let reason = ["/failures/0/reason/reason", "/failures/0/reason/type"]
        .into_iter()
        .find_map(|pointer| shards.pointer(pointer)?.as_str());
    let reason: String = reason
        .unwrap_or("no reason given")
        .chars()
        .take(QUOTED)
        .collect();
    let total = &shards["total"];
    let message = format!("{failed} of {total} shards failed: {reason}");
    Err(Failure::passing("shards_failed", Stage::Tool, message))
}

/// The score of a hit.
///
/// # Errors
/// If it has none, as when another order than by score was asked for.
pub(super) fn score(hit: &Value) -> Result<f64, Failure> {
    let score = hit["_score"].as_f64();
    score.ok_or_else(|| unexpected("a hit has no `_score`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply(timed_out: bool, failed: u64) -> Value {
        json!({
            "took": 4,
            "timed_out": timed_out,
            "_shards": {
                "total": 5, "successful": 5 - failed, "skipped": 0, "failed": failed,
                "failures": [{
                    "shard": 0, "index": "docs-v3", "node": "n1",
                    "reason": { "type": "query_shard_exception", "reason": "failed to create query" }
                }]
            },
            "hits": {
                "total": { "value": 1, "relation": "eq" },
                "max_score": 0.9,
                "hits": [{ "_index": "docs-v3", "_id": "1", "_score": 0.9, "_source": {} }]
            }
        })
    }

    #[test]
    fn hits_of_some_shards_or_some_time_are_no_answer() {
        let whole = hits(&mut reply(false, 0)).expect("all of it");
        assert_eq!(score(&whole[0]).expect("a number"), 0.9);
        let failure = hits(&mut reply(false, 2)).expect_err("in part");
        assert_eq!(
            (failure.class.as_str(), failure.stage),
            ("shards_failed", Stage::Tool)
        );
        assert_eq!(
            failure.message,
            "2 of 5 shards failed: failed to create query"
        );
        let failure = hits(&mut reply(true, 0)).expect_err("in part");
        assert_eq!(failure.class, "search_timed_out");
        assert_eq!(failure.retry, crate::net::Retry::Worthwhile);
    }

    #[test]
    fn a_hit_without_a_score_does_not_rank() {
        let failure = score(&json!({ "_id": "1", "_score": null })).expect_err("no score");
        assert_eq!(failure.class, "unexpected_shape");
    }
}
