package io.sluice.linux.syscall;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * An owned file descriptor: closed once, and unusable afterwards, since its number is used again.
 */
public final class Descriptor implements AutoCloseable {
  private static final int CLOSED = -1;

  private final AtomicInteger fd;
  private final String subject;

  /** Takes ownership of {@code fd}; {@code subject} names it in error messages. */
  public Descriptor(int fd, String subject) {
    this.fd = new AtomicInteger(fd);
    this.subject = subject;
  }

  /** The number. @throws IllegalStateException after {@link #close} */
  public int fd() {
    int open = fd.get();
    if (open == CLOSED) {
      throw new IllegalStateException(subject + " is closed");
    }
    return open;
  }

  /** What this is, for messages. */
  public String subject() {
    return subject;
  }

  @Override
  public void close() {
    int open = fd.getAndSet(CLOSED);
    if (open != CLOSED) {
      // Linux frees the number even when close reports an error, so there is nothing to repeat.
      FileCalls.close(open);
    }
  }
}
