package io.sluice.node.events;

import io.sluice.mesh.Decider;
import io.sluice.mesh.LoopbackRange;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One verdict worth telling.
 *
 * @param sequence grows by one with every event of this process
 * @param time when
 * @param origin {@code kernel}, {@code proxy}, or {@code enrolment} for a connection older than
 *     that
 * @param pod whose traffic it was, {@code netns:<cookie>} when that pod is not known any more
 * @param direction of the flow
 * @param protocol {@code tcp}, {@code udp}, or the IANA number; {@code http} of one request, {@link
 *     #COPY} of one that a mirror gets and whose answer nobody does
 * @param source client address; null when the hook runs before one is chosen
 * @param destination original destination; null when unknown
 * @param outcome what became of the flow
 * @param reason why
 * @param rule what decided; null when no object did
 * @param endpoint of a pod or beyond, where it was to arrive; null when none was chosen
 */
public record NodeEvent(
    long sequence,
    Instant time,
    String origin,
    String pod,
    Direction direction,
    String protocol,
    @Nullable InetSocketAddress source,
    @Nullable InetSocketAddress destination,
    Outcome outcome,
    Reason reason,
    @Nullable Decider rule,
    @Nullable InetSocketAddress endpoint) {

  /** {@link #protocol} of a copy of a request. */
  public static final String COPY = "http-copy";

  private static final String SETTING = "UpstreamTrafficSetting";
  private static final Duration OF_LATE = Duration.ofMinutes(1);

  /** Of which {@link #rule} is an UpstreamTrafficSetting, where it is known. */
  static final Set<Reason> BY_SETTING =
      Collections.unmodifiableSet(
          EnumSet.of(
              Reason.UPSTREAM_OVERFLOW,
              Reason.RATE_LIMITED,
              Reason.CIRCUIT_OPEN,
              Reason.RATE_LIMITED_GLOBALLY,
              Reason.RATE_LIMIT_FAILED));

  private static final String COOKIE = "netns:";

  /** {@link #pod} of a network namespace that is not known. */
  public static String podOf(long cookie) {
    return COOKIE + Long.toUnsignedString(cookie);
  }

  /**
   * The pod as it is known now: what was refused while no daemon ran is read before its pods are
   * enrolled.
   */
  public String pod(LongFunction<Optional<String>> names) {
    return pod.startsWith(COOKIE)
        ? names.apply(Long.parseUnsignedLong(pod.substring(COOKIE.length()))).orElse(pod)
        : pod;
  }

  /**
   * Where it was to go. Without a daemon the last hook sees a flow that is led to a listener of the
   * pod's loopback already, which is nothing that anybody called.
   */
  public @Nullable InetSocketAddress knownDestinationOrNull() {
    return isLed() ? null : destination;
  }

  /** The client; what is led to a listener of loopback has an address of that, and not its own. */
  public @Nullable InetSocketAddress knownSourceOrNull() {
    return isLed() && source != null && source.getAddress().isLoopbackAddress() ? null : source;
  }

  private boolean isLed() {
    return reason == Reason.PROXY_UNAVAILABLE
        && direction == Direction.OUTBOUND
        && destination != null
        && LoopbackRange.isLoopback(destination.getAddress());
  }

  /**
   * The reason in a sentence, and whether it befell a copy alone; where a port is not granted,
   * which one that is and which are.
   *
   * @param snapshot of now
   * @param closed what this node has against the pod at an address, which it keeps closed
   */
  public String explanation(MeshSnapshot snapshot, Function<InetAddress, Optional<String>> closed) {
    boolean refused = reason == Reason.UPSTREAM_REFUSED || reason == Reason.POD_CLOSED;
    String told =
        Optional.ofNullable(refused ? endpoint : null)
            .map(InetSocketAddress::getAddress)
            .flatMap(closed)
            .orElseGet(() -> cause(snapshot));
    return protocol.equals(COPY)
        ? "a copy for a RequestMirror, not the call itself: " + told
        : told;
  }

  /** Whether what it tells is likely to be so still at {@code now}. */
  public boolean isOfLate(Instant now) {
    return time.isAfter(now.minus(OF_LATE));
  }

  /** Whether the pod called, at such an address, was found closed by its own node. */
  public boolean isOfClosed(Predicate<InetAddress> pod) {
    return reason == Reason.POD_CLOSED && endpoint != null && pod.test(endpoint.getAddress());
  }

  private String cause(MeshSnapshot snapshot) {
    String told = reason.explanation();
    if (rule != null && BY_SETTING.contains(reason)) {
      String named = SETTING + " " + rule;
      return reason == Reason.RATE_LIMITED
          ? "the pod has taken as much of late as " + named + " allows"
          : told.replace(SETTING, named);
    }
    InetSocketAddress judged = endpoint == null ? destination : endpoint;
    if (reason != Reason.PORT_NOT_GRANTED
        || judged == null
        || !(rule instanceof NamespacedName target)) {
      return told;
    }
    String service =
        destination == null || destination.getPort() == judged.getPort()
            ? ""
            : " (Service port " + destination.getPort() + ")";
    return "pod port "
        + judged.getPort()
        + service
        + " is in no TCPRoute of TrafficTarget "
        + target
        + snapshot
            .permission(target)
            .map(permission ->
                permission.ports().some().stream()
                    .sorted()
                    .map(String::valueOf)
                    .collect(Collectors.joining(", ", ", which grants pod port ", "")))
            .orElse("");
  }
}
