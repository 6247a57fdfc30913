package io.sluice.control.registry;

import io.sluice.control.manifest.Problem;
import java.util.List;

/**
 * What a source has found since its previous batch.
 *
 * @param changes at most one for each name
 * @param sourceProblems why the source, or a part of it, cannot be read now; empty when it can
 * @param origins the files of a folder; of the Kubernetes API, the objects that cannot be used
 * @param complete whether everything was read, so that what is missing does not exist
 */
public record ObjectBatch(
    List<ObjectChange> changes,
    List<Problem> sourceProblems,
    List<OriginStatus> origins,
    boolean complete) {
  public ObjectBatch {
    changes = List.copyOf(changes);
    sourceProblems = List.copyOf(sourceProblems);
    origins = List.copyOf(origins);
  }
}
