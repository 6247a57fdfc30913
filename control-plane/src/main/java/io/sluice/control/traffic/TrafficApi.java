package io.sluice.control.traffic;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpsExchange;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import io.sluice.control.objects.Rfc1123;
import io.sluice.control.traffic.FrontProxy.Caller;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.cert.Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/**
 * Answers what the API server passes on. Whoever comes without its certificate is refused, and so
 * is whom the cluster's rules do not let ask. Any thread; blocks while nodes and API server are
 * asked.
 */
public final class TrafficApi implements AutoCloseable {
  static final String GROUP = "metrics.smi-spec.io";
  static final String VERSION = "v1alpha1";
  static final String API_VERSION = GROUP + "/" + VERSION;

  /** Asked for at once; each may ask every node. */
  static final int MOST_AT_ONCE = 4;

  /** Characters of a path, of which the longest that is served has about 600, and of a query. */
  private static final int LONGEST_PATH = 1_024;

  private static final int LONGEST_QUERY = 8_192;

  /** Of each request to the API server; the port interrupts what takes 10 s in all. */
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private static final String HEALTH = "/healthz";
  private static final String OPEN_API = "/openapi/";
  private static final String AT_GROUP = "/apis/" + GROUP;
  private static final String AT_VERSION = AT_GROUP + "/" + VERSION;
  private static final String EDGES = "edges";

  private final KubernetesApi api;
  private final FrontProxy proxy;
  private final AccessReviews reviews;
  private final TrafficObjects objects;
  private final Semaphore places = new Semaphore(MOST_AT_ONCE);

  /**
   * Asks nobody yet.
   *
   * @param access to the cluster whose API server asks
   * @param mesh what is in the mesh, and what its nodes count
   */
  public TrafficApi(KubernetesAccess access, MeasuredMesh mesh, InstantSource clock) {
    this.api = new KubernetesApi(access, PATIENCE);
    this.proxy = new FrontProxy(api, clock);
    this.reviews = new AccessReviews(api, clock);
    this.objects = new TrafficObjects(api, mesh, clock);
  }

  /** What is answered. */
  public record Answered(int status, String type, String body) {
    private static Answered json(int status, ObjectNode body) {
      return new Answered(status, "application/json", body.toString());
    }

    /** As clients of Kubernetes read why something failed. */
    private static Answered failure(int code, String reason, String message) {
      return json(
          code,
          JsonNodeFactory.instance
              .objectNode()
              .put("kind", "Status")
              .put("apiVersion", "v1")
              .put("status", "Failure")
              .put("reason", reason)
              .put("message", message)
              .put("code", code));
    }
  }

  /**
   * What is asked for.
   *
   * @param namespace empty of what has none, and for those of all
   * @param name empty for a list
   */
  record Asked(MeasuredKind kind, String namespace, String name, boolean edges) {
    static Optional<Asked> of(String path) {
      List<String> words = List.of(path.substring(1).split("/", -1));
      boolean isBelow =
          words.size() > 2 && words.getFirst().equals("namespaces") && !words.get(2).equals(EDGES);
      List<String> rest = isBelow ? words.subList(2, words.size()) : words;
      String namespace = isBelow ? words.get(1) : "";
      String name = rest.size() > 1 ? rest.get(1) : "";
      boolean edges = rest.size() > 2;
      return rest.size() > 3
              || edges && !rest.get(2).equals(EDGES)
              || rest.size() > 1 && !Rfc1123.isSubdomain(name)
              || isBelow && !Rfc1123.isSubdomain(namespace)
          ? Optional.empty()
          : MeasuredKind.ofResource(rest.getFirst())
              .filter(kind -> isBelow ? kind.isNamespaced() : !kind.isNamespaced() || !edges)
              .filter(kind -> isBelow || !kind.isNamespaced() || name.isEmpty())
              .map(kind -> new Asked(kind, namespace, name, edges));
    }

    /**
     * As access rules name it, and the API server itself when it reads the path: what stands below
     * a namespace's name is a list of objects there.
     */
    ObjectNode attributes() {
      if (edges && kind == MeasuredKind.NAMESPACE) {
        return attributes(EDGES, "list", name, "");
      }
      ObjectNode attributes =
          attributes(
              kind.resource(),
              name.isEmpty() ? "list" : "get",
              kind == MeasuredKind.NAMESPACE ? name : namespace,
              name);
      return edges ? attributes.put("subresource", EDGES) : attributes;
    }

    private static ObjectNode attributes(
        String resource, String verb, String namespace, String name) {
      return JsonNodeFactory.instance
          .objectNode()
          .put("group", GROUP)
          .put("version", VERSION)
          .put("resource", resource)
          .put("verb", verb)
          .put("namespace", namespace)
          .put("name", name);
    }
  }

  /** Whether it is one of these that is asked for. */
  public static boolean isFor(String path) {
    return path.equals(HEALTH)
        || path.startsWith(OPEN_API)
        || path.equals(AT_GROUP)
        || path.startsWith(AT_GROUP + "/");
  }

  /** The answer to a request without a body. */
  public Answered answer(HttpsExchange exchange) {
    String path = exchange.getRequestURI().getPath();
    if (path.equals(HEALTH)) {
      return new Answered(200, "text/plain", "ok");
    }
    Optional<Caller> caller = proxy.caller(shown(exchange), exchange.getRequestHeaders());
    if (caller.isEmpty()) {
      return Answered.failure(401, "Unauthorized", "only the cluster's API server may ask here");
    }
    if (!exchange.getRequestMethod().equals("GET")) {
      return Answered.failure(405, "MethodNotAllowed", "metrics are only read");
    }
    String query = exchange.getRequestURI().getRawQuery();
    if (path.length() > LONGEST_PATH || path.contains("//")) { // before anybody is asked about it
      return Answered.failure(404, "NotFound", "there is no such path");
    }
    if (query != null && query.length() > LONGEST_QUERY) {
      return Answered.failure(414, "URITooLong", "there are too many labels or other parameters");
    }
    if (!places.tryAcquire()) {
      return Answered.failure(429, "TooManyRequests", "others ask; try again");
    }
    try {
      return answer(caller.get(), path, query(query));
    } catch (KubernetesApiException e) {
      return Answered.failure(503, "ServiceUnavailable", String.valueOf(e.getMessage()));
    } finally {
      places.release();
    }
  }

  private static Certificate[] shown(HttpsExchange exchange) {
    try {
      return exchange.getSSLSession().getPeerCertificates();
    } catch (SSLPeerUnverifiedException e) {
      return new Certificate[0];
    }
  }

  private static Map<String, String> query(@Nullable String raw) {
    Map<String, String> query = new TreeMap<>();
    for (String pair : raw == null ? new String[0] : raw.split("&", -1)) {
      int equals = pair.indexOf('=');
      query.put(
          decoded(equals < 0 ? pair : pair.substring(0, equals)),
          equals < 0 ? "" : decoded(pair.substring(equals + 1)));
    }
    return query;
  }

  private static String decoded(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return text; // which then says nothing here
    }
  }

  private Answered answer(Caller caller, String path, Map<String, String> query) {
    Optional<Asked> asked =
        path.startsWith(AT_VERSION + "/")
            ? Asked.of(path.substring(AT_VERSION.length()))
            : Optional.empty();
    boolean mayAsk =
        reviews.allow(
            caller,
            spec -> {
              if (asked.isPresent()) {
                spec.set("resourceAttributes", asked.get().attributes());
              } else {
                spec.putObject("nonResourceAttributes").put("path", path).put("verb", "get");
              }
            });
    if (!mayAsk) {
      return Answered.failure(403, "Forbidden", caller.user() + " may not get " + path);
    }
    if (asked.isEmpty()) {
      return told(path);
    }
    if (query.containsKey("watch") || query.containsKey("fieldSelector")) {
      return Answered.failure(400, "BadRequest", "neither watch nor fieldSelector is known here");
    }
    try {
      return Answered.json(200, objects.of(asked.get(), query.getOrDefault("labelSelector", "")));
    } catch (UnknownTrafficException e) {
      return Answered.failure(e.code(), e.reason(), String.valueOf(e.getMessage()));
    }
  }

  /** What there is, as clients find out. */
  private static Answered told(String path) {
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    switch (path) {
      case AT_GROUP -> {
        ObjectNode version = answer.objectNode();
        version.put("groupVersion", API_VERSION).put("version", VERSION);
        answer.put("kind", "APIGroup").put("apiVersion", "v1").put("name", GROUP);
        answer.putArray("versions").add(version);
        answer.set("preferredVersion", version);
      }
      case AT_VERSION, AT_VERSION + "/" -> {
        answer.put("kind", "APIResourceList").put("apiVersion", "v1");
        answer.put("groupVersion", API_VERSION).putArray("resources");
        for (MeasuredKind kind : MeasuredKind.values()) {
          describe(answer, kind.resource(), kind, "get", "list");
          if (kind != MeasuredKind.TRAFFIC_SPLIT) {
            describe(answer, kind.resource() + "/" + EDGES, kind, "get");
          }
        }
      }
      case OPEN_API + "v2" -> {
        answer.put("swagger", "2.0").putObject("paths");
        answer.putObject("info").put("title", GROUP).put("version", VERSION);
      }
      case OPEN_API + "v3" -> answer.putObject("paths");
      default -> {
        return Answered.failure(404, "NotFound", "there is no " + path);
      }
    }
    return Answered.json(200, answer);
  }

  private static void describe(
      ObjectNode list, String resource, MeasuredKind kind, String... verbs) {
    ObjectNode described = list.withArrayProperty("resources").addObject();
    described.put("name", resource).put("singularName", "").put("kind", "TrafficMetrics");
    described.put("namespaced", kind.isNamespaced());
    List.of(verbs).forEach(described.putArray("verbs")::add);
  }

  @Override
  public void close() {
    api.close();
  }
}
