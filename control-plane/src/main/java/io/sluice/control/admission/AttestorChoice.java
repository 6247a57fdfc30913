package io.sluice.control.admission;

import io.sluice.control.admission.AdmissionException.Reason;
import io.sluice.control.admission.TokenReviewAttestor.NodeAccount;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import java.security.PublicKey;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Join tokens, and the service account tokens of a cluster where the site has one: the form of a
 * token tells which is meant. Any thread; blocks as the attestors do.
 */
public final class AttestorChoice implements NodeAttestor, AutoCloseable {
  /** Of one request; a node that waits longer tries again by itself. */
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(5);

  private final JoinTokens joinTokens;
  private final @Nullable KubernetesApi cluster;
  private final @Nullable NodeAttestor byAccount;

  private AttestorChoice(
      JoinTokens joinTokens, @Nullable KubernetesApi cluster, @Nullable NodeAttestor byAccount) {
    this.joinTokens = joinTokens;
    this.cluster = cluster;
    this.byAccount = byAccount;
  }

  /**
   * Asks nobody yet.
   *
   * @param accountOrNull null where the site admits by join tokens only
   * @throws AdmissionException where the files for access to the cluster cannot be used
   */
  public static AttestorChoice of(JoinTokens joinTokens, @Nullable NodeAccount accountOrNull) {
    if (accountOrNull == null) {
      return new AttestorChoice(joinTokens, null, null);
    }
    try {
      KubernetesApi cluster = new KubernetesApi(accountOrNull.cluster(), REQUEST_TIMEOUT);
      return new AttestorChoice(
          joinTokens, cluster, new TokenReviewAttestor(cluster, accountOrNull.account()));
    } catch (KubernetesApiException e) {
      throw new AdmissionException(
          Reason.BACKEND_UNREACHABLE,
          String.valueOf(e.getMessage()),
          "correct --kubeconfig, or run as a pod with a service account",
          e);
    }
  }

  @Override
  public AdmittedNode admit(String token, String claimedName, PublicKey key) {
    return attestor(token).admit(token, claimedName, key);
  }

  private NodeAttestor attestor(String token) {
    if (JoinTokens.isOne(token)) {
      return joinTokens;
    }
    if (byAccount == null) {
      throw new AdmissionException(
          Reason.MALFORMED,
          "this is no join token, and the controller admits by nothing else",
          "make one with 'sluice control token', or start the controller with --node-account");
    }
    return byAccount;
  }

  @Override
  public void close() {
    if (cluster != null) {
      cluster.close();
    }
  }
}
