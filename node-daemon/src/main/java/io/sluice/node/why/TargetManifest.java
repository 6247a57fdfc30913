package io.sluice.node.why;

import com.fasterxml.jackson.databind.node.TextNode;
import io.sluice.mesh.NamespacedName;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A TrafficTarget with the routes that it names, as manifests.
 *
 * @param name of all of them
 * @param source account that may call
 * @param destination account that is called
 * @param route kind of the route that names the ports
 * @param ports that it may call
 * @param requests methods by expression of a path; empty where whatever is sent is granted
 */
public record TargetManifest(
    NamespacedName name,
    NamespacedName source,
    NamespacedName destination,
    String route,
    Collection<Integer> ports,
    Map<String, ? extends Set<String>> requests) {
  private static final Pattern UNUSUAL = Pattern.compile("[^ -~]");

  /** As YAML; each object but the last is followed by a line of its own. */
  public String yaml() {
    StringBuilder group = new StringBuilder();
    if (!requests.isEmpty()) {
      group.append(
          """
          apiVersion: specs.smi-spec.io/v1alpha4
          kind: HTTPRouteGroup
          metadata: {name: %s, namespace: %s}
          spec:
            matches:
          """
              .formatted(name.name(), name.namespace()));
      int number = 0;
      for (var match : requests.entrySet()) {
        number++;
        group.append(
            "  - {name: asked-%d, pathRegex: %s, methods: [%s]}\n"
                .formatted(
                    number,
                    quoted(match.getKey()),
                    String.join(
                        ", ", match.getValue().stream().map(TargetManifest::quoted).toList())));
      }
      group.append("---\n");
    }
    return """
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: %9$s
    metadata: {name: %1$s, namespace: %2$s}
    spec: {matches: {ports: %3$s}}
    ---
    %4$sapiVersion: access.smi-spec.io/v1alpha3
    kind: TrafficTarget
    metadata: {name: %1$s, namespace: %2$s}
    spec:
      destination: {kind: ServiceAccount, name: %5$s, namespace: %2$s}
      sources: [{kind: ServiceAccount, name: %6$s, namespace: %7$s}]
      rules:
      - {kind: %9$s, name: %1$s}
    %8$s\
    """
        .formatted(
            name.name(),
            name.namespace(),
            ports,
            group,
            destination.name(),
            source.name(),
            source.namespace(),
            requests.isEmpty() ? "" : "  - {kind: HTTPRouteGroup, name: " + name.name() + "}\n",
            route);
  }

  /** As in JSON, in which nothing that callers chose ends the line or the text. */
  private static String quoted(String value) {
    return UNUSUAL
        .matcher(TextNode.valueOf(value).toString())
        .replaceAll(found -> "\\\\u%04x".formatted((int) found.group().charAt(0)));
  }
}
