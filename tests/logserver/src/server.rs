//! A running server: its address, its connections, its end.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::{FutureExt, future::BoxFuture, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tonic::{
    Request, Response, Status, Streaming,
    body::BoxBody,
    codec::ProstCodec,
    codegen::{Service, http},
    server::{ClientStreamingService, Grpc, NamedService, ServerStreamingService, StreamingService, UnaryService},
    transport::{
        Server,
        server::{Connected, TcpConnectInfo},
    },
};

use crate::{
    calls::{Calls, Replies},
    faults::Faults,
    journal::Journal,
    wire::{
        AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, ClusterInfo, Empty, ReadReq, ReadResp, SupportedMethods,
    },
};

/// How a server is to be.
#[derive(Clone, Default)]
pub struct Options {
    /// Where it listens on the loopback interface; 0 for any free port.
    pub port: u16,
    /// Ports of the servers of its cluster, the leader first; itself where there are none.
    pub members: Vec<u16>,
    /// The leader's port, if it is a follower: appends are answered with `not-leader`.
    pub leader: Option<u16>,
    /// A certificate and its key in PEM, to speak TLS.
    pub tls: Option<(String, String)>,
}

/// A running server; it ends when this is dropped.
pub struct LogServer {
    /// Where it listens.
    pub port: u16,
    /// What goes wrong next.
    pub faults: Arc<Faults>,
    cut: watch::Sender<u64>,
    serving: JoinHandle<()>,
}

impl LogServer {
    /// Starts a server over a journal.
    ///
    /// # Errors
    /// When it can't listen, or the certificate can't be used.
    pub async fn start(journal: Arc<Journal>, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
        let port = listener.local_addr()?.port();
        let faults = Arc::new(Faults::default());
        let cut = watch::Sender::new(0);
        let members = if options.members.is_empty() { vec![port] } else { options.members };
        let calls = Calls { journal, faults: faults.clone(), cut: cut.clone(), members, leader: options.leader };
        let calls = Arc::new(calls);
        let cuts = cut.clone();
        let incoming = stream::unfold((listener, cuts), |(listener, cuts)| async move {
            let connection = listener.accept().await.map(|(tcp, _)| Connection::new(tcp, cuts.subscribe()));
            Some((connection, (listener, cuts)))
        });
        let mut server = Server::builder();
        if let Some((certificate, key)) = options.tls {
            let identity = tonic::transport::Identity::from_pem(certificate, key);
            let tls = tonic::transport::ServerTlsConfig::new().identity(identity);
            server = server.tls_config(tls).map_err(io::Error::other)?;
        }
        let router =
            server.add_service(Streams(calls.clone())).add_service(Features(calls.clone())).add_service(Gossip(calls));
        let serving = tokio::spawn(async move {
            drop(router.serve_with_incoming(incoming).await);
        });
        Ok(Self { port, faults, cut, serving })
    }

    /// Cuts every connection; new ones are taken.
    pub fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Ends: every connection is cut and none is taken any more. What was appended stays in the journal.
    pub async fn stop(mut self) {
        self.serving.abort();
        drop((&mut self.serving).await);
        self.cut();
    }

    /// How a client is to connect.
    #[must_use]
    pub fn url(&self) -> String {
        format!("esdb://127.0.0.1:{}?tls=false", self.port)
    }
}

impl Drop for LogServer {
    fn drop(&mut self) {
        self.serving.abort();
        self.cut();
    }
}

/// A connection that can be cut.
struct Connection {
    tcp: TcpStream,
    cut: BoxFuture<'static, ()>,
}

impl Connection {
    fn new(tcp: TcpStream, mut cuts: watch::Receiver<u64>) -> Self {
        drop(tcp.set_nodelay(true));
        cuts.borrow_and_update();
        let cut = async move { drop(cuts.changed().await) };
        Self { tcp, cut: cut.boxed() }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        let addr = |addr: io::Result<SocketAddr>| addr.ok();
        TcpConnectInfo { local_addr: addr(self.tcp.local_addr()), remote_addr: addr(self.tcp.peer_addr()) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut.poll_unpin(context).is_ready() {
            self.cut = futures::future::ready(()).boxed();
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.tcp).poll_shutdown(context))?;
        Poll::Ready(Ok(()))
    }
}

type Answer = BoxFuture<'static, Result<http::Response<BoxBody>, Infallible>>;

macro_rules! service {
    ($name:ident, $path:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone)]
        struct $name(Arc<Calls>);

        impl NamedService for $name {
            const NAME: &'static str = $path;
        }

        impl Service<http::Request<BoxBody>> for $name {
            type Response = http::Response<BoxBody>;
            type Error = Infallible;
            type Future = Answer;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<BoxBody>) -> Answer {
                let calls = self.0.clone();
                async move { Ok($name::answer(calls, request).await) }.boxed()
            }
        }
    };
}

service!(Streams, "event_store.client.streams.Streams", "Appends and reads.");
service!(Features, "event_store.client.server_features.ServerFeatures", "What the server can do.");
service!(Gossip, "event_store.client.gossip.Gossip", "Who is there.");

/// A future with what a call comes to.
type Reply<T> = BoxFuture<'static, Result<Response<T>, Status>>;

struct Append(Arc<Calls>);

impl ClientStreamingService<AppendReq> for Append {
    type Response = AppendResp;
    type Future = Reply<AppendResp>;

    fn call(&mut self, request: Request<Streaming<AppendReq>>) -> Self::Future {
        let calls = self.0.clone();
        async move { Ok(Response::new(calls.append(request.into_inner()).await?)) }.boxed()
    }
}

struct BatchAppend(Arc<Calls>);

impl StreamingService<BatchAppendReq> for BatchAppend {
    type Response = BatchAppendResp;
    type ResponseStream = Replies<BatchAppendResp>;
    type Future = Reply<Self::ResponseStream>;

    fn call(&mut self, request: Request<Streaming<BatchAppendReq>>) -> Self::Future {
        let calls = self.0.clone();
        async move { Ok(Response::new(calls.batch_append(request.into_inner()))) }.boxed()
    }
}

struct Read(Arc<Calls>);

impl ServerStreamingService<ReadReq> for Read {
    type Response = ReadResp;
    type ResponseStream = Replies<ReadResp>;
    type Future = Reply<Self::ResponseStream>;

    fn call(&mut self, request: Request<ReadReq>) -> Self::Future {
        let calls = self.0.clone();
        async move { Ok(Response::new(calls.read(request.into_inner()).await?)) }.boxed()
    }
}

struct GetSupportedMethods(Arc<Calls>);

impl UnaryService<Empty> for GetSupportedMethods {
    type Response = SupportedMethods;
    type Future = Reply<SupportedMethods>;

    fn call(&mut self, _: Request<Empty>) -> Self::Future {
        let calls = self.0.clone();
        async move { Ok(Response::new(calls.features().await)) }.boxed()
    }
}

struct GossipRead(Arc<Calls>);

impl UnaryService<Empty> for GossipRead {
    type Response = ClusterInfo;
    type Future = Reply<ClusterInfo>;

    fn call(&mut self, _: Request<Empty>) -> Self::Future {
        let told = self.0.gossip();
        async move { Ok(Response::new(told)) }.boxed()
    }
}

impl Streams {
    async fn answer(calls: Arc<Calls>, request: http::Request<BoxBody>) -> http::Response<BoxBody> {
        match request.uri().path().rsplit('/').next() {
            Some("Append") => Grpc::new(ProstCodec::default()).client_streaming(Append(calls), request).await,
            Some("BatchAppend") => Grpc::new(ProstCodec::default()).streaming(BatchAppend(calls), request).await,
            Some("Read") => Grpc::new(ProstCodec::default()).server_streaming(Read(calls), request).await,
            _ => Status::unimplemented("").into_http(),
        }
    }
}

impl Features {
    async fn answer(calls: Arc<Calls>, request: http::Request<BoxBody>) -> http::Response<BoxBody> {
        Grpc::new(ProstCodec::default()).unary(GetSupportedMethods(calls), request).await
    }
}

impl Gossip {
    async fn answer(calls: Arc<Calls>, request: http::Request<BoxBody>) -> http::Response<BoxBody> {
        Grpc::new(ProstCodec::default()).unary(GossipRead(calls), request).await
    }
}
