package io.sluice.containers;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The pod of a DaemonSet or Deployment, every field of which was understood.
 *
 * @param name of the DaemonSet or Deployment
 * @param hostNetwork whether it has the node's network; else one of its own
 * @param hostPid whether it sees the node's processes
 * @param ownGroup group that its volumes and processes have too; empty: none
 * @param hasAccount whether it has a token of the API server
 * @param graceSeconds time between SIGTERM and SIGKILL
 * @param initContainers run one after the other, to their end
 * @param container the one that stays
 * @param volumes as the manifest has them
 */
record PodSpec(
    String name,
    boolean hostNetwork,
    boolean hostPid,
    String ownGroup,
    boolean hasAccount,
    int graceSeconds,
    List<ContainerSpec> initContainers,
    ContainerSpec container,
    List<JsonNode> volumes) {

  /** The pod that a DaemonSet or Deployment makes on a node. */
  static PodSpec of(JsonNode owner, String nodeName) {
    String name = owner.at("/metadata/name").asText();
    try (Fields pod = new Fields(name, owner.at("/spec/template/spec"))) {
      // Scheduling, and what an API server checks or a scheduler does.
      pod.pass(
          "serviceAccountName",
          "priorityClassName",
          "nodeSelector",
          "tolerations",
          "dnsPolicy",
          "imagePullSecrets");
      String user;
      String group;
      try (Fields context = pod.object("securityContext")) {
        context.pass("runAsNonRoot", "fsGroupChangePolicy");
        ContainerReader.readProfiles(context);
        user = context.text("runAsUser");
        String ownGroup = context.text("runAsGroup");
        user = ownGroup.isEmpty() ? user : user + ":" + ownGroup;
        group = context.text("fsGroup");
      }
      ContainerReader reader = new ContainerReader(nodeName, user);
      List<ContainerSpec> containers = pod.each("containers", reader::read);
      if (containers.size() != 1) {
        throw new AssertionError(name + " has " + containers.size() + " containers, not one");
      }
      return new PodSpec(
          name,
          pod.take("hostNetwork").asBoolean(false),
          pod.take("hostPID").asBoolean(false),
          group,
          pod.take("automountServiceAccountToken").asBoolean(true),
          pod.take("terminationGracePeriodSeconds").asInt(30),
          pod.each("initContainers", reader::read),
          containers.getFirst(),
          pod.each("volumes", Fields::all));
    }
  }

  /** The same with its containers changed. */
  PodSpec with(UnaryOperator<ContainerSpec> change) {
    return new PodSpec(
        name,
        hostNetwork,
        hostPid,
        ownGroup,
        hasAccount,
        graceSeconds,
        initContainers.stream().map(change).toList(),
        change.apply(container),
        volumes);
  }
}
