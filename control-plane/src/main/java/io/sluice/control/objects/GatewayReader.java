package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.manifest.WrittenDuration;
import io.sluice.control.objects.GatewayRoute.Backend;
import io.sluice.control.objects.GatewayRoute.Changes;
import io.sluice.control.objects.GatewayRoute.FaultsOf;
import io.sluice.control.objects.GatewayRoute.Match;
import io.sluice.control.objects.GatewayRoute.Mirror;
import io.sluice.control.objects.GatewayRoute.Parent;
import io.sluice.control.objects.GatewayRoute.Rule;
import io.sluice.control.objects.GatewayRoute.Unusable;
import io.sluice.control.objects.KubernetesObject.ReferenceGrant;
import io.sluice.mesh.Hashes;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.HttpFilters.PathChange;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Regex;
import io.sluice.mesh.SessionPersistence;
import io.sluice.mesh.SessionPersistence.Carrier;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrafficRoute.TimeLimits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Reads routes of the Gateway API, and what they need. Their definitions are the cluster's; what
 * those refuse is a problem here too, for folders have none.
 */
record GatewayReader(ObjectMeta meta, boolean grpc) {
  static final String GROUP = "gateway.networking.k8s.io";

  private static final String SERVICE = "Service";
  private static final String TIMEOUTS = "timeouts";
  private static final String SESSION = "sessionPersistence";
  private static final String EXACT = "Exact";
  private static final String PREFIX = "PathPrefix";
  private static final String REGEX = "RegularExpression";

  // As the definitions have them.
  private static final int MOST_RULES = 16;
  private static final int MOST_MATCHES = 64;
  private static final int MOST_FIELDS = 16;
  private static final int MOST_BACKENDS = 16;
  private static final int LONGEST_NAME = 256;
  private static final int LONGEST_VALUE = 4_096;

  private static final Set<String> NOT_ENFORCED = Set.of("retry");

  static GatewayRoute readHttp(Fields document, ObjectMeta meta) {
    return new GatewayReader(meta, false).route(document.objectOrEmpty("spec"));
  }

  static GatewayRoute readGrpc(Fields document, ObjectMeta meta) {
    return new GatewayReader(meta, true).route(document.objectOrEmpty("spec"));
  }

  static ReferenceGrant readGrant(Fields document, ObjectMeta meta) {
    Fields spec = document.objectOrEmpty("spec");
    return new ReferenceGrant(
        meta,
        spec.objects("from").stream()
            .map(from ->
                new ReferenceGrant.From(
                    from.text("group").orElse(""),
                    from.requiredText("kind"),
                    from.requiredText("namespace")))
            .toList(),
        spec.objects("to").stream()
            .filter(to ->
                to.text("group").orElse("").isEmpty() && to.requiredText("kind").equals(SERVICE))
            .map(to -> to.text("name").orElse(""))
            .toList());
  }

  private GatewayRoute route(Fields spec) {
    List<Parent> parents = new ArrayList<>();
    List<Fields> written = spec.objects("parentRefs");
    for (int i = 0; i < written.size(); i++) {
      Fields reference = written.get(i);
      if (isService(reference, GROUP, "Gateway")) {
        parents.add(parent(i, reference));
      } else if (reference.text("kind").orElse("").equals(SERVICE) && !reference.has("group")) {
        reference.problem(
            "kind",
            "is Service, and the group that is not written is " + GROUP + ", which has none",
            "write group: \"\" beside it");
      }
    }
    if (parents.isEmpty()) {
      return new GatewayRoute(meta, List.of(), false, List.of(), List.of());
    }
    List<String> notEnforced = new ArrayList<>();
    List<Rule> rules = new ArrayList<>();
    for (Fields rule : spec.objects("rules", MOST_RULES)) {
      rules.add(rule(rule, rules.size()));
      if (rule.objectOrEmpty(SESSION).has("idleTimeout")) {
        notEnforced.add(rule.fieldPath(SESSION) + ".idleTimeout"); // nothing is kept of sessions
      }
      NOT_ENFORCED.stream()
          .sorted()
          .filter(rule::has)
          .forEach(name -> notEnforced.add(rule.fieldPath(name)));
      if (grpc && rule.has(TIMEOUTS)) {
        notEnforced.add(rule.fieldPath(TIMEOUTS)); // which no GRPCRoute has
      }
    }
    if (rules.isEmpty() && !grpc) {
      rules.add(new Rule(List.of(everything()), NOTHING, List.of(), TimeLimits.UNSAID, null));
    }
    return new GatewayRoute(meta, parents, spec.has("hostnames"), rules, notEnforced);
  }

  private static boolean isService(Fields reference, String group, String kind) {
    return reference.text("group").orElse(group).isEmpty()
        && reference.text("kind").orElse(kind).equals(SERVICE);
  }

  private Parent parent(int index, Fields reference) {
    return new Parent(
        index,
        service(reference),
        reference.port("port").orElse(0),
        reference.text("sectionName").orElse(""));
  }

  private NamespacedName service(Fields reference) {
    String name =
        reference.requiredParsed("name", Rfc1123::subdomain, Rfc1123.MEND).orElse("unknown");
    return new NamespacedName(
        reference.parsed("namespace", Rfc1123::label, Rfc1123.MEND).orElse(meta.namespace()), name);
  }

  // --- rules ---------------------------------------------------------------------------------

  private Rule rule(Fields fields, int index) {
    List<Match> matches = new ArrayList<>();
    for (Fields match : fields.objects("matches", MOST_MATCHES)) {
      (grpc ? grpcMatch(match) : httpMatch(match)).ifPresent(matches::add);
    }
    if (!fields.has("matches") || fields.isList("matches") && fields.objects("matches").isEmpty()) {
      matches.add(grpc ? everyCall() : everything());
    }
    return new Rule(
        matches,
        changes(fields),
        fields.objects("backendRefs", MOST_BACKENDS).stream().map(this::backend).toList(),
        grpc ? TimeLimits.UNSAID : limits(fields.objectOrEmpty(TIMEOUTS)),
        fields
            .object(SESSION)
            .map(session -> session(session, fields.text("name").orElse(""), index))
            .orElse(null));
  }

  /** In the words of v1.6, or in those before, which had one name for cookie and header. */
  private @Nullable SessionPersistence session(Fields session, String rule, int index) {
    String type = session.text("type").orElse("Cookie");
    if (!type.equals("Cookie") && !type.equals("Header")) {
      unknownType(session, type, "Cookie", "Header");
      return null;
    }
    boolean header = type.equals("Header");
    Fields cookie = session.object("cookie").orElseGet(() -> session.objectOrEmpty("cookieConfig"));
    long route = Hashes.of(Hashes.START, grpc + meta.namespace() + "/" + meta.name());
    // By its name it is the same one wherever it stands.
    long scope = Hashes.mixed(rule.isEmpty() ? route + index : Hashes.of(route, "/" + rule));
    Carrier carrier = header ? Carrier.HEADER : Carrier.COOKIE;
    Fields named = header ? session.objectOrEmpty("header") : cookie;
    String name =
        (named.has("name") ? named : session)
            .parsed(
                named.has("name") ? "name" : "sessionName",
                written -> SessionPersistence.requireName(carrier, written),
                "write 1 to 256 letters, digits and '-', which no header of framing is")
            .orElse("sluice-session-" + HexFormat.of().toHexDigits((int) scope));
    long seconds = Math.max(0, Math.ceilDiv(millis(session, "absoluteTimeout"), 1_000));
    String lifetime = cookie.text("lifetimeType").orElse("Session");
    if (!lifetime.equals("Session") && !lifetime.equals("Permanent")) {
      unknown(cookie, "lifetimeType", lifetime, "Session", "Permanent");
    }
    boolean permanent = !header && lifetime.equals("Permanent");
    if (permanent && seconds == 0) {
      session.problem(
          "absoluteTimeout",
          "a permanent cookie needs a time for which it is kept",
          "write how long a session lasts, such as 24h, or lifetimeType: Session");
    }
    return new SessionPersistence(
        carrier,
        name,
        cookie
            .parsed(
                "path",
                SessionPersistence::requirePath,
                "begin it with a slash, and write neither ';' nor white space (RFC 6265 §4.1)")
            .orElse("/"),
        seconds,
        permanent && seconds > 0,
        scope);
  }

  private static TimeLimits limits(Fields timeouts) {
    long request = millis(timeouts, "request");
    long one = millis(timeouts, "backendRequest");
    if (request > 0 && one > request) {
      timeouts.problem(
          "backendRequest", "it is longer than that of the request", "write a shorter one");
      return TimeLimits.UNSAID;
    }
    return new TimeLimits(request, one);
  }

  private static long millis(Fields timeouts, String name) {
    return timeouts
        .parsed(name, WrittenDuration::parseParts, "write a duration such as 500ms, 10s or 1m30s")
        .map(Duration::toMillis)
        .orElse(TimeLimits.NOT_SAID);
  }

  private static Match everything() {
    return new Match(new HttpMatch("", Regex.ANY, Set.of(), Map.of()), "/", List.of(0, 1, 0, 0, 0));
  }

  /** Comes behind whatever says anything, headers alone included. */
  private static Match everyCall() {
    return new Match(new HttpMatch("", Regex.ANY, Set.of(), Map.of()), "", List.of(0, 0, 0, 0, 0));
  }

  private static Optional<Match> httpMatch(Fields match) {
    Fields path = match.objectOrEmpty("path");
    String type = path.text("type").orElse(PREFIX);
    String value = path.text("value").orElse("/");
    Map<String, Regex> headers = values(match, "headers", true);
    Map<String, Regex> parameters = values(match, "queryParams", false);
    Optional<String> method = match.text("method");
    if (!type.equals(REGEX) && !value.startsWith("/")) {
      path.problem("value", "it begins with no slash", "write an absolute path");
      return Optional.empty();
    }
    List<Integer> rank =
        List.of(
            switch (type) {
              case EXACT -> 2;
              case REGEX -> 1;
              default -> 0;
            },
            value.length(),
            method.isPresent() ? 1 : 0,
            headers.size(),
            parameters.size());
    return regex(path, "value", type, value)
        .map(paths ->
            new Match(
                new HttpMatch("", paths, method.map(Set::of).orElse(Set.of()), headers, parameters),
                type.equals(PREFIX) ? value : "",
                rank));
  }

  private static Optional<Match> grpcMatch(Fields match) {
    Fields method = match.objectOrEmpty("method");
    Map<String, Regex> headers = values(match, "headers", true);
    String type = method.text("type").orElse(EXACT);
    String service = method.text("service").orElse("");
    String name = method.text("method").orElse("");
    List<Integer> rank = List.of(service.length(), name.length(), headers.size(), 0, 0);
    if (!type.equals(EXACT) && !type.equals(REGEX)) {
      unknownType(method, type, EXACT, REGEX);
      return Optional.empty();
    }
    Function<String, String> part =
        text -> {
          if (text.isEmpty()) {
            return "[^/]+";
          }
          return type.equals(REGEX) ? "(?:" + text + ")" : Regex.literally(text).text();
        };
    try {
      Regex path =
          service.isEmpty() && name.isEmpty()
              ? Regex.ANY
              : Regex.of("/" + part.apply(service) + "/" + part.apply(name));
      return Optional.of(new Match(new HttpMatch("", path, Set.of(), headers), "", rank));
    } catch (IllegalArgumentException e) {
      match.problem("method", String.valueOf(e.getMessage()), "write an expression of RE2");
      return Optional.empty();
    }
  }

  /** Of several of one name the first one counts, as the specification has it. */
  private static Map<String, Regex> values(Fields match, String name, boolean lowerCase) {
    Map<String, Regex> values = new HashMap<>();
    for (Fields one : match.objects(name, MOST_FIELDS)) {
      String written = limited(one, "name", one.requiredText("name"), LONGEST_NAME);
      String key = lowerCase ? written.toLowerCase(Locale.ROOT) : written;
      regex(one, "value", one.text("type").orElse(EXACT), one.requiredText("value"))
          .ifPresent(value -> values.putIfAbsent(key, value));
    }
    return values;
  }

  private static String limited(Fields fields, String name, String text, int most) {
    if (text.length() > most) {
      fields.problem(name, "it has more than " + most + " characters", "write less");
      return "";
    }
    return text;
  }

  private static Optional<Regex> regex(Fields fields, String name, String type, String value) {
    try {
      switch (type) {
        case EXACT -> {
          return Optional.of(Regex.literally(value));
        }
        case PREFIX -> {
          return Optional.of(value.equals("/") ? Regex.ANY : Regex.segments(value));
        }
        case REGEX -> {
          return Optional.of(Regex.of(value));
        }
        default -> unknownType(fields, type, EXACT, REGEX);
      }
    } catch (IllegalArgumentException e) {
      fields.problem(name, String.valueOf(e.getMessage()), "write an expression of RE2");
    }
    return Optional.empty();
  }

  private static void unknownType(Fields fields, String type, String... known) {
    unknown(fields, "type", type, known);
  }

  private static void unknown(Fields fields, String name, String word, String... known) {
    fields.problem(name, "'" + word + "' is not known", "use " + String.join(" or ", known));
  }

  private Backend backend(Fields reference) {
    boolean isService = isService(reference, "", SERVICE);
    int weight = reference.has("weight") ? reference.number("weight", "a weight").orElse(0) : 1;
    if (weight > TrafficRoute.Backend.MAX_WEIGHT) {
      reference.problem(
          "weight", weight + " is too much", "write up to " + TrafficRoute.Backend.MAX_WEIGHT);
      weight = 0;
    }
    return new Backend(
        isService,
        service(reference),
        isService ? reference.requiredPort("port") : 0,
        weight,
        changes(reference));
  }

  // --- filters -------------------------------------------------------------------------------

  private static final Changes NOTHING =
      new Changes(HttpFilters.NONE, null, List.of(), null, List.of());

  private Changes changes(Fields fields) {
    List<FieldChange> request = new ArrayList<>();
    List<FieldChange> response = new ArrayList<>();
    List<Mirror> mirrors = new ArrayList<>();
    List<Unusable> unusable = new ArrayList<>();
    HttpFilters.@Nullable Target rewrite = null;
    HttpFilters.@Nullable Redirect redirect = null;
    FaultsOf faults = null;
    for (Fields filter : fields.objects("filters", MOST_FIELDS)) {
      String type = filter.requiredText("type");
      try {
        switch (type) {
          case "RequestHeaderModifier" ->
              request.addAll(fieldChanges(filter.objectOrEmpty("requestHeaderModifier")));
          case "ResponseHeaderModifier" ->
              response.addAll(fieldChanges(filter.objectOrEmpty("responseHeaderModifier")));
          case "RequestMirror" -> mirrors.add(mirror(filter.objectOrEmpty("requestMirror")));
          case "URLRewrite" -> rewrite = target(filter.objectOrEmpty("urlRewrite"));
          case "RequestRedirect" -> {
            Fields written = filter.objectOrEmpty("requestRedirect");
            redirect =
                new HttpFilters.Redirect(
                    target(written), written.number("statusCode", "a status").orElse(302));
          }
          case "ExtensionRef" -> {
            if (faults != null) {
              throw new IllegalArgumentException(
                  "names a second FaultInjection, which is one too many");
            }
            faults = faults(filter.objectOrEmpty("extensionRef"));
          }
          default ->
              unusable.add(
                  new Unusable(filter.fieldPath("type"), "filter " + type + " is not supported"));
        }
      } catch (IllegalArgumentException e) {
        unusable.add(new Unusable(filter.fieldPath("type"), String.valueOf(e.getMessage())));
      }
    }
    if (redirect != null && rewrite != null) {
      unusable.add(
          new Unusable(
              fields.fieldPath("filters"), "redirects and rewrites, which is one too many"));
    }
    return new Changes(
        new HttpFilters(request, response, rewrite, List.of()),
        redirect,
        mirrors,
        faults,
        unusable);
  }

  private FaultsOf faults(Fields reference) {
    String group = reference.text("group").orElse("");
    String kind = reference.requiredText("kind");
    if (!group.equals(FaultReader.GROUP) || !kind.equals(FaultReader.KIND)) {
      throw new IllegalArgumentException(
          "names kind '" + kind + "' of group '" + group + "', which is not supported");
    }
    String name =
        reference.requiredParsed("name", Rfc1123::subdomain, Rfc1123.MEND).orElse("unknown");
    return new FaultsOf(reference.fieldPath("name"), new NamespacedName(meta.namespace(), name));
  }

  private Mirror mirror(Fields written) {
    Fields reference = written.objectOrEmpty("backendRef");
    boolean isService = isService(reference, "", SERVICE);
    Backend to =
        new Backend(
            isService,
            service(reference),
            isService ? reference.requiredPort("port") : 0,
            1,
            NOTHING);
    Fields fraction = written.objectOrEmpty("fraction");
    boolean hasFraction = written.has("fraction");
    if (hasFraction && written.has("percent")) {
      throw new IllegalArgumentException("has a percent and a fraction, which is one too many");
    }
    int whole = hasFraction ? fraction.number("denominator", "a number").orElse(100) : 100;
    int parts =
        hasFraction
            ? fraction.number("numerator", "a number").orElse(0)
            : written.number("percent", "a percentage").orElse(100);
    // Which refuses shares that are none.
    HttpFilters.Mirror share = new HttpFilters.Mirror(to.service(), to.port(), parts, whole);
    return new Mirror(written.fieldPath("backendRef"), to, share.parts(), share.whole());
  }

  private static List<FieldChange> fieldChanges(Fields modifier) {
    List<FieldChange> changes = new ArrayList<>();
    for (Action action : List.of(Action.SET, Action.ADD)) {
      for (Fields one : modifier.objects(action.name().toLowerCase(Locale.ROOT), MOST_FIELDS)) {
        changes.add(
            new FieldChange(
                action,
                limited(one, "name", one.requiredText("name"), LONGEST_NAME),
                limited(one, "value", one.requiredText("value"), LONGEST_VALUE)));
      }
    }
    List<String> removed = modifier.parsedList("remove", text -> text, "write names of headers");
    if (removed.size() > MOST_FIELDS) {
      modifier.problem("remove", "there are more than " + MOST_FIELDS, "write fewer");
    }
    removed.forEach(name -> changes.add(new FieldChange(Action.REMOVE, name, "")));
    return changes;
  }

  private static HttpFilters.Target target(Fields written) {
    return new HttpFilters.Target(
        written.text("scheme").orElse(""),
        written.parsed("hostname", Rfc1123::subdomain, Rfc1123.MEND).orElse(""),
        written.port("port").orElse(0),
        written.object("path").map(GatewayReader::path).orElse(null));
  }

  private static PathChange path(Fields path) {
    String type = path.requiredText("type");
    return switch (type) {
      case "ReplaceFullPath" ->
          new PathChange(
              null, limited(path, "replaceFullPath", text(path, "replaceFullPath"), 1_024));
      case "ReplacePrefixMatch" ->
          new PathChange(
              "", limited(path, "replacePrefixMatch", text(path, "replacePrefixMatch"), 1_024));
      default -> throw new IllegalArgumentException("path type '" + type + "' is not supported");
    };
  }

  private static String text(Fields fields, String name) {
    return fields.text(name).orElse("");
  }
}
