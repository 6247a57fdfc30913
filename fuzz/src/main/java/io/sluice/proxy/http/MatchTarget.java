package io.sluice.proxy.http;

import com.google.re2j.Pattern;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.IncrementalCompiler;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.ObjectReader.ReadObjects;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Regex;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Routing;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A match of requests, as somebody writes it in an HTTPRouteGroup or an HTTPRoute, read, compiled
 * and asked about a request: the answer is what the words say, and costs no more than the text is
 * long.
 *
 * <p>The input is a byte that says which, and texts that end with a byte UTF-8 does not have: path,
 * method, name and value of a header and of a parameter as the match has them; the same of the
 * request, and its authority.
 */
public final class MatchTarget {
  private static final int ROUTE = 1; // else a group
  private static final int HAS_METHOD = 2;
  private static final int HAS_HEADER = 4;
  private static final int HAS_PARAMETER = 8;
  private static final int REGEX_VALUES = 16; // else exact ones; a group has no others
  private static final int TYPES_FROM = 32;
  private static final List<String> TYPES = List.of("Exact", "PathPrefix", "RegularExpression");

  private static final byte END = (byte) 0xff;
  private static final int LONG_TEXT = 4_096;
  private static final long MOST_NANOS = 5_000_000_000L;

  private static final NamespacedName CALLER = new NamespacedName("shop", "db");
  private static final Flow CALL =
      new Flow(
          CALLER,
          new InetSocketAddress(InetAddress.ofLiteral("10.0.0.2"), 40_000),
          new InetSocketAddress(InetAddress.ofLiteral("10.0.0.1"), 8080));

  private static final String SURROUNDINGS =
      """
      apiVersion: v1
      kind: Namespace
      metadata: {name: shop, labels: {sluice.io/mesh: enabled}}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: web, namespace: shop, uid: 0b6cd7b5-4f4e-4b0a-9c1e-000000000001, labels: {app: web}}
      spec: {serviceAccountName: web, containers: [{name: c}]}
      status: {phase: Running, podIPs: [{ip: 10.0.0.1}], conditions: [{type: Ready, status: "True"}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: db, namespace: shop, uid: 0b6cd7b5-4f4e-4b0a-9c1e-000000000002, labels: {app: db}}
      spec: {serviceAccountName: db, containers: [{name: c}]}
      status: {phase: Running, podIPs: [{ip: 10.0.0.2}], conditions: [{type: Ready, status: "True"}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec: {clusterIP: 10.96.0.1, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
      ---
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: web, namespace: shop}
      spec:
        destination: {kind: ServiceAccount, name: web, namespace: shop}
        sources: [{kind: ServiceAccount, name: db, namespace: shop}]
        rules: [{kind: HTTPRouteGroup, name: group}]
      """;
  private static final List<KubernetesObject> AROUND = read(SURROUNDINGS).objects();

  private MatchTarget() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    Texts texts = new Texts(input);
    Written written =
        new Written(
            input[0] & 0xff,
            texts.next(),
            texts.next(),
            texts.next(),
            texts.next(),
            texts.next(),
            texts.next());
    Fields fields = new Fields();
    String path = texts.next();
    String method = texts.next();
    String name = texts.next();
    if (!name.isEmpty()) {
      fields.add(name, texts.next());
      fields.add("x", name);
    }
    String query = texts.next();
    String authority = texts.next();
    Head request =
        Head.request(method, "http", authority, path, query.isEmpty() ? "" : "?" + query, fields);
    ReadObjects read = read(written.document());
    if (written.isRoute() && !read.problems().isEmpty()) {
      return; // there is no route
    }
    MeshSnapshot snapshot =
        new IncrementalCompiler(CompilerSettings.USUAL, 0)
            .apply(Map.of("around", AROUND, "match", read.objects()))
            .snapshot();
    boolean readable = read.problems().isEmpty();
    long begin = nanos();
    boolean matches = written.isRoute() ? leads(snapshot, request) : grants(snapshot, request);
    require(matches == (readable && written.matches(request)), () -> written + " and " + request);
    if (readable) {
      String unit = path.isEmpty() ? "/" : path;
      request.path(unit.repeat(LONG_TEXT / unit.length() + 1));
      boolean _ = written.isRoute() ? leads(snapshot, request) : grants(snapshot, request);
    }
    require(nanos() - begin < MOST_NANOS, () -> "takes too long: " + written);
  }

  private static void require(boolean holds, Supplier<String> otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise.get());
    }
  }

  /** Of this thread alone: the machine may be busy. */
  private static long nanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private static ReadObjects read(String document) {
    return ObjectReader.read("match.yaml", document.getBytes(StandardCharsets.UTF_8));
  }

  private static boolean grants(MeshSnapshot snapshot, Head request) {
    return Decisions.decide(snapshot, CALL, request).isAllowed();
  }

  private static boolean leads(MeshSnapshot snapshot, Head request) {
    var called = snapshot.service(new NamespacedName("shop", "web")).orElseThrow();
    return !(Routing.way(
            snapshot, called, 80, CALLER.namespace(), request, ThreadLocalRandom.current())
        instanceof Routing.Way.Answer);
  }

  /** One after the other. */
  private static final class Texts {
    private final byte[] input;
    private int at = 1;

    Texts(byte[] input) {
      this.input = input;
    }

    String next() {
      int end = Math.min(at, input.length);
      while (end < input.length && input[end] != END) {
        end++;
      }
      byte[] text = Arrays.copyOfRange(input, Math.min(at, end), end);
      at = end + 1;
      return new String(text, StandardCharsets.ISO_8859_1);
    }
  }

  /** A match as it stands in a document, and what its words mean. */
  private record Written(
      int flags,
      String path,
      String method,
      String header,
      String value,
      String parameter,
      String wanted) {
    private boolean has(int flag) {
      return (flags & flag) != 0;
    }

    boolean isRoute() {
      return has(ROUTE);
    }

    private String type() {
      return TYPES.get(flags / TYPES_FROM % TYPES.size());
    }

    private String valueType() {
      return has(REGEX_VALUES) ? "RegularExpression" : "Exact";
    }

    String document() {
      return isRoute() ? route() : group();
    }

    private String group() {
      return """
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: HTTPRouteGroup
      metadata: {name: group, namespace: shop}
      spec: {matches: [{name: m, pathRegex: %s\
      """
              .formatted(quoted(path))
          + (has(HAS_METHOD) ? ", methods: [" + quoted(method) + "]" : "")
          + (has(HAS_HEADER) ? ", headers: [{" + quoted(header) + ": " + quoted(value) + "}]" : "")
          + "}]}\n";
    }

    private String route() {
      return """
      apiVersion: gateway.networking.k8s.io/v1
      kind: HTTPRoute
      metadata: {name: route, namespace: shop}
      spec:
        parentRefs: [{group: "", kind: Service, name: web}]
        rules:
        - backendRefs: [{name: web, port: 80}]
          matches:
          - path: {type: %s, value: %s}
      """
              .formatted(type(), quoted(path))
          + (has(HAS_METHOD) ? "      method: " + quoted(method) + "\n" : "")
          + (has(HAS_HEADER) ? values("headers", header, value) : "")
          + (has(HAS_PARAMETER) ? values("queryParams", parameter, wanted) : "");
    }

    private String values(String kind, String name, String text) {
      return "      %s: [{type: %s, name: %s, value: %s}]\n"
          .formatted(kind, valueType(), quoted(name), quoted(text));
    }

    private static String quoted(String text) {
      StringBuilder quoted = new StringBuilder("\"");
      for (char c : text.toCharArray()) {
        if (c < ' ' || c >= 0x7f || c == '"' || c == '\\') {
          quoted.append("\\u%04x".formatted((int) c));
        } else {
          quoted.append(c);
        }
      }
      return quoted.append('"').toString();
    }

    boolean matches(Head request) {
      String type = isRoute() ? type() : "RegularExpression";
      boolean anyMethod = !has(HAS_METHOD) || method.equals("*");
      boolean sameHeader = !has(HAS_HEADER) || isSame(field(request, header), value);
      boolean sameParameter =
          !isRoute() || !has(HAS_PARAMETER) || isSame(parameter(request), wanted);
      return isMeant(type, path, request.path())
          && (anyMethod || method.equals(request.method()))
          && sameHeader
          && sameParameter;
    }

    private boolean isSame(@Nullable String found, String meant) {
      String type = isRoute() ? valueType() : "RegularExpression";
      return found != null && isMeant(type, meant, found);
    }

    private static boolean isMeant(String type, String meant, String found) {
      return switch (type) {
        case "Exact" -> found.equals(meant);
        case "PathPrefix" -> {
          String whole = meant.endsWith("/") ? meant.substring(0, meant.length() - 1) : meant;
          yield meant.equals("/") || found.equals(whole) || found.startsWith(whole + "/");
        }
        default -> isUsable(meant) && Pattern.compile(meant, Pattern.DOTALL).matches(found);
      };
    }

    private static boolean isUsable(String expression) {
      try {
        return Regex.of(expression).text().equals(expression);
      } catch (IllegalArgumentException e) {
        return false;
      }
    }

    private static @Nullable String field(Head request, String name) {
      String lower = name.toLowerCase(Locale.ROOT);
      if (lower.equals("host") || lower.equals(":authority")) {
        return request.authority();
      }
      String joined = null;
      for (int i = 0; i < request.fields.size(); i++) {
        if (request.fields.name(i).toLowerCase(Locale.ROOT).equals(lower)) {
          joined = (joined == null ? "" : joined + ", ") + request.fields.value(i);
        }
      }
      return joined;
    }

    private @Nullable String parameter(Head request) {
      for (String one : request.query().replaceFirst("^\\?", "").split("&", -1)) {
        int equals = one.indexOf('=');
        String name = equals < 0 ? one : one.substring(0, equals);
        if (!one.isEmpty() && decoded(name).equals(parameter)) {
          return decoded(equals < 0 ? "" : one.substring(equals + 1));
        }
      }
      return null;
    }

    /** A percent sign that begins no escape is one. */
    private static String decoded(String text) {
      String escaped = text.replaceAll("%(?![0-9A-Fa-f]{2})", "%25");
      return URLDecoder.decode(escaped, StandardCharsets.UTF_8);
    }
  }
}
