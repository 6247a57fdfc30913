package io.sluice.control;

import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.control.lease.LeaseTimes;
import io.sluice.control.objects.Rfc1123;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What makes a controller one of several of a cluster.
 *
 * @param access to the cluster's API server, to write
 * @param name by which people know it apart from the others: up to 63 letters, digits, dots and
 *     dashes
 * @param times of the Lease
 * @param rootsConfigMapOrNull ConfigMap of its namespace that it keeps the mesh's roots in; null
 *     where others do
 */
public record ReplicaSettings(
    KubernetesAccess access, String name, LeaseTimes times, @Nullable String rootsConfigMapOrNull) {
  private static final Pattern NAME =
      Pattern.compile("[A-Za-z0-9]([-A-Za-z0-9.]{0,61}[A-Za-z0-9])?");

  public ReplicaSettings {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "'"
              + name
              + "' names no replica; write up to 63 letters, digits, dots and dashes, such as the"
              + " name of its pod");
    }
    if (rootsConfigMapOrNull != null && !Rfc1123.isSubdomain(rootsConfigMapOrNull)) {
      throw new IllegalArgumentException(
          "'" + rootsConfigMapOrNull + "' names no ConfigMap; " + Rfc1123.MEND);
    }
  }
}
