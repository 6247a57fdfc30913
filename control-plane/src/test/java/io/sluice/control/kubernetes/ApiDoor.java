package io.sluice.control.kubernetes;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.sluice.control.authority.ServerTls;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Where a test's API server is reached: TLS, bearer tokens, and the files a client needs. */
final class ApiDoor implements AutoCloseable {
  private static final String BEARER = "Bearer token-of-";
  private static final String CONTROLLER = "controller";
  private static final Issuer CLUSTER =
      new SvidProfile(new TrustDomain("cluster.example"), false, false)
          .root(SigningKey.P256.generate(), Instant.now(), Duration.ofDays(10));

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
    server.setHttpsConfigurator(new Asking(ServerTls.certified(CLUSTER, name)));
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

  /** Asks for a certificate and goes on without one, as API servers do. */
  private static final class Asking extends HttpsConfigurator {
    Asking(SSLContext context) {
      super(context);
    }

    @Override
    public void configure(HttpsParameters parameters) {
      SSLParameters tls = getSSLContext().getDefaultSSLParameters();
      tls.setWantClientAuth(true);
      // By a JVM that does not optimise, AES-GCM takes several times as long.
      tls.setCipherSuites(new String[] {"TLS_CHACHA20_POLY1305_SHA256"});
      parameters.setSSLParameters(tls);
    }
  }

  /** Whose token or certificate the request shows; empty where nobody's. */
  static Optional<String> caller(HttpExchange exchange) {
    String authorization = exchange.getRequestHeaders().getFirst("Authorization");
    if (authorization != null) {
      return authorization.startsWith(BEARER)
          ? Optional.of(authorization.substring(BEARER.length()))
          : Optional.empty();
    }
    try {
      String name = ((HttpsExchange) exchange).getSSLSession().getPeerPrincipal().getName();
      return Optional.of(name.replaceFirst("^CN=", ""));
    } catch (SSLPeerUnverifiedException e) {
      return Optional.empty();
    }
  }

  /** A certificate of the cluster's for a controller with the public half of a key. */
  static String certificate(PublicKey key) throws Exception {
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            X500Name.getInstance(CLUSTER.certificate().getSubjectX500Principal().getEncoded()),
            BigInteger.TWO,
            Date.from(Instant.now().minusSeconds(60)),
            Date.from(Instant.now().plus(Duration.ofDays(1))),
            new X500Name("CN=" + CONTROLLER),
            key);
    X509Certificate certificate =
        new JcaX509CertificateConverter()
            .getCertificate(
                builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(CLUSTER.key())));
    return new Pem(List.of(certificate), List.of()).text();
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
  Path kubeconfig(Path home) throws IOException {
    return kubeconfig(home, "{token: token-of-" + CONTROLLER + "}");
  }

  /** As the other. @param user the user's proof, in YAML of one line */
  Path kubeconfig(Path home, String user) throws IOException {
    Path roots = home.resolve("cluster.pem");
    Files.writeString(roots, new Pem(CLUSTER.chain(), List.of()).text());
    Path file = home.resolve("kubeconfig");
    Files.writeString(
        file,
        """
        apiVersion: v1
        kind: Config
        clusters: [{name: site, cluster: {server: '%s', certificate-authority: '%s'}}]
        users: [{name: controller, user: %s}]
        contexts: [{name: site, context: {cluster: site, user: controller}}]
        current-context: site
        """
            .formatted(address(port()), roots, user));
    return file;
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
