package io.sluice.proxy;

import java.util.List;

/**
 * Hears of every connection. All calls about one connection come from one event loop, in order;
 * calls about different connections may be concurrent. Must not block and must not throw (what it
 * throws is logged and dropped).
 *
 * <p>Every accepted connection ends in exactly one {@link #refused} or, after {@link #opened}, one
 * {@link #closed}; but one whose requests are told of, each by {@link #request}, has no {@code
 * opened}, {@code bytes} and {@code closed} of its own.
 */
public interface ConnectionListener {
  /** The upstream has answered and bytes may flow. */
  void opened(ConnectionInfo info);

  /**
   * Bytes moved since the last call: at least every {@link ProxySettings#reportInterval()} while
   * any move, and before {@link #closed}.
   *
   * @param sentDelta bytes from the client to the upstream
   * @param receivedDelta bytes from the upstream to the client
   */
  void bytes(ConnectionInfo info, long sentDelta, long receivedDelta);

  /** An opened connection has ended. */
  void closed(AccessRecord record);

  /**
   * A connection was reset before its upstream answered; one that carries requests also later,
   * where nothing that could be asked on it is granted, or what came was no request.
   */
  void refused(AccessRecord record);

  /** An exchange has ended. */
  default void request(RequestRecord record) {}

  /** An exchange that has ended, or is about to, was tried more than once, or was to be. */
  default void retried(ConnectionInfo info, List<Retried> events) {}

  /** Whether records of requests are to say when their answers began: asked for each of them. */
  default boolean timesAnswers() {
    return false;
  }

  /** Headers, in lower case, that records of requests are to have: asked for each of them. */
  default List<String> headersToTell() {
    return List.of();
  }
}
