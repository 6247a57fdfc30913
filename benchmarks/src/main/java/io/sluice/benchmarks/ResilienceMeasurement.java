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
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * What each means of resilience costs requests that need none of it: GETs of a service on lasting
 * connections between two nodes, beside the same with nothing configured. One pair of daemons
 * serves all; the registry changes from sample to sample, so that whatever else changes falls on
 * all alike.
 */
final class ResilienceMeasurement {
  /** Longest part: daemons start, and each of the samples waits for its change. */
  static final Duration LONGEST = Duration.ofMinutes(7);

  private static final int ROUNDS = 10;
  private static final int QUICK_ROUNDS = 4;
  private static final int CLIENTS = 16;
  private static final int AUTHORISER_PORT = 9_191;
  private static final int LIMITS_PORT = 9_192;
  private static final Duration SAMPLE = Duration.ofMillis(1_000);
  private static final Duration WAKING = Duration.ofMillis(300);
  private static final Duration WARM_UP = Duration.ofSeconds(8);
  private static final double HUNDRED_THOUSAND = 100_000;

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

  /** What is configured; of limits, so much that none is reached. */
  private enum Means {
    NOTHING("nothing", "", "", ""),
    RETRIES(
        "retries",
        "enableRetryPolicy: true",
        "",
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: Retry
        metadata: {name: client, namespace: bench}
        spec:
          source: {kind: ServiceAccount, name: client, namespace: bench}
          destinations: [{kind: Service, name: server, namespace: bench}]
          retryPolicy: {retryOn: "5xx,reset", numRetries: 3, perTryTimeout: 5s}
        """),
    BREAKER(
        "a circuit breaker",
        "",
        "",
        SETTING.formatted(
            "connectionSettings: {http: {circuitBreaking: {errorRatioThreshold: 0.5}}}")),
    LOCAL_LIMIT(
        "a local rate limit",
        "",
        "",
        SETTING.formatted("rateLimit: {local: {http: {requests: 1000000, unit: second}}}")),
    POOL_LIMITS(
        "limits of connections",
        "",
        "",
        SETTING.formatted(
            "connectionSettings: {tcp: {maxConnections: 1000},"
                + " http: {maxRequests: 1000, maxPendingRequests: 1000, maxRetries: 1000}}")),
    EJECTION(
        "ejection",
        "",
        "",
        SETTING.formatted(
            "connectionSettings: {http: {outlierDetection: {consecutive5xxErrors: 5}}}")),
    WARM_UP(
        "warm-up",
        "",
        "",
        "",
        "flomesh.io/traffic-warmup-enable: enabled, flomesh.io/traffic-warmup-duration: 90s",
        "None"),
    AFFINITY("affinity by address", "", "", "", "", "ClientIP"),
    SESSIONS(
        "sessions by cookie",
        "",
        "",
        route("sessionPersistence: {type: Cookie, cookie: {name: s, lifetimeType: Session}}")),
    TIME_LIMITS("time limits", "", "", route("timeouts: {request: 10s, backendRequest: 5s}")),
    FAULTS(
        "a millisecond's delay of one in a hundred",
        "",
        "",
        """
        apiVersion: extension.gateway.flomesh.io/v1alpha1
        kind: FaultInjection
        metadata: {name: server, namespace: bench}
        spec: {delay: {percentage: 1, min: 1ms, max: 1ms}}
        ---
        """
            + route(
                "filters: [{type: ExtensionRef, extensionRef: {group: extension.gateway.flomesh.io,"
                    + " kind: FaultInjection, name: server}}]")),
    COPIES(
        "a copy of each",
        "",
        "",
        route(
            "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: server, port: "
                + LoadServer.HTTP_PORT
                + "}}}]")),
    HEALTH_CHECKS("health checks", "enableEnvoyActiveHealthChecks: true", "", ""),
    SHARED_LIMIT(
        "a shared rate limit",
        "",
        "",
        SETTING.formatted(
            "rateLimit: {global: {http: {rateLimitService: {host: \"%s\", port: "
                + LIMITS_PORT
                + "}, domain: bench, timeout: 5s,"
                + " descriptors: [{entries: [{genericKey: {key: a, value: b}}]}]}}}")),
    AUTHORISER(
        "an authoriser",
        "",
        ", inboundExternalAuthorization: {enable: true, address: \"%s\", port: "
            + AUTHORISER_PORT
            + ", timeout: 5s}",
        "");

    private final String label;
    private final String flags;
    private final String traffic;
    private final String objects;
    private final String annotations;
    private final String affinity;

    Means(String label, String flags, String traffic, String objects) {
      this(label, flags, traffic, objects, "", "None");
    }

    Means(
        String label,
        String flags,
        String traffic,
        String objects,
        String annotations,
        String affinity) {
      this.label = label;
      this.flags = flags;
      this.traffic = traffic;
      this.objects = objects;
      this.annotations = annotations;
      this.affinity = affinity;
    }

    private String id() {
      return "resilience." + name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  private ResilienceMeasurement() {}

  /** Two services that grant everything, on one event loop: an authoriser and one of limits. */
  private static final class Grants implements AutoCloseable {
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

    /** Fails unless those were asked meanwhile who are with {@code means}, and no others. */
    void require(Means means) throws IOException {
      if ((authorised.sumThenReset() > 0) != (means == Means.AUTHORISER)
          || (limited.sumThenReset() > 0) != (means == Means.SHARED_LIMIT)) {
        throw new IOException("with " + means.label + " a service was asked, or was not");
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
  static List<Figure> run(String name, Path launcher, Path directory, Bench.Extent extent)
      throws Exception {
    try (NodesTestbed testbed =
            new NodesTestbed(
                name,
                Files.createDirectory(directory.resolve("nodes")),
                EnumSet.of(Crossing.DIRECT, Crossing.MUTUAL_TLS));
        LoadServer server = LoadServer.start(testbed.path(Crossing.MUTUAL_TLS));
        Grants services = new Grants(testbed.node(1));
        CrossingMesh mesh =
            CrossingMesh.start(
                testbed,
                Crossing.MUTUAL_TLS,
                name,
                launcher,
                Files.createDirectory(directory.resolve("mesh")),
                true)) {
      LoadPath path = testbed.path(Crossing.MUTUAL_TLS);
      LoadClient client =
          new LoadClient(
              new LoadPath(
                  path.name(),
                  path.client(),
                  path.server(),
                  path.serverAddress(),
                  Manifests.SERVICE_ADDRESS,
                  0),
              mesh.hops());
      client.requireDecisions(true);
      client.requests(Talk.GET, CLIENTS, WARM_UP);
      String address = IpAddresses.text(testbed.node(1).address(Family.IPV4));
      int rounds = extent == Bench.Extent.QUICK ? QUICK_ROUNDS : ROUNDS;
      Map<Means, List<Sample>> samples = new EnumMap<>(Means.class);
      List<Means> order = new ArrayList<>(List.of(Means.values()));
      for (int round = 0; round < rounds; round++) {
        for (Means means : order) {
          mesh.configure(
              means.flags,
              means.traffic.formatted(address),
              means.objects.formatted(address),
              means.annotations,
              means.affinity);
          client.requests(Talk.GET, CLIENTS, WAKING);
          Sample sample = client.requests(Talk.GET, CLIENTS, SAMPLE);
          services.require(means);
          samples.computeIfAbsent(means, _ -> new ArrayList<>()).add(sample);
        }
        Collections.reverse(order); // nobody is always next to the same one
      }
      return figures(samples);
    }
  }

  private static List<Figure> figures(Map<Means, List<Sample>> samples) {
    List<Figure> figures = new ArrayList<>();
    for (Means means : Means.values()) {
      if (means != Means.NOTHING) {
        figures.add(
            new Figure(
                means.id() + ".rate",
                "GETs, 16 connections, with " + means.label,
                "1/s",
                rates(samples.getOrDefault(Means.NOTHING, List.of())),
                rates(samples.getOrDefault(means, List.of()))));
        figures.add(
            new Figure(
                means.id() + ".hops",
                "CPU time of both hops, 100,000 GETs, with " + means.label,
                "s",
                hops(samples.getOrDefault(Means.NOTHING, List.of())),
                hops(samples.getOrDefault(means, List.of()))));
      }
    }
    return figures;
  }

  private static Values rates(List<Sample> samples) {
    return Values.of(samples.stream().map(Sample::perSecond).toList());
  }

  private static Values hops(List<Sample> samples) {
    return Values.of(samples.stream().map(one -> one.hopsCpu() * HUNDRED_THOUSAND).toList());
  }
}
