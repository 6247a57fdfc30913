package io.sluice.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.ControlView;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.OpensslCertificate;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A bookstore on node b: three pods with real servers, of which the last two have one account, and
 * a warehouse; a buyer, a thief and a stocker who call them, each on both nodes. The daemons stay
 * from one scenario to the next, only YAML changes. For one thread, but for what cells ask.
 */
final class ScenarioSite implements AutoCloseable {
  private static final String NEAR = "-near";
  private static final String FAR = "-far";
  private static final int QUIET_MILLIS = 200;
  private static final List<String> CLIENTS = List.of("bookbuyer", "bookthief", "bookstore-v1");

  /** Who is not in the mesh, on both nodes too. */
  private static final List<String> OUTSIDE = List.of("gateway", "stranger");

  /** A server that is not in the mesh. */
  private static final String OUT_THERE = "outside";

  private static final String DISABLED = "sluice.io/mesh=disabled";

  private final Cluster cluster;
  private final ScenarioRegistry registry;
  private final Map<String, Nginx> servers = new HashMap<>();
  private @Nullable NameServer names;
  private @Nullable Judge judge;
  private @Nullable RateLimits limits;
  private @Nullable Collector collector;
  private Map<String, String> files = Map.of();
  private List<Cell> cells;

  private ScenarioSite(Cluster cluster, ScenarioRegistry registry) {
    this.cluster = cluster;
    this.registry = registry;
    this.cells = allCells();
  }

  /**
   * Under daemons that follow a controller that reads that registry.
   *
   * @param mechanisms of node a and of node b
   * @param arguments further ones of {@code node run}
   */
  static ScenarioSite open(
      List<Mechanism> mechanisms,
      Function<Cluster, ScenarioRegistry> registry,
      String... arguments) {
    return open(mechanisms, registry, List.of(), arguments);
  }

  /** The same with further arguments of {@code control run}; the others are of the nodes. */
  static ScenarioSite open(
      List<Mechanism> mechanisms,
      Function<Cluster, ScenarioRegistry> registry,
      List<String> control,
      String... arguments) {
    Cluster cluster =
        new Cluster(
            callers().map(account -> account + FAR).toList(),
            Stream.concat(
                    Stream.of("v1", "v2", "v3", "warehouse", OUT_THERE),
                    callers().map(account -> account + NEAR))
                .toList());
    ScenarioSite opened = new ScenarioSite(cluster, registry.apply(cluster));
    try {
      OpensslCertificate.selfSigned(
          cluster.directory(), "app", "/CN=bookstore", "subjectAltName=DNS:bookstore");
      opened.writePods();
      cluster.startControlOn(opened.registry.arguments(), control.toArray(String[]::new));
      for (int i = 0; i < mechanisms.size(); i++) {
        cluster.startDaemon(cluster.sites().get(i), mechanisms.get(i).arguments(arguments));
      }
      for (String name : List.of("v1", "v2", "v3", "warehouse", OUT_THERE)) {
        opened.servers.put(name, new Nginx(cluster.pod(name), cluster.directory()));
      }
      opened.names = new NameServer(cluster.pod(OUT_THERE));
      opened.judge = new Judge(cluster.pod(OUT_THERE));
      opened.limits = new RateLimits(cluster.pod(OUT_THERE), cluster.directory());
      opened.collector = new Collector(cluster.pod(OUT_THERE));
      opened.awaitCertificates();
      return opened;
    } catch (RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  private static Stream<String> callers() {
    return Stream.concat(CLIENTS.stream(), OUTSIDE.stream());
  }

  private void writePods() {
    put(Map.of());
    probed("v1", "bookstore-v1", "app=bookstore", "version=v1");
    probed("v2", "bookstore-v2", "app=bookstore", "version=v2");
    probed("v3", "bookstore-v2", "app=bookstore", "version=v3");
    pod("warehouse", "bookwarehouse", "app=bookwarehouse");
    for (String account : CLIENTS) {
      pod(account + NEAR, account, "app=" + account + NEAR);
      pod(account + FAR, account, "app=" + account + FAR);
    }
    pod(OUT_THERE, OUT_THERE, "app=" + OUT_THERE, DISABLED);
    for (String account : OUTSIDE) {
      pod(account + NEAR, account, "app=" + account, DISABLED);
      pod(account + FAR, account, "app=" + account, DISABLED);
    }
  }

  /** A pod that the kubelet, and who calls it, may ask whether it is ready. */
  private void probed(String name, String account, String... labels) {
    SitePod pod = pod(name);
    registry.add(
        pod,
        ScenarioManifests.pod(pod, account, labels)
            .replace(
                "containers: []",
                "containers: [{name: web, readinessProbe: {periodSeconds: 2, httpGet: {path: %s, port: %d}}}]"
                    .formatted(Nginx.READY, Nginx.HTTP)));
  }

  private void pod(String name, String account, String... labels) {
    SitePod pod = pod(name);
    registry.add(pod, ScenarioManifests.pod(pod, account, labels));
  }

  /** The registry holds these files and no others, beside what every scenario has. */
  private boolean put(Map<String, String> manifests) {
    Map<String, String> all = new HashMap<>(manifests);
    all.putIfAbsent("namespace", Manifests.namespace());
    all.putIfAbsent(ScenarioManifests.MESH_CONFIG, ScenarioManifests.meshConfig(false));
    files = Map.copyOf(manifests);
    return registry.put(all);
  }

  private void awaitCertificates() {
    Map.of(
            "a",
            CLIENTS,
            "b",
            List.of("bookstore-v1", "bookstore-v2", "bookwarehouse", "bookbuyer", "bookthief"))
        .forEach((node, accounts) ->
            accounts.forEach(account ->
                Await.until(
                    account + " has a certificate on node " + node,
                    Await.patience(30),
                    () ->
                        cluster
                            .site(node)
                            .daemon()
                            .view()
                            .hasCertificate(
                                "spiffe://cluster.local/ns/%s/sa/%s"
                                    .formatted(Manifests.NAMESPACE, account)))));
  }

  /** Those that are tried: all, or what {@link #takeTurn} says. */
  List<Cell> cells() {
    return cells;
  }

  /** Both places and both families: each with each, or by turns. */
  void takeTurn(int turn, boolean everyCell) {
    cells =
        allCells().stream()
            .filter(cell -> everyCell || (cell.near() == (cell.family().ordinal() == turn % 2)))
            .toList();
  }

  private List<Cell> allCells() {
    return Stream.of(true, false)
        .flatMap(near -> Stream.of(Family.values()).map(family -> new Cell(this, near, family)))
        .toList();
  }

  SitePod client(String account, boolean near) {
    return cluster.pod(account + (near ? NEAR : FAR));
  }

  /** A new root is made known, and signs what is renewed from soon on. */
  void rotateRoot() {
    cluster.control().run("rotate-root", "--now-distribute-for", "20s");
  }

  /** Which root the certificate of an account on the node of the far clients leads to. */
  String rootOf(String account) {
    return calling(false).certificates().stream()
        .filter(one -> one.path("identity").asText().endsWith("/sa/" + account))
        .map(one -> one.path("rootId").asText())
        .findFirst()
        .orElseThrow();
  }

  /** A further server, in that pod, until the end. */
  void serve(String pod) {
    servers.computeIfAbsent(pod, name -> new Nginx(cluster.pod(name), cluster.directory()));
  }

  /** The server in that pod. */
  Nginx server(String pod) {
    return Objects.requireNonNull(servers.get(pod));
  }

  SitePod pod(String name) {
    return cluster.pod(name);
  }

  InetAddress address(String name, Family family) {
    return ScenarioManifests.isService(name)
        ? ScenarioManifests.serviceAddress(name, family)
        : pod(name).address(family);
  }

  /** What the daemon tells that has the clients. */
  DaemonView calling(boolean near) {
    return node(near).daemon().view();
  }

  /** What the daemon tells that has the servers. */
  DaemonView serving() {
    return calling(true);
  }

  /** The node that has the servers, or the other one. */
  Site node(boolean serving) {
    return cluster.site(serving ? "b" : "a");
  }

  /** Where the controller keeps its state. */
  Path controlState() {
    return cluster.control().view().state();
  }

  /** Process id of the daemon that has the servers. */
  long servingPid() {
    return node(true).daemon().pid();
  }

  /** An authoriser that is not in the mesh, in the pod {@code outside}. */
  Judge judge() {
    return Objects.requireNonNull(judge);
  }

  /**
   * Writes what a Secret of the pods' namespace has into files, once there is one.
   *
   * @return the certificate; its issuers are in the same file
   */
  OpensslCertificate stored(String secret) {
    String path = "/api/v1/namespaces/" + Manifests.NAMESPACE + "/secrets/" + secret;
    Await.until("the Secret is there", Await.patience(10), () -> registry.find(path).isPresent());
    JsonNode data = registry.find(path).orElseThrow().path("data");
    return new OpensslCertificate(
        written(secret + ".crt", data.path("tls.crt")),
        written(secret + ".key", data.path("tls.key")));
  }

  private Path written(String name, JsonNode base64) {
    try {
      return Files.write(
          cluster.directory().resolve(name), Base64.getDecoder().decode(base64.asText()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What is at that path of the API server. */
  JsonNode found(String path) {
    return registry.find(path).orElseThrow();
  }

  /** Whether no such Secret is there any more. */
  boolean lacks(String secret) {
    return registry
        .find("/api/v1/namespaces/" + Manifests.NAMESPACE + "/secrets/" + secret)
        .isEmpty();
  }

  /** The root by which the mesh's own authority signs. */
  OpensslCertificate root() {
    try (Stream<Path> files = Files.walk(cluster.directory())) {
      Path root =
          files
              .filter(file -> file.getFileName().toString().matches("root-[0-9a-f]+\\.pem"))
              .findFirst()
              .orElseThrow();
      return new OpensslCertificate(root, root);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A rate-limit service that is not in the mesh, in the same pod. */
  RateLimits limits() {
    return Objects.requireNonNull(limits);
  }

  /** A collector of spans and logs that is not in the mesh, in the same pod. */
  Collector collector() {
    return Objects.requireNonNull(collector);
  }

  /** A folder for what a test writes. */
  Path directory() {
    return cluster.directory();
  }

  /** The registry holds these files and no others, beside pods and their namespace. */
  void apply(Map<String, String> manifests) {
    long before = cluster.control().view().revision();
    if (put(manifests)) {
      Await.until("the nodes follow the change", () -> isFollowedSince(before));
      for (Site site : cluster.sites()) {
        Await.until("every pod is brought to the change", () -> site.daemon().view().isEnforced());
      }
    }
  }

  /** Writes files, or removes those of no text. */
  void amend(Map<String, String> manifests) {
    Map<String, String> all = new HashMap<>(files);
    all.putAll(manifests);
    all.values().removeIf(String::isEmpty);
    apply(all);
  }

  /** What comes object by object has come when nothing more does. */
  private boolean isFollowedSince(long before) throws InterruptedException {
    ControlView view = cluster.control().view();
    long revision = view.revision();
    Thread.sleep(registry.isSeenWhole() ? 0 : QUIET_MILLIS);
    return view.isFollowedSince(before) && view.revision() == revision;
  }

  @Override
  public void close() {
    servers.values().forEach(Nginx::close);
    if (names != null) {
      names.close();
    }
    if (judge != null) {
      judge.close();
    }
    if (limits != null) {
      limits.close();
    }
    if (collector != null) {
      collector.close();
    }
    registry.close();
    cluster.close();
  }
}
