package io.sluice.cni.protocol;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The line before each message. A request is {@code SLUICE-CNI 1 <bytes>}, a reply {@code
 * SLUICE-CNI 1 <exit status> <bytes>}; the body of that many bytes follows.
 */
public final class CniFrame {
  /** Longest header line, its line feed included. */
  public static final int MAX_HEADER_BYTES = 64;

  /** Standard input of the client and what it says about the environment. */
  public static final int MAX_BODY_BYTES = (1 << 20) + 8 * (64 << 10);

  private static final Pattern REQUEST = Pattern.compile("SLUICE-CNI 1 (0|[1-9][0-9]{0,8})");

  private CniFrame() {}

  /**
   * How many bytes of body follow.
   *
   * @param line without its line feed
   * @throws CniError when it is no header of this version, or announces too much
   */
  public static int bodyBytes(String line) {
    Matcher header = REQUEST.matcher(line);
    if (!header.matches()) {
      throw new CniError(
          CniError.UNDECODABLE,
          "'" + line + "' is no request of this version",
          "client and daemon are of different releases: the daemon installs its own client");
    }
    int bytes = Integer.parseInt(header.group(1));
    if (bytes > MAX_BODY_BYTES) {
      throw new CniError(
          CniError.UNDECODABLE,
          "a request has at most " + MAX_BODY_BYTES + " bytes, not " + bytes,
          "");
    }
    return bytes;
  }

  /** A reply, ready to be sent: the client prints {@code body} and ends with {@code exitStatus}. */
  public static ByteBuffer reply(int exitStatus, byte[] body) {
    byte[] header =
        ("SLUICE-CNI 1 " + exitStatus + " " + body.length + "\n")
            .getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(header.length + body.length).put(header).put(body).flip();
  }
}
