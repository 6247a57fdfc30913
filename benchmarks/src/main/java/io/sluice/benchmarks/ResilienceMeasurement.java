package io.sluice.benchmarks;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.sluice.api.envoy.auth.AuthorizationGrpc.AuthorizationImplBase;
import io.sluice.api.envoy.auth.CheckRequest;
import io.sluice.api.envoy.auth.CheckResponse;
import io.sluice.api.envoy.ratelimit.RateLimitRequest;
import io.sluice.api.envoy.ratelimit.RateLimitResponse;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.Code;
import io.sluice.api.envoy.ratelimit.RateLimitServiceGrpc.RateLimitServiceImplBase;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/** What each means of resilience costs requests that need none of it, by {@link MeansInTurn}. */
final class ResilienceMeasurement {
  /** Longest part: daemons start, and each of the samples waits for its change. */
  static final Duration LONGEST = Duration.ofMinutes(9);

  private static final int AUTHORISER_PORT = 9_191;
  private static final int LIMITS_PORT = 9_192;
  private static final String AUTHORISER = "authoriser";
  private static final String SHARED_LIMIT = "shared-limit";

  private static final String SETTING =
      """
      apiVersion: policy.openservicemesh.io/v1alpha1
      kind: UpstreamTrafficSetting
      metadata: {name: server, namespace: bench}
      spec: {host: server, %s}
      """;

  private static final String ROUTE =
      """
      apiVersion: gateway.networking.k8s.io/v1
      kind: HTTPRoute
      metadata: {name: server, namespace: bench}
      spec:
        parentRefs: [{group: "", kind: Service, name: server, port: %1$d}]
        rules: [{%2$s, backendRefs: [{name: server, port: %1$d}]}]
      """;

  private static String route(String rule) {
    return ROUTE.formatted(LoadServer.HTTP_PORT, rule);
  }

  private static Means means(String word, String label) {
    return Means.called("resilience." + word, label);
  }

  /** Of an UpstreamTrafficSetting or a route alone. */
  private static Means means(String word, String label, String objects) {
    return means(word, label).objects(objects);
  }

  /**
   * All of them; of limits, so much that none is reached.
   *
   * @param services address of what is asked about requests
   */
  private static List<Means> all(String services) {
    return List.of(
        means(
                "retries",
                "retries",
                """
                apiVersion: policy.openservicemesh.io/v1alpha1
                kind: Retry
                metadata: {name: client, namespace: bench}
                spec:
                  source: {kind: ServiceAccount, name: client, namespace: bench}
                  destinations: [{kind: Service, name: server, namespace: bench}]
                  retryPolicy: {retryOn: "5xx,reset", numRetries: 3, perTryTimeout: 5s}
                """)
            .flags("enableRetryPolicy: true"),
        means(
            "breaker",
            "a circuit breaker",
            SETTING.formatted(
                "connectionSettings: {http: {circuitBreaking: {errorRatioThreshold: 0.5}}}")),
        means(
            "local-limit",
            "a local rate limit",
            SETTING.formatted("rateLimit: {local: {http: {requests: 1000000, unit: second}}}")),
        means(
            "pool-limits",
            "limits of connections",
            SETTING.formatted(
                "connectionSettings: {tcp: {maxConnections: 1000},"
                    + " http: {maxRequests: 1000, maxPendingRequests: 1000, maxRetries: 1000}}")),
        means(
            "ejection",
            "ejection",
            SETTING.formatted(
                "connectionSettings: {http: {outlierDetection: {consecutive5xxErrors: 5}}}")),
        means("warm-up", "warm-up")
            .service(
                "flomesh.io/traffic-warmup-enable: enabled,"
                    + " flomesh.io/traffic-warmup-duration: 90s",
                "None"),
        means("affinity", "affinity by address").service("", "ClientIP"),
        means(
            "sessions",
            "sessions by cookie",
            route("sessionPersistence: {type: Cookie, cookie: {name: s, lifetimeType: Session}}")),
        means("time-limits", "time limits", route("timeouts: {request: 10s, backendRequest: 5s}")),
        means(
            "faults",
            "a millisecond's delay of one in a hundred",
            """
            apiVersion: extension.gateway.flomesh.io/v1alpha1
            kind: FaultInjection
            metadata: {name: server, namespace: bench}
            spec: {delay: {percentage: 1, min: 1ms, max: 1ms}}
            ---
            """
                + route(
                    "filters: [{type: ExtensionRef, extensionRef: {group:"
                        + " extension.gateway.flomesh.io, kind: FaultInjection, name: server}}]")),
        means(
            "copies",
            "a copy of each",
            route(
                "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: server, port: "
                    + LoadServer.HTTP_PORT
                    + "}}}]")),
        means("health-checks", "health checks").flags("enableEnvoyActiveHealthChecks: true"),
        means(
            SHARED_LIMIT,
            "a shared rate limit",
            SETTING.formatted(
                "rateLimit: {global: {http: {rateLimitService: {host: \"%s\", port: %d}, domain:"
                        .formatted(services, LIMITS_PORT)
                    + " bench, timeout: 5s,"
                    + " descriptors: [{entries: [{genericKey: {key: a, value: b}}]}]}}}")),
        means(AUTHORISER, "an authoriser")
            .traffic(
                ", inboundExternalAuthorization: {enable: true, address: \"%s\", port: %d,"
                        .formatted(services, AUTHORISER_PORT)
                    + " timeout: 5s}"));
  }

  private ResilienceMeasurement() {}

  /** Two services that grant everything, on one event loop: an authoriser and one of limits. */
  private static final class Grants implements MeansInTurn.Check, AutoCloseable {
    private final LongAdder authorised = new LongAdder();
    private final LongAdder limited = new LongAdder();
    private final EventLoopGroup group =
        new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final List<Server> servers;

    Grants(SitePod node) throws IOException {
      servers =
          List.of(
              start(
                  node,
                  AUTHORISER_PORT,
                  new AuthorizationImplBase() {
                    @Override
                    public void check(CheckRequest asked, StreamObserver<CheckResponse> answer) {
                      grant(authorised, CheckResponse.getDefaultInstance(), answer);
                    }
                  }),
              start(
                  node,
                  LIMITS_PORT,
                  new RateLimitServiceImplBase() {
                    @Override
                    public void shouldRateLimit(
                        RateLimitRequest asked, StreamObserver<RateLimitResponse> answer) {
                      grant(
                          limited,
                          RateLimitResponse.newBuilder().setOverallCode(Code.OK).build(),
                          answer);
                    }
                  }));
    }

    private Server start(SitePod node, int port, BindableService service) throws IOException {
      return NettyServerBuilder.forAddress(new InetSocketAddress(port))
          .bossEventLoopGroup(group)
          .workerEventLoopGroup(group)
          .channelFactory(() -> node.call(NioServerSocketChannel::new))
          .directExecutor()
          .addService(service)
          .build()
          .start();
    }

    private static <T> void grant(LongAdder asked, T answer, StreamObserver<T> to) {
      asked.increment();
      to.onNext(answer);
      to.onCompleted();
    }

    @Override
    public void begin(Means means) {
      authorised.reset();
      limited.reset();
    }

    /** Fails unless those were asked meanwhile who are with {@code means}, and no others. */
    @Override
    public void end(Means means) throws IOException {
      if ((authorised.sum() > 0) != means.id().endsWith(AUTHORISER)
          || (limited.sum() > 0) != means.id().endsWith(SHARED_LIMIT)) {
        throw new IOException("with " + means.label() + " a service was asked, or was not");
      }
    }

    @Override
    public void close() {
      servers.forEach(Server::shutdownNow);
      group.shutdownGracefully(0, 1_000, TimeUnit.MILLISECONDS);
    }
  }

  /**
   * Makes the nodes and everything on them, measures, removes them.
   *
   * @param directory empty
   */
  static List<Figure> run(String name, Launcher launcher, Path directory, Bench.Extent extent)
      throws Exception {
    try (MeansInTurn turns = new MeansInTurn(name, launcher, directory, extent);
        Grants services = new Grants(turns.testbed().node(1))) {
      String address = IpAddresses.text(turns.testbed().node(1).address(Family.IPV4));
      return turns.rates(all(address), services);
    }
  }
}
