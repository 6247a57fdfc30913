package io.sluice.charts;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Objects of a rendered chart. */
record Objects(List<HasMetadata> all) {
  Objects {
    all = List.copyOf(all);
  }

  <T extends HasMetadata> List<T> of(Class<T> kind) {
    return all.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** The one of this kind with a name that ends so. */
  <T extends HasMetadata> T one(Class<T> kind, String suffix) {
    List<T> found =
        of(kind).stream().filter(each -> each.getMetadata().getName().endsWith(suffix)).toList();
    if (found.size() != 1) {
      throw new AssertionError(
          found.size() + " objects " + kind.getSimpleName() + " *" + suffix + " in " + names());
    }
    return found.getFirst();
  }

  boolean has(Class<? extends HasMetadata> kind) {
    return all.stream().anyMatch(kind::isInstance);
  }

  /** {@code Kind/name} of each, sorted. */
  List<String> names() {
    return all.stream()
        .map(each -> each.getKind() + "/" + each.getMetadata().getName())
        .sorted()
        .toList();
  }

  DaemonSet daemonSet() {
    return one(DaemonSet.class, "-node");
  }

  PodSpec nodePod() {
    return daemonSet().getSpec().getTemplate().getSpec();
  }

  Container node() {
    return nodePod().getContainers().getFirst();
  }

  Deployment deployment() {
    return one(Deployment.class, "-controller");
  }

  PodSpec controllerPod() {
    return deployment().getSpec().getTemplate().getSpec();
  }

  Container controller() {
    return controllerPod().getContainers().getFirst();
  }

  /** What {@code --authority-file} says. */
  Map<String, Object> authority() {
    Map<String, String> files = one(ConfigMap.class, "-authority").getData();
    return Yaml.read(files.getOrDefault("authority.yaml", ""));
  }

  /** A section of the MeshConfig. */
  Map<String, Object> meshConfig(String section) {
    GenericKubernetesResource config =
        of(GenericKubernetesResource.class).stream()
            .filter(each -> each.getKind().equals("MeshConfig"))
            .findFirst()
            .orElseThrow();
    return Yaml.mapping(Yaml.mapping(config.getAdditionalProperties().get("spec")).get(section));
  }

  /** Every pod, whatever makes it. */
  List<PodSpec> pods() {
    return Stream.concat(
            Stream.concat(
                Stream.of(nodePod()),
                of(Deployment.class).stream().map(each -> each.getSpec().getTemplate().getSpec())),
            of(Pod.class).stream().map(Pod::getSpec))
        .toList();
  }

  /** Every container of every pod. */
  List<Container> containers() {
    return pods().stream()
        .flatMap(
            pod -> Stream.concat(pod.getInitContainers().stream(), pod.getContainers().stream()))
        .toList();
  }
}
