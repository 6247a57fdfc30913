package io.sluice.proxy.http2;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Frames that cost who sends them next to nothing, behind a request on stream 1 that is open.
 *
 * @param name for people
 */
public record Flood(String name, byte[] frames) {
  private static final int FRAMES = 5_000;

  /** All of them; {@code request} is the list of fields of one that is not answered at once. */
  public static List<Flood> of(byte[] request) {
    return List.of(
        of("a flood of PING", i -> RawClient.frame(RawClient.PING, 0, 0, new byte[8])),
        of("a flood of SETTINGS", i -> RawClient.frame(RawClient.SETTINGS, 0, 0, new byte[0])),
        of(
            "a flood of PRIORITY",
            i -> RawClient.frame(RawClient.PRIORITY, 0, 2 * i + 3, new byte[5])),
        of(
            "a flood of WINDOW_UPDATE",
            i -> RawClient.frame(RawClient.WINDOW_UPDATE, 0, 0, RawClient.number(1))),
        of("a flood of unknown frames", i -> RawClient.frame(0xbb, 0, 0, new byte[0])),
        of("a flood of empty DATA", i -> RawClient.frame(RawClient.DATA, 0, 1, new byte[0])),
        of(
            "a header list that never ends",
            i ->
                i == 0
                    ? RawClient.frame(RawClient.HEADERS, 0, 3, request)
                    : RawClient.frame(RawClient.CONTINUATION, 0, 3, RawClient.headers("a", "b"))),
        requests("rapid resets", FRAMES, request, RawClient.RST_STREAM, 8),
        requests("requests to be reset", FRAMES, request, RawClient.WINDOW_UPDATE, 0),
        // Too few frames, too many answers.
        requests("few requests to be reset", 190, request, RawClient.WINDOW_UPDATE, 0));
  }

  /** Requests, each followed by a frame that holds a number. */
  private static Flood requests(String name, int count, byte[] request, int type, int number) {
    return new Flood(
        name,
        many(
            count,
            i ->
                both(
                    RawClient.frame(RawClient.HEADERS, RawClient.END_HEADERS, 2 * i + 3, request),
                    RawClient.frame(type, 0, 2 * i + 3, RawClient.number(number)))));
  }

  private static Flood of(String name, IntFunction<byte[]> frame) {
    return new Flood(name, many(FRAMES, frame));
  }

  /** Frames one behind the other. */
  public static byte[] many(int count, IntFunction<byte[]> frame) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int i = 0; i < count; i++) {
      all.writeBytes(frame.apply(i));
    }
    return all.toByteArray();
  }

  private static byte[] both(byte[] first, byte[] second) {
    return many(2, i -> i == 0 ? first : second);
  }

  @Override
  public String toString() {
    return name;
  }
}
