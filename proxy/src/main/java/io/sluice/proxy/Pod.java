package io.sluice.proxy;

import io.sluice.mesh.NamespacedName;
import java.util.concurrent.atomic.AtomicInteger;

/** Limits and counters of one served pod, shared by the event loops. */
final class Pod {
  final NamespacedName name;
  final AtomicInteger live = new AtomicInteger();
  final AtomicInteger listeners = new AtomicInteger();
  final BufferBudget budget;
  final ReadSizes readSizes;

  /** Set when everything of the pod is to be reset; never unset. */
  volatile boolean gone;

  Pod(NamespacedName name, ProxySettings settings, BufferBudget all) {
    this.name = name;
    this.budget = new BufferBudget(settings.maxBufferedBytesPerPod(), all);
    this.readSizes = new ReadSizes(settings.maxReadBytes(), budget);
  }
}
