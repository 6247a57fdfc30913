package io.sluice.charts;

import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.storage.StorageClass;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The claim with the authority's keys: whether a cluster can fill it, and what becomes of one that
 * was never filled. Blocks; throws an {@link IllegalStateException} with the values that help.
 *
 * @param client the caller's, who closes it
 */
record StateClaim(KubernetesClient client, String namespace, String release) {
  private static final String KIND = "PersistentVolumeClaim";
  private static final List<String> DEFAULT =
      List.of(
          "storageclass.kubernetes.io/is-default-class",
          "storageclass.beta.kubernetes.io/is-default-class");
  private static final String ON_A_NODE =
      "keep the keys on one node by --set controller.state.type=hostPath"
          + " --set controller.nodeSelector.kubernetes\\.io/hostname=NODE";
  private static final Duration PAUSE = Duration.ofMillis(100);

  /**
   * Before a release is installed or changed: refuses a claim that nothing in the cluster would
   * fill. Changes nothing.
   *
   * @param objects what the chart makes
   */
  void requireFillable(List<PrintedObject> objects) {
    wanted(objects).filter(each -> isUnbound(existing(each))).ifPresent(this::requireStorage);
  }

  /**
   * Removes claims of the release that never got a volume, and so hold nothing, where the chart now
   * makes none or one of another class: a claim's class cannot be changed.
   */
  void removeUnfilled(List<PrintedObject> objects, Duration timeout) {
    String stays = wanted(objects).map(StateClaim::className).orElse(null);
    boolean isWanted = wanted(objects).isPresent();
    for (PersistentVolumeClaim claim : unfilled()) {
      if (!isWanted || !Objects.equals(stays, writtenClass(claim))) {
        client.resource(claim).delete();
        awaitEnd(claim.getMetadata().getName(), timeout);
      }
    }
  }

  /** What keeps the controller from starting, where it is this; each with what helps. */
  List<String> problems() {
    return unfilled().stream()
        .map(each ->
            "%s %s is not bound to a volume (see kubectl -n %s describe pvc; %s)"
                .formatted(KIND, each.getMetadata().getName(), namespace, mend()))
        .toList();
  }

  private static Optional<PersistentVolumeClaim> wanted(List<PrintedObject> objects) {
    return objects.stream()
        .filter(each -> each.kind().equals(KIND))
        .map(each ->
            new KubernetesSerialization().unmarshal(each.text(), PersistentVolumeClaim.class))
        .findFirst();
  }

  private @Nullable PersistentVolumeClaim existing(PersistentVolumeClaim wanted) {
    return client
        .persistentVolumeClaims()
        .inNamespace(namespace)
        .withName(wanted.getMetadata().getName())
        .get();
  }

  private List<PersistentVolumeClaim> unfilled() {
    return client
        .persistentVolumeClaims()
        .inNamespace(namespace)
        .withLabels(Map.of(MeshWorkloads.NAME, "sluice", MeshWorkloads.INSTANCE, release))
        .list()
        .getItems()
        .stream()
        .filter(StateClaim::isUnbound)
        .toList();
  }

  /** Also where there is none. */
  private static boolean isUnbound(@Nullable PersistentVolumeClaim claim) {
    String volume = claim == null ? null : claim.getSpec().getVolumeName();
    return volume == null || volume.isEmpty();
  }

  private static @Nullable String className(PersistentVolumeClaim claim) {
    return claim.getSpec().getStorageClassName();
  }

  /** As it was asked for: the API server fills in the default class, where there is one. */
  private @Nullable String writtenClass(PersistentVolumeClaim claim) {
    String name = className(claim);
    boolean isDefault =
        name != null
            && classes().stream()
                .anyMatch(each -> isDefault(each) && each.getMetadata().getName().equals(name));
    return isDefault ? null : name;
  }

  private void requireStorage(PersistentVolumeClaim claim) {
    String wanted = className(claim);
    List<StorageClass> classes;
    List<PersistentVolume> volumes;
    try {
      classes = classes();
      volumes = client.persistentVolumes().list().getItems();
    } catch (KubernetesClientException e) {
      if (e.getCode() == HttpURLConnection.HTTP_FORBIDDEN) {
        return; // who installs need not be allowed to look; --wait names the claim
      }
      throw e;
    }
    boolean isServed =
        classes.stream()
            .anyMatch(each ->
                wanted == null ? isDefault(each) : each.getMetadata().getName().equals(wanted));
    boolean isKept =
        volumes.stream()
            .anyMatch(each ->
                each.getSpec().getClaimRef() == null
                    && Objects.requireNonNullElse(each.getSpec().getStorageClassName(), "")
                        .equals(Objects.requireNonNullElse(wanted, "")));
    if (!isServed && !isKept) {
      throw new IllegalStateException(
          "%s %s would never be bound: %s; %s"
              .formatted(
                  KIND,
                  claim.getMetadata().getName(),
                  wanted == null
                      ? "no StorageClass is the cluster's default"
                      : "there is no StorageClass " + wanted,
                  mend()));
    }
  }

  private String mend() {
    List<String> names;
    try {
      names = classes().stream().map(each -> each.getMetadata().getName()).toList();
    } catch (KubernetesClientException e) {
      names = List.of("NAME");
    }
    return names.isEmpty()
        ? ON_A_NODE
        : "name a class by --set controller.state.storageClassName=%s, or %s"
            .formatted(String.join("|", names), ON_A_NODE);
  }

  private List<StorageClass> classes() {
    return client.storage().v1().storageClasses().list().getItems();
  }

  private static boolean isDefault(StorageClass each) {
    Map<String, String> annotations =
        Objects.requireNonNullElse(each.getMetadata().getAnnotations(), Map.of());
    return DEFAULT.stream().anyMatch(key -> "true".equals(annotations.get(key)));
  }

  private void awaitEnd(String name, Duration timeout) {
    long end = System.nanoTime() + timeout.toNanos();
    Supplier<@Nullable PersistentVolumeClaim> claim =
        () -> client.persistentVolumeClaims().inNamespace(namespace).withName(name).get();
    while (claim.get() != null) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException(
            "%s %s, which has no volume, was deleted and is still there after %d s; see what uses it: kubectl -n %s describe pvc %s"
                .formatted(KIND, name, timeout.toSeconds(), namespace, name));
      }
      try {
        Thread.sleep(PAUSE);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for the end of " + name, e);
      }
    }
  }
}
