package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.cli.check.Facts.Topic;
import io.sluice.control.objects.MeshConfig;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;

/** Certificates of the node and its pods, and the roots that nodes go by. */
final class IdentityChecks {
  private static final String NONE = "-";

  private IdentityChecks() {}

  static List<Check> all() {
    return List.of(
        new Check("identity of the node", IdentityChecks::node),
        new Check("certificates", IdentityChecks::leaves),
        new Check("trust domain", IdentityChecks::domain),
        new Check("roots of the controller", IdentityChecks::controllerRoots),
        new Check("roots in the cluster", IdentityChecks::clusterRoots));
  }

  private static void node(Facts facts, Sink found) throws NotThereException {
    JsonNode status = facts.of(Topic.STATUS);
    String node = "node " + status.path("node").asText();
    said(status, "timeProblem", Code.CLOCK_DOUBTED, node, found);
    String identity = status.path("identity").asText();
    if (identity.equals("off")) {
      found.add(Code.NO_IDENTITY, node, "identity is off");
      return;
    }
    if (identity.equals("not admitted yet")) {
      found.add(Code.NODE_NOT_ADMITTED, node, identity);
    } else if (identity.startsWith("expired")) {
      found.add(Code.NODE_EXPIRED, node, identity);
    }
    if (!status.path("controllerConnected").asBoolean(true)) {
      found.add(
          Code.CONTROLLER_LOST,
          node,
          "%s, last contact %s s ago"
              .formatted(
                  status.path("controller").asText(),
                  status.path("controllerLastContactSeconds").asText()));
    }
    said(status, "identityFailure", Code.IDENTITY_FAILS, node, found);
    said(status, "trustBundleProblem", Code.BUNDLE_REFUSED, node, found);
    said(status, "identityStoreProblem", Code.KEYS_NOT_KEPT, node, found);
  }

  /** Adds what the member says, unless that is nothing. */
  static void said(JsonNode status, String member, Code code, String subject, Sink found) {
    String text = status.path(member).asText();
    if (!text.isEmpty() && !text.equals(NONE)) {
      found.add(code, subject, text);
    }
  }

  private static void leaves(Facts facts, Sink found) throws NotThereException {
    String domain = facts.of(Topic.STATUS).path("trustDomain").asText();
    for (JsonNode leaf : facts.of(Topic.CERTIFICATES)) {
      String identity = leaf.path("identity").asText();
      Optional<Instant> end = time(leaf.path("notAfter").asText());
      if (end.isEmpty()) {
        found.add(Code.LEAF_MISSING, identity, leaf.path("problem").asText());
        continue;
      }
      String span = leaf.path("notBefore").asText() + " to " + leaf.path("notAfter").asText();
      if (end.get().isBefore(facts.now())) {
        found.add(Code.LEAF_EXPIRED, identity, span);
      } else if (isBefore(facts.now(), leaf.path("notBefore"))) {
        found.add(Code.LEAF_EARLY, identity, span + ", now " + facts.now());
      } else if (!leaf.path("problem").asText().isEmpty()
          && time(leaf.path("renewAt").asText()).filter(facts.now()::isAfter).isPresent()) {
        found.add(
            Code.LEAF_LATE,
            identity,
            "renewal was due "
                + leaf.path("renewAt").asText()
                + "; "
                + leaf.path("problem").asText());
      }
      if (!domain.isEmpty()
          && !domain.equals("null")
          && !identity.startsWith("spiffe://" + domain + "/")) {
        found.add(Code.LEAF_DOMAIN, identity, "the node is of " + domain);
      }
    }
  }

  private static boolean isBefore(Instant now, JsonNode start) {
    return time(start.asText()).filter(now::isBefore).isPresent();
  }

  private static Optional<Instant> time(String text) {
    try {
      return Optional.of(Instant.parse(text));
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }

  private static void domain(Facts facts, Sink found) throws NotThereException {
    String domain = facts.of(Topic.STATUS).path("trustDomain").asText();
    if (domain.isEmpty() || domain.equals("null")) {
      return;
    }
    facts
        .objects()
        .of(MeshConfig.class)
        .filter(config -> !config.trustDomain().toString().equals(domain))
        .forEach(config ->
            found.add(
                Code.DOMAIN_DIFFERS,
                config.ref().toString(),
                "it says " + config.trustDomain() + ", the node is of " + domain));
  }

  private static void controllerRoots(Facts facts, Sink found) throws NotThereException {
    JsonNode controller = facts.of(Topic.CONTROLLER);
    if (!controller.has("roots")) {
      throw new NotThereException("no controller has its folder here");
    }
    RootChecks.of("trust-bundle.pem", controller.path("roots").asText(), facts.now(), found);
  }

  private static void clusterRoots(Facts facts, Sink found) throws NotThereException {
    for (JsonNode map : ClusterChecks.items(facts, "configMaps")) {
      JsonNode roots = map.path("data").path("roots.pem");
      if (!roots.isMissingNode()) {
        RootChecks.of("ConfigMap " + ClusterChecks.name(map), roots.asText(), facts.now(), found);
      }
    }
  }
}
