package io.sluice.control.kubernetes;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.fabric8.kubernetes.client.http.WebSocketHandshakeException;
import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import io.sluice.mesh.FileFault;
import io.sluice.mesh.Printable;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One request to the API server, one JSON answer or one reason. The library finds out where the
 * server is, whom to trust and which credential to send; it does not try again, since callers know
 * how long that is worth while.
 *
 * <p>Any thread; blocks for at most the time-out, from connecting to the last byte.
 */
public final class KubernetesApi implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String JSON_TYPE = "application/json";
  private static final String METADATA =
      "application/json;as=PartialObjectMetadata%s;g=meta.k8s.io;v=v1,application/json";
  private static final String USUAL_NAMESPACE = "sluice-system";
  private static final int LONGEST_ANSWER_BYTES = 8 << 20;
  private static final int LONGEST_CREDENTIAL_BYTES = 16_384;
  private static final int LONGEST_QUOTE = 200;
  private static final int LONGEST_ERROR_BYTES = 16_384;

  private final HttpClient client;
  private final @Nullable String ownNamespace;
  private final URI server;
  private final Duration timeout;

  /**
   * Connects to nothing yet.
   *
   * @throws KubernetesApiException where files of {@code access} cannot be used
   */
  public KubernetesApi(KubernetesAccess access, Duration timeout) {
    int millis = Math.toIntExact(timeout.toMillis());
    try {
      Config config =
          new ConfigBuilder(config(access))
              .withConnectionTimeout(millis)
              .withRequestTimeout(millis)
              .withRequestRetryBackoffLimit(0)
              .withHttp2Disable(true)
              .build();
      this.client = ClientCertificate.sending(config);
      this.ownNamespace = config.getNamespace();
      this.server = URI.create(config.getMasterUrl());
    } catch (KubernetesClientException | IllegalArgumentException e) {
      throw unusable(access, e);
    }
    this.timeout = timeout;
  }

  private static Config config(KubernetesAccess access) {
    return switch (access) {
      case KubernetesAccess.InCluster(URI server, Path account) -> {
        Path roots = requireReadable(account.resolve("ca.crt"));
        Path token = requireReadable(account.resolve("token"));
        yield new ConfigBuilder(Config.empty())
            .withMasterUrl(server.toString())
            .withCaCertFile(roots.toString())
            .withNamespace(namespace(account.resolve("namespace")))
            .withOauthTokenProvider(() -> token(token))
            .build();
      }
      case KubernetesAccess.Kubeconfig(Path file) ->
          Kubeconfig.read(List.of(requireReadable(file))).config(null);
      case KubernetesAccess.Known(Config config) -> config;
    };
  }

  /** Empty where there is no such file: only some tasks need to know it. */
  private static String namespace(Path file) {
    try {
      return Files.size(file) > LONGEST_CREDENTIAL_BYTES ? "" : Files.readString(file).strip();
    } catch (IOException e) {
      return "";
    }
  }

  private static Path requireReadable(Path file) {
    if (!Files.isReadable(file)) {
      throw new IllegalArgumentException(file + " cannot be read");
    }
    return file;
  }

  private static String token(Path file) {
    try {
      if (Files.size(file) > LONGEST_CREDENTIAL_BYTES) {
        throw new IOException("longer than " + LONGEST_CREDENTIAL_BYTES + " bytes");
      }
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new KubernetesApiException(
          Failure.UNAUTHENTICATED,
          "token " + file,
          "it cannot be read (" + FileFault.reason(e) + ")",
          e);
    }
  }

  private static KubernetesApiException unusable(KubernetesAccess access, RuntimeException e) {
    return new KubernetesApiException(
        Failure.UNAUTHENTICATED, "access " + access, String.valueOf(e.getMessage()), e);
  }

  /**
   * Gets an object or a list.
   *
   * @param path from the root of the server, with its query
   */
  public JsonNode get(String path) {
    return send("GET", path, JSON_TYPE, "");
  }

  /** Gets an object; empty where there is none. */
  public Optional<JsonNode> find(String path) {
    return find(path, JSON_TYPE);
  }

  /** As the other; what is not its metadata may be missing. */
  public Optional<JsonNode> findMetadata(String path) {
    return find(path, METADATA.formatted(""));
  }

  /** Gets a list, of whose objects what is not their metadata may be missing. */
  public JsonNode listMetadata(String path) {
    return send("GET", path, METADATA.formatted("List"), "");
  }

  private Optional<JsonNode> find(String path, String accept) {
    try {
      return Optional.of(send("GET", path, accept, ""));
    } catch (KubernetesApiException e) {
      if (e.failure() == Failure.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Creates an object; the answer is what was stored. */
  public JsonNode post(String path, JsonNode object) {
    return send("POST", path, JSON_TYPE, object.toString());
  }

  /**
   * Replaces an object; the answer is what was stored. With {@code metadata.resourceVersion}, only
   * the one of that version.
   */
  public JsonNode put(String path, JsonNode object) {
    return send("PUT", path, JSON_TYPE, object.toString());
  }

  /**
   * Changes the members of an object that {@code patch} has, and no others (RFC 7396); the answer
   * is what was stored. With {@code metadata.resourceVersion}, only of that version.
   */
  public JsonNode mergePatch(String path, JsonNode patch) {
    return send("PATCH", path, "application/merge-patch+json", patch.toString());
  }

  /** Removes an object; that it is not there any more is no failure. */
  public void delete(String path) {
    remove(path, "");
  }

  /** Likewise, but only this very one, and as it was read: else a conflict. */
  public void delete(String path, JsonNode stored) {
    ObjectNode options = JsonNodeFactory.instance.objectNode();
    options.put("apiVersion", "v1").put("kind", "DeleteOptions");
    ObjectNode only = options.putObject("preconditions");
    only.set("uid", stored.at("/metadata/uid"));
    only.set("resourceVersion", stored.at("/metadata/resourceVersion"));
    remove(path, options.toString());
  }

  private void remove(String path, String options) {
    try {
      send("DELETE", path, JSON_TYPE, options);
    } catch (KubernetesApiException e) {
      if (e.failure() != Failure.NOT_FOUND) {
        throw e;
      }
    }
  }

  /** Our own namespace, as the service account or the kubeconfig's context says; else the usual. */
  public String namespace() {
    return Optional.ofNullable(ownNamespace)
        .filter(name -> !name.isBlank())
        .orElse(USUAL_NAMESPACE);
  }

  /** Below the server's own path, which one behind a proxy has. */
  private URI at(String path) {
    return server.resolve(path.substring(1));
  }

  /** The server, for messages. */
  public URI server() {
    return server;
  }

  /**
   * Begins to get a list or a watch, whose length nobody knows; closing the stream ends the
   * request.
   *
   * @param path from the root of the server, with its query
   * @param silence longest wait for the next byte of the answer
   */
  AnswerStream open(String path, Duration silence) {
    return open(path, JSON_TYPE, silence);
  }

  /** As the other. @param accept what the answer may be; JSON, whole or in part */
  AnswerStream open(String path, String accept, Duration silence) {
    // Without the query, which differs from try to try: a lasting problem is to be told once.
    String subject = "GET " + at(path).getPath();
    AnswerStream stream = new AnswerStream(silence);
    HttpRequest request =
        client
            .newHttpRequestBuilder()
            .uri(at(path))
            .setHeader("Accept", accept)
            .forStreaming()
            .build();
    CompletableFuture<HttpResponse<AsyncBody>> sent =
        client.consumeBytes(request, (buffers, _) -> stream.arrived(buffers));
    sent.thenAccept(response -> stream.began(response.body()));
    HttpResponse<AsyncBody> response = awaited(sent, subject, "answer", stream::close);
    if (response.code() / 100 == 2) {
      return stream;
    }
    try (stream) {
      throw refused(subject, response, beginning(stream));
    }
  }

  /**
   * How a command ended that ran in a container.
   *
   * @param code that it ended with
   * @param out all that it wrote to standard output
   * @param err likewise to standard error
   */
  public record Ended(int code, String out, String err) {}

  /**
   * Runs a command in a container, to its end.
   *
   * @param pod its path, from the root of the server
   * @param patience longest wait for that end
   * @param longestBytes of all that it writes
   */
  public Ended exec(
      String pod, String container, List<String> command, Duration patience, int longestBytes) {
    StringBuilder path =
        new StringBuilder(pod + "/exec?container=" + container + "&stdout=true&stderr=true");
    for (String word : command) {
      path.append("&command=").append(URLEncoder.encode(word, StandardCharsets.UTF_8));
    }
    String subject = "exec in " + pod.substring(pod.lastIndexOf('/') + 1);
    ExecAnswer answer = new ExecAnswer(longestBytes);
    try {
      return client
          .newWebSocketBuilder()
          .subprotocol(ExecAnswer.PROTOCOL)
          .uri(at(path.toString()))
          .connectTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS)
          .buildAsync(answer)
          .thenCompose(_ -> answer.ended())
          .get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw failed(Failure.REJECTED, subject, subject + " did not end within " + patience, e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof WebSocketHandshakeException refused) {
        int code = refused.getResponse().code();
        throw new KubernetesApiException(
            failure(code), subject, "answered " + code + " to " + subject, code, Duration.ZERO);
      }
      String why = String.valueOf((cause == null ? e : cause).getMessage());
      throw failed(Failure.REJECTED, subject, subject + ": " + why, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failed(Failure.UNREACHABLE, subject, "the wait was interrupted", e);
    }
  }

  private static String beginning(AnswerStream stream) {
    try {
      return quote(new String(stream.readNBytes(LONGEST_ERROR_BYTES), StandardCharsets.UTF_8));
    } catch (IOException e) {
      return "(" + e.getMessage() + ")"; // the status says enough
    }
  }

  private JsonNode send(String method, String path, String type, String body) {
    String subject = method + " " + at(path);
    StringBuffer text = new StringBuffer();
    CompletableFuture<HttpResponse<AsyncBody>> answer = answer(method, path, type, body, text);
    HttpResponse<AsyncBody> response =
        awaited(answer, subject, "whole answer", () -> answer.cancel(true));
    if (response.code() / 100 != 2) {
      throw refused(subject, response, quote(text.toString()));
    }
    return parsed(subject, text.toString());
  }

  private HttpResponse<AsyncBody> awaited(
      CompletableFuture<HttpResponse<AsyncBody>> answer,
      String subject,
      String what,
      Runnable giveUp) {
    try {
      return answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      giveUp.run();
      throw failed(Failure.UNREACHABLE, subject, "no " + what + " within " + timeout, e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof KubernetesApiException own) {
        throw own;
      }
      throw failed(Failure.UNREACHABLE, subject, String.valueOf(e.getCause()), e);
    } catch (InterruptedException e) {
      giveUp.run();
      Thread.currentThread().interrupt();
      throw failed(Failure.UNREACHABLE, subject, "the wait was interrupted", e);
    }
  }

  private static KubernetesApiException refused(
      String subject, HttpResponse<AsyncBody> response, String said) {
    return new KubernetesApiException(
        failure(response.code()),
        subject,
        "answered " + response.code() + " " + said,
        response.code(),
        KubernetesApiException.RetryAfter.of(response.header("Retry-After")));
  }

  /** The answer, once all of its body is in {@code text}; characters are bytes until then. */
  private CompletableFuture<HttpResponse<AsyncBody>> answer(
      String method, String path, String type, String body, StringBuffer text) {
    HttpRequest request =
        client
            .newHttpRequestBuilder()
            .uri(at(path))
            .setHeader("Accept", body.isEmpty() ? type : JSON_TYPE)
            .method(method, type, body.isEmpty() ? null : body)
            .build();
    CompletableFuture<HttpResponse<AsyncBody>> sent =
        client.consumeBytes(
            request,
            (buffers, rest) -> {
              append(buffers, text);
              rest.consume();
            });
    CompletableFuture<HttpResponse<AsyncBody>> whole =
        sent.thenCompose(response -> {
          response.body().consume();
          return response.body().done().thenApply(_ -> response);
        });
    whole.whenComplete((_, failed) -> {
      if (failed != null) {
        sent.thenAccept(response -> response.body().cancel());
        sent.cancel(true);
      }
    });
    return whole;
  }

  private static void append(List<ByteBuffer> buffers, StringBuffer text) throws IOException {
    for (ByteBuffer buffer : buffers) {
      if (text.length() + buffer.remaining() > LONGEST_ANSWER_BYTES) {
        throw new IOException("the answer is longer than " + LONGEST_ANSWER_BYTES + " bytes");
      }
      text.append(StandardCharsets.ISO_8859_1.decode(buffer));
    }
  }

  private static JsonNode parsed(String subject, String text) {
    try {
      JsonNode node = JSON.readTree(text.getBytes(StandardCharsets.ISO_8859_1));
      if (node != null && node.isObject()) {
        return node;
      }
    } catch (IOException e) {
      // said below
    }
    throw failed(
        Failure.UNREACHABLE, subject, "the answer is no Kubernetes object: " + quote(text), null);
  }

  static Failure failure(int status) {
    return switch (status) {
      case 401 -> Failure.UNAUTHENTICATED;
      case 403 -> Failure.FORBIDDEN;
      case 404 -> Failure.NOT_FOUND;
      case 409, 410 -> Failure.CONFLICT;
      case 429 -> Failure.BUSY;
      default -> status >= 500 ? Failure.BUSY : Failure.REJECTED;
    };
  }

  private static KubernetesApiException failed(
      Failure failure, String subject, String problem, @Nullable Exception cause) {
    return new KubernetesApiException(failure, subject, problem, cause);
  }

  /** The message of a Status object, or the beginning of any other text, fit for a line of log. */
  static String quote(String text) {
    String said = text;
    try {
      said = JSON.readTree(text).path("message").asText(text);
    } catch (JsonProcessingException e) {
      // not a Status; its text is shown
    }
    return Printable.text(said.strip(), LONGEST_QUOTE);
  }

  @Override
  public void close() {
    client.close();
  }
}
