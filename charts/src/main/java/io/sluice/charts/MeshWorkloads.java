package io.sluice.charts;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What of an installed mesh runs in a cluster: its controller and its nodes' daemons. Waits poll,
 * in the calling thread.
 *
 * @param client the caller's, who closes it
 */
record MeshWorkloads(KubernetesClient client, String namespace, String release) {
  private static final Duration PAUSE = Duration.ofMillis(500);
  private static final Map<String, String> PRIVILEGED =
      Map.of("pod-security.kubernetes.io/enforce", "privileged");
  static final String NAME = "app.kubernetes.io/name";
  static final String INSTANCE = "app.kubernetes.io/instance";
  private static final String DAEMON_SET = "DaemonSet ";
  private static final String COMPONENT = "app.kubernetes.io/component";

  /** Makes the namespace, or labels the one that is there: daemons need more than most pods. */
  void prepareNamespace() {
    Namespace there = client.namespaces().withName(namespace).get();
    if (there == null) {
      Namespace made =
          new NamespaceBuilder()
              .withNewMetadata()
              .withName(namespace)
              .withLabels(PRIVILEGED)
              .endMetadata()
              .build();
      client.resource(made).create();
    } else if (!labels(there).entrySet().containsAll(PRIVILEGED.entrySet())) {
      client
          .namespaces()
          .withName(namespace)
          .edit(old ->
              new NamespaceBuilder(old)
                  .editMetadata()
                  .addToLabels(PRIVILEGED)
                  .endMetadata()
                  .build());
    }
  }

  /** Another mesh's daemons, as NAMESPACE/NAME: two meshes cannot share a node. */
  Optional<String> otherMesh() {
    return client
        .apps()
        .daemonSets()
        .inAnyNamespace()
        .withLabels(Map.of(NAME, "sluice", COMPONENT, "node"))
        .list()
        .getItems()
        .stream()
        .filter(each ->
            !each.getMetadata().getNamespace().equals(namespace)
                || !release.equals(labels(each).get(INSTANCE)))
        .map(each -> each.getMetadata().getNamespace() + "/" + each.getMetadata().getName())
        .findFirst();
  }

  /** Waits for the controller, then for the nodes if they have roots to start with. */
  boolean await(Duration timeout) {
    awaitUntil(
        "the controller",
        timeout,
        () -> {
          List<String> waiting = waitingFor(deployments(), MeshWorkloads::isReady);
          return waiting.isEmpty() ? waiting : withClaims(waiting);
        });
    boolean canStart =
        daemonSets().stream().flatMap(each -> configMaps(each).stream()).allMatch(this::isThere);
    if (canStart) {
      awaitNodes(timeout);
    }
    return canStart;
  }

  private List<String> withClaims(List<String> waiting) {
    List<String> told = new ArrayList<>(waiting);
    told.addAll(new StateClaim(client, namespace, release).problems());
    return told;
  }

  /** Waits until every node runs what its DaemonSet says. */
  void awaitNodes(Duration timeout) {
    awaitUntil("the nodes", timeout, () -> waitingFor(daemonSets(), MeshWorkloads::isReady));
  }

  /** Waits until no controller of the release runs any more. */
  void awaitEndOfController(Duration timeout) {
    awaitUntil(
        "the end of the controller",
        timeout,
        () ->
            client
                .pods()
                .inNamespace(namespace)
                .withLabels(Map.of(INSTANCE, release, COMPONENT, "controller"))
                .list()
                .getItems()
                .stream()
                .map(each -> "Pod " + each.getMetadata().getName())
                .toList());
  }

  /** Whether nodes' daemons are there. */
  boolean hasNodes() {
    return !daemonSets().isEmpty();
  }

  private static <T extends HasMetadata> List<String> waitingFor(
      List<T> objects, Predicate<T> isReady) {
    if (objects.isEmpty()) {
      return List.of("none is there yet");
    }
    return objects.stream()
        .filter(isReady.negate())
        .map(each -> each.getKind() + " " + each.getMetadata().getName())
        .toList();
  }

  private void awaitUntil(String what, Duration timeout, Supplier<List<String>> waiting) {
    long end = System.nanoTime() + timeout.toNanos();
    List<String> last = waiting.get();
    while (!last.isEmpty()) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException(
            "%s: not ready after %d s (%s); see kubectl -n %s describe pods%s, or wait longer with"
                    .formatted(
                        what,
                        timeout.toSeconds(),
                        String.join(", ", last),
                        namespace,
                        nodesOwnWord(last))
                + " --timeout");
      }
      try {
        Thread.sleep(PAUSE);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for " + what, e);
      }
      last = waiting.get();
    }
  }

  /** Where to ask a node why: one that runs may be in force for another mesh. */
  private String nodesOwnWord(List<String> waitingFor) {
    return waitingFor.stream()
        .filter(each -> each.startsWith(DAEMON_SET))
        .map(each ->
            ", and missing of kubectl -n %s exec daemonset/%s -- sluice node status"
                .formatted(namespace, each.substring(DAEMON_SET.length())))
        .findFirst()
        .orElse("");
  }

  private static boolean isReady(Deployment deployment) {
    var status = deployment.getStatus();
    int wanted = deployment.getSpec().getReplicas();
    return status != null
        && isSeen(deployment, status.getObservedGeneration())
        && number(status.getUpdatedReplicas()) == wanted
        && number(status.getAvailableReplicas()) >= wanted;
  }

  private static boolean isReady(DaemonSet daemonSet) {
    var status = daemonSet.getStatus();
    if (status == null || !isSeen(daemonSet, status.getObservedGeneration())) {
      return false;
    }
    int wanted = number(status.getDesiredNumberScheduled());
    return number(status.getUpdatedNumberScheduled()) == wanted
        && number(status.getNumberReady()) == wanted;
  }

  private static boolean isSeen(HasMetadata object, @Nullable Long seen) {
    Long generation = object.getMetadata().getGeneration();
    return generation == null || (seen != null && seen >= generation);
  }

  private static int number(@Nullable Integer value) {
    return value == null ? 0 : value;
  }

  private static List<String> configMaps(DaemonSet daemonSet) {
    return daemonSet.getSpec().getTemplate().getSpec().getVolumes().stream()
        .filter(volume -> volume.getConfigMap() != null)
        .map(volume -> volume.getConfigMap().getName())
        .toList();
  }

  private boolean isThere(String configMap) {
    return client.configMaps().inNamespace(namespace).withName(configMap).get() != null;
  }

  private List<Deployment> deployments() {
    return client
        .apps()
        .deployments()
        .inNamespace(namespace)
        .withLabels(Map.of(INSTANCE, release, COMPONENT, "controller"))
        .list()
        .getItems();
  }

  private List<DaemonSet> daemonSets() {
    return client
        .apps()
        .daemonSets()
        .inNamespace(namespace)
        .withLabels(Map.of(INSTANCE, release, COMPONENT, "node"))
        .list()
        .getItems();
  }

  /** None where the object has none. */
  static Map<String, String> labels(HasMetadata object) {
    return Objects.requireNonNullElse(object.getMetadata().getLabels(), Map.of());
  }
}
