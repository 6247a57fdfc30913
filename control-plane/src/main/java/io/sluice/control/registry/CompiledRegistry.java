package io.sluice.control.registry;

import io.sluice.control.compile.Compilation;
import io.sluice.control.compile.Compiler;
import io.sluice.control.compile.Objects;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectRef;
import io.sluice.mesh.MeshSnapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Compiles what a source delivers, whichever it is, and delivers a snapshot where its content
 * differs from that of the one before.
 */
public final class CompiledRegistry implements Registry {
  private final ObjectSource source;
  private final Consumer<RegistryStatus> statusListener;
  private final Map<ObjectRef, List<KubernetesObject>> objects = new TreeMap<>();
  private volatile RegistryStatus status = RegistryStatus.EMPTY;
  private volatile boolean complete;
  private @Nullable Compilation compiled;
  private @Nullable MeshSnapshot delivered;

  /**
   * Starts nothing.
   *
   * @param source owned
   * @param statusListener called with each changed status, after the snapshot that goes with it was
   *     delivered, on the thread that delivered it
   */
  public CompiledRegistry(ObjectSource source, Consumer<RegistryStatus> statusListener) {
    this.source = source;
    this.statusListener = statusListener;
  }

  @Override
  public boolean isComplete() {
    return complete;
  }

  @Override
  public RegistryStatus status() {
    return status;
  }

  @Override
  public void start(Consumer<MeshSnapshot> consumer) {
    source.start(batch -> take(batch, consumer));
  }

  @Override
  public void close() {
    source.close();
  }

  private void take(ObjectBatch batch, Consumer<MeshSnapshot> consumer) {
    for (ObjectChange change : batch.changes()) {
      if (change.objects().isEmpty()) {
        objects.remove(change.ref());
      } else {
        objects.put(change.ref(), change.objects());
      }
      compiled = null;
    }
    MeshSnapshot before = delivered;
    Compilation compilation = compiled;
    if (compilation == null) {
      compilation = compile(before == null ? 1 : before.revision() + 1);
      compiled = compilation;
    }
    // Not a moment too early: what a broken file may hide must not be taken for removed.
    if (!batch.complete()) {
      complete = false;
    }
    if (before == null || !compilation.snapshot().hasSameContentAs(before)) {
      consumer.accept(compilation.snapshot());
      before = compilation.snapshot();
      delivered = before;
    }
    complete = batch.complete();
    publish(
        new RegistryStatus(
            before.revision(), batch.sourceProblems(), batch.origins(), compilation.statuses()));
  }

  private Compilation compile(long revision) {
    List<KubernetesObject> all = new ArrayList<>();
    objects.values().forEach(all::addAll);
    return Compiler.compile(revision, new Objects(all));
  }

  private void publish(RegistryStatus now) {
    if (!now.equals(status)) {
      status = now;
      statusListener.accept(now);
    }
  }
}
