package io.sluice.control.traffic;

import io.sluice.control.objects.ReadableKind;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** What traffic is told of: the resources that the specification lists. */
enum MeasuredKind {
  NAMESPACE("v1", "Namespace", false),
  NODE("v1", "Node", false),
  POD("v1", "Pod", true),
  REPLICATION_CONTROLLER("v1", "ReplicationController", true),
  SERVICE("v1", "Service", true),
  DAEMON_SET("apps/v1", "DaemonSet", true),
  DEPLOYMENT("apps/v1", "Deployment", true),
  REPLICA_SET("apps/v1", "ReplicaSet", true),
  STATEFUL_SET("apps/v1", "StatefulSet", true),
  JOB("batch/v1", "Job", true),
  TRAFFIC_SPLIT(
      ReadableKind.TRAFFIC_SPLIT.group() + "/" + ReadableKind.TRAFFIC_SPLIT.versions().getFirst(),
      "TrafficSplit",
      true);

  private final String version;
  private final String kind;
  private final boolean isNamespaced;

  MeasuredKind(String version, String kind, boolean isNamespaced) {
    this.version = version;
    this.kind = kind;
    this.isNamespaced = isNamespaced;
  }

  static Optional<MeasuredKind> ofResource(String resource) {
    return Stream.of(values()).filter(each -> each.resource().equals(resource)).findFirst();
  }

  /** Group and version by which its objects are read. */
  String version() {
    return version;
  }

  String kind() {
    return kind;
  }

  /** As paths have it. */
  String resource() {
    return kind.toLowerCase(Locale.ROOT) + "s";
  }

  boolean isNamespaced() {
    return isNamespaced;
  }

  /** Path of its objects at an API server; of all namespaces where that is empty. */
  String path(String namespace) {
    return (version.contains("/") ? "/apis/" : "/api/")
        + version
        + (namespace.isEmpty() ? "" : "/namespaces/" + namespace)
        + "/"
        + resource();
  }
}
