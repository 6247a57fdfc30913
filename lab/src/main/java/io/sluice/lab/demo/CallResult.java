package io.sluice.lab.demo;

import io.sluice.linux.Errno;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Locale;

/** How a call ended, as the application saw it. */
sealed interface CallResult {
  /** From the call until its end. */
  long nanos();

  /** How it ended, for people. */
  String text();

  /** Whether an application answered. */
  default boolean isAnswered() {
    return this instanceof Answered;
  }

  /** Whether it ended with this error. */
  default boolean failedWith(Errno errno) {
    return this instanceof Failed failed && failed.errno == errno;
  }

  /** The time, for people. */
  default String took() {
    return millis(nanos());
  }

  /** Milliseconds with one decimal. */
  static String millis(long nanos) {
    return String.format(Locale.ROOT, "%.1f ms", nanos / 1e6);
  }

  /**
   * The server spoke.
   *
   * @param line what it said first
   * @param peer what getpeername(2) shows the client
   * @param local what getsockname(2) shows the client
   */
  record Answered(String line, InetSocketAddress peer, InetSocketAddress local, long nanos)
      implements CallResult {
    @Override
    public String text() {
      return "\"" + line + "\"";
    }

    /** The version that spoke: first word of its line. */
    String server() {
      return line.substring(0, Math.max(0, line.indexOf(' ')));
    }

    /** Whether the server accepted from exactly the address that the client has. */
    boolean serverSees(InetSocketAddress client) {
      return line.contains(" sees " + IpAddresses.text(client) + " at ");
    }

    /** Whether the server accepted from this address, with any port. */
    boolean serverSees(InetAddress client) {
      String text = IpAddresses.text(new InetSocketAddress(client, 0));
      return line.contains(" sees " + text.substring(0, text.length() - 1));
    }
  }

  /**
   * It did not.
   *
   * @param operation the system call that failed
   * @param errno with what
   */
  record Failed(String operation, Errno errno, long nanos) implements CallResult {
    @Override
    public String text() {
      return switch (errno) {
        case ECONNRESET -> "reset";
        case ECONNREFUSED -> "connection refused";
        case ETIMEDOUT -> "no answer in time";
        default -> operation + ": " + errno;
      };
    }
  }
}
