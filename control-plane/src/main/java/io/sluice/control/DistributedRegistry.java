package io.sluice.control;

import io.sluice.control.distribution.Distribution;

/** Hands what the registry has to the nodes. Any thread; never blocks. */
record DistributedRegistry(RegistryView registry, Distribution distribution) {
  /** Begins, with what the registry has now. */
  void start() {
    registry.listen(this::publish);
    publish();
  }

  private void publish() {
    distribution.publish(registry.newest(), registry.isComplete());
  }

  /** What nobody tells of: whether the registry is complete, and whose certificate has ended. */
  void look() {
    publish();
    distribution.endThoseWithoutProof();
  }
}
