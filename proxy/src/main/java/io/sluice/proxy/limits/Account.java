package io.sluice.proxy.limits;

import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What one pod has used of the proxy since it is served, or all of them together. A socket is
 * charged to the pod of this node that began it, so also a call's socket to another pod of the
 * node; to the one that is called where the caller is elsewhere. Any thread, without locks.
 */
public final class Account {
  private static final AttributeKey<Account> KEY = AttributeKey.valueOf("sluice-account");

  private final LongAdder nanos = new LongAdder();
  private final LongAdder received = new LongAdder();
  private final LongAdder sent = new LongAdder();
  private final @Nullable Account total;

  /**
   * Nothing used yet.
   *
   * @param totalOrNull what is charged for as well
   */
  public Account(@Nullable Account totalOrNull) {
    this.total = totalOrNull;
  }

  /** Charges the socket of {@code channel} to this one; before it is registered. */
  public void own(Channel channel) {
    channel.attr(KEY).set(this);
  }

  /** Whom {@code channel} is charged to, or null. */
  public static @Nullable Account of(Channel channel) {
    return channel.hasAttr(KEY) ? channel.attr(KEY).get() : null;
  }

  /** So much CPU time of an event loop was spent. */
  public void spent(long cpuNanos) {
    nanos.add(cpuNanos);
    if (total != null) {
      total.spent(cpuNanos);
    }
  }

  /** So many bytes came from a socket. */
  public void received(int bytes) {
    received.add(bytes);
    if (total != null) {
      total.received(bytes);
    }
  }

  /** So many bytes were written to a socket. */
  public void sent(int bytes) {
    sent.add(bytes);
    if (total != null) {
      total.sent(bytes);
    }
  }

  /** CPU time of event loops, in nanoseconds; at most some 10 ms late. */
  public long cpuNanos() {
    return nanos.sum();
  }

  /** Bytes that came from sockets. */
  public long receivedBytes() {
    return received.sum();
  }

  /** Bytes that were written to sockets. */
  public long sentBytes() {
    return sent.sum();
  }
}
