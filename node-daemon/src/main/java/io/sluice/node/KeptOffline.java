package io.sluice.node;

import io.sluice.linux.process.KernelClock;
import io.sluice.node.identity.OfflineReport;
import io.sluice.node.identity.store.CredentialStore;
import io.sluice.node.store.SnapshotStore;
import io.sluice.node.store.Stored;
import io.sluice.process.SiteClock;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Until when a node whose daemon does not run would live alone, by what it has on its disk. */
public final class KeptOffline {
  private KeptOffline() {}

  /**
   * Reads a state folder; changes nothing in it.
   *
   * @param sealKeyOrNull with which certificates are sealed; null for the usual one
   */
  public static OfflineReport read(Path state, @Nullable Path sealKeyOrNull) {
    Path identity = NodeSettings.identity(state);
    SiteClock clock = SiteClock.open(state, KernelClock::isKept);
    Path sealKey = sealKeyOrNull == null ? CredentialStore.usualKeyFile(identity) : sealKeyOrNull;
    Optional<Instant> savedAt =
        SnapshotStore.read(NodeSettings.snapshots(state)).map(Stored::savedAt);
    return OfflineReport.ofKept(identity, sealKey, SourceInUse.snapshotEnd(savedAt, ""), clock);
  }
}
