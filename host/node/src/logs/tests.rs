#![expect(clippy::unwrap_used, reason = "tests")]

use futures::TryStreamExt as _;
use jiff::Timestamp;

use super::*;

#[derive(Debug, Default)]
struct Steps(std::sync::atomic::AtomicI64);

impl Clock for Steps {
    /// One second later each time.
    fn now(&self) -> Timestamp {
        let second = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Timestamp::from_second(second).unwrap()
    }
}

fn logs(folder: &Path, file_bytes: u64) -> Logs {
    Logs::new(folder.to_owned(), Bounds { file_bytes, files: 3 }, Arc::new(Steps::default()))
}

async fn text(path: &Path, options: Options) -> String {
    let stream = read(path.to_owned(), 3, None, options).await.unwrap();
    let chunks: Vec<_> = std::pin::pin!(stream).try_collect().await.unwrap();
    String::from_utf8(chunks.concat()).unwrap()
}

#[tokio::test]
async fn lines_are_read_back_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let logs = logs(folder.path(), 1 << 20);
    let log = logs.begin("u", "c", 1).unwrap();
    log.append("stdout", true, b"one");
    log.append("stderr", true, b"two words");
    log.append("stdout", false, b"thr");
    log.append("stdout", true, b"ee");
    let (path, live) = logs.find("u", "c", 1);
    assert!(live.is_some());
    let raw = std::fs::read_to_string(&path).unwrap();
    assert!(raw.starts_with("1970-01-01T00:00:00.000000000Z stdout F one\n"), "{raw}");
    assert_eq!(text(&path, Options::default()).await, "one\ntwo words\nthree\n");
    let tail = Options { tail_lines: Some(3), ..Options::default() };
    assert_eq!(text(&path, tail).await, "two words\nthree\n");
    let none = Options { tail_lines: Some(0), ..Options::default() };
    assert_eq!(text(&path, none).await, "");
    let since = Timestamp::from_second(1).ok();
    let times = Options { since, has_times: true, limit_bytes: Some(41), ..Options::default() };
    assert_eq!(text(&path, times).await, "1970-01-01T00:00:01.000000000Z two words\n");
}

#[tokio::test]
async fn rotation_bounds_the_size_and_keeps_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let logs = logs(folder.path(), 100);
    let log = logs.begin("u", "c", 1).unwrap();
    for n in 0..20 {
        log.append("stdout", true, format!("line {n}").as_bytes());
    }
    let (path, _) = logs.find("u", "c", 1);
    let files = parts(&path, 3);
    assert_eq!(files.len(), 3);
    assert!(files.iter().all(|file| std::fs::metadata(file).unwrap().len() <= 100));
    let all = text(&path, Options::default()).await;
    assert!(all.ends_with("line 18\nline 19\n"), "{all}");
    let tail = Options { tail_lines: Some(4), ..Options::default() };
    assert_eq!(text(&path, tail).await, "line 16\nline 17\nline 18\nline 19\n");
    logs.begin("u", "c", 2).unwrap().append("stdout", true, b"second");
    assert!(path.exists());
    logs.begin("u", "c", 3).unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_log_that_is_read_once_ends_where_it_ended_when_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let logs = logs(folder.path(), 100);
    let log = logs.begin("u", "c", 1).unwrap();
    log.append("stdout", true, b"one");
    log.append("stdout", true, b"two");
    let (path, live) = logs.find("u", "c", 1);
    let last = Options { tail_lines: Some(1), ..Options::default() };
    for (options, expected) in [(Options::default(), "one\ntwo\n"), (last, "two\n")] {
        let stream = read(path.clone(), 3, live.clone(), options).await.unwrap();
        log.append("stdout", true, b"a line that comes later, and has the file rotated");
        let chunks: Vec<_> = std::pin::pin!(stream).try_collect().await.unwrap();
        assert_eq!(chunks.concat(), expected.as_bytes());
        std::fs::write(&path, "1970-01-01T00:00:00.000000000Z stdout F one\n1970-01-01T00:00:00.000000000Z stdout F two\n").unwrap();
    }
}

#[tokio::test]
async fn a_follower_sees_lines_as_they_come_across_a_rotation_until_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let logs = logs(folder.path(), 100);
    let log = logs.begin("u", "c", 1).unwrap();
    log.append("stdout", true, b"first");
    let (path, live) = logs.find("u", "c", 1);
    let options = Options { is_followed: true, ..Options::default() };
    let stream = read(path, 3, live, options).await.unwrap();
    let mut stream = std::pin::pin!(stream);
    assert_eq!(stream.try_next().await.unwrap().unwrap(), "first\n");
    for n in 0..4 {
        log.append("stdout", true, format!("next {n}").as_bytes());
        assert_eq!(stream.try_next().await.unwrap().unwrap(), format!("next {n}\n"));
    }
    log.end();
    assert_eq!(stream.try_next().await.unwrap(), None);
}
