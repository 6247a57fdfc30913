package io.sluice.chaos;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.fault.FaultPoint;
import io.sluice.node.store.SnapshotFormat;
import io.sluice.node.store.SnapshotStore;
import io.sluice.node.store.Stored;
import io.sluice.node.store.UnusableSnapshotException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.IntSupplier;

/** A node, whichever process it is at the moment, and what it must never lose. For one thread. */
final class NodeLife implements AutoCloseable {
  private static final Duration DUMP_PATIENCE = Duration.ofSeconds(3);

  private final Path home;
  private final String name;
  private final FaultyLink link;
  private final ChildJvm process;
  private final ConcurrentLinkedQueue<String> problems = new ConcurrentLinkedQueue<>();
  private long durable;

  /**
   * Starts nothing.
   *
   * @param parent where the node gets a directory of its name
   * @param controllerPort the far end of its link
   */
  NodeLife(Path parent, String name, IntSupplier controllerPort) {
    this.name = name;
    this.link = new FaultyLink(controllerPort);
    try {
      this.home = Files.createDirectories(parent.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make a directory in " + parent, e);
    }
    this.process = new ChildJvm(home, NodeProgram.class, this::heard);
  }

  private void heard(String line) {
    if (line.startsWith(NodeProgram.FAULT)) {
      problems.add(name + " says: " + line);
    }
  }

  String name() {
    return name;
  }

  FaultyLink link() {
    return link;
  }

  ChildJvm process() {
    return process;
  }

  void giveToken(String token) {
    try {
      Files.writeString(home.resolve(NodeProgram.TOKEN), token);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot give " + name + " its token", e);
    }
  }

  void start() {
    process.start(List.of(), arguments());
  }

  /** Starts it so that it dies in the middle of a save. */
  void startToDieAt(FaultPoint point) {
    process.start(
        List.of("-Dsluice.halt-at=" + point.name().toLowerCase(Locale.ROOT)), arguments());
  }

  private List<String> arguments() {
    return List.of(home.toString(), name, "127.0.0.1:" + link.port());
  }

  /** SIGKILL, and a look at what it leaves. */
  void kill() {
    process.kill();
    lookAtDisk();
  }

  /** What was durable once is never lost, whenever the node dies. */
  private void lookAtDisk() {
    long now = onDisk().map(snapshot -> snapshot.revision()).orElse(0L);
    if (now < durable) {
      problems.add(name + " had revision " + durable + " on its disk, and now has " + now);
    }
    durable = now;
  }

  /** The newest snapshot that its next start would find. */
  Optional<MeshSnapshot> onDisk() {
    List<String> faults = new ArrayList<>();
    try (SnapshotStore store =
        SnapshotStore.open(
            home.resolve(NodeProgram.SNAPSHOT), (fault, problem) -> faults.add(problem))) {
      Optional<MeshSnapshot> found = store.load().map(Stored::snapshot);
      faults.forEach(fault -> problems.add(name + " leaves on its disk: " + fault));
      return found;
    }
  }

  /** What it decides by; empty where it does not answer, or has nothing yet. */
  Optional<MeshSnapshot> inForce() {
    return process
        .dump(DUMP_PATIENCE)
        .filter(bytes -> bytes.length > 0)
        .map(bytes -> {
          try {
            return SnapshotFormat.read(bytes).snapshot();
          } catch (UnusableSnapshotException e) {
            throw new IllegalStateException(name + " holds what cannot be read", e);
          }
        });
  }

  /** What must not be, since the last call. */
  List<String> takeProblems() {
    List<String> taken = new ArrayList<>();
    for (String next = problems.poll(); next != null; next = problems.poll()) {
      taken.add(next);
    }
    return taken;
  }

  @Override
  public void close() {
    process.kill();
    link.close();
  }
}
