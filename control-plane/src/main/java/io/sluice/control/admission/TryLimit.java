package io.sluice.control.admission;

import io.sluice.control.admission.AdmissionException.Reason;
import io.sluice.control.limit.Allowances;
import io.sluice.mesh.Cidr;
import java.net.InetAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.Supplier;

/**
 * How many wrong tokens may be tried, from one address and from all together. A token cannot be
 * guessed anyhow; this keeps those who try from filling log and disk queue. Successes cost nothing.
 * Any thread.
 */
public final class TryLimit {
  private static final int BURST_OF_ONE = 10;
  private static final Duration ONE_MORE_FOR_ONE = Duration.ofSeconds(6);
  private static final int BURST_OF_ALL = 300;
  private static final Duration ONE_MORE_FOR_ALL = Duration.ofMillis(200);
  private static final int MOST_REMOTES = 4_096;

  private final Allowances<Cidr> perRemote;
  private final Allowances<String> inTotal;

  /** Full allowances. */
  public TryLimit(InstantSource clock) {
    perRemote = new Allowances<>(BURST_OF_ONE, ONE_MORE_FOR_ONE, MOST_REMOTES, clock);
    inTotal = new Allowances<>(BURST_OF_ALL, ONE_MORE_FOR_ALL, 1, clock);
  }

  /**
   * Runs {@code attempt}, which costs the remote one try where it fails because of the token.
   *
   * @throws AdmissionException LIMITED where no try is left; {@code attempt} is not run then
   */
  public AdmittedNode run(InetAddress remote, Supplier<AdmittedNode> attempt) {
    Cidr key = Cidr.ofSource(remote);
    if (!perRemote.take(key)) {
      throw limited("too many wrong tokens from " + remote.getHostAddress());
    }
    if (!inTotal.take("")) {
      perRemote.giveBack(key);
      throw limited("too many wrong tokens from all addresses together");
    }
    boolean counts = true;
    try {
      AdmittedNode node = attempt.get();
      counts = false;
      return node;
    } catch (AdmissionException e) {
      counts = e.reason() != Reason.BACKEND_UNREACHABLE;
      throw e;
    } finally {
      if (!counts) {
        perRemote.giveBack(key);
        inTotal.giveBack("");
      }
    }
  }

  private static AdmissionException limited(String problem) {
    return new AdmissionException(
        Reason.LIMITED, problem, "wait a minute, and see whose token is wrong");
  }
}
