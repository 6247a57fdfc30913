package io.sluice.node;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.PodStatus.PodState;
import io.sluice.node.enrolment.PodStatus.Protection;
import io.sluice.node.identity.CertificateStatus;
import io.sluice.node.identity.CertificateStatus.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * How a node is, in a sentence for people. Readiness is another matter: a daemon that does all it
 * can is ready, though a pod is in a state that nobody wants.
 */
final class NodeVerdict {
  /** Fields of the status that say what is wrong, where anything is, and what that is of. */
  private static final Map<String, String> TROUBLES =
      Map.of(
          "timeProblem", "the wall clock is not believed",
          "snapshotProblem", "nothing newer is known of the mesh",
          "snapshotStoreProblem", "what is known of the mesh is not on disk",
          "identityFailure", "certificates cannot be asked for",
          "identityStoreProblem", "keys are not kept",
          "trustBundleProblem", "the mesh's newest roots are not used",
          "cniProblems", "the CNI plugin is not as it should be");

  private NodeVerdict() {}

  /**
   * {@code ok}, or what is not, and where to look.
   *
   * @param status the other fields of {@code node status}
   * @param registry what is found in it; warnings alone leave the node well, and are told
   * @param certificates of this node; none where the mesh has no mutual TLS
   * @param needsCertificates whether pods are to have any
   */
  static String of(
      ObjectNode status,
      RegistryFindings registry,
      List<PodStatus> pods,
      List<CertificateStatus> certificates,
      boolean needsCertificates) {
    List<String> wrong = new ArrayList<>();
    addPods(wrong, pods, pod -> pod.protection() == Protection.REFUSED, "refused", "pods");
    Predicate<PodStatus> isOpen = pod -> pod.protection() == Protection.NOT_PROTECTED;
    Predicate<PodStatus> isPending = pod -> pod.state() == PodState.PENDING;
    addPods(wrong, pods, isOpen.and(isPending), "not enrolled yet", "pods");
    addPods(wrong, pods, isOpen.and(isPending.negate()), "not protected", "pods");
    if (needsCertificates) {
      addPods(
          wrong,
          pods,
          pod -> !hasCertificate(pod, certificates),
          "without certificate",
          "certificates");
    }
    if (!registry.problems().isEmpty()) {
      wrong.add(inRegistry(registry.problems(), "problem") + "registryProblems");
    }
    if (!status.path("refusedChange").isEmpty()) {
      wrong.add("a change of the controller cannot be used, see refusedChange");
    }
    TROUBLES.keySet().stream()
        .sorted()
        .filter(field -> isSaid(status, field))
        .forEach(field -> wrong.add(TROUBLES.get(field) + ", see " + field));
    if (!status.path("ready").asBoolean()) {
      return "not ready: " + status.path("missing").asText();
    }
    if (!wrong.isEmpty()) {
      return "degraded: " + String.join("; ", wrong);
    }
    return registry.warnings().isEmpty()
        ? "ok"
        : "ok, "
            + inRegistry(registry.warnings(), "warning")
            + "registryWarnings of `sluice node status`";
  }

  private static String inRegistry(List<?> found, String what) {
    return found.size() + " " + what + (found.size() == 1 ? "" : "s") + " in the registry, see ";
  }

  private static boolean isSaid(ObjectNode status, String field) {
    String said = status.path(field).asText();
    return !said.isEmpty() && !said.equals("-");
  }

  private static void addPods(
      List<String> wrong,
      List<PodStatus> pods,
      Predicate<PodStatus> isMeant,
      String what,
      String command) {
    List<PodStatus> own = pods.stream().filter(pod -> pod.state() != PodState.OUTSIDE).toList();
    long meant = own.stream().filter(isMeant).count();
    if (meant > 0) {
      wrong.add(
          meant + " of " + own.size() + " pods " + what + ", see `sluice node " + command + "`");
    }
  }

  private static boolean hasCertificate(PodStatus pod, List<CertificateStatus> certificates) {
    return certificates.stream()
        .anyMatch(
            one -> one.state() == State.VALID && one.identity().isOfAccountIn(pod.identity()));
  }
}
