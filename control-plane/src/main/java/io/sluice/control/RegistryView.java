package io.sluice.control;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SnapshotSource;

/** The newest snapshot of a registry. Any thread; never blocks but in {@link #close}. */
final class RegistryView implements AutoCloseable {
  private final SnapshotSource source;
  private volatile MeshSnapshot newest = MeshSnapshot.EMPTY;
  private volatile Runnable listener = () -> {};

  private RegistryView(SnapshotSource source) {
    this.source = source;
  }

  /** Starts {@code source}, and owns it. */
  static RegistryView of(SnapshotSource source) {
    RegistryView view = new RegistryView(source);
    source.start(snapshot -> {
      view.newest = snapshot;
      view.listener.run();
    });
    return view;
  }

  /** Calls {@code next} after every later snapshot, on the source's thread. */
  void listen(Runnable next) {
    listener = next;
  }

  MeshSnapshot newest() {
    return newest;
  }

  /** Whether it tells of every pod of a node. */
  boolean tellsOfEveryPod() {
    return source.tellsOfEveryPod();
  }

  @Override
  public void close() {
    source.close();
  }
}
