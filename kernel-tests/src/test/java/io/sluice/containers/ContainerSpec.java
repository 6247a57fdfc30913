package io.sluice.containers;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A container of a pod as a manifest has it, every field of which was understood.
 *
 * @param name within the pod
 * @param image with its tag
 * @param command in place of the image's entry point; empty: that
 * @param args with {@code $(VARIABLE)} replaced
 * @param environment by name
 * @param mounts volumes by where they are mounted
 * @param security what it may do
 * @param memoryBytes its limit
 * @param cpus its limit
 * @param startup has to succeed before the other probes count
 * @param readiness has to succeed before the container counts as ready
 */
record ContainerSpec(
    String name,
    String image,
    List<String> command,
    List<String> args,
    Map<String, String> environment,
    List<VolumeMount> mounts,
    Security security,
    long memoryBytes,
    double cpus,
    Optional<Probe> startup,
    Optional<Probe> readiness) {

  /** A volume's place in a container; {@code followsNode}: later mounts of the node appear too. */
  record VolumeMount(String volume, String path, boolean readOnly, boolean followsNode) {}

  /**
   * A securityContext, the pod's where the container has none.
   *
   * @param user and group, as Docker writes them; empty: the image's
   * @param added capabilities beyond none, without {@code CAP_}
   * @param readOnlyRoot whether the image's files cannot be written
   * @param mayGainPrivileges false: no_new_privs
   */
  record Security(
      String user, List<String> added, boolean readOnlyRoot, boolean mayGainPrivileges) {}

  /**
   * A probe by HTTP, or by a command where there is one; times in seconds.
   *
   * @param command run in the container, succeeds with 0; empty: HTTP
   * @param path and {@code port} of the pod, answer 200
   */
  record Probe(
      List<String> command, String path, int port, int period, int timeout, int failureThreshold) {}

  /** The same without a capability. */
  ContainerSpec without(String capability) {
    List<String> left = security.added.stream().filter(one -> !one.equals(capability)).toList();
    Security less =
        new Security(security.user, left, security.readOnlyRoot, security.mayGainPrivileges);
    return new ContainerSpec(
        name,
        image,
        command,
        args,
        environment,
        mounts,
        less,
        memoryBytes,
        cpus,
        startup,
        readiness);
  }
}
