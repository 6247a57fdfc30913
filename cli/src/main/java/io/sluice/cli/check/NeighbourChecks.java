package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.cli.check.Facts.Topic;
import io.sluice.control.objects.MeshKey;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.Workload;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What else is in the cluster: webhooks, other meshes, network policies. */
final class NeighbourChecks {
  private static final Set<String> SIDECARS =
      Set.of("istio-proxy", "linkerd-proxy", "kuma-sidecar", "consul-dataplane", "envoy-sidecar");

  /** Labels and annotations by which other meshes take a namespace. */
  private static final List<String> INJECTION =
      List.of(
          "istio-injection",
          "istio.io/rev",
          "istio.io/dataplane-mode",
          "linkerd.io/inject",
          "kuma.io/sidecar-injection");

  private static final List<String> GROUPS =
      List.of(".istio.io", ".linkerd.io", ".kuma.io", ".consul.hashicorp.com", ".cilium.io");

  private NeighbourChecks() {}

  static List<Check> all() {
    return List.of(
        new Check("API server", NeighbourChecks::server),
        new Check("webhooks", NeighbourChecks::webhooks),
        new Check("sidecars of other meshes", NeighbourChecks::sidecars),
        new Check("static pods", NeighbourChecks::staticPods),
        new Check("labels of other meshes", NeighbourChecks::labels),
        new Check("definitions of other meshes", NeighbourChecks::definitions),
        new Check("network policies", NeighbourChecks::policies));
  }

  private static void server(Facts facts, Sink found) throws NotThereException {
    JsonNode cluster = facts.of(Topic.CLUSTER);
    if (cluster.has("silence")) {
      found.add(Code.API_SILENT, "API server", cluster.path("silence").asText());
    }
  }

  private static void webhooks(Facts facts, Sink found) throws NotThereException {
    for (String kind : List.of("validatingWebhooks", "mutatingWebhooks")) {
      for (JsonNode configuration : ClusterChecks.items(facts, kind)) {
        for (JsonNode webhook : configuration.path("webhooks")) {
          String subject = ClusterChecks.name(configuration) + " " + webhook.path("name").asText();
          webhook(subject, webhook.path("clientConfig"), facts, found);
        }
      }
    }
  }

  private static void webhook(String subject, JsonNode client, Facts facts, Sink found)
      throws NotThereException {
    JsonNode service = client.path("service");
    if (!service.isMissingNode()) {
      String name = service.path("namespace").asText() + "/" + service.path("name").asText();
      if (ClusterChecks.items(facts, "services").stream()
          .noneMatch(each -> ClusterChecks.name(each).equals(name))) {
        found.add(Code.WEBHOOK_SERVICE, subject, "there is no Service " + name);
      } else if (!isServed(facts, name)) {
        found.add(Code.WEBHOOK_UNREACHED, subject, "Service " + name + " has no ready endpoint");
      }
    }
    authority(subject, client.path("caBundle").asText(), facts, found);
  }

  private static void authority(String subject, String bundle, Facts facts, Sink found) {
    try {
      List<X509Certificate> roots =
          RootChecks.read(
              new String(Base64.getDecoder().decode(bundle), StandardCharsets.US_ASCII));
      if (!bundle.isEmpty()
          && (roots.isEmpty()
              || roots.stream()
                  .allMatch(root -> root.getNotAfter().toInstant().isBefore(facts.now())))) {
        found.add(
            Code.WEBHOOK_CA,
            subject,
            roots.isEmpty()
                ? "caBundle holds no certificate"
                : "it ended " + roots.getFirst().getNotAfter().toInstant());
      }
    } catch (CertificateException | IllegalArgumentException e) {
      found.add(Code.WEBHOOK_CA, subject, String.valueOf(e.getMessage()));
    }
  }

  private static boolean isServed(Facts facts, String service) throws NotThereException {
    for (JsonNode slice : ClusterChecks.items(facts, "endpointSlices")) {
      String name =
          slice.path("metadata").path("namespace").asText()
              + "/"
              + ClusterChecks.label(slice, "kubernetes.io/service-name");
      for (JsonNode endpoint : slice.path("endpoints")) {
        if (name.equals(service) && endpoint.path("conditions").path("ready").asBoolean(true)) {
          return true;
        }
      }
    }
    return false;
  }

  private static Set<String> enrolled(Facts facts) throws NotThereException {
    return facts.objects().snapshot().workloads().stream()
        .filter(Workload::enrolled)
        .map(workload -> workload.name().toString())
        .collect(Collectors.toSet());
  }

  private static void sidecars(Facts facts, Sink found) throws NotThereException {
    Set<String> enrolled = enrolled(facts);
    for (JsonNode pod : ClusterChecks.items(facts, "pods")) {
      for (JsonNode container : pod.path("spec").path("containers")) {
        String name = container.path("name").asText();
        if (SIDECARS.contains(name) && enrolled.contains(ClusterChecks.name(pod))) {
          found.add(Code.SIDECAR, "Pod " + ClusterChecks.name(pod), "container " + name);
        }
      }
    }
  }

  /** The API server's admission gives every other pod an account. */
  private static void staticPods(Facts facts, Sink found) throws NotThereException {
    Set<String> enrolled = enrolled(facts);
    for (JsonNode pod : ClusterChecks.items(facts, "pods")) {
      JsonNode mirror = pod.path("metadata").path("annotations").path(MeshKey.STATIC_POD_UID.key());
      if (!mirror.isMissingNode() && enrolled.contains(ClusterChecks.name(pod))) {
        found.add(
            Code.POD_NO_ACCOUNT,
            "Pod " + ClusterChecks.name(pod),
            "it is the mirror of static pod " + mirror.asText());
      }
    }
  }

  private static void labels(Facts facts, Sink found) throws NotThereException {
    for (JsonNode namespace : ClusterChecks.items(facts, "namespaces")) {
      boolean ours =
          Set.of("enabled", "yes", "true")
              .contains(ClusterChecks.label(namespace, "sluice.io/mesh"));
      for (String key : INJECTION) {
        String label = ClusterChecks.label(namespace, key);
        String word =
            label.isEmpty()
                ? namespace.path("metadata").path("annotations").path(key).asText()
                : label;
        if (ours && !word.isEmpty() && !word.equals("disabled") && !word.equals("none")) {
          found.add(
              Code.INJECTION_LABEL,
              "Namespace " + ClusterChecks.name(namespace),
              key + ": " + word);
        }
      }
    }
  }

  private static void definitions(Facts facts, Sink found) throws NotThereException {
    Set<String> others = new TreeSet<>();
    for (JsonNode definition : ClusterChecks.items(facts, "definitions")) {
      String name = ClusterChecks.name(definition);
      GROUPS.stream().filter(name::endsWith).forEach(group -> others.add(group.substring(1)));
    }
    if (!others.isEmpty()) {
      found.add(Code.OTHER_MESH, "cluster", "definitions of " + others);
    }
  }

  private static void policies(Facts facts, Sink found) throws NotThereException {
    Set<String> namespaces =
        enrolled(facts).stream()
            .map(pod -> pod.substring(0, pod.indexOf('/')))
            .collect(Collectors.toSet());
    for (JsonNode policy : ClusterChecks.items(facts, "networkPolicies")) {
      String namespace = policy.path("metadata").path("namespace").asText();
      if (namespaces.contains(namespace) && namesPortsWithoutOurs(policy.path("spec"))) {
        found.add(
            Code.NETWORK_POLICY,
            "NetworkPolicy " + ClusterChecks.name(policy),
            "its ingress names ports, and not " + MeshPorts.HBONE);
      }
    }
  }

  private static boolean namesPortsWithoutOurs(JsonNode spec) {
    boolean names = false;
    for (JsonNode rule : spec.path("ingress")) {
      JsonNode ports = rule.path("ports");
      if (ports.isEmpty()) {
        return false; // the rule is for every port
      }
      for (JsonNode port : ports) {
        int first = port.path("port").asInt();
        int last = port.path("endPort").asInt(first);
        if (first <= MeshPorts.HBONE && MeshPorts.HBONE <= last) {
          return false;
        }
        names = true;
      }
    }
    return names;
  }
}
