package io.sluice.chaos;

import io.sluice.mesh.MeshSnapshot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Whether everything comes to what it should be, once nothing changes or fails any more. */
final class Checkpoint {
  /** A node that failed often waits half a minute, and a busy machine starts a JVM in as long. */
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final ChaosSite site;
  private final ClusterChanges changes;
  private String last = "";

  Checkpoint(ChaosSite site, ClusterChanges changes) {
    this.site = site;
    this.changes = changes;
  }

  /**
   * How it ended.
   *
   * @param took until there was no difference
   * @param last the difference that went last
   * @param objects in the snapshot that was compared
   * @param differences those that were left; empty where all is as it should be
   */
  record Outcome(Duration took, String last, int objects, List<String> differences) {}

  /** Faults must have ended. */
  Outcome compare() {
    long began = System.nanoTime();
    last = "none";
    Reference broken = Reference.of(site.history.objects());
    // What was good before is only known to a controller that saw it: statuses have to agree all
    // the same, snapshots after every object can be read again.
    List<String> differences = new ArrayList<>(awaitNone(() -> unreadDifferences(broken)));
    changes.mend(broken.unread());
    // Likewise, who had first what two claim.
    changes.removeAll(Reference.of(site.history.objects()).contesting());
    Reference whole = Reference.of(site.history.objects());
    if (!whole.unread().isEmpty()) {
      throw new IllegalStateException("not mended: " + whole.unread());
    }
    differences.addAll(awaitNone(() -> allDifferences(whole)));
    site.nodes.forEach(node -> differences.addAll(node.takeProblems()));
    var snapshot = whole.compilation().snapshot();
    int objects =
        snapshot.workloads().size() + snapshot.services().size() + snapshot.permissions().size();
    return new Outcome(Duration.ofNanos(System.nanoTime() - began), last, objects, differences);
  }

  private interface Look {
    List<String> differences();
  }

  private List<String> awaitNone(Look look) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    List<String> differences = look.differences();
    while (!differences.isEmpty() && System.nanoTime() - end < 0) {
      last = differences.getFirst();
      LockSupport.parkNanos(PAUSE_NANOS);
      differences = look.differences();
    }
    return differences;
  }

  private List<String> unreadDifferences(Reference reference) {
    Optional<List<String>> lines = site.controller.statusLines();
    if (lines.isEmpty()) {
      return List.of("the controller does not answer");
    }
    return Differences.between(
        "controller",
        reference.statusLines().stream().filter(StatusLines::isOfReading).toList(),
        lines.get().stream().filter(StatusLines::isOfReading).toList());
  }

  private List<String> allDifferences(Reference reference) {
    Optional<List<String>> lines = site.controller.statusLines();
    if (lines.isEmpty()) {
      return List.of("the controller does not answer");
    }
    List<String> differences =
        new ArrayList<>(Differences.between("controller", reference.statusLines(), lines.get()));
    for (NodeLife node : site.nodes) {
      differences.addAll(differences(node, reference.toldTo(node.name())));
    }
    return differences;
  }

  private static List<String> differences(NodeLife node, MeshSnapshot expected) {
    Optional<MeshSnapshot> inForce = node.inForce();
    if (inForce.isEmpty()) {
      return List.of(node.name() + " does not answer");
    }
    List<String> differences = Differences.between(node.name(), expected, inForce.get());
    if (!differences.isEmpty()) {
      return differences; // what is not in force cannot be on the disk
    }
    String disk = node.name() + " on its disk";
    return node.onDisk()
        .map(found -> Differences.between(disk, expected, found))
        .orElse(List.of(disk + ": nothing"));
  }
}
