package io.sluice.benchmarks;

/**
 * What a mesh between two nodes has configured beside what lets its requests pass.
 *
 * @param id of the figures
 * @param label what it is, behind "with"
 * @param flags of the MeshConfig
 * @param traffic further fields of its {@code spec.traffic}, each behind a comma
 * @param observability fields of its {@code spec.observability}
 * @param objects further YAML
 * @param namespace annotations of the namespace
 * @param service annotations of the service
 * @param affinity {@code sessionAffinity} of the service
 */
record Means(
    String id,
    String label,
    String flags,
    String traffic,
    String observability,
    String objects,
    String namespace,
    String service,
    String affinity) {
  static final Means NOTHING = called("", "nothing");

  /** Nothing yet but its name. */
  static Means called(String id, String label) {
    return new Means(id, label, "", "", "", "", "", "", "None");
  }

  Means flags(String yaml) {
    return new Means(
        id, label, yaml, traffic, observability, objects, namespace, service, affinity);
  }

  Means traffic(String yaml) {
    return new Means(id, label, flags, yaml, observability, objects, namespace, service, affinity);
  }

  Means observability(String yaml) {
    return new Means(id, label, flags, traffic, yaml, objects, namespace, service, affinity);
  }

  Means objects(String yaml) {
    return new Means(id, label, flags, traffic, observability, yaml, namespace, service, affinity);
  }

  Means namespace(String annotations) {
    return new Means(
        id, label, flags, traffic, observability, objects, annotations, service, affinity);
  }

  Means service(String annotations, String affinity) {
    return new Means(
        id, label, flags, traffic, observability, objects, namespace, annotations, affinity);
  }
}
