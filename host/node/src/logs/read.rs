//! Reading a log: from the end or from a moment, with or without times, once or for as long as the container runs.
//!
//! All its files are opened at once, so that one that is rotated meanwhile is neither missed nor read twice. Read once, a log ends where it ended when
//! it was asked for, however fast its container prints.

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use jiff::Timestamp;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::write::Log;
use super::{line, parts};

const CHUNK_BYTES: usize = 64 << 10;
/// A line in the file is at most this long: the longest piece of output with its prefix.
const LINE_BYTES_MAX: usize = 64 << 10;

/// What of a log is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) is_followed: bool,
    pub(crate) has_times: bool,
    pub(crate) tail_lines: Option<u64>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) limit_bytes: Option<u64>,
}

struct Reader {
    options: Options,
    path: PathBuf,
    live: Option<Arc<Log>>,
    /// Still to be read, oldest last.
    queue: Vec<Part>,
    file: Option<File>,
    /// So many bytes of the file are wanted.
    file_left: u64,
    pending: Vec<u8>,
    is_continued: bool,
    left: u64,
}

/// A file of a log, and which of its bytes are wanted.
struct Part {
    file: File,
    start: u64,
    end: u64,
}

/// The log as a stream of pieces.
pub(crate) async fn read(
    path: PathBuf,
    files: u32,
    live: Option<Arc<Log>>,
    options: Options,
) -> io::Result<impl Stream<Item = io::Result<Bytes>> + Send> {
    let mut queue = open(&path, files).await?;
    if let Some(lines) = options.tail_lines {
        keep_last(&mut queue, lines).await?;
    }
    let left = options.limit_bytes.unwrap_or(u64::MAX);
    let live = live.filter(|_| options.is_followed);
    let (file, pending) = (None, Vec::new());
    let (is_continued, file_left) = (false, 0);
    let reader =
        Reader { options, path, live, queue, file, file_left, pending, is_continued, left };
    Ok(futures::stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.next().await?.map(|bytes| (bytes, reader)))
    }))
}

/// The last bytes of a log's text, at most this many, for a termination message.
pub(crate) async fn tail(path: PathBuf, lines: u64, bytes_max: usize) -> io::Result<String> {
    use futures::TryStreamExt as _;
    let options = Options { tail_lines: Some(lines), ..Options::default() };
    let stream = std::pin::pin!(read(path, 1, None, options).await?);
    let chunks: Vec<Bytes> = stream.try_collect().await?;
    let text = chunks.concat();
    let start = text.len().saturating_sub(bytes_max);
    Ok(String::from_utf8_lossy(&text[start..]).into_owned())
}

impl Reader {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if self.left == 0 {
                return Ok(None);
            }
            // Registered before looking, so that a line added in between still wakes us.
            let live = self.live.clone();
            let mut added = live.as_ref().map(|log| Box::pin(log.added().notified()));
            if let Some(added) = &mut added {
                added.as_mut().enable();
            }
            let was_ended = live.as_ref().is_none_or(|log| log.is_ended());
            let mut chunk = vec![0; CHUNK_BYTES];
            let read = self.read_some(&mut chunk).await?;
            if read > 0 {
                let out = self.take(&chunk[..read]);
                if !out.is_empty() {
                    return Ok(Some(out));
                }
                continue;
            }
            if was_ended {
                return Ok(None);
            }
            if let Some(added) = added {
                added.await;
            }
        }
    }

    async fn read_some(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.file.is_none() {
                let (mut file, start, end) = match self.queue.pop() {
                    Some(Part { file, start, end }) => (file, start, end),
                    // The log begins later, or was rotated while it was followed.
                    None if self.live.is_some() => match File::open(&self.path).await {
                        Ok(file) => (file, 0, 0),
                        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
                        Err(error) => return Err(error),
                    },
                    None => return Ok(0),
                };
                file.seek(SeekFrom::Start(start)).await?;
                let is_growing = self.live.is_some() && self.queue.is_empty();
                self.file_left = if is_growing { u64::MAX } else { end - start };
                self.file = Some(file);
            }
            let Some(file) = &mut self.file else { return Ok(0) };
            let wanted = usize::try_from(self.file_left).unwrap_or(usize::MAX).min(chunk.len());
            let read = file.read(&mut chunk[..wanted]).await?;
            if read > 0 {
                self.file_left -= read as u64;
                return Ok(read);
            }
            let is_last = self.queue.is_empty();
            if is_last && (self.live.is_none() || is_same_file(file, &self.path).await) {
                return Ok(0);
            }
            self.file = None;
        }
    }

    /// Turns what was read into what is wanted; an unfinished line waits for its rest.
    fn take(&mut self, chunk: &[u8]) -> Bytes {
        self.pending.extend_from_slice(chunk);
        let mut out = Vec::new();
        let mut start = 0;
        while let Some(length) = self.pending[start..].iter().position(|byte| *byte == b'\n') {
            let line = &self.pending[start..start + length];
            start += length + 1;
            let Some(line) = line::parse(line) else { continue };
            if self.options.since.is_some_and(|since| line.is_before(since)) {
                continue;
            }
            if self.options.has_times && !self.is_continued {
                out.extend_from_slice(line.time);
                out.push(b' ');
            }
            out.extend_from_slice(line.text);
            if line.is_whole {
                out.push(b'\n');
            }
            self.is_continued = !line.is_whole;
        }
        self.pending.drain(..start);
        if self.pending.len() > LINE_BYTES_MAX {
            self.pending.clear();
        }
        let allowed = usize::try_from(self.left).unwrap_or(usize::MAX).min(out.len());
        out.truncate(allowed);
        self.left -= allowed as u64;
        Bytes::from(out)
    }
}

async fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata().await, tokio::fs::metadata(path).await) {
        (Ok(open), Ok(named)) => open.ino() == named.ino() && open.dev() == named.dev(),
        _ => false,
    }
}

/// The files of a log, latest first. One that is rotated while they are opened comes up a second time, and is left out then.
async fn open(path: &Path, files: u32) -> io::Result<Vec<Part>> {
    use std::os::unix::fs::MetadataExt as _;
    let mut opened = Vec::new();
    let mut seen = Vec::new();
    for part in parts(path, files).into_iter().rev() {
        match File::open(&part).await {
            Ok(file) => {
                let metadata = file.metadata().await?;
                if !seen.contains(&metadata.ino()) {
                    seen.push(metadata.ino());
                    opened.push(Part { file, start: 0, end: metadata.len() });
                }
            }
            // It was the oldest, and is gone.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(opened)
}

/// Keeps of the parts, latest first, what holds this many lines.
async fn keep_last(queue: &mut Vec<Part>, lines: u64) -> io::Result<()> {
    let mut missing = lines;
    for index in 0..queue.len() {
        let part = &mut queue[index];
        let counted = begin_at_last(part, missing).await?;
        missing -= counted;
        if missing == 0 {
            queue.truncate(index + 1);
            break;
        }
    }
    Ok(())
}

/// Has a part begin at its last `lines` lines, and tells how many it has of them.
async fn begin_at_last(part: &mut Part, lines: u64) -> io::Result<u64> {
    let (size, mut end) = (part.end, part.end);
    let mut counted = 0;
    let mut chunk = vec![0; CHUNK_BYTES];
    while end > 0 {
        let length = end.min(CHUNK_BYTES as u64);
        let start = end - length;
        part.file.seek(SeekFrom::Start(start)).await?;
        let chunk = &mut chunk[..usize::try_from(length).unwrap_or(CHUNK_BYTES)];
        part.file.read_exact(chunk).await?;
        for (offset, byte) in chunk.iter().enumerate().rev() {
            let at = start + offset as u64;
            // The newline at the very end closes the last line and begins none.
            if *byte == b'\n' && at + 1 < size {
                counted += 1;
                if counted == lines {
                    part.start = at + 1;
                    return Ok(lines);
                }
            }
        }
        end = start;
    }
    if lines == 0 {
        part.start = size;
        return Ok(0);
    }
    Ok(if size > 0 { counted + 1 } else { 0 })
}
