package io.sluice.node.distribution;

import java.util.concurrent.atomic.AtomicLong;

/** Counts what the controller sends, since the daemon started. Any thread. */
public final class FollowTraffic {
  private final AtomicLong taken = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();
  private final AtomicLong bytes = new AtomicLong();

  FollowTraffic() {}

  void taken() {
    taken.incrementAndGet();
  }

  void refused() {
    refused.incrementAndGet();
  }

  void received(int messageBytes) {
    bytes.addAndGet(messageBytes);
  }

  /** Changes that were put in force; also those that say only that nothing is different. */
  public long changesTaken() {
    return taken.get();
  }

  /** Changes that could not be used. */
  public long changesRefused() {
    return refused.get();
  }

  /** Of messages with parts of changes, before TLS. */
  public long bytesReceived() {
    return bytes.get();
  }
}
