package io.sluice.control.authority.vault;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP server that answers as Vault's API documentation says, for the few paths that we use: PKI
 * sign and ca_chain, Kubernetes login, token lookup-self and renew-self. It signs for real.
 */
public final class FakeVault implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  static final SvidProfile PROFILE = new SvidProfile(new TrustDomain("site.example"), false, false);

  /** How to answer a request to sign. */
  public enum Mood {
    HONEST,
    SEALED,
    GARBAGE,
    HTML,
    SILENT,
    TRICKLING,
    ENDLESS,
    OTHER_IDENTITY,
    OTHER_KEY,
    OTHER_ROOT,
    TOO_LONG,
    ROLE_REFUSES,
    REDIRECTING,
    NO_CERTIFICATE
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Map<String, Instant> tokens = new ConcurrentHashMap<>();
  private final AtomicInteger numbers = new AtomicInteger();
  public final AtomicInteger signRequests = new AtomicInteger();
  final AtomicInteger logins = new AtomicInteger();
  final AtomicInteger renewals = new AtomicInteger();
  public final AtomicInteger lookups = new AtomicInteger();
  public volatile Mood mood = Mood.HONEST;
  volatile boolean renewable = true;
  volatile Duration tokenLife = Duration.ofHours(1);
  public volatile Issuer issuer = newIssuer();
  volatile JsonNode lastSign = JSON.createObjectNode();

  public FakeVault(@Nullable SSLContext tls) throws IOException {
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    if (tls == null) {
      server = HttpServer.create(address, 0);
    } else {
      HttpsServer https = HttpsServer.create(address, 0);
      https.setHttpsConfigurator(new HttpsConfigurator(tls));
      server = https;
    }
    server.setExecutor(threads);
    server.createContext("/v1/", this::handle);
    server.start();
  }

  static Issuer newIssuer() {
    Instant now = Instant.now();
    Issuer root = PROFILE.root(SigningKey.P256.generate(), now, Duration.ofDays(100));
    return PROFILE.intermediate(root, SigningKey.P256.generate(), now, Duration.ofDays(50));
  }

  public URI address() {
    String scheme = server instanceof HttpsServer ? "https" : "http";
    return URI.create(scheme + "://localhost:" + server.getAddress().getPort());
  }

  /** A token that Vault knows from now on, for the set life. */
  public String token() {
    String token = "hvs." + numbers.incrementAndGet();
    tokens.put(token, Instant.now().plus(tokenLife));
    return token;
  }

  void revokeAllTokens() {
    tokens.clear();
  }

  private void handle(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    try (exchange) {
      if (mood == Mood.SEALED) {
        answer(exchange, 503, "{\"errors\":[\"Vault is sealed\"]}");
      } else if (path.equals("/v1/pki/ca_chain")) {
        answer(exchange, 200, new Pem(issuer.chain(), List.of()).text());
      } else if (path.equals("/v1/auth/kubernetes/login")) {
        login(exchange, JSON.readTree(body));
      } else if (!knows(exchange.getRequestHeaders().getFirst("X-Vault-Token"))) {
        answer(exchange, 403, "{\"errors\":[\"permission denied\"]}");
      } else {
        authorised(exchange, path, body);
      }
    }
  }

  private boolean knows(@Nullable String token) {
    Instant ends = token == null ? null : tokens.get(token);
    return ends != null && Instant.now().isBefore(ends);
  }

  private void login(HttpExchange exchange, JsonNode body) throws IOException {
    if (!body.path("jwt").asText().equals("jwt-of-controller")
        || !body.path("role").asText().equals("sluice")) {
      answer(exchange, 403, "{\"errors\":[\"permission denied\"]}");
      return;
    }
    logins.incrementAndGet();
    answer(exchange, 200, auth(token()));
  }

  private void authorised(HttpExchange exchange, String path, String body) throws IOException {
    String token = exchange.getRequestHeaders().getFirst("X-Vault-Token");
    switch (path) {
      case "/v1/auth/token/lookup-self" -> {
        lookups.incrementAndGet();
        ObjectNode answer = JSON.createObjectNode();
        answer.putObject("data").put("ttl", tokenLife.toSeconds()).put("renewable", renewable);
        answer(exchange, 200, answer.toString());
      }
      case "/v1/auth/token/renew-self" -> {
        renewals.incrementAndGet();
        tokens.put(token, Instant.now().plus(tokenLife));
        answer(exchange, 200, auth(token));
      }
      case "/v1/pki/sign/workload" -> sign(exchange, body);
      default -> answer(exchange, 404, "{\"errors\":[\"no handler for route\"]}");
    }
  }

  private String auth(String token) {
    ObjectNode answer = JSON.createObjectNode();
    answer
        .putObject("auth")
        .put("client_token", token)
        .put("lease_duration", tokenLife.toSeconds())
        .put("renewable", renewable);
    return answer.toString();
  }

  private void sign(HttpExchange exchange, String body) throws IOException {
    signRequests.incrementAndGet();
    lastSign = JSON.readTree(body);
    switch (mood) {
      case GARBAGE -> answer(exchange, 200, "\u0000\u0001{");
      case HTML -> answer(exchange, 200, "<html>Please log in to the hotel network</html>");
      case NO_CERTIFICATE -> answer(exchange, 200, "{\"data\":{}}");
      case ROLE_REFUSES ->
          answer(exchange, 400, "{\"errors\":[\"URI SAN not allowed by this role\"]}");
      case REDIRECTING -> {
        exchange.getResponseHeaders().add("Location", address() + "/v1/elsewhere");
        answer(exchange, 307, "");
      }
      case SILENT -> awaitClose();
      case TRICKLING -> trickle(exchange);
      case ENDLESS -> endless(exchange);
      case HONEST, SEALED, OTHER_IDENTITY, OTHER_KEY, OTHER_ROOT, TOO_LONG ->
          answer(exchange, 200, signed(lastSign));
    }
  }

  private String signed(JsonNode request) throws IOException {
    PublicKey key;
    try (PEMParser parser = new PEMParser(new StringReader(request.path("csr").asText()))) {
      PKCS10CertificationRequest csr = (PKCS10CertificationRequest) parser.readObject();
      key = new JcaPEMKeyConverter().getPublicKey(csr.getSubjectPublicKeyInfo());
    }
    SpiffeId identity = SpiffeId.parse(request.path("uri_sans").asText());
    Duration life = Duration.parse("PT" + request.path("ttl").asText().toUpperCase(Locale.ROOT));
    Issuer signer = mood == Mood.OTHER_ROOT ? newIssuer() : issuer;
    X509Certificate leaf =
        PROFILE.leaf(
            signer,
            mood == Mood.OTHER_IDENTITY
                ? SpiffeId.parse("spiffe://site.example/ns/bank/sa/vault")
                : identity,
            mood == Mood.OTHER_KEY ? SigningKey.P256.generate().getPublic() : key,
            Instant.now(),
            mood == Mood.TOO_LONG ? life.multipliedBy(3) : life);
    ObjectNode answer = JSON.createObjectNode();
    ObjectNode data = answer.putObject("data");
    data.put("certificate", pem(leaf)).put("issuing_ca", pem(signer.certificate()));
    // Roots first: the order is not promised.
    signer.chain().reversed().forEach(ca -> data.withArray("ca_chain").add(pem(ca)));
    return answer.toString();
  }

  private static String pem(X509Certificate certificate) {
    return new Pem(List.of(certificate), List.of()).text();
  }

  private static void answer(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    if (bytes.length > 0) {
      exchange.getResponseBody().write(bytes);
    }
  }

  private void trickle(HttpExchange exchange) throws IOException {
    exchange.sendResponseHeaders(200, 0);
    OutputStream out = exchange.getResponseBody();
    out.write('{');
    out.flush();
    awaitClose();
  }

  private static void endless(HttpExchange exchange) throws IOException {
    exchange.sendResponseHeaders(200, 0);
    byte[] spaces = " ".repeat(65_536).getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 1024; i++) {
      exchange.getResponseBody().write(spaces);
    }
  }

  private void awaitClose() {
    try {
      closing.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closing.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
