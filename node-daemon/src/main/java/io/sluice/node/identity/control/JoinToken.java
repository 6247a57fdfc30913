package io.sluice.node.identity.control;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What `sluice control token` prints: by which root the controller is believed, and what the node
 * proves itself with, once.
 *
 * @param rootFingerprint SHA-256 of the root certificate, 64 lower-case hexadecimal digits
 * @param id tells tokens apart; no secret
 * @param secret never logged
 */
public record JoinToken(String rootFingerprint, String id, String secret) {
  /** A file with more cannot be one. */
  static final int LONGEST = 1_024;

  private static final Pattern FORM =
      Pattern.compile(
          "sluice-join\\.([0-9a-f]{64})\\.([A-Za-z0-9_-]{1,128})\\.([A-Za-z0-9_-]{1,512})");

  /** Parses one line; the text itself stays out of the message. */
  public static JoinToken parse(String text) {
    Matcher matcher = FORM.matcher(text.strip());
    if (text.length() > LONGEST || !matcher.matches()) {
      throw new IllegalArgumentException(
          "no join token, which is sluice-join.<root>.<id>.<secret>; make one with `sluice control"
              + " token --node NAME`");
    }
    return new JoinToken(matcher.group(1), matcher.group(2), matcher.group(3));
  }

  /** The part that the controller is shown. */
  public String presented() {
    return id + "." + secret;
  }

  /** Without the secret. */
  @Override
  public String toString() {
    return "sluice-join." + rootFingerprint + "." + id;
  }
}
