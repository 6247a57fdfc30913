package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.cli.check.Facts.Topic;
import io.sluice.control.objects.ReadableKind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.StreamSupport;

/** The mesh's own objects in a cluster, and its nodes. */
final class ClusterChecks {
  /** Definitions that the chart brings. */
  private static final List<String> DEFINITIONS =
      List.of(
          "meshconfigs.config.sluice.io",
          "traffictargets.access.smi-spec.io",
          "tcproutes.specs.smi-spec.io",
          "udproutes.specs.smi-spec.io",
          "httproutegroups.specs.smi-spec.io",
          "trafficsplits.split.smi-spec.io",
          "retries.policy.openservicemesh.io",
          "telemetries.policy.openservicemesh.io",
          "extensionservices.config.openservicemesh.io",
          "upstreamtrafficsettings.policy.openservicemesh.io",
          "ingressbackends.policy.openservicemesh.io",
          "accesscerts.policy.openservicemesh.io",
          "accesscontrols.policy.openservicemesh.io",
          "egresses.policy.openservicemesh.io",
          "isolations.policy.flomesh.io",
          "faultinjections.extension.gateway.flomesh.io");

  private static final String NAME = "app.kubernetes.io/name";
  private static final String COMPONENT = "app.kubernetes.io/component";

  /** A kubelet renews its Lease every 10 s. */
  private static final Duration CLOCKS_APART = Duration.ofMinutes(2);

  private ClusterChecks() {}

  static List<Check> all() {
    return List.of(
        new Check("version of Kubernetes", ClusterChecks::version),
        new Check("definitions", ClusterChecks::definitions),
        new Check("the mesh's workloads", ClusterChecks::workloads),
        new Check("the mesh's pods", ClusterChecks::pods),
        new Check("rights to install", ClusterChecks::rights),
        new Check("bindings", ClusterChecks::bindings),
        new Check("nodes of the cluster", ClusterChecks::nodes),
        new Check("clock of the cluster", ClusterChecks::clock),
        new Check("pod security", ClusterChecks::podSecurity),
        new Check("DNS of the cluster", ClusterChecks::names));
  }

  /** The objects of a kind. */
  static List<JsonNode> items(Facts facts, String kind) throws NotThereException {
    JsonNode items = ClusterFacts.of(facts.of(Topic.CLUSTER), kind).path("items");
    return StreamSupport.stream(items.spliterator(), false).toList();
  }

  static String name(JsonNode object) {
    JsonNode meta = object.path("metadata");
    String namespace = meta.path("namespace").asText();
    return (namespace.isEmpty() ? "" : namespace + "/") + meta.path("name").asText();
  }

  static String label(JsonNode object, String key) {
    return object.path("metadata").path("labels").path(key).asText();
  }

  static boolean isOurs(JsonNode object) {
    return label(object, NAME).equals("sluice");
  }

  /**
   * Namespaces that the mesh's own pods are in. Who may only make pods may label them so too, but
   * not bind a role of the whole cluster. Where no such binding is to be seen, pods in the node's
   * network tell, which a Pod Security Standard may keep others from.
   */
  static Set<String> releases(Facts facts) throws NotThereException {
    Set<String> namespaces = new TreeSet<>();
    try {
      items(facts, "clusterRoleBindings").stream()
          .filter(ClusterChecks::isOurs)
          .flatMap(binding -> binding.path("subjects").valueStream())
          .map(subject -> subject.path("namespace").asText())
          .filter(namespace -> !namespace.isEmpty())
          .forEach(namespaces::add);
    } catch (NotThereException e) {
      // Not everybody may read them.
    }
    if (namespaces.isEmpty()) {
      for (JsonNode pod : items(facts, "pods")) {
        if (isOurs(pod) && pod.path("spec").path("hostNetwork").asBoolean()) {
          namespaces.add(pod.path("metadata").path("namespace").asText());
        }
      }
    }
    return namespaces;
  }

  private static void version(Facts facts, Sink found) throws NotThereException {
    JsonNode version = ClusterFacts.of(facts.of(Topic.CLUSTER), "version");
    String text = version.path("gitVersion").asText();
    if (KernelChecks.isBefore(text.replaceFirst("^v", ""), 1, 25)) {
      found.add(Code.KUBERNETES_OLD, "API server", "it is " + text);
    }
  }

  private static boolean isInstalled(Facts facts) throws NotThereException {
    return items(facts, "deployments").stream().anyMatch(ClusterChecks::isOurs)
        || items(facts, "daemonSets").stream().anyMatch(ClusterChecks::isOurs);
  }

  private static void definitions(Facts facts, Sink found) throws NotThereException {
    if (isInstalled(facts)) {
      Map<String, JsonNode> there = new HashMap<>();
      items(facts, "definitions").forEach(each -> there.put(name(each), each));
      for (String definition : DEFINITIONS) {
        JsonNode one = there.get(definition);
        if (one == null) {
          found.add(Code.CRD_MISSING, definition, "the API server does not have it");
        } else {
          versions(definition, one, found);
        }
      }
    }
  }

  private static void versions(String definition, JsonNode one, Sink found) {
    Set<String> served = new TreeSet<>();
    for (JsonNode version : one.path("spec").path("versions")) {
      if (version.path("served").asBoolean(true)) {
        served.add(version.path("name").asText());
      }
    }
    for (ReadableKind kind : ReadableKind.values()) {
      if (!served.isEmpty()
          && definition.equals(kind.resource() + "." + kind.group())
          && kind.versions().stream().noneMatch(served::contains)) {
        found.add(
            Code.CRD_MISSING,
            definition,
            "it has the versions " + served + ", read are " + kind.versions());
      }
    }
  }

  private static void workloads(Facts facts, Sink found) throws NotThereException {
    if (!isInstalled(facts)) {
      if (!facts.isBefore()) {
        found.add(Code.MESH_ABSENT, "cluster", "no Deployment or DaemonSet has the name sluice");
      }
      return;
    }
    Set<String> controllers = new TreeSet<>();
    for (JsonNode deployment : items(facts, "deployments")) {
      if (isOurs(deployment) && label(deployment, COMPONENT).equals("controller")) {
        controllers.add(name(deployment));
        int wanted = deployment.path("spec").path("replicas").asInt(1);
        int ready = deployment.path("status").path("readyReplicas").asInt();
        if (ready < wanted) {
          found.add(
              Code.CONTROLLER_UNREADY,
              "Deployment " + name(deployment),
              ready + " of " + wanted + " replicas are ready");
        }
      }
    }
    if (controllers.size() > 1) {
      found.add(Code.MESH_TWICE, "cluster", "controllers " + controllers);
    }
    for (JsonNode set : items(facts, "daemonSets")) {
      int wanted = set.path("status").path("desiredNumberScheduled").asInt();
      int ready = set.path("status").path("numberReady").asInt();
      if (isOurs(set) && ready < wanted) {
        found.add(
            Code.DAEMONS_UNREADY, "DaemonSet " + name(set), ready + " of " + wanted + " are ready");
      }
    }
  }

  private static void pods(Facts facts, Sink found) throws NotThereException {
    for (JsonNode pod : items(facts, "pods")) {
      if (isOurs(pod)) {
        for (JsonNode container : pod.path("status").path("containerStatuses")) {
          String reason = container.path("state").path("waiting").path("reason").asText();
          if (!reason.isEmpty() && !reason.equals("ContainerCreating")) {
            found.add(
                Code.POD_WAITS,
                "Pod " + name(pod),
                container.path("name").asText() + ": " + reason);
          }
        }
      }
    }
  }

  private static void rights(Facts facts, Sink found) throws NotThereException {
    for (JsonNode right : facts.of(Topic.CLUSTER).path("rights")) {
      if (!right.path("allowed").asBoolean()) {
        found.add(
            Code.RIGHT_MISSING,
            right.path("resource").asText(),
            "the verb " + right.path("verb").asText() + " is denied");
      }
    }
  }

  private static void bindings(Facts facts, Sink found) throws NotThereException {
    List<String> accounts =
        items(facts, "serviceAccounts").stream().map(ClusterChecks::name).toList();
    for (JsonNode binding : items(facts, "clusterRoleBindings")) {
      for (JsonNode subject : binding.path("subjects")) {
        String account = subject.path("namespace").asText() + "/" + subject.path("name").asText();
        if (isOurs(binding)
            && subject.path("kind").asText().equals("ServiceAccount")
            && !accounts.contains(account)) {
          found.add(Code.BINDING_DANGLES, "ClusterRoleBinding " + name(binding), account);
        }
      }
    }
  }

  private static void nodes(Facts facts, Sink found) throws NotThereException {
    for (JsonNode node : items(facts, "nodes")) {
      String subject = "Node " + name(node);
      List<String> pressures = new ArrayList<>();
      for (JsonNode condition : node.path("status").path("conditions")) {
        String type = condition.path("type").asText();
        String status = condition.path("status").asText();
        if (type.equals("Ready") && !status.equals("True")) {
          found.add(Code.NODE_UNREADY, subject, condition.path("message").asText());
        } else if (type.endsWith("Pressure") && status.equals("True")) {
          pressures.add(type);
        }
      }
      if (!pressures.isEmpty()) {
        found.add(Code.NODE_PRESSURE, subject, String.join(", ", pressures));
      }
      JsonNode info = node.path("status").path("nodeInfo");
      String kernel = info.path("kernelVersion").asText();
      String system = info.path("operatingSystem").asText("linux");
      String processor = info.path("architecture").asText("amd64");
      if (!system.equals("linux") || !Set.of("amd64", "arm64").contains(processor)) {
        found.add(Code.NODE_PLATFORM, subject, system + " on " + processor);
      } else if (KernelChecks.isBefore(kernel, 5, 10)) {
        found.add(Code.NODE_KERNEL, subject, "it is " + kernel);
      }
    }
  }

  private static void clock(Facts facts, Sink found) throws NotThereException {
    Instant newest = Instant.MIN;
    for (JsonNode lease : items(facts, "leases")) {
      String renewed = lease.path("spec").path("renewTime").asText();
      if (!renewed.isEmpty() && Instant.parse(renewed).isAfter(newest)) {
        newest = Instant.parse(renewed);
      }
    }
    if (!newest.equals(Instant.MIN)
        && Duration.between(newest, facts.now()).abs().compareTo(CLOCKS_APART) > 0) {
      found.add(
          Code.CLUSTER_CLOCK,
          "clock",
          "it is %s here, and the newest Lease of a kubelet is of %s"
              .formatted(facts.now(), newest));
    }
  }

  private static void podSecurity(Facts facts, Sink found) throws NotThereException {
    for (JsonNode set : items(facts, "daemonSets")) {
      for (JsonNode namespace : items(facts, "namespaces")) {
        String enforced = label(namespace, "pod-security.kubernetes.io/enforce");
        if (isOurs(set)
            && name(namespace).equals(set.path("metadata").path("namespace").asText())
            && Set.of("baseline", "restricted").contains(enforced)) {
          found.add(Code.POD_SECURITY, "Namespace " + name(namespace), "it enforces " + enforced);
        }
      }
    }
  }

  private static void names(Facts facts, Sink found) throws NotThereException {
    if (items(facts, "services").stream()
        .noneMatch(service -> label(service, "k8s-app").equals("kube-dns"))) {
      found.add(Code.NO_CLUSTER_DNS, "cluster", "no Service has the label k8s-app: kube-dns");
    }
  }
}
