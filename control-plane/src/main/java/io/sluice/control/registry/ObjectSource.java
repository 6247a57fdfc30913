package io.sluice.control.registry;

import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectRef;
import java.util.List;
import java.util.function.Consumer;

/**
 * Where a registry's objects come from.
 *
 * <p>The consumer is called once before {@link #start} returns, with everything that is known by
 * then, and afterwards on a thread of the source for each change, never concurrently. Where the
 * consumer throws, the source calls it again within seconds, with what is new by then: each change
 * is given once only.
 */
public interface ObjectSource extends AutoCloseable {
  /** Starts delivering; called once. */
  void start(Consumer<ObjectBatch> consumer);

  /**
   * The same with the line of its field, where objects are written in lines; asked while the
   * consumer is called.
   */
  default ObjectStatus located(ObjectStatus status) {
    return status;
  }

  /** Stops delivering; no call of the consumer is under way or follows when it returns. */
  @Override
  void close();

  /**
   * What a registry now holds under one name.
   *
   * @param ref the name
   * @param objects empty when it was removed; several when files of a folder repeat it: then the
   *     first one counts
   */
  record ObjectChange(ObjectRef ref, List<KubernetesObject> objects) {
    public ObjectChange {
      objects = List.copyOf(objects);
    }
  }

  /**
   * What a source has found since its previous batch.
   *
   * @param changes at most one for each name
   * @param sourceProblems why the source, or a part of it, cannot be read now; empty when it can
   * @param origins the files of a folder; of the Kubernetes API, the objects that cannot be used
   * @param complete whether everything was read, so that what is missing does not exist
   * @param everyConfig whether every MeshConfig was, now or in an earlier form; true where complete
   */
  record ObjectBatch(
      List<ObjectSource.ObjectChange> changes,
      List<Problem> sourceProblems,
      List<RegistryStatus.OriginStatus> origins,
      boolean complete,
      boolean everyConfig) {
    public ObjectBatch {
      changes = List.copyOf(changes);
      sourceProblems = List.copyOf(sourceProblems);
      origins = List.copyOf(origins);
    }
  }
}
