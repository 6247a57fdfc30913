package io.sluice.proxy.http;

/**
 * What one peer may ask of a codec.
 *
 * @param maxHeaderBytes of one list of fields, uncompressed, as RFC 9113 §6.5.2 counts; answered
 *     431
 * @param maxFields field lines of one message; answered 431
 * @param maxRequestLine bytes of a request's method and target; answered 414
 * @param maxConcurrentStreams exchanges at once on a connection of HTTP/2
 * @param maxResetsPerSecond RST_STREAM frames, of the peer and those that it makes us send
 * @param maxControlFramesPerSecond PING, SETTINGS, PRIORITY, CONTINUATION, GOAWAY, unknown and
 *     empty DATA frames together
 * @param streamWindow unread bytes that a peer may have sent in one exchange; 64 KiB or more
 * @param writeBuffer unsent bytes of one exchange above which no more are asked for
 */
record HttpLimits(
    int maxHeaderBytes,
    int maxFields,
    int maxRequestLine,
    int maxConcurrentStreams,
    int maxResetsPerSecond,
    int maxControlFramesPerSecond,
    int streamWindow,
    int writeBuffer) {
  static final HttpLimits DEFAULTS =
      new HttpLimits(60 * 1_024, 100, 8 * 1_024, 100, 200, 1_000, 256 * 1_024, 32 * 1_024);
}
