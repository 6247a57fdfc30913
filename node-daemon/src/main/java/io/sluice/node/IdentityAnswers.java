package io.sluice.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.node.enrolment.PodState;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.identity.CertificateStatus;
import io.sluice.node.identity.IdentityStatus;
import io.sluice.node.identity.NodeIdentities;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the debug commands show of certificates. */
final class IdentityAnswers {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final String NONE = "-";
  private static final String NO_ACCOUNT =
      "the pod has no service account, as static pods have none; 'sluice control status' says what"
          + " to do";
  private static final String NO_CONTROLLER =
      "this node has no controller and so no certificates; start it with --control";

  private final Optional<NodeIdentities> identities;

  IdentityAnswers(Optional<NodeIdentities> identities) {
    this.identities = identities;
  }

  /** Every certificate with the pods that use it. */
  void certificates(List<PodStatus> pods, Consumer<JsonNode> out) {
    NodeIdentities present =
        identities.orElseThrow(() -> new IllegalArgumentException(NO_CONTROLLER));
    present.certificates().forEach(one -> out.accept(certificate(one, pods)));
  }

  /** Why a pod's identity, where the registry knows it, has no certificate. */
  String whyMissing(Optional<SpiffeId> identity) {
    if (identities.isEmpty()) {
      return NO_CONTROLLER;
    }
    if (identity.filter(SpiffeId::isNobody).isPresent()) {
      return NO_ACCOUNT;
    }
    return identity
        .map(identities.get()::whyMissing)
        .orElse("the registry does not know the pod any more");
  }

  private static ObjectNode certificate(CertificateStatus one, List<PodStatus> pods) {
    ObjectNode node = JSON.objectNode();
    node.put("identity", one.identity().toString());
    node.put("holder", SystemIdentity.isSystem(one.identity()) ? "node" : "workload");
    node.put("state", one.state().label());
    Optional<CertificateStatus.Facts> facts = one.facts();
    node.put("serial", facts.map(CertificateStatus.Facts::serial).orElse(NONE));
    node.put("notBefore", text(facts.map(CertificateStatus.Facts::notBefore).orElse(null)));
    node.put("notAfter", text(facts.map(CertificateStatus.Facts::notAfter).orElse(null)));
    node.put("renewAt", text(facts.map(CertificateStatus.Facts::renewAt).orElse(null)));
    node.put("issuer", facts.map(CertificateStatus.Facts::issuer).orElse(NONE));
    node.put("chainLength", facts.map(CertificateStatus.Facts::chainLength).orElse(0));
    node.put("rootId", facts.map(CertificateStatus.Facts::rootId).orElse(NONE));
    ArrayNode users = node.putArray("pods");
    pods.stream()
        .filter(pod -> pod.state() != PodState.OUTSIDE)
        .filter(pod -> one.identity().isOfAccountIn(pod.identity()))
        .forEach(pod -> users.add(pod.name().toString()));
    node.put("problem", one.problem());
    return node;
  }

  /** Why what is in force is not of the mesh of whoever answers as its controller. */
  Optional<String> estrangement() {
    return identities
        .flatMap(NodeIdentities::estrangement)
        .map(why ->
            "what is in force is of a mesh that whoever answers as the controller does not know: "
                + why
                + "; where the controller is a new one, put a new join token into the file, or in"
                + " Kubernetes see `control status` on the ConfigMap of the roots");
  }

  /** Adds how identity stands to the answer of `node status`. */
  void describe(ObjectNode status) {
    if (identities.isEmpty()) {
      status.put("identity", "off");
      return;
    }
    IdentityStatus present = identities.get().status();
    status.put("identity", sentence(present));
    status.put("controller", present.controller());
    status.put("controllerConnected", present.connected());
    Instant contact = present.lastContactOrNull();
    status.put(
        "controllerLastContactSeconds",
        contact == null ? -1 : Math.max(0, Duration.between(contact, Instant.now()).toSeconds()));
    status.put("identityFailingSince", text(present.failingSinceOrNull()));
    status.put("identityFailure", present.failure().isEmpty() ? NONE : present.failure());
    status.put("certificatesValid", present.valid());
    status.put("certificatesExpired", present.expired());
    status.put("certificatesMissing", present.missing());
    status.put("trustDomain", String.valueOf(present.trustDomainOrNull()));
    status.put("trustBundleGeneration", present.bundleGeneration());
    status.put("trustBundleRoots", String.join(",", present.rootIds()));
    status.put(
        "trustBundleFederated",
        present.federated().isEmpty() ? NONE : String.join(",", present.federated()));
    status.put(
        "trustBundleProblem", present.bundleProblem().isEmpty() ? NONE : present.bundleProblem());
    status.put(
        "identityStoreProblem", present.storeProblem().isEmpty() ? NONE : present.storeProblem());
  }

  private static String sentence(IdentityStatus status) {
    Instant now = Instant.now();
    return status
        .validUntil()
        .map(end -> (end.isBefore(now) ? "expired since " : "valid until ") + text(end))
        .orElse("not admitted yet");
  }

  private static String text(@Nullable Instant instant) {
    return instant == null ? NONE : instant.truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
