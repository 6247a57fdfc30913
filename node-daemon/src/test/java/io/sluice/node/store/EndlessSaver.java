package io.sluice.node.store;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.Samples;
import java.nio.file.Path;
import java.time.Instant;
import java.util.stream.IntStream;

/**
 * A program that saves one snapshot after another until it is killed, and prints the revision of
 * each when it is durable. Arguments: directory, first revision.
 */
final class EndlessSaver {
  private static final int MOST_PODS = 50;

  private EndlessSaver() {}

  public static void main(String[] arguments) throws Exception {
    SlotFiles files = new SlotFiles(Path.of(arguments[0]));
    files.read(envelope -> envelope);
    for (long revision = Long.parseLong(arguments[1]); ; revision++) {
      Stored stored = new Stored(snapshot(revision), Instant.EPOCH, MeshMark.UNKNOWN);
      files.write(SnapshotFormat.write(files.nextSequence(), stored));
      System.out.println(revision);
    }
  }

  /** Another one for each revision, of sizes that differ. */
  static MeshSnapshot snapshot(long revision) {
    return Samples.snapshot(
        revision,
        IntStream.rangeClosed(0, (int) (revision * 31 % MOST_PODS))
            .mapToObj(i -> new NamespacedName("shop", "pod-" + revision + "-" + i))
            .toArray(NamespacedName[]::new));
  }
}
