package io.sluice.node;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.node.store.StoreStatus;
import io.sluice.node.store.StoredFirst;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/** What `node status` shows of where the snapshot in force comes from. */
final class SnapshotAnswers {
  private static final String NONE = "-";

  private final Optional<StoredFirst> source;

  /** Of a node that follows a controller; empty for one that reads its registry itself. */
  SnapshotAnswers(Optional<StoredFirst> source) {
    this.source = source;
  }

  void describe(ObjectNode status) {
    if (source.isEmpty()) {
      status.put("snapshotFrom", "registry");
      return;
    }
    StoredFirst present = source.get();
    StoreStatus store = present.storeStatus();
    Optional<Duration> age = present.age();
    status.put(
        "snapshotFrom", present.isStored() ? "disk" : age.isPresent() ? "controller" : "none yet");
    status.put("snapshotAgeSeconds", age.map(Duration::toSeconds).orElse(-1L));
    status.put(
        "snapshotSavedAt",
        store.savedAt().map(at -> at.truncatedTo(ChronoUnit.SECONDS).toString()).orElse(NONE));
    status.put("snapshotStoreProblem", store.problem().isEmpty() ? NONE : store.problem());
  }
}
