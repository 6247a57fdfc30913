package io.sluice.node.store;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Notes what a store tells. */
final class FaultLog implements StoreListener {
  private final List<StoreFault> faults = new CopyOnWriteArrayList<>();

  @Override
  public void failed(StoreFault fault, String problem) {
    faults.add(fault);
  }

  List<StoreFault> faults() {
    return List.copyOf(faults);
  }
}
