package io.sluice.proxy.socket;

import io.netty.channel.unix.Errors;
import io.sluice.mesh.decision.Reason;
import java.net.ConnectException;

/**
 * Why a connect failed. Netty keeps the errno of a ConnectException to itself and shows only the C
 * library's text, which follows the locale; so the text is compared with the one that Netty makes
 * of the errno in question.
 */
public final class ConnectFailures {
  private static final int ETIMEDOUT_NEGATIVE = -110;
  private static final String REFUSED = text(Errors.ERROR_ECONNREFUSED_NEGATIVE);
  private static final String RESET = text(Errors.ERRNO_ECONNRESET_NEGATIVE);
  private static final String TIMED_OUT = text(ETIMEDOUT_NEGATIVE);

  private ConnectFailures() {}

  /** What {@code cause} means for whoever wanted the connection. */
  public static Reason reason(Throwable cause) {
    String message = cause.getMessage();
    if (!(cause instanceof ConnectException) || message == null) {
      return Reason.UPSTREAM_UNREACHABLE;
    }
    if (message.contains(REFUSED) || message.contains(RESET)) {
      return Reason.UPSTREAM_REFUSED;
    }
    return message.contains(TIMED_OUT) ? Reason.CONNECT_TIMEOUT : Reason.UPSTREAM_UNREACHABLE;
  }

  private static String text(int negativeErrno) {
    String message = Errors.newIOException("", negativeErrno).toString();
    return message.substring(message.lastIndexOf(':') + 1).strip();
  }
}
