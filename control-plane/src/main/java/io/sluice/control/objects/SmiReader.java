package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.objects.TrafficTarget.Rule;
import io.sluice.control.objects.TrafficTarget.Subject;
import io.sluice.mesh.SpiffeId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/** Reads the objects of the Service Mesh Interface. */
final class SmiReader {
  private static final String SPIFFE = "spiffe://";

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
    return new Rule(
        fields.requiredText("kind"),
        fields.requiredText("name"),
        !fields.parsedList("matches", text -> text, "write names of matches").isEmpty());
  }

  static KubernetesObject.TcpRoute readTcpRoute(Fields document, ObjectMeta meta) {
    Fields matches = document.objectOrEmpty("spec").objectOrEmpty("matches");
    List<Integer> ports = matches.ports("ports");
    if (matches.has("ports") && ports.isEmpty()) {
      // "No ports listed" and "all ports" would read the same further on: never guess the wider
      // one.
      matches.problem(
          "ports", "the list names no port", "name ports, or leave 'ports' out to mean every port");
    }
    return new KubernetesObject.TcpRoute(meta, new HashSet<>(ports));
  }
}
