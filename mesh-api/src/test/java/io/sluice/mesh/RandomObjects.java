package io.sluice.mesh;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;

/** Random values of the model, with every field used; the same seed gives the same ones. */
final class RandomObjects {
  private static final int FEW = 5;

  /** Of nobody any more: its key is gone. */
  private static final X509Certificate AUTHORITY =
      certificate(
          """
          -----BEGIN CERTIFICATE-----
          MIIBhjCCAS2gAwIBAgIUOJlFRdERvmhL2yDfS2N9lKCCVFEwCgYIKoZIzj0EAwIwEDEOMAwGA1UEAwwFdG9vbHMw
          IBcNMjYxMTI4MTQwNDI4WhgPMjEyNjExMDQxNDA0MjhaMBAxDjAMBgNVBAMMBXRvb2xzMFkwEwYHKoZIzj0CAQYI
          KoZIzj0DAQcDQgAE0bYK/4cbL4S5MWao6vsooo7GtO2nxfjGH/6eBvnnh9AGqAO6AUwsnJaT6Sut1q+M8lRXwmNy
          NfYHawP+4JbPqKNjMGEwHQYDVR0OBBYEFBD0hk+eTRlQyGriieZjsDnVTYn/MB8GA1UdIwQYMBaAFBD0hk+eTRlQ
          yGriieZjsDnVTYn/MA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMAoGCCqGSM49BAMCA0cAMEQCIH8o
          iP4f9NM0aD6OkF1C+OJy4AQsSTNIj3BdHadt2iESAiBA4zU4axEJLrofO5ZeB2U37bbYWtO7baYMUWahvaR4Xg==
          -----END CERTIFICATE-----
          """);

  private final Random random;

  RandomObjects(long seed) {
    random = new Random(seed);
  }

  MeshSnapshot snapshot() {
    Map<String, NamespaceMembership> namespaces = new HashMap<>();
    list(() -> namespaces.put(word(), one(NamespaceMembership.values())));
    SnapshotEditor editor =
        new MeshSnapshot(
                0,
                settings(),
                list(this::workload),
                list(this::service),
                list(this::permission),
                namespaces)
            .edit();
    list(this::route).forEach(editor::put);
    list(this::retry).forEach(editor::put);
    list(this::upstream).forEach(editor::put);
    list(this::ingress).forEach(editor::put);
    list(this::egress).forEach(editor::put);
    list(this::accessLog).forEach(editor::put);
    return editor.snapshot(1 + random.nextInt(1_000));
  }

  MeshSettings settings() {
    return new MeshSettings(
        random.nextBoolean(),
        random.nextBoolean(),
        new TrustDomain(word()),
        random.nextBoolean(),
        new DeniedPeers(
            set(this::identity),
            set(this::identity),
            set(() -> new BigInteger(1 + random.nextInt(160), random))),
        one(RevokedMode.values()),
        one(Retirement.values()),
        Duration.ofSeconds(random.nextInt(3) * 45),
        list(this::range),
        random.nextBoolean()
            ? new ExternalAuthorization(
                server(), word(), 1 + random.nextInt(30_000), random.nextBoolean())
            : null,
        tls(),
        new LogLevels(LogLevels.level("debug").orElseThrow(), System.Logger.Level.OFF),
        FederatedBundles.NONE,
        List.of(),
        HostNames.NONE,
        random.nextBoolean(),
        null,
        null,
        random.nextBoolean(),
        reporting());
  }

  private Reporting reporting() {
    return new Reporting(
        random.nextBoolean()
            ? new Tracing(
                collector(), one(Tracing.Protocol.values()), "/" + word(), random.nextDouble())
            : null,
        random.nextBoolean()
            ? new RemoteLogging(
                collector(),
                "/" + word(),
                random.nextBoolean() ? "" : "Bearer " + word(),
                random.nextDouble())
            : null,
        random.nextBoolean()
            ? Reporting.NO_BUDGET
            : Reporting.LEAST_BUDGET + random.nextInt(1_000));
  }

  private TlsParameters tls() {
    return new TlsParameters(
        one(TlsParameters.Version.values()),
        TlsParameters.Version.TLS_1_3,
        set(() -> one(TlsParameters.Suite.values())).stream().sorted().toList(),
        random.nextBoolean() ? List.of() : List.of(TlsParameters.Group.P_256));
  }

  Workload workload() {
    boolean enrolled = random.nextBoolean();
    return new Workload(
        name(),
        identity(),
        list(this::address),
        labels(),
        enrolled,
        random.nextBoolean() ? "/run/netns/" + word() : null,
        random.nextBoolean() ? new PodUid(new UUID(random.nextLong(), 7).toString()) : null,
        random.nextBoolean() ? word() : null,
        !enrolled && random.nextBoolean(),
        random.nextBoolean() ? InterceptionSettings.EVERYTHING : interception(),
        set(this::port),
        one(MtlsMode.values()),
        new ConnectionSettings(
            Duration.ofSeconds(random.nextInt((int) ConnectionSettings.MAX_IDLE.toSeconds() + 1)),
            one(SameNodeMtls.values()),
            one(LocalProxyMode.values()),
            random.nextBoolean()),
        list(this::check),
        random.nextBoolean() ? word() : null);
  }

  private HealthCheck check() {
    HealthCheck.How how = HealthCheck.How.values()[random.nextInt(3)];
    String target =
        switch (how) {
          case HTTP -> "/ready?" + port();
          case GRPC -> random.nextBoolean() ? "" : "shop.v" + port();
          default -> "";
        };
    return HealthCheck.ofProbe(port(), how, target, random.nextInt(5_000), random.nextInt(90));
  }

  private Map<String, String> labels() {
    Map<String, String> labels = new HashMap<>();
    list(() -> labels.put(word() + "/é", random.nextBoolean() ? "" : word()));
    return labels;
  }

  private InterceptionSettings interception() {
    return new InterceptionSettings(
        set(this::port),
        set(this::port),
        list(this::range),
        list(this::range),
        set(this::word),
        new Openings(
            list(this::range),
            one(MetadataMode.values()),
            one(PingMode.values()),
            one(FailMode.values())),
        List.of());
  }

  private Cidr range() {
    return random.nextBoolean()
        ? Cidr.parse("10." + random.nextInt(256) + ".0.0/16")
        : Cidr.parse("fd00:" + Integer.toHexString(random.nextInt(65_536)) + "::/32");
  }

  Service service() {
    return new Service(
        name(),
        list(this::address),
        list(this::servicePort),
        one(
            new SessionAffinity[] {
              SessionAffinity.NONE, SessionAffinity.CLIENT_IP, new SessionAffinity(true, 125)
            }),
        one(Nearness.values()));
  }

  private ServicePort servicePort() {
    return new ServicePort(
        random.nextBoolean() ? "" : word(),
        port(),
        one(AppProtocol.values()),
        list(() ->
            new Endpoint(
                new InetSocketAddress(address(), port()),
                random.nextBoolean(),
                random.nextBoolean() ? null : warmUp())));
  }

  private WarmUp warmUp() {
    int least = random.nextInt(101);
    return new WarmUp(
        random.nextInt(3) * 1_000_000_000L,
        Duration.ofMillis(1_000 + random.nextInt(3_599_000)),
        least,
        Math.max(1, least + random.nextInt(101 - least)),
        1 + random.nextInt(50) / 8.0);
  }

  TrafficRoute route() {
    List<TrafficRoute.Source> sources =
        List.of(new TrafficRoute.Source(word(), name()), new TrafficRoute.Source(word(), name()));
    return new TrafficRoute(
        name(),
        name(),
        one(TrafficRoute.Origin.values()),
        random.nextBoolean() ? word() : null,
        list(() ->
            new TrafficRoute.Rule(
                random.nextBoolean() ? 0 : port(),
                list(this::match),
                list(this::backend),
                random.nextBoolean() ? new HttpFilters.Redirect(target(), 301) : null,
                new TrafficRoute.TimeLimits(random.nextInt(3) - 1, random.nextInt(4_000) - 1),
                faults(),
                random.nextBoolean() ? null : session(),
                random.nextBoolean()
                    ? null
                    : new TrafficRoute.Place(
                        sources.get(random.nextInt(2)), random.nextInt(WireLimits.ROUTE_RULES)))));
  }

  private SessionPersistence session() {
    boolean permanent = random.nextBoolean();
    return new SessionPersistence(
        one(SessionPersistence.Carrier.values()),
        "session-" + random.nextInt(9),
        "/" + random.nextInt(9),
        permanent ? 1 + random.nextInt(1_000) : 0,
        permanent,
        random.nextLong());
  }

  private Faults faults() {
    return new Faults(
        random.nextBoolean() ? null : new Faults.Injection(name()),
        random.nextBoolean()
            ? new Faults.Delay(random.nextInt(101), random.nextInt(100), 100 + random.nextInt(100))
            : null,
        random.nextBoolean()
            ? new Faults.Abort(
                random.nextInt(101), 200 + random.nextInt(400), list(this::change), word())
            : null);
  }

  AccessLogSetting accessLog() {
    return new AccessLogSetting(
        name(),
        random.nextBoolean(),
        random.nextLong(),
        Map.of(word(), word()),
        random.nextBoolean() ? null : logFormat(),
        random.nextBoolean()
            ? null
            : new AccessLogSetting.Collector(
                collector(),
                one(AccessLogSetting.Collector.Protocol.values()),
                1 + random.nextInt(30_000),
                Map.of(word(), logFormat())));
  }

  private LogFormat logFormat() {
    return new LogFormat(
        List.of(
            new LogFormat.Literal(word()),
            new LogFormat.Value(
                one(LogFormat.Operator.values()), random.nextInt(100), random.nextBoolean())));
  }

  RetryPolicy retry() {
    return new RetryPolicy(
        name(),
        name(),
        set(this::name),
        set(() -> one(RetryPolicy.Condition.values())),
        set(() -> 500 + random.nextInt(100)),
        random.nextInt(RetryPolicy.MOST_TRIES + 1),
        random.nextInt(10_000),
        random.nextInt(100));
  }

  UpstreamSetting upstream() {
    return new UpstreamSetting(
        name(),
        name(),
        random.nextBoolean()
            ? UpstreamSetting.Pool.NONE
            : new UpstreamSetting.Pool(port(), millis(), port(), port(), port(), port()),
        random.nextBoolean()
            ? null
            : new UpstreamSetting.Breaker(
                millis(),
                port(),
                millis(),
                millis(),
                port(),
                random.nextDouble(),
                UpstreamSetting.UNLIMITED,
                UpstreamSetting.NEVER,
                409,
                word()),
        random.nextBoolean()
            ? null
            : new UpstreamSetting.Ejection(
                1 + random.nextInt(9), millis(), Duration.ofHours(1), random.nextInt(101)),
        new UpstreamSetting.Limits(
            random.nextBoolean() ? null : rate(),
            random.nextInt(1 << 20),
            random.nextBoolean() ? null : requestLimit(),
            random.nextBoolean() ? null : sharedLimit(),
            random.nextBoolean()
                ? null
                : new UpstreamSetting.SharedRequestLimit(
                    sharedLimit(), 400 + random.nextInt(200), random.nextBoolean()),
            list(() ->
                new UpstreamSetting.RouteLimit(
                    regex(),
                    random.nextBoolean() ? null : requestLimit(),
                    list(this::descriptor)))));
  }

  private Duration millis() {
    return Duration.ofMillis(100 + random.nextInt(100_000));
  }

  private NamedServer server() {
    return new NamedServer(word() + ".example", 1 + random.nextInt(65_535));
  }

  private NamedServer collector() {
    return new NamedServer(
        word() + ".example",
        1 + random.nextInt(65_535),
        switch (random.nextInt(3)) {
          case 0 -> null;
          case 1 -> ServerTls.PUBLIC;
          default -> new ServerTls(List.of(AUTHORITY));
        });
  }

  private static X509Certificate certificate(String pem) {
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(pem.getBytes(US_ASCII)));
    } catch (CertificateException e) {
      throw new IllegalStateException(e);
    }
  }

  private SharedLimit sharedLimit() {
    return new SharedLimit(
        server(), word(), list(this::descriptor), 1 + random.nextInt(30_000), random.nextBoolean());
  }

  private SharedLimit.Descriptor descriptor() {
    return new SharedLimit.Descriptor(
        List.of(
            new SharedLimit.Entry.Fixed(word(), word()),
            new SharedLimit.Entry.ClientAddress(),
            new SharedLimit.Entry.OfHeader(word(), word()),
            new SharedLimit.Entry.Matching(
                word(),
                word(),
                random.nextBoolean(),
                List.of(new SharedLimit.HeaderMatch(word(), random.nextBoolean(), regex())))));
  }

  private UpstreamSetting.Rate rate() {
    return new UpstreamSetting.Rate(port(), Duration.ofMinutes(1), random.nextInt(FEW));
  }

  private UpstreamSetting.RequestLimit requestLimit() {
    return new UpstreamSetting.RequestLimit(rate(), 429, list(this::change));
  }

  private TrafficRoute.Backend backend() {
    return new TrafficRoute.Backend(
        random.nextBoolean() ? null : name(),
        random.nextBoolean() ? 0 : port(),
        random.nextInt(TrafficRoute.Backend.MAX_WEIGHT + 1),
        new HttpFilters(
            list(this::change),
            list(this::change),
            random.nextBoolean() ? target() : null,
            list(() -> new HttpFilters.Mirror(name(), port(), random.nextInt(8), 7))));
  }

  private HttpFilters.FieldChange change() {
    return new HttpFilters.FieldChange(one(HttpFilters.Action.values()), "x-changed", word());
  }

  private HttpFilters.Target target() {
    return new HttpFilters.Target(
        random.nextBoolean() ? "" : "https",
        random.nextBoolean() ? "" : "elsewhere.example",
        random.nextBoolean() ? 0 : port(),
        random.nextBoolean()
            ? null
            : new HttpFilters.PathChange(random.nextBoolean() ? null : "/from", "/to"));
  }

  private Egress egress() {
    return new Egress(
        name(),
        set(this::name),
        set(this::word),
        list(this::range),
        list(() -> new Egress.Port(port(), one(Egress.Carried.values()))),
        new Access.Requests(list(this::match)),
        random.nextBoolean() ? null : name());
  }

  private Ingress ingress() {
    Set<Ingress.Backend> bytes = set(() -> new Ingress.Backend(name(), port()));
    Set<Ingress.Backend> backends = new HashSet<>(set(() -> new Ingress.Backend(name(), port())));
    backends.addAll(bytes);
    Map<Ingress.Backend, Ingress.Tls> tls = new HashMap<>();
    backends.stream()
        .filter(_ -> random.nextBoolean())
        .forEach(one -> tls.put(one, new Ingress.Tls(random.nextBoolean(), set(this::word))));
    return new Ingress(
        name(),
        one(Ingress.Origin.values()),
        backends,
        bytes,
        tls,
        list(this::range),
        random.nextBoolean(),
        set(this::word),
        new Access.Requests(list(this::match)));
  }

  Permission permission() {
    Set<Integer> ports = set(this::port);
    return new Permission(
        name(),
        name(),
        set(this::name),
        set(this::identity),
        ports.isEmpty() ? Ports.EVERY : Ports.of(ports),
        random.nextBoolean() ? Access.BYTES : new Access.Requests(list(this::match)),
        random.nextBoolean() ? one(RevokedMode.values()) : null);
  }

  private HttpMatch match() {
    Map<String, Regex> headers = new HashMap<>();
    list(() -> headers.put(word(), regex()));
    return new HttpMatch(
        word(),
        regex(),
        set(() -> one(new String[] {"GET", "PUT", "own"})),
        headers,
        random.nextBoolean() ? Map.of() : Map.of(word(), regex()));
  }

  private Regex regex() {
    return random.nextInt(FEW) == 0 ? Regex.ANY : Regex.of("/" + word() + "/[^/]+");
  }

  private InetAddress address() {
    byte[] bytes = new byte[random.nextBoolean() ? 4 : 16];
    random.nextBytes(bytes);
    return IpAddresses.of(bytes);
  }

  private int port() {
    return 1 + random.nextInt(65_535);
  }

  private SpiffeId identity() {
    return new SpiffeId(new TrustDomain(word()), word(), word());
  }

  NamespacedName name() {
    return new NamespacedName(word(), word());
  }

  private String word() {
    return "w" + Integer.toString(random.nextInt(1 << 30), 36);
  }

  private <T> T one(T[] values) {
    return values[random.nextInt(values.length)];
  }

  private <T> List<T> list(Supplier<T> each) {
    List<T> made = new ArrayList<>();
    for (int i = random.nextInt(FEW); i > 0; i--) {
      made.add(each.get());
    }
    return made;
  }

  private <T> Set<T> set(Supplier<T> each) {
    return new HashSet<>(list(each));
  }

  /** The same elements in another order. */
  <T> List<T> shuffled(List<T> elements) {
    List<T> other = new ArrayList<>(elements);
    Collections.shuffle(other, random);
    return other;
  }
}
