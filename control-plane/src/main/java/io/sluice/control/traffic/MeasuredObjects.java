package io.sluice.control.traffic;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.traffic.TrafficApi.Asked;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.Workload;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The objects that are asked for, as the API server has them, and which of the mesh's pods are
 * theirs.
 *
 * @param api not closed here
 */
record MeasuredObjects(KubernetesApi api, MeshSnapshot snapshot, Asked asked) {
  /** That one answer may have; whoever wants more asks by namespace, or by labels. */
  static final int MOST = 2_000;

  private static final int PAGE = 500;
  private static final String LESS = "; ask by namespace or labelSelector";

  /** The one that is asked for. */
  JsonNode one() throws UnknownTrafficException {
    String path = asked.kind().path(asked.namespace()) + "/" + asked.name();
    return (asked.kind() == MeasuredKind.TRAFFIC_SPLIT
            ? api.find(path) // of which more than metadata counts
            : api.findMetadata(path))
        .orElseThrow(this::notFound);
  }

  UnknownTrafficException notFound() {
    return new UnknownTrafficException(
        404,
        "NotFound",
        "there is no %s %s, or not in the mesh".formatted(asked.kind().kind(), asked.name()));
  }

  /** All that are asked for, and have these labels. */
  List<JsonNode> all(String labels) throws UnknownTrafficException {
    return listed(asked.kind(), labels);
  }

  private List<JsonNode> listed(MeasuredKind kind, String labels) throws UnknownTrafficException {
    List<JsonNode> all = new ArrayList<>();
    String path =
        kind.path(asked.namespace())
            + "?limit="
            + PAGE
            + (labels.isEmpty() ? "" : "&labelSelector=" + encoded(labels));
    String next = "";
    do {
      String page = next.isEmpty() ? path : path + "&continue=" + encoded(next);
      JsonNode list = kind == MeasuredKind.TRAFFIC_SPLIT ? api.get(page) : api.listMetadata(page);
      list.path("items").forEach(all::add);
      next = list.path("metadata").path("continue").asText();
      if (all.size() > MOST) {
        throw new UnknownTrafficException(
            413,
            "RequestEntityTooLarge",
            "there are more than " + MOST + (kind == asked.kind() ? LESS : lessPods()));
      }
    } while (!next.isEmpty());
    return all;
  }

  /** Labels that are asked for are the workload's: all pods of its namespace are read for it. */
  private String lessPods() {
    return asked.namespace().isEmpty()
        ? " pods; ask by namespace"
        : " pods in " + asked.namespace() + "; ask for these themselves, by labelSelector";
  }

  /** What {@link #pods} knows an object by. */
  String key(JsonNode object) {
    JsonNode metadata = object.path("metadata");
    return asked.kind().isNamespaced()
        ? metadata.path("namespace").asText() + "/" + metadata.path("name").asText()
        : metadata.path("name").asText();
  }

  /** Pods of the mesh by the objects that have them. */
  Map<String, List<Workload>> pods() throws UnknownTrafficException {
    Map<String, List<Workload>> pods = new HashMap<>();
    Stream<Workload> measured =
        snapshot.workloads().stream()
            .filter(MeasuredObjects::isMeasured)
            .filter(pod -> isInQuestion(pod.name()));
    switch (asked.kind()) {
      case NAMESPACE -> measured.forEach(pod -> add(pods, pod.name().namespace(), pod));
      case NODE -> measured.forEach(pod -> pod.nodeName().ifPresent(node -> add(pods, node, pod)));
      case POD -> measured.forEach(pod -> add(pods, pod.name().toString(), pod));
      case SERVICE ->
          snapshot.services().stream()
              .filter(service -> isInQuestion(service.name()))
              .forEach(service ->
                  endpoints(service).forEach(pod -> add(pods, service.name().toString(), pod)));
      case REPLICATION_CONTROLLER, DAEMON_SET, DEPLOYMENT, REPLICA_SET, STATEFUL_SET, JOB -> {
        for (JsonNode pod : listed(MeasuredKind.POD, "")) {
          JsonNode metadata = pod.path("metadata");
          String namespace = metadata.path("namespace").asText();
          Optional<Workload> known =
              snapshot
                  .workload(new NamespacedName(namespace, metadata.path("name").asText()))
                  .filter(MeasuredObjects::isMeasured);
          if (known.isPresent()) {
            owner(metadata).ifPresent(owner -> add(pods, namespace + "/" + owner, known.get()));
          }
        }
      }
      case TRAFFIC_SPLIT -> {} // has none
    }
    return pods;
  }

  private static void add(Map<String, List<Workload>> pods, String key, Workload pod) {
    pods.computeIfAbsent(key, _ -> new ArrayList<>()).add(pod);
  }

  static boolean isMeasured(Workload pod) {
    return pod.enrolled() && pod.connections().measured();
  }

  private boolean isInQuestion(NamespacedName name) {
    return asked.namespace().isEmpty() || asked.namespace().equals(name.namespace());
  }

  /** In its namespace: who may write there may write any address into its EndpointSlices. */
  private Set<Workload> endpoints(Service service) {
    Set<Workload> pods = new LinkedHashSet<>();
    service
        .ports()
        .forEach(port ->
            port.endpoints()
                .forEach(endpoint ->
                    snapshot
                        .workloadAt(endpoint.address().getAddress())
                        .filter(MeasuredObjects::isMeasured)
                        .filter(pod -> pod.name().namespace().equals(service.name().namespace()))
                        .ifPresent(pods::add)));
    return pods;
  }

  /** Of a Deployment its ReplicaSet has the name, and a word that is a label of the pod too. */
  private Optional<String> owner(JsonNode metadata) {
    for (JsonNode owner : metadata.path("ownerReferences")) {
      if (owner.path("controller").asBoolean()) {
        String kind = owner.path("kind").asText();
        String name = owner.path("name").asText();
        String template = "-" + metadata.at("/labels/pod-template-hash").asText();
        if (kind.equals(asked.kind().kind())) {
          return Optional.of(name);
        } else if (asked.kind() == MeasuredKind.DEPLOYMENT
            && kind.equals(MeasuredKind.REPLICA_SET.kind())
            && template.length() > 1
            && name.endsWith(template)) {
          return Optional.of(name.substring(0, name.length() - template.length()));
        }
      }
    }
    return Optional.empty();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
