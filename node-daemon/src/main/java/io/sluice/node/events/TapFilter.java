package io.sluice.node.events;

import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import java.util.regex.Pattern;

/**
 * Which connections and requests somebody wants to see. What is empty is not asked for.
 *
 * @param pod NAMESPACE/NAME, or NAME, of the pod whose listener took it
 * @param path of the request begins so
 * @param status of the response: {@code 404}, {@code 5xx}, {@code 0} where there was none
 * @param verdict {@code allowed} or {@code refused}
 * @param max how many; 0 without end
 * @param perSecond of each pod, ten times as many of all: who looks at some of them spares the
 *     daemon the rest; 0 as many as there are
 */
public record TapFilter(
    String pod, String path, String status, String verdict, long max, int perSecond) {
  private static final Pattern STATUS = Pattern.compile("0|[1-5](xx|[0-9]{2})");
  private static final int CLASS = 100;
  private static final int MOST_PER_SECOND = 1_000;
  private static final int PARTS = 6;

  /** Throws {@link IllegalArgumentException} with the option that says something else. */
  public TapFilter {
    if (!status.isEmpty() && !STATUS.matcher(status).matches()) {
      throw new IllegalArgumentException(
          "--status '" + status + "' is no status: write 404, or 5xx, or 0 for no answer");
    }
    if (!verdict.isEmpty()
        && !verdict.equals(Outcome.ALLOWED.label())
        && !verdict.equals(Outcome.REFUSED.label())) {
      throw new IllegalArgumentException(
          "--verdict '" + verdict + "' is none: write allowed or refused");
    }
    if (!path.isEmpty() && !path.startsWith("/")) {
      throw new IllegalArgumentException("--path '" + path + "' does not begin with /");
    }
    if (max < 0) {
      throw new IllegalArgumentException("--max " + max + " is less than 0");
    }
    if (perSecond < 0 || perSecond > MOST_PER_SECOND) {
      throw new IllegalArgumentException(
          perSecond + " a second is no number up to " + MOST_PER_SECOND);
    }
  }

  /** Of everything so many; 0 all. */
  public static TapFilter some(int perSecond) {
    return new TapFilter("", "", "", "", 0, perSecond);
  }

  /** As the admin socket carries it. */
  public String toText() {
    return String.join(
        "\n", pod, path, status, verdict, Long.toString(max), Integer.toString(perSecond));
  }

  /** Reads {@link #toText}. */
  public static TapFilter parse(String text) {
    String[] parts = text.split("\n", -1);
    if (parts.length != PARTS) {
      throw new IllegalArgumentException("what is to be seen is told by " + PARTS + " lines");
    }
    return new TapFilter(
        parts[0],
        parts[1],
        parts[2],
        parts[3],
        Long.parseLong(parts[4]),
        Integer.parseInt(parts[5]));
  }

  /** Of a connection there is no status, and a path where it was refused for one request. */
  boolean wants(AccessRecord record) {
    RequestRecord asked = record.askedOrNull();
    return status.isEmpty()
        && (path.isEmpty() || asked != null && asked.path().startsWith(path))
        && wants(record.info(), record.verdict());
  }

  boolean wants(RequestRecord record) {
    return record.path().startsWith(path)
        && hasStatus(record.status())
        && wants(record.info(), record.verdict());
  }

  private boolean wants(ConnectionInfo info, Verdict seen) {
    return (verdict.isEmpty() || verdict.equals(seen.outcome().label()))
        && (pod.isEmpty()
            || (pod.contains("/") ? info.pod().toString() : info.pod().name()).equals(pod));
  }

  private boolean hasStatus(int seen) {
    return status.isEmpty()
        || (status.endsWith("xx")
            ? seen / CLASS == status.charAt(0) - '0'
            : seen == Integer.parseInt(status));
  }
}
