package io.sluice.proxy.http;

import io.sluice.proxy.relay.ChannelEnd;

/** Hears of a connection that requests come by, on its event loop. */
interface HttpServerListener {
  /** A request has begun; {@code stream} is to be listened to before this returns. */
  void request(HttpStream stream, Head head, boolean last);

  /**
   * What came is no request, or not wholly. The codec answers, or ends the connection.
   *
   * @param within whether a request had begun before
   * @param answered whether the codec answers
   */
  void bad(BadMessage why, boolean within, boolean answered);

  /**
   * No exchange goes on.
   *
   * @param next takes what has come already; to be run once the upstream is free too
   */
  void idle(Runnable next);

  /** The connection is gone; called once, last. */
  void ended(ChannelEnd end);
}
