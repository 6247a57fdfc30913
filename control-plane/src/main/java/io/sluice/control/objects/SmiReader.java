package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.objects.KubernetesObject.HttpRouteGroup;
import io.sluice.control.objects.KubernetesObject.HttpRouteGroup.Match;
import io.sluice.control.objects.TrafficTarget.Rule;
import io.sluice.control.objects.TrafficTarget.Subject;
import io.sluice.mesh.Regex;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrafficRoute;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads the objects of the Service Mesh Interface. */
final class SmiReader {
  private static final String SPIFFE = "spiffe://";
  private static final String HTTP_GROUP = ReadableKind.HTTP_ROUTE_GROUP.kind();
  private static final String WEIGHT = "weight";
  private static final int MAX_WEIGHT = TrafficRoute.Backend.MAX_WEIGHT;

  private SmiReader() {}

  static TrafficTarget readTarget(Fields document, ObjectMeta meta) {
    Optional<Fields> spec = document.requiredObject("spec");
    Subject destination =
        spec.flatMap(fields -> fields.requiredObject("destination"))
            .map(SmiReader::subject)
            .orElse(new Subject("", "", ""));
    List<Subject> sources = new ArrayList<>();
    List<Rule> rules = new ArrayList<>();
    spec.ifPresent(fields -> {
      fields.objects("sources").forEach(source -> sources.add(subject(source)));
      fields.objects("rules").forEach(rule -> rules.add(rule(rule)));
    });
    return new TrafficTarget(meta, destination, sources, rules);
  }

  private static Subject subject(Fields fields) {
    String kind = fields.requiredText("kind");
    String name =
        switch (kind) {
          case TrafficTarget.PRINCIPAL ->
              fields
                  .requiredParsed("name", SpiffeId::parse, SpiffeId.FORM_TO_WRITE)
                  .map(SpiffeId::toString)
                  .orElse("");
          case TrafficTarget.ACCOUNT ->
              fields.requiredParsed("name", Rfc1123::subdomain, mend(fields)).orElse("");
          default -> fields.requiredText("name"); // the compiler says which kinds there are
        };
    return new Subject(
        kind, name, fields.parsed("namespace", Rfc1123::label, Rfc1123.MEND).orElse(""));
  }

  private static String mend(Fields account) {
    boolean isIdentity =
        account.isText("name") && account.text("name").orElse("").startsWith(SPIFFE);
    return isIdentity
        ? "for an identity of another mesh write kind: "
            + TrafficTarget.PRINCIPAL
            + ", as a source; for an account of this mesh its name alone"
        : Rfc1123.MEND;
  }

  private static Rule rule(Fields fields) {
    String kind = fields.requiredText("kind");
    List<String> matches = fields.parsedList("matches", text -> text, "write names of matches");
    if (kind.equals(HTTP_GROUP) && fields.has("matches") && matches.isEmpty()) {
      fields.problem(
          "matches", "the list names no match", "name matches, or leave 'matches' out for all");
    }
    return new Rule(kind, fields.requiredText("name"), matches);
  }

  static HttpRouteGroup readRouteGroup(Fields document, ObjectMeta meta) {
    List<Match> matches = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Fields match : document.objectOrEmpty("spec").objects("matches")) {
      String name = match.requiredText("name");
      if (!names.add(name)) {
        match.problem("name", "another match has the same name", "give every match its own name");
      }
      List<String> methods =
          match.parsedList("methods", SmiReader::method, "write GET, another method, or '*'");
      if (match.has("methods") && methods.isEmpty()) {
        // As with ports: never guess the wider one.
        match.problem(
            "methods", "the list names no method", "name methods, or leave 'methods' out for all");
      }
      matches.add(
          new Match(
              name,
              match.text("pathRegex").orElse(Regex.ANY.text()),
              new HashSet<>(methods),
              headers(match)));
    }
    return new HttpRouteGroup(meta, matches);
  }

  private static String method(String text) {
    boolean token = !text.isEmpty() && text.length() <= 64;
    for (int i = 0; i < text.length(); i++) {
      token &=
          Character.isLetterOrDigit(text.charAt(i))
              || "!#$%&'*+-.^_`|~".indexOf(text.charAt(i)) >= 0;
    }
    if (!token) {
      throw new IllegalArgumentException("it is no method of HTTP (RFC 9110 §9.1)");
    }
    return text;
  }

  /** A mapping as the specification has it, or a list of mappings as its examples and OSM have. */
  private static Map<String, String> headers(Fields match) {
    Map<String, String> headers = new HashMap<>();
    if (!match.isList("headers")) {
      match.texts("headers").forEach((name, value) -> put(match, headers, name, value));
      return headers;
    }
    for (Fields item : match.objects("headers")) {
      for (String name : item.names()) {
        put(match, headers, name, item.requiredText(name));
      }
    }
    return headers;
  }

  private static void put(Fields match, Map<String, String> headers, String name, String value) {
    if (headers.put(name.toLowerCase(Locale.ROOT), value) != null) {
      match.problem(
          "headers", "header " + name + " is there twice", "write one expression for both");
    }
  }

  static TrafficSplit readSplit(Fields document, ObjectMeta meta) {
    Optional<Fields> spec = document.requiredObject("spec");
    List<Fields> backends = spec.map(fields -> fields.objects("backends")).orElse(List.of());
    boolean thousandths = backends.stream().anyMatch(SmiReader::isInThousandths);
    return new TrafficSplit(
        meta,
        spec.flatMap(fields -> fields.requiredParsed("service", Rfc1123::subdomain, Rfc1123.MEND))
            .orElse(""),
        backends.stream()
            .map(backend ->
                new TrafficSplit.Backend(
                    backend.requiredParsed("service", Rfc1123::subdomain, Rfc1123.MEND).orElse(""),
                    weight(backend, thousandths)))
            .toList(),
        TrafficSplit.Group.of(spec.map(fields -> fields.objects("matches")).orElse(List.of())));
  }

  private static boolean isInThousandths(Fields backend) {
    return backend.isText(WEIGHT) && backend.text(WEIGHT).orElse("").endsWith("m");
  }

  /** A whole number, or a quantity of Kubernetes, which {@code v1alpha1} has. */
  private static int weight(Fields backend, boolean thousandths) {
    String mend = "write a whole number from 0 to " + MAX_WEIGHT;
    int unit = thousandths ? 1_000 : 1;
    if (!backend.isText(WEIGHT)) {
      if (!backend.has(WEIGHT)) {
        backend.problem(WEIGHT, "the field is missing", mend);
      }
      int weight = backend.number(WEIGHT, "a weight").orElse(0);
      if (weight > MAX_WEIGHT / unit) {
        backend.problem(WEIGHT, weight + " is too much", mend + (thousandths ? "m" : ""));
        return 0;
      }
      return weight * unit;
    }
    return backend
        .parsed(
            WEIGHT,
            text -> {
              boolean milli = text.endsWith("m");
              String digits = milli ? text.substring(0, text.length() - 1) : text;
              if (!digits.matches("[0-9]{1,7}")) {
                throw new IllegalArgumentException("'" + text + "' is no weight");
              }
              int weight = Integer.parseInt(digits);
              int factor = milli ? 1 : unit;
              if (weight > MAX_WEIGHT / factor) {
                throw new IllegalArgumentException(text + " is too much");
              }
              return weight * factor;
            },
            mend)
        .orElse(0);
  }

  static KubernetesObject.PortRoute readPortRoute(Fields document, ObjectMeta meta) {
    Fields matches = document.objectOrEmpty("spec").objectOrEmpty("matches");
    List<Integer> ports = matches.ports("ports");
    if (matches.has("ports") && ports.isEmpty()) {
      // "No ports listed" and "all ports" would read the same further on: never guess the wider
      // one.
      matches.problem(
          "ports", "the list names no port", "name ports, or leave 'ports' out to mean every port");
    }
    return new KubernetesObject.PortRoute(meta, new HashSet<>(ports));
  }
}
