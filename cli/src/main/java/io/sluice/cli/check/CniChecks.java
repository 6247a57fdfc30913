package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.cli.check.Facts.Topic;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The CNI plugin of the node, and what other meshes have on it. */
final class CniChecks {
  private static final Pattern PLUGIN =
      Pattern.compile("\"type\"\\s*:\\s*\"(istio-cni|linkerd-cni|kuma-cni|consul-cni|osm-cni)\"");

  /** Chains that Istio, Linkerd, OSM, Kuma and Consul make. */
  private static final Pattern CHAIN =
      Pattern.compile(
          "(?m)^[:*]?(?:-A |-N )?((?:ISTIO|PROXY_INIT|OSM_PROXY|MESH|KUMA_MESH|CONSUL_PROXY)_\\w+)");

  private static final List<String> PROXIES =
      List.of("envoy", "ztunnel", "linkerd2-proxy", "pilot-agent", "kuma-dp", "pipy");

  private static final String CONFIGURATIONS = "etc/cni/net.d";

  private CniChecks() {}

  static List<Check> all() {
    return List.of(
        new Check("CNI plugin", CniChecks::plugin),
        new Check("CNI plugins of other meshes", CniChecks::plugins),
        new Check("rules of other meshes", CniChecks::rules),
        new Check("proxies of other meshes", CniChecks::proxies));
  }

  private static void plugin(Facts facts, Sink found) throws NotThereException {
    JsonNode cni = facts.of(Topic.CNI);
    String state = cni.path("state").asText();
    String directory = cni.path("confDir").asText();
    switch (state) {
      case "no directory", "no primary" -> found.add(Code.CNI_NO_NETWORK, directory, state);
      case "shadowed" -> found.add(Code.CNI_SHADOWED, directory, problems(cni));
      case "orphaned" -> found.add(Code.CNI_ORPHANED, directory, state);
      case "outdated" -> found.add(Code.CNI_OUTDATED, directory, problems(cni));
      default -> {}
    }
    for (JsonNode problem : cni.path("problems")) {
      String path = problem.path("path").asText();
      String text = problem.path("text").asText();
      if (text.startsWith("is missing: the runtime")) {
        found.add(Code.CNI_BINARY, path, text);
      } else if (text.contains("ours stays as it was") || text.contains("ours is not written")) {
        found.add(Code.CNI_INVALID, path, text);
      } else if (!text.startsWith("sorts before")) {
        found.add(Code.CNI_PROBLEM, path, text);
      }
    }
  }

  private static String problems(JsonNode cni) {
    StringBuilder all = new StringBuilder();
    for (JsonNode problem : cni.path("problems")) {
      all.append(all.isEmpty() ? "" : "; ")
          .append(problem.path("path").asText())
          .append(' ')
          .append(problem.path("text").asText());
    }
    return all.isEmpty() ? cni.path("state").asText() : all.toString();
  }

  private static void plugins(Facts facts, Sink found) {
    for (String file : facts.host().names(CONFIGURATIONS)) {
      Matcher type = PLUGIN.matcher(facts.host().text(CONFIGURATIONS + "/" + file).orElse(""));
      if (type.find()) {
        found.add(Code.FOREIGN_CNI, "/" + CONFIGURATIONS + "/" + file, "it has " + type.group(1));
      }
    }
  }

  private static void rules(Facts facts, Sink found) throws NotThereException {
    for (var tool : facts.of(Topic.RULES).properties()) {
      TreeSet<String> chains = new TreeSet<>();
      CHAIN.matcher(tool.getValue().asText()).results().forEach(one -> chains.add(one.group(1)));
      if (!chains.isEmpty()) {
        found.add(Code.FOREIGN_RULES, tool.getKey(), "chains " + chains);
      }
    }
  }

  private static void proxies(Facts facts, Sink found) {
    TreeSet<String> seen = new TreeSet<>();
    ResourceChecks.processes(facts.host()).filter(PROXIES::contains).forEach(seen::add);
    if (!seen.isEmpty()) {
      found.add(Code.FOREIGN_PROXY, "processes", String.join(", ", seen));
    }
  }
}
