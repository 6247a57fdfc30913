package io.sluice.node.interception;

import io.sluice.iptables.CountedVerdict;
import io.sluice.iptables.PodRedirection;
import io.sluice.iptables.PodTraffic;
import io.sluice.iptables.RulesProof;
import io.sluice.iptables.RulesetGeneration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The rules of a pod whose listeners are open. Whenever they are known to be whole, a proof of it
 * is left with the pod's record, by which the next daemon takes them as they are. Counts are read
 * on any thread, the rest is for one.
 */
final class RulesInForce implements AutoCloseable {
  private final EnrolledRecords records;
  private final PodRedirection redirection;
  private final RulesetGeneration generation;
  private PodPlacement pod;
  private String wanted = "";
  private OptionalInt intactAt = OptionalInt.empty();

  /** Writes nothing yet; owns what it is given but {@code records}. */
  RulesInForce(
      EnrolledRecords records,
      PodRedirection redirection,
      RulesetGeneration generation,
      PodPlacement pod) {
    this.records = records;
    this.redirection = redirection;
    this.generation = generation;
    this.pod = pod;
  }

  /**
   * Makes the rules those of {@code traffic}. Rules that an earlier daemon left for the same
   * traffic and that nobody has changed stay as they are: writing one pod's anew takes some
   * processes.
   */
  void begin(PodTraffic traffic) {
    Optional<RulesProof> proof =
        records.read(pod.cookie()).flatMap(EnrolledRecords.Enrolled::proof);
    OptionalInt now = generation.current();
    wanted = redirection.digest(traffic);
    if (proof.isPresent()
        && now.isPresent()
        && proof.get().generation() == now.getAsInt()
        && proof.get().wanted().equals(wanted)) {
      redirection.adopt(traffic, proof.get().present());
      intactAt = now;
      records.write(pod.name(), pod.path(), pod.cookie(), proof);
    } else {
      records.write(pod.name(), pod.path(), pod.cookie(), Optional.empty());
      apply(traffic);
    }
  }

  /** Makes the rules those of {@code traffic}, of the same pod as it is now. */
  void update(PodPlacement present, PodTraffic traffic) {
    pod = present;
    wanted = redirection.digest(traffic);
    apply(traffic);
  }

  /** Rules that were all written anew, and read back, need no second look. */
  private void apply(PodTraffic traffic) {
    intactAt = OptionalInt.empty();
    OptionalInt[] writtenAt = {OptionalInt.empty()};
    redirection.apply(traffic, () -> writtenAt[0] = generation.current());
    if (redirection.isNftables()) {
      foundIntact(writtenAt[0]);
    }
  }

  /** Asks the kernel for a number, and runs programs only when it has changed. */
  boolean isIntact() {
    OptionalInt now = redirection.isNftables() ? generation.current() : OptionalInt.empty();
    if (now.isPresent() && now.equals(intactAt)) {
      return true;
    }
    boolean intact = redirection.isIntact();
    foundIntact(intact ? now : OptionalInt.empty());
    return intact;
  }

  private void foundIntact(OptionalInt at) {
    intactAt = at;
    Optional<String> present = at.isPresent() ? redirection.presentDigest() : Optional.empty();
    present.ifPresent(digest ->
        records.write(
            pod.name(),
            pod.path(),
            pod.cookie(),
            Optional.of(new RulesProof(at.getAsInt(), wanted, digest))));
  }

  List<CountedVerdict> verdicts() {
    return redirection.verdicts();
  }

  void remove() {
    redirection.remove();
  }

  /** Leaves the rules in place. */
  @Override
  public void close() {
    redirection.close();
    generation.close();
  }
}
