package io.sluice.node.store;

/** Told of what is wrong with the store. Called on any thread; must not block. */
public interface StoreListener {
  /** Something is wrong, and was not at the time before; {@code problem} names path and mend. */
  void failed(StoreFault fault, String problem);
}
