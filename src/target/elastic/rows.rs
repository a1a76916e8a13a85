//! The rows of an index, page by page, as they stood at one moment.

use std::sync::Arc;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::net::{Attempt, Failure, Stage};
use crate::target::Page;
use crate::target::elastic::{Elastic, Flavour, Known, reply};
use crate::target::store::shape::{text, unexpected};

/// Rows of one page: a few megabytes with vectors of a usual size.
const PAGE_ROWS: usize = 256;
/// How long the server keeps the moment after each page.
const KEEP_ALIVE: &str = "2m";

/// Where a listing goes on.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    /// The moment (*point in time*).
    moment: String,
    /// Sort values of the last row.
    after: Value,
}

impl Elastic {
    pub(super) async fn rows(
        &self,
        after: Option<&str>,
        attempt: Arc<Attempt>,
    ) -> Result<Page, Failure> {
        let known = self.known(&attempt).await?;
        let mark: Option<Mark> = after
            .map(serde_json::from_str)
            .transpose()
            .map_err(|error| unexpected(format!("a page mark of another kind: {error}")))?;
        let (moment, after) = match mark {
            Some(mark) => (mark.moment, Some(mark.after)),
            None => (self.open_moment(known.flavour, &attempt).await?, None),
        };
        let body = page_body(&known, &moment, after.as_ref());
        let mut found = self.connection.post(&["_search"], &body, &attempt).await?;
        attempt.enter(Stage::Schema);
        let hits = reply::hits(&mut found)?;
        // The server may go on under another name.
        let moment = found["pit_id"].as_str().map_or(moment, str::to_owned);
        // Only an empty page is the end: a short one may be all that the server was ready to give.
        let next = if let Some(last) = hits.last() {
            Some(next(moment, last["sort"].clone(), after.as_ref())?)
        } else {
            self.close_moment(known.flavour, &moment, &attempt).await;
            None
        };
        let rows = hits.into_iter().map(|hit| self.row(hit));
        Ok(Page {
            rows: rows.collect::<Result<_, _>>()?,
            next,
        })
    }

    async fn open_moment(
        &self,
        flavour: Flavour,
        attempt: &Arc<Attempt>,
    ) -> Result<String, Failure> {
        let index = self.settings.index.as_str();
        let (path, id): (&[&str], _) = match flavour {
            Flavour::Elasticsearch => (&[index, "_pit"], "/id"),
            Flavour::Opensearch => (&[index, "_search", "point_in_time"], "/pit_id"),
        };
        let mut url = self.connection.below(path);
        url.query_pairs_mut().append_pair("keep_alive", KEEP_ALIVE);
        let request = self.connection.request(Method::POST, url);
        let opened = self.connection.json(request, attempt).await?;
        reply::whole(&opened)?;
        Ok(text(&opened, id)?.to_owned())
    }

    /// The server forgets the moment by itself in the end, so that a failure here costs nothing that
    /// would be worth a listing.
    async fn close_moment(&self, flavour: Flavour, moment: &str, attempt: &Arc<Attempt>) {
        let (path, body): (&[&str], _) = match flavour {
            Flavour::Elasticsearch => (&["_pit"], json!({ "id": moment })),
            Flavour::Opensearch => (&["_search", "point_in_time"], json!({ "pit_id": [moment] })),
        };
        let url = self.connection.below(path);
        let request = self.connection.request(Method::DELETE, url).json(&body);
        let _ = self.connection.json(request, attempt).await;
    }
}

/// Every row in an order that is total. Elasticsearch has one of its own for a moment; OpenSearch
/// learnt it late, and sorts by id.
fn page_body(known: &Known, moment: &str, after: Option<&Value>) -> Value {
    let sort = match known.flavour {
        Flavour::Elasticsearch => "_shard_doc",
        Flavour::Opensearch => "_id",
    };
    let mut body = json!({
        "size": PAGE_ROWS,
        "query": { "match_all": {} },
        "pit": { "id": moment, "keep_alive": KEEP_ALIVE },
        "sort": [{ sort: "asc" }],
        "track_total_hits": false,
    });
    if let Some(after) = after {
        body["search_after"] = after.clone();
    }
    if known.hides_vectors {
        body["_source"] = json!({ "exclude_vectors": false });
    }
    body
}

/// The mark of the next page, which must lie behind this one.
fn next(moment: String, last: Value, after: Option<&Value>) -> Result<String, Failure> {
    if !last.is_array() {
        return Err(unexpected("a row has no `sort` values to go on from"));
    }
    if after == Some(&last) {
        let message = "the store gave the same page twice";
        return Err(Failure::lasting("endless_listing", Stage::Schema, message));
    }
    let mark = Mark {
        moment,
        after: last,
    };
    Ok(serde_json::to_string(&mark).expect("a mark has JSON"))
}
