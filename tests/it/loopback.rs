//! A small scripted HTTP/1.1 server on loopback, which stops when it is dropped.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

/// What a client asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// In capitals.
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The next request of a connection, or nothing if there is none.
    pub(crate) fn read(reader: &mut impl BufRead) -> Option<Self> {
        let mut line = || {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            Some(line.trim_end().to_owned())
        };
        let first = line()?;
        let mut words = first.split(' ').map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        let mut headers = BTreeMap::new();
        loop {
            let line = line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map(|value| value.parse());
        let mut body = vec![0; length.transpose().ok()?.unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        Some(Self {
            method,
            path,
            headers,
            body,
        })
    }
}

/// What the server says.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// A success with this JSON.
    pub(crate) fn json(value: &Value) -> Self {
        let body = value.to_string().into_bytes();
        Self {
            body,
            ..Self::status(200).with_header("content-type", "application/json")
        }
    }

    /// This status, and an empty body.
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The same with a header more.
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn write(&self, stream: &mut impl Write) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} X\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "content-length: {}\r\n\r\n", self.body.len());
        let whole = [head.as_bytes(), &self.body].concat();
        stream.write_all(&whole)?;
        stream.flush()
    }
}

/// The server. Each connection has a thread of its own; dropping the server closes every connection.
pub(crate) struct Loopback {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    requests: Mutex<Vec<Request>>,
    /// A handle of every connection that is open, by its number.
    connections: Mutex<BTreeMap<usize, TcpStream>>,
    stopped: AtomicBool,
}

impl Loopback {
    /// Answers every request by the script, and keeps connections alive.
    pub(crate) fn answering(script: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Self::serving(move |mut stream, shared| {
            let Ok(reading) = stream.try_clone() else {
                return;
            };
            let mut reader = BufReader::new(reading);
            while let Some(request) = Request::read(&mut reader) {
                lock(&shared.requests).push(request.clone());
                if script(&request).write(&mut stream).is_err() {
                    break;
                }
            }
        })
    }

    /// Leaves each connection to the script, which alone reads what is asked.
    pub(crate) fn raw(script: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::serving(move |stream, _| script(stream))
    }

    fn serving(script: impl Fn(TcpStream, &Shared) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let (script, known) = (Arc::new(script), Arc::clone(&shared));
        let listening = std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                if known.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let _ = stream.set_nodelay(true);
                if let Ok(handle) = stream.try_clone() {
                    lock(&known.connections).insert(number, handle);
                }
                let (script, known) = (Arc::clone(&script), Arc::clone(&known));
                std::thread::spawn(move || {
                    script(stream, &known);
                    // The last handle closes the connection: what the script left unread resets it.
                    lock(&known.connections).remove(&number);
                });
            }
        });
        Self {
            address,
            shared,
            listening: Some(listening),
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far, in the order of arrival; nothing of a raw server.
    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
        for connection in lock(&self.shared.connections).values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// A script that failed an assertion has said so; what it left behind is still of use.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn a_connection_is_kept_alive_and_every_request_is_remembered() {
    let server = Loopback::answering(|request| match request.method.as_str() {
        "GET" => Response::status(404).with_header("x-reason", "nothing here"),
        _ => Response::json(&request.json()),
    });
    let mut stream = TcpStream::connect(server.url().trim_start_matches("http://")).expect("open");
    write!(
        stream,
        "GET /a?b=c HTTP/1.1\r\n\r\nPOST /d HTTP/1.1\r\nX-One: 1\r\nContent-Length: 7\r\n\r\n{{\"e\":5}}"
    )
    .expect("sent");
    let mut reader = BufReader::new(&stream);
    let replies: Vec<String> = reader
        .by_ref()
        .lines()
        .take(8)
        .map_while(Result::ok)
        .collect();
    assert_eq!(replies[0], "HTTP/1.1 404 X");
    assert_eq!(replies[1], "x-reason: nothing here");
    assert_eq!(replies[4], "HTTP/1.1 200 X");
    let requests = server.requests();
    assert_eq!(requests[0].path, "/a?b=c");
    assert_eq!(requests[1].header("x-one"), Some("1"));
    assert_eq!(requests[1].json(), serde_json::json!({"e": 5}));
}

#[test]
fn a_dropped_server_closes_what_a_raw_script_left_open() {
    let server = Loopback::raw(|mut stream| {
        let _ = stream.write_all(b"partial");
        let _ = stream.read(&mut [0; 64]);
    });
    let mut stream = TcpStream::connect(server.url().trim_start_matches("http://")).expect("open");
    let mut first = [0; 7];
    stream.read_exact(&mut first).expect("the script wrote it");
    drop(server);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.is_empty());
}
