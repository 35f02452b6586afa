//! The parameters that URLs take, described once for both languages.

/// A parameter of a query or path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) in_path: bool,
    pub(super) text: &'static str,
}

const fn query(name: &'static str, kind: &'static str, text: &'static str) -> Parameter {
    Parameter { name, kind, in_path: false, text }
}

const fn path(name: &'static str, text: &'static str) -> Parameter {
    Parameter { name, kind: "string", in_path: true, text }
}

pub(super) static NAME: Parameter = path("name", "The name of the object.");
pub(super) static NAMESPACE: Parameter = path("namespace", "The namespace of the object.");
pub(super) static PATH: Parameter = path("path", "The path of the request that is passed on.");
pub(super) static PRETTY: Parameter = query(
    "pretty",
    "string",
    "If 'true', the answer is indented. Browsers, curl and wget get that anyway.",
);

static DRY_RUN: Parameter = query(
    "dryRun",
    "string",
    "With 'All' the request is processed completely but nothing is kept.",
);
static FIELD_MANAGER: Parameter = query(
    "fieldManager",
    "string",
    "Who makes the change; it owns the fields that it sets. At most 128 characters. Required for apply.",
);
static FIELD_VALIDATION: Parameter = query(
    "fieldValidation",
    "string",
    "What becomes of unknown and duplicate fields in the body: 'Ignore' drops them, 'Warn' (the default) drops and reports them, 'Strict' refuses the request.",
);
static FORCE: Parameter =
    query("force", "boolean", "Whether apply takes fields over that others own. Only for apply.");
static GRACE: Parameter = query(
    "gracePeriodSeconds",
    "integer",
    "Seconds until the object is removed for good. 0 removes it at once; without it the default of the kind holds.",
);
static IGNORE_ERRORS: Parameter = query(
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "boolean",
    "Removes an object that cannot be read, without looking at finalizers and preconditions.",
);
static ORPHAN: Parameter =
    query("orphanDependents", "boolean", "Deprecated: use propagationPolicy.");
static PROPAGATION: Parameter = query(
    "propagationPolicy",
    "string",
    "What becomes of dependents: 'Orphan' keeps them, 'Background' removes them afterwards, 'Foreground' removes them first.",
);
static BOOKMARKS: Parameter = query(
    "allowWatchBookmarks",
    "boolean",
    "Asks a watch for BOOKMARK events, which carry the version from which it can be resumed.",
);
static CONTINUE: Parameter = query(
    "continue",
    "string",
    "The token of the page before, to get the next page of the same list.",
);
static FIELD_SELECTOR: Parameter = query(
    "fieldSelector",
    "string",
    "Restricts the objects by their fields. Without it all are meant.",
);
static LABEL_SELECTOR: Parameter = query(
    "labelSelector",
    "string",
    "Restricts the objects by their labels. Without it all are meant.",
);
static LIMIT: Parameter = query(
    "limit",
    "integer",
    "How many objects a page has at most. The answer has a continue token if there are more.",
);
static VERSION: Parameter = query(
    "resourceVersion",
    "string",
    "At which version the request reads, or from which on it watches.",
);
static VERSION_MATCH: Parameter = query(
    "resourceVersionMatch",
    "string",
    "How resourceVersion restricts a list: 'Exact' or 'NotOlderThan'.",
);
static SEND_INITIAL: Parameter = query(
    "sendInitialEvents",
    "boolean",
    "A watch begins with the objects that exist and tells the end of them with a bookmark.",
);
static SHARD: Parameter = query(
    "shardSelector",
    "string",
    "Restricts the objects to a part of the hash range of a field.",
);
static TIMEOUT: Parameter =
    query("timeoutSeconds", "integer", "How long the request lasts at most.");
static WATCH: Parameter =
    query("watch", "boolean", "Tells changes as they come instead of the objects as they are.");

static COMMAND: Parameter =
    query("command", "string", "The command to run, one argument for each value.");
static CONTAINER: Parameter =
    query("container", "string", "The container. May be left out if the Pod has only one.");
static STDIN: Parameter = query("stdin", "boolean", "Whether the client sends standard input.");
static STDOUT: Parameter = query("stdout", "boolean", "Whether the client gets standard output.");
static STDERR: Parameter = query("stderr", "boolean", "Whether the client gets standard error.");
static TTY: Parameter = query("tty", "boolean", "Whether the command gets a terminal.");
static PORTS: Parameter =
    query("ports", "integer", "The ports to forward, for WebSocket channels.");
static PROXY_PATH: Parameter =
    query("path", "string", "The path of the request that is passed on.");
static FOLLOW: Parameter = query("follow", "boolean", "Goes on with what is written later.");
static PREVIOUS: Parameter =
    query("previous", "boolean", "Reads what the container before the last restart wrote.");
static SINCE_SECONDS: Parameter = query("sinceSeconds", "integer", "Begins so many seconds ago.");
static TAIL: Parameter = query("tailLines", "integer", "Begins so many lines before the end.");
static BYTES: Parameter = query("limitBytes", "integer", "Ends after so many bytes.");
static INSECURE: Parameter = query(
    "insecureSkipTLSVerifyBackend",
    "boolean",
    "Accepted for what it is elsewhere: logs come over a connection that the node has opened.",
);
static STAMPS: Parameter = query("timestamps", "boolean", "Begins each line with its time.");
static STREAM: Parameter = query("stream", "string", "'All', 'Stdout' or 'Stderr'.");

type List = &'static [&'static Parameter];

pub(super) static WRITE: List = &[&DRY_RUN, &FIELD_MANAGER, &FIELD_VALIDATION];
pub(super) static APPLY: List = &[&DRY_RUN, &FIELD_MANAGER, &FIELD_VALIDATION, &FORCE];
pub(super) static DELETE: List = &[&DRY_RUN, &GRACE, &IGNORE_ERRORS, &ORPHAN, &PROPAGATION];
pub(super) static LIST: List = &[
    &BOOKMARKS,
    &CONTINUE,
    &FIELD_SELECTOR,
    &LABEL_SELECTOR,
    &LIMIT,
    &VERSION,
    &VERSION_MATCH,
    &SEND_INITIAL,
    &SHARD,
    &TIMEOUT,
    &WATCH,
];
pub(super) static DELETE_COLLECTION: List = &[
    &CONTINUE,
    &DRY_RUN,
    &FIELD_SELECTOR,
    &GRACE,
    &IGNORE_ERRORS,
    &LABEL_SELECTOR,
    &LIMIT,
    &ORPHAN,
    &PROPAGATION,
    &VERSION,
    &VERSION_MATCH,
    &SEND_INITIAL,
    &SHARD,
    &TIMEOUT,
];
pub(super) static EXEC: List = &[&COMMAND, &CONTAINER, &STDERR, &STDIN, &STDOUT, &TTY];
pub(super) static ATTACH: List = &[&CONTAINER, &STDERR, &STDIN, &STDOUT, &TTY];
pub(super) static LOG: List =
    &[&CONTAINER, &FOLLOW, &INSECURE, &BYTES, &PREVIOUS, &SINCE_SECONDS, &STREAM, &TAIL, &STAMPS];
pub(super) static PORT_FORWARD: List = &[&PORTS];
pub(super) static PROXY: List = &[&PROXY_PATH];
