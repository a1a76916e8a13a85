//! The server that both are measured on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ragstone::embed::Referee;
use ragstone::goldset::{Section, Snippets};
use ragstone::ids::{DocId, Form, QuestionId, SectionId, Seed, TargetName};
use ragstone::net::Attempt;
use ragstone::target::embedded::{Embedded, Ranking, Settings};
use ragstone::target::{Query, Target};
use ragstone::units::Cutoff;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::gold;

/// Serves on a free port, whose address it prints, until it is killed.
pub(crate) fn serve(manner: &str, n_questions: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let index = Arc::new(Index::build(manner, n_questions).await);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("http://{}", listener.local_addr().expect("an address"));
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let index = Arc::clone(&index);
            tokio::spawn(async move {
                let _ = answer(stream, &index).await;
            });
        }
    });
}

struct Index {
    embedded: Embedded,
    /// Ready answers by question, if the server only looks them up.
    ready: Option<Mutex<HashMap<String, Arc<Vec<u8>>>>>,
}

impl Index {
    async fn build(manner: &str, n_questions: usize) -> Self {
        let section = |index: usize| Section {
            doc_id: DocId::new("d"),
            section_id: SectionId::new(format!("s{index}")),
            title: format!("Runbook {index}"),
            text: gold::section(index),
            rev: "1".to_owned(),
            line: 1,
        };
        let corpus: Vec<Section> = (0..gold::SECTIONS).map(section).collect();
        let texts: Vec<String> = corpus.iter().map(|section| section.text.clone()).collect();
        let texts: Vec<String> = (0..n_questions.max(1000))
            .flat_map(gold::forms)
            .chain(texts)
            .collect();
        let vectors = Referee::Lexical.vectors(&texts).await.expect("computed");
        let ranking = match manner {
            "hybrid" => Ranking::Hybrid,
            _ => Ranking::Bm25,
        };
        let settings = Settings {
            ranking,
            snippets: Snippets { sentences: 20 },
            ..Settings::default()
        };
        let name = TargetName::new("server");
        let embedded = Embedded::build(name, &corpus, &settings, Arc::new(vectors), "now");
        Self {
            embedded: embedded.expect("built"),
            ready: (manner == "table").then(Mutex::default),
        }
    }

    /// The whole response to a request's body.
    async fn response(&self, body: &[u8]) -> Arc<Vec<u8>> {
        let request: Value = serde_json::from_slice(body).expect("JSON");
        let question = request["question"].as_str().unwrap_or_default();
        let known = self.ready.as_ref().map(|ready| ready.lock().expect("calm"));
        if let Some(response) = known.and_then(|known| known.get(question).cloned()) {
            return response;
        }
        let query = Query {
            question: QuestionId::new("q"),
            form: Form(0),
            seed: Seed(1),
            k: Cutoff::new(10).expect("positive"),
            text: question.to_owned(),
            warm_up: false,
            repeat: false,
        };
        let reply = self.embedded.retrieve(&query, Attempt::begin()).await;
        let reply = reply.expect("a reply");
        let hits: Vec<Value> = reply
            .hits
            .iter()
            .map(|hit| {
                json!({
                    "id": hit.snippet_id, "doc_id": hit.section.doc_id,
                    "section_id": hit.section.section_id, "score": hit.score, "text": hit.text,
                })
            })
            .collect();
        let body = json!({ "hits": hits }).to_string();
        let response = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let response = Arc::new(response.into_bytes());
        if let Some(ready) = &self.ready {
            let mut ready = ready.lock().expect("calm");
            ready.insert(question.to_owned(), Arc::clone(&response));
        }
        response
    }
}

/// Answers one connection until it is closed.
async fn answer(mut stream: TcpStream, index: &Index) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    loop {
        if let Some((head, length)) = whole(&buffer) {
            let response = index.response(&buffer[head..head + length]).await;
            buffer.drain(..head + length);
            stream.write_all(&response).await?;
        } else if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
    }
}

/// Where a request's body begins and how long it is, if all of it is there.
fn whole(buffer: &[u8]) -> Option<(usize, usize)> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&buffer[..end])
        .ok()?
        .to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or(0);
    (buffer.len() >= end + length).then_some((end, length))
}
