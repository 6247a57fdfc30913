package io.sluice.control.kubernetes;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.sluice.control.authority.ServerTls;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Where a test's API server is reached: TLS, bearer tokens, and the files a client needs. */
final class ApiDoor implements AutoCloseable {
  private static final String BEARER = "Bearer token-of-";
  private static final String CONTROLLER = "controller";
  private static final Issuer CLUSTER =
      new SvidProfile(new TrustDomain("cluster.example"), false, false)
          .root(SigningKey.P256, Instant.now(), Duration.ofDays(10));

  private final HttpsServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  ApiDoor(HttpHandler handler) throws Exception {
    this(
        handler,
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0),
        "localhost");
  }

  /** At a socket that is bound already, under this name. */
  ApiDoor(HttpHandler handler, HttpsServer bound, String name) throws Exception {
    server = bound;
    server.setHttpsConfigurator(new HttpsConfigurator(ServerTls.certified(CLUSTER, name)));
    server.setExecutor(threads);
    server.createContext("/", handler);
    server.start();
  }

  /** Where it is on the loopback. */
  int port() {
    return server.getAddress().getPort();
  }

  private static String address(int port) {
    return "https://localhost:" + port;
  }

  /** Whose token the request shows; empty where nobody's. */
  static Optional<String> caller(HttpExchange exchange) {
    String authorization = exchange.getRequestHeaders().getFirst("Authorization");
    return authorization != null && authorization.startsWith(BEARER)
        ? Optional.of(authorization.substring(BEARER.length()))
        : Optional.empty();
  }

  /** Access as in a pod, with the files of a service account in {@code home}. */
  KubernetesAccess inCluster(Path home) throws IOException {
    return inCluster(home, CONTROLLER);
  }

  /** As the other, for one of several callers. */
  KubernetesAccess inCluster(Path home, String caller) throws IOException {
    return inCluster(home, caller, port());
  }

  /** As the first, over a port that leads here. */
  KubernetesAccess inCluster(Path home, int port) throws IOException {
    return inCluster(home, CONTROLLER, port);
  }

  private KubernetesAccess inCluster(Path home, String caller, int port) throws IOException {
    Files.createDirectories(home);
    Files.writeString(home.resolve("token"), "token-of-" + caller + "\n");
    Files.writeString(home.resolve("namespace"), "sluice-system");
    Files.writeString(home.resolve("ca.crt"), new Pem(CLUSTER.chain(), List.of()).text());
    return new KubernetesAccess.InCluster(URI.create(address(port)), home);
  }

  /** Access by a kubeconfig file in {@code home}. */
  KubernetesAccess kubeconfig(Path home) throws IOException {
    Path roots = home.resolve("cluster.pem");
    Files.writeString(roots, new Pem(CLUSTER.chain(), List.of()).text());
    Path file = home.resolve("kubeconfig");
    Files.writeString(
        file,
        """
        apiVersion: v1
        kind: Config
        clusters: [{name: site, cluster: {server: '%s', certificate-authority: '%s'}}]
        users: [{name: controller, user: {token: token-of-%s}}]
        contexts: [{name: site, context: {cluster: site, user: controller}}]
        current-context: site
        """
            .formatted(address(port()), roots, CONTROLLER));
    return new KubernetesAccess.Kubeconfig(file);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
