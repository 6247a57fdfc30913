package io.sluice.mesh;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * UID of a Pod, by which the kubelet names the pod's cgroup: a UUID, or the MD5 sum of the manifest
 * for a static pod. Kept in lower case.
 */
public record PodUid(String text) {
  private static final Pattern UUID =
      Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");

  private static final Pattern CONFIG_HASH = Pattern.compile("[0-9a-f]{32}");

  public PodUid {
    text = text.toLowerCase(Locale.ROOT);
    if (!isUid(text)) {
      throw new IllegalArgumentException("'" + text + "' is not the UID of a Pod");
    }
  }

  /** The UID that {@code text} is, if it is one. */
  public static Optional<PodUid> find(String text) {
    return isUid(text.toLowerCase(Locale.ROOT)) ? Optional.of(new PodUid(text)) : Optional.empty();
  }

  /** Whether this is the UID that the kubelet makes for a static pod. */
  public boolean isOfStaticPod() {
    return CONFIG_HASH.matcher(text).matches();
  }

  private static boolean isUid(String text) {
    return UUID.matcher(text).matches() || CONFIG_HASH.matcher(text).matches();
  }

  @Override
  public String toString() {
    return text;
  }
}
