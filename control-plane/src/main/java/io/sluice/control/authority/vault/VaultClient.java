package io.sluice.control.authority.vault;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.mesh.Printable;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Vault's HTTP API: one request, one answer or one reason. Follows no redirect, since the token
 * would go along. Any thread; blocks for at most the request time-out.
 */
final class VaultClient implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long LONGEST_ANSWER_BYTES = 1L << 20;
  private static final int LONGEST_QUOTE = 200;

  private final URI address;
  private final Duration timeout;
  private final HttpClient http;

  VaultClient(URI address, List<X509Certificate> serverRoots, Duration timeout) {
    this.address = address;
    this.timeout = timeout;
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(timeout);
    if (!serverRoots.isEmpty()) {
      builder.sslContext(trusting(serverRoots));
    }
    this.http = builder.build();
  }

  private static SSLContext trusting(List<X509Certificate> roots) {
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      for (int i = 0; i < roots.size(); i++) {
        store.setCertificateEntry("root-" + i, roots.get(i));
      }
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("certificates that were parsed can be trusted", e);
    }
  }

  JsonNode post(String path, String token, JsonNode body) {
    return json(request(path, token).POST(BodyPublishers.ofString(body.toString())).build());
  }

  JsonNode get(String path, String token) {
    return json(request(path, token).GET().build());
  }

  /** An answer that is not JSON, as Vault's bare endpoints give. */
  String text(String path) {
    return send(request(path, "").GET().build());
  }

  private HttpRequest.Builder request(String path, String token) {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(address.resolve("/v1/" + path))
            .header("X-Vault-Request", "true")
            .header("Content-Type", "application/json");
    return token.isEmpty() ? builder : builder.header("X-Vault-Token", token);
  }

  private JsonNode json(HttpRequest request) {
    String body = send(request);
    try {
      JsonNode node = JSON.readTree(body);
      if (node.isObject()) {
        return node;
      }
    } catch (JsonProcessingException e) {
      // said below
    }
    throw failure(
        Reason.BACKEND_UNREACHABLE,
        request,
        "the answer is not Vault's: " + Printable.text(body.strip(), LONGEST_QUOTE),
        "look whether the address is Vault's");
  }

  private String send(HttpRequest request) {
    // The client's own time-out ends with the headers; a body may trickle for ever.
    CompletableFuture<HttpResponse<String>> sent =
        http.sendAsync(
            request, BodyHandlers.limiting(BodyHandlers.ofString(), LONGEST_ANSWER_BYTES));
    try {
      HttpResponse<String> answer = sent.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
      if (answer.statusCode() / 100 == 2) {
        return answer.body();
      }
      throw refusal(request, answer);
    } catch (TimeoutException e) {
      sent.cancel(true);
      throw unreachable(request, "no whole answer within " + timeout, e);
    } catch (ExecutionException e) {
      throw unreachable(request, String.valueOf(e.getCause()), e);
    } catch (InterruptedException e) {
      sent.cancel(true);
      Thread.currentThread().interrupt();
      throw unreachable(request, "the wait was interrupted", e);
    }
  }

  private static AuthorityException refusal(HttpRequest request, HttpResponse<String> answer) {
    String problem =
        "answered "
            + answer.statusCode()
            + " "
            + Printable.text(answer.body().strip(), LONGEST_QUOTE);
    return switch (answer.statusCode()) {
      case 503 ->
          failure(
              Reason.BACKEND_UNAVAILABLE, request, problem, "unseal Vault, or wait until it is up");
      case 429, 472, 473, 500, 502, 504 ->
          failure(
              Reason.BACKEND_UNAVAILABLE,
              request,
              problem,
              "look into Vault's log; it is busy, in standby or failing");
      case 403 ->
          failure(
              Reason.BACKEND_CREDENTIAL_REFUSED,
              request,
              problem,
              "check the token's policy, or the binding of the service account");
      case 301, 302, 307, 308 ->
          failure(Reason.BACKEND_REFUSED, request, problem, "set the address of the active node");
      default ->
          failure(
              Reason.BACKEND_REFUSED,
              request,
              problem,
              "check mount, role and what the role allows");
    };
  }

  private static AuthorityException unreachable(HttpRequest request, String problem, Exception e) {
    return new AuthorityException(
        Reason.BACKEND_UNREACHABLE,
        subject(request),
        problem,
        "check address, network and the certificate of Vault",
        e);
  }

  private static AuthorityException failure(
      Reason reason, HttpRequest request, String problem, String mend) {
    return new AuthorityException(reason, subject(request), problem, mend);
  }

  private static String subject(HttpRequest request) {
    return "Vault " + request.method() + " " + request.uri();
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
