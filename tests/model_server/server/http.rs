//! As much of HTTP/1.1 as clients on the same machine need.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{Shutdown, TcpStream};

use serde_json::Value;

/// A request as it came in.
pub(super) struct Incoming {
    pub(super) method: String,
    /// Without what follows a `?`.
    pub(super) path: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Incoming {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// A client's connection, which may bring one request after the other.
pub(super) struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { reader: BufReader::new(stream) }
    }

    /// The next request; nothing when the client has gone.
    pub(super) fn next(&mut self) -> Result<Option<Incoming>> {
        let Some(line) = self.line()? else { return Ok(None) };
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        while let Some(line) = self.line()?.filter(|line| !line.is_empty()) {
            if let Some((name, value)) = line.split_once(':') {
                headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        let mut incoming = Incoming { method, path, headers, body: Vec::new() };
        if incoming.header("expect").is_some() {
            self.reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        incoming.body = self.body(&incoming)?;
        Ok(Some(incoming))
    }

    fn line(&mut self) -> Result<Option<String>> {
        let mut line = Vec::new();
        if self.reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
    }

    fn body(&mut self, incoming: &Incoming) -> Result<Vec<u8>> {
        let chunked = incoming.header("transfer-encoding").is_some_and(|value| value.contains("chunked"));
        let mut body = Vec::new();
        if !chunked {
            let length = incoming.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
            self.reader.by_ref().take(length).read_to_end(&mut body)?;
            return Ok(body);
        }
        loop {
            let size = self.line()?.unwrap_or_default();
            let size =
                u64::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16).unwrap_or(0);
            self.reader.by_ref().take(size).read_to_end(&mut body)?;
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    /// A whole answer.
    pub(super) fn send(&mut self, status: u16, headers: &[(String, String)], body: &Value) -> Result<()> {
        let body = body.to_string();
        let mut head = format!("HTTP/1.1 {status} {}\r\ncontent-type: application/json\r\n", reason(status));
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let stream = self.reader.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())
    }

    /// The beginning of an answer that comes in pieces.
    pub(super) fn begin_stream(&mut self) -> Result<()> {
        self.reader.get_mut().write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\
              transfer-encoding: chunked\r\n\r\n",
        )
    }

    /// One event of it.
    pub(super) fn send_event(&mut self, event: &Value) -> Result<()> {
        let name = event["type"].as_str().unwrap_or_default();
        let text = format!("event: {name}\ndata: {event}\n\n");
        write!(self.reader.get_mut(), "{:x}\r\n{text}\r\n", text.len())
    }

    pub(super) fn end_stream(&mut self) -> Result<()> {
        self.reader.get_mut().write_all(b"0\r\n\r\n")
    }

    /// Breaks the connection, whatever was promised.
    pub(super) fn cut(&mut self) -> Result<()> {
        self.reader.get_mut().shutdown(Shutdown::Both)
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        429 => "Too Many Requests",
        _ => "Status",
    }
}
