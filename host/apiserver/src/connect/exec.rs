//! `pods/NAME/exec` and `attach`: a client's terminal joined with a command on a node.
//!
//! The client speaks WebSocket or SPDY; the node gets one connection with numbered channels (see `channels`) at
//! `POST /exec|attach/NAMESPACE/POD/CONTAINER?command=…&stdin=true&stdout=true&stderr=true&tty=true`.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>.

use std::sync::Arc;

use futures::{SinkExt as _, StreamExt as _};
use http::Response;
use http::header::{HeaderName, HeaderValue};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use meta::{GroupResource, StatusError};
use tokio_util::codec::Framed;

use super::channels::{self, Codec, RESIZE, STATUS, STDERR, STDIN, STDOUT};
use super::multiplex::{self, FromClient, ToClient};
use super::{find_pod, node, spdy, upgrade, websocket};
use crate::body::Body;
use crate::chain::Call;
use crate::query::Query;
use crate::request::ResourceRequest;
use crate::state::State;

const V4: &str = "v4.channel.k8s.io";
const V5: &str = "v5.channel.k8s.io";
/// Names the protocol inside SPDY; both sides say it.
pub(super) const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Exec,
    Attach,
}

impl Action {
    const fn path(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Attach => "attach",
        }
    }
}

pub(super) async fn handle(
    state: &Arc<State>,
    mut call: Call,
    request: &ResourceRequest,
    action: Action,
) -> Result<Response<Body>, StatusError> {
    let options = Options::parse(&call.info.query);
    let pod = find_pod(state, request, &request.name)?;
    let container = pod.container(&options.container)?;
    let host = pod.agent()?;
    if !(options.stdin || options.stdout || options.stderr) {
        return Err(StatusError::bad_request(
            "you must specify at least 1 of stdin, stdout, stderr",
        ));
    }
    let client = Client::of(&call)?;
    let path = format!(
        "/{}/{}/{}/{}{}",
        action.path(),
        node::escape(&request.namespace),
        node::escape(&request.name),
        node::escape(container),
        options.query(action)
    );
    let resource = GroupResource::new("", format!("pods/{}", action.path()));
    let command =
        node::upgrade(state, host, &path, channels::PROTOCOL, pod.uid(), &resource).await?;
    let command = Framed::new(command, Codec);
    match client {
        Client::WebSocket(handshake) => {
            let closes_channels = handshake.protocol == V5;
            upgrade::accept(
                state,
                &mut call,
                "websocket",
                handshake.headers,
                move |io| async move {
                    let (from, to) =
                        multiplex::over_websocket(websocket::open(io).await, closes_channels);
                    join(from, to, command).await;
                },
            )
        }
        Client::Spdy => {
            let headers = [(STREAM_PROTOCOL, HeaderValue::from_static(V4))];
            let wanted = options.channels();
            upgrade::accept(state, &mut call, "SPDY/3.1", headers, move |io| async move {
                let (session, work) = spdy::serve(io);
                let serve = async {
                    if let Some((from, to)) = multiplex::over_spdy(session, &wanted).await {
                        join(from, to, command).await;
                    }
                };
                spdy::serve_with(work, serve).await;
            })
        }
    }
}

/// How the client speaks.
enum Client {
    WebSocket(websocket::Handshake),
    Spdy,
}

impl Client {
    fn of(call: &Call) -> Result<Self, StatusError> {
        match upgrade::wanted(call).as_deref() {
            Some("websocket") => websocket::handshake(call, &[V5, V4]).map(Self::WebSocket),
            Some("spdy/3.1") => {
                let offered = call.parts.headers.get_all(STREAM_PROTOCOL).iter();
                let mut offered = offered.filter_map(|value| value.to_str().ok());
                if offered.any(|protocol| protocol == V4) {
                    Ok(Self::Spdy)
                } else {
                    let text = format!("unable to upgrade: the client must offer {V4}");
                    Err(StatusError::new(403, "Forbidden", text))
                }
            }
            _ => Err(upgrade::required()),
        }
    }
}

/// Passes frames both ways until the command or the client ends.
async fn join(mut from: FromClient, mut to: ToClient, command: Framed<TokioIo<Upgraded>, Codec>) {
    let (mut to_command, mut from_command) = command.split();
    let goes_on = from.may_listen_silently();
    let up = async {
        while let Some(frame) = from.next().await {
            if to_command.send(frame).await.is_err() {
                return;
            }
        }
    };
    let down = async {
        while let Some(Ok(frame)) = from_command.next().await {
            if to.send(frame).await.is_err() {
                return;
            }
        }
    };
    until_over(up, down, goes_on).await;
    to.finish().await;
}

/// Runs both directions until nothing more can come from below, or until the client has left above.
async fn until_over(up: impl Future<Output = ()>, down: impl Future<Output = ()>, goes_on: bool) {
    tokio::pin!(down);
    tokio::select! {
        () = up => {
            if goes_on {
                down.await;
            }
        }
        () = &mut down => {}
    }
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a parameter of the URL")]
struct Options {
    container: String,
    command: Vec<String>,
    stdin: bool,
    stdout: bool,
    stderr: bool,
    tty: bool,
}

impl Options {
    fn parse(query: &Query) -> Self {
        let tty = query.flag("tty");
        Self {
            container: query.text("container").unwrap_or_default().to_owned(),
            command: query.all("command").map(ToOwned::to_owned).collect(),
            stdin: query.flag("stdin"),
            stdout: query.flag("stdout"),
            // A terminal has one stream for both.
            stderr: query.flag("stderr") && !tty,
            tty,
        }
    }

    fn query(&self, action: Action) -> String {
        let mut pairs: Vec<String> = Vec::new();
        if action == Action::Exec {
            pairs.extend(self.command.iter().map(|word| format!("command={}", node::escape(word))));
        }
        let flags = [
            ("stdin", self.stdin),
            ("stdout", self.stdout),
            ("stderr", self.stderr),
            ("tty", self.tty),
        ];
        pairs.extend(flags.iter().filter(|(_, set)| *set).map(|(name, _)| format!("{name}=true")));
        format!("?{}", pairs.join("&"))
    }

    /// The channels that a client of these options opens.
    fn channels(&self) -> Vec<u8> {
        let channels = [
            (STATUS, true),
            (STDIN, self.stdin),
            (STDOUT, self.stdout),
            (STDERR, self.stderr),
            (RESIZE, self.tty),
        ];
        channels.iter().filter(|(_, wanted)| *wanted).map(|(channel, _)| *channel).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_passed_on_and_decide_the_channels() {
        let query = "command=sh&command=-c&command=echo+%26&stdin=1&stdout=true&stderr=true&tty=true&container=c";
        let options = Options::parse(&Query::parse(query));
        let expected = "?command=sh&command=-c&command=echo%20%26&stdin=true&stdout=true&tty=true";
        assert_eq!(options.query(Action::Exec), expected);
        assert_eq!(options.query(Action::Attach), "?stdin=true&stdout=true&tty=true");
        assert_eq!(options.channels(), [STATUS, STDIN, STDOUT, RESIZE]);
        let plain = Options::parse(&Query::parse("stdout=1&stderr=1"));
        assert_eq!(plain.channels(), [STATUS, STDOUT, STDERR]);
    }
}
