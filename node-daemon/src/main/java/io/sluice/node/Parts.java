package io.sluice.node;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;

/** The parts of a daemon in the order in which they were opened. For one thread at a time. */
final class Parts {
  private static final System.Logger LOG = System.getLogger(Parts.class.getName());

  /** One of them; {@code single}: what only one daemon of a node may have. */
  private record Part(AutoCloseable part, boolean single) {}

  private final Deque<Part> parts = new ArrayDeque<>();

  /** Adds what several processes may have side by side. */
  <T extends AutoCloseable> T opened(T part) {
    parts.push(new Part(part, false));
    return part;
  }

  /** Adds what only one daemon of a node may have: a path, a port, a writer of files or maps. */
  <T extends AutoCloseable> T single(T part) {
    parts.push(new Part(part, true));
    return part;
  }

  /** Closes what only one daemon may have, the latest first. */
  void closeSingle() {
    for (Iterator<Part> all = parts.iterator(); all.hasNext(); ) {
      Part next = all.next();
      if (next.single) {
        all.remove();
        close(next.part);
      }
    }
  }

  /** Closes all, the latest first. */
  void closeAll() {
    while (!parts.isEmpty()) {
      close(parts.pop().part);
    }
  }

  private static void close(AutoCloseable part) {
    try {
      part.close();
    } catch (Exception e) {
      // Top frame of the shutdown: one part must not keep the others open.
      LOG.log(System.Logger.Level.WARNING, "close_failed part=" + part, e);
    }
  }
}
