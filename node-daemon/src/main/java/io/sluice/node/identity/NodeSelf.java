package io.sluice.node.identity;

import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SvidRefused;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControlFailure.Reason;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.identity.control.ControllerTrust;
import io.sluice.node.identity.store.KeptNode;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.TrustRoots;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the node is: its own certificate and the trust bundle, and whether they have to be got anew.
 * Changed by the keeper's thread alone; what is volatile is read by any.
 */
final class NodeSelf {
  private static final System.Logger LOG = System.getLogger(NodeSelf.class.getName());

  private final ControllerClient controller;
  private volatile @Nullable KeptNode known;
  private volatile @Nullable Trouble trouble;
  private volatile String bundleProblem = "";
  private long renewDueNanos;
  private boolean refused;
  private @Nullable ControlFailure disbelief;
  private volatile Consumer<List<String>> replaced = former -> {};

  NodeSelf(ControllerClient controller) {
    this.controller = controller;
  }

  Optional<KeptNode> known() {
    return Optional.ofNullable(known);
  }

  Optional<Trouble> trouble() {
    return Optional.ofNullable(trouble);
  }

  String bundleProblem() {
    return bundleProblem;
  }

  Optional<TrustRoots> roots() {
    return known().map(KeptNode::roots);
  }

  /** Has {@code listener} told the ids of the former roots when none of them counts any more. */
  void onReplacedRoots(Consumer<List<String>> listener) {
    replaced = listener;
  }

  /**
   * Why whoever answers is not believed, where that has not been tried to mend yet by an admission.
   */
  Optional<ControlFailure> disbelief() {
    return Optional.ofNullable(disbelief);
  }

  /** Whoever answers is not believed; null when he is, or when an admission has not mended it. */
  void believesNot(@Nullable ControlFailure failure) {
    disbelief = failure;
  }

  /** Whether there is no certificate to call the controller with. */
  boolean needsAdmission(Instant now) {
    KeptNode node = known;
    return refused || node == null || now.isAfter(node.credential().end());
  }

  /**
   * By either clock, since the wall clock may jump; and where the mesh issues certificates in
   * another trust domain now.
   */
  boolean isRenewalDue(Instant now, long nowNanos) {
    KeptNode node = known;
    return node != null
        && (!node.credential().identity().trustDomain().equals(node.roots().trustDomain())
            || !now.isBefore(node.credential().renewAt())
            || nowNanos - renewDueNanos >= 0);
  }

  /** Its certificate is due to be asked for. */
  void renewNow(long nowNanos) {
    renewDueNanos = nowNanos;
  }

  /** Goes by what an earlier daemon kept, without writing it again. */
  void restore(KeptNode node, Instant now, long nowNanos) {
    adopt(node, now, nowNanos);
  }

  /**
   * The controller has admitted this node; its bundle counts, whatever was trusted before. What it
   * does not tell of other meshes is known from before only where it is the same mesh, by a root.
   */
  void admitted(KeptNode admitted, Instant now, long nowNanos) {
    List<X509Certificate> former = roots().map(TrustRoots::roots).orElse(List.of());
    KeptNode node =
        roots()
            .filter(before -> admitted.roots().shares(before.roots()))
            .map(before ->
                new KeptNode(
                    admitted.credential(), admitted.roots().after(before), admitted.usedToken()))
            .orElse(admitted);
    adopt(node, now, nowNanos);
    bundleProblem = "";
    disbelief = null;
    if (!former.isEmpty() && !node.roots().shares(former)) {
      List<String> ids = former.stream().map(Certificates::id).toList();
      LOG.log(
          System.Logger.Level.WARNING,
          "node_admitted_anew former_roots=" + ids + " bundle=\"" + node.roots() + "\"");
      replaced.accept(ids);
    }
    LOG.log(
        System.Logger.Level.INFO,
        "node_admitted certificate=\"" + node.credential() + "\" bundle=\"" + node.roots() + "\"");
  }

  void renewed(Credential credential, Instant now, long nowNanos) {
    KeptNode before = known().orElseThrow();
    adopt(new KeptNode(credential, before.roots(), before.usedToken()), now, nowNanos);
  }

  private void adopt(KeptNode node, Instant now, long nowNanos) {
    known = node;
    trouble = null;
    refused = false;
    renewDueNanos =
        nowNanos + Math.max(0, Duration.between(now, node.credential().renewAt()).toNanos());
    present(node);
  }

  private void present(KeptNode node) {
    controller.present(
        node.credential(), ControllerTrust.byRoots(node.roots().roots(), node.roots().domains()));
  }

  void failed(ControlFailure failure, Instant now) {
    Trouble before = trouble;
    trouble = Trouble.after(before, failure, now);
    if (before == null || before.latest().reason() != failure.reason()) {
      LOG.log(System.Logger.Level.WARNING, "node_certificate_failed " + failure.getMessage());
    }
    if (failure.reason() == Reason.NO_TOKEN) {
      refused = false; // then the certificate that was refused is all there is to try with
    }
  }

  /**
   * Draws the conclusions of a failure that concerns all requests. Whether it says that this node
   * and whoever answers do not know one another; a wrong clock makes nobody a stranger.
   */
  boolean isEstrangedBy(ControlFailure failure) {
    boolean isEstranged =
        switch (failure.reason()) {
          case UNAUTHENTICATED -> {
            refused = true; // the present certificate is not taken
            yield true;
          }
          case UNTRUSTED_CONTROLLER -> {
            believesNot(failure);
            yield true;
          }
          case UNREACHABLE,
              REPLACED,
              ENDED,
              TIMEOUT,
              NO_TOKEN,
              AUTHORITY_UNAVAILABLE,
              OVERLOADED,
              PERMISSION_DENIED,
              REFUSED,
              BAD_ANSWER,
              CLOCK,
              INTERNAL ->
              false;
        };
    return isEstranged
        && !(failure.getCause() instanceof SvidRefused met && met.reason().isOfTime());
  }

  /**
   * Takes a bundle that the controller sent over the authenticated connection; empty when it is
   * refused or says nothing new. A lower generation of the same roots is of another controller,
   * which may count by its own clock; what it says of other meshes has no number of its own and
   * counts, since it has read the registry: to go on believing one that was taken away is worse
   * than to hear of one again, until the next word, from a controller that lags behind.
   */
  Optional<KeptNode> follow(TrustRoots sent) {
    KeptNode node = known().orElseThrow();
    TrustRoots present = node.roots();
    TrustRoots next = sent.after(present);
    String problem = "";
    if (Collections.disjoint(next.domains(), present.domains())) {
      problem = "it is of another trust domain than " + present.trustDomain();
    } else if (next.generation() < present.generation() && !next.roots().equals(present.roots())) {
      problem = "it is older than generation " + present.generation() + ", which is in use";
    } else if (!next.shares(present.roots())) {
      problem =
          "it has none of the roots in use, "
              + present.roots().stream().map(Certificates::id).toList()
              + "; if the authority was replaced without a rotation, admit this node again";
    }
    if (!problem.isEmpty()) {
      problem = "trust bundle " + next + " is refused: " + problem;
      if (!problem.equals(bundleProblem)) {
        LOG.log(System.Logger.Level.ERROR, "trust_bundle_refused " + problem);
      }
      bundleProblem = problem;
      return Optional.empty();
    }
    bundleProblem = "";
    if (next.generation() < present.generation()) {
      next = present.with(next.federated());
    }
    if (next.equals(present)) {
      return Optional.empty();
    }
    KeptNode changed = new KeptNode(node.credential(), next, node.usedToken());
    known = changed;
    present(changed);
    LOG.log(System.Logger.Level.INFO, "trust_bundle_changed bundle=\"" + next + "\"");
    return Optional.of(changed);
  }
}
